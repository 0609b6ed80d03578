"""The facts for a summary, and a table of every figure of the report by customers, week and measure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from report.rules import comparable_with_last_week
from report.schema import (
    Backtest,
    Caveat,
    Change,
    LastWeek,
    Outlook,
    Recommendation,
    RiskCount,
    RiskFactor,
    SegmentRow,
    Summary,
)
from report.summary.names import ALL, CHURNED, HIGH, LEVEL_NAMES, MISSING, RISKIEST, Group, What, When

MAX_TENTH_SHARE = 0.15
"""The riskiest customers are called a tenth only if ties keep them under this share of all."""


@dataclass(frozen=True)
class Facts:
    """The facts for a summary: the aggregates of the brief's section 8.1 and the week's dates, without any customer's data."""

    week_start: date
    week_ending: date
    summary: Summary
    key_insights: tuple[str, ...]
    risk_factors: tuple[RiskFactor, ...]
    segments: tuple[SegmentRow, ...]
    recommendations: tuple[Recommendation, ...]
    average_churn: float | None
    """In percent, as in the insights: not first rounded to the summary's four decimals."""
    backtest_sentence: str
    """The backtest as a sentence, which the template has too; empty for too few customers."""
    risk_levels: tuple[RiskCount, ...]
    outlook: Outlook
    last_week: LastWeek
    caveats: tuple[Caveat, ...]
    changes: tuple[Change, ...]
    backtest: Backtest | None
    currency: str

    @property
    def days(self) -> tuple[date, ...]:
        """Return the seven days of the week."""
        return tuple(self.week_start + timedelta(days=number) for number in range(7))

    @property
    def comparable(self) -> bool:
        """Tell whether this week can be compared with last week."""
        return comparable_with_last_week(self.caveats, self.last_week)

    @property
    def news(self) -> tuple[Change, ...]:
        """Return the changes that are more than chance; none in a week that cannot be compared."""
        return tuple(change for change in self.changes if change.verdict != "usual") if self.comparable else ()

    @property
    def serious_caveats(self) -> tuple[Caveat, ...]:
        """Return the caveats that a summary must name."""
        return tuple(caveat for caveat in self.caveats if caveat.severity == "serious")


@dataclass(frozen=True)
class Fact:
    """One figure of the report; two values are the ends of the usual range."""

    group: Group
    when: When
    what: What
    values: tuple[float, ...]


Table = Mapping[tuple[Group, When, What], tuple[float, ...]]


def table(facts: Facts) -> Table:
    """List every figure of the report by group, week and measure.

    A week that cannot be compared has no figures of other weeks, except those of the backtest.
    """
    parts = (_this_week, _segments, _factors, _outlook, _last_week, _backtest, _usual)
    return {
        (fact.group, fact.when, fact.what): fact.values
        for part in parts
        for fact in part(facts)
        if facts.comparable or fact.when not in ("before", "usual")
    }


def _fact(group: Group, when: When, what: What, *values: float | None) -> Iterator[Fact]:
    known = tuple(value for value in values if value is not None)
    if known:
        yield Fact(group, when, what, known)


def _this_week(facts: Facts) -> Iterator[Fact]:
    summary = facts.summary
    yield from _fact(ALL, "now", "count", summary.totalCustomers)
    yield from _fact(HIGH, "now", "count", summary.highRiskCount)
    yield from _fact(Group(other=CHURNED), "now", "count", summary.churnedThisWeek)
    yield from _fact(ALL, "now", "lost", summary.churnedThisWeek)
    yield from _fact(ALL, "now", "retention", summary.retentionRate)
    yield from _fact(ALL, "now", "risk", facts.average_churn)
    for level in facts.risk_levels:
        yield from _fact(Group(levels=(level.riskLevel,)), "now", "count", level.count)


