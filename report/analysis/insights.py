"""What the numbers say, in sentences: the brief's section 7.1, and what else an owner would want to know, most valuable first."""

from collections.abc import Sequence

from report.analysis.cells import ScoredCells
from report.analysis.metrics import average_churn
from report.analysis.risk import at_high_risk, churned
from report.analysis.segments import in_segment
from report.analysis.sentences import (
    MIN_CUSTOMERS_TO_TELL,
    backtest_sentence,
    expected_to_leave,
    missing_regulars_sentence,
    riskiest_in_words,
)
from report.formatting import counted, money_whole, percent, verb, whole
from report.rules import SEGMENTS
from report.schema import Backtest, Change, Outlook

MIN_TIMES_AVERAGE = 1.5
"""The riskiest tenth is worth a sentence where it leaves at least this many times as often as the average customer."""


def key_insights(
    weeks: tuple[ScoredCells, ScoredCells | None],
    outlook: Outlook,
    changes: Sequence[Change],
    backtest: Backtest | None,
    currency: str,
) -> tuple[str, ...]:
    """Tell each insight once.

    `weeks` are this week and the last, None where these must not be compared; `changes` has only what may be told.
    """
    this_week, last_week = weeks
    if not this_week.customers:
        before = f"; {_were_active(last_week)} the week before" if last_week else ""
        return (f"No customers were active this week{before}.",)
    sentences = (
        expected_to_leave(this_week.customers, last_week.customers if last_week else 0, outlook),
        _at_stake(this_week, outlook, currency),
        *(_change(change, currency) for change in changes if change.verdict != "usual"),
        *_of_the_brief(this_week),
        _riskiest(this_week.customers, outlook),
        missing_regulars_sentence(outlook),
        backtest_sentence(backtest),
    )
    return tuple(sentence for sentence in sentences if sentence)


def _at_stake(this_week: ScoredCells, outlook: Outlook, currency: str) -> str:
    if round(outlook.spendAtStake) <= 0:
        return ""
    by_segment = {segment: in_segment(this_week, segment).spend_at_stake for segment in SEGMENTS}
    most = max(SEGMENTS, key=lambda segment: by_segment[segment])
    where = (
        f", most of it with {most} customers" if this_week.customers > 1 and by_segment[most] * 2 > outlook.spendAtStake else ""
    )
    return (
        f"{money_whole(outlook.spendAtStake, currency)} of the {money_whole(outlook.spent, currency)} that known customers "
        f"spent this week is at stake{where}."
    )


def _change(change: Change, currency: str) -> str:
    def figure(value: float) -> str:
        return money_whole(value, currency) if change.what == "spent" else whole(round(value))

    more = "more" if change.now > change.usualHigh else "fewer"
    usual = f"{figure(change.before)} last week, usually {figure(change.usualLow)} to {figure(change.usualHigh)}"
    match change.what:
        case "customers":
            return f"{counted(round(change.now), 'customer')} were active, {more} than usual ({usual})."
        case "spent":
            less = "more" if more == "more" else "less"
            return f"Known customers spent {figure(change.now)}, {less} than usual ({usual})."
        case "expectedToLeave":
            return f"{more.capitalize()} customers than usual are expected to leave ({usual})."
        case segment:
            customers = f"{counted(round(change.now), f'{segment} customer')} {verb(round(change.now), 'was', 'were')} active"
            return f"{customers}, {more} than usual ({usual})."


def _of_the_brief(this_week: ScoredCells) -> tuple[str, ...]:
    high, gone = at_high_risk(this_week).customers, churned(this_week).customers
    return (
        f"{counted(high, 'customer')} {verb(high, 'is', 'are')} currently classified as high churn risk." if high else "",
        f"{counted(gone, 'customer')} {verb(gone, 'is', 'are')} estimated to have churned this week." if gone else "",
        f"Average churn probability across your base is {percent(average_churn(this_week) or 0.0)}.",
    )


def _riskiest(customers: int, outlook: Outlook) -> str:
    times = outlook.riskiestTenth.timesAverage
    if times is None or times < MIN_TIMES_AVERAGE or outlook.riskiestTenth.customers < MIN_CUSTOMERS_TO_TELL:
        return ""
    riskiest = riskiest_in_words(customers, outlook)
    return f"{riskiest[0].upper()}{riskiest[1:]} will probably leave {times:.1f} times as often as the average customer."


def _were_active(week: ScoredCells) -> str:
    customers = week.customers
    return f"{counted(customers, 'customer')} {verb(customers, 'was', 'were')}" if customers else "none were"
