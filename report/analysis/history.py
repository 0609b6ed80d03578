"""The last weeks in numbers, for those who ask: where the shop comes from, beside where it stands."""

from datetime import date, timedelta

from report.analysis.cells import ScoredCells
from report.analysis.metrics import summary
from report.schema import HistoryWeek

WEEKS = 8

NO_HISTORY = "The history failed this time, so the last eight weeks are not shown."
"""What the report says where the query for it alone failed."""


def history(week_ending: date, newest_first: tuple[ScoredCells, ...]) -> tuple[HistoryWeek, ...]:
    """Each of the weeks in numbers, oldest first; the newest ended on `week_ending`, each other one seven days before."""
    return tuple(
        _week(week_ending - timedelta(days=7 * weeks_ago), scored)
        for weeks_ago, scored in reversed(list(enumerate(newest_first)))
    )


def _week(week_ending: date, scored: ScoredCells) -> HistoryWeek:
    numbers = summary(scored, scored)
    return HistoryWeek(
        week_ending=week_ending,
        customers=numbers.totalCustomers,
        highRiskCount=numbers.highRiskCount,
        churned=numbers.churnedThisWeek,
        retentionRate=numbers.retentionRate,
        avgChurnProbability=numbers.avgChurnProbability,
    )
