"""Clients never see each other's data: every key × client × route × form, with a cold and with a warm cache."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from local.function import Answer, Function
from report.api.access import hash_of
from tests.support.loopback.receiver import SECRET, loopback_receiver
from tests.support.loopback.server import Loopback, answers

WEEK = "week_ending=2025-01-19"
SHOPS = {71_001: "Amber", 71_002: "Birch", 71_003: "Cedar"}
CUSTOMERS = {71_001: 3, 71_002: 5, 71_003: 7}
"""So many customers this week: a number that gives away whose report it is."""
ALL_OF_IT = ("&format=html&include=customers,history", "&format=pdf&include=customers,history")
KEYS = {"of amber": [71_001], "of birch": [71_002], "of both": [71_001, 71_002], "of all": "*", "of none": []}
FORMS = ("", "&include=customers", "&include=history", "&include=customers,history", *ALL_OF_IT)


@dataclass(frozen=True)
class Tenants:
    """A running function of several clients, whose weekly reports go to one receiver."""

    function: Function
    receiver: Loopback
    shares: bool
    """Whether readers of the same report share it."""


@pytest.fixture(scope="module", params=[0, 600], ids=["made each time", "shared"])
def tenants(request: pytest.FixtureRequest, serve: Callable[..., Function], bigquery: Any) -> Any:
    # The rows are loaded once for both: the second time finds them.
    _load_once(bigquery)
    with loopback_receiver(answers(200, {})) as receiver:
        clients = {
            client: {"name": f"{name} Shop", "webhook_url": f"{receiver.endpoint}/hook/{client}", "webhook_secret": SECRET}
            for client, name in SHOPS.items()
        }
        function = serve(
            API_KEYS={hash_of(key): clients for key, clients in KEYS.items()},
            CLIENTS=clients,
            BIGQUERY_DATASET="tenants",
            REPORT_CACHE_SECONDS=str(request.param),
        )
        yield Tenants(function, receiver, shares=request.param > 0)


def _load_once(bigquery: Any) -> None:
    from local import bigquery as local_bigquery
    from tests.conftest import _event, _table

    if "tenants" in [dataset.dataset_id for dataset in bigquery.client.list_datasets()]:
        return
    local_bigquery.create_tables(bigquery.client, "tenants")
    for client, name in SHOPS.items():
        people = ["of all shops", *(f"{name}-{number}" for number in range(1, CUSTOMERS[client]))]
        events = [{"user_id": user, "event_type": "page_view", "timestamp": "2025-01-14"} for user in people]
        users = [{"user_id": user, "email": f"{user}@{name}.example", "name": f"{name} {user}"} for user in people]
        local_bigquery.load(
            bigquery.client,
            _table([_event(event) for event in events], client, local_bigquery.EVENTS),
            _table(users, client, local_bigquery.USERS),
            "tenants",
        )


def covers(key: str, client: int) -> bool:
    return KEYS[key] == "*" or client in KEYS[key]


def test_a_report_holds_its_own_client_alone_whoever_asked_before(tenants: Tenants) -> None:
    # Where reports are shared, the first one of each form is made and the others come from the cache.
    forms = FORMS if tenants.shares else FORMS[1:2]
    for key, client, form in [*itertools.product(KEYS, SHOPS, forms), *itertools.product(KEYS, SHOPS, FORMS[:2])]:
        path = f"{_path(client)}{form}"
        answer = tenants.function.ask(path, key=key)
        assert answer.status == (200 if covers(key, client) else 403), path
        others = [word for other, name in SHOPS.items() if other != client for word in (name, str(other))]
        told = str(answer.headers) if "pdf" in form else f"{answer.headers} {answer.text}"  # test_pdf reads a PDF's text
        assert not any(word in told for word in others), path
        if answer.status == 200 and form not in ALL_OF_IT:
            report = answer.json()
            assert report["report_data"]["summary"]["totalCustomers"] == CUSTOMERS[client]
            assert report["meta"]["client_name"] == f"{SHOPS[client]} Shop"
            mails = {customer["email"] for customer in report["report_data"].get("atRiskCustomers", ())}
            assert len(mails) == (CUSTOMERS[client] if "customers" in form else 0)
            assert all(mail.endswith(f"@{SHOPS[client]}.example") for mail in mails)


def test_no_etag_of_one_client_is_known_for_another(tenants: Tenants) -> None:
    etags = {client: tenants.function.ask(_path(client), key="of all").headers["etag"] for client in SHOPS}
    assert len(set(etags.values())) == len(SHOPS)
    for client, other in itertools.permutations(SHOPS, 2):
        headers = {"If-None-Match": etags[other]}
        assert tenants.function.ask(_path(client), key="of all", headers=headers).status == 200
        assert tenants.function.ask(_path(client), key="of none", headers={"If-None-Match": etags[client]}).status == 403


def test_a_refusal_says_the_same_of_clients_that_exist_and_of_those_that_do_not(tenants: Tenants) -> None:
    asked = len(tenants.function.log())
    refusals = [tenants.function.ask(_path(client), key="of amber") for client in (71_002, 71_003, 99_999_999)]
    assert [answer.status for answer in refusals] == [403] * 3
    assert len({answer.body for answer in refusals}) == 1
    assert len({tuple(_lasting(answer).items()) for answer in refusals}) == 1
    assert len(tenants.function.log()) == asked  # nothing was made, and BigQuery not asked


def test_the_weekly_run_sends_each_client_its_own_report_and_no_client_that_the_key_does_not_cover(tenants: Tenants) -> None:
    tenants.receiver.requests.clear()
    body = '{"week_ending": "2025-01-19"}'
    run = tenants.function.ask("/reports/weekly", key="of both", method="POST", body=body)
    assert [result["client_id"] for result in run.json()["results"]] == [71_001, 71_002]
    for sent in tenants.receiver.requests:
        client = int(sent.path.rpartition("/")[2])
        report = sent.body["data"]
        assert (report["meta"]["client_id"], report["meta"]["client_name"]) == (client, f"{SHOPS[client]} Shop")
        assert report["report_data"]["summary"]["totalCustomers"] == CUSTOMERS[client]
    assert sorted(int(sent.path.rpartition("/")[2]) for sent in tenants.receiver.requests) == [71_001, 71_002]
    one_too_many = '{"client_ids": [71001, 71003]}'
    assert tenants.function.ask("/reports/weekly", key="of both", method="POST", body=one_too_many).status == 403


def test_each_log_line_names_one_client_and_no_customer(tenants: Tenants) -> None:
    for client in SHOPS:
        tenants.function.ask(_path(client) + "&include=customers", key="of all")
    for line in tenants.function.log():
        named = [client for client in SHOPS if str(client) in str(line)]
        assert len(named) <= 1, line
        assert not any(f"{name}-" in str(line) or f"{name}.example" in str(line) for name in SHOPS.values())


def _path(client: int) -> str:
    return f"/reports/generate?client_id={client}&{WEEK}"


def _lasting(answer: Answer) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name != "date"}
