"""What is said and advised of a week, word by word."""

from datetime import date
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from model.calibration import IDENTITY, apply, fit
from report.analysis.backtest import FAILED, NOTHING_TO_LOOK_BACK_ON, LookBack, PastWeek, look_back_insight, look_back_on
from report.analysis.cells import ScoredCells
from report.analysis.factors import LeadingFactor
from report.analysis.insights import key_insights
from report.analysis.metrics import summary
from report.analysis.recommendations import FACTOR_ACTIONS, recommendations
from report.analysis.segments import segment_breakdown
from report.schema import Backtest
from report.week import Week
from tests.support.scored import NOBODY, Cell, week


def insights(this_week: ScoredCells, last_week: ScoredCells, look_back: LookBack = NOTHING_TO_LOOK_BACK_ON) -> list[str]:
    numbers, segments = summary(this_week, last_week), segment_breakdown(this_week, last_week)
    return list(key_insights(numbers, segments, this_week, last_week, look_back))


MANY = week(Cell(0.85, 50, 1000.5), Cell(0.75, 100, 2029.2), Cell(0.5, 50, 600.0), Cell(0.05, 800, 94_370.3, sessions=40))
FEWER = week(Cell(0.85, 100, 500.0), Cell(0.05, 1002, 90_000.0, sessions=40))


# Insights


def test_a_week_is_told_in_the_briefs_sentences_and_in_what_else_an_owner_wants_to_know() -> None:
    assert insights(MANY, FEWER, FAILED) == [
        "150 customers are currently classified as high churn risk.",
        "50 customers are estimated to have churned this week.",
        "Average churn probability across your base is 18.2%.",
        "High-risk customers are up 50.0% on last week, from 100 to 150.",
        "1000 customers were active, 102 fewer than last week.",
        "High-risk customers spent $3,029.70 of the $98,000.00 spent this week.",
        "The New segment is most at risk: its average churn probability is 71.2%.",
        "The look back failed this time, so the probabilities are not corrected for this shop.",
    ]


def test_fewer_at_risk_and_more_customers_are_told_as_such() -> None:
    told = insights(FEWER, MANY)
    assert "High-risk customers are down 33.3% on last week, from 150 to 100." in told
    assert "1102 customers were active, 102 more than last week." in told


def test_one_customer_is_told_in_the_singular() -> None:
    assert insights(week(Cell(0.9, 1, 5.0)), week(Cell(0.9, 1), Cell(0.1, 1))) == [
        "1 customer is currently classified as high churn risk.",
        "1 customer is estimated to have churned this week.",
        "Average churn probability across your base is 90.0%.",
        "1 customer was active, 1 fewer than last week.",
        "High-risk customers spent $5.00 of the $5.00 spent this week.",
    ]


def test_what_does_not_apply_is_not_told() -> None:
    same = week(Cell(0.1, 3, 90.0))
    assert insights(same, same) == ["Average churn probability across your base is 10.0%."]
    assert insights(same, NOBODY) == ["Average churn probability across your base is 10.0%."]
    assert insights(week(Cell(0.0)), NOBODY) == ["Average churn probability across your base is 0.0%."]
    penniless = week(Cell(0.7, 2, 0.0))
    assert insights(penniless, NOBODY) == [
        "2 customers are currently classified as high churn risk.",
        "Average churn probability across your base is 70.0%.",
    ]


def test_of_two_segments_with_the_same_risk_neither_is_most_at_risk() -> None:
    assert not [told for told in insights(week(Cell(0.3), Cell(0.3, sessions=40)), NOBODY) if "most at risk" in told]


def test_a_change_of_next_to_nothing_is_not_told_as_one() -> None:
    now, before = week(Cell(0.75, 10_001)), week(Cell(0.75, 10_000))
    assert not [told for told in insights(now, before) if "on last week" in told]


def test_a_little_spent_is_told_and_so_is_the_riskier_of_two_customers() -> None:
    assert insights(week(Cell(0.75, 1, 0.5), Cell(0.1, 1, 0.25, sessions=40)), NOBODY)[-2:] == [
        "High-risk customers spent $0.50 of the $0.75 spent this week.",
        "The New segment is most at risk: its average churn probability is 75.0%.",
    ]


