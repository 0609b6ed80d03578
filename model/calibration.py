"""The correction of a shop's probabilities by what became of a past week's customers: p' = sigmoid(intercept + slope × logit(p)).

Logistic calibration (Cox, "Two further applications of a model for binary regression", Biometrika 45, 1958; Platt, 1999), with
a Gaussian prior on the intercept and on the slope's logarithm. The prior keeps small shops near identity, and the slope above 0:
a correction never turns the model's order around.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Calibration:
    """A correction of log-odds; the slope is above 0."""

    intercept: float
    slope: float


IDENTITY = Calibration(0.0, 1.0)

DIGITS = 6
"""Decimals of a correction: as many as are told are used, and none that depend on the order of the cells."""


@dataclass(frozen=True)
class Prior:
    """Standard deviations of the Gaussian prior around identity: how far shops lie from it before one has looked."""

    intercept: float = 1.0
    log_slope: float = 0.2


PRIOR = Prior()
"""Chosen on simulated shops; model/README.md has the table."""


def apply(calibration: Calibration, log_odds: FloatArray) -> FloatArray:
    """The churn probability (n) for each of the model's log-odds (n).

    Equal log-odds get equal probabilities wherever they stand, of which numpy's vector code alone is not sure in the last bit.
    """
    distinct, place = np.unique(log_odds, return_inverse=True)
    corrected = calibration.intercept + calibration.slope * distinct
    return (0.5 * (1 + np.tanh(0.5 * corrected)))[place]


def fit(log_odds: FloatArray, customers: IntArray, churned: IntArray, prior: Prior = PRIOR) -> Calibration:
    """The correction that a past week teaches.

    n cells: the model's log-odds of each, how many customers it had, and how many of these churned. Finds the mode of the
    posterior by Newton's method on (intercept, log slope), with the Fisher information where the curvature points no way up, and
    steps halved until they help. Identity where there are no customers.
    """
    in_order = np.lexsort((churned, customers, log_odds))  # a sum's last digits depend on the order of what it adds
    log_odds, customers, churned = log_odds[in_order], customers[in_order], churned[in_order]
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
