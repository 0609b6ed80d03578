"""The words of the report for people: a `Report` as it is shown. HTML, PDF, mail and Slack only lay it out."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from typing import Literal, TypeAlias
from zoneinfo import ZoneInfo

from report.analysis.sentences import backtest_sentence, expected_to_leave, missing_regulars_sentence, of_average_shop
from report.formatting import (
    counted,
    day,
    days,
    moment,
    money,
    money_whole,
    percent,
    percent_whole,
    points,
    short_day,
    whole,
)
from report.pages.definitions import definitions, segment_rule
from report.rules import CHURNED, HIGH, SEGMENTS
from report.schema import (
    AtRiskCustomer,
    Backtest,
    Change,
    ChangeName,
    CustomerListName,
    HistoryWeek,
    Meta,
    MissingRegular,
    Priority,
    Recommendation,
    Report,
    ReportData,
    RiskFactor,
    RiskLevel,
    SegmentRow,
    Severity,
    Verdict,
)

NOTHING = "–"
"""Shown in place of a missing number."""
MAX_FIRST_ACTIONS = 3
"""How many recommendations the first screen shows."""
MIN_WEEKS_TO_DRAW = 2
MAX_TENTH = 0.15
"""The riskiest customers are called a tenth only if ties keep them below this share."""
MIN_WORTH_TELLING = 10
"""With fewer customers in a past week, the backtest is not shown."""

HEADINGS: Mapping[str, str] = {
    "title": "Weekly churn report",
    "caveats": "Read this first",
    "figures": "The week in four figures",
    "segments": "Customer segments",
    "actions": "Recommended actions",
    "more_actions": "More you can do",
    "backtest": "How right the last report was",
    "summary": "Executive summary",
    "insights": "Key insights",
    "metrics": "Key metrics",
    "factors": "Top risk factors",
    "history": "The last eight weeks",
    "customers": "Customers most at risk",
    "missing": "Regulars who did not come",
    "notes": "What the words mean",
}
COLUMNS: Mapping[str, str] = {
    "segment": "Segment",
    "customers": "Customers",
    "before": "Last week",
    "spent": "Spent",
    "levels": "Risk: high, medium, low",
    "stake": "Sales at stake",
    "customer": "Customer",
    "risk": "Risk",
    "expected_loss": "Expected loss",
    "active_weeks": "Weeks active before",
    "reasons": "Leading reasons",
    "last_visit": "Last visit",
    "spent_nine_weeks": "Spent in nine weeks",
    "week_ending": "Week ending",
    "expected": "Expected to leave",
    "sales": "Sales",
    "high_risk": "High risk",
    "churned": "Churned",
    "retention": "Retention",
}
PRIORITIES: Mapping[Priority, str] = {"high": "High priority", "medium": "Medium priority", "low": "Low priority"}
LISTS: Mapping[CustomerListName, str] = {
    "at_risk": "Customers most at risk",
    "missing_regulars": "Regulars who did not come",
    "high_value": "High-Value customers at risk",
}
"""The names of the lists of `GET /reports/customers`."""

LESS_AND_MORE: Mapping[ChangeName, tuple[str, str]] = {"spent": ("lower", "higher")}
"""The words for a figure below and above the usual range; the other figures are counts: fewer and more."""

US_LETTER_CURRENCIES = ("USD", "CAD", "MXN")
US_LETTER_ZONES = ("America/", "US/", "Canada/", "Pacific/Honolulu")
"""Clients with these currencies print on US Letter; all others get A4."""

Paper = Literal["a4", "us-letter"]
_Measure: TypeAlias = tuple[str, str, ChangeName | None, float, float, Callable[[float], str], Callable[[HistoryWeek], float]]
"""A label, the id of its definition, its change, this week's and last week's value, its format, and the value of a past week."""


@dataclass(frozen=True)
class HeadlineView:
    """The news of the week, other news, and the news in a subject line."""

    text: str
    detail: str
    short: str


@dataclass(frozen=True)
class CaveatView:
    """A caveat of the report."""

    text: str
    severity: Severity


@dataclass(frozen=True)
class Line:
    """One figure over the last weeks: strokes in a unit square, x to the right, y up from zero, with gaps for unknown weeks."""

    strokes: tuple[tuple[tuple[float, float], ...], ...]
    now: tuple[float, float] | None
    """The point of this week; None if it has no number."""
    usual: tuple[float, float] | None
    """The usual range of y; None if it is not known."""
    first_day: str
    last_day: str
    description: str


@dataclass(frozen=True)
class Figure:
    """One of the four figures of the week, last week's value, and whether the change is more than chance."""

    label: str
    term: str
    """The id of its definition."""
    value: str
    before: str
    verdict: Verdict | None
    """None if the usual range is not known."""
    usual: str
    """The verdict in words; empty if it is not known."""
    line: Line | None


