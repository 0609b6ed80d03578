"""What a report knows, as a table that the claims of a text are held against: a figure of a group of customers in a week.

Only these figures follow from others: the sum of groups that exclude each other (High + Medium), a share of a larger group, what
is left of a whole, the same figure last week, and the change since last week.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

from report.schema import (
    Backtest,
    Caveat,
    CaveatCode,
    Change,
    LastWeek,
    Outlook,
    Recommendation,
    RiskCount,
    RiskFactor,
    SegmentRow,
    Summary,
)
from report.summary import numbers as n
from report.summary.claims import Claim, claims, sentences
from report.summary.names import (
    ALL,
    CHURNED,
    LEVEL_NAMES,
    MISSING,
    RISKIEST,
    SEGMENT_NAMES,
    Group,
    What,
    When,
)

MIN_COUNT_FOR_PERCENT = 10
"""A change from a smaller count is not told in percent: from 1 to 2 is not "up 100 %"."""

MAX_TENTH_SHARE = 0.15
"""The riskiest customers are called a tenth only while ties keep them under this share of all."""
INCOMPARABLE: frozenset[CaveatCode] = frozenset({"days_without_events", "tracking_changed", "week_not_over"})


@dataclass(frozen=True)
class Facts:
    """What a summary may speak of: the aggregates of the brief's section 8.1, the week's dates, and no customer's data."""

    week_start: date
    week_ending: date
    summary: Summary
    key_insights: tuple[str, ...]
    risk_factors: tuple[RiskFactor, ...]
    segments: tuple[SegmentRow, ...]
    recommendations: tuple[Recommendation, ...]
    average_churn: float | None
    """In percent, as the insights have it: not rounded to the summary's four decimals first."""
    look_back: str = ""
    """How right the report of four weeks ago was: one of the insights, which the template repeats."""
    risk_levels: tuple[RiskCount, ...] = ()
    outlook: Outlook | None = None
    last_week: LastWeek | None = None
    caveats: tuple[Caveat, ...] = ()
    changes: tuple[Change, ...] = ()
    backtest: Backtest | None = None
    currency: str = "USD"

    @property
    def comparable(self) -> bool:
        """Whether this week may be compared with others: it is over, and its events arrived as before."""
        return not any(caveat.code in INCOMPARABLE for caveat in self.caveats)

    @property
    def news(self) -> tuple[Change, ...]:
        """The changes that are more than chance; none in a week that cannot be compared."""
        return tuple(change for change in self.changes if change.verdict != "usual") if self.comparable else ()

    @property
    def serious_caveats(self) -> tuple[Caveat, ...]:
        """The caveats that a summary must name."""
        return tuple(caveat for caveat in self.caveats if caveat.severity == "serious")


@dataclass(frozen=True)
class Fact:
    """One figure of the report; two values are the ends of a usual range."""

    group: Group
    when: When
    what: What
    values: tuple[float, ...]


Table = Mapping[tuple[Group, When, What], tuple[float, ...]]


def table(facts: Facts) -> Table:
    """Every figure of the report by whom it is about, when, and what it measures."""
    return {
        (fact.group, fact.when, fact.what): fact.values
        for fact in _facts(facts)
        if facts.comparable or fact.when not in ("before", "usual")
    }


