"""The recommendations: the brief's section 7.4, ordered by the money at stake.

An expected impact says how many customers an action is about, in this shop's own numbers, and promises nothing more.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from model.churn import FEATURES
from report.analysis.cells import ScoredCells
from report.analysis.factors import MIN_MEMORY_WEEKS, LeadingFactor
from report.analysis.metrics import retention_rate
from report.analysis.risk import at_high_risk, at_medium_risk, churned, in_riskiest_tenth
from report.analysis.segments import in_segment
from report.analysis.sentences import all_of, days_in_words, riskiest_in_words, tracking_in_words
from report.formatting import counted, money_whole, percent, verb, whole
from report.schema import Outlook, Recommendation

GOOD_RETENTION = 95
"""The brief's limit: below this retention rate, in percent, the report recommends a review of onboarding."""
WEEKS_OF_SPEND = 9
MIN_TO_LEAVE = 1
"""A group gets no recommendation if fewer than this many of its customers will probably leave."""
MIN_SHARE_LED = 0.25
"""A factor gets a recommendation if it leads for at least this share of the customers in question."""

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
"""What to do if a feature leads the risk."""


ACTIONS: Mapping[str, str] = {
    "no_visit_before": "Invite those who came for the first time in weeks to come again, such as with an offer for next time.",
    "decreased_visits": "Ask customers who come less often than before what they miss, and show them what is new.",
}
"""What to do about a factor for which the action of its feature does not fit."""


@dataclass(frozen=True)
class Situation:
    """The data from which recommendations follow."""

    this_week: ScoredCells
    outlook: Outlook
    factors: tuple[LeadingFactor, ...]
    spent_by_missing_regulars: float
    """In nine weeks, in the client's currency."""
    memory_weeks: int
    missing_days: tuple[date, ...]
    """The finished days of the week whose events are missing by more than chance."""
    changed_features: tuple[tuple[str, bool], ...]
    """The features that vanished (False) or appeared (True) for everybody since last week."""
    average_shop: bool
    """True if no past week corrects the probabilities."""
    currency: str


def recommendations(situation: Situation) -> tuple[Recommendation, ...]:
    """Return the recommendations for this week's numbers: first what is broken, then by money at stake."""
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
    return (
        Recommendation(
            id="check_events",
            action=f"Check whether your shop was closed or stopped sending its events: none arrived {days_in_words(days)}.",
            priority="high",
            expectedImpact="Customers who came then are missing from this report, and look as if they stayed away in later ones.",
        ),
    )


def _check_tracking(situation: Situation) -> tuple[Recommendation, ...]:
    if not situation.changed_features:
        return ()
    return (
        Recommendation(
            id="check_tracking",
            action=f"Check what changed in your event tracking: {tracking_in_words(situation.changed_features)}.",
            priority="high",
            expectedImpact="Until it is as before, or the new event names are mapped, reports cannot compare what rests on it.",
        ),
    )


