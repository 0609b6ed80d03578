"""Sentences that insights, recommendations, the executive summary and pages share, made only from a report's fields."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from itertools import groupby

from report.formatting import counted, listed, money_whole, short_day, verb, whole
from report.schema import Backtest, Caveat, Change, Outlook, SegmentName, SegmentRow

MIN_CUSTOMERS_TO_TELL = 10
"""With fewer customers than this there is no news, and no sentence on the backtest."""
MAX_SHARE_OF_A_TENTH = 0.15
"""Ties may make the riskiest tenth larger. It is called a tenth up to this share of all customers."""
MIN_TIMES_AVERAGE = 1.5
"""The riskiest tenth gets a sentence if it leaves at least this many times as often as the average customer."""
UNSURE = (0.4, 0.6)
"""Between these probabilities nobody can say whether one customer will be back."""

FEATURES_IN_WORDS: Mapping[str, str] = {
    "added_to_wishlist": "“added_to_wishlist” events",
    "removed_from_wishlist": "“removed_from_wishlist” events",
    "added_to_cart": "“added_to_cart” events",
    "removed_from_cart": "“removed_from_cart” events",
    "cart_quantity_updated": "“cart_quantity_updated” events",
    "total_sessions": "sessions",
    "total_spent_usd": "purchases with a positive amount",
}
"""What a customer with a feature above 0 has."""


def of_average_shop(caveats: Collection[Caveat]) -> bool:
    """Tell whether the probabilities are those of an average shop, because no past week corrects them."""
    return any(caveat.code == "no_look_back" for caveat in caveats)


def leaving_clause(customers: int, expected: float, *, average_shop: bool) -> str:
    """Say how many customers will probably not be back, as a sentence without its end.

    Probabilities of an average shop are named as such: it is not known yet how this shop differs.
    """
    leaving = round(expected)
    if customers == 1:
        if average_shop or UNSURE[0] < expected < UNSURE[1]:
            return "Nobody can tell yet whether your only customer of the week will be back within four weeks"
        return f"Your only customer of the week will probably {'not ' if leaving else ''}be back within four weeks"
    if average_shop:
        number = f"about {whole(leaving)}" if leaving else "hardly any"
        return f"In an average shop {number} of {counted(customers, 'such customer')} would not be back within four weeks"
    if not leaving:
        return f"Probably {all_of(customers)} will be back within four weeks"
    if leaving == customers:
        return f"Probably none of {counted(customers, 'customer')} will be back within four weeks"
    return f"About {whole(leaving)} of {counted(customers, 'customer')} will probably not be back within four weeks"


def expected_to_leave(customers: int, customers_before: int, outlook: Outlook, *, average_shop: bool = False) -> str:
    """Say how many of the week's customers will probably not be back, compared with last week."""
    text = leaving_clause(customers, outlook.expectedToLeave, average_shop=average_shop)
    leaving, before = round(outlook.expectedToLeave), round(outlook.expectedToLeaveBefore)
    if average_shop or not customers_before or leaving in (0, customers):
        return f"{text}."
    return f"{text}; last week it was {whole(before)} of {whole(customers_before)}."


def all_of(number: int) -> str:
    """Count all of several customers: "both customers", "all 12 customers"."""
    return "both customers" if number == 2 else f"all {counted(number, 'customer')}"


def at_stake_sentence(outlook: Outlook, segments: Sequence[SegmentRow], currency: str) -> str:
    """Say how much of the week's spend is at stake, and in which segment most of it is; empty if nothing is."""
    if round(outlook.spendAtStake) <= 0:
        return ""
    most = max(segments, key=lambda row: row.spendAtStake)
    several = sum(row.count for row in segments) > 1
    where = f", most of it with {in_segment(most.segment)}" if several and 2 * most.spendAtStake > outlook.spendAtStake else ""
    stake, spent = money_whole(outlook.spendAtStake, currency), money_whole(outlook.spent, currency)
    return f"{stake} of the {spent} that known customers spent this week is at stake{where}."


def in_segment(segment: SegmentName) -> str:
    """Name the customers of a segment. Those of New are not new: they spent little and came rarely."""
    return "customers of the New segment" if segment == "New" else f"{segment} customers"


def change_sentence(change: Change, currency: str) -> str:
    """Describe a change beyond chance: "Fewer customers came than usual: 1,204, against 1,400 to 1,600 in a usual week."."""

    def figure(value: float) -> str:
        return money_whole(value, currency) if change.what == "spent" else whole(round(value))

    low, high = figure(change.usualLow), figure(change.usualHigh)
    usual = "none" if round(change.usualHigh) == 0 else low if low == high else f"{low} to {high}"
    figures = f"{figure(change.now)}, against {usual} in a usual week"
    is_up = is_above_usual(change)
    more = "More" if is_up else "Fewer"
    match change.what:
        case "customers":
            return f"{more} customers came than usual: {figures}."
        case "spent":
            return f"Known customers spent {'more' if is_up else 'less'} than usual: {figures}."
        case "expectedToLeave":
            return f"{more} customers than usual are expected to leave: {figures}."
        case segment:
            return f"{more} {in_segment(segment)} came than usual: {figures}."


