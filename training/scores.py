"""Scores of probabilities, and the probabilities that the reports make of a model's log-odds."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import xgboost

from model.calibration import PRIOR, WEIGHTS, Calibration, Prior, apply, fit
from training.dataset import FOLLOW_UP_WEEKS, CustomerWeeks

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Scores:
    """The figures of one prediction."""

    auc: float
    log_loss: float
    brier: float


def scores(churned: Flags, probabilities: Floats) -> Scores:
    """Compute AUC, log loss and Brier score of `probabilities` (n)."""
    return Scores(auc(churned, probabilities), log_loss(churned, probabilities), float(np.mean((probabilities - churned) ** 2)))


def auc(churned: Flags, risks: Floats) -> float:
    """Compute how often a customer who churned has a higher risk than one who did not; equal risks count half."""
    _, place, counts = np.unique(risks, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]  # equal risks share the mean of their ranks
    lost = np.count_nonzero(churned)
    rank_sum = float(ranks[churned].sum())
    return (rank_sum - lost * (lost + 1) / 2) / (lost * (churned.size - lost))


def log_loss(churned: Flags, probabilities: Floats) -> float:
    """Compute the mean negative logarithm of the probability of what happened."""
    return float(-np.log(np.where(churned, probabilities, 1 - probabilities)).mean())


def within_shops(weeks: CustomerWeeks, risks: Floats) -> float:
    """Compute the mean of the shops' own AUCs. `risks` (n) need not be probabilities."""
    return float(np.mean([auc(weeks.churned[weeks.shop == s], risks[weeks.shop == s]) for s in np.unique(weeks.shop)]))


def log_odds(booster: xgboost.Booster, features: Floats) -> Floats:
    """Compute the model's log-odds (n) for `features` (n × 9)."""
    return np.asarray(booster.inplace_predict(features.astype(np.float32), predict_type="margin"), dtype=np.float64)


def as_served(odds: Floats, weeks: CustomerWeeks, prior: Prior = PRIOR, weights: Sequence[float] = WEIGHTS) -> Floats:
    """Compute the probabilities (n) of the reports: log-odds corrected by the outcome of past weeks, if there are any.

    The past weeks are those that ended 28 days before the report's week, 35 days before it, and so on, with these weights.
    """
    probabilities = np.empty_like(odds)
    for shop in np.unique(weeks.shop):
        here = np.flatnonzero(weeks.shop == shop)
        rows = weeks.where(here)
        for week in np.unique(rows.weeks_ago):
            now = here[rows.weeks_ago == week]
            probabilities[now] = apply(correction(odds[here], rows, int(week), prior, weights), odds[now])
    return probabilities


def correction(odds: Floats, weeks: CustomerWeeks, week: int, prior: Prior, weights: Sequence[float]) -> Calibration:
    """Fit the correction of the report of `week` to the customer-weeks of one shop."""
    weight_of = dict(enumerate(weights, start=week + FOLLOW_UP_WEEKS))
    past = np.isin(weeks.weeks_ago, list(weight_of))
    weight = np.array([weight_of[past_week] for past_week in weeks.weeks_ago[past].tolist()], dtype=np.float64)
    return fit(odds[past], weight, weight * weeks.churned[past], prior)