def _facts(facts: Facts) -> Iterable[Fact]:
    summary = facts.summary

    def fact(group: Group, when: When, what: What, *values: float | None) -> Iterable[Fact]:
        known = tuple(value for value in values if value is not None)
        return (Fact(group, when, what, known),) if known else ()

    yield from fact(ALL, "now", "count", summary.totalCustomers)
    yield from fact(Group(levels=("High",)), "now", "count", summary.highRiskCount)
    yield from fact(Group(other=CHURNED), "now", "count", summary.churnedThisWeek)
    yield from fact(ALL, "now", "lost", summary.churnedThisWeek)
    yield from fact(ALL, "now", "retention", summary.retentionRate)
    yield from fact(ALL, "now", "risk", facts.average_churn)
    for level in facts.risk_levels:
        yield from fact(Group(levels=(level.riskLevel,)), "now", "count", level.count)
    for row in facts.segments:
        group = Group(segments=(row.segment,))
        yield from fact(group, "now", "count", row.count)
        yield from fact(group, "now", "risk", row.riskLevel if row.count else None)
        if facts.outlook:
            yield from fact(group, "before", "count", row.countBefore)
            yield from fact(group, "now", "spent", row.spent)
            yield from fact(group, "now", "leaving", row.expectedToLeave)
            yield from fact(group, "now", "at stake", row.spendAtStake)
            for name, count in zip(LEVEL_NAMES, (row.highRiskCount, row.mediumRiskCount, row.lowRiskCount), strict=True):
                yield from fact(Group(segments=(row.segment,), levels=(name,)), "now", "count", count)
    if outlook := facts.outlook:
        yield from fact(ALL, "now", "leaving", outlook.expectedToLeave)
        yield from fact(ALL, "before", "leaving", outlook.expectedToLeaveBefore)
        yield from fact(ALL, "now", "spent", outlook.spent)
        yield from fact(ALL, "before", "spent", outlook.spentBefore)
        yield from fact(ALL, "now", "at stake", outlook.spendAtStake)
        yield from fact(Group(other=MISSING), "now", "count", outlook.missingRegulars)
        tenth, riskiest = outlook.riskiestTenth, Group(other=RISKIEST)
        yield from fact(riskiest, "now", "count", tenth.customers)
        if tenth.avgChurnProbability is not None:
            yield from fact(riskiest, "now", "risk", 100 * tenth.avgChurnProbability)
            yield from fact(riskiest, "now", "leaving", tenth.customers * tenth.avgChurnProbability)
    if before := facts.last_week:
        yield from fact(ALL, "before", "count", before.totalCustomers)
        for name, count in zip(LEVEL_NAMES, (before.highRiskCount, before.mediumRiskCount, before.lowRiskCount), strict=True):
            yield from fact(Group(levels=(name,)), "before", "count", count)
        yield from fact(Group(other=CHURNED), "before", "count", before.churned)
        yield from fact(ALL, "before", "lost", before.churned)
        yield from fact(ALL, "before", "retention", before.retentionRate)
        yield from fact(ALL, "before", "risk", _in_percent(before.avgChurnProbability))
        yield from fact(ALL, "before", "at stake", before.spendAtStake)
    if past := facts.backtest:
        flagged, riskiest = Group(levels=("High",)), Group(other=RISKIEST)
        yield from fact(ALL, "past", "count", past.customers)
        yield from fact(ALL, "past", "lost", past.churned)
        yield from fact(ALL, "past", "leaving", past.customers * past.expected_churn_rate)
        yield from fact(ALL, "past", "risk", 100 * past.expected_churn_rate)
        yield from fact(flagged, "past", "count", past.flagged_high)
        yield from fact(flagged, "past", "lost", past.flagged_high_lost)
        yield from fact(riskiest, "past", "count", past.riskiest_tenth)
        yield from fact(riskiest, "past", "lost", past.riskiest_tenth_lost)
    for change in facts.changes:
        group, what = CHANGE_NAMES[change.what]
        yield from fact(group, "usual", what, change.usualLow, change.usualHigh)


CHANGE_NAMES: Mapping[str, tuple[Group, What]] = {
    "customers": (ALL, "count"),
    "spent": (ALL, "spent"),
    "expectedToLeave": (ALL, "leaving"),
    **{name: (Group(segments=(name,)), "count") for name in SEGMENT_NAMES},
}
"""What each of the report's changes measures."""


def _in_percent(share: float | None) -> float | None:
    return None if share is None else share * 100


