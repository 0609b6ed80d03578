"""Compare the claims of a text with the report: a number with a name must be that name's value.

Only these figures may be derived: the sum of groups that exclude each other (High + Medium), a share of a larger group, the rest
of a whole, the same figure last week, and the change since last week.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from report.analysis.sentences import at_stake_sentence, is_above_usual
from report.summary import numbers as n
from report.summary.caveats import things
from report.summary.claims import PLAIN_UNITS, Claim, claims, sentences
from report.summary.facts import Facts, Table, measured, table
from report.summary.names import ALL, CHURNED, HIGH, MISSING, SEGMENT_NAMES, Group, What, When

MIN_COUNT_FOR_PERCENT = 10
"""A change from a smaller count must not be in percent: from 1 to 2 is not "up 100 %"."""
MIN_QUOTED_WORDS = 4
"""A clause of at least this many words that is in a sentence of the report counts as a quotation of it."""

Signature = tuple[object, ...]
"""Everything in a claim except its value."""


@dataclass(frozen=True)
class Known:
    """The facts that can confirm the claims of a text."""

    table: Table
    given_changes: Mapping[tuple[Group, What], float]
    """Changes since last week in percent, as the report rounds them."""
    currency: str
    factors: tuple[str, ...]
    """The names of the report's risk factors."""
    plain: Mapping[str, frozenset[float]]
    """The values of numbers that do not count customers, by unit."""
    said: Mapping[Signature, frozenset[float]]
    """The claims of the report's own sentences."""
    untracked: tuple[str, ...]
    """Patterns of the things whose tracking changed: "no customer has any of them" is true."""
    quotable: tuple[str, ...]
    """The report's own sentences."""
    news: Mapping[tuple[Group, What], int]
    """Which way a figure is beyond what is usual: 1 above it, -1 below."""


def known(facts: Facts) -> Known:
    """Return the facts that can confirm the claims of a text about this report."""
    factors = tuple(factor.factor for factor in facts.risk_factors)
    own = (
        *facts.key_insights,
        *(f"{advice.action.rstrip('.')}. {advice.expectedImpact}" for advice in facts.recommendations),
        *(caveat.text.replace("_", " ") for caveat in facts.caveats),
        facts.backtest_sentence,
        at_stake_sentence(facts.outlook, facts.segments, facts.currency),
    )
    said: dict[Signature, set[float]] = {}
    plain = _plain(facts)
    for claim in (claim for text in own for claim in claims(text, factors)):
        if claim.number.unit in PLAIN_UNITS - {n.UNREADABLE}:
            plain.setdefault(claim.number.unit, set()).add(claim.number.value)
        else:
            said.setdefault(_signature(claim), set()).add(claim.number.value)
    return Known(
        table=table(facts),
        given_changes=_given_changes(facts),
        currency=facts.currency,
        factors=factors,
        plain={unit: frozenset(values) for unit, values in plain.items()},
        said={signature: frozenset(values) for signature, values in said.items()},
        untracked=tuple(words for caveat in facts.caveats for words in things(caveat)),
        quotable=tuple(_words(sentence) for text in own for sentence in sentences(text)),
        news={measured(change): 1 if is_above_usual(change) else -1 for change in facts.news},
    )


def bears_out(known: Known, claim: Claim) -> bool:
    """Tell whether the report confirms `claim`: in a sentence, in its figures, or, if it has no such figure, in a clause."""
    number = claim.number
    if _is_repeated(known, claim) or any(map(number.covers, known.plain.get(number.unit, ()))):
        return True
    if number.unit in (n.TREND, n.COURSE) and _is_said(known, claim):
        return True
    if number.unit == n.MONEY and known.currency not in number.currencies:
        return False
    answers = [answer for group in claim.groups if (answer := _is_figure(known, claim, group)) is not None]
    return any(answers) if answers else _is_said(known, claim)


def ranks(known: Known, group: Group, what: What, order: int) -> bool:
    """Tell whether a segment is the first of all (order 1) or the last (-1) by a measure of this week."""
    values = {name: _values(known.table, Group(segments=(name,)), "now", what) for name in SEGMENT_NAMES}
    there = [values[name][0] * order for name in SEGMENT_NAMES if values[name] and known.table[Group((name,)), "now", "count"][0]]
    own = values[group.segments[0]]
    return bool(own) and own[0] * order >= max(there, default=0.0)


def _is_repeated(known: Known, claim: Claim) -> bool:
    """Tell whether the claim's sentence is the report's own, or says that nobody has a thing whose tracking changed."""
    says_none = claim.number.value == 0 and not claim.number.words[0].isdigit()
    return _words(claim.sentence) in known.quotable or (
        says_none and any(re.search(words, claim.clause, re.IGNORECASE) for words in known.untracked)
    )


