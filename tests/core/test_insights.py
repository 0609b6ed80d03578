"""What is said and advised of a week, word by word."""

import re
from collections.abc import Sequence
from datetime import date

import pytest

from report.analysis.cells import ScoredCells
from report.analysis.changes import changes
from report.analysis.factors import FACTORS, LeadingFactor
from report.analysis.insights import key_insights
from report.analysis.outlook import outlook
from report.analysis.recommendations import FACTOR_ACTIONS, Situation, recommendations
from report.analysis.sentences import backtest_sentence
from report.schema import Backtest, Recommendation
from tests.support.scored import NOBODY, Cell, week


def insights(
    this_week: ScoredCells, last_week: ScoredCells = NOBODY, missing: int | None = 0, baseline: Sequence[ScoredCells] = ()
) -> list[str]:
    ahead = outlook(this_week, last_week, missing)
    return list(key_insights((this_week, last_week), ahead, changes(this_week, last_week, baseline), None, "USD"))


MANY = week(Cell(0.85, 50, 1000.5), Cell(0.75, 100, 2029.2), Cell(0.5, 50, 600.0), Cell(0.05, 800, 94_370.3, sessions=40))
FEWER = week(Cell(0.85, 100, 500.0), Cell(0.05, 1002, 90_000.0, sessions=40))


# Insights


def test_a_week_is_told_from_what_will_happen_to_the_briefs_sentences() -> None:
    assert insights(MANY, FEWER, missing=12) == [
        "About 182 of 1,000 customers will probably not be back within four weeks; last week it was 135 of 1,102.",
        "$7,391 of the $98,000 that known customers spent this week is at stake, most of it with High-Value customers.",
        "150 customers are currently classified as high churn risk.",
        "50 customers are estimated to have churned this week.",
        "Average churn probability across your base is 18.2%.",
        "The riskiest 150 will probably leave 4.3 times as often as the average customer.",
        "12 regulars stayed away this week and last, after coming in at least three of the four weeks before.",
    ]


def test_a_change_is_told_only_where_it_is_more_than_chance() -> None:
    usual = [week(Cell(0.2, 1000 + step, 5000.0)) for step in (0, 9, -7, 4, -3, 8, -9, 2)]
    told = insights(week(Cell(0.2, 700, 5001.0)), usual[0], 0, usual)
    (told_of_customers,) = [sentence for sentence in told if sentence.startswith("700 customers")]
    assert re.fullmatch(
        r"700 customers were active, fewer than usual \(1,000 last week, usually 9\d\d to 1,0\d\d\)\.", told_of_customers
    )
    assert not any("spent 5" in sentence or "Known customers" in sentence for sentence in told)
    assert not any("usual" in sentence for sentence in insights(week(Cell(0.2, 1005, 5000.0)), usual[0], 0, usual))


def test_one_customer_is_told_in_the_singular() -> None:
    assert insights(week(Cell(0.9, 1, 5.0)), week(Cell(0.9, 1), Cell(0.1, 1)), missing=1) == [
        "This week's only customer will probably not be back within four weeks.",
        "$4 of the $5 that known customers spent this week is at stake.",
        "1 customer is currently classified as high churn risk.",
        "1 customer is estimated to have churned this week.",
        "Average churn probability across your base is 90.0%.",
        "1 regular stayed away this week and last, after coming in at least three of the four weeks before.",
    ]