def is_above_usual(change: Change) -> bool:
    """Tell whether the figure is above the middle of its usual range."""
    return change.now > (change.usualLow + change.usualHigh) / 2


def news_of(changes: Sequence[Change]) -> tuple[Change, ...]:
    """Select the changes to report. That fewer will leave is left out if fewer came, because it follows from that."""
    news = {change.what: change for change in changes if change.verdict != "usual"}
    customers, leaving = news.get("customers"), news.get("expectedToLeave")
    if customers and leaving and customers.verdict == "worse" and leaving.verdict == "better":
        del news["expectedToLeave"]
    return tuple(news.values())


def judged(changes: Sequence[Change]) -> bool:
    """Tell whether customers and spend were compared with other weeks: only then is a week without news a usual week."""
    found = {change.what: change for change in changes}
    if not {"customers", "spent"} <= found.keys():
        return False
    customers = found["customers"]
    return max(customers.now, customers.before, customers.usualHigh) >= MIN_CUSTOMERS_TO_TELL


def riskiest_in_words(customers: int, outlook: Outlook) -> str:
    """Name the riskiest: "the riskiest tenth (146 customers)", or with many ties "the riskiest 700 customers"."""
    riskiest = outlook.riskiestTenth.customers
    if riskiest < MAX_SHARE_OF_A_TENTH * customers:
        return f"the riskiest tenth ({counted(riskiest, 'customer')})"
    return f"the riskiest {counted(riskiest, 'customer')}"


def riskiest_sentence(customers: int, outlook: Outlook) -> str:
    """Say how much likelier the riskiest are to leave; empty if it is little, they are few, or none of them will leave."""
    tenth = outlook.riskiestTenth
    leaving = tenth.customers * (tenth.avgChurnProbability or 0)
    if tenth.timesAverage is None or tenth.timesAverage < MIN_TIMES_AVERAGE or leaving < 1:
        return ""
    if not MIN_CUSTOMERS_TO_TELL <= tenth.customers <= customers / 2:
        return ""
    text = riskiest_in_words(customers, outlook)
    is_ = "is" if "tenth" in text else "are"
    return f"{text[0].upper()}{text[1:]} {is_} {tenth.timesAverage:.1f} times as likely to leave as the average customer."


def backtest_sentence(backtest: Backtest | None) -> str:
    """Write the backtest in words. It has "we said" only if that report said so; it is empty for too few customers."""
    if backtest is None or backtest.customers < MIN_CUSTOMERS_TO_TELL:
        return ""
    expected = round(backtest.expected_churn_rate * backtest.customers)
    came = f"{whole(backtest.churned) if backtest.churned else 'none'} did"
    of_all = f"{whole(expected)} of {counted(backtest.customers, 'customer')} to stay away; {came}"
    unknown = "" if backtest.corrected else ", with no past week to learn from,"
    said = (
        f"Four weeks ago{unknown} we said to expect {of_all}."
        if backtest.as_issued
        else f"Checked on the week four weeks ago{unknown or ','} the model expects {of_all}."
    )
    if backtest.flagged_high >= MIN_CUSTOMERS_TO_TELL:
        group, size, lost = "flagged at high risk", backtest.flagged_high, backtest.flagged_high_lost
    elif backtest.riskiest_tenth >= MIN_CUSTOMERS_TO_TELL:
        group, size, lost = "at greatest risk", backtest.riskiest_tenth, backtest.riskiest_tenth_lost
    else:
        return said
    whom = f"{counted(size, 'customer')} {group}"
    if lost == size:
        return f"{said} {all_of(size).capitalize()} {group} have stayed away."
    if not lost:
        return f"{said} {all_of(size).capitalize()} {group} have come back."
    return f"{said} Of the {whom}, {whole(lost)} {verb(lost, 'has', 'have')} not come back."


def missing_regulars_sentence(outlook: Outlook) -> str:
    """Say how many regulars stayed away; empty if none did or it is not known."""
    missing = outlook.missingRegulars
    if not missing:
        return ""
    return (
        f"{counted(missing, 'regular')} stayed away this week and last, after coming in at least three of the four weeks before."
    )


def tracking_in_words(found: Sequence[tuple[str, bool]]) -> str:
    """Say which features vanished (False) or appeared (True) for everybody: "no customer has sessions this week, though …"."""
    vanished = [FEATURES_IN_WORDS[feature] for feature, appeared in found if not appeared]
    appeared = [FEATURES_IN_WORDS[feature] for feature, appeared in found if appeared]
    parts = [f"no customer has {' or '.join(vanished)} this week, though many had last week"] if vanished else []
    parts += [f"many customers have {listed(appeared)} this week, though none had last week"] if appeared else []
    return "; ".join(parts)


def days_in_words(days: Sequence[date]) -> str:
    """Write days as runs: "on Wednesday, Feb 26", "from Feb 3 to Feb 9 and on Feb 12"."""
    if len(days) == 1:
        return f"on {days[0]:%A}, {short_day(days[0])}"
    runs = [[day for _, day in run] for _, run in groupby(enumerate(days), lambda item: item[1].toordinal() - item[0])]
    return listed(
        [f"on {short_day(run[0])}" if len(run) == 1 else f"from {short_day(run[0])} to {short_day(run[-1])}" for run in runs]
    )