def _is_said(known: Known, claim: Claim) -> bool:
    """Tell whether a sentence of the report claims the same, or contains the claim's clause word for word."""
    if claim.named and any(map(claim.number.covers, known.said.get(_signature(claim), ()))):
        return True
    quoted = _words(claim.clause)
    return len(quoted.split()) >= MIN_QUOTED_WORDS and any(f" {quoted} " in f" {own} " for own in known.quotable)


def _signature(claim: Claim) -> Signature:
    return (claim.number.unit, claim.number.sign, claim.groups, claim.base, claim.when, claim.whats)


def _words(text: str) -> str:
    return " ".join(text.lower().replace(",", "").strip(" .!?\"'").split())


def _plain(facts: Facts) -> dict[str, set[float]]:
    days = [facts.week_ending - timedelta(days=back) for back in range(14)]
    if facts.backtest:
        days += [facts.backtest.week_ending - timedelta(days=back) for back in range(7)]
    return {
        n.DAYS: {7, 28},
        n.DAYS_AHEAD: {28},
        n.WEEKS_AHEAD: {4},
        n.WEEKS: {4, 8},
        n.SEGMENTS: set(range(1, len(facts.segments) + 1)),
        n.FACTORS: set(range(1, len(facts.risk_factors) + 1)),
        n.ACTIONS: set(range(1, len(facts.recommendations) + 1)),
        n.CALENDAR_DAY: {n.calendar_day(day.month, day.day) for day in days},
        n.YEAR: {day.year for day in days},
    }


def _given_changes(facts: Facts) -> Mapping[tuple[Group, What], float]:
    if not facts.comparable:
        return {}
    given = facts.summary.prevWeekComparison
    changes: Mapping[tuple[Group, What], float | None] = {
        (HIGH, "count"): given.highRisk,
        (Group(other=CHURNED), "count"): given.churned,
        (ALL, "lost"): given.churned,
        (ALL, "retention"): given.retention,
    }
    return {of: change for of, change in changes.items() if change is not None}


def _is_figure(known: Known, claim: Claim, group: Group) -> bool | None:
    """Tell whether a group's figure is what the claim says; None if the report has no such figure."""
    if group == Group(other=MISSING):
        claim = replace(claim, when="now", whats=())
    whats = claim.whats or DEFAULT_WHATS.get(claim.number.unit, ("count",))
    values = [value for what in whats for value in _figures(known, claim, group, what)]
    return any(map(claim.number.covers, values)) and _went(known.table, claim, group, whats) if values else None


DEFAULT_WHATS: Mapping[str, tuple[What, ...]] = {
    n.MONEY: ("spent", "at stake"),
    n.POINTS: ("retention", "risk"),
    n.DECIMAL: ("risk",),
    n.TIMES: ("times average",),
    n.COURSE: ("leaving",),
}
"""What a number with this unit measures if the words do not say; with other units it counts customers."""


def _figures(known: Known, claim: Claim, group: Group, what: What) -> list[float]:
    """Return every value that a number with the claim's unit may have for a group and a measure."""
    number, when, figures = claim.number, claim.when, known.table
    found: list[float] = []
    match number.unit:
        case n.MONEY if what not in ("spent", "at stake"):
            found = []  # nobody knows what was lost
        case n.CUSTOMERS | n.MONEY:
            found = _changes(figures, group, what, number.sign) if number.sign else _values(figures, group, when, what)
        case n.WHOLE:
            wholes = _values(figures, claim.base, when, "count")
            found = [float(round(part) >= round(whole)) for part in _values(figures, group, when, what) for whole in wholes]
        case n.PERCENT:
            found = _percent_changes(known, group, what, number.sign) if number.sign else _percents(figures, claim, group, what)
        case n.POINTS:
            found = _points(figures, claim, group, what)
        case n.DECIMAL:
            found = [value / 100 for value in _values(figures, group, when, "risk")]
        case n.TIMES:
            found = _values(figures, group, when, "times average")
        case n.TREND:
            found = _ways(known, claim, group, what)
        case n.COURSE:
            found = [way * (-1 if what in BAD or group.levels else 1) for way in _ways(known, claim, group, what)]
    return found


BAD: tuple[What, ...] = ("leaving", "lost", "at stake", "risk")
"""The measures of which less is better."""


def _ways(known: Known, claim: Claim, group: Group, what: What) -> list[float]:
    """Return the direction of a figure since last week, from what is usual, or of a past week from what was expected."""
    if claim.when == "usual":
        return [known.news.get((group, what), 0)]
    changes = _changes(known.table, group, what, 1)
    if claim.when == "past":
        lost, expected = (_values(known.table, group, "past", what) for what in ("lost", "leaving"))
        changes = [some - other for some in lost for other in expected] if what in ("lost", "leaving") else []
    return [(change > 0) - (change < 0) for change in changes]


