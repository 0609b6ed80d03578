"""What is said and advised of a week, word by word."""

import re
from collections.abc import Sequence
from datetime import date
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from report.analysis.caveats import broken_features, silenced_changes
from report.analysis.cells import CountedWeeks, ScoredCells, WeekTotals
from report.analysis.changes import changes, figures
from report.analysis.factors import FACTORS, LeadingFactor
from report.analysis.insights import Findings, key_insights
from report.analysis.outlook import outlook
from report.analysis.recommendations import ACTIONS, FACTOR_ACTIONS, Situation, recommendations
from report.analysis.segments import segment_breakdown
from report.analysis.sentences import backtest_sentence, days_in_words, leaving_clause, riskiest_sentence
from report.schema import Backtest, Recommendation
from report.week import Week
from tests.support.scored import NOBODY, Cell, week


def insights(
    this_week: ScoredCells,
    last_week: ScoredCells = NOBODY,
    missing: int | None = 0,
    baseline: Sequence[ScoredCells] = (),
    *,
    average_shop: bool = False,
) -> list[str]:
    found = Findings(
        this_week=this_week,
        last_week=last_week,
        missing_last_week=(),
        outlook=outlook(this_week, last_week, missing),
        segments=segment_breakdown(this_week, last_week),
        changes=changes(figures(this_week), figures(last_week), [figures(past) for past in baseline]),
        backtest=None,
        average_shop=average_shop,
        running=False,
        currency="USD",
    )
    return list(key_insights(found))


MANY = week(Cell(0.85, 50, 1000.5), Cell(0.75, 100, 2029.2), Cell(0.5, 50, 600.0), Cell(0.05, 800, 94_370.3, sessions=40))
FEWER = week(Cell(0.85, 100, 500.0), Cell(0.05, 1002, 90_000.0, sessions=40))


# Insights


def test_a_week_is_told_from_what_will_happen_to_the_briefs_sentences() -> None:
    assert insights(MANY, FEWER, missing=12) == [
        "About 182 of 1,000 customers will probably not be back within four weeks; last week it was 135 of 1,102.",
        "$7,391 of the $98,000 that known customers spent this week is at stake, most of it with High-Value customers.",
        "12 regulars stayed away this week and last, after coming in at least three of the four weeks before.",
        "150 customers are currently classified as high churn risk.",
        "50 customers are estimated to have churned this week.",
        "Average churn probability across your base is 18.2%.",
        "The riskiest 150 customers are 4.3 times as likely to leave as the average customer.",
    ]


def test_a_change_is_told_only_where_it_is_more_than_chance() -> None:
    usual = [week(Cell(0.2, 1000 + step, 5000.0)) for step in (0, 9, -7, 4, -3, 8, -9, 2)]
    told = insights(week(Cell(0.2, 700, 5001.0)), usual[0], 0, usual)
    (told_of_customers,) = [sentence for sentence in told if sentence.startswith("Fewer customers came")]
    assert re.fullmatch(r"Fewer customers came than usual: 700, against 9\d\d to 1,0\d\d in a usual week\.", told_of_customers)
    assert not any(sentence.startswith("Known customers") for sentence in told)
    assert not any("usual" in sentence for sentence in insights(week(Cell(0.2, 1005, 5000.0)), usual[0], 0, usual))


def test_one_customer_is_told_in_the_singular() -> None:
    assert insights(week(Cell(0.9, 1, 5.0)), week(Cell(0.9, 1), Cell(0.1, 1)), missing=1) == [
        "Your only customer of the week will probably not be back within four weeks.",
        "$4 of the $5 that known customers spent this week is at stake.",
        "1 regular stayed away this week and last, after coming in at least three of the four weeks before.",
        "1 customer is currently classified as high churn risk.",
        "1 customer is estimated to have churned this week.",
        "Average churn probability across your base is 90.0%.",
    ]


def test_what_does_not_apply_is_not_told() -> None:
    assert insights(week(Cell(0.0, 3)), NOBODY) == [
        "Probably all 3 customers will be back within four weeks.",
        "Average churn probability across your base is 0.0%.",
    ]


def test_the_probabilities_of_an_average_shop_are_told_as_such() -> None:
    assert insights(week(Cell(0.5, 30, 900.0)), week(Cell(0.5, 20)), average_shop=True) == [
        "In an average shop about 15 of 30 such customers would not be back within four weeks.",
        "Average churn probability across your base is 50.0%.",
    ]


def test_the_average_is_written_as_the_reports_field_has_it() -> None:
    average = 0.473501
    assert f"{100 * average:.1f}" == "47.4"
    assert insights(week(Cell(average)))[-1] == f"Average churn probability across your base is {100 * round(average, 4):.1f}%."
    assert insights(week(Cell(average)))[-1] == "Average churn probability across your base is 47.3%."