@dataclass(frozen=True)
class Level:
    """The customers at one risk level, and their share of all, from 0 to 1."""

    level: RiskLevel
    count: str
    percent: str
    share: float


@dataclass(frozen=True)
class Segment:
    """One customer segment. Its bar of sales at stake goes from 0 to 1."""

    name: str
    rule: str
    count: str
    before: str
    verdict: Verdict | None
    usual: str
    """The verdict in words; empty if the count is usual or the usual range is not known."""
    spent: str
    has_customers: bool
    levels: tuple[Level, ...]
    levels_description: str
    expected: str
    stake: str
    bar: float


@dataclass(frozen=True)
class Action:
    """Something to do: for whom, and how much money of a week is at stake."""

    text: str
    why: str
    whom: str
    money: str
    priority_label: str
    list: CustomerListName | None
    list_name: str


@dataclass(frozen=True)
class BacktestView:
    """The backtest: what was expected four weeks ago, the outcome, and what that means."""

    expected: str
    came: str
    detail: str


@dataclass(frozen=True)
class Metric:
    """One of the brief's counts, and how it changed."""

    label: str
    value: str
    change: str


@dataclass(frozen=True)
class Factor:
    """Why customers are at risk."""

    name: str
    impact: RiskLevel
    impact_label: str
    customers: str


@dataclass(frozen=True)
class HistoryRow:
    """One of the last weeks."""

    week_ending: str
    sales: str
    customers: str
    expected: str
    stake: str
    high_risk: str
    churned: str
    retention: str


@dataclass(frozen=True)
class CustomerRow:
    """One of the riskiest customers."""

    name: str
    email: str
    user_id: str
    loss: str
    loss_value: float
    probability: str
    probability_value: float
    level: RiskLevel
    segment: str
    spent: str
    spent_value: float
    spent_usd_value: float
    active_weeks: str
    active_weeks_value: int
    reasons: str


@dataclass(frozen=True)
class MissingRow:
    """A regular who did not come."""

    name: str
    email: str
    user_id: str
    last_visit: str
    weeks_since: int
    active_weeks: str
    active_weeks_value: int
    spent: str
    spent_value: float
    spent_usd_value: float


@dataclass(frozen=True)
class View:
    """All that the report shows, in its order."""

    headings: Mapping[str, str]
    columns: Mapping[str, str]
    client_id: int
    week_ending: str
    """As in an address, like the two below."""
    previous_week: str
    next_week: str
    """Empty if that week has not begun."""
    shop: str
    period: str
    short_period: str
    title: str
    paper: Paper
    caveats: tuple[CaveatView, ...]
    headline: HeadlineView
    figures: tuple[Figure, ...]
    figures_note: str
    segments: tuple[Segment, ...]
    actions: tuple[Action, ...]
    more_actions: tuple[Action, ...]
    no_actions: str
    backtest: BacktestView | None
    summary: tuple[str, ...]
    summary_source: str
    insights: tuple[str, ...]
    metrics: tuple[Metric, ...]
    levels: tuple[Level, ...]
    factors: tuple[Factor, ...]
    factors_of: str
    no_factors: str
    history: tuple[HistoryRow, ...]
    history_note: str
    customers: tuple[CustomerRow, ...] | None
    no_customers: str
    missing: tuple[MissingRow, ...] | None
    no_missing: str
    memory_weeks: int
    notes: tuple[tuple[str, str, str], ...]
    """The id, the word and its meaning."""
    made: str


