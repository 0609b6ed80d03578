"""The customers of a week, counted by cell.

A cell is a box of the feature space in which the model cannot tell customers apart: they have the same churn probability, the
same risk factors and the same segment. One representative is enough for all of them, so the work for a report depends on the
model, not on the shop.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from model.arrays import FloatArray, IntArray, Mask


@dataclass(frozen=True)
class Cells:
    """The customers of one week in n cells."""

    features: FloatArray
    """n × 9: a representative of each cell (any point of its box); columns as in `model.churn.FEATURES`."""
    declining: Mask
    """n: whether its customers come less often than before: see `customers_in_cells.sql`."""
    customers: IntArray
    """n: how many customers each cell has."""
    spent: FloatArray
    """n: what the customers of each cell spent together in the week, in the client's currency."""

    def where(self, mask: Mask) -> "Cells":
        """Pick the cells of `mask` (n)."""
        return Cells(self.features[mask], self.declining[mask], self.customers[mask], self.spent[mask])


@dataclass(frozen=True)
class ScoredCells:
    """Cells with the churn probability of their customers, or some of these cells."""

    cells: Cells
    churn_probability: FloatArray
    """n: the same for all customers of a cell."""

    def where(self, mask: Mask) -> "ScoredCells":
        """Pick the cells of `mask` (n)."""
        return ScoredCells(self.cells.where(mask), self.churn_probability[mask])

    @property
    def customers(self) -> int:
        """Count the customers of all cells."""
        return int(self.cells.customers.sum())

    @property
    def spent(self) -> float:
        """Sum up what the customers spent, in the client's currency."""
        return math.fsum(self.cells.spent)

    @property
    def expected_to_leave(self) -> float:
        """Return how many customers will probably leave: the sum of their churn probabilities."""
        return math.fsum(self.churn_probability * self.cells.customers)

    @property
    def spend_at_stake(self) -> float:
        """Return the sum of churn probability × spend, in the client's currency."""
        return math.fsum(self.churn_probability * self.cells.spent)

    @property
    def mean_churn_probability(self) -> float | None:
        """Return the mean over customers; None without customers."""
        return self.expected_to_leave / self.customers if self.customers else None


@dataclass(frozen=True)
class WeekTotals:
    """One week of the client, without regard to cells."""

    customers: int = 0
    new_customers: int = 0
    """How many of the customers were not seen in any scanned week before."""
    missing_regulars: int = 0
    """Missing regulars last seen in this week: active in at least 3 of the weeks 2 to 5 before the newest, not since."""
    unusable_amounts: int = 0
    """Purchases whose amount counts 0: an overflow, or beyond ±10¹⁵."""
    spent_by_missing_regulars: float = 0.0
    """What the missing regulars spent in the newest nine weeks, in the client's currency."""
    with_feature: Mapping[str, int] | None = None
    """How many customers had each feature above 0; None for a week of memory, for which only the customers are known."""


@dataclass(frozen=True)
class CountedWeeks:
    """The weeks of one query: m cells and w weeks with features, newest first, and the weeks of memory before them."""

    features: FloatArray
    """m × 9: a representative of each cell."""
    declining: Mask
    """m."""
    customers: IntArray
    """m × w: how many customers each cell had in each week."""
    churned: IntArray
    """m × w: how many of these had no event in the four weeks after; has no meaning for the weeks 0 to 3."""
    spent: FloatArray
    """m × w: what they spent, in the client's currency."""
    totals: tuple[WeekTotals, ...]
    """Of each week, also those of the memory."""
    memory_weeks: int
    """How many weeks before each week count for its memory."""

    @property
    def weeks(self) -> int:
        """Return how many weeks have features."""
        return int(self.customers.shape[1])

    def week(self, weeks_ago: int) -> Cells:
        """Return the cells that have customers in one week."""
        there = self.customers[:, weeks_ago] > 0
        all_cells = Cells(self.features, self.declining, self.customers[:, weeks_ago], self.spent[:, weeks_ago])
        return all_cells.where(there)
