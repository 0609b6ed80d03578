"""The key insights in sentences: those of the brief's section 7.1 and others, the most valuable first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from report.analysis.cells import ScoredCells
from report.analysis.metrics import average_churn
from report.analysis.risk import at_high_risk, churned
from report.analysis.sentences import (
    at_stake_sentence,
    backtest_sentence,
    change_sentence,
    days_in_words,
    expected_to_leave,
    missing_regulars_sentence,
    news_of,
    riskiest_sentence,
)
from report.formatting import counted, percent, verb
from report.schema import Backtest, Change, Outlook, SegmentRow


@dataclass(frozen=True)
class Findings:
    """The data from which insights follow."""

    this_week: ScoredCells
    last_week: ScoredCells | None
    """None if the two weeks must not be compared."""
    missing_last_week: Sequence[date]
    """The days of last week whose events are missing, if that is the reason."""
    outlook: Outlook
    segments: Sequence[SegmentRow]
    changes: Sequence[Change]
    """Only the changes that the report may tell."""
    backtest: Backtest | None
    average_shop: bool
    """True if no past week corrects the probabilities."""
    running: bool
    """True if the week is not over."""
    currency: str


def key_insights(found: Findings) -> tuple[str, ...]:
    """Return the insights, each once."""
    this_week, last_week, outlook = found.this_week, found.last_week, found.outlook
    if not this_week.customers:
        before = f"; {_were_active(last_week)} the week before" if last_week else ""
        return (f"No customers were active {'so far ' if found.running else ''}this week{before}.",)
    sentences = (
        expected_to_leave(this_week.customers, last_week.customers if last_week else 0, outlook, average_shop=found.average_shop),
        _last_week_is_short(found.missing_last_week),
        "" if found.average_shop else at_stake_sentence(outlook, found.segments, found.currency),
        *(change_sentence(change, found.currency) for change in news_of(found.changes)),
        missing_regulars_sentence(outlook),
        *_of_the_brief(this_week),
        riskiest_sentence(this_week.customers, outlook),
        backtest_sentence(found.backtest),
    )
    return tuple(sentence for sentence in sentences if sentence)


def _last_week_is_short(missing: Sequence[date]) -> str:
    if not missing:
        return ""
    return f"No events arrived {days_in_words(missing)}, so last week's numbers are too low and nothing is compared with them."


def _of_the_brief(this_week: ScoredCells) -> tuple[str, ...]:
    high, gone = at_high_risk(this_week).customers, churned(this_week).customers
    return (
        f"{counted(high, 'customer')} {verb(high, 'is', 'are')} currently classified as high churn risk." if high else "",
        f"{counted(gone, 'customer')} {verb(gone, 'is', 'are')} estimated to have churned this week." if gone else "",
        f"Average churn probability across your base is {percent(average_churn(this_week) or 0.0)}.",
    )


def _were_active(week: ScoredCells) -> str:
    customers = week.customers
    return f"{counted(customers, 'customer')} {verb(customers, 'was', 'were')}" if customers else "none were"
