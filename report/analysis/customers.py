"""The riskiest customers, one by one: only where they are asked for."""

from dataclasses import dataclass

import numpy as np

from model.churn import FEATURES, FloatArray
from report.analysis.cells import ScoredCells
from report.analysis.factors import leading_factor_names
from report.analysis.risk import risk_level
from report.analysis.segments import SEGMENTS, segment_indices
from report.schema import AtRiskCustomer

MOST_CUSTOMERS = 25


@dataclass(frozen=True)
class Customer:
    """One customer's row of `customers.sql`. Email and name are None where the users table has none."""

    user_id: str
    email: str | None
    name: str | None
    features: tuple[float, ...]


def riskiest_cells(scored: ScoredCells) -> ScoredCells:
    """The fewest cells that surely have the riskiest customers in them: all at or above the 25th customer's probability."""
    riskiest_first = np.argsort(-scored.churn_probability)
    customers_so_far = np.cumsum(scored.cells.customers[riskiest_first])
    enough = np.searchsorted(customers_so_far, MOST_CUSTOMERS)
    if enough == len(riskiest_first):
        return scored
    return scored.where(scored.churn_probability >= scored.churn_probability[riskiest_first[enough]])


def at_risk_customers(
    customers: tuple[Customer, ...], features: FloatArray, churn_probability: FloatArray, contributions: FloatArray
) -> tuple[AtRiskCustomer, ...]:
    """One row of the report for each of the n `customers`, in their order.

    `features` (n × 9) are theirs, `churn_probability` (n) and `contributions` (n × 9) the model's call on them.
    """
    return tuple(
        AtRiskCustomer(
            user_id=_text(customer.user_id),
            email=None if customer.email is None else _text(customer.email),
            name=None if customer.name is None else _text(customer.name),
            churnProbability=round(float(probability), 4),
            riskLevel=risk_level(float(probability)),
            segment=SEGMENTS[segment],
            total_spent_usd=round(float(row[FEATURES.index("total_spent_usd")]), 2),
            topRiskFactors=leading_factor_names(pushes),
        )
        for customer, row, probability, segment, pushes in zip(
            customers, features, churn_probability, segment_indices(features), contributions, strict=True
        )
    )


def _text(given: str) -> str:
    """The text without halves of characters, which JSON may bring and no answer can carry."""
    return given.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
