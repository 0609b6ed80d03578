"""The history: the last eight weeks in numbers, for requests that include it.

All weeks are restated with this report's correction.
"""

from collections.abc import Iterable, Mapping

from report.analysis.cells import ScoredCells
from report.analysis.metrics import summary
from report.schema import HistoryWeek
from report.week import Week

WEEKS = 8


def history(week: Week, newest_first: Iterable[ScoredCells], reported_high_risk: Mapping[int, int]) -> tuple[HistoryWeek, ...]:
    """Return the newest weeks in numbers, oldest first.

    `reported_high_risk` has the customers at high risk in the report of each past week, by weeks ago, where known.
    """
    weeks = [_week(week.weeks_before(ago), scored, reported_high_risk.get(ago)) for ago, scored in enumerate(newest_first)]
    return tuple(reversed(weeks))


def _week(week: Week, scored: ScoredCells, reported_high_risk: int | None) -> HistoryWeek:
    numbers = summary(scored, scored)
    return HistoryWeek(
        week_ending=week.ending,
        customers=numbers.totalCustomers,
        highRiskCount=numbers.highRiskCount,
        churned=numbers.churnedThisWeek,
        retentionRate=numbers.retentionRate,
        avgChurnProbability=numbers.avgChurnProbability,
        spent=round(scored.spent, 2),
        expectedToLeave=round(scored.expected_to_leave, 1),
        spendAtStake=round(scored.spend_at_stake, 2),
        reportedHighRiskCount=reported_high_risk,
    )
