"""The words of the report that people look at: a `Report`, said as it is shown. HTML and PDF only lay it out."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Literal
from zoneinfo import ZoneInfo

from report.analysis.risk import CHURNED, HIGH, MEDIUM
from report.analysis.segments import SEGMENTS, SESSIONS_LIMITS, SPENT_LIMITS
from report.formatting import counted, day, days, dollars, moment, percent, short_day, whole
from report.schema import (
    AtRiskCustomer,
    Backtest,
    HistoryWeek,
    Priority,
    Report,
    ReportData,
    RiskLevel,
    SegmentRow,
    Summary,
    Trend,
)
from report.week import DAYS_TO_COME_BACK

Verdict = Literal["good", "bad", "neutral"]
NOTHING = "–"
"""Stands where there is no number."""

HEADINGS: Mapping[str, str] = {
    "title": "Weekly churn report",
    "summary": "Executive summary",
    "metrics": "Key metrics",
    "risk": "Customers by risk level",
    "history": "The last eight weeks",
    "insights": "Key insights",
    "factors": "Top risk factors",
    "segments": "Customer segments",
    "segment_risk": "Average risk by segment",
    "recommendations": "Recommended actions",
    "look_back": "How right the last call was",
    "customers": "Customers most at risk",
    "notes": "What the numbers mean",
}
COLUMNS: Mapping[str, str] = {
    "segment": "Segment",
    "customers": "Customers",
    "average_risk": "Average risk",
    "trend": "Trend",
    "customer": "Customer",
    "risk": "Risk",
    "spent": "Spent",
    "reasons": "Leading reasons",
    "week_ending": "Week ending",
    "high_risk": "High risk",
    "churned": "Churned",
    "retention": "Retention",
}
PRIORITIES: Mapping[Priority, str] = {"high": "High priority", "medium": "Medium priority", "low": "Low priority"}
"""In the order in which they are shown."""
TRENDS: Mapping[Trend, tuple[str, Verdict]] = {
    "up": ("rising", "bad"),
    "down": ("falling", "good"),
    "flat": ("steady", "neutral"),
}


@dataclass(frozen=True)
class Card:
    """One number of the week, how it changed, and whether that is good news."""

    label: str
    value: str
    change: str
    verdict: Verdict


@dataclass(frozen=True)
class Level:
    """The customers at one risk level, and their share of all, from 0 to 1."""

    level: RiskLevel
    count: str
    percent: str
    share: float


@dataclass(frozen=True)
class Line:
    """One number over the last weeks: strokes in a unit square, x to the right, y up, with gaps where weeks have no number."""

    label: str
    now: str
    range: str
    strokes: tuple[tuple[tuple[float, float], ...], ...]
    first_day: str
    last_day: str
    description: str


@dataclass(frozen=True)
class HistoryRow:
    """One of the last weeks."""

    week_ending: str
    customers: str
    high_risk: str
    churned: str
    retention: str
    risk: str


@dataclass(frozen=True)
class Factor:
    """Why customers are at risk."""

    name: str
    impact: RiskLevel
    impact_label: str


@dataclass(frozen=True)
class Segment:
    """One customer segment; its bar goes from 0 to 1."""

    name: str
    rule: str
    count: str
    risk: str
    bar: float
    trend: str
    verdict: Verdict


@dataclass(frozen=True)
class Action:
    """Something to do."""

    text: str
    priority: Priority
    priority_label: str
    impact: str


@dataclass(frozen=True)
class LookBackView:
    """What the last call was, and what came of it."""

    text: str
    figures: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class CustomerRow:
    """One of the riskiest customers."""

    name: str
    email: str
    user_id: str
    probability: str
    probability_value: float
    level: RiskLevel
    segment: str
    spent: str
    spent_value: float
    reasons: str


@dataclass(frozen=True)
class View:
    """All that the report shows, in its order."""

    headings: Mapping[str, str]
    columns: Mapping[str, str]
    client_id: int
    week_ending: str
    """As the address takes it."""
    shop: str
    period: str
    notice: str
    summary: tuple[str, ...]
    summary_source: str
    cards: tuple[Card, ...]
    levels: tuple[Level, ...]
    levels_description: str
    lines: tuple[Line, ...]
    history: tuple[HistoryRow, ...]
    insights: tuple[str, ...]
    factors: tuple[Factor, ...]
    no_factors: str
    segments: tuple[Segment, ...]
    segments_description: str
    actions: tuple[Action, ...]
    no_actions: str
    look_back: LookBackView | None
    customers: tuple[CustomerRow, ...] | None
    no_customers: str
    notes: tuple[tuple[str, str], ...]
    made: str


def view(report: Report) -> View:
    """The report as it is shown."""
    data, meta = report.report_data, report.meta
    made_at = meta.generated_at.astimezone(ZoneInfo(meta.time_zone))
    return View(
        headings=HEADINGS,
        columns=COLUMNS,
        client_id=meta.client_id,
        week_ending=report.week_ending.isoformat(),
        shop=meta.client_name or f"Client {meta.client_id}",
        period=days(meta.week_start, report.week_ending),
        notice="This week is not over yet: its numbers, and the comparison with last week, will still change."
        if meta.partial
        else "",
        summary=tuple(paragraph for part in data.executiveSummary.split("\n") if (paragraph := part.strip())),
        summary_source="Written by Gemini; every number in it was checked against this report."
        if meta.summary_source == "gemini"
        else "Written from a template with this report’s numbers.",
        cards=_cards(data),
        levels=_levels(data),
        levels_description=_sentence(f"{level.level} {level.count} ({level.percent})" for level in _levels(data)),
        lines=_lines(data.history or ()),
        history=tuple(map(_history_row, reversed(data.history or ()))),
        insights=data.keyInsights,
        factors=tuple(Factor(row.factor, row.impact, f"{row.impact} impact") for row in data.topRiskFactors),
        no_factors="No customer is at high risk this week, so nothing drives that risk.",
        segments=tuple(map(_segment, data.segmentBreakdown)),
        segments_description=_sentence(f"{row.segment} {_segment(row).risk}" for row in data.segmentBreakdown),
        actions=tuple(
            Action(row.action, row.priority, PRIORITIES[row.priority], row.expectedImpact)
            for row in sorted(data.recommendations, key=lambda row: list(PRIORITIES).index(row.priority))
        ),
        no_actions="Nothing calls for action this week.",
        look_back=_look_back(meta.backtest) if meta.backtest else None,
        customers=None if data.atRiskCustomers is None else tuple(map(_customer, data.atRiskCustomers)),
        no_customers="No customers were active this week.",
        notes=_notes(corrected=(meta.calibration.intercept, meta.calibration.slope) != (0.0, 1.0)),
        made=f"Made {moment(made_at)} · week in time zone {meta.time_zone} · model {meta.model_version}",
    )


def file_name(report: Report) -> str:
    """What the report is called where it is a file, but for the ending."""
    return f"churn-report-{report.meta.client_id}-{report.week_ending.isoformat()}"


def _cards(data: ReportData) -> tuple[Card, ...]:
    numbers, change = data.summary, data.summary.prevWeekComparison
    retention = NOTHING if numbers.retentionRate is None else percent(numbers.retentionRate)
    return (
        Card(COLUMNS["customers"], whole(numbers.totalCustomers), *_customers_change(data.history or ())),
        Card(COLUMNS["high_risk"], whole(numbers.highRiskCount), *_change(numbers, change.highRisk, up="bad", down="good")),
        Card(COLUMNS["churned"], whole(numbers.churnedThisWeek), *_change(numbers, change.churned, up="bad", down="good")),
        Card(COLUMNS["retention"], retention, *_change(numbers, change.retention, up="good", down="bad")),
    )


def _change(numbers: Summary, change: float | None, up: Verdict, down: Verdict) -> tuple[str, Verdict]:
    """How a number changed, in words, and whether that is good news."""
    if not numbers.totalCustomers:
        return "no customers this week", "neutral"
    if change is None:
        compared = numbers.prevWeekComparison
        has_earlier_week = not (compared.highRisk is compared.churned is compared.retention is None)
        return "none last week" if has_earlier_week else "no earlier week", "neutral"
    if not change:
        return "same as last week", "neutral"
    return (f"up {percent(change)} on last week", up) if change > 0 else (f"down {percent(-change)} on last week", down)


def _customers_change(history: tuple[HistoryWeek, ...]) -> tuple[str, Verdict]:
    """How many more customers there are than last week; nothing where the report has no history to tell it from."""
    if len(history) < 2:
        return "", "neutral"
    before, now = history[-2].customers, history[-1].customers
    if not now:
        return "no customers this week", "neutral"
    if not before:
        return "no earlier week", "neutral"
    if now == before:
        return "same as last week", "neutral"
    return (
        (f"{whole(now - before)} more than last week", "good")
        if now > before
        else (
            f"{whole(before - now)} fewer than last week",
            "bad",
        )
    )


def _levels(data: ReportData) -> tuple[Level, ...]:
    customers = data.summary.totalCustomers
    shares = [row.count / customers if customers else 0.0 for row in data.riskBreakdown]
    return tuple(
        Level(row.riskLevel, whole(row.count), percent(share * 100), share)
        for row, share in zip(data.riskBreakdown, shares, strict=True)
    )


def _lines(history: tuple[HistoryWeek, ...]) -> tuple[Line, ...]:
    if not any(week.customers for week in history):
        return ()
    return (
        _line(COLUMNS["customers"], history, lambda week: week.customers, lambda value: whole(int(value))),
        _line(COLUMNS["high_risk"], history, lambda week: week.highRiskCount, lambda value: whole(int(value))),
        _line(COLUMNS["retention"], history, lambda week: week.retentionRate, percent),
    )


def _line(
    label: str, history: tuple[HistoryWeek, ...], value: Callable[[HistoryWeek], float | None], said: Callable[[float], str]
) -> Line:
    values = [value(week) for week in history]
    known = [number for number in values if number is not None]
    low, high = min(known), max(known)
    points = [
        None if number is None else (index / (len(values) - 1), (number - low) / (high - low) if low < high else 0.5)
        for index, number in enumerate(values)
    ]
    return Line(
        label=label,
        now=NOTHING if values[-1] is None else said(values[-1]),
        range=f"{said(low)} to {said(high)}" if low < high else f"always {said(low)}",
        strokes=tuple(
            tuple(point for point in stroke if point)
            for has_number, stroke in groupby(points, key=lambda point: point is not None)
            if has_number
        ),
        first_day=short_day(history[0].week_ending),
        last_day=short_day(history[-1].week_ending),
        description=_sentence(
            f"{short_day(week.week_ending)} {NOTHING if number is None else said(number)}"
            for week, number in zip(history, values, strict=True)
        ),
    )


def _history_row(week: HistoryWeek) -> HistoryRow:
    return HistoryRow(
        week_ending=day(week.week_ending),
        customers=whole(week.customers),
        high_risk=whole(week.highRiskCount),
        churned=whole(week.churned),
        retention=NOTHING if week.retentionRate is None else percent(week.retentionRate),
        risk=NOTHING if week.avgChurnProbability is None else percent(week.avgChurnProbability * 100),
    )


def _segment(row: SegmentRow) -> Segment:
    trend, verdict = TRENDS[row.trend] if row.count else (NOTHING, "neutral")
    return Segment(
        name=row.segment,
        rule=_segment_rule(SEGMENTS.index(row.segment)),
        count=whole(row.count),
        risk=percent(row.riskLevel) if row.count else NOTHING,
        bar=row.riskLevel / 100 if row.count else 0.0,
        trend=trend,
        verdict=verdict,
    )


def _segment_rule(index: int) -> str:
    if index == len(SPENT_LIMITS):
        return "everybody else"
    return f"${whole(SPENT_LIMITS[index])} or {SESSIONS_LIMITS[index]} visits and more"


def _look_back(backtest: Backtest) -> LookBackView:
    flagged = (
        ("Flagged high risk", whole(backtest.flagged_high)),
        ("Of these, stayed away", whole(backtest.flagged_high_lost)),
    )
    return LookBackView(
        text=f"In the week that ended {day(backtest.week_ending)} you had {counted(backtest.customers, 'customer')}. "
        f"This is what the model, which knows no shop, expected of them, and what they did in the next {DAYS_TO_COME_BACK} days. "
        "Every probability in this report is corrected for your shop by the difference.",
        figures=(
            ("Expected to stay away", percent(backtest.expected_churn_rate * 100)),
            ("Stayed away", percent(backtest.observed_churn_rate * 100)),
            *(flagged if backtest.flagged_high else ()),
        ),
    )


def _customer(row: AtRiskCustomer) -> CustomerRow:
    return CustomerRow(
        name=row.name or "",
        email=row.email or "",
        user_id=row.user_id,
        probability=percent(row.churnProbability * 100),
        probability_value=row.churnProbability,
        level=row.riskLevel,
        segment=row.segment,
        spent=dollars(row.total_spent_usd),
        spent_value=row.total_spent_usd,
        reasons=", ".join(row.topRiskFactors),
    )


def _notes(corrected: bool) -> tuple[tuple[str, str], ...]:
    learned = " Corrected for this shop by what became of the customers of the look back." if corrected else ""
    return (
        ("Customer", "anybody with at least one event in the week."),
        (
            "Churn probability, or risk",
            f"how likely a customer is to stay away for the {DAYS_TO_COME_BACK} days after the week, as a statistical model "
            f"sees it from what the customer did in the week.{learned}",
        ),
        ("High, Medium, Low", f"a churn probability of {HIGH:.0%} or more; of {MEDIUM:.0%} or more; below that."),
        ("Churned", f"a churn probability of {CHURNED:.0%} or more: an estimate, not yet a fact."),
        ("Retention", "the share of the week’s customers that are not counted as churned."),
        ("Impact of a risk factor", "High where it leads for half of the customers at high risk or more, Medium from a quarter."),
        ("Changes", "against the seven days before: so many customers more or fewer, all else in percent of that week’s number."),
        ("Money", "US dollars that customers spent in the week."),
    )


def _sentence(parts: Iterable[str]) -> str:
    return f"{', '.join(parts)}."