@pytest.mark.parametrize(
    ("customers", "expected", "average_shop", "told"),
    [
        (1, 0.39, False, "Your only customer of the week will probably be back within four weeks"),
        (1, 0.5, False, "Nobody can tell yet whether your only customer of the week will be back within four weeks"),
        (1, 0.61, False, "Your only customer of the week will probably not be back within four weeks"),
        (1, 0.9, True, "Nobody can tell yet whether your only customer of the week will be back within four weeks"),
        (20, 0.4, False, "Probably all 20 customers will be back within four weeks"),
        (2, 0.4, False, "Probably both customers will be back within four weeks"),
        (20, 19.6, False, "Probably none of 20 customers will be back within four weeks"),
        (20, 0.6, False, "About 1 of 20 customers will probably not be back within four weeks"),
        (20, 0.4, True, "In an average shop hardly any of 20 such customers would not be back within four weeks"),
        (20, 7.0, True, "In an average shop about 7 of 20 such customers would not be back within four weeks"),
    ],
)
def test_how_many_will_leave_is_said_as_it_is_known(customers: int, expected: float, average_shop: bool, told: str) -> None:
    assert leaving_clause(customers, expected, average_shop=average_shop) == told


def test_fewer_who_will_leave_are_no_news_where_fewer_came() -> None:
    usual = [week(Cell(0.2, 1000 + step, 5000.0)) for step in (0, 9, -7, 4, -3, 8, -9, 2)]
    told = insights(week(Cell(0.2, 500, 4990.0)), usual[0], 0, usual)
    assert not any("expected to leave" in sentence for sentence in told)
    more = insights(week(Cell(0.4, 1000, 5000.0)), usual[0], 0, usual)
    assert any(sentence.startswith("More customers than usual are expected to leave: 400") for sentence in more)


def test_what_is_called_unusual_lies_outside_the_range_that_is_shown() -> None:
    past = [figures(week(Cell(0.2, 100 + step, 5000.0 + step / 3))) for step in (0, 9, -7, 4, -3, 8, -9, 2)]
    for customers in range(40, 160):
        for change in changes(figures(week(Cell(0.2, customers, 1.0 * customers))), past[0], past):
            inside = change.usualLow <= round(change.now) <= change.usualHigh
            assert change.verdict == "usual" or not inside


@pytest.mark.parametrize(("unusable", "broken"), [(0, set()), (4, set()), (5, {"total_spent_usd"})])
def test_many_amounts_that_count_as_nothing_leave_no_verdict_on_spend_and_segments(unusable: int, broken: set[str]) -> None:
    totals = WeekTotals(100, unusable_amounts=unusable, with_feature={"total_spent_usd": 40})
    before = WeekTotals(100, with_feature={"total_spent_usd": 40})
    counts = np.zeros((0, 2), np.int64)
    counted = CountedWeeks(np.zeros((0, 9)), np.zeros(0, np.bool_), counts, counts, counts * 1.0, (totals, before), 8)
    assert broken_features(counted, Week(date(2025, 1, 19), ZoneInfo("UTC"), date(2025, 1, 20))) == broken
    silenced = silenced_changes((), broken)
    assert silenced == ({"spent", "High-Value", "Regular", "Occasional", "New"} if broken else frozenset())


def test_the_new_segment_is_not_taken_for_newcomers() -> None:
    usual = [week(Cell(0.2, 1000 + step, 5000.0)) for step in (0, 9, -7, 4, -3, 8, -9, 2)]
    told = " ".join(insights(week(Cell(0.2, 700, 5001.0)), usual[0], 0, usual))
    assert "Fewer customers of the New segment came than usual: 700" in told
    assert "New customers" not in told


def test_the_riskiest_are_told_only_where_some_of_them_will_leave_and_they_are_no_half() -> None:
    def told(*cells: Cell) -> str:
        all_of_them = week(*cells)
        return riskiest_sentence(all_of_them.customers, outlook(all_of_them, NOBODY, 0))

    assert told(Cell(0.2, 20), Cell(0.05, 180)) == (
        "The riskiest tenth (20 customers) is 3.1 times as likely to leave as the average customer."
    )
    assert told(Cell(0.02, 20), Cell(0.005, 180)) == ""
    assert told(Cell(0.2, 9), Cell(0.05, 81)) == ""
    assert told(Cell(0.2, 100), Cell(0.01, 90)) == ""


