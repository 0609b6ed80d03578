"""The bundled churn model: load it, read its thresholds, score feature rows, explain the scores.

Churned means: no event of any type in the 28 days after the week's last day. The model predicts that from the features of a
customer's week (the brief's section 4.2) and from how many of the weeks before it the customer was active in (`FEATURES`).
README.md in this folder describes how it was trained and how good it is.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from model.arrays import FloatArray

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
    "active_weeks_before",
)
"""The model's inputs: the eight of the brief's section 5.1 in its order, then the number of active weeks among the eight before.

All are whole numbers except `total_spent_usd`, which is in dollars.
"""

MODEL_PATH = Path(__file__).with_name("churn.json")


@dataclass(frozen=True, eq=False)
class ChurnModel:
    """A model, read from its file. XGBoost is imported at the first score, or by `prepare`."""

    content: bytes = field(repr=False)
    version: str
    """The first 12 hex digits of the file's SHA-256: two models with the same version are the same bytes."""
    thresholds: Mapping[str, tuple[float, ...]]
    """For each feature, the float32 values that its trees compare with (`float32(x) < threshold` goes left), ascending."""
    training_range: Mapping[str, tuple[float, float]] | None
    """For each feature, the lowest and the highest value of the training range, if the file has them."""


@cache
def load(path: Path = MODEL_PATH) -> ChurnModel:
    """Read the model stored at `path`, once for each process and without XGBoost.

    Raises ValueError if the file's features are not `FEATURES`, in that order.
    """
    content = path.read_bytes()
    learner = json.loads(content)["learner"]
    if tuple(learner["feature_names"]) != FEATURES:
        raise ValueError(f"{path.name} was trained on {learner['feature_names']}, not on {list(FEATURES)}")
    ranges = learner["attributes"].get("training_range")
    return ChurnModel(
        content=content,
        version=hashlib.sha256(content).hexdigest()[:12],
        thresholds=_thresholds(learner["gradient_booster"]["model"]["trees"]),
        training_range={feature: tuple(limits) for feature, limits in json.loads(ranges).items()} if ranges else None,
    )


def prepare(model: ChurnModel) -> None:
    """Import XGBoost and load the model into it, unless this is done already. Call this while BigQuery counts."""
    _booster(model)


def log_odds(model: ChurnModel, features: FloatArray) -> FloatArray:
    """Compute the log-odds of churning for each row of `features` (n × 9, columns as in `FEATURES`)."""
    margins = _booster(model).inplace_predict(features.astype(np.float32), predict_type="margin")
    return np.asarray(margins, dtype=np.float64)


def contributions(model: ChurnModel, features: FloatArray) -> FloatArray:
    """Compute what each feature adds to the log-odds of each row (n × 9), relative to the average of the training shops.

    Exact TreeSHAP values: Lundberg et al., "From local explanations to global understanding with explainable AI for trees",
    Nature Machine Intelligence 2 (2020), as XGBoost computes them (`pred_contribs`).
    """
    import xgboost

    rows = xgboost.DMatrix(features.astype(np.float32), feature_names=list(FEATURES), nthread=1)
    with_bias = _booster(model).predict(rows, pred_contribs=True)
    return np.asarray(with_bias, dtype=np.float64).reshape(-1, len(FEATURES) + 1)[:, :-1]


@cache
def _booster(model: ChurnModel) -> "xgboost.Booster":
    import xgboost

    return xgboost.Booster(params={"nthread": 1}, model_file=bytearray(model.content))


def _thresholds(trees: list[dict[str, list[float]]]) -> Mapping[str, tuple[float, ...]]:
    found: dict[str, set[float]] = {feature: set() for feature in FEATURES}
    for tree in trees:
        nodes = zip(tree["left_children"], tree["split_indices"], tree["split_conditions"], strict=True)
        for left_child, feature_index, threshold in nodes:
            if left_child != -1:  # not a leaf
                # The file has the shortest decimals that name a float32; XGBoost compares with that float32.
                found[FEATURES[int(feature_index)]].add(float(np.float32(threshold)))
    return {feature: tuple(sorted(values)) for feature, values in found.items()}
