"""BigQuery and Gemini misbehave, each on loopback: the answer is exact, in time, and tells nothing."""

import http.client
import json
import os
import re
import signal
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from local.function import Function, bigquery_settings, running
from report.threads import run_in_thread
from tests.support.loopback import bigquery as loopback
from tests.support.loopback import bigquery_requests
from tests.support.loopback.bigquery import Cell, Job, Totals
from tests.support.loopback.gemini import FAILURES, loopback_gemini, says
from tests.support.loopback.server import (
    Behaviour,
    Call,
    Loopback,
    Request,
    answers,
    drips,
    drops,
    drops_in_the_middle,
    hangs,
    hangs_after_the_headers,
    html,
    send,
)

REPORT = "/reports/generate?client_id=1&week_ending=2025-01-19"
CUSTOMERS = f"{REPORT}&include=customers"
GOOD = "This week you had 10 active customers.\n\nNow is a good time to write to them."

NAME, (NEWEST, *OLDER) = loopback.CELL, loopback.TEN_CUSTOMERS
TEN = Totals(0, 10, with_sessions=10)
TWO_PAGES = [{**loopback.rows(*part), "totalRows": "20"} for part in ([NEWEST], OLDER)]
INSIDE = ("secret-project", "analytics", "SELECT", "bytes", "Traceback")
"""No word of these is for an answer."""


def counts(*rows: tuple[object, ...], **about: object) -> Behaviour:
    """The shop of ten customers, but for the rows of `cells.sql`."""
    return loopback.shop(cells=answers(200, {**loopback.rows(*rows), **about}))


def newest(totals: Totals, *cells: Cell) -> Behaviour:
    """The shop of ten customers, but for its newest week."""
    return counts(loopback.week(totals, *cells), *OLDER)


def named(name: str) -> Behaviour:
    """A newest week whose cell has this name."""
    return newest(TEN, Cell(name, 10))


FOR_GOOD: dict[str, Behaviour] = {
    "no access": loopback.refuses(403, "accessDenied", "Access Denied: Table secret-project:analytics.events"),
    "no table": loopback.refuses(404, "notFound", "Not found: Table secret-project:analytics.events"),
    "a bad query": loopback.refuses(400, "invalidQuery", "Syntax error: SELECT FROM analytics.events"),
    "too many bytes": loopback.refuses(400, "bytesBilledLimitExceeded", "Query exceeded limit for bytes billed: 10"),
}
PASSING: dict[str, Behaviour] = {
    "a page of HTML": html,
    "dropped connections": drops,
    "broken JSON": lambda call, _over: send(call, 200, "application/json", b'{"jobComplete": true, "rows": [{"f"'),
    "JSON without rows": answers(200, {"jobComplete": True}),
    "a missing column": answers(200, loopback.rows(NEWEST[:-1], columns=tuple(loopback.COLUMNS["cells"][:-1]))),
    "a row without values": counts(()),
    "a NULL": newest(replace(TEN, customers=None), Cell(NAME, 10)),
    "no number": newest(TEN, Cell(NAME, 10, 0, "NaN")),
    "an empty cell": newest(TEN, Cell(NAME, 10), Cell(f"0{NAME[1:]}", 0)),
    "half a customer": newest(TEN, Cell(NAME, 9.5)),
    "more customers than can be": newest(replace(TEN, customers=1e300), Cell(NAME, 1e300)),
    "more churned customers than there are": newest(TEN, Cell(NAME, 10, 11)),
    "no cells": newest(TEN),
    "customers without a cell": newest(TEN, Cell(NAME, 9)),
    "cells of the memory": counts(NEWEST, *OLDER[:11], loopback.week(replace(TEN, weeks_ago=12), Cell(NAME, 10))),
    "half an entry": newest(TEN, Cell(f"{NAME};{NAME}", 10)),
    "a week after this one": newest(replace(TEN, weeks_ago=-1), Cell(NAME, 10)),
    "a week before the memory": newest(replace(TEN, weeks_ago=20)),
    "a week twice": counts(NEWEST, NEWEST, *OLDER),
    "a cell of nine numbers": named(NAME[:-2]),
    "a cell beyond the last limit": named(f"99{NAME[1:]}"),
    "a cell before the first limit": named(f"-1{NAME[1:]}"),
    "half a cell": named(f"0.5{NAME[1:]}"),
    "a cell twice": newest(TEN, Cell(NAME, 5), Cell(NAME, 5)),
    "negative totals": newest(replace(TEN, new_customers=-1), Cell(NAME, 10)),
    "fewer rows than it says": counts(NEWEST, *OLDER, totalRows="21"),
    "more rows than it says": counts(NEWEST, *OLDER, totalRows="19"),
    "too many queries": loopback.refuses(403, "rateLimitExceeded", "Exceeded rate limits for table secret-project:analytics"),
    "an error of its own": loopback.refuses(500, "internalError", "An internal error occurred in analytics"),
    "an overload": loopback.refuses(503, "backendError", "Visibility check was unavailable for secret-project"),
    "an answer cut off": drops_in_the_middle,
    "a second page that fails": Job(TWO_PAGES[0], loopback.refuses(500, "internalError", "An error in secret-project")),
    "a second page that is cut off": Job(TWO_PAGES[0], drops_in_the_middle),
    "a second page that is broken": Job(TWO_PAGES[0], html),
}
"""What can only end as 502, by its name: for good, or perhaps not the next time."""