def view(report: Report) -> View:
    """Write the report as it is shown."""
    data, meta = report.report_data, report.meta
    shop = _one_line(meta.client_name or "") or f"Client {meta.client_id}"
    made_at = meta.generated_at.astimezone(ZoneInfo(meta.time_zone))
    actions = tuple(_action(row, meta.currency) for row in data.recommendations)
    caveats = tuple(CaveatView(caveat.text, caveat.severity) for caveat in data.caveats)
    summary = tuple(paragraph for part in data.executiveSummary.split("\n") if (paragraph := part.strip()))
    backtest = (
        _backtest(meta.backtest, report.week_ending) if meta.backtest and meta.backtest.customers >= MIN_WORTH_TELLING else None
    )
    return View(
        headings=HEADINGS,
        columns=COLUMNS,
        client_id=meta.client_id,
        week_ending=report.week_ending.isoformat(),
        previous_week=(report.week_ending - timedelta(days=7)).isoformat(),
        next_week=_next_week(report.week_ending, made_at.date()),
        shop=shop,
        period=days(meta.week_start, report.week_ending),
        short_period=_short_period(meta.week_start, report.week_ending),
        title=f"{shop}, {days(meta.week_start, report.week_ending)}: {HEADINGS['title'].lower()}",
        paper=_paper(meta),
        caveats=caveats,
        headline=HeadlineView(data.headline.text, data.headline.detail, data.headline.short),
        figures=_figures(data, meta.currency, meta.partial),
        figures_note=_figures_note(data),
        segments=_segments(data, meta.currency),
        actions=actions[:MAX_FIRST_ACTIONS],
        more_actions=actions[MAX_FIRST_ACTIONS:],
        no_actions="Nothing calls for action this week.",
        backtest=backtest,
        summary=summary,
        summary_source="Written by Gemini; every number in it was checked against this report."
        if meta.summary_source == "gemini"
        else "Written from a template with this report’s numbers.",
        insights=_insights(report, summary),
        metrics=_metrics(data, compared=data.lastWeek.complete and not (meta.partial or _has_serious(data))),
        levels=_levels([row.count for row in data.riskBreakdown]),
        factors=tuple(map(_factor, data.topRiskFactors)),
        factors_of=_factors_of(data),
        no_factors="Nothing that the model knows of drives the risk of these customers.",
        history=tuple(_history_row(week, meta.currency) for week in reversed(data.history or ())),
        history_note="All weeks are restated with what is known today. What a report counted otherwise then stands in brackets.",
        customers=None
        if data.atRiskCustomers is None
        else tuple(_customer(row, meta.currency, meta.memory_weeks) for row in data.atRiskCustomers),
        no_customers="No customers were active this week.",
        missing=None if data.missingRegulars is None else tuple(_missing(row, meta.currency) for row in data.missingRegulars),
        no_missing="Nobody who used to come regularly has stayed away for two weeks."
        if data.outlook.missingRegulars is not None
        else "Not known: the week is not over, or days are missing in it or in the one before.",
        memory_weeks=meta.memory_weeks,
        notes=definitions(meta),
        made=f"Made {moment(made_at)} · week in time zone {meta.time_zone} · model {meta.model_version}",
    )


def file_name(report: Report) -> str:
    """Return the name of the report's file, without the ending."""
    return f"churn-report-{report.meta.client_id}-{report.week_ending.isoformat()}"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _next_week(ending: date, today: date) -> str:
    following = ending + timedelta(days=7)
    return following.isoformat() if following - timedelta(days=6) <= today else ""


def _short_period(first: date, last: date) -> str:
    """Write the week in the short form of the narrow bar: "Jan 13–19, 2025"."""
    end = f"{last.day}, {last.year}" if first.month == last.month else f"{short_day(last)}, {last.year}"
    return f"{short_day(first)}–{end}"


def _paper(meta: Meta) -> Paper:
    letter = meta.currency in US_LETTER_CURRENCIES and meta.time_zone.startswith(US_LETTER_ZONES)
    return "us-letter" if letter else "a4"


def _has_serious(data: ReportData) -> bool:
    return any(caveat.severity == "serious" for caveat in data.caveats)


