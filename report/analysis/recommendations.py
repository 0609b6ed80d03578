"""What to do about it: the brief's section 7.4, by the money that is at stake.

An expected impact says whom an action is about, in this shop's own numbers; it promises nothing that they cannot back.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date

from model.churn import FEATURES
from report.analysis.cells import ScoredCells
from report.analysis.factors import MIN_MEMORY_WEEKS, LeadingFactor
from report.analysis.metrics import retention_rate
from report.analysis.risk import at_high_risk, at_medium_risk, in_riskiest_tenth
from report.analysis.segments import in_segment
from report.analysis.sentences import riskiest_in_words
from report.formatting import counted, listed, money_whole, percent, short_day, verb, whole
from report.schema import Outlook, Recommendation

GOOD_RETENTION = 95
"""The brief's: below this retention rate, in percent, onboarding wants a look."""
WEEKS_OF_SPEND = 9

FACTOR_ACTIONS: Mapping[str, str] = {
    "added_to_wishlist": "Make wish lists worth keeping: show them on product pages, and write when an item gets cheaper.",
    "removed_from_wishlist": "Look at what customers take off their wish lists, and offer alternatives or a better price.",
    "added_to_cart": "Make the first step easier: show prices, delivery costs and stock clearly where customers choose.",
    "removed_from_cart": "Remind customers of carts they left behind, and look at what puts them off just before checkout.",
    "cart_quantity_updated": "Give carts a reason to grow, such as a free-delivery threshold or bundles of what goes together.",
    "total_sessions": "Give at-risk customers a reason to come back within days, such as new arrivals or a short-lived offer.",
    "days_since_last_activity": "Write to customers once they have been silent for a few days, with something made for them.",
    "total_spent_usd": "Invite visitors who do not buy to a first small order, with a starter offer on what they looked at.",
    "active_weeks_before": "Give customers a reason to come every week, such as a reminder of what they usually buy.",
}
"""What to do where a feature leads the risk."""


@dataclass(frozen=True)
class Situation:
    """What advice follows from."""

    this_week: ScoredCells
    outlook: Outlook
    factors: tuple[LeadingFactor, ...]
    spent_by_missing_regulars: float
    """In nine weeks, in the client's currency."""
    memory_weeks: int
    missing_days: tuple[date, ...]
    """The finished days of the week without events that are no chance."""
    broken_features: Collection[str]
    """The features whose tracking changed since last week."""
    currency: str


def recommendations(situation: Situation) -> tuple[Recommendation, ...]:
    """Give advice, each piece only where this week's numbers call for it: first what is broken, then by money at stake."""
    broken = (*_check_events(situation), *_check_tracking(situation))
    if not situation.this_week.customers:
        return broken
    advice = (
        *_win_back(situation),
        *_missing_regulars(situation),
        *_best_customers(situation),
        *_onboarding(situation),
        *_riskiest(situation),
        *_leading_factor(situation),
        *_before_they_go(situation),
    )
    return (*broken, *sorted(advice, key=lambda action: -(action.spendAtStake or 0)))


def _check_events(situation: Situation) -> tuple[Recommendation, ...]:
    days = situation.missing_days
    if not days:
        return ()
    when = short_day(days[0]) if len(days) == 1 else f"{short_day(days[0])} to {short_day(days[-1])}"
    return (
        Recommendation(
            id="check_events",
            action=f"Check that your shop still sends its events: none arrived on {when}."
            if len(days) == 1 or (days[-1] - days[0]).days == len(days) - 1
            else f"Check that your shop still sends its events: none arrived on {listed([short_day(day) for day in days])}.",
            priority="high",
            expectedImpact="Until they arrive, this week's numbers are too low, and no report can tell who is about to leave.",
        ),
    )


def _check_tracking(situation: Situation) -> tuple[Recommendation, ...]:
    if not situation.broken_features:
        return ()
    return (
        Recommendation(
            id="check_tracking",
            action="Check what changed in your event tracking since last week.",
            priority="high",
            expectedImpact="Until it is as before, or the new event names are mapped, what rests on it cannot be compared.",
        ),
    )


def _win_back(situation: Situation) -> tuple[Recommendation, ...]:
    high = at_high_risk(situation.this_week)
    if not high.customers:
        return ()
    return (
        Recommendation(
            id="win_back",
            action=f"Launch targeted win-back campaign for the {counted(high.customers, 'customer')} at high churn risk.",
            priority="high",
            expectedImpact=_at_stake(high, situation),
            customers=high.customers,
            spendAtStake=round(high.spend_at_stake, 2),
            list="at_risk",
        ),
    )