class Known:
    """The report's figures and sentences, which bear a text's claims out or not."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.table = table(facts)
        self.factors = tuple(factor.factor for factor in facts.risk_factors)
        self.plain = _plain_values(facts)
        own = (
            *facts.key_insights,
            *(f"{_ended(advice.action)} {advice.expectedImpact}" for advice in facts.recommendations),
            *(caveat.text for caveat in facts.caveats),
            facts.look_back,
        )
        self.quotable = tuple(_words(sentence) for text in own for sentence in sentences(text))
        self.said: dict[object, list[float]] = defaultdict(list)
        for text in own:
            for claim in claims(text, self.factors):
                self.said[_signature(claim)].append(claim.number.value)

    def bears_out(self, claim: Claim) -> bool:
        """Whether the report says what `claim` does."""
        number = claim.number
        if number.unit in self.plain and any(map(number.covers, self.plain[number.unit])):
            return True
        known = self._figures(claim)
        if known is not None:
            return known
        if claim.named and any(map(number.covers, self.said.get(_signature(claim), ()))):
            return True
        quoted = _words(claim.clause)
        return len(quoted.split()) >= MIN_QUOTED_WORDS and any(f" {quoted} " in f" {own} " for own in self.quotable)

    def _figures(self, claim: Claim) -> bool | None:
        """Whether a figure of the table is the claim's; None where the table has no such figure."""
        answers = [answer for group in claim.groups for answer in (self._of(claim, group),) if answer is not None]
        return any(answers) if answers else None

    def _of(self, claim: Claim, group: Group) -> bool | None:
        number, when = claim.number, claim.when
        values: list[float] = []
        if group == Group(other=MISSING):
            claim = replace(claim, when="now", whats=())
            when = "now"
        match number.unit:
            case n.CUSTOMERS:
                for what in claim.whats or ("count",):
                    values += self._changes(group, what, number.sign) if number.sign else self._values(group, when, what)
            case n.MONEY:
                if self.facts.currency not in number.currencies:
                    return False
                whats: tuple[What, ...] = ("at stake",) if "leaving" in claim.whats else claim.whats or ("spent", "at stake")
                for what in whats:
                    values += self._changes(group, what, number.sign) if number.sign else self._values(group, when, what)
            case n.PERCENT if number.sign:
                values = self._percent_changes(group, claim.whats or ("count",), number.sign)
            case n.PERCENT:
                values = self._percents(claim, group)
            case n.POINTS:
                values = self._points(claim, group)
            case n.DECIMAL:
                values = [value / 100 for value in self._values(group, when, "risk")]
            case n.TIMES:
                tenth = self.facts.outlook.riskiestTenth if self.facts.outlook else None
                if group == Group(other=RISKIEST) and when == "now" and tenth and tenth.timesAverage is not None:
                    values = [tenth.timesAverage]
        if not values:
            return None
        return any(map(number.covers, values)) and self._went(group, claim)

    def _went(self, group: Group, claim: Claim) -> bool:
        """Whether the figure rose or fell as the text says."""
        usual: tuple[What, ...] = ("spent", "at stake") if claim.number.unit == n.MONEY else ("count",)
        changes = [change for what in claim.whats or usual for change in self._changes(group, what, 1)]
        return not claim.moved or not changes or any(change * claim.moved > 0 for change in changes)

    def _values(self, group: Group, when: When, what: What) -> list[float]:
        """A group's figure, or the sum of those of its parts."""
        if (known := self.table.get((group, when, what))) is not None:
            return list(known)
        if what == "risk":
            return self._ratio(self._values(group, when, "leaving"), self._values(group, when, "count"))
        if what == "staying":
            return [all_ - some for all_ in self._values(group, when, "count") for some in self._values(group, when, "leaving")]
        if what == "returned":
            return [all_ - some for all_ in self._values(group, when, "count") for some in self._values(group, when, "lost")]
        if what == "lost" and when != "past":
            return self._values(Group(other=CHURNED), when, "count") if group == ALL else []
        if what not in ("count", "leaving", "spent", "at stake") or when == "usual" or group.other:
            return []
        parts = [
            Group((segment,) if segment else (), (level,) if level else ())
            for segment in group.segments or ("",)
            for level in group.levels or ("",)
        ]
        values = [self.table.get((part, when, what)) for part in parts]
        found = [value[0] for value in values if value is not None]
        return [sum(found)] if len(found) == len(parts) > 1 else []

    @staticmethod
    def _ratio(parts: Iterable[float], wholes: Iterable[float]) -> list[float]:
        wholes = list(wholes)
        return [100 * part / whole for part in parts for whole in wholes if whole]

    def _percents(self, claim: Claim, group: Group) -> list[float]:
        when, base = claim.when, claim.base
        values: list[float] = []
        for what in claim.whats or ("count",):
            match what:
                case "count":
                    if group != base:
                        values += self._ratio(self._values(group, when, "count"), self._values(base, when, "count"))
                case "leaving":
                    values += self._values(group, when, "risk")
                case "of leavers":
                    if group != ALL:
                        values += self._ratio(self._values(group, when, "leaving"), self._values(ALL, when, "leaving"))
                case "staying":
                    values += [100 - value for value in self._values(group, when, "risk")]
                case "lost":
                    values += self._ratio(self._values(group, when, "lost"), self._values(group, when, "count"))
                    if group != ALL:
                        values += self._ratio(self._values(group, when, "lost"), self._values(ALL, when, "lost"))
                case "returned":
                    values += [
                        100 - value
                        for value in self._ratio(self._values(group, when, "lost"), self._values(group, when, "count"))
                    ]
                case "spent" | "at stake":
                    if group != ALL:
                        values += self._ratio(self._values(group, when, what), self._values(ALL, when, what))
                    elif what == "at stake":
                        values += self._ratio(self._values(ALL, when, what), self._values(ALL, when, "spent"))
                case "risk" | "retention":
                    values += self._values(group, when, what)
        return values

    def _changes(self, group: Group, what: What, sign: int) -> list[float]:
        """By how much a figure rose (or fell, for a negative sign) since last week."""
        return [
            (now - before) * sign for now in self._values(group, "now", what) for before in self._values(group, "before", what)
        ]

    def _percent_changes(self, group: Group, whats: Iterable[What], sign: int) -> list[float]:
        values: list[float] = []
        if not self.facts.comparable:
            return [math.nan]
        given = self.facts.summary.prevWeekComparison
        for what in whats:
            now, before = self._values(group, "now", what), self._values(group, "before", what)
            if what in ("count", "leaving", "lost") and any(value < MIN_COUNT_FOR_PERCENT for value in before):
                values.append(math.nan)
                continue
            values += [100 * (one - other) / other * sign for one in now for other in before if other]
            told = {
                (Group(levels=("High",)), "count"): given.highRisk,
                (Group(other=CHURNED), "count"): given.churned,
                (ALL, "lost"): given.churned,
                (ALL, "retention"): given.retention,
            }.get((group, what))
            values += [told * sign] if told is not None else []
        return values

    def _points(self, claim: Claim, group: Group) -> list[float]:
        """Differences of rates in percentage points: since last week, between two segments, or from what was expected."""
        sign, values = claim.number.sign, []
        if claim.when == "past":
            values = [
                abs(lost - expected)
                for lost in self._percents_of(group, "past", "lost")
                for expected in self._values(group, "past", "risk")
            ]
        elif len(group.segments) == 2 and not group.levels:
            one, other = (self._values(Group(segments=(name,)), "now", "risk") for name in group.segments)
            values = [abs(a - b) for a in one for b in other]
        else:
            for what in claim.whats or ("retention", "risk"):
                rate: What = "risk" if what == "leaving" else what
                for change in self._changes(group, rate, sign or 1):
                    values.append(change if sign else abs(change))
        return values

    def _percents_of(self, group: Group, when: When, what: What) -> list[float]:
        return self._ratio(self._values(group, when, what), self._values(group, when, "count"))


MIN_QUOTED_WORDS = 4
"""A clause of this many words that stands in a sentence of the report is that sentence's."""


def _signature(claim: Claim) -> object:
    number = claim.number
    return (number.unit, number.sign, claim.groups, claim.base, claim.when, claim.whats)


def _ended(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _words(text: str) -> str:
    return " ".join(text.lower().replace(",", "").strip(" .!?\"'").split())


def _plain_values(facts: Facts) -> Mapping[str, set[float]]:
    """The values of numbers that count no customers."""
    days = [facts.week_ending - timedelta(days=back) for back in range(14)]
    if facts.backtest:
        days += [facts.backtest.week_ending - timedelta(days=back) for back in range(7)]
    return {
        n.DAYS: {7, 28},
        n.WEEKS: {4, 8},
        n.SEGMENTS: {*range(1, len(facts.segments) + 1)},
        n.FACTORS: {*range(1, len(facts.risk_factors) + 1)},
        n.ACTIONS: {*range(1, len(facts.recommendations) + 1)},
        n.CALENDAR_DAY: {n.calendar_day(day.month, day.day) for day in days},
        n.YEAR: {day.year for day in days},
    }