@dataclass(frozen=True)
class Misled:
    """A running function whose BigQuery and Gemini do as a test tells them."""

    function: Function
    bigquery: Loopback
    gemini: Loopback


@pytest.fixture(scope="module")
def misled(serve: Callable[..., Function]) -> Iterator[Misled]:
    with loopback.loopback_bigquery(loopback.no_rows) as bigquery, loopback_gemini(says(GOOD)) as gemini:
        function = serve(
            BIGQUERY_EMULATOR_HOST=bigquery.endpoint,
            BIGQUERY_PROJECT="sample-project",
            BIGQUERY_LOCATION="EU",
            BIGQUERY_MAX_BYTES_BILLED="1000000000",
            EVENTS_TABLE="shop_events",
            GEMINI_API_KEY="a-gemini-key",  # pragma: allowlist secret
            GEMINI_ENDPOINT=gemini.endpoint,
            GEMINI_TIMEOUT_SECONDS="1",
            REPORT_CACHE_SECONDS="0",
            REQUEST_DEADLINE_SECONDS="4",
        )
        function.ask(REPORT)  # so that no test waits for imports
        yield Misled(function, bigquery, gemini)


@pytest.mark.parametrize("failure", [*FOR_GOOD, *PASSING])
def test_where_bigquery_fails_the_answer_is_502_and_tells_nothing_but_whether_to_try_again(misled: Misled, failure: str) -> None:
    misled.bigquery.behaviour = {**FOR_GOOD, **PASSING}[failure]
    answer = misled.function.ask(REPORT)
    assert answer.status == 502, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert not any(word in answer.text for word in INSIDE)
    assert ("trying again will not help" in answer.text) == (failure in FOR_GOOD)
    assert ("Please try again later" in answer.text) == (failure in PASSING)
    last_line = misled.function.log()[-1]
    assert last_line["severity"] == "ERROR"
    assert last_line["message"].startswith("Client 1: ")


@pytest.mark.parametrize("behaviour", [hangs, drips, hangs_after_the_headers, Job(TWO_PAGES[0], hangs)])
def test_where_bigquery_does_not_answer_in_time_the_answer_is_504(misled: Misled, behaviour: Behaviour) -> None:
    misled.bigquery.behaviour = behaviour
    begun = time.monotonic()
    answer = misled.function.ask(REPORT)
    assert time.monotonic() - begun < 10
    assert answer.status == 504, answer.text
    assert not any(word in answer.text for word in INSIDE)


def test_a_job_that_is_not_done_in_time_is_cancelled(misled: Misled) -> None:
    job = Job()
    misled.bigquery.behaviour = job
    assert misled.function.ask(REPORT).status == 504
    assert job.cancelled.wait(10)


