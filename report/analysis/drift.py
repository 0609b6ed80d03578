"""How far a shop lies from what the model was trained on: what it says of customers beyond that is a guess."""

import numpy as np

from model.churn import FEATURES, ChurnModel
from report.analysis.cells import ScoredCells


def share_outside(model: ChurnModel, scored: ScoredCells) -> float | None:
    """The share of customers that have a feature outside the model's training range, four decimals.

    None without customers, and for a model whose file does not say what it was trained on.
    """
    if not model.training_range or not scored.customers:
        return None
    low, high = np.array([model.training_range[feature] for feature in FEATURES]).T
    features = scored.cells.features
    outside = ((features < low) | (features > high)).any(axis=1)
    return round(scored.where(outside).customers / scored.customers, 4)
