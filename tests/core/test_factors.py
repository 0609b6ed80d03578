"""Why customers are at risk: the explanation against the model, and the sentence against the feature."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model import churn
from report.analysis.factors import FACTOR_NAMES, count_leading_factors, leading_factor_names, leading_factors, top_risk_factors
from report.analysis.recommendations import FACTOR_ACTIONS

MODEL = churn.load()
BEST = np.array([50, 0, 50, 0, 50, 50, 0, 10_000.0])
"""Each feature where it means the least risk: many additions, updates, visits and dollars, no removals, seen today."""
COUNTS = [st.integers(0, 6).map(float)] * 5
CUSTOMER = st.tuples(*COUNTS, st.integers(0, 12).map(float), st.integers(0, 6).map(float), st.floats(0, 1500))


@given(CUSTOMER)
@settings(max_examples=300, deadline=None)
def test_where_what_a_leading_factor_names_is_put_right_the_risk_falls(customer: tuple[float, ...]) -> None:
    row = np.array([customer])
    leads = leading_factors(churn.contributions(MODEL, row))[0]
    for index in np.flatnonzero(leads):
        better = row.copy()
        better[0, index] = BEST[index]
        assert churn.log_odds(MODEL, better)[0] < churn.log_odds(MODEL, row)[0], churn.FEATURES[index]


@pytest.mark.parametrize(
    ("contributions", "names"),
    [
        ([0, 0, 0, 2.0, 0, 0, 1.0, 0], ("High Cart Abandonment", "Long Time Since Last Visit")),
        ([0, 0, 0, 2.0, 0, 0, 0.1, 0], ("High Cart Abandonment",)),  # a tenth of the push, not less
        (
            [0.4, 0.5, 0.6, 0.7, 0, 0, 0, -9.0],
            ("High Cart Abandonment", "Few Items Added To Cart", "Items Removed From Wishlist"),
        ),
        ([0, 0, 0, 0, 0, 0, 0, -1.0], ()),
    ],
)
def test_at_most_three_strong_pushes_lead_strongest_first(contributions: list[float], names: tuple[str, ...]) -> None:
    assert leading_factor_names(np.array(contributions)) == names


def test_a_tenth_is_of_each_customers_own_push() -> None:
    pushes = np.zeros((2, 8))
    pushes[0, :2] = 1.0, 0.2
    pushes[1, 2] = 100.0
    assert np.argwhere(leading_factors(pushes)).tolist() == [[0, 0], [0, 1], [1, 2]]


def test_impact_is_high_from_a_half_of_the_customers_on_and_medium_from_a_quarter() -> None:
    pushes = np.zeros((4, 8))
    pushes[0, 7] = pushes[1, 5] = pushes[2, 6] = pushes[3, 3] = 1.0
    factors = count_leading_factors(pushes, np.array([50, 25, 24, 1]))
    assert (factors[0].name, factors[0].customers, factors[0].of) == ("Decreased Purchase Frequency", 50, 100)
    assert [(row.factor, row.impact) for row in top_risk_factors(factors)] == [
        ("Decreased Purchase Frequency", "High"),
        ("Few Visits", "Medium"),
        ("Long Time Since Last Visit", "Low"),
        ("High Cart Abandonment", "Low"),
    ]


def test_at_most_five_factors_are_told_and_none_without_customers() -> None:
    pushes = np.eye(8)[:7]
    assert len(top_risk_factors(count_leading_factors(pushes, np.ones(7, np.int64)))) == 5
    assert count_leading_factors(np.empty((0, 8)), np.empty(0, np.int64)) == ()


def test_every_feature_has_a_name_of_its_own() -> None:
    assert list(FACTOR_NAMES) == list(churn.FEATURES)
    assert len(set(FACTOR_NAMES.values())) == len(churn.FEATURES)


def test_whatever_leads_the_risk_has_a_name_and_an_advice_that_can_be_printed() -> None:
    for feature in churn.FEATURES:
        assert FACTOR_NAMES[feature] == FACTOR_NAMES[feature].title()
        assert re.fullmatch(r"[A-Z][a-z].*[a-z]\.", FACTOR_ACTIONS[feature])
