"""How right the last call was, and the correction that follows from it for this shop's probabilities."""

from dataclasses import dataclass

from model.calibration import IDENTITY, Calibration, apply, fit
from model.churn import FloatArray
from report.analysis.cells import IntArray
from report.analysis.risk import HIGH
from report.formatting import counted
from report.schema import Backtest
from report.week import Week

WORTH_TELLING = 10
"""So many customers in the past week, or more, make a sentence for the owner."""


@dataclass(frozen=True)
class PastWeek:
    """The customers of a week that ended at least 28 days ago, n cells of them."""

    week: Week
    features: FloatArray
    """n × 8: a representative of each cell."""
    customers: IntArray
    """n: how many customers each cell had."""
    churned: IntArray
    """n: how many of them had no event in the 28 days after the week."""


@dataclass(frozen=True)
class LookBack:
    """What a past week teaches: how right the model was, and how to correct it for this shop."""

    backtest: Backtest | None
    calibration: Calibration
    failed: bool = False
    """Whether nobody knows what it would have taught."""


NOTHING_TO_LOOK_BACK_ON = LookBack(None, IDENTITY)
FAILED = LookBack(None, IDENTITY, failed=True)


def look_back_on(past: PastWeek, log_odds: FloatArray) -> LookBack:
    """What the past week teaches, where `log_odds` (n) is the model's call on its cells, uncorrected.

    Without customers in that week there is nothing to learn: no backtest, and no correction.
    """
    customers, churned = int(past.customers.sum()), int(past.churned.sum())
    if not customers:
        return NOTHING_TO_LOOK_BACK_ON
    called = apply(IDENTITY, log_odds)
    flagged = called >= HIGH
    backtest = Backtest(
        week_ending=past.week.ending,
        customers=customers,
        churned=churned,
        expected_churn_rate=round(float(called @ past.customers) / customers, 4),
        observed_churn_rate=round(churned / customers, 4),
        flagged_high=int(past.customers[flagged].sum()),
        flagged_high_lost=int(past.churned[flagged].sum()),
    )
    return LookBack(backtest, fit(log_odds, past.customers, past.churned))


def look_back_insight(look_back: LookBack) -> str:
    """The sentence that tells an owner how right the last call was, or else how many are gone; empty for too few customers."""
    if look_back.failed:
        return "The look back failed this time, so the probabilities are not corrected for this shop."
    backtest = look_back.backtest
    if backtest is None or backtest.customers < WORTH_TELLING:
        return ""
    if backtest.flagged_high >= WORTH_TELLING:
        whom, lost = f"{counted(backtest.flagged_high, 'customer')} flagged high risk", backtest.flagged_high_lost
    else:
        whom, lost = f"{counted(backtest.customers, 'customer')} active", backtest.churned
    return f"Of {whom} four weeks ago, {lost} {'has' if lost == 1 else 'have'} not come back."
