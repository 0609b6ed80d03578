"""Why customers are at risk: the explanation against the model, and each name against the customer it is told of."""

import re
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model import churn
from model.churn import FEATURES
from report.analysis import limits
from report.analysis.cells import Cells, CountedWeeks, WeekTotals
from report.analysis.factors import (
    FACTORS,
    Told,
    count_leading_factors,
    leading_factor_names,
    leading_factors,
    top_risk_factors,
)
from report.analysis.recommendations import FACTOR_ACTIONS
from report.assemble import Subject, assemble, score
from report.settings import ClientSettings
from report.warehouse import WITH_FEATURE
from report.week import Week

MODEL = churn.load()
LIMITS = limits.cell_limits(MODEL)
BEST = np.array([50, 0, 50, 0, 50, 50, 0, 10_000.0, 8])
"""Each feature where it means the least risk: many additions, updates, visits and dollars, no removals, here each week."""
COUNTS = [st.integers(0, 6).map(float)] * 5
CUSTOMER = st.tuples(
    *COUNTS, st.integers(0, 12).map(float), st.integers(0, 6).map(float), st.floats(0, 1500), st.integers(0, 8).map(float)
)
EVERYTHING = Told(memory_weeks=8)
NAMES = [factor.name for factor in FACTORS]

TRUE = {
    "Nothing Added To Wishlist": lambda row, _: row["added_to_wishlist"] == 0,
    "Items Removed From Wishlist": lambda row, _: row["removed_from_wishlist"] > 0,
    "Nothing Added To Cart": lambda row, _: row["added_to_cart"] == 0,
    "High Cart Abandonment": lambda row, _: row["removed_from_cart"] >= 3,
    "Items Removed From Cart": lambda row, _: row["removed_from_cart"] > 0,
    "Few Cart Updates": lambda row, _: row["cart_quantity_updated"] < 3,
    "Few Visits This Week": lambda row, _: row["total_sessions"] < 3,
    "Long Time Since Last Visit": lambda row, _: row["days_since_last_activity"] >= 4,
    "Low Spend This Week": lambda row, _: row["total_spent_usd"] < 50,
    "Decreased Visit Frequency": lambda _, declining: declining,
    "No Visit In The Weeks Before": lambda row, _: row["active_weeks_before"] == 0,
    "Few Visits In The Weeks Before": lambda row, _: row["active_weeks_before"] < 3,
}
"""What each name says, in the words of the brief's features."""


@given(CUSTOMER, st.booleans())
@settings(max_examples=300, deadline=None)
def test_every_name_is_true_of_the_customer_it_is_told_of_and_the_model_agrees(
    customer: tuple[float, ...], declining: bool
) -> None:
    row = np.array([customer])
    represented = limits.representatives(limits.buckets(row, LIMITS), LIMITS)
    pushes = churn.contributions(MODEL, represented)
    leads = leading_factors(pushes, represented, np.array([declining]), EVERYTHING)[0]
    for column in np.flatnonzero(leads):
        assert TRUE[NAMES[column]](dict(zip(FEATURES, customer, strict=True)), declining), NAMES[column]
        better, feature = row.copy(), FEATURES.index(FACTORS[column].feature)
        better[0, feature] = BEST[feature]
        assert churn.log_odds(MODEL, better)[0] < churn.log_odds(MODEL, row)[0], NAMES[column]


AT_RISK = np.array([[0, 1, 0, 3, 0, 1, 6, 0, 0.0]])


def names(pushes: list[float], told: Told = EVERYTHING, *, declining: bool = False) -> tuple[str, ...]:
    return leading_factor_names(np.array([pushes]), AT_RISK, np.array([declining]), told)[0]


@pytest.mark.parametrize(
    ("contributions", "told"),
    [
        ([0, 0, 0, 2.0, 0, 0, 1.0, 0, 0], ("High Cart Abandonment", "Long Time Since Last Visit")),
        ([0, 0, 0, 2.0, 0, 0, 0.1, 0, 0], ("High Cart Abandonment",)),  # a tenth of the push, not less
        (
            [0.4, 0.5, 0.6, 0.7, 0, 0, 0, -9.0, 0],
            ("High Cart Abandonment", "Nothing Added To Cart", "Items Removed From Wishlist"),
        ),
        ([0, 0, 0, 0, 0, 0, 0, -1.0, 0], ()),
    ],
)
def test_at_most_three_strong_pushes_lead_strongest_first(contributions: list[float], told: tuple[str, ...]) -> None:
    assert names(contributions) == told


