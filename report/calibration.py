"""The correction of a shop's probabilities by what became of a past week's customers: p' = sigmoid(intercept + slope × logit(p)).

Logistic calibration (Cox, "Two further applications of a model for binary regression", Biometrika 45, 1958; Platt, 1999), with
a Gaussian prior on the intercept and on the slope's logarithm. The prior keeps small shops near identity, and the slope above 0:
a correction never turns the model's order around.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

INTERCEPT_PRIOR_SD = 1.5
"""How far shops lie from the training shops' level, in log-odds."""
LOG_SLOPE_PRIOR_SD = 0.2
"""How much shops differ in how far the model's probabilities spread."""

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Calibration:
    """A correction of log-odds; the slope is above 0."""

    intercept: float
    slope: float


IDENTITY = Calibration(0.0, 1.0)


def apply(calibration: Calibration, log_odds: FloatArray) -> FloatArray:
    """The churn probability (n) for each of the model's log-odds (n)."""
    corrected = calibration.intercept + calibration.slope * log_odds
    return 0.5 * (1 + np.tanh(0.5 * corrected))


def fit(log_odds: FloatArray, customers: npt.NDArray[np.int64], churned: npt.NDArray[np.int64]) -> Calibration:
    """The correction that a past week teaches.

    n cells: the model's log-odds of each, how many customers it had, and how many of these churned. Finds the mode of the
    posterior by Newton's method on (intercept, log slope), with the Fisher information for the Hessian and steps halved until
    they help. Identity where there are no customers.
    """
    parameters = np.zeros(2)
    objective = _objective(parameters, log_odds, customers, churned)
    for _ in range(50):
        gradient, information = _derivatives(parameters, log_odds, customers, churned)
        step = np.linalg.solve(information, gradient)
        scale = min(1.0, 1.0 / max(abs(step[1]), 1e-12))
        while (better := _objective(parameters + scale * step, log_odds, customers, churned)) < objective and scale > 1e-6:
            scale /= 2
        if better <= objective:
            break
        parameters, objective = parameters + scale * step, better
    return Calibration(float(parameters[0]), math.exp(parameters[1]))


_PRECISION = np.array([INTERCEPT_PRIOR_SD, LOG_SLOPE_PRIOR_SD]) ** -2.0


def _objective(
    parameters: FloatArray, log_odds: FloatArray, customers: npt.NDArray[np.int64], churned: npt.NDArray[np.int64]
) -> float:
    """The log posterior of (intercept, log slope), but for a constant."""
    corrected = parameters[0] + math.exp(parameters[1]) * log_odds
    return float(churned @ corrected - customers @ np.logaddexp(0, corrected) - _PRECISION @ parameters**2 / 2)


def _derivatives(
    parameters: FloatArray, log_odds: FloatArray, customers: npt.NDArray[np.int64], churned: npt.NDArray[np.int64]
) -> tuple[FloatArray, FloatArray]:
    """The log posterior's gradient (2) and Fisher information (2 × 2)."""
    sloped = math.exp(parameters[1]) * log_odds
    probability = apply(IDENTITY, parameters[0] + sloped)
    by_parameter = np.stack([np.ones_like(sloped), sloped])
    gradient = by_parameter @ (churned - customers * probability) - _PRECISION * parameters
    weight = customers * probability * (1 - probability)
    return gradient, (by_parameter * weight) @ by_parameter.T + np.diag(_PRECISION)
