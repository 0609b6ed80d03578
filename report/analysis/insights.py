"""What the numbers say, in sentences: the brief's section 7.1."""

from report.analysis.backtest import LookBack, look_back_insight
from report.analysis.cells import ScoredCells
from report.analysis.metrics import average_churn
from report.analysis.risk import at_high_risk, churned
from report.analysis.segments import most_at_risk
from report.formatting import counted, dollars, percent
from report.schema import SegmentRow, Summary


def key_insights(
    summary: Summary,
    segments: tuple[SegmentRow, ...],
    this_week: ScoredCells,
    last_week: ScoredCells,
    look_back: LookBack,
) -> tuple[str, ...]:
    """The brief's three sentences where they apply, in its words, then what else an owner would want to know."""
    if not this_week.customers:
        return (f"No customers were active this week; {_were_active(last_week)} the week before.",)
    sentences = (
        *_of_the_brief(this_week),
        *_beyond(summary, segments, this_week, last_week),
        look_back_insight(look_back),
    )
    return tuple(sentence for sentence in sentences if sentence)


def _of_the_brief(this_week: ScoredCells) -> tuple[str, ...]:
    high, gone = at_high_risk(this_week).customers, churned(this_week).customers
    return (
        f"{counted(high, 'customer')} {_are(high)} currently classified as high churn risk." if high else "",
        f"{counted(gone, 'customer')} {_are(gone)} estimated to have churned this week." if gone else "",
        f"Average churn probability across your base is {percent(average_churn(this_week) or 0.0)}.",
    )


def _beyond(
    summary: Summary, segments: tuple[SegmentRow, ...], this_week: ScoredCells, last_week: ScoredCells
) -> tuple[str, ...]:
    high, high_before = at_high_risk(this_week), at_high_risk(last_week)
    riskiest = most_at_risk(segments)
    return (
        _high_risk_change(summary.prevWeekComparison.highRisk, high.customers, high_before.customers),
        _active_change(this_week.customers, last_week.customers),
        f"High-risk customers spent {dollars(high.spent_usd)} of the {dollars(this_week.spent_usd)} spent this week."
        if high.spent_usd > 0
        else "",
        f"The {riskiest.segment} segment is most at risk: its average churn probability is {percent(riskiest.riskLevel)}."
        if riskiest
        else "",
    )


def _high_risk_change(change: float | None, now: int, before: int) -> str:
    if not change:
        return ""
    direction = "up" if change > 0 else "down"
    return f"High-risk customers are {direction} {percent(abs(change))} on last week, from {before} to {now}."


def _active_change(now: int, before: int) -> str:
    if not before or now == before:
        return ""
    direction = "more" if now > before else "fewer"
    return f"{counted(now, 'customer')} {_were(now)} active, {abs(now - before)} {direction} than last week."


def _were_active(week: ScoredCells) -> str:
    return f"{counted(week.customers, 'customer')} {_were(week.customers)}" if week.customers else "none were"


def _are(number: int) -> str:
    return "is" if number == 1 else "are"


def _were(number: int) -> str:
    return "was" if number == 1 else "were"
