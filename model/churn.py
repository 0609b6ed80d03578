"""The bundled churn model: load it, read its thresholds, score feature rows, explain the scores.

Churned means: no event of any type in the 28 days after the week's last day. The model predicts that from the features of
one week (`FEATURES`, the brief's section 4.2). How it was trained, and how good it is, stands in README.md beside this file.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from model import ubjson

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


@dataclass(frozen=True, eq=False)
class ChurnModel:
    """A model, as its file has it; XGBoost loads when it is first asked to score, or by `prepare`."""

    content: bytes = field(repr=False)
    version: str
    """The first 12 hex digits of the file's SHA-256: two models of one version are the same bytes."""
    thresholds: Mapping[str, tuple[float, ...]]
    """For each feature, the float32 values its trees compare with (`float32(x) < threshold` goes left), ascending."""
    training_range: Mapping[str, tuple[float, float]] | None
    """For each feature, the least and the greatest value that the model was trained on, where its file says so."""


@cache
def load(path: Path = MODEL_PATH) -> ChurnModel:
    """The model stored at `path`, read once for each process, without XGBoost.

    Raises ValueError if the file's features are not `FEATURES`, in that order.
    """
    content = path.read_bytes()
    learner = ubjson.loads(content)["learner"]
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
    """Import XGBoost and give it the model, if that has not been done: something to do while BigQuery counts."""
    _booster(model)


def log_odds(model: ChurnModel, features: FloatArray) -> FloatArray:
    """The log-odds of churning for each row of `features` (n × 8, columns as in `FEATURES`)."""
    margins = _booster(model).inplace_predict(features.astype(np.float32), predict_type="margin")
    return np.asarray(margins, dtype=np.float64)


def contributions(model: ChurnModel, features: FloatArray) -> FloatArray:
    """What each feature adds to the log-odds of each row (n × 8), against the training shops' average.

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
            if left_child != -1:  # it is no leaf
                found[FEATURES[int(feature_index)]].add(threshold)
    return {feature: tuple(sorted(values)) for feature, values in found.items()}