def test_what_does_not_apply_is_not_told() -> None:
    assert insights(week(Cell(0.0, 3)), NOBODY) == [
        "Fewer than one of 3 customers will probably not be back within four weeks.",
        "Average churn probability across your base is 0.0%.",
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
    assert insights(NOBODY, before) == [told]


# What was said four weeks ago


def backtest(customers: int, churned: int, flagged: int = 0, lost: int = 0, **others: int) -> Backtest:
    return Backtest(
        week_ending=date(2024, 12, 22),
        customers=customers,
        churned=churned,
        expected_churn_rate=0.3,
        observed_churn_rate=0,
        flagged_high=flagged,
        flagged_high_lost=lost,
        riskiest_tenth=others.get("tenth", 0),
        riskiest_tenth_lost=lost,
        as_issued=bool(others.get("as_issued", True)),
        corrected=True,
    )


SAID = "Four weeks ago we said to expect 60 of 200 customers to stay away; 50 did."


@pytest.mark.parametrize(
    ("past", "told"),
    [
        (backtest(200, 50, 10, 9), f"{SAID} Of the 10 customers flagged at high risk, 9 have not come back."),
        (backtest(200, 50, 10, 1), f"{SAID} Of the 10 customers flagged at high risk, 1 has not come back."),
        (backtest(200, 50, 9, 9, tenth=20), f"{SAID} Of the 20 customers at greatest risk, 9 have not come back."),
        (backtest(200, 50, 9, 9), SAID),
        (
            backtest(200, 50, as_issued=False),
            "Checked on the week four weeks ago, the model expects 60 of 200 customers to stay away; 50 did.",
        ),
        (backtest(9, 9, 9, 9), ""),
        (None, ""),
    ],
)
def test_what_was_said_four_weeks_ago_is_told_from_ten_customers_on(past: Backtest | None, told: str) -> None:
    assert backtest_sentence(past) == told


# Advice


def advice(this_week: ScoredCells, *factors: LeadingFactor, **situation: object) -> tuple[Recommendation, ...]:
    missing = situation.pop("missing", 0)
    assert missing is None or isinstance(missing, int)
    usual = {
        "this_week": this_week,
        "outlook": outlook(this_week, NOBODY, missing),
        "factors": factors,
        "spent_by_missing_regulars": 0.0,
        "memory_weeks": 8,
        "missing_days": (),
        "broken_features": (),
        "currency": "USD",
    }
    return recommendations(Situation(**(usual | situation)))  # type: ignore[arg-type]


FEW_VISITS = next(factor for factor in FACTORS if factor.id == "few_visits")


def test_advice_comes_by_the_money_at_stake_with_whom_it_is_about_and_their_list() -> None:
    this_week = week(
        Cell(0.9, 10, 300.0),
        Cell(0.75, 2, 5000.0, sessions=40),
        Cell(0.5, 3, 70.0, active_weeks_before=4),
        Cell(0.1, 84, 20.5, active_weeks_before=4),
    )
    told = advice(this_week, LeadingFactor(FEW_VISITS, 7, 12), missing=4, spent_by_missing_regulars=9000.0)
    assert [(row.id, row.priority, row.customers, row.spendAtStake, row.list) for row in told] == [
        ("win_back", "high", 12, 4020.0, "at_risk"),
        ("onboarding", "medium", 12, 4020.0, None),
        ("high_value", "high", 2, 3750.0, "high_value"),
        ("missing_regulars", "high", 4, 1000.0, "missing_regulars"),
        ("medium_risk", "low", 3, 35.0, "at_risk"),
        ("factor_few_visits", "medium", 7, None, None),
    ]
    assert [row.action for row in told][:2] == [
        "Launch targeted win-back campaign for the 12 customers at high churn risk.",
        "Review onboarding flows: what customers see and get on their first visits.",
    ]
    assert told[0].expectedImpact == (
        "About 10 of them will probably not be back within four weeks; of the $5,300 they spent this week, $4,020 is at stake."
    )
    assert (
        told[3].expectedImpact == "They came in at least three of the four weeks before, and spent $1,000 a week over nine weeks."
    )
    assert told[5].expectedImpact == '"Few Visits This Week" is a leading reason for 7 of the 12 customers at high churn risk.'


def test_one_customer_at_risk_is_advised_on_in_the_singular() -> None:
    (win_back,) = advice(week(Cell(0.75, 1, 12.5, active_weeks_before=1)))
    assert (win_back.action, win_back.expectedImpact) == (
        "Launch targeted win-back campaign for the 1 customer at high churn risk.",
        "This customer will probably not be back within four weeks; of the $12 this customer spent this week, $9 is at stake.",
    )


def test_where_nobody_is_above_the_thresholds_the_riskiest_are_written_to_first() -> None:
    (told,) = advice(week(Cell(0.3, 100, 100.0, active_weeks_before=2), Cell(0.02, 900, 5000.0, active_weeks_before=8)))
    assert (told.id, told.customers, told.list) == ("riskiest", 100, "at_risk")
    assert told.action == "Write first to the riskiest tenth (100 customers)."
    everybody_alike = week(Cell(0.3, 10, active_weeks_before=2), Cell(0.1, 990, 5000.0, active_weeks_before=8))
    assert advice(everybody_alike) == ()


def test_onboarding_is_advised_below_95_percent_retention_and_only_where_there_are_newcomers() -> None:
    bad = week(Cell(0.85, 6, active_weeks_before=0), Cell(0.1, 94, active_weeks_before=3))
    good = week(Cell(0.85, 5, active_weeks_before=0), Cell(0.1, 95, active_weeks_before=3))
    regulars = week(Cell(0.85, 6, active_weeks_before=1), Cell(0.1, 94, active_weeks_before=3))
    assert "onboarding" in {row.id for row in advice(bad)}
    assert "onboarding" not in {row.id for row in advice(good)} | {row.id for row in advice(regulars)}


@pytest.mark.parametrize("factor", FACTORS, ids=lambda factor: factor.id)
def test_a_leading_factor_has_the_action_of_its_feature(factor: object) -> None:
    (told,) = advice(week(Cell(0.1)), LeadingFactor(factor, 1, 1))  # type: ignore[arg-type]
    assert told.action == FACTOR_ACTIONS[factor.feature]  # type: ignore[attr-defined]
    assert told.expectedImpact.endswith("is a leading reason for the customer at greatest risk.")


def test_where_nobody_is_at_risk_there_is_nothing_to_advise() -> None:
    assert advice(week(Cell(0.001, 100, 5.0, sessions=40))) == ()


def test_missing_events_are_to_be_checked_first_and_the_days_are_named() -> None:
    days = (date(2025, 2, 27), date(2025, 2, 28), date(2025, 3, 1))
    (told,) = advice(NOBODY, missing_days=days)
    assert told.action == "Check that your shop still sends its events: none arrived on Feb 27 to Mar 1."
    assert advice(NOBODY) == ()
    assert advice(MANY, missing_days=days[:1])[0].id == "check_events"
    assert advice(MANY, broken_features=("total_spent_usd",))[0].id == "check_tracking"
