"""The value that flows: the customers of a week, counted by cell.

A cell is a box of the feature space in which the model cannot tell customers apart: they have the same churn probability, the
same risk factors and the same segment. So one representative stands for all of them, and a report's size depends on the model,
not on the shop.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from model.churn import FloatArray

IntArray = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Cells:
    """The customers of one week, n cells of them."""

    features: FloatArray
    """n × 8: a representative of each cell, any point of its box; columns as in `model.churn.FEATURES`."""
    customers: IntArray
    """n: how many customers each cell has."""
    spent_usd: FloatArray
    """n: what they spent together in the week."""

    def where(self, mask: Mask) -> "Cells":
        """The cells that `mask` (n) picks."""
        return Cells(self.features[mask], self.customers[mask], self.spent_usd[mask])


@dataclass(frozen=True)
class ScoredCells:
    """Cells with the churn probability of their customers, or some of these cells."""

    cells: Cells
    churn_probability: FloatArray
    """n: the same for all customers of a cell."""

    def where(self, mask: Mask) -> "ScoredCells":
        """The cells that `mask` (n) picks."""
        return ScoredCells(self.cells.where(mask), self.churn_probability[mask])

    @property
    def customers(self) -> int:
        """How many customers there are in all cells."""
        return int(self.cells.customers.sum())

    @property
    def spent_usd(self) -> float:
        """What they spent together."""
        return math.fsum(self.cells.spent_usd)

    @property
    def expected_to_leave(self) -> float:
        """How many of them the model expects to leave: the sum of their churn probabilities."""
        return math.fsum(self.churn_probability * self.cells.customers)

    @property
    def mean_churn_probability(self) -> float | None:
        """The mean over customers; None where there are none."""
        return self.expected_to_leave / self.customers if self.customers else None
