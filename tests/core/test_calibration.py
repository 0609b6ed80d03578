"""The correction for a shop: the best there is by its own measure, written out plainly."""

import math
from random import Random

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from model.calibration import IDENTITY, PRIOR, WEIGHTS, Calibration, Prior, apply, fit

Row = tuple[float, float, float]
CELL = st.integers(0, 3000).flatmap(lambda customers: st.tuples(st.floats(-6, 6), st.just(customers), st.integers(0, customers)))
CELLS = st.lists(CELL, min_size=1, max_size=8)


NO_SHOP_LIKE_THE_MODEL = [(-3.0, 500, 500), (3.0, 1500, 0)]
"""Where steps with the Fisher information alone jump to and fro over the best correction."""


def log_posterior(intercept: float, slope: float, cells: list[Row], prior: Prior) -> float:
    """How well a correction fits, cell by cell: the likelihood of who churned, and the Gaussian prior around identity."""
    fits = -((intercept / prior.intercept) ** 2 + (math.log(slope) / prior.log_slope) ** 2) / 2
    for log_odds, customers, churned in cells:
        corrected = intercept + slope * log_odds
        fits -= churned * math.log1p(math.exp(-corrected)) + (customers - churned) * math.log1p(math.exp(corrected))
    return fits


def fitted(cells: list[Row], prior: Prior) -> Calibration:
    log_odds, customers, churned = (np.array(column, np.float64) for column in zip(*cells, strict=True))
    return fit(log_odds, customers, churned, prior)


@example(NO_SHOP_LIKE_THE_MODEL, Prior())
@given(CELLS, st.sampled_from([Prior(), Prior(2.0, 0.5), Prior(0.3, 0.1)]))
@settings(deadline=None)
def test_no_other_correction_fits_better(cells: list[Row], prior: Prior) -> None:
    found = fitted(cells, prior)
    best = log_posterior(found.intercept, found.slope, cells, prior)
    for step in (1e-4, 1e-2, 0.3):
        for intercept, log_slope in ((step, 0), (-step, 0), (0, step), (0, -step), (step, step), (step, -step)):
            other = log_posterior(found.intercept + intercept, found.slope * math.exp(log_slope), cells, prior)
            assert other <= best + 1e-5  # six decimals are not the very best


@given(CELLS, st.floats(-30, 30))
@settings(deadline=None)
def test_a_correction_never_turns_the_models_order_around(cells: list[Row], extreme: float) -> None:
    found = fitted([*cells, (extreme, 100_000, 100_000 if extreme < 0 else 0)], Prior())
    assert found.slope > 0
    log_odds = np.linspace(-8, 8, 50)
    assert (np.diff(apply(found, log_odds)) >= 0).all()


def test_a_shop_large_enough_shows_its_own_correction_and_a_small_one_stays_near_none() -> None:
    log_odds = np.linspace(-3, 3, 13)
    customers = np.full(13, 1e7)
    churned = np.rint(customers * apply(Calibration(0.5, 1.4), log_odds))
    large = fit(log_odds, customers, churned)
    assert (large.intercept, large.slope) == pytest.approx((0.5, 1.4), abs=2e-3)
    small = fit(log_odds, customers / 1e7, np.rint(churned / 1e7))
    assert abs(small.intercept) < 0.5
    assert small.slope < 1.2
    assert fit(np.empty(0), np.empty(0), np.empty(0)) == IDENTITY


WEEK = st.lists(CELL, min_size=1, max_size=4)


@given(st.lists(WEEK, min_size=4, max_size=4), st.randoms())
@settings(deadline=None)
def test_weights_count_as_if_each_weeks_customers_were_there_that_often(weeks: list[list[Row]], random: Random) -> None:
    # Eight times the weights 1, 1/2, 1/4, 1/8 are 8, 4, 2, 1 copies; eight times the data need a prior eight times as strong.
    copies = [cell for week, times in zip(weeks, (8, 4, 2, 1), strict=True) for cell in week * times]
    random.shuffle(copies)
    repeated = fitted(copies, Prior(PRIOR.intercept / math.sqrt(8), PRIOR.log_slope / math.sqrt(8)))
    weighted = [
        (log_odds, weight * customers, weight * churned)
        for week, weight in zip(weeks, WEIGHTS, strict=True)
        for log_odds, customers, churned in week
    ]
    found = fitted(weighted, PRIOR)
    assert (found.intercept, found.slope) == pytest.approx((repeated.intercept, repeated.slope), abs=3e-6)
    random.shuffle(weighted)
    assert fitted(weighted, PRIOR) == found


def test_a_correction_has_six_decimals() -> None:
    found = fit(np.array([-1.0, 1.0]), np.array([300.0, 200.0]), np.array([100.0, 70.0]))
    assert (found.intercept, found.slope) == (round(found.intercept, 6), round(found.slope, 6))
    assert found.intercept != round(found.intercept, 5)
    assert found.slope != round(found.slope, 5)


@given(st.floats(-20, 20), st.floats(-3, 3), st.floats(0.1, 3))
def test_a_probability_is_the_sigmoid_of_the_corrected_log_odds(log_odds: float, intercept: float, slope: float) -> None:
    (found,) = apply(Calibration(intercept, slope), np.array([log_odds]))
    assert found == pytest.approx(1 / (1 + math.exp(-(intercept + slope * log_odds))), rel=1e-9, abs=1e-12)


@given(st.lists(st.sampled_from([-3.3, -0.1, 0.0, 0.7, 2.9]), max_size=40))
def test_equal_log_odds_get_equal_probabilities_each_in_its_place(log_odds: list[float]) -> None:
    found = apply(Calibration(0.1, 1.05), np.array(log_odds, np.float64))
    alone = [apply(Calibration(0.1, 1.05), np.array([value]))[0] for value in log_odds]
    assert found == pytest.approx(alone, rel=1e-15)
    assert len(set(found)) == len(set(log_odds))