@pytest.mark.parametrize(
    ("days", "told"),
    [
        ([26], "on Wednesday, Feb 26"),
        ([24, 25, 26], "from Feb 24 to Feb 26"),
        ([20, 24, 25], "on Feb 20 and from Feb 24 to Feb 25"),
    ],
)
def test_days_are_named_with_their_preposition(days: list[int], told: str) -> None:
    assert days_in_words([date(2025, 2, day) for day in days]) == told


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
        corrected=bool(others.get("corrected", True)),
    )


SAID = "Four weeks ago we said to expect 60 of 200 customers to stay away; 50 did."


@pytest.mark.parametrize(
    ("past", "told"),
    [
        (backtest(200, 50, 10, 10), f"{SAID} All 10 customers flagged at high risk have stayed away."),
        (backtest(200, 50, 10, 0), f"{SAID} All 10 customers flagged at high risk have come back."),
        (backtest(200, 0), "Four weeks ago we said to expect 60 of 200 customers to stay away; none did."),
        (
            backtest(200, 50, corrected=False),
            "Four weeks ago, with no past week to learn from, we said to expect 60 of 200 customers to stay away; 50 did.",
        ),
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
        "changed_features": (),
        "average_shop": False,
        "currency": "USD",
    }
    return recommendations(Situation(**(usual | situation)))  # type: ignore[arg-type]


@pytest.mark.parametrize(("spent", "end"), [(0.0, "; together they spent nothing this week."), (1.3, "."), (-300.0, ".")])
def test_they_spent_nothing_only_where_they_did(spent: float, end: str) -> None:
    told = advice(week(Cell(0.75, 20, spent), Cell(0.1, 80, 5000.0, active_weeks_before=4)))
    assert told[0].expectedImpact == f"About 15 of them will probably not be back within four weeks{end}"


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
    assert [row.action for row in told][:5] == [
        "Launch targeted win-back campaign for the 12 customers at high churn risk.",
        "Review onboarding flows: what customers see and get on their first visits.",
        "Give the 2 High-Value customers a personal reason to come back soon.",
        "Get in touch with the 4 regulars who stayed away this week and last.",
        "Stay in touch with the 3 customers at medium churn risk.",
    ]
    assert told[0].expectedImpact == (
        "About 10 of them will probably not be back within four weeks; of the $5,300 they spent this week, $4,020 is at stake."
    )
    assert (
        told[3].expectedImpact
        == "They came in at least three of the four weeks before, and together spent $1,000 a week over nine weeks."
    )
    assert told[5].expectedImpact == '"Few Visits This Week" is a leading reason for 7 of the 12 customers at high churn risk.'


def test_one_customer_at_risk_is_advised_on_in_the_singular() -> None:
    (win_back,) = advice(week(Cell(0.75, 1, 12.5, active_weeks_before=1)))
    assert (win_back.action, win_back.expectedImpact) == (
        "Launch targeted win-back campaign for the customer at high churn risk.",
        "This customer will probably not be back within four weeks; of the $12 this customer spent this week, $9 is at stake.",
    )


@pytest.mark.parametrize(
    ("missing", "spent", "told"),
    [
        (1, 9.0, "This customer came in at least three of the four weeks before, and spent $1 a week over nine weeks."),
        (2, 8.9, "They came in at least three of the four weeks before."),
    ],
)
def test_missing_regulars_are_told_with_what_they_spent_if_it_is_anything(missing: int, spent: float, told: str) -> None:
    (row,) = advice(week(Cell(0.1, 20, 100.0, active_weeks_before=8)), missing=missing, spent_by_missing_regulars=spent)
    assert (row.id, row.expectedImpact) == ("missing_regulars", told)


def test_a_change_of_the_tracking_is_checked_before_all_else() -> None:
    first, *_ = advice(week(Cell(0.9, 20, 100.0)), changed_features=(("added_to_cart", False),))
    assert (first.id, first.priority) == ("check_tracking", "high")
    assert first.action == (
        "Check what changed in your event tracking: no customer has “added_to_cart” events this week, though many had last week."
    )


def test_a_reason_of_all_who_are_at_high_risk_is_told_of_all() -> None:
    def told(led: int, of: int) -> str:
        return advice(week(Cell(0.75, of, 50.0, active_weeks_before=1)), LeadingFactor(FEW_VISITS, led, of))[-1].expectedImpact

    assert told(1, 1) == '"Few Visits This Week" is a leading reason for the customer at high churn risk.'
    assert told(2, 2) == '"Few Visits This Week" is a leading reason for both customers at high churn risk.'
    assert told(3, 4) == '"Few Visits This Week" is a leading reason for 3 of the 4 customers at high churn risk.'


def test_without_a_memory_of_four_weeks_nobody_is_called_a_newcomer() -> None:
    onboarding = next(row for row in advice(week(Cell(0.85, 10, 50.0), Cell(0.1, 10)), memory_weeks=3) if row.id == "onboarding")
    assert onboarding.expectedImpact == "The retention rate is 50.0%: 10 customers are above 80% risk."
    assert (onboarding.customers, onboarding.spendAtStake) == (None, None)


def test_where_nobody_is_above_the_thresholds_the_riskiest_are_written_to_first() -> None:
    (told,) = advice(week(Cell(0.3, 100, 100.0, active_weeks_before=2), Cell(0.02, 900, 5000.0, active_weeks_before=8)))
    assert (told.id, told.customers, told.list) == ("riskiest", 100, "at_risk")
    assert told.action == "Write first to the riskiest tenth (100 customers)."
    everybody_alike = week(Cell(0.3, 10, active_weeks_before=2), Cell(0.1, 990, 5000.0, active_weeks_before=8))
    assert advice(everybody_alike) == ()


def test_the_impact_of_an_average_shop_is_told_as_such() -> None:
    (told,) = advice(
        week(Cell(0.3, 100, 100.0, active_weeks_before=2), Cell(0.02, 900, 5000.0, active_weeks_before=8)), average_shop=True
    )
    assert told.expectedImpact == (
        "In an average shop about 30 of them would not be back within four weeks; they spent $100 this week."
    )


def test_nothing_is_said_of_spend_where_the_shop_has_none() -> None:
    (told,) = advice(week(Cell(0.75, 10, active_weeks_before=1)))
    assert told.expectedImpact == "About 8 of them will probably not be back within four weeks."


def test_nobody_is_advised_on_twice_and_a_rare_factor_not_at_all() -> None:
    newcomers = week(Cell(0.85, 20, 100.0), Cell(0.1, 80, 100.0, active_weeks_before=4))
    not_before = next(factor for factor in FACTORS if factor.id == "no_visit_before")
    told = advice(newcomers, LeadingFactor(not_before, 20, 20), LeadingFactor(FEW_VISITS, 4, 20))
    assert [row.id for row in told] == ["win_back", "onboarding"]
    told = advice(newcomers, LeadingFactor(not_before, 20, 20), LeadingFactor(FEW_VISITS, 5, 20))
    assert [row.id for row in told] == ["win_back", "onboarding", "factor_few_visits"]


def test_onboarding_is_advised_below_95_percent_retention_and_only_where_there_are_newcomers() -> None:
    bad = week(Cell(0.85, 6, active_weeks_before=0), Cell(0.1, 94, active_weeks_before=3))
    good = week(Cell(0.85, 5, active_weeks_before=0), Cell(0.1, 95, active_weeks_before=3))
    regulars = week(Cell(0.85, 6, active_weeks_before=1), Cell(0.1, 94, active_weeks_before=3))
    assert "onboarding" in {row.id for row in advice(bad)}
    assert "onboarding" not in {row.id for row in advice(good)} | {row.id for row in advice(regulars)}


@pytest.mark.parametrize("factor", FACTORS, ids=lambda factor: factor.id)
def test_a_leading_factor_has_the_action_of_its_feature(factor: object) -> None:
    (told,) = advice(week(Cell(0.1, 12)), LeadingFactor(factor, 2, 2))  # type: ignore[arg-type]
    assert told.action == ACTIONS.get(factor.id, FACTOR_ACTIONS[factor.feature])  # type: ignore[attr-defined]
    assert told.expectedImpact.endswith("is a leading reason for both customers at greatest risk.")


def test_where_nobody_is_at_risk_there_is_nothing_to_advise() -> None:
    assert advice(week(Cell(0.001, 100, 5.0, sessions=40))) == ()


def test_missing_events_are_to_be_checked_first_and_the_days_are_named() -> None:
    days = (date(2025, 2, 27), date(2025, 2, 28), date(2025, 3, 1))
    (told,) = advice(NOBODY, missing_days=days)
    assert told.action == ("Check whether your shop was closed or stopped sending its events: none arrived from Feb 27 to Mar 1.")
    assert advice(NOBODY) == ()
    assert advice(MANY, missing_days=days[:1])[0].id == "check_events"


def test_changed_tracking_is_to_be_checked_first_and_what_was_seen_is_named() -> None:
    told = advice(MANY, changed_features=(("total_spent_usd", False), ("added_to_cart", True)))
    assert told[0].action == (
        "Check what changed in your event tracking: "
        "no customer has purchases with a positive amount this week, though many had last week; "
        "many customers have “added_to_cart” events this week, though none had last week."
    )
    assert "spent" not in told[1].expectedImpact
