"""The definitions of the report's words, in one place, linked from where they are used."""

from report.formatting import counted, listed, money_whole
from report.rules import CHURNED, HIGH, MEDIUM, SEGMENTS, SESSIONS_LIMITS, SPENT_LIMITS
from report.schema import Meta
from report.week import DAYS_TO_COME_BACK


def segment_rule(index: int) -> str:
    """Describe the rule of a segment, given by its place in `SEGMENTS`."""
    if index == len(SPENT_LIMITS):
        return "everybody else"
    return f"{money_whole(SPENT_LIMITS[index], 'USD')}+ or {SESSIONS_LIMITS[index]}+ visits"


def definitions(meta: Meta) -> tuple[tuple[str, str, str], ...]:
    """Return the id, the word and the meaning of each word that the report defines."""
    learned = (
        f" It is corrected for this shop by what became of the customers of {counted(meta.calibration.weeks, 'past week')}."
        if meta.calibration.weeks and (meta.calibration.intercept, meta.calibration.slope) != (0.0, 1.0)
        else ""
    )
    before = f" and in the {counted(meta.memory_weeks, 'week')} before" if meta.memory_weeks else ""
    limits = listed([f"{SEGMENTS[index]}: {segment_rule(index)}" for index in range(len(SEGMENTS))])
    return (
        (
            "customer",
            "Customer",
            "somebody with a user id and at least one event in the week. Guests without an id are not counted.",
        ),
        (
            "sales",
            "Sales",
            f"what these known customers spent in the week, in {meta.currency}; recorded refunds are taken off.",
        ),
        (
            "risk",
            "Risk",
            f"how likely a customer is to stay away for the {DAYS_TO_COME_BACK} days after the week: no event of any kind. "
            f"A statistical model estimates it from what the customer did in the week{before}.{learned}",
        ),
        ("levels", "High, medium, low", f"a risk of {HIGH:.0%} or more; of {MEDIUM:.0%} or more; below that."),
        (
            "expected-to-leave",
            "Expected to leave",
            "how many of the week’s customers will probably stay away for the next four weeks: the sum of their risks, "
            "whatever their level.",
        ),
        (
            "at-stake",
            "Sales at stake",
            "each customer’s risk times what the customer spent, added up: the part of a week’s sales that may not come again.",
        ),
        (
            "loss",
            "Expected loss",
            "a customer’s risk times what the customer spent in this week and the eight before.",
        ),
        ("segments", "Segments", f"by what customers spent or how often they came in the week. {limits}."),
        (
            "churned",
            "Churned",
            f"a risk of {CHURNED:.0%} or more: an estimate, not yet a fact. Retention is the share of all other customers.",
        ),
        (
            "usual",
            "Usual",
            "within the limits that the eight weeks before set. Only what lies outside them is called better or worse.",
        ),
        (
            "missing",
            "Regulars who did not come",
            "customers who came in at least three of the four weeks before last week, and neither last week nor this week.",
        ),
        ("impact", "Impact of a risk factor", "High where it leads for half of these customers or more, Medium from a quarter."),
    )
