"""What every way must agree on, and the week that all of them are asked about."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np

from model.calibration import IDENTITY, apply
from model.churn import ChurnModel, log_odds
from report.analysis.cells import Cells, ScoredCells
from report.analysis.risk import at_high_risk, churned
from report.week import week_at
from tests.benchmarks.shop import WEEK_ENDING

NOW = datetime(2025, 6, 2, 12, tzinfo=UTC)
WEEK = week_at(NOW, ZoneInfo("UTC"), WEEK_ENDING)


@dataclass(frozen=True)
class Numbers:
    """What every way must agree on: this week's and last week's customers, and what the uncorrected model says of this week's."""

    customers: int
    customers_before: int
    high_risk: int
    churned: int
    average: float
    spent: float

    def agrees_with(self, other: "Numbers") -> bool:
        """Whether these are the same, sums of floats up to the order in which they were added."""
        floats = np.isclose([self.average, self.spent], [other.average, other.spent], rtol=1e-9)
        same = replace(self, average=other.average, spent=other.spent) == other
        return same and bool(floats.all())

    def unscored(self) -> "Numbers":
        """What can be known without the model."""
        return replace(self, high_risk=0, churned=0, average=0.0)


def numbers_of(model: ChurnModel, this_week: Cells, last_week: Cells) -> Numbers:
    """The numbers of two weeks' cells, which may have one customer each."""
    scored = ScoredCells(this_week, apply(IDENTITY, log_odds(model, this_week.features)))
    return Numbers(
        customers=scored.customers,
        customers_before=int(last_week.customers.sum()),
        high_risk=at_high_risk(scored).customers,
        churned=churned(scored).customers,
        average=scored.mean_churn_probability or 0.0,
        spent=scored.spent,
    )