def _insights(report: Report, summary: Iterable[str]) -> tuple[str, ...]:
    """Return the insights that are nowhere else on the page: not in the headline, an action, the backtest or the summary."""
    data, before = report.report_data, report.report_data.lastWeek.totalCustomers
    missing = any(action.id == "missing_regulars" for action in data.recommendations)
    elsewhere = {
        *(
            expected_to_leave(data.summary.totalCustomers, of_last, data.outlook, average_shop=of_average_shop(data.caveats))
            for of_last in (before, 0)  # a week that cannot be compared is shown alone
        ),
        backtest_sentence(report.meta.backtest),
        missing_regulars_sentence(data.outlook) if missing else "",
    }
    said = " ".join([*summary, *(caveat.text for caveat in data.caveats)])
    return tuple(insight for insight in dict.fromkeys(data.keyInsights) if insight not in elsewhere and insight not in said)


# The four figures


def _figures(data: ReportData, currency: str, partial: bool) -> tuple[Figure, ...]:
    changes = {change.what: change for change in data.changes}
    outlook, last = data.outlook, data.lastWeek
    customers, before = data.summary.totalCustomers, last.totalCustomers
    last_week = "in all of last week" if partial else "last week" if last.complete else "last week, with days missing"

    def in_money(amount: float) -> str:
        return money_whole(amount, currency)

    measures: tuple[_Measure, ...] = (
        ("Sales", "sales", "spent", outlook.spent, outlook.spentBefore, in_money, lambda week: week.spent),
        ("Customers", "customer", "customers", customers, before, _rounded, lambda week: week.customers),
        (
            *("Expected to leave", "expected-to-leave", "expectedToLeave"),
            *(outlook.expectedToLeave, outlook.expectedToLeaveBefore, _rounded, lambda week: week.expectedToLeave),
        ),
        ("Sales at stake", "at-stake", None, outlook.spendAtStake, last.spendAtStake, in_money, lambda week: week.spendAtStake),
    )
    return tuple(
        Figure(
            label=label,
            term=term,
            value=said(now),
            before=f"{said(was)} {last_week}" if before else "no customers last week",
            verdict=changes[what].verdict if what in changes else None,
            usual=_against_usual(changes[what]) if what in changes else "",
            line=_line(data.history or (), of_week, said, changes.get(what) if what else None),
        )
        for label, term, what, now, was, said, of_week in measures
    )


def _against_usual(change: Change) -> str:
    """Say whether a figure is usual. A verdict of better means more, except for customers who leave."""
    if change.verdict == "usual":
        return "as usual"
    more = (change.verdict == "better") != (change.what == "expectedToLeave")
    return f"{LESS_AND_MORE.get(change.what, ('fewer', 'more'))[more]} than usual"


def _rounded(number: float) -> str:
    return whole(round(number))


def _line(
    history: tuple[HistoryWeek, ...],
    value: Callable[[HistoryWeek], float | None],
    said: Callable[[float], str],
    change: Change | None,
) -> Line | None:
    """Draw a figure's last weeks from zero; None if no value is above zero."""
    values = [value(week) if week.customers else None for week in history]
    top = max([0.0, *(number for number in values if number is not None), *([change.usualHigh] if change else [])])
    if top <= 0 or sum(number is not None for number in values) < MIN_WEEKS_TO_DRAW:
        return None
    points = [
        None if number is None else (index / (len(values) - 1), max(number, 0.0) / top) for index, number in enumerate(values)
    ]
    return Line(
        strokes=tuple(
            tuple(point for point in stroke if point)
            for has_number, stroke in groupby(points, key=lambda point: point is not None)
            if has_number
        ),
        now=points[-1],
        usual=(max(change.usualLow, 0.0) / top, change.usualHigh / top) if change and change.usualHigh > 0 else None,
        first_day=short_day(history[0].week_ending),
        last_day=short_day(history[-1].week_ending),
        description=_sentence(
            f"{short_day(week.week_ending)} {NOTHING if number is None else said(number)}"
            for week, number in zip(history, values, strict=True)
        ),
    )


