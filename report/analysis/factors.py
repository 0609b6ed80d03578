"""Why customers are at risk, in the model's own words: the brief's section 7.3.

Each feature's contribution to a customer's log-odds of churning is the model's own (TreeSHAP, see `model.churn`). The model is
monotone, so a feature pushes the risk up from one side only, and one name fits each.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from model.churn import FEATURES, FloatArray
from report.analysis.cells import IntArray, Mask
from report.schema import RiskFactor, RiskLevel

FACTOR_NAMES: Mapping[str, str] = {
    "added_to_wishlist": "Little Interest In Wishlist",
    "removed_from_wishlist": "Items Removed From Wishlist",
    "added_to_cart": "Few Items Added To Cart",
    "removed_from_cart": "High Cart Abandonment",
    "cart_quantity_updated": "Little Cart Activity",
    "total_sessions": "Few Visits",
    "days_since_last_activity": "Long Time Since Last Visit",
    "total_spent_usd": "Decreased Purchase Frequency",
}
"""What a feature means to an owner where it pushes the risk up; the brief's names where it has them."""

MOST_LEADING = 3
LEAST_SHARE = 0.1
"""A customer's leading factors: the three largest pushes, each at least a tenth of all that pushes this customer's risk up."""

MOST_FACTORS = 5


def leading_factors(contributions: FloatArray) -> Mask:
    """Which features lead each row: n × 8 contributions in, n × 8 booleans out."""
    pushes = np.maximum(contributions, 0)
    third_largest = np.sort(pushes, axis=1)[:, [-MOST_LEADING]]
    least = np.maximum(third_largest, LEAST_SHARE * pushes.sum(axis=1, keepdims=True))
    leads: Mask = (pushes > 0) & (pushes >= least)
    return leads


def leading_factor_names(contributions: FloatArray) -> tuple[str, ...]:
    """The leading factors of one customer (8 contributions), strongest first."""
    leads = leading_factors(contributions[np.newaxis])[0]
    strongest_first = np.argsort(-contributions, kind="stable")
    return tuple(FACTOR_NAMES[FEATURES[index]] for index in strongest_first if leads[index])


@dataclass(frozen=True)
class LeadingFactor:
    """A factor that leads for some of the customers at high risk."""

    feature: str
    customers: int
    """For how many of them it leads."""
    of: int
    """How many customers are at high risk."""

    @property
    def name(self) -> str:
        """What the factor means to an owner."""
        return FACTOR_NAMES[self.feature]


def count_leading_factors(contributions: FloatArray, customers: IntArray) -> tuple[LeadingFactor, ...]:
    """For how many customers at high risk each factor leads, most frequent first; those that lead for none are left out.

    `contributions` (n × 8) and `customers` (n) are those of the cells at high risk.
    """
    led = customers @ leading_factors(contributions)
    most_frequent_first = np.argsort(-led, kind="stable")
    return tuple(
        LeadingFactor(FEATURES[index], int(led[index]), int(customers.sum())) for index in most_frequent_first if led[index]
    )


def top_risk_factors(factors: tuple[LeadingFactor, ...]) -> tuple[RiskFactor, ...]:
    """The five most frequent factors, and the impact of each.

    High where it leads for at least half of the customers at high risk, Medium for a quarter, else Low.
    """
    return tuple(
        RiskFactor(factor=factor.name, impact=_impact(factor.customers / factor.of)) for factor in factors[:MOST_FACTORS]
    )


def _impact(share: float) -> RiskLevel:
    if share >= 0.5:
        return "High"
    return "Medium" if share >= 0.25 else "Low"
