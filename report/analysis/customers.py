"""Single customers, for reports that include them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from model.arrays import FloatArray
from model.churn import FEATURES
from report.analysis.cells import ScoredCells
from report.analysis.factors import Told, leading_factor_names
from report.analysis.limits import Limits, buckets
from report.analysis.risk import risk_level
from report.analysis.segments import segment_indices
from report.rules import SEGMENTS
from report.schema import AtRiskCustomer, MissingRegular

MAX_CUSTOMERS = 25


@dataclass(frozen=True)
class Customer:
    """One row of `customers.sql`. Email and name are None if the users table has none."""

    user_id: str
    email: str | None
    name: str | None
    features: tuple[float, ...]
    """9, as in `model.churn.FEATURES`."""
    declining: bool
    spent_9_weeks: float
    """In the client's currency."""


@dataclass(frozen=True)
class Regular:
    """One row of `missing_regulars.sql`."""

    user_id: str
    email: str | None
    name: str | None
    active_weeks: int
    """Bit k is set if the customer was active k weeks before the newest week."""
    spent_9_weeks: float
    """In the client's currency."""


@dataclass(frozen=True)
class CellProbabilities:
    """Cells by their names in `customers_in_cells.sql`, and the churn probability of each cell's customers."""

    names: tuple[str, ...]
    churn_probabilities: tuple[float, ...]


def cell_probabilities(scored: ScoredCells, limits: Limits) -> CellProbabilities:
    """Name the cells of a week, so that BigQuery can order their customers by expected loss."""
    numbers = np.column_stack([buckets(scored.cells.features, limits), scored.cells.declining])
    names = tuple(",".join(map(str, row)) for row in numbers.tolist())
    return CellProbabilities(names, tuple(scored.churn_probability.tolist()))


def at_risk_customers(
    customers: Sequence[Customer], churn_probability: FloatArray, contributions: FloatArray, told: Told, usd_rate: float
) -> tuple[AtRiskCustomer, ...]:
    """Make one row of the report for each of the n `customers`, in the same order.

    `churn_probability` (n) and `contributions` (n × 9) are those of the customers.
    """
    features = features_of(customers)
    declining = np.array([customer.declining for customer in customers], dtype=np.bool_)
    segments = segment_indices(features)
    factors = leading_factor_names(contributions, features, declining, told)
    return tuple(
        AtRiskCustomer(
            user_id=customer.user_id,
            email=customer.email,
            name=customer.name,
            churnProbability=round(float(probability), 4),
            riskLevel=risk_level(float(probability)),
            segment=SEGMENTS[segment],
            total_spent_usd=round(customer.features[FEATURES.index("total_spent_usd")], 2),
            topRiskFactors=names,
            activeWeeksBefore=int(customer.features[FEATURES.index("active_weeks_before")]),
            spent_9_weeks_usd=round(customer.spent_9_weeks / usd_rate, 2),
            expectedLoss=round(float(probability) * customer.spent_9_weeks, 2),
            spent=round(customer.features[FEATURES.index("total_spent_usd")] * usd_rate, 2),
            spent_9_weeks=round(customer.spent_9_weeks, 2),
        )
        for customer, probability, segment, names in zip(customers, churn_probability, segments, factors, strict=True)
    )


def features_of(customers: Sequence[Customer]) -> FloatArray:
    """Return the features (n × 9) of n customers."""
    return np.array([customer.features for customer in customers], dtype=np.float64).reshape(-1, len(FEATURES))


def missing_regulars(regulars: Sequence[Regular], usd_rate: float) -> tuple[MissingRegular, ...]:
    """Make one row of the report for each missing regular, in the same order."""
    return tuple(
        MissingRegular(
            user_id=regular.user_id,
            email=regular.email,
            name=regular.name,
            activeWeeks=(regular.active_weeks >> 2 & 0b1111).bit_count(),
            activeWeeksBefore=(regular.active_weeks >> 1 & 0b11111111).bit_count(),
            weeksSinceLastVisit=(regular.active_weeks & -regular.active_weeks).bit_length() - 1,
            spent_9_weeks_usd=round(regular.spent_9_weeks / usd_rate, 2),
            spent_9_weeks=round(regular.spent_9_weeks, 2),
        )
        for regular in regulars
    )