def _went(figures: Table, claim: Claim, group: Group, whats: Iterable[What]) -> bool:
    """Tell whether the figure rose or fell as the text says, if the text says so."""
    changes = [change for what in whats for change in _changes(figures, group, what, 1)] if claim.moved else []
    return not changes or any(change * claim.moved > 0 for change in changes)


def _values(figures: Table, group: Group, when: When, what: What) -> list[float]:
    """Return a group's figure, the figures that follow from it, or the sum over its parts."""
    if (given := figures.get((group, when, what))) is not None:
        return list(given)
    match what:
        case "risk":
            return _percentages(_values(figures, group, when, "leaving"), _values(figures, group, when, "count"))
        case "staying" | "returned":
            gone: What = "leaving" if what == "staying" else "lost"
            return [
                count - some for count in _values(figures, group, when, "count") for some in _values(figures, group, when, gone)
            ]
        case "count" | "leaving" | "spent" | "at stake" if when != "usual" and not group.other:
            return _sum(figures, group, when, what)
        case _:
            return []


def _sum(figures: Table, group: Group, when: When, what: What) -> list[float]:
    """Return the sum of a figure over the segments and levels of a group; empty if one of them is unknown."""
    parts = [
        Group((segment,) if segment else (), (level,) if level else ())
        for segment in group.segments or ("",)
        for level in group.levels or ("",)
    ]
    found = [figures[part, when, what][0] for part in parts if (part, when, what) in figures]
    return [sum(found)] if len(found) == len(parts) > 1 else []


def _percentages(parts: Iterable[float], wholes: Iterable[float]) -> list[float]:
    wholes = list(wholes)
    return [100 * part / whole for part in parts for whole in wholes if whole]


def _percents(figures: Table, claim: Claim, group: Group, what: What) -> list[float]:
    """Return the possible values of a percentage that is not a change."""

    def of(group: Group, what: What) -> list[float]:
        return _values(figures, group, claim.when, what)

    shares: Mapping[What, list[float]]
    if group == ALL:
        shares = {"count": [], "of leavers": [], "spent": [], "lost": []}
        shares = {**shares, "at stake": _percentages(of(ALL, "at stake"), of(ALL, "spent"))}
    else:
        of_all: tuple[What, ...] = ("spent", "at stake", "lost")
        shares = {each: _percentages(of(group, each), of(ALL, each)) for each in of_all}
        shares = {**shares, "of leavers": _percentages(of(group, "leaving"), of(ALL, "leaving"))}
    if group != claim.base:
        shares = {**shares, "count": _percentages(of(group, "count"), of(claim.base, "count"))}
    values: Mapping[What, list[float]] = {
        **shares,
        "leaving": of(group, "risk"),
        "staying": [100 - value for value in of(group, "risk")],
        "lost": [*shares["lost"], *_percentages(of(group, "lost"), of(group, "count"))],
        "returned": _percentages(of(group, "returned"), of(group, "count")),
    }
    return values.get(what, of(group, what))


def _changes(figures: Table, group: Group, what: What, sign: int) -> list[float]:
    """Return how much a figure rose since last week, or fell for a negative sign."""
    return [
        (now - before) * sign
        for now in _values(figures, group, "now", what)
        for before in _values(figures, group, "before", what)
    ]


def _percent_changes(known: Known, group: Group, what: What, sign: int) -> list[float]:
    """Return by how many percent a figure rose since last week, or fell for a negative sign; none if it was a small count."""
    before = _values(known.table, group, "before", what)
    if what in ("count", "leaving", "lost") and any(value < MIN_COUNT_FOR_PERCENT for value in before):
        return []
    given = known.given_changes.get((group, what))
    return _percentages(_changes(known.table, group, what, sign), before) + ([] if given is None else [given * sign])


def _points(figures: Table, claim: Claim, group: Group, what: What) -> list[float]:
    """Return differences of rates in percentage points: between two segments, from the expected rate, or since last week."""
    sign = claim.number.sign
    if claim.when == "past":
        lost = _percentages(_values(figures, group, "past", "lost"), _values(figures, group, "past", "count"))
        return [abs(some - expected) for some in lost for expected in _values(figures, group, "past", "risk")]
    if len(group.segments) == 2 and not group.levels:
        one, other = (_values(figures, Group(segments=(name,)), "now", "risk") for name in group.segments)
        return [abs(a - b) for a in one for b in other]
    rate: What = "risk" if what == "leaving" else what
    return [change if sign else abs(change) for change in _changes(figures, group, rate, sign or 1)]
