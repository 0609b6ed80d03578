"""The riskiest customers: which cells have them, and what is said of each."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from report.analysis.customers import Customer, at_risk_customers, riskiest_cells
from tests.support.scored import NOBODY, Cell, week

CELL = st.tuples(st.sampled_from([0.1, 0.2, 0.5, 0.7, 0.9]), st.integers(1, 30))


@given(st.lists(CELL, max_size=12))
def test_the_riskiest_cells_are_those_that_the_25_riskiest_customers_may_be_in(cells: list[tuple[float, int]]) -> None:
    picked = riskiest_cells(week(*(Cell(probability, customers) for probability, customers in cells)))
    each = sorted((probability for probability, customers in cells for _ in range(customers)), reverse=True)
    least = each[:25][-1] if each else 0.0
    found = list(zip(picked.churn_probability.tolist(), picked.cells.customers.tolist(), strict=True))
    assert found == [cell for cell in cells if cell[0] >= least]


@pytest.mark.parametrize(("customers", "cells"), [(24, 2), (25, 1), (26, 1)])
def test_the_25th_customer_is_the_last_who_matters(customers: int, cells: int) -> None:
    assert len(riskiest_cells(week(Cell(0.1, 50), Cell(0.9, customers))).churn_probability) == cells
    assert len(riskiest_cells(NOBODY).churn_probability) == 0


def test_each_customer_is_a_row_with_what_the_report_says_of_them() -> None:
    features = np.zeros((2, 8))
    features[0, [5, 7]] = 40, 12.345
    features[1, 7] = 50.006
    pushes = np.zeros((2, 8))
    pushes[0, [3, 5]] = 1.0, 2.0
    known = (Customer("ann", "ann@example.com", "Sample Ann", ()), Customer("bob", None, None, ()))
    rows = at_risk_customers(known, features, np.array([0.876549, 0.4]), pushes)
    assert [row.model_dump() for row in rows] == [
        {
            "user_id": "ann",
            "email": "ann@example.com",
            "name": "Sample Ann",
            "churnProbability": 0.8765,
            "riskLevel": "High",
            "segment": "High-Value",
            "total_spent_usd": 12.35,
            "topRiskFactors": ("Few Visits", "High Cart Abandonment"),
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
        },
    ]
