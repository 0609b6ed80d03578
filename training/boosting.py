"""Fitting the model: XGBoost on customer-weeks, monotone and compact."""

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
}
"""1: more of it never lowers the risk; -1: never raises it. One direction each, so that an owner can be told it."""

Cuts = Mapping[str, Sequence[float]]
"""For each feature the thresholds that trees may use, ascending. Few of them make few cells."""

CUTS: Cuts = {
    "added_to_wishlist": (1, 3),
    "removed_from_wishlist": (1,),
    "added_to_cart": (1,),
    "removed_from_cart": (1, 3),
    "cart_quantity_updated": (1, 3),
    "total_sessions": (2, 3, 5, 8),
    "days_since_last_activity": (2, 4),
    "total_spent_usd": (20, 50, 200, 1000),
}
"""Sessions and spend are cut where the segments are, as far as that serves: there a cell ends anyway."""

Floats = npt.NDArray[np.float64]


def fit(
    weeks: CustomerWeeks, cuts: Cuts | None = CUTS, directions: Mapping[str, int] | None = DIRECTIONS, **parameters: float
) -> xgboost.Booster:
    """A model of log-odds, trained on `weeks`; without `cuts` or `directions` it is free in these.

    Each shop's own churn rate goes in as an offset. The trees learn what sets customers of one shop apart, and not which shop
    they are in; the level is left to the look back, which learns it from the shop itself.
    """
    rates = np.bincount(weeks.shop, weeks.churned) / np.bincount(weeks.shop)
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
    """Each feature (n × 8) lowered to the cut it has reached, 0 below the first: then the trees' thresholds are cuts."""
    columns = [
        np.array([0.0, *cuts[feature]])[np.searchsorted(cuts[feature], column, side="right")]
        for feature, column in zip(FEATURES, features.T, strict=True)
    ]
    return np.column_stack(columns)


def training_range(features: Floats) -> dict[str, tuple[float, float]]:
    """The lowest value of each feature and its 99.9th percentile: the largest would be one odd customer's."""
    return {
        feature: (float(column.min()), float(np.ceil(np.quantile(column, 0.999))))
        for feature, column in zip(FEATURES, features.T, strict=True)
    }
