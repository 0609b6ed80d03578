"""How good probabilities are, and what the report makes of a model's log-odds."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import xgboost
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

from model.calibration import IDENTITY, PRIOR, Prior, apply, fit
from training.dataset import FOLLOW_UP_WEEKS, CustomerWeeks

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Scores:
    """Figures of one prediction."""

    auc: float
    log_loss: float
    brier: float


def scores(churned: Flags, probabilities: Floats) -> Scores:
    """AUC, log loss and Brier score of `probabilities` (n)."""
    return Scores(
        roc_auc_score(churned, probabilities),
        log_loss(churned, probabilities, labels=[False, True]),
        brier_score_loss(churned, probabilities),
    )


def within_shops(weeks: CustomerWeeks, risks: Floats) -> float:
    """The mean of the shops' own AUCs: how well customers of one shop are told apart. Any order of `risks` (n) will do."""
    return float(np.mean([roc_auc_score(weeks.churned[weeks.shop == s], risks[weeks.shop == s]) for s in np.unique(weeks.shop)]))


def log_odds(booster: xgboost.Booster, features: Floats) -> Floats:
    """The model's log-odds (n) for `features` (n × 8)."""
    return np.asarray(booster.inplace_predict(features.astype(np.float32), predict_type="margin"), dtype=np.float64)


def as_served(odds: Floats, weeks: CustomerWeeks, prior: Prior = PRIOR) -> Floats:
    """The probabilities (n) of the reports: log-odds corrected by what became of the week that ended 28 days earlier, if any."""
    probabilities = apply(IDENTITY, odds)
    for shop, week in np.unique(np.column_stack([weeks.shop, weeks.weeks_ago]), axis=0):
        past = (weeks.shop == shop) & (weeks.weeks_ago == week + FOLLOW_UP_WEEKS)
        now = (weeks.shop == shop) & (weeks.weeks_ago == week)
        calibration = fit(odds[past], np.ones(int(past.sum()), dtype=np.int64), weeks.churned[past].astype(np.int64), prior)
        probabilities[now] = apply(calibration, odds[now])
    return probabilities