@pytest.mark.parametrize(
    ("before", "told"),
    [
        (NOBODY, "No customers were active this week; none were the week before."),
        (week(Cell(0.1, 1)), "No customers were active this week; 1 customer was the week before."),
        (week(Cell(0.1, 2)), "No customers were active this week; 2 customers were the week before."),
    ],
)
def test_a_week_without_customers_says_only_that(before: ScoredCells, told: str) -> None:
    assert insights(NOBODY, before, FAILED) == [told]


# Advice


def advice(this_week: ScoredCells, last_week: ScoredCells = NOBODY, *factors: LeadingFactor) -> list[tuple[str, str, str]]:
    return [(row.priority, row.action, row.expectedImpact) for row in recommendations(this_week, last_week, factors)]


def test_a_week_with_everything_in_it_gets_all_the_advice_there_is() -> None:
    this_week = week(
        Cell(0.9, 10, 300.0), Cell(0.75, 2, 5000.0, sessions=40), Cell(0.5, 3, 70.0), Cell(0.4, 1, 9.5), Cell(0.1, 84, 20.5)
    )
    factors = (LeadingFactor("total_sessions", 7, 12), LeadingFactor("added_to_cart", 5, 12))
    assert advice(this_week, NOBODY, *factors) == [
        (
            "high",
            "Launch targeted win-back campaign for the 12 customers at high churn risk.",
            "They spent $5,300.00 this week; without action, expect 10 of these 12 to stay away for the next four weeks.",
        ),
        (
            "medium",
            "Review onboarding flows: what new customers see and get in their first days.",
            "Increase retention rate from 90.0% to 95% or more by keeping 5 of the 10 customers estimated to have churned.",
        ),
        (
            "high",
            "Get in touch personally with the 2 High-Value customers at high churn risk.",
            "They account for $5,000.00 of the $5,400.00 spent this week.",
        ),
        (
            "medium",
            "Give at-risk customers a reason to come back within days, such as new arrivals or a short-lived offer.",
            '"Few Visits" is a leading reason for 7 of the 12 customers at high churn risk.',
        ),
        (
            "low",
            "Stay in touch with the 4 customers at medium churn risk before it grows.",
            "They spent $79.50 this week, and 47.5% of them are expected to stay away, on average.",
        ),
    ]


def test_one_customer_at_risk_is_advised_on_in_the_singular() -> None:
    (win_back,) = advice(week(Cell(0.75, 1, 12.5)))
    assert win_back == (
        "high",
        "Launch targeted win-back campaign for the 1 customer at high churn risk.",
        "This customer spent $12.50 this week and is likely to stay away for the next four.",
    )
    assert "expect 2 of these 2 to" in advice(week(Cell(0.75, 2)))[0][2]


@pytest.mark.parametrize(
    ("churned", "others", "to_keep"),
    [
        (5, 95, None),  # a retention rate of 95% is good
        (6, 94, "1 of the 6 customers"),
        (1, 0, "1 of the 1 customer"),
        (1, 18, "1 of the 1 customer"),  # of 19 one lost is too many
        (1, 19, None),
        (20, 0, "19 of the 20 customers"),
    ],
)
def test_just_as_many_are_to_be_kept_as_a_retention_rate_of_95_percent_takes(
    churned: int, others: int, to_keep: str | None
) -> None:
    told = [impact for _, action, impact in advice(week(Cell(0.8, churned), Cell(0.1, others))) if "onboarding" in action]
    assert [f"by keeping {to_keep} estimated to have churned." in impact for impact in told] == ([True] if to_keep else [])


@pytest.mark.parametrize("feature", FACTOR_ACTIONS)
def test_each_leading_factor_has_an_action_of_its_own(feature: str) -> None:
    (told,) = advice(week(Cell(0.1)), NOBODY, LeadingFactor(feature, 1, 1))
    assert told[:2] == ("medium", FACTOR_ACTIONS[feature])
    assert told[2].endswith("is a leading reason for 1 of the 1 customer at high churn risk.")
    assert list(FACTOR_ACTIONS.values()).count(told[1]) == 1