def test_the_rows_of_a_job_come_page_by_page(misled: Misled) -> None:
    misled.bigquery.behaviour, misled.gemini.behaviour = Job(*TWO_PAGES), says("All is well.")
    answer = misled.function.ask(REPORT)
    assert answer.status == 200, answer.text
    assert answer.json()["report_data"]["summary"]["totalCustomers"] == 10
    assert answer.json()["report_data"]["lastWeek"]["totalCustomers"] == 10


def test_a_fault_that_passes_is_not_noticed(misled: Misled) -> None:
    refused = Event()

    def once(call: Call, over: Event) -> None:
        if refused.is_set():
            loopback.ten_customers(call, over)
        else:
            refused.set()
            PASSING["an overload"](call, over)

    misled.bigquery.behaviour = loopback.shop(cells=once)
    answer = misled.function.ask(REPORT)
    assert refused.is_set()
    assert answer.status == 200, answer.text


def test_a_query_names_its_client_and_is_limited_in_time_and_cost(misled: Misled) -> None:
    misled.bigquery.behaviour = loopback.ten_customers
    misled.bigquery.requests.clear()
    assert misled.function.ask(CUSTOMERS).status == 200
    asked = sorted(loopback.query_of(request) for request in misled.bigquery.requests)
    assert asked == ["cells", "customers", "days", "missing_regulars"]  # whatever the shop's size
    for request in misled.bigquery.requests:
        body = request.body
        assert request.path.startswith("/bigquery/v2/projects/sample-project/queries")
        assert body["labels"] == {"function": "weekly-churn-report", "client_id": "1"}
        assert (body["maximumBytesBilled"], body["location"]) == ("1000000000", "EU")
        assert 0 < int(body["jobTimeoutMs"]) <= 9_000
        assert body["jobCreationMode"] == "JOB_CREATION_OPTIONAL"
        assert body.get("useQueryCache") is not False
        assert "CURRENT_" not in body["query"]
        assert "`sample-project.analytics.shop_events`" in body["query"]
        assert "2025" not in body["query"]  # what changes travels in the parameters
        assert {"client_id", "scan_end"} <= {parameter["name"] for parameter in body["queryParameters"]}


def test_a_young_clients_weeks_are_counted_once_more_with_the_memory_that_they_have(misled: Misled) -> None:
    young = loopback.day_rows({date(2024, 12, day): 10 for day in (1, 2, 9, 16, 23, 30)}, of_week=10)
    misled.bigquery.behaviour = loopback.shop(days=answers(200, loopback.rows(*young, query="days")))
    misled.bigquery.requests.clear()
    answer = misled.function.ask(REPORT)
    assert answer.status == 200, answer.text
    memories = [
        parameter["parameterValue"]["value"]
        for request in misled.bigquery.requests
        for parameter in request.body["queryParameters"]
        if parameter["name"] == "memory_weeks"
    ]
    assert memories == ["8", str(answer.json()["meta"]["memory_weeks"])]
    assert answer.json()["meta"]["memory_weeks"] < 8


DAYS: dict[str, Behaviour] = {
    "fail": loopback.refuses(500, "backendError", "Try again"),
    "are refused for good": FOR_GOOD["no access"],
    "hang": hangs,
    "are a page of HTML": html,
    "have a negative count": answers(200, loopback.rows(*loopback.day_rows({date(2025, 1, 14): -1}), query="days")),
    "have half an event": answers(200, loopback.rows(("2025-01-14", 0.5, 0), (None, 1, 0), query="days")),
    "have no row of the week": answers(200, loopback.rows(("2025-01-14", 10, 0), query="days")),
    "have a day twice": answers(200, loopback.rows(*[("2025-01-14", 10, 0)] * 2, (None, 10, 0), query="days")),
    "have a day that is none": answers(200, loopback.rows(("2025-02-30", 10, 0), (None, 10, 0), query="days")),
}


