"""The week in numbers: risk levels, rates, changes and segments, at their limits and just below them."""

from datetime import date
from math import inf, nextafter

import pytest

from report.analysis.history import history
from report.analysis.metrics import percent_change, risk_breakdown, summary
from report.analysis.risk import at_high_risk, risk_level
from report.analysis.segments import segment_breakdown
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
    assert (high.customers, high.spent_usd, high.expected_to_leave) == (3, 50.0, pytest.approx(2.3))
    assert high.cells.features[:, 5].tolist() == [9, 12]


def test_a_segments_risk_is_in_percent_with_one_decimal() -> None:
    assert segment_breakdown(week(Cell(0.12345)), NOBODY)[-1].riskLevel == 12.3


def test_the_history_has_each_week_in_numbers_oldest_first() -> None:
    rows = history(date(2025, 1, 5), (week(Cell(0.9, 1), Cell(0.72, 2), Cell(0.1, 1)), NOBODY))
    assert [row.model_dump() for row in rows] == [
        {
            "week_ending": date(2024, 12, 29),
            "customers": 0,
            "highRiskCount": 0,
            "churned": 0,
            "retentionRate": None,
            "avgChurnProbability": None,
        },
        {
            "week_ending": date(2025, 1, 5),
            "customers": 4,
            "highRiskCount": 3,
            "churned": 1,
            "retentionRate": 75.0,
            "avgChurnProbability": 0.61,
        },
    ]
