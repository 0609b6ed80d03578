"""Measure how far a shop is from the model's training range. Outside it the probabilities are a guess."""

import numpy as np

from model.churn import FEATURES, ChurnModel
from report.analysis.cells import ScoredCells


def share_outside(model: ChurnModel, scored: ScoredCells) -> float | None:
    """Return the share of customers that have a feature outside the model's training range, with four decimals.

    None without customers, and for a model whose file has no training range.
    """
    if not model.training_range or not scored.customers:
        return None
    low, high = np.array([model.training_range[feature] for feature in FEATURES]).T
    features = scored.cells.features
    outside = ((features < low) | (features > high)).any(axis=1)
    return round(scored.where(outside).customers / scored.customers, 4)
