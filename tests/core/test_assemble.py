"""What the assembled report and its lists say of themselves, from hand-made counts."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from model import churn
from report.analysis.backtest import Teachers
from report.analysis.cells import CountedWeeks, WeekTotals
from report.analysis.customers import Customer, Regular
from report.analysis.days import DayCounts
from report.analysis.limits import cell_limits
from report.assemble import (
    Scored,
    Subject,
    assemble,
    facts_of,
    list_of_customers,
    list_of_regulars,
    listed_cells,
    score,
    teachers,
    with_customers,
    with_summary,
)
from report.settings import ClientSettings
from report.summary.executive import executive_summary
from report.week import Week

MODEL = churn.load()
NOW = datetime(2025, 1, 27, 8, 30, tzinfo=UTC)
WEEK = Week(date(2025, 1, 19), ZoneInfo("Asia/Tokyo"), date(2025, 1, 27))
SUBJECT = Subject(7, ClientSettings(name="Sample Shop", currency="JPY", usd_rate=150.0), WEEK, NOW)

ONCE = (0, 0, 0, 0, 0, 1, 5, 0.0, 0)
OFTEN = (1, 0, 4, 0, 0, 20, 0, 1200.0, 8)
ANN = Customer("ann", "ann@example.com", "Sample Ann", ONCE, declining=False, spent_9_weeks=4500.0)
BOB = Regular("bob", None, "Sample Bob", 0b111100, 9000.0)


def scored(week: Week = WEEK, days: DayCounts | None = None) -> Scored:
    """Every week 30 customers who came once and 10 who come often; 24 and 1 of them leave."""
    customers = np.array([[30], [10]]) * np.ones(week.counted_weeks, np.int64)
    with_feature = {"added_to_wishlist": 10, "added_to_cart": 10, "total_sessions": 40, "total_spent_usd": 10}
    totals = [WeekTotals(40, 30, with_feature=with_feature)] * week.counted_weeks
    totals[2] = WeekTotals(40, 30, missing_regulars=3, spent_by_missing_regulars=900.0, with_feature=with_feature)
    counted = CountedWeeks(
        features=np.array([ONCE, OFTEN]),
        declining=np.array([False, False]),
        customers=customers,
        churned=np.array([[24], [1]]) * np.ones(week.counted_weeks, np.int64),
        spent=customers * np.array([[0.0], [180_000.0]]),
        totals=(*totals, *[WeekTotals(40)] * 8),
        memory_weeks=8,
    )
    return score(MODEL, counted, days, week)


def all_days_but(missing: date) -> DayCounts:
    """Nine events on each day of 160, but for one."""
    days = [date(2025, 1, 26) - timedelta(days=day) for day in range(160)]
    return DayCounts({day: 9 for day in days if day != missing}, 60, 0)


def test_a_report_says_whose_it_is_when_it_was_made_and_what_taught_it() -> None:
    found = scored()
    meta = assemble(MODEL, SUBJECT, found).meta
    assert (meta.client_id, meta.client_name, meta.currency, meta.time_zone) == (7, "Sample Shop", "JPY", "Asia/Tokyo")
    assert (meta.week_start, meta.partial, meta.generated_at) == (date(2025, 1, 13), False, NOW)
    assert (meta.model_version, meta.memory_weeks, meta.summary_source) == (MODEL.version, 8, "template")
    assert meta.outside_training_range == 0
    assert (meta.calibration.intercept, meta.calibration.slope) == (found.calibration.intercept, found.calibration.slope)
    assert meta.calibration.weeks == 4
    assert (meta.thresholds.high, meta.thresholds.medium, meta.thresholds.churned) == (0.7, 0.4, 0.8)
    assert meta.thresholds.days_to_come_back == 28
    assert [(rule.segment, rule.spent_usd, rule.sessions) for rule in meta.segment_rules] == [
        ("High-Value", 1000, 40),
        ("Regular", 200, 15),
        ("Occasional", 50, 5),
        ("New", None, None),
    ]
    assert meta.backtest
    assert (meta.backtest.week_ending, meta.backtest.customers, meta.backtest.churned) == (date(2024, 12, 22), 40, 25)
    assert (meta.backtest.observed_churn_rate, meta.backtest.corrected, meta.backtest.as_issued) == (0.625, True, True)


def test_the_insights_compare_with_last_week_and_tell_what_is_known() -> None:
    data = assemble(MODEL, SUBJECT, scored()).report_data
    assert data.keyInsights == (
        "About 24 of 40 customers will probably not be back within four weeks; last week it was 24 of 40.",
        "¥90,543 of the ¥1,800,000 that known customers spent this week is at stake, most of it with High-Value customers.",
        "3 regulars stayed away this week and last, after coming in at least three of the four weeks before.",
        "30 customers are currently classified as high churn risk.",
        "Average churn probability across your base is 61.0%.",
        "Four weeks ago we said to expect 24 of 40 customers to stay away; 25 did. "
        "Of the 30 customers flagged at high risk, 24 have not come back.",
    )
    assert data.headline.text == "A usual week. About 24 of 40 customers will probably not be back within four weeks."
    assert [(advice.id, advice.spendAtStake) for advice in data.recommendations] == [
        ("missing_regulars", 100.0),
        ("win_back", 0.0),
        ("factor_no_visit_before", None),
    ]
    assert [(factor.id, factor.customers, factor.of) for factor in data.topRiskFactors] == [("no_visit_before", 30, 30)]
    assert [(change.what, change.now, change.before) for change in data.changes][:2] == [
        ("customers", 40.0, 40.0),
        ("spent", 1_800_000.0, 1_800_000.0),
    ]
    assert [caveat.code for caveat in data.caveats] == ["days_unknown"]


def test_last_weeks_missing_day_is_named_and_that_week_is_compared_with_nothing() -> None:
    data = assemble(MODEL, SUBJECT, scored(days=all_days_but(date(2025, 1, 8)))).report_data
    assert data.lastWeek.complete is False
    assert data.caveats == ()
    assert data.keyInsights[1] == (
        "No events arrived on Wednesday, Jan 8, so last week's numbers are too low and nothing is compared with them."
    )
    assert not any("last week it was" in insight for insight in data.keyInsights)


def test_what_is_broken_is_the_first_thing_to_do() -> None:
    data = assemble(MODEL, SUBJECT, scored(days=all_days_but(date(2025, 1, 15)))).report_data
    assert [caveat.code for caveat in data.caveats] == ["days_without_events"]
    assert data.recommendations[0].id == "check_events"
    assert data.changes == ()
    assert data.outlook.missingRegulars is None


def test_a_running_week_is_compared_with_nothing() -> None:
    running = Week(WEEK.ending, WEEK.time_zone, date(2025, 1, 17))
    report = assemble(MODEL, Subject(7, SUBJECT.client, running, NOW), scored(running))
    data = with_summary(report, executive_summary(facts_of(report), None)).report_data
    assert data.executiveSummary.startswith("So far this week you have had 40 active customers, ")
    assert data.changes == ()
    assert data.outlook.missingRegulars is None
    assert data.keyInsights[0] == "About 24 of 40 customers will probably not be back within four weeks."


def test_past_weeks_correct_what_this_week_expects() -> None:
    data = assemble(MODEL, SUBJECT, scored()).report_data
    assert data.outlook.expectedToLeave == pytest.approx(25, abs=2)
    assert data.outlook.expectedToLeaveBefore == data.outlook.expectedToLeave
    assert (data.outlook.spent, data.outlook.spentBefore) == (1_800_000, 1_800_000)
    assert data.outlook.missingRegulars == 3
    assert data.history is None


def test_the_history_is_of_eight_weeks_and_has_what_was_reported_of_those_that_are_known() -> None:
    history = assemble(MODEL, SUBJECT, scored(), include_history=True).report_data.history
    assert history
    assert [week.week_ending for week in history] == [WEEK.weeks_before(ago).ending for ago in reversed(range(8))]
    assert {(week.customers, week.spent) for week in history} == {(40, 1_800_000.0)}
    assert [week.reportedHighRiskCount is None for week in history] == [True] * 3 + [False] * 5


def test_the_past_weeks_that_teach_follow_from_the_days_or_else_from_the_weeks() -> None:
    found = scored()
    assert teachers(None, found.counted, WEEK) == found.teachers == Teachers(8, (4, 5, 6, 7), 4)
    young = DayCounts({date(2024, 12, 1) + timedelta(days=day): 9 for day in range(57)}, 60, 0)
    assert teachers(young, None, WEEK) == Teachers(2, (4,), 4)
    with pytest.raises(ValueError, match="neither"):
        teachers(None, None, WEEK)


def test_a_list_says_what_it_is_of_and_how_many_there_are() -> None:
    found, regulars = scored(), [BOB]
    at_risk = list_of_customers(MODEL, SUBJECT, found, [ANN], ("at_risk", 2))
    assert (at_risk.client_id, at_risk.week_ending, at_risk.list, at_risk.page) == (7, WEEK.ending, "at_risk", 2)
    assert (at_risk.total, at_risk.currency) == (40, "JPY")
    assert list_of_customers(MODEL, SUBJECT, found, [], ("high_value", 1)).total == 10
    missing = list_of_regulars(SUBJECT, found, regulars, 3)
    assert (missing.client_id, missing.week_ending, missing.list, missing.page) == (7, WEEK.ending, "missing_regulars", 3)
    assert (missing.total, missing.currency, len(missing.customers)) == (3, "JPY", 1)
    running = Week(WEEK.ending, WEEK.time_zone, WEEK.ending)
    of_running = Subject(7, SUBJECT.client, running, NOW)
    assert list_of_regulars(of_running, scored(running), [], 1).total is None


def test_a_list_and_a_report_tell_the_same_of_a_customer() -> None:
    found = scored()
    listed = list_of_customers(MODEL, SUBJECT, found, [ANN], ("at_risk", 1)).customers
    data = with_customers(assemble(MODEL, SUBJECT, found), MODEL, found, SUBJECT, ([ANN], [BOB])).report_data
    assert data.atRiskCustomers == listed
    (ann,) = data.atRiskCustomers
    expected = float(found.week(0).churn_probability[0])
    assert ann.churnProbability == pytest.approx(expected, abs=1e-4)
    assert (ann.spent_9_weeks, ann.spent_9_weeks_usd) == (4500, 30)
    assert ann.expectedLoss == pytest.approx(expected * 4500, abs=0.01)
    assert ann.topRiskFactors[:1] == ("No Visit In The Weeks Before",)
    assert data.missingRegulars == list_of_regulars(SUBJECT, found, [BOB], 1).customers
    (bob,) = data.missingRegulars
    assert (bob.user_id, bob.spent_9_weeks, bob.spent_9_weeks_usd) == ("bob", 9000, 60)


def test_the_high_value_list_asks_for_the_cells_of_that_segment_alone() -> None:
    found, limits = scored(), cell_limits(MODEL)
    assert len(listed_cells(found, limits, "at_risk").names) == 2
    (probability,) = listed_cells(found, limits, "high_value").churn_probabilities
    assert probability == found.week(0).churn_probability[1]