def _win_back(situation: Situation) -> tuple[Recommendation, ...]:
    high = at_high_risk(situation.this_week)
    if not high.customers:
        return ()
    return (
        Recommendation(
            id="win_back",
            action=f"Launch targeted win-back campaign for the {_customers(high.customers)} at high churn risk.",
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
    together = verb(missing, "", "together ")
    spent = f", and {together}spent {money_whole(a_week, situation.currency)} a week over nine weeks" if a_week >= 1 else ""
    return (
        Recommendation(
            id="missing_regulars",
            action=f"Get in touch with the {_customers(missing, 'regular')} who stayed away this week and last.",
            priority="high",
            expectedImpact=f"{came}{spent}.",
            customers=missing,
            spendAtStake=round(a_week, 2),
            list="missing_regulars",
        ),
    )


def _best_customers(situation: Situation) -> tuple[Recommendation, ...]:
    best = in_segment(situation.this_week, "High-Value")
    if not best.customers or best.expected_to_leave < MIN_TO_LEAVE:
        return ()
    return (
        Recommendation(
            id="high_value",
            action=f"Give the {_customers(best.customers, 'High-Value customer')} a personal reason to come back soon.",
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
    gone = churned(week).customers
    first = (
        f"{counted(newcomers.customers, 'customer')} had not come in the {situation.memory_weeks} weeks before. "
        f"{_leaving(newcomers, situation)}."
        if remembered
        else f"The retention rate is {percent(rate)}: {counted(gone, 'customer')} {verb(gone, 'is', 'are')} above 80% risk."
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
    if at_high_risk(week).customers:
        return ()
    riskiest = week.where(in_riskiest_tenth(week))
    if riskiest.expected_to_leave < MIN_TO_LEAVE or 2 * riskiest.customers > week.customers:  # nearly all customers are tied
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
    """Recommend an action for the most frequent factor. Leave out newcomers if onboarding is recommended already."""
    onboarding = {"no_visit_before"} if _onboarding(situation) else set()
    told = (
        leading
        for leading in situation.factors
        if leading.factor.id not in onboarding and leading.customers >= MIN_SHARE_LED * leading.of
    )
    top = next(told, None)
    high = at_high_risk(situation.this_week).customers
    if top is None or not (high or situation.this_week.expected_to_leave >= MIN_TO_LEAVE):
        return ()
    whom = "at high churn risk" if high else "at greatest risk"
    if top.of == 1:
        of = "the customer"
    elif top.customers == top.of:
        of = all_of(top.of)
    else:
        of = f"{whole(top.customers)} of the {counted(top.of, 'customer')}"
    return (
        Recommendation(
            id=f"factor_{top.factor.id}",
            action=ACTIONS.get(top.factor.id, FACTOR_ACTIONS[top.factor.feature]),
            priority="medium",
            expectedImpact=f'"{top.factor.name}" is a leading reason for {of} {whom}.',
            customers=top.customers,
        ),
    )


def _before_they_go(situation: Situation) -> tuple[Recommendation, ...]:
    medium = at_medium_risk(situation.this_week)
    if medium.expected_to_leave < MIN_TO_LEAVE or not at_high_risk(situation.this_week).customers:
        return ()  # if nobody is at high risk, these customers are among the riskiest
    return (
        Recommendation(
            id="medium_risk",
            action=f"Stay in touch with the {_customers(medium.customers)} at medium churn risk.",
            priority="low",
            expectedImpact=_at_stake(medium, situation),
            customers=medium.customers,
            spendAtStake=round(medium.spend_at_stake, 2),
            list="at_risk",
        ),
    )


def _customers(number: int, noun: str = "customer") -> str:
    """Count customers after "the": "the customer", "the 12 customers"."""
    return noun if number == 1 else counted(number, noun)


def _at_stake(some: ScoredCells, situation: Situation) -> str:
    """Say how many of the customers will probably leave, and what they spent, if that is known."""
    text = _leaving(some, situation)
    if any(feature == "total_spent_usd" for feature, _ in situation.changed_features):
        return f"{text}."
    if situation.outlook.spent < 1:
        return f"{text}."
    if round(some.spent, 2) == 0:
        return f"{text}; {verb(some.customers, 'this customer', 'together they')} spent nothing this week."
    if some.spent < 1 or some.spend_at_stake < 1:
        return f"{text}."
    spent, stake = (money_whole(amount, situation.currency) for amount in (some.spent, some.spend_at_stake))
    whose = verb(some.customers, "this customer", "they")
    if situation.average_shop:
        return f"{text}; {whose} spent {spent} this week."
    return f"{text}; of the {spent} {whose} spent this week, {stake} is at stake."


def _leaving(some: ScoredCells, situation: Situation) -> str:
    """Say how many of the customers will probably leave, as a sentence without its end."""
    leaving = round(some.expected_to_leave)
    if some.customers == 1:
        certain = leaving and not situation.average_shop
        return f"This customer {'will probably' if certain else 'may'} not be back within four weeks"
    number = f"about {whole(leaving)}" if leaving else "fewer than one"
    if situation.average_shop:
        return f"In an average shop {number} of them would not be back within four weeks"
    if leaving == some.customers:
        return "Probably none of them will be back within four weeks"
    return f"{number.capitalize()} of them will probably not be back within four weeks"
