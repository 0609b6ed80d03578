"""Sentences that insights, recommendations and pages share, made of a report's fields alone."""

from report.formatting import counted, verb, whole
from report.schema import Backtest, Outlook

MIN_CUSTOMERS_TO_TELL = 10
"""Fewer customers of a past week than this make no sentence."""
MAX_SHARE_OF_A_TENTH = 0.15
"""Ties may make the riskiest tenth larger: up to this share of all it is called so."""


def expected_to_leave(customers: int, customers_before: int, outlook: Outlook) -> str:
    """Say how many of the week's customers will probably not be back, against last week's."""
    leaving, before = round(outlook.expectedToLeave), round(outlook.expectedToLeaveBefore)
    if customers == 1:
        return f"This week's only customer will probably {'not ' if leaving else ''}be back within four weeks."
    now = f"About {whole(leaving)}" if leaving else "Fewer than one"
    text = f"{now} of {counted(customers, 'customer')} will probably not be back within four weeks"
    return f"{text}; last week it was {whole(before)} of {whole(customers_before)}." if customers_before else f"{text}."


def riskiest_in_words(customers: int, outlook: Outlook) -> str:
    """Name the riskiest customers: "the riskiest tenth (146 customers)" while ties keep it small, else "the riskiest 700"."""
    riskiest = outlook.riskiestTenth.customers
    if riskiest < MAX_SHARE_OF_A_TENTH * customers:
        return f"the riskiest tenth ({counted(riskiest, 'customer')})"
    return f"the riskiest {whole(riskiest)}"


def backtest_sentence(backtest: Backtest | None) -> str:
    """Hold what was said four weeks ago against what came; "we said" only where that report did; empty for too few customers."""
    if backtest is None or backtest.customers < MIN_CUSTOMERS_TO_TELL:
        return ""
    expected = round(backtest.expected_churn_rate * backtest.customers)
    of_all = f"{whole(expected)} of {counted(backtest.customers, 'customer')} to stay away; {whole(backtest.churned)} did"
    said = (
        f"Four weeks ago we said to expect {of_all}."
        if backtest.as_issued
        else (f"Checked on the week four weeks ago, the model expects {of_all}.")
    )
    if backtest.flagged_high >= MIN_CUSTOMERS_TO_TELL:
        group, size, lost = "flagged at high risk", backtest.flagged_high, backtest.flagged_high_lost
    elif backtest.riskiest_tenth >= MIN_CUSTOMERS_TO_TELL:
        group, size, lost = "at greatest risk", backtest.riskiest_tenth, backtest.riskiest_tenth_lost
    else:
        return said
    return f"{said} Of the {counted(size, 'customer')} {group}, {whole(lost)} {verb(lost, 'has', 'have')} not come back."


def missing_regulars_sentence(outlook: Outlook) -> str:
    """Say how many regulars stayed away; empty where none did or nobody knows."""
    missing = outlook.missingRegulars
    if not missing:
        return ""
    return (
        f"{counted(missing, 'regular')} stayed away this week and last, after coming in at least three of the four weeks before."
    )
