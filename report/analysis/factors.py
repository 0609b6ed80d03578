"""The risk factors: the brief's section 7.3.

The contribution of each feature to a customer's log-odds of churning is the model's (TreeSHAP, see `model.churn`). A factor has a
name, which is used only if the customer's own features make it true.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from model.arrays import FloatArray, Mask
from model.churn import FEATURES
from report.analysis.cells import Cells
from report.schema import RiskFactor, RiskLevel


@dataclass(frozen=True)
class Factor:
    """A name for the contribution of a feature, true of customers with `at_least` ≤ feature < `below`."""

    id: str
    name: str
    feature: str
    at_least: float = -np.inf
    below: float = np.inf
    declining: bool = False
    """True if the name fits only customers who come less often than before."""


FACTORS: tuple[Factor, ...] = (
    Factor("nothing_added_to_wishlist", "Nothing Added To Wishlist", "added_to_wishlist", below=1),
    Factor("removed_from_wishlist", "Items Removed From Wishlist", "removed_from_wishlist", at_least=1),
    Factor("nothing_added_to_cart", "Nothing Added To Cart", "added_to_cart", below=1),
    Factor("cart_abandonment", "High Cart Abandonment", "removed_from_cart", at_least=3),
    Factor("removed_from_cart", "Items Removed From Cart", "removed_from_cart", at_least=1),
    Factor("few_cart_updates", "Few Cart Updates", "cart_quantity_updated", below=3),
    Factor("few_visits", "Few Visits This Week", "total_sessions", below=3),
    Factor("long_since_last_visit", "Long Time Since Last Visit", "days_since_last_activity", at_least=4),
    Factor("low_spend", "Low Spend This Week", "total_spent_usd", below=50),
    Factor("decreased_visits", "Decreased Visit Frequency", "active_weeks_before", declining=True),
    Factor("no_visit_before", "No Visit In The Weeks Before", "active_weeks_before", below=1),
    Factor("few_visits_before", "Few Visits In The Weeks Before", "active_weeks_before", below=3),
)
"""The factors of each feature, the most specific first; the brief's name is used where it is true."""

FACTOR_LIMITS: Mapping[str, frozenset[float]] = {
    feature: frozenset(
        limit
        for factor in FACTORS
        if factor.feature == feature
        for limit in (factor.at_least, factor.below)
        if np.isfinite(limit)
    )
    for feature in FEATURES
}
"""The limits of each feature that make a factor true of all customers of a cell or of none."""

MAX_LEADING = 3
MIN_SHARE = 0.1
"""A customer's leading factors: the three largest contributions that raise the risk, each at least a tenth of their sum."""
MAX_FACTORS = 5
MIN_MEMORY_WEEKS = 4
"""With a shorter memory, no factor is about the weeks before."""


@dataclass(frozen=True)
class Told:
    """The factors that a report may contain."""

    memory_weeks: int
    broken_features: frozenset[str] = frozenset()
    """Features to leave out: their tracking changed, or the shop does not track them."""

    def features(self) -> Mask:
        """Return a mask (9) of the features whose factors the report may contain."""
        short_memory = {"active_weeks_before"} if self.memory_weeks < MIN_MEMORY_WEEKS else set()
        told: Mask = np.array([feature not in self.broken_features | short_memory for feature in FEATURES])
        return told


def leading_factors(contributions: FloatArray, features: FloatArray, declining: Mask, told: Told) -> Mask:
    """Mark the factors (f, as in `FACTORS`) that lead each of n rows: n × f.

    `contributions` and `features` (n × 9) and `declining` (n) are those of the rows.
    """
    true_of = _true_of(features, declining)
    has_a_name = np.column_stack(
        [true_of[:, [factor.feature == feature for factor in FACTORS]].any(axis=1) for feature in FEATURES]
    )
    all_pushes = np.maximum(contributions, 0)
    pushes = np.where(has_a_name & told.features(), all_pushes, 0)
    third_largest = np.sort(pushes, axis=1)[:, [-MAX_LEADING]]
    least = np.maximum(third_largest, MIN_SHARE * all_pushes.sum(axis=1, keepdims=True))
    leads = (pushes > 0) & (pushes >= least)
    leading: Mask = true_of & leads[:, [FEATURES.index(factor.feature) for factor in FACTORS]]
    return leading


def _true_of(features: FloatArray, declining: Mask) -> Mask:
    """Mark the factor that fits each feature of each row: n × f, at most one factor for each feature."""
    true_of = np.zeros((len(features), len(FACTORS)), dtype=np.bool_)
    named: dict[str, Mask] = {feature: np.zeros(len(features), dtype=np.bool_) for feature in FEATURES}
    for column, factor in enumerate(FACTORS):
        values = features[:, FEATURES.index(factor.feature)]
        holds = (values >= factor.at_least) & (values < factor.below) & (declining | (not factor.declining))
        true_of[:, column] = holds & ~named[factor.feature]
        named[factor.feature] |= holds
    return true_of


def leading_factor_names(contributions: FloatArray, features: FloatArray, declining: Mask, told: Told) -> list[tuple[str, ...]]:
    """Name the leading factors of each of n rows, the strongest first."""
    leads = leading_factors(contributions, features, declining, told)
    pushes = contributions[:, [FEATURES.index(factor.feature) for factor in FACTORS]]
    strongest_first = np.argsort(-pushes, axis=1, kind="stable")
    return [
        tuple(FACTORS[column].name for column in order if row[column]) for order, row in zip(strongest_first, leads, strict=True)
    ]


@dataclass(frozen=True)
class LeadingFactor:
    """A factor that leads for some of the customers in question."""

    factor: Factor
    customers: int
    """For how many of these customers the factor leads."""
    of: int
    """The number of customers in question: those at high risk, or the riskiest tenth if nobody is at high risk."""


def count_leading_factors(contributions: FloatArray, cells: Cells, told: Told) -> tuple[LeadingFactor, ...]:
    """Count for how many customers of `cells` each factor leads, the most frequent first, without factors that lead for none."""
    led = cells.customers @ leading_factors(contributions, cells.features, cells.declining, told)
    of = int(cells.customers.sum())
    most_frequent_first = np.argsort(-led, kind="stable")
    return tuple(LeadingFactor(FACTORS[column], int(led[column]), of) for column in most_frequent_first if led[column])


def top_risk_factors(factors: Collection[LeadingFactor]) -> tuple[RiskFactor, ...]:
    """Return the five most frequent factors, and the impact of each.

    The impact is High if the factor leads for at least half of the customers in question, Medium for a quarter, else Low.
    """
    return tuple(
        RiskFactor(
            factor=leading.factor.name,
            impact=_impact(leading.customers / leading.of),
            id=leading.factor.id,
            customers=leading.customers,
            of=leading.of,
        )
        for leading in list(factors)[:MAX_FACTORS]
    )


def _impact(share: float) -> RiskLevel:
    if share >= 0.5:
        return "High"
    return "Medium" if share >= 0.25 else "Low"