def _figures_note(data: ReportData) -> str:
    if sum(week.customers > 0 for week in data.history or ()) < MIN_WEEKS_TO_DRAW:
        return ""
    band = " The shaded band is what is usual here." if data.changes else ""
    return f"Lines show the last {counted(len(data.history or ()), 'week')}, from zero.{band}"


# Segments


def _segments(data: ReportData, currency: str) -> tuple[Segment, ...]:
    changes = {change.what: change for change in data.changes}
    most = max([0.0, *(row.spendAtStake for row in data.segmentBreakdown)])
    return tuple(_segment(row, changes.get(row.segment), most, currency) for row in data.segmentBreakdown)


def _segment(row: SegmentRow, change: Change | None, most: float, currency: str) -> Segment:
    levels = _levels([row.highRiskCount, row.mediumRiskCount, row.lowRiskCount])
    return Segment(
        name=row.segment,
        rule=segment_rule(SEGMENTS.index(row.segment)),
        count=whole(row.count),
        before=whole(row.countBefore),
        verdict=change.verdict if change else None,
        usual=_against_usual(change) if change and change.verdict != "usual" else "",
        spent=money_whole(row.spent, currency),
        has_customers=row.count > 0,
        levels=levels,
        levels_description=_sentence(f"{level.level} {level.count}" for level in levels),
        expected=whole(round(row.expectedToLeave)),
        stake=money_whole(row.spendAtStake, currency),
        bar=max(row.spendAtStake, 0.0) / most if most > 0 else 0.0,
    )


def _levels(counts: Iterable[int]) -> tuple[Level, ...]:
    counts = tuple(counts)
    customers = sum(counts)
    names: tuple[RiskLevel, ...] = ("High", "Medium", "Low")
    shares = [count / customers if customers else 0.0 for count in counts]
    return tuple(
        Level(name, whole(count), percent(share * 100), share) for name, count, share in zip(names, counts, shares, strict=True)
    )


# Actions


def _action(row: Recommendation, currency: str) -> Action:
    return Action(
        text=row.action,
        why=row.expectedImpact,
        whom="" if row.customers is None else counted(row.customers, "customer"),
        money="" if row.spendAtStake is None else money_whole(row.spendAtStake, currency),
        priority_label=PRIORITIES[row.priority],
        list=row.list,
        list_name=LISTS[row.list] if row.list else "",
    )


# The backtest


def _backtest(backtest: Backtest, week_ending: date) -> BacktestView:
    weeks = (week_ending - backtest.week_ending).days / 7
    when = "Four weeks ago" if weeks == 4 else f"In the week that ended {day(backtest.week_ending)}"
    expected = whole(round(backtest.expected_churn_rate * backtest.customers))
    of = counted(backtest.customers, "customer")
    return BacktestView(
        expected=f"{when} we said that {expected} of {of} would stay away for four weeks."
        if backtest.as_issued
        else f"{when} this report, with what was known then, would have expected {expected} of {of} to stay away for four weeks.",
        came=f"{whole(backtest.churned)} did.",
        detail=" ".join(
            filter(
                None,
                [
                    _riskiest(backtest),
                    _flagged(backtest),
                    "" if backtest.corrected else "There was no earlier week to learn from then.",
                ],
            )
        ),
    )


def _riskiest(backtest: Backtest) -> str:
    if backtest.riskiest_tenth < MIN_WORTH_TELLING or not backtest.churned:
        return ""
    tenth = backtest.riskiest_tenth <= MAX_TENTH * backtest.customers
    whom = "Of the riskiest tenth then" if tenth else f"Of the riskiest {whole(backtest.riskiest_tenth)} then"
    share, all_ = backtest.riskiest_tenth_lost / backtest.riskiest_tenth, backtest.churned / backtest.customers
    times = f"; of all customers, {percent_whole(all_ * 100)}"
    return f"{whom}, {percent_whole(share * 100)} did not come back{times}."


def _flagged(backtest: Backtest) -> str:
    if backtest.flagged_high < MIN_WORTH_TELLING:
        return ""
    flagged = counted(backtest.flagged_high, "customer")
    return f"Of {flagged} at high risk then, {whole(backtest.flagged_high_lost)} did not come back."


# The brief's counts


