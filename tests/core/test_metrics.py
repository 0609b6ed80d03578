"""The week in numbers: risk levels, rates, changes and segments, at their limits and just below them."""

from datetime import date
from math import inf, nextafter
from zoneinfo import ZoneInfo

import pytest

from report.analysis.history import history
from report.analysis.metrics import last_week_in_numbers, percent_change, risk_breakdown, summary
from report.analysis.outlook import outlook
from report.analysis.risk import at_high_risk, risk_level
from report.analysis.segments import segment_breakdown
from report.week import Week
from tests.support.scored import NOBODY, Cell, week


def below(value: float) -> float:
    return nextafter(value, -inf)


@pytest.mark.parametrize(
    ("probability", "level", "churned"),
    [
        (1.0, "High", 1),
        (0.8, "High", 1),
        (below(0.8), "High", 0),
        (0.7, "High", 0),
        (below(0.7), "Medium", 0),
        (0.4, "Medium", 0),
        (below(0.4), "Low", 0),
        (0.0, "Low", 0),
    ],
)
def test_risk_is_high_from_70_percent_on_medium_from_40_and_churned_from_80(probability: float, level: str, churned: int) -> None:
    one = week(Cell(probability))
    assert risk_level(probability) == level
    assert [row.riskLevel for row in risk_breakdown(one) if row.count] == [level]
    numbers = summary(one, NOBODY)
    assert (numbers.highRiskCount, numbers.churnedThisWeek) == (int(level == "High"), churned)


def test_every_customer_of_a_cell_counts() -> None:
    this_week = week(Cell(0.85, 50), Cell(0.75, 100), Cell(0.5, 204), Cell(0.05, 850))
    last_week = week(Cell(0.9, 40), Cell(0.7, 120), Cell(0.1, 1000))
    numbers = summary(this_week, last_week)
    assert (numbers.totalCustomers, numbers.highRiskCount, numbers.churnedThisWeek) == (1204, 150, 50)
    assert numbers.retentionRate == 95.8  # 95.847...
    assert numbers.avgChurnProbability == 0.2176  # 0.217566...
    assert numbers.prevWeekComparison.model_dump() == {"highRisk": -6.2, "churned": 25.0, "retention": -0.7}
    assert [(row.riskLevel, row.count) for row in risk_breakdown(this_week)] == [("High", 150), ("Medium", 204), ("Low", 850)]


@pytest.mark.parametrize(
    ("now", "before", "change"),
    [
        (150, 100, 50.0),
        (100, 150, -33.3),
        (0, 3, -100.0),
        (3, 0, None),
        (0, 0, None),
        (None, 95.0, None),
        (95.0, None, None),
        (7, 7, 0.0),
        (1, 1.5, -33.3),
    ],
)
def test_a_change_is_in_percent_of_the_week_before_and_missing_where_that_is_nothing(
    now: float | None, before: float | None, change: float | None
) -> None:
    assert percent_change(now, before) == change


def test_a_change_too_small_to_show_has_no_sign() -> None:
    assert str(percent_change(99_999, 100_000)) == "0.0"


@pytest.mark.parametrize(
    ("sessions", "spent", "segment"),
    [
        (0, 1000, "High-Value"),
        (40, 0, "High-Value"),
        (39, below(1000), "Regular"),
        (0, 200, "Regular"),
        (15, 0, "Regular"),
        (14, below(200), "Occasional"),
        (0, 50, "Occasional"),
        (5, 0, "Occasional"),
        (4, below(50), "New"),
        (0, -20, "New"),
    ],
)
def test_a_segment_begins_at_its_limit_in_dollars_or_in_sessions(sessions: int, spent: float, segment: str) -> None:
    rows = segment_breakdown(week(Cell(0.5, 3, sessions=sessions, spent_each=spent)), NOBODY)
    assert [row.segment for row in rows] == ["High-Value", "Regular", "Occasional", "New"]
    assert [(row.segment, row.count, row.riskLevel) for row in rows if row.count] == [(segment, 3, 50.0)]


@pytest.mark.parametrize(
    ("now", "before", "trend"),
    [
        ([Cell(0.5)], [Cell(0.4)], "up"),
        ([Cell(0.4)], [Cell(0.5)], "down"),
        ([Cell(0.50001)], [Cell(0.5)], "flat"),  # the same as shown
        ([Cell(0.5)], [], "flat"),
        ([], [Cell(0.5)], "down"),
        ([Cell(0.2, 3), Cell(0.6)], [Cell(0.4)], "down"),  # 30 % on average, not 40 %
    ],
)
def test_a_trend_compares_the_risk_as_shown_with_last_weeks(now: list[Cell], before: list[Cell], trend: str) -> None:
    assert segment_breakdown(week(*now), week(*before))[-1].trend == trend


