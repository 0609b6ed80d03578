"""The headline: the news of the week, and silence where the report does not know."""

from typing import Any

import pytest

from report.analysis.headline import headline
from report.schema import Caveat, Change, Headline, Outlook
from tests.support.sample_report import DATA

NO_EVENTS = {"code": "days_without_events", "text": "No events came on Thursday.", "severity": "serious"}


def change(what: str, now: float, before: float, verdict: str) -> dict[str, Any]:
    """A change whose last week was a usual one."""
    return {"what": what, "now": now, "before": before, "usualLow": 0.95 * before, "usualHigh": 1.05 * before, "verdict": verdict}


def told(
    *changes: dict[str, Any], caveats: tuple[dict[str, Any], ...] = (), customers: int = 1458, leaving: float = 801.3
) -> Headline:
    outlook = Outlook.model_validate({**DATA["outlook"], "expectedToLeave": leaving})
    return headline(
        customers, outlook, [Change.model_validate(row) for row in changes], [Caveat.model_validate(row) for row in caveats]
    )


LEAVING = "About 801 of 1,458 customers will probably not be back within four weeks"


def test_the_headline_tells_what_fell_and_how_many_will_leave() -> None:
    news = told(
        change("spent", 147714, 284852, "worse"),
        change("customers", 1458, 1538, "usual"),
        change("expectedToLeave", 801.3, 693.0, "worse"),
        change("High-Value", 22, 53, "worse"),
    )
    assert news.text == f"Sales halved. {LEAVING}; 693 a week ago."
    assert news.detail == (
        "Also outside what is usual here: the number expected to leave and High-Value customers (from 53 to 22)."
    )
    assert news.short == "sales down 48%, 801 may not return"


@pytest.mark.parametrize(
    ("changes", "first", "short"),
    [
        ([change("spent", 80, 100, "worse")], "Sales fell by 20%.", "sales down 20%"),
        ([change("spent", 200, 100, "better")], "Sales doubled.", "sales up 100%"),
        (
            [change("spent", 80, 100, "worse"), change("customers", 70, 100, "worse")],
            "Sales fell by 20% and customers by 30%.",
            "sales down 20%, customers down 30%",
        ),
        (
            [change("spent", 80, 100, "worse"), change("customers", 130, 100, "better")],
            "Sales fell by 20% and the number of customers rose by 30%.",
            "sales down 20%, customers up 30%",
        ),
        # It rose against last week and is still below what is usual: no word of a fall.
        (
            [{**change("spent", 80, 70, "worse"), "usualLow": 90, "usualHigh": 110}],
            "Sales are still lower than usual.",
            "sales lower than usual",
        ),
        # There is no share of nothing, and last week was not high.
        ([change("spent", 1500, 0, "better")], "Sales are higher than usual.", "sales higher than usual"),
    ],
)
def test_news_is_told_in_the_direction_in_which_it_went(changes: list[dict[str, Any]], first: str, short: str) -> None:
    news = told(*changes)
    assert news.text == f"{first} {LEAVING}."
    assert news.short == f"{short}, 801 may not return"


def test_chance_is_no_news() -> None:
    usual = (change("spent", 80, 100, "usual"), change("customers", 100, 101, "usual"), change("New", 2, 1, "usual"))
    assert told(*usual).text == f"A usual week. {LEAVING}."
    assert told().text == f"{LEAVING}."
    assert told(change("New", 20, 10, "better")).text == f"{LEAVING}."


def test_a_week_is_called_usual_only_where_its_customers_and_sales_could_be_news() -> None:
    assert told(change("spent", 80, 100, "usual"), change("customers", 2, 3, "usual")).text == f"{LEAVING}."
    assert told(change("customers", 100, 101, "usual")).text == f"{LEAVING}."


def test_what_was_low_last_week_too_does_not_fall_again() -> None:
    low = {**change("customers", 347, 353, "worse"), "usualLow": 372.0, "usualHigh": 497.0}
    assert told(low).text == f"The number of customers is still lower than usual. {LEAVING}."


def test_that_fewer_will_leave_is_no_news_where_fewer_came() -> None:
    news = told(change("customers", 220, 439, "worse"), change("expectedToLeave", 55, 110, "better"))
    assert news.text == f"The number of customers fell by 50%. {LEAVING}."
    assert news.detail == ""


def test_the_probabilities_of_an_average_shop_are_told_as_such() -> None:
    news = told(caveats=({"code": "no_look_back", "text": "Nothing is known.", "severity": "serious"},))
    assert news.text == "In an average shop about 801 of 1,458 such customers would not be back within four weeks."
    assert news.short == "no past week to learn from; 801 may not return"


def test_a_serious_caveat_silences_the_news_and_stands_in_the_subject() -> None:
    news = told(change("spent", 147714, 284852, "worse"), caveats=(NO_EVENTS,))
    assert news.text == f"{LEAVING}."
    assert news.short == "days without events; 801 may not return"
    assert "usual" not in news.text + news.detail + told(change("spent", 1, 1, "usual"), caveats=(NO_EVENTS,)).text


def test_a_running_week_is_told_as_one() -> None:
    running = {"code": "week_not_over", "text": "The week is not over.", "severity": "note"}
    assert told(caveats=(running,)).text.startswith("So far, about 801 of 1,458 customers")
    assert told(caveats=(running,), customers=0, leaving=0.0).text == "No customers came so far this week."


@pytest.mark.parametrize(
    ("customers", "leaving", "text"),
    [
        (0, 0.0, "No customers came this week."),
        (1, 0.9, "Your only customer of the week will probably not be back within four weeks."),
        (1, 0.1, "Your only customer of the week will probably be back within four weeks."),
        (1, 0.5, "Nobody can tell yet whether your only customer of the week will be back within four weeks."),
        (2, 0.3, "Probably both customers will be back within four weeks."),
        (2, 1.6, "Probably none of 2 customers will be back within four weeks."),
        (12, 0.3, "Probably all 12 customers will be back within four weeks."),
        (12, 1.2, "About 1 of 12 customers will probably not be back within four weeks."),
    ],
)
def test_the_grammar_is_right_for_none_one_and_many(customers: int, leaving: float, text: str) -> None:
    news = told(customers=customers, leaving=leaving)
    assert news.text == text
    assert news.short == (f"{round(leaving)} may not return" if customers else "no customers this week")
