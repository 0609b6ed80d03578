"""BigQuery and Gemini misbehave, each on loopback: the answer is exact, in time, and tells nothing."""

import json
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Event

import pytest

from local.function import Function, bigquery_settings, running
from report.threads import run_in_thread
from tests.support.loopback import bigquery as loopback
from tests.support.loopback.bigquery import Job
from tests.support.loopback.gemini import FAILURES, loopback_gemini, says
from tests.support.loopback.server import (
    Behaviour,
    Call,
    Loopback,
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
CELL = loopback.CELL_OF_TEN

GOOD = "This week you had 10 active customers.\n\nNow is a good time to write to them."

TEN_CELLS = [(f"1,1,1,1,1,{sessions},{days},1", *CELL[1:]) for sessions in range(1, 6) for days in (1, 2)]
TWO_PAGES = [{**loopback.rows(cell), "totalRows": "2", "jobComplete": True} for cell in TEN_CELLS[:2]]
INSIDE = ("secret-project", "analytics", "SELECT", "bytes", "Traceback")
"""No word of these is for an answer."""

REFUSALS: dict[str, Behaviour] = {
    "no access": loopback.refuses(403, "accessDenied", "Access Denied: Table secret-project:analytics.events"),
    "no table": loopback.refuses(404, "notFound", "Not found: Table secret-project:analytics.events"),
    "a bad query": loopback.refuses(400, "invalidQuery", "Syntax error: SELECT FROM analytics.events"),
    "too many bytes": loopback.refuses(400, "bytesBilledLimitExceeded", "Query exceeded limit for bytes billed: 10"),
    "a page of HTML": html,
    "dropped connections": drops,
    "broken JSON": lambda call, _over: send(call, 200, "application/json", b'{"jobComplete": true, "rows": [{"f"'),
    "JSON without rows": answers(200, {"jobComplete": True}),
    "a missing column": answers(200, loopback.rows(CELL[1:], columns=loopback.COLUMNS["weeks_ago"][1:])),
    "a row without values": answers(200, loopback.rows(())),
    "a NULL": answers(200, loopback.rows((*CELL[:-1], None))),
    "no number": answers(200, loopback.rows((*CELL[:-1], "NaN"))),
    "an empty cell": answers(200, loopback.rows((*CELL[:-2], 0, 0.0))),
    "half a customer": answers(200, loopback.rows((*CELL[:-2], 9.5, 0.0))),
    "more customers than can be": answers(200, loopback.rows((*CELL[:-2], 1e300, 0.0))),
    "a third week": answers(200, loopback.rows((CELL[0], 2, *CELL[2:]))),
    "a cell without a name": answers(200, loopback.rows((None, *CELL[1:]))),
    "a cell of seven features": answers(200, loopback.rows(("1,1,1,1,1,1,2", *CELL[1:]))),
    "a cell beyond the last limit": answers(200, loopback.rows(("1,1,1,1,1,1,2,99", *CELL[1:]))),
    "a cell before the first limit": answers(200, loopback.rows(("-1,1,1,1,1,1,2,1", *CELL[1:]))),
    "half a cell": answers(200, loopback.rows(("0.5,1,1,1,1,1,2,1", *CELL[1:]))),
    "fewer rows than it says": answers(200, {**loopback.rows(CELL), "totalRows": "2"}),
    "ten times more rows than it says": answers(200, {**loopback.rows(*TEN_CELLS), "totalRows": "1"}),
    "each cell ten times": answers(200, loopback.rows(*[CELL] * 10)),
    "too many queries": loopback.refuses(403, "rateLimitExceeded", "Exceeded rate limits for table secret-project:analytics"),
    "an error of its own": loopback.refuses(500, "internalError", "An internal error occurred in analytics"),
    "an overload": loopback.refuses(503, "backendError", "Visibility check was unavailable for secret-project"),
    "an answer cut off": drops_in_the_middle,
    "a second page that fails": Job(TWO_PAGES[0], loopback.refuses(500, "internalError", "An error in secret-project")),
    "a second page that is cut off": Job(TWO_PAGES[0], drops_in_the_middle),
    "a second page that is broken": Job(TWO_PAGES[0], html),
}
"""What can only end as 502, by its name."""


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


@pytest.mark.parametrize("refusal", REFUSALS)
def test_where_bigquery_fails_the_answer_is_502_and_tells_nothing(misled: Misled, refusal: str) -> None:
    misled.bigquery.behaviour = REFUSALS[refusal]
    answer = misled.function.ask(REPORT)
    assert answer.status == 502, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert not any(word in answer.text for word in INSIDE)
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
    assert job.cancelled.wait(1)


def test_the_rows_of_a_job_come_page_by_page(misled: Misled) -> None:
    misled.bigquery.behaviour, misled.gemini.behaviour = Job(*TWO_PAGES), says("All is well.")
    answer = misled.function.ask(REPORT)
    assert answer.status == 200, answer.text
    assert answer.json()["report_data"]["summary"]["totalCustomers"] == 20


def test_a_fault_that_passes_is_not_noticed(misled: Misled) -> None:
    refused = Event()

    def once(call: Call, over: Event) -> None:
        if loopback.is_look_back(call) or refused.is_set():
            loopback.ten_customers(call, over)
        else:
            refused.set()
            REFUSALS["an overload"](call, over)

    misled.bigquery.behaviour = once
    answer = misled.function.ask(REPORT)
    assert refused.is_set()
    assert answer.status == 200, answer.text


def test_a_query_names_its_client_and_is_limited_in_time_and_cost(misled: Misled) -> None:
    misled.bigquery.behaviour = loopback.no_rows
    misled.bigquery.requests.clear()
    assert misled.function.ask(REPORT).status == 200
    assert len(misled.bigquery.requests) == 2  # the cells and the look back, whatever the shop's size
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
        assert {"client_id", "scan_start", "scan_end"} <= {parameter["name"] for parameter in body["queryParameters"]}


PAST = ("1,1,1,1,1,1,2,1", 10, 4)
LOOK_BACKS: dict[str, Behaviour] = {
    "fails": loopback.refuses(500, "backendError", "Try again"),
    "hangs": hangs,
    "is a page of HTML": html,
    "lost more customers than there were": answers(200, loopback.rows((*PAST[:2], 11), columns=loopback.COLUMNS["churned"])),
    "has an empty cell": answers(200, loopback.rows((PAST[0], 0, 0), columns=loopback.COLUMNS["churned"])),
    "has a cell twice": answers(200, loopback.rows(PAST, PAST, columns=loopback.COLUMNS["churned"])),
}


@pytest.mark.parametrize("failure", LOOK_BACKS.values(), ids=LOOK_BACKS)
def test_where_the_look_back_alone_fails_the_report_goes_out_uncorrected_and_says_so(misled: Misled, failure: Behaviour) -> None:
    def but_for_the_look_back(call: Call, over: Event) -> None:
        (failure if loopback.is_look_back(call) else loopback.ten_customers)(call, over)

    misled.bigquery.behaviour, misled.gemini.behaviour = but_for_the_look_back, says(GOOD)
    answer = misled.function.ask(REPORT)
    assert answer.status == 200, answer.text
    report = answer.json()
    assert report["report_data"]["summary"]["totalCustomers"] == 10
    assert report["meta"]["backtest"] is None
    assert report["meta"]["calibration"] == {"intercept": 0.0, "slope": 1.0}
    assert (
        "The look back failed this time, so the probabilities are not corrected for this shop."
        in report["report_data"]["keyInsights"]
    )
    assert any(line["message"].startswith("The look back failed: ") for line in misled.function.log())


@pytest.mark.parametrize("failure", [loopback.refuses(400, "bytesBilledLimitExceeded", "Too many bytes"), hangs])
def test_where_the_history_alone_fails_the_report_goes_out_without_it_and_says_so(misled: Misled, failure: Behaviour) -> None:
    def but_for_the_history(call: Call, over: Event) -> None:
        (failure if loopback.is_history(call) else loopback.ten_customers)(call, over)

    misled.bigquery.behaviour, misled.gemini.behaviour = but_for_the_history, says(GOOD)
    answer = misled.function.ask(f"{REPORT}&include=history")
    assert answer.status == 200, answer.text
    report = answer.json()["report_data"]
    assert report["summary"]["totalCustomers"] == 10
    assert "history" not in report
    assert "The history failed this time, so the last eight weeks are not shown." in report["keyInsights"]
    assert misled.function.ask(REPORT).json()["report_data"]["summary"] == report["summary"]


def test_gemini_is_not_asked_where_too_little_time_is_left_for_it(misled: Misled) -> None:
    def late(call: Call, over: Event) -> None:
        if not loopback.is_look_back(call):
            over.wait(3.2)  # of the four seconds that there are
        loopback.ten_customers(call, over)

    misled.bigquery.behaviour, misled.gemini.behaviour = late, says(GOOD)
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
