"""The lists that actions are about: by expected loss, page by page, as JSON and as CSV for other tools."""

import csv
import hashlib
import io
from collections.abc import Callable
from typing import Any

import pytest

from local.function import Function
from report.api.access import hash_of
from report.pages.lists import hashed_mail

WEEK = "week_ending=2025-01-19"
Rows = list[dict[str, Any]]


def purchase(user_id: str, day: str, price: str) -> dict[str, Any]:
    return {"user_id": user_id, "event_type": "purchase", "timestamp": f"{day}T12:00", "price": price}


SHOP = [
    purchase("big", "2025-01-14", "2000"),
    purchase("small", "2025-01-15", "20"),
    *(purchase("regular", day, "30") for day in ("2024-12-18", "2024-12-25", "2025-01-01")),
]
USERS = [
    {"user_id": "big", "email": " Sample.Big@GMail.com ", "name": "=Sample; +Big"},
    {"user_id": "regular", "email": "regular@example.com", "name": "Sample Regular"},
]


@pytest.fixture
def shop(load_events: Callable[[Rows], None], load_users: Callable[[Rows], None], client_id: int) -> str:
    load_events(SHOP)
    load_users(USERS)
    return f"/reports/customers?client_id={client_id}&{WEEK}"


def test_each_list_has_its_customers_by_what_they_are_worth(serve: Callable[..., Function], shop: str) -> None:
    function = serve()
    at_risk = function.ask(f"{shop}&list=at_risk").json()
    assert ([row["user_id"] for row in at_risk["customers"]], at_risk["total"], at_risk["page"]) == (["big", "small"], 2, 1)
    high_value = function.ask(f"{shop}&list=high_value").json()
    assert [row["user_id"] for row in high_value["customers"]] == ["big"]
    missing = function.ask(f"{shop}&list=missing_regulars").json()
    assert [(row["user_id"], row["name"], row["weeksSinceLastVisit"]) for row in missing["customers"]] == [
        ("regular", "Sample Regular", 2)
    ]
    assert function.ask(f"{shop}&list=at_risk&page=2").json()["customers"] == []


def test_an_id_stays_as_it_is(serve: Callable[..., Function], load_events: Callable[[Rows], None], client_id: int) -> None:
    load_events([purchase(" u  1 ", "2025-01-14", "20"), purchase("u 1", "2025-01-14", "10")])
    listed = serve().ask(f"/reports/customers?client_id={client_id}&{WEEK}&list=at_risk").json()
    assert [row["user_id"] for row in listed["customers"]] == [" u  1 ", "u 1"]


def test_a_list_says_money_in_the_clients_currency_beside_dollars(
    serve: Callable[..., Function], shop: str, client_id: int
) -> None:
    function = serve(CLIENTS={str(client_id): {"currency": "JPY", "usd_rate": 2}})

    def first(name: str) -> dict[str, str]:
        answer = function.ask(f"{shop}&list={name}&format=csv")
        return next(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))

    at_risk, missing = first("at_risk"), first("missing_regulars")
    assert (at_risk["total_spent_usd"], at_risk["spent"]) == ("1000.0", "2000.0")
    assert (missing["spent_9_weeks_usd"], missing["spent_9_weeks"]) == ("45.0", "90.0")


def test_a_csv_is_harmless_and_other_tools_get_their_own_columns(serve: Callable[..., Function], shop: str) -> None:
    function = serve()
    answer = function.ask(f"{shop}&list=at_risk&format=csv")
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["cache-control"] == "no-store"
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert [row["user_id"] for row in rows] == ["big", "small"]
    assert rows[0]["name"] == "'=Sample; '+Big"
    klaviyo = function.ask(f"{shop}&list=missing_regulars&format=csv&layout=klaviyo").text
    assert klaviyo == '"Email","Full Name"\r\n"regular@example.com","Sample Regular"\r\n'
    google = function.ask(f"{shop}&list=at_risk&format=csv&layout=google_ads").text
    assert google == f'"Email"\r\n"{hashlib.sha256(b"samplebig@gmail.com").hexdigest()}"\r\n'
    assert hashed_mail("A.B@example.com") == hashlib.sha256(b"a.b@example.com").hexdigest()


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("list=everybody", "list"),
        ("", "list"),
        ("list=at_risk&page=11", "page"),
        ("list=at_risk&page=0", "page"),
        ("list=at_risk&layout=klaviyo", "layout"),
        ("list=at_risk&format=pdf", "format"),
        ("list=at_risk&include=history", "include"),
    ],
)
def test_what_a_list_does_not_take_is_refused_with_what_it_takes(
    serve: Callable[..., Function], query: str, parameter: str
) -> None:
    answer = serve().ask(f"/reports/customers?client_id=1&{WEEK}&{query}")
    assert (answer.status, answer.json()["parameter"]) == (422, parameter)


def test_only_a_key_that_covers_personal_data_and_the_client_gets_a_list(serve: Callable[..., Function]) -> None:
    function = serve(API_KEYS={hash_of("numbers"): {"clients": [1], "customers": False}, hash_of("other"): [2]})
    path = f"/reports/customers?client_id=1&{WEEK}&list=at_risk"
    assert [function.ask(path, key=key).status for key in ("", "numbers", "other")] == [401, 403, 403]
    assert "personal data" in function.ask(path, key="numbers").json()["detail"]
    assert function.ask(f"/reports/generate?client_id=1&{WEEK}", key="numbers").status == 200
