"""Correct a shop's probabilities with the outcome of its past weeks: p' = sigmoid(intercept + slope × logit(p)).

Logistic calibration (Cox, "Two further applications of a model for binary regression", Biometrika 45, 1958; Platt, 1999) with a
Gaussian prior on the intercept and on the logarithm of the slope. The prior keeps small shops near identity and the slope above
0, so a correction never reverses the order of customers.
"""

import math
from dataclasses import dataclass

import numpy as np

from model.arrays import FloatArray


@dataclass(frozen=True)
class Calibration:
    """A correction of log-odds; the slope is above 0."""

    intercept: float
    slope: float


IDENTITY = Calibration(0.0, 1.0)

DIGITS = 6
"""The decimals of a correction. The report shows the same decimals that it uses."""


@dataclass(frozen=True)
class Prior:
    """Standard deviations of the Gaussian prior around identity."""

    intercept: float = 1.0
    log_slope: float = 0.2


PRIOR = Prior()
"""Chosen on simulated shops; model/README.md has the table."""

WEIGHTS = (1.0, 0.5, 0.25, 0.125)
"""The weights of the past weeks that teach a correction, newest first. A missing week keeps its position and its weight."""


def apply(calibration: Calibration, log_odds: FloatArray) -> FloatArray:
    """Compute the churn probability (n) for each of the model's log-odds (n).

    Equal log-odds get equal probabilities at any position; numpy's vector code alone does not guarantee that to the last bit.
    """
    distinct, place = np.unique(log_odds, return_inverse=True)
    corrected = calibration.intercept + calibration.slope * distinct
    return (0.5 * (1 + np.tanh(0.5 * corrected)))[place]


def fit(log_odds: FloatArray, customers: FloatArray, churned: FloatArray, prior: Prior = PRIOR) -> Calibration:
    """Fit the correction to n cells of one or more past weeks.

    For each cell: the model's log-odds, the number of customers, and how many of them churned. To weight a week, multiply both
    counts of its cells by its weight (`WEIGHTS`). Finds the mode of the posterior by Newton's method on (intercept, log slope),
    with the Fisher information in place of the curvature where that is not positive definite, halving each step until it
    improves the posterior. The order of the cells does not matter. Returns identity if there are no customers.
    """
    # Merge cells with the same log-odds. Whole numbers times powers of 1/2 add up exactly, in any order.
    log_odds, place = np.unique(log_odds, return_inverse=True)
    customers, churned = (np.bincount(place, counts).astype(np.float64) for counts in (customers, churned))
    precision = np.array([prior.intercept, prior.log_slope]) ** -2.0

    def log_posterior(parameters: FloatArray) -> float:
        corrected = parameters[0] + math.exp(parameters[1]) * log_odds
        log_likelihood = churned @ corrected - customers @ np.logaddexp(0, corrected)
        return float(log_likelihood - precision @ parameters**2 / 2)

    def newton_step(parameters: FloatArray) -> FloatArray:
        sloped = math.exp(parameters[1]) * log_odds
        probability = apply(IDENTITY, parameters[0] + sloped)
        by_parameter = np.stack([np.ones_like(sloped), sloped])
        surprise = churned - customers * probability
        gradient = by_parameter @ surprise - precision * parameters
        information = (by_parameter * (customers * probability * (1 - probability))) @ by_parameter.T + np.diag(precision)
        curvature = information - np.diag([0.0, sloped @ surprise])
        step = np.linalg.solve(curvature if np.linalg.det(curvature) > 0 else information, gradient)
        return np.asarray(step / max(1.0, abs(step[1])))

    parameters = np.zeros(2)
    for _ in range(100):
        step = newton_step(parameters)
        while log_posterior(parameters + step) < log_posterior(parameters) and np.abs(step).max() > 1e-9:
            step /= 2
        if np.abs(step).max() <= 1e-9:
            break
        parameters += step
    return Calibration(round(float(parameters[0]), DIGITS), max(round(math.exp(parameters[1]), DIGITS), 10.0**-DIGITS))