def test_the_cells_at_high_risk_keep_all_that_is_theirs() -> None:
    high = at_high_risk(week(Cell(0.1, 5, 10.0, sessions=3), Cell(0.7, 2, 20.0, sessions=9), Cell(0.9, 1, 30.0, sessions=12)))
    assert (high.customers, high.spent, high.expected_to_leave) == (3, 50.0, pytest.approx(2.3))
    assert high.cells.features[:, 5].tolist() == [9, 12]


def test_a_segments_risk_is_in_percent_with_one_decimal() -> None:
    assert segment_breakdown(week(Cell(0.12345)), NOBODY)[-1].riskLevel == 12.3


def test_last_week_is_told_in_absolute_numbers() -> None:
    then = week(Cell(0.8, 1, 10.0), Cell(0.7, 2, 5.006), Cell(0.4, 3, 1.0), Cell(0.1, 4))
    assert last_week_in_numbers(then, complete=False).model_dump() == {
        "totalCustomers": 10,
        "highRiskCount": 3,
        "mediumRiskCount": 3,
        "lowRiskCount": 4,
        "churned": 1,
        "retentionRate": 90.0,
        "avgChurnProbability": 0.38,
        "spendAtStake": 11.9,
        "complete": False,
    }
    nobody = last_week_in_numbers(NOBODY, complete=True)
    assert (nobody.totalCustomers, nobody.retentionRate, nobody.avgChurnProbability, nobody.complete) == (0, None, None, True)


def test_the_history_has_each_week_in_numbers_oldest_first_and_what_was_reported_then() -> None:
    report_week = Week(date(2025, 1, 5), ZoneInfo("UTC"), date(2025, 1, 6))
    this_week = week(Cell(0.9, 1, 10.0), Cell(0.72, 2, 5.0), Cell(0.1, 1))
    rows = history(report_week, (this_week, NOBODY), {0: 2})
    assert [row.model_dump() for row in rows] == [
        {
            "week_ending": date(2024, 12, 29),
            "customers": 0,
            "highRiskCount": 0,
            "churned": 0,
            "retentionRate": None,
            "avgChurnProbability": None,
            "spent": 0.0,
            "expectedToLeave": 0.0,
            "spendAtStake": 0.0,
            "reportedHighRiskCount": None,
        },
        {
            "week_ending": date(2025, 1, 5),
            "customers": 4,
            "highRiskCount": 3,
            "churned": 1,
            "retentionRate": 75.0,
            "avgChurnProbability": 0.61,
            "spent": 15.0,
            "expectedToLeave": 2.4,
            "spendAtStake": 12.6,
            "reportedHighRiskCount": 2,
        },
    ]


def test_a_segment_is_told_with_its_money_its_risk_levels_and_last_weeks_count() -> None:
    now = week(Cell(0.9, 2, 20.0), Cell(0.5, 1, 4.0), Cell(0.1, 7, 70.0), Cell(0.2, 1, 500.0, sessions=40))
    new = segment_breakdown(now, week(Cell(0.9, 3)))[-1]
    assert (new.countBefore, new.spent, new.expectedToLeave, new.spendAtStake) == (3, 94.0, 3.0, 27.0)
    assert (new.highRiskCount, new.mediumRiskCount, new.lowRiskCount) == (2, 1, 7)


# The outlook


def test_the_outlook_sums_probabilities_and_money_whatever_the_thresholds() -> None:
    now = week(Cell(0.055, 1000, 2000.0), Cell(0.3, 50, 50.0))
    ahead = outlook(now, week(Cell(0.5, 3, 9.0)), 7)
    assert (ahead.expectedToLeave, ahead.expectedToLeaveBefore) == (70.0, 1.5)
    assert (ahead.spent, ahead.spentBefore, ahead.spendAtStake, ahead.missingRegulars) == (2050.0, 9.0, 125.0, 7)


def test_the_riskiest_tenth_takes_all_who_tie_with_its_last_customer() -> None:
    tenth = outlook(week(Cell(0.9, 4), Cell(0.8, 30), Cell(0.1, 66)), NOBODY, None).riskiestTenth
    assert (tenth.customers, tenth.avgChurnProbability, tenth.timesAverage) == (34, 0.8118, 2.4)
    exactly = outlook(week(Cell(0.9, 10), Cell(0.8, 90)), NOBODY, None).riskiestTenth
    assert exactly.customers == 10


def test_without_customers_the_outlook_is_nothing_and_averages_are_missing() -> None:
    ahead = outlook(NOBODY, NOBODY, None)
    assert (ahead.expectedToLeave, ahead.spent, ahead.spendAtStake) == (0.0, 0.0, 0.0)
    assert ahead.riskiestTenth.model_dump() == {"customers": 0, "avgChurnProbability": None, "timesAverage": None}
