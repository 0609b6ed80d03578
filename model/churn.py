"""The bundled churn model: load it, read its thresholds, score feature rows, explain the scores.

Churned means: no event of any type in the 28 days after the week's last day. The model predicts that from the features of
one week (`FEATURES`, the brief's section 4.2). How it was trained, and how good it is, stands in README.md beside this file.
"""

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import xgboost

FEATURES = (
    "added_to_wishlist",
    "removed_from_wishlist",
    "added_to_cart",
    "removed_from_cart",
    "cart_quantity_updated",
    "total_sessions",
    "days_since_last_activity",
    "total_spent_usd",
)
"""The model's inputs, in the order of the brief's section 5.1: whole numbers, but for the last, which is in dollars."""

MODEL_PATH = Path(__file__).with_name("churn.ubj")

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ChurnModel:
    """A loaded model: what scores, and what else its file says."""

    booster: "xgboost.Booster"
    version: str
    """The first 12 hex digits of the file's SHA-256: two models of one version are the same bytes."""
    thresholds: dict[str, tuple[float, ...]]
    """For each feature, the float32 values its trees compare with (`float32(x) < threshold` goes left), ascending."""


@cache
def load(path: Path = MODEL_PATH) -> ChurnModel:
    """The model stored at `path`, loaded once for each process.

    Raises ValueError if the file's features are not `FEATURES`, in that order.
    """
    import xgboost  # here, not above: it takes longer to import than everything else, so it loads beside the query

    content = path.read_bytes()
    booster = xgboost.Booster(params={"nthread": 1}, model_file=bytearray(content))
    if tuple(booster.feature_names or ()) != FEATURES:
        raise ValueError(f"{path.name} was trained on {booster.feature_names}, not on {list(FEATURES)}")
    return ChurnModel(booster, hashlib.sha256(content).hexdigest()[:12], _thresholds(booster))


def log_odds(model: ChurnModel, features: FloatArray) -> FloatArray:
    """The log-odds of churning for each row of `features` (n × 8, columns as in `FEATURES`)."""
    margins = model.booster.inplace_predict(features.astype(np.float32), predict_type="margin")
    return np.asarray(margins, dtype=np.float64)


def contributions(model: ChurnModel, features: FloatArray) -> FloatArray:
    """What each feature adds to the log-odds of each row (n × 8), against the training shops' average.

    Exact TreeSHAP values: Lundberg et al., "From local explanations to global understanding with explainable AI for trees",
    Nature Machine Intelligence 2 (2020), as XGBoost computes them (`pred_contribs`).
    """
    import xgboost

    rows = xgboost.DMatrix(features.astype(np.float32), feature_names=list(FEATURES), nthread=1)
    with_bias = model.booster.predict(rows, pred_contribs=True)
    return np.asarray(with_bias, dtype=np.float64).reshape(-1, len(FEATURES) + 1)[:, :-1]


def _thresholds(booster: "xgboost.Booster") -> dict[str, tuple[float, ...]]:
    trees = json.loads(booster.save_raw("json"))["learner"]["gradient_booster"]["model"]["trees"]
    found: dict[str, set[float]] = {feature: set() for feature in FEATURES}
    for tree in trees:
        splits = zip(tree["left_children"], tree["split_indices"], tree["split_conditions"], strict=True)
        for left_child, feature_index, threshold in splits:
            if left_child != -1:
                found[FEATURES[feature_index]].add(float(np.float32(threshold)))
    return {feature: tuple(sorted(values)) for feature, values in found.items()}