@pytest.mark.parametrize("failure", DAYS)
def test_where_the_daily_counts_alone_fail_the_report_goes_out_and_says_so(misled: Misled, failure: str) -> None:
    misled.bigquery.behaviour, misled.gemini.behaviour = loopback.ten_customers, says(GOOD)
    whole = misled.function.ask(CUSTOMERS).json()
    misled.bigquery.behaviour = loopback.shop(days=DAYS[failure])
    answer = misled.function.ask(CUSTOMERS)
    assert answer.status == 200, answer.text
    report = answer.json()
    assert "days_unknown" in codes(report)
    assert "days_unknown" not in codes(whole)
    assert report["report_data"]["summary"] == whole["report_data"]["summary"]
    assert report["meta"]["backtest"] == whole["meta"]["backtest"]
    assert any(line["message"].startswith("The daily counts failed: ") for line in misled.function.log())


def codes(report: dict[str, Any]) -> list[str]:
    return [caveat["code"] for caveat in report["report_data"]["caveats"]]


@pytest.mark.parametrize("query", ["customers", "missing_regulars"])
def test_where_the_customers_alone_fail_only_a_report_that_asks_for_them_does(misled: Misled, query: str) -> None:
    misled.bigquery.behaviour, misled.gemini.behaviour = loopback.shop(**{query: FOR_GOOD["no access"]}), says(GOOD)
    assert misled.function.ask(CUSTOMERS).status == 502
    assert misled.function.ask(REPORT).status == 200


def requests_of(serve: Callable[..., Function], **settings: str) -> list[Request]:
    """The requests that a function with these settings, and no others of BigQuery's, sends for all that it can be asked."""
    with loopback.loopback_bigquery(loopback.ten_customers) as bigquery:
        place = {"BIGQUERY_EMULATOR_HOST": bigquery.endpoint, "BIGQUERY_PROJECT": None, "BIGQUERY_DATASET": None}
        answer = serve(**{**place, **settings}, REPORT_CACHE_SECONDS="0").ask(f"{REPORT}&include=customers,history")
        assert answer.status == 200, answer.text
        return bigquery.requests


OPTIONAL_SETTINGS = {
    "BIGQUERY_PROJECT": "sample-project",
    "BIGQUERY_DATASET": "shop",
    "BIGQUERY_LOCATION": "EU",
    "BIGQUERY_MAX_BYTES_BILLED": "9223372036854775807",
    "EVENTS_TABLE": "shop_events",
    "USERS_TABLE": "shop_users",
    "CLIENTS": '{"1": {"currency": "JPY", "usd_rate": 154.983, "ignored_event_types": ["email_delivered"]}}',
}


@pytest.mark.parametrize("given", [(), *((name,) for name in OPTIONAL_SETTINGS), tuple(OPTIONAL_SETTINGS)], ids=" ".join)
def test_every_request_has_the_types_of_bigquerys_own_description(serve: Callable[..., Function], given: tuple[str, ...]) -> None:
    requests = requests_of(serve, **{name: OPTIONAL_SETTINGS[name] for name in given})
    assert len(requests) == 4
    assert not [problem for request in requests for problem in bigquery_requests.problems("/queries", request.body)]
    of_settings = {"maximumBytesBilled": "BIGQUERY_MAX_BYTES_BILLED", "location": "BIGQUERY_LOCATION"}
    for request in requests:
        assert {field for field in of_settings if field in request.body} == {
            field for field, setting in of_settings.items() if setting in given
        }
        assert not re.search("null|None", json.dumps({**request.body, "query": ""}))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"maximumBytesBilled": "None"}, "maximumBytesBilled"),
        ({"maximumBytesBilled": None}, "maximumBytesBilled"),
        ({"maximumBytesBilled": str(2**63)}, "maximumBytesBilled"),
        ({"jobTimeoutMs": 1.5}, "jobTimeoutMs"),
        ({"timeoutMs": "1000"}, "timeoutMs"),
        ({"useQueryCache": "true"}, "useQueryCache"),
        ({"labels": {"client_id": 1}}, "labels.client_id"),
        ({"labels": {"client_id": "Shop 1"}}, "client_id"),
        ({"maxBytesBilled": "1"}, "maxBytesBilled"),
        ({"queryParameters": []}, "not found"),
        ({"queryParameters": [{"name": "client_id", "parameterValue": 1}]}, "queryParameters[0].parameterValue"),
    ],
)
def test_the_stand_in_refuses_what_bigquery_refuses(misled: Misled, wrong: dict[str, Any], said: str) -> None:
    misled.bigquery.behaviour = loopback.ten_customers
    misled.bigquery.requests.clear()
    misled.function.ask(REPORT)
    right = misled.bigquery.requests[0]
    connection = http.client.HTTPConnection(misled.bigquery.endpoint.removeprefix("http://"), timeout=10)
    connection.request("POST", right.path, json.dumps({**right.body, **wrong}))
    answer = connection.getresponse()
    assert answer.status == 400
    assert said in json.loads(answer.read())["error"]["message"]
    connection.close()


