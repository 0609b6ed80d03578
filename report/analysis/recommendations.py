"""What to do about it: the brief's section 7.4.

An expected impact says whom an action is about in this shop's own numbers; it promises nothing that they cannot back.
"""

import math
from collections.abc import Mapping

from report.analysis.cells import ScoredCells
from report.analysis.factors import LeadingFactor
from report.analysis.metrics import retention_rate
from report.analysis.risk import at_high_risk, at_medium_risk, churned
from report.analysis.segments import in_segment
from report.formatting import counted, dollars, percent
from report.schema import Recommendation

GOOD_RETENTION = 95
"""The brief's: below this retention rate, in percent, onboarding wants a look."""

FACTOR_ACTIONS: Mapping[str, str] = {
    "added_to_wishlist": "Make wish lists worth keeping: show them on product pages, and write when an item gets cheaper.",
    "removed_from_wishlist": "Look at what customers take off their wish lists, and offer alternatives or a better price.",
    "added_to_cart": "Make the first step easier: show prices, delivery costs and stock clearly where customers choose.",
    "removed_from_cart": "Remind customers of carts they left behind, and look at what puts them off just before checkout.",
    "cart_quantity_updated": "Give carts a reason to grow, such as a free-delivery threshold or bundles of what goes together.",
    "total_sessions": "Give at-risk customers a reason to come back within days, such as new arrivals or a short-lived offer.",
    "days_since_last_activity": "Write to customers once they have been silent for a few days, with something made for them.",
    "total_spent_usd": "Invite visitors who do not buy to a first small order, with a starter offer on what they looked at.",
}
"""What to do where a feature leads the risk."""


def recommendations(
    this_week: ScoredCells, last_week: ScoredCells, factors: tuple[LeadingFactor, ...]
) -> tuple[Recommendation, ...]:
    """The brief's two rules first, then more of the same kind: each only where this week's numbers call for it."""
    if not this_week.customers:
        return _nobody_came(last_week)
    return (
        *_win_back(at_high_risk(this_week)),
        *_onboarding(this_week),
        *_best_customers(at_high_risk(in_segment(this_week, "High-Value")), this_week),
        *_leading_factor(factors),
        *_before_they_go(at_medium_risk(this_week)),
    )


def _win_back(high: ScoredCells) -> tuple[Recommendation, ...]:
    if not high.customers:
        return ()
    return (
        Recommendation(
            action=f"Launch targeted win-back campaign for the {counted(high.customers, 'customer')} at high churn risk.",
            priority="high",
            expectedImpact=(
                f"They spent {dollars(high.spent_usd)} this week; without action, expect {round(high.expected_to_leave)} "
                f"of these {high.customers} to stay away for the next four weeks."
                if high.customers > 1
                else f"This customer spent {dollars(high.spent_usd)} this week and is likely to stay away for the next four."
            ),
        ),
    )


def _onboarding(this_week: ScoredCells) -> tuple[Recommendation, ...]:
    rate = retention_rate(this_week)
    if rate is None or rate >= GOOD_RETENTION:
        return ()
    lost, customers = churned(this_week).customers, this_week.customers
    to_keep = lost - math.floor(customers * (100 - GOOD_RETENTION) / 100)
    return (
        Recommendation(
            action="Review onboarding flows: what new customers see and get in their first days.",
            priority="medium",
            expectedImpact=(
                f"Increase retention rate from {percent(rate)} to {GOOD_RETENTION}% or more "
                f"by keeping {to_keep} of the {counted(lost, 'customer')} estimated to have churned."
            ),
        ),
    )


def _best_customers(best: ScoredCells, this_week: ScoredCells) -> tuple[Recommendation, ...]:
    if not best.customers:
        return ()
    return (
        Recommendation(
            action=f"Get in touch personally with the {counted(best.customers, 'High-Value customer')} at high churn risk.",
            priority="high",
            expectedImpact=f"They account for {dollars(best.spent_usd)} of the {dollars(this_week.spent_usd)} spent this week.",
        ),
    )


def _leading_factor(factors: tuple[LeadingFactor, ...]) -> tuple[Recommendation, ...]:
    if not factors:
        return ()
    top = factors[0]
    return (
        Recommendation(
            action=FACTOR_ACTIONS[top.feature],
            priority="medium",
            expectedImpact=(
                f'"{top.name}" is a leading reason for {top.customers} of the {counted(top.of, "customer")} at high churn risk.'
            ),
        ),
    )


def _before_they_go(medium: ScoredCells) -> tuple[Recommendation, ...]:
    if not medium.customers:
        return ()
    return (
        Recommendation(
            action=f"Stay in touch with the {counted(medium.customers, 'customer')} at medium churn risk before it grows.",
            priority="low",
            expectedImpact=(
                f"They spent {dollars(medium.spent_usd)} this week, "
                f"and {percent((medium.mean_churn_probability or 0.0) * 100)} of them are expected to stay away, on average."
            ),
        ),
    )


def _nobody_came(last_week: ScoredCells) -> tuple[Recommendation, ...]:
    if not last_week.customers:
        return ()
    return (
        Recommendation(
            action="Check that your shop still sends its events: none arrived for this week.",
            priority="high",
            expectedImpact=f"{counted(last_week.customers, 'customer')} {'was' if last_week.customers == 1 else 'were'} "
            "active the week before; without events no report can tell who is about to leave.",
        ),
    )