def _segments(facts: Facts) -> Iterator[Fact]:
    for row in facts.segments:
        group = Group(segments=(row.segment,))
        yield from _fact(group, "now", "count", row.count)
        yield from _fact(group, "now", "risk", row.riskLevel if row.count else None)
        yield from _fact(group, "before", "count", row.countBefore)
        yield from _fact(group, "now", "spent", row.spent)
        yield from _fact(group, "now", "leaving", row.expectedToLeave)
        yield from _fact(group, "now", "at stake", row.spendAtStake)
        for name, count in zip(LEVEL_NAMES, (row.highRiskCount, row.mediumRiskCount, row.lowRiskCount), strict=True):
            yield from _fact(Group((row.segment,), (name,)), "now", "count", count)


def _factors(facts: Facts) -> Iterator[Fact]:
    for factor in facts.risk_factors:
        yield from _fact(Group(other=factor.factor.lower()), "now", "count", factor.customers)


def _outlook(facts: Facts) -> Iterator[Fact]:
    outlook = facts.outlook
    yield from _fact(ALL, "now", "leaving", outlook.expectedToLeave)
    yield from _fact(ALL, "before", "leaving", outlook.expectedToLeaveBefore)
    yield from _fact(ALL, "now", "spent", outlook.spent)
    yield from _fact(ALL, "before", "spent", outlook.spentBefore)
    yield from _fact(ALL, "now", "at stake", outlook.spendAtStake)
    yield from _fact(Group(other=MISSING), "now", "count", outlook.missingRegulars)
    tenth, riskiest = outlook.riskiestTenth, Group(other=RISKIEST)
    yield from _fact(riskiest, "now", "count", tenth.customers)
    yield from _fact(riskiest, "now", "times average", tenth.timesAverage)
    if tenth.avgChurnProbability is not None:
        yield from _fact(riskiest, "now", "risk", 100 * tenth.avgChurnProbability)
        yield from _fact(riskiest, "now", "leaving", tenth.customers * tenth.avgChurnProbability)


def _last_week(facts: Facts) -> Iterator[Fact]:
    before = facts.last_week
    yield from _fact(ALL, "before", "count", before.totalCustomers)
    counts = (before.highRiskCount, before.mediumRiskCount, before.lowRiskCount)
    for name, count in zip(LEVEL_NAMES, counts, strict=True):
        yield from _fact(Group(levels=(name,)), "before", "count", count)
    yield from _fact(Group(other=CHURNED), "before", "count", before.churned)
    yield from _fact(ALL, "before", "lost", before.churned)
    yield from _fact(ALL, "before", "retention", before.retentionRate)
    yield from _fact(ALL, "before", "risk", None if before.avgChurnProbability is None else 100 * before.avgChurnProbability)
    yield from _fact(ALL, "before", "at stake", before.spendAtStake)


def _backtest(facts: Facts) -> Iterator[Fact]:
    if (past := facts.backtest) is None:
        return
    yield from _fact(ALL, "past", "count", past.customers)
    yield from _fact(ALL, "past", "lost", past.churned)
    yield from _fact(ALL, "past", "leaving", past.customers * past.expected_churn_rate)
    yield from _fact(ALL, "past", "risk", 100 * past.expected_churn_rate)
    yield from _fact(HIGH, "past", "count", past.flagged_high)
    yield from _fact(HIGH, "past", "lost", past.flagged_high_lost)
    yield from _fact(Group(other=RISKIEST), "past", "count", past.riskiest_tenth)
    yield from _fact(Group(other=RISKIEST), "past", "lost", past.riskiest_tenth_lost)


def _usual(facts: Facts) -> Iterator[Fact]:
    for change in facts.changes:
        group, what = measured(change)
        yield from _fact(group, "usual", what, change.usualLow, change.usualHigh)


def measured(change: Change) -> tuple[Group, What]:
    """Return whose change it is, and of what."""
    return _CHANGES.get(change.what, (Group(segments=(change.what,)), "count"))


_CHANGES: Mapping[str, tuple[Group, What]] = {
    "customers": (ALL, "count"),
    "spent": (ALL, "spent"),
    "expectedToLeave": (ALL, "leaving"),
}
"""What some of the report's changes measure; the others count a segment's customers."""