def test_gemini_is_not_asked_where_too_little_time_is_left_for_it(misled: Misled) -> None:
    def late(call: Call, over: Event) -> None:
        over.wait(3.2)  # of the four seconds that there are
        loopback.ten_customers(call, over)

    misled.bigquery.behaviour, misled.gemini.behaviour = loopback.shop(cells=late), says(GOOD)
    misled.gemini.requests.clear()
    answer = misled.function.ask(REPORT)
    assert answer.status == 200, answer.text
    assert answer.json()["meta"]["summary_source"] == "template"
    assert misled.function.log()[-1]["summary_reason"] == "too little time was left"
    assert not misled.gemini.requests


def test_a_reader_who_hangs_up_disturbs_nobody(misled: Misled) -> None:
    go_on = Event()

    def once_it_may(call: Call, over: Event) -> None:
        go_on.wait(3)
        loopback.ten_customers(call, over)

    misled.bigquery.behaviour = once_it_may
    host, port = misled.function.address.removeprefix("http://").split(":")
    for _ in range(3):
        with socket.create_connection((host, int(port))) as reader:
            reader.sendall(f"GET {REPORT} HTTP/1.1\r\nHost: x\r\nX-API-Key: {misled.function.key}\r\n\r\n".encode())
    go_on.set()
    assert misled.function.ask(REPORT).status == 200
    assert "Traceback" not in misled.function.program.printed()


def test_a_function_that_is_to_end_finishes_what_it_has_begun() -> None:
    asked, go_on = Event(), Event()

    def once_it_may(call: Call, over: Event) -> None:
        asked.set()
        go_on.wait(20)
        loopback.ten_customers(call, over)

    with loopback.loopback_bigquery(once_it_may) as bigquery, running(bigquery_settings(bigquery.endpoint)) as function:
        reading = run_in_thread(function.ask, REPORT)
        assert asked.wait(20)
        (master,) = map(int, Path(f"/proc/{(leash := function.program.process.pid)}/task/{leash}/children").read_text().split())
        os.kill(master, signal.SIGTERM)
        time.sleep(0.5)
        go_on.set()
        assert reading.result(10).status == 200
        assert function.program.process.wait(10) == 0


def test_gemini_writes_the_summary_of_aggregates_alone(misled: Misled) -> None:
    misled.bigquery.behaviour, misled.gemini.behaviour = loopback.ten_customers, says(GOOD)
    misled.gemini.requests.clear()
    report = misled.function.ask(REPORT).json()
    assert report["report_data"]["executiveSummary"] == GOOD
    assert report["meta"]["summary_source"] == "gemini"
    assert len(misled.gemini.requests) == 1
    assert "Active customers this week: 10" in json.dumps(misled.gemini.requests[0].body)
    assert "a-gemini-key" not in misled.function.program.printed()


@pytest.mark.parametrize("failure", ["an invented number", "a bad key", "a blocked answer", "a hang", "a dropped connection"])
def test_without_a_good_text_the_template_speaks(misled: Misled, failure: str) -> None:
    behaviours = {**FAILURES, "an invented number": says(GOOD.replace("10", "11"))}
    misled.bigquery.behaviour, misled.gemini.behaviour = loopback.ten_customers, behaviours[failure]
    begun = time.monotonic()
    answer = misled.function.ask(REPORT)
    assert time.monotonic() - begun < 10
    assert answer.status == 200, answer.text
    assert answer.json()["meta"]["summary_source"] == "template"
    assert "This week you had 10 active customers" in answer.json()["report_data"]["executiveSummary"]