def _metrics(data: ReportData, compared: bool) -> tuple[Metric, ...]:
    now, last = data.summary, data.lastWeek
    retention = NOTHING if now.retentionRate is None else percent(now.retentionRate)
    changes = [
        *(f"{whole(count)} last week" for count in (last.totalCustomers, last.highRiskCount, last.churned)),
        _points_changed(now.retentionRate, last.retentionRate)
        if now.churnedThisWeek
        else f"no customer at {CHURNED:.0%} risk or more",
    ]
    labels = {
        "Customers": whole(now.totalCustomers),
        f"High risk: {HIGH:.0%} or more": whole(now.highRiskCount),
        f"Churned: {CHURNED:.0%} risk or more": whole(now.churnedThisWeek),
        f"Retention: below {CHURNED:.0%} risk": retention,
    }
    return tuple(
        Metric(label, value, change if compared and last.totalCustomers else "")
        for (label, value), change in zip(labels.items(), changes, strict=True)
    )


def _points_changed(now: float | None, before: float | None) -> str:
    if now is None or before is None:
        return ""
    change = round(now - before, 1)
    if not change:
        return "same as last week"
    return f"{points(abs(change))} {'more' if change > 0 else 'less'} than last week"


def _factor(row: RiskFactor) -> Factor:
    return Factor(row.factor, row.impact, f"{row.impact} impact", f"{whole(row.customers)} of {whole(row.of)}" if row.of else "")


def _factors_of(data: ReportData) -> str:
    """Say which customers the factors are about."""
    of = next((row.of for row in data.topRiskFactors if row.of), 0)
    if not of:
        return ""
    at_high_risk = data.summary.highRiskCount
    whom = f"{counted(of, 'customer')} at high risk" if at_high_risk else f"riskiest {counted(of, 'customer')}"
    if of == 1:
        return f"What drives the risk of the {'customer at high risk' if at_high_risk else 'riskiest customer'}."
    return f"What drives the risk of the {whom}, and for how many of them."


def _history_row(week: HistoryWeek, currency: str) -> HistoryRow:
    return HistoryRow(
        week_ending=day(week.week_ending),
        sales=money_whole(week.spent, currency),
        customers=whole(week.customers),
        expected=whole(round(week.expectedToLeave)),
        stake=money_whole(week.spendAtStake, currency),
        high_risk=_restated(week.highRiskCount, week.reportedHighRiskCount),
        churned=whole(week.churned),
        retention=NOTHING if week.retentionRate is None else percent(week.retentionRate),
    )


def _restated(now: int, reported: int | None) -> str:
    """Write a count of a past week, and the count reported at that time if it differs."""
    return whole(now) if reported in (None, now) else f"{whole(now)} (reported: {whole(reported or 0)})"


# Customers


def _customer(row: AtRiskCustomer, currency: str, memory_weeks: int) -> CustomerRow:
    return CustomerRow(
        name=row.name or "",
        email=row.email or "",
        user_id=row.user_id,
        loss=money(row.expectedLoss, currency),
        loss_value=row.expectedLoss,
        probability=percent(row.churnProbability * 100),
        probability_value=row.churnProbability,
        level=row.riskLevel,
        segment=row.segment,
        spent=money(row.spent, currency),
        spent_value=row.spent,
        spent_usd_value=row.total_spent_usd,
        active_weeks=f"{row.activeWeeksBefore} of {memory_weeks}",
        active_weeks_value=row.activeWeeksBefore,
        reasons=", ".join(row.topRiskFactors),
    )


def _missing(row: MissingRegular, currency: str) -> MissingRow:
    return MissingRow(
        name=row.name or "",
        email=row.email or "",
        user_id=row.user_id,
        last_visit=f"{counted(row.weeksSinceLastVisit, 'week')} ago",
        weeks_since=row.weeksSinceLastVisit,
        active_weeks=f"{row.activeWeeksBefore} of 8",
        active_weeks_value=row.activeWeeksBefore,
        spent=money(row.spent_9_weeks, currency),
        spent_value=row.spent_9_weeks,
        spent_usd_value=row.spent_9_weeks_usd,
    )


def _sentence(parts: Iterable[str]) -> str:
    return f"{', '.join(parts)}."