def _missing_regulars(situation: Situation) -> tuple[Recommendation, ...]:
    missing = situation.outlook.missingRegulars
    if not missing:
        return ()
    a_week = situation.spent_by_missing_regulars / WEEKS_OF_SPEND
    came = f"{verb(missing, 'This customer', 'They')} came in at least three of the four weeks before"
    spent = f", and spent {money_whole(a_week, situation.currency)} a week over nine weeks" if a_week >= 1 else ""
    return (
        Recommendation(
            id="missing_regulars",
            action=f"Get in touch with the {counted(missing, 'regular')} who stayed away this week and last.",
            priority="high",
            expectedImpact=f"{came}{spent}.",
            customers=missing,
            spendAtStake=round(a_week, 2),
            list="missing_regulars",
        ),
    )


def _best_customers(situation: Situation) -> tuple[Recommendation, ...]:
    best = in_segment(situation.this_week, "High-Value")
    if not best.customers or best.expected_to_leave < 0.5:
        return ()
    return (
        Recommendation(
            id="high_value",
            action=f"Give the {counted(best.customers, 'High-Value customer')} a personal reason to come back this week.",
            priority="high" if at_high_risk(best).customers else "medium",
            expectedImpact=_at_stake(best, situation),
            customers=best.customers,
            spendAtStake=round(best.spend_at_stake, 2),
            list="high_value",
        ),
    )


def _onboarding(situation: Situation) -> tuple[Recommendation, ...]:
    rate, week = retention_rate(situation.this_week), situation.this_week
    if rate is None or rate >= GOOD_RETENTION:
        return ()
    newcomers = week.where(week.cells.features[:, FEATURES.index("active_weeks_before")] == 0)
    remembered = situation.memory_weeks >= MIN_MEMORY_WEEKS
    if remembered and not newcomers.customers:
        return ()
    first = (
        f"{counted(newcomers.customers, 'customer')} had not come in the {situation.memory_weeks} weeks before; "
        f"about {whole(round(newcomers.expected_to_leave))} of them will probably not be back within four weeks."
        if remembered
        else f"The retention rate is {percent(rate)}: the others are at a churn risk of 80% or more."
    )
    return (
        Recommendation(
            id="onboarding",
            action="Review onboarding flows: what customers see and get on their first visits.",
            priority="medium",
            expectedImpact=first,
            customers=newcomers.customers if remembered else None,
            spendAtStake=round(newcomers.spend_at_stake, 2) if remembered else None,
        ),
    )


def _riskiest(situation: Situation) -> tuple[Recommendation, ...]:
    week = situation.this_week
    if at_high_risk(week).customers or week.expected_to_leave < 1:
        return ()
    riskiest = week.where(in_riskiest_tenth(week))
    if 2 * riskiest.customers > week.customers:  # nearly everybody ties
        return ()
    return (
        Recommendation(
            id="riskiest",
            action=f"Write first to {riskiest_in_words(week.customers, situation.outlook)}.",
            priority="medium",
            expectedImpact=_at_stake(riskiest, situation),
            customers=riskiest.customers,
            spendAtStake=round(riskiest.spend_at_stake, 2),
            list="at_risk",
        ),
    )


def _leading_factor(situation: Situation) -> tuple[Recommendation, ...]:
    if not situation.factors:
        return ()
    top = situation.factors[0]
    whom = "at high churn risk" if at_high_risk(situation.this_week).customers else "at greatest risk"
    of = f"{whole(top.customers)} of the {counted(top.of, 'customer')}" if top.of > 1 else "the customer"
    return (
        Recommendation(
            id=f"factor_{top.factor.id}",
            action=FACTOR_ACTIONS[top.factor.feature],
            priority="medium",
            expectedImpact=f'"{top.factor.name}" is a leading reason for {of} {whom}.',
            customers=top.customers,
        ),
    )


def _before_they_go(situation: Situation) -> tuple[Recommendation, ...]:
    medium = at_medium_risk(situation.this_week)
    if not medium.customers or not at_high_risk(situation.this_week).customers:  # else they are among the riskiest
        return ()
    return (
        Recommendation(
            id="medium_risk",
            action=f"Stay in touch with the {counted(medium.customers, 'customer')} at medium churn risk.",
            priority="low",
            expectedImpact=_at_stake(medium, situation),
            customers=medium.customers,
            spendAtStake=round(medium.spend_at_stake, 2),
            list="at_risk",
        ),
    )


def _at_stake(some: ScoredCells, situation: Situation) -> str:
    """Say how many of them will probably leave, and what they spent, where that is known."""
    leaving = round(some.expected_to_leave)
    if some.customers == 1:
        text = "This customer will probably not be back within four weeks" if leaving else "This customer may not be back"
    else:
        now = f"About {whole(leaving)}" if leaving else "Fewer than one"
        text = f"{now} of them will probably not be back within four weeks"
    if "total_spent_usd" in situation.broken_features:
        return f"{text}."
    if some.spent < 1:
        return f"{text}; {verb(some.customers, 'this customer', 'together they')} spent nothing this week."
    spent, stake = (money_whole(amount, situation.currency) for amount in (some.spent, some.spend_at_stake))
    return f"{text}; of the {spent} {verb(some.customers, 'this customer', 'they')} spent this week, {stake} is at stake."