def test_the_weeks_before_are_told_as_they_were_and_not_with_a_short_memory() -> None:
    pushes = [0, 0, 0, 0, 0, 0, 0, 0, 1.0]
    assert names(pushes) == ("No Visit In The Weeks Before",)
    assert names(pushes, declining=True) == ("Decreased Visit Frequency",)
    assert names(pushes, Told(memory_weeks=3)) == ()


def test_a_push_whose_name_would_not_be_true_makes_room_for_the_next() -> None:
    rows = AT_RISK.copy()
    rows[0, FEATURES.index("days_since_last_activity")] = 2
    pushes = np.array([[0, 0.5, 0.5, 0.5, 0, 0, 9.0, 0, 0]])
    assert set(leading_factor_names(pushes, rows, np.array([False]), EVERYTHING)[0]) == set()
    pushes[0, 1:4] = 2.0
    assert len(leading_factor_names(pushes, rows, np.array([False]), EVERYTHING)[0]) == 3


def test_nothing_is_told_of_a_feature_whose_tracking_changed() -> None:
    pushes = [0, 0, 0, 1.0, 0, 0, 0, 1.0, 0]
    assert names(pushes, Told(8, frozenset({"total_spent_usd"}))) == ("High Cart Abandonment",)


def cells(rows: np.ndarray, customers: list[int]) -> Cells:
    return Cells(rows, np.zeros(len(rows), np.bool_), np.array(customers), np.zeros(len(rows)))


def test_impact_is_high_from_a_half_of_the_customers_on_and_medium_from_a_quarter() -> None:
    pushes = np.zeros((4, 9))
    pushes[0, 7] = pushes[1, 5] = pushes[2, 6] = pushes[3, 3] = 1.0
    factors = count_leading_factors(pushes, cells(np.repeat(AT_RISK, 4, axis=0), [50, 25, 24, 1]), EVERYTHING)
    assert [(row.factor, row.impact, row.id, row.customers, row.of) for row in top_risk_factors(factors)] == [
        ("Low Spend This Week", "High", "low_spend", 50, 100),
        ("Few Visits This Week", "Medium", "few_visits", 25, 100),
        ("Long Time Since Last Visit", "Low", "long_since_last_visit", 24, 100),
        ("High Cart Abandonment", "Low", "cart_abandonment", 1, 100),
    ]


def test_at_most_five_factors_are_told_and_none_without_customers() -> None:
    factors = count_leading_factors(np.eye(9), cells(np.repeat(AT_RISK, 9, axis=0), [1] * 9), EVERYTHING)
    assert len(factors) == 9
    assert len(top_risk_factors(factors)) == 5
    assert count_leading_factors(np.empty((0, 9)), cells(np.empty((0, 9)), []), EVERYTHING) == ()


def test_each_factor_has_a_name_of_its_own_and_an_advice_that_can_be_printed() -> None:
    assert set(NAMES) == set(TRUE)
    assert len({factor.id for factor in FACTORS}) == len(set(NAMES)) == len(FACTORS)
    assert {factor.feature for factor in FACTORS} == set(FEATURES) == set(FACTOR_ACTIONS)
    for factor in FACTORS:
        assert factor.name == factor.name.title()
        assert re.fullmatch(r"[A-Z][a-z].*[a-z]\.", FACTOR_ACTIONS[factor.feature])


def test_no_factor_is_told_of_what_the_shop_does_not_track() -> None:
    week, memory = Week(date(2025, 1, 19), ZoneInfo("UTC"), date(2025, 1, 27)), 8
    subject = Subject(1, ClientSettings(), week, datetime(2025, 1, 27, tzinfo=UTC))
    customers = np.full((1, week.counted_weeks), 50)

    def told(wishlists: int) -> set[str]:
        with_feature = dict.fromkeys(WITH_FEATURE, 50) | {"added_to_wishlist": wishlists}
        counted = CountedWeeks(
            features=np.array([[0.0, 0, 2, 0, 3, 3, 0, 300.0, 8]]),
            declining=np.array([False]),
            customers=customers,
            churned=customers // 10,
            spent=300.0 * customers,
            totals=(*[WeekTotals(50, with_feature=with_feature)] * week.counted_weeks, *[WeekTotals(50)] * memory),
            memory_weeks=memory,
        )
        report = assemble(MODEL, subject, score(MODEL, counted, None, week))
        return {factor.id for factor in report.report_data.topRiskFactors}

    assert told(wishlists=20) - told(wishlists=0) == {"nothing_added_to_wishlist"}
