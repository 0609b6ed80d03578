"""The limits that cut the feature space into cells: of the model, the segments, the risk factors and the training range."""

import math
from collections.abc import Mapping

import numpy as np

from model.arrays import FloatArray, IntArray
from model.churn import FEATURES, ChurnModel
from report.analysis.factors import FACTOR_LIMITS
from report.rules import SESSIONS_LIMITS, SPENT_LIMITS

Limits = Mapping[str, tuple[int, ...] | tuple[float, ...]]
"""For each feature, the values at which a new cell begins, ascending."""


def cell_limits(model: ChurnModel) -> Limits:
    """Return the limits of all features: whole numbers for the counts, float64 for the spend.

    XGBoost compares in float32 (`float32(x) < threshold` goes left), everything else in float64. Customers on the same side of
    all limits take the same path through every tree, have the same segment and the same risk factors, and are all inside the
    training range or all outside it.
    """
    limits: dict[str, tuple[int, ...] | tuple[float, ...]] = dict.fromkeys(FEATURES, ())
    for feature in FEATURES:
        if feature == "total_spent_usd":
            continue
        counts = {math.ceil(threshold) for threshold in model.thresholds[feature]}
        counts |= {int(limit) for limit in FACTOR_LIMITS[feature]}
        counts |= set(SESSIONS_LIMITS if feature == "total_sessions" else ())
        counts |= {end for low, high in _range(model, feature) for end in (math.ceil(low), math.floor(high) + 1)}
        limits[feature] = tuple(sorted(counts))
    spent = {_smallest_at_least(threshold) for threshold in model.thresholds["total_spent_usd"]}
    spent |= {float(limit) for limit in SPENT_LIMITS} | FACTOR_LIMITS["total_spent_usd"]
    spent |= {end for low, high in _range(model, "total_spent_usd") for end in (low, math.nextafter(high, math.inf))}
    return limits | {"total_spent_usd": tuple(sorted(spent))}


def buckets(features: FloatArray, limits: Limits) -> IntArray:
    """Return the bucket numbers (n × 9) of `features` (n × 9), as `RANGE_BUCKET` does: 0 is below the first limit."""
    columns = [np.searchsorted(limits[name], column, side="right") for name, column in zip(FEATURES, features.T, strict=True)]
    return np.column_stack(columns).astype(np.int64)


def representatives(numbers: IntArray, limits: Limits) -> FloatArray:
    """Return features (n × 9) inside the buckets with these `numbers` (n × 9): the limit at which each bucket begins.

    The first bucket has no beginning: its feature is a value clearly below its end, or 0 if it has no end either.
    Raises IndexError for a number beyond the last bucket.
    """
    columns = [np.take([_below(limits[name]), *limits[name]], column) for name, column in zip(FEATURES, numbers.T, strict=True)]
    return np.column_stack(columns).astype(np.float64)


def _below(limits: tuple[int, ...] | tuple[float, ...]) -> float:
    return limits[0] - 1 - abs(limits[0]) if limits else 0.0


def _range(model: ChurnModel, feature: str) -> tuple[tuple[float, float], ...]:
    return (model.training_range[feature],) if model.training_range else ()


def _smallest_at_least(threshold: float) -> float:
    """Return the smallest float64 that rounds to a float32 not below `threshold`, which is a float32."""
    below = float(np.nextafter(np.float32(threshold), np.float32(-np.inf)))
    halfway = (below + threshold) / 2  # exact; it rounds to the one of the two that has an even mantissa
    return halfway if np.float32(halfway) >= threshold else math.nextafter(halfway, math.inf)
