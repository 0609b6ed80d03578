"""Weeks made of given cells, for tests of the analysis."""

from dataclasses import dataclass

import numpy as np

from model.churn import FEATURES
from report.analysis.cells import Cells, ScoredCells


@dataclass(frozen=True)
class Cell:
    """A number of customers who are alike, and what they spent together."""

    probability: float
    customers: int = 1
    spent: float = 0.0
    sessions: int = 1
    spent_each: float = 0.0
    active_weeks_before: int = 0
    declining: bool = False


def week(*cells: Cell) -> ScoredCells:
    """Return the week that has these cells."""
    features = np.zeros((len(cells), len(FEATURES)))
    features[:, FEATURES.index("total_sessions")] = [cell.sessions for cell in cells]
    features[:, FEATURES.index("total_spent_usd")] = [cell.spent_each for cell in cells]
    features[:, FEATURES.index("active_weeks_before")] = [cell.active_weeks_before for cell in cells]
    customers = np.array([cell.customers for cell in cells], np.int64)
    declining = np.array([cell.declining for cell in cells], np.bool_)
    counted = Cells(features, declining, customers, np.array([cell.spent for cell in cells], np.float64))
    return ScoredCells(counted, np.array([cell.probability for cell in cells], np.float64))


NOBODY = week()
