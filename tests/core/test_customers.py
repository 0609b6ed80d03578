"""Customers one by one: what is said of each, and how their cells are named."""

import numpy as np

from model import churn
from report.analysis.customers import Customer, Regular, at_risk_customers, cell_probabilities, missing_regulars
from report.analysis.factors import Told
from report.analysis.limits import cell_limits
from tests.support.scored import NOBODY, Cell, week

LIMITS = cell_limits(churn.load())


def test_each_customer_is_a_row_with_what_the_report_says_of_them() -> None:
    pushes = np.zeros((2, 9))
    pushes[0, [3, 5, 8]] = 1.0, 2.0, 0.5
    known = (
        Customer(
            "ann", "ann@example.com", "Sample Ann", (0, 0, 0, 4, 0, 2, 0, 1212.345, 3), declining=True, spent_9_weeks=3000.0
        ),
        Customer("bob", None, None, (0, 0, 0, 0, 0, 0, 0, 50.006, 0), declining=False, spent_9_weeks=100.01),
    )
    rows = at_risk_customers(known, np.array([0.876549, 0.4]), pushes, Told(8), usd_rate=2.0)
    assert [row.model_dump() for row in rows] == [
        {
            "user_id": "ann",
            "email": "ann@example.com",
            "name": "Sample Ann",
            "churnProbability": 0.8765,
            "riskLevel": "High",
            "segment": "High-Value",
            "total_spent_usd": 1212.35,
            "topRiskFactors": ("Few Visits This Week", "High Cart Abandonment", "Decreased Visit Frequency"),
            "activeWeeksBefore": 3,
            "spent_9_weeks_usd": 1500.0,
            "expectedLoss": 2629.65,
            "spent": 2424.69,
            "spent_9_weeks": 3000.0,
        },
        {
            "user_id": "bob",
            "email": None,
            "name": None,
            "churnProbability": 0.4,
            "riskLevel": "Medium",
            "segment": "Occasional",
            "total_spent_usd": 50.01,
            "topRiskFactors": (),
            "activeWeeksBefore": 0,
            "spent_9_weeks_usd": 50.01,
            "expectedLoss": 40.0,
            "spent": 100.01,
            "spent_9_weeks": 100.01,
        },
    ]


def test_a_missing_regular_is_told_with_how_often_and_when_last_they_came() -> None:
    (row,) = missing_regulars((Regular("cat", None, "Sample Cat", 0b100111000, 90.0),), usd_rate=2.0)
    assert row.model_dump() == {
        "user_id": "cat",
        "email": None,
        "name": "Sample Cat",
        "activeWeeks": 3,
        "activeWeeksBefore": 4,
        "weeksSinceLastVisit": 3,
        "spent_9_weeks_usd": 45.0,
        "spent_9_weeks": 90.0,
    }


def test_a_cell_is_named_by_its_buckets_and_by_whether_its_customers_come_less_often() -> None:
    named = cell_probabilities(week(Cell(0.2, 5, sessions=4), Cell(0.9, active_weeks_before=3, declining=True)), LIMITS)
    assert [name.split(",")[-1] for name in named.names] == ["0", "1"]
    assert all(len(name.split(",")) == len(churn.FEATURES) + 1 for name in named.names)
    assert named.churn_probabilities == (0.2, 0.9)
    assert cell_probabilities(NOBODY, LIMITS).names == ()
