"""Fit the model: XGBoost on customer-weeks, monotone and compact."""

import json
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import xgboost

from model.churn import FEATURES
from training.dataset import CustomerWeeks

DIRECTIONS: Mapping[str, int] = {
    "added_to_wishlist": -1,
    "removed_from_wishlist": 1,
    "added_to_cart": -1,
    "removed_from_cart": 1,
    "cart_quantity_updated": -1,
    "total_sessions": -1,
    "days_since_last_activity": 1,
    "total_spent_usd": -1,
    "active_weeks_before": -1,
}
"""1: more of it never lowers the risk; -1: more of it never raises the risk. One direction each, so that it can be explained."""

Cuts = Mapping[str, Sequence[float]]
"""For each feature the thresholds that trees may use, ascending. Fewer thresholds make fewer cells."""

CUTS: Cuts = {
    "added_to_wishlist": (1,),
    "removed_from_wishlist": (1,),
    "added_to_cart": (1,),
    "removed_from_cart": (1, 3),
    "cart_quantity_updated": (3,),
    "total_sessions": (2, 3, 5),
    "days_since_last_activity": (2, 4),
    "total_spent_usd": (50, 200, 1000),
    "active_weeks_before": (1, 2, 3, 4, 5, 6, 7),
}
"""Sessions and spend are cut at the segments' limits where possible, because cells end there anyway."""

Floats = npt.NDArray[np.float64]


def fit(
    weeks: CustomerWeeks, cuts: Cuts | None = CUTS, directions: Mapping[str, int] | None = DIRECTIONS, **parameters: float
) -> xgboost.Booster:
    """Train a model of log-odds on `weeks`. `cuts` None allows any threshold, `directions` None any direction.

    Each shop's own churn rate is an offset: the trees learn what distinguishes the customers of one shop, not which shop they
    are in. The correction learns the level from the shop itself.
    """
    # One customer more of either kind, so that a shop without any of one kind has an offset too.
    rates = (np.bincount(weeks.shop, weeks.churned) + 1) / (np.bincount(weeks.shop) + 2)
    offsets = np.log(rates / (1 - rates))
    settings: dict[str, object] = {
        "objective": "binary:logistic",
        "base_score": float(1 / (1 + np.exp(-offsets.mean()))),
        "tree_method": "hist",
        "max_bin": 256,
        "max_depth": 2,
        "eta": 0.2,
        "min_child_weight": 50,
        "nthread": 2,
        "seed": 1,
        **parameters,
    }
    if directions is not None:
        settings["monotone_constraints"] = tuple(directions[feature] for feature in FEATURES)
    rows = xgboost.QuantileDMatrix(
        weeks.features if cuts is None else coarse(weeks.features, cuts),
        weeks.churned,
        base_margin=offsets[weeks.shop],
        feature_names=list(FEATURES),
        max_bin=settings["max_bin"],
        nthread=2,
    )
    booster = xgboost.train(settings, rows, num_boost_round=100)
    booster.set_attr(training_range=json.dumps(training_range(weeks.features)))
    return booster


def coarse(features: Floats, cuts: Cuts) -> Floats:
    """Lower each feature (n × 9) to the cut that it has reached, or to 0 below the first, so that all thresholds are cuts."""
    columns = [
        np.array([0.0, *cuts[feature]])[np.searchsorted(cuts[feature], column, side="right")]
        for feature, column in zip(FEATURES, features.T, strict=True)
    ]
    return np.column_stack(columns)


def training_range(features: Floats) -> dict[str, tuple[float, float]]:
    """Return the lowest value and the 99.9th percentile of each feature; the highest would be a single unusual customer's."""
    return {
        feature: (float(column.min()), float(np.ceil(np.quantile(column, 0.999))))
        for feature, column in zip(FEATURES, features.T, strict=True)
    }