def test_where_nobody_is_at_risk_there_is_nothing_to_advise() -> None:
    assert advice(week(Cell(0.1, 100, 5.0, sessions=40))) == []


@pytest.mark.parametrize(("before", "who"), [(1, "1 customer was"), (2, "2 customers were")])
def test_where_nobody_came_after_a_week_with_customers_the_events_are_to_be_checked(before: int, who: str) -> None:
    assert advice(NOBODY, week(Cell(0.1, before))) == [
        (
            "high",
            "Check that your shop still sends its events: none arrived for this week.",
            f"{who} active the week before; without events no report can tell who is about to leave.",
        )
    ]
    assert advice(NOBODY) == []


# The look back


def backtest(customers: int, churned: int, flagged: int, lost: int) -> LookBack:
    rows = Backtest(
        week_ending=date(2024, 12, 22),
        customers=customers,
        churned=churned,
        expected_churn_rate=0,
        observed_churn_rate=0,
        flagged_high=flagged,
        flagged_high_lost=lost,
    )
    return LookBack(rows, IDENTITY)


@pytest.mark.parametrize(
    ("look_back", "told"),
    [
        (backtest(200, 50, 10, 9), "Of 10 customers flagged high risk four weeks ago, 9 have not come back."),
        (backtest(200, 50, 10, 1), "Of 10 customers flagged high risk four weeks ago, 1 has not come back."),
        (backtest(200, 50, 9, 9), "Of 200 customers active four weeks ago, 50 have not come back."),
        (backtest(10, 1, 0, 0), "Of 10 customers active four weeks ago, 1 has not come back."),
        (backtest(10, 0, 10, 0), "Of 10 customers flagged high risk four weeks ago, 0 have not come back."),
        (backtest(9, 9, 9, 9), ""),
        (NOTHING_TO_LOOK_BACK_ON, ""),
        (FAILED, "The look back failed this time, so the probabilities are not corrected for this shop."),
    ],
)
def test_the_last_call_is_told_of_from_ten_customers_on(look_back: LookBack, told: str) -> None:
    assert look_back_insight(look_back) == told


def past(customers: list[int], churned: list[int]) -> PastWeek:
    ended = Week(date(2024, 12, 22), ZoneInfo("UTC"), date(2025, 1, 20))
    return PastWeek(ended, np.zeros((len(customers), 8)), np.array(customers, np.int64), np.array(churned, np.int64))


def test_the_backtest_counts_what_was_called_and_what_came_of_it() -> None:
    log_odds = np.log(np.array([0.9, 0.71, 0.69, 0.1]) / np.array([0.1, 0.29, 0.31, 0.9]))
    week_before = past([10, 20, 30, 241], [9, 12, 3, 25])
    found = look_back_on(week_before, log_odds)
    assert found.backtest
    assert found.backtest.model_dump() == {
        "week_ending": date(2024, 12, 22),
        "customers": 301,
        "churned": 49,
        "expected_churn_rate": 0.2259,  # 68 of 301
        "observed_churn_rate": 0.1628,  # 0.16279...
        "flagged_high": 30,
        "flagged_high_lost": 21,
    }
    assert found.calibration == fit(log_odds, week_before.customers, week_before.churned) != IDENTITY
    assert not found.failed


def test_who_was_called_at_just_70_percent_was_flagged() -> None:
    near = np.log(0.7 / 0.3) + np.arange(-20, 20) * 1e-16
    called = apply(IDENTITY, near)
    assert (called == 0.7).any()
    for log_odds, probability in zip(near, called, strict=True):
        found = look_back_on(past([10], [5]), np.array([log_odds])).backtest
        assert found
        assert found.flagged_high == (10 if probability >= 0.7 else 0)


def test_a_past_week_without_customers_teaches_nothing() -> None:
    assert look_back_on(past([], []), np.empty(0)) == LookBack(None, IDENTITY, failed=False)
