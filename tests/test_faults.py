"""BigQuery and Gemini misbehave, each on loopback: the answer is exact, in time, and tells nothing."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from threading import Event

import pytest

from local.function import Function
from tests.loopback import bigquery as loopback
from tests.loopback.gemini import FAILURES, loopback_gemini, says
from tests.loopback.server import Behaviour, Call, Loopback, answers, drips, drops, hangs, html

REPORT = "/reports/generate?client_id=1&week_ending=2025-01-19"
CELL = loopback.CELL_OF_TEN

GOOD = "This week you had 10 active customers.\n\nNow is a good time to write to them."

REFUSALS: dict[str, Behaviour] = {
    "no access": loopback.refuses(403, "accessDenied", "Access Denied: Table secret-project:analytics.events"),
    "no table": loopback.refuses(404, "notFound", "Not found: Table secret-project:analytics.events"),
    "a bad query": loopback.refuses(400, "invalidQuery", "Syntax error: SELECT FROM analytics.events"),
    "too many bytes": loopback.refuses(400, "bytesBilledLimitExceeded", "Query exceeded limit for bytes billed: 10"),
    "a page of HTML": html,
    "dropped connections": drops,
    "broken JSON": answers(200, {"jobComplete": True}),
    "a missing column": answers(200, loopback.rows(CELL[1:], columns=loopback.COLUMNS["weeks_ago"][1:])),
    "a NULL": answers(200, loopback.rows((*CELL[:-1], None))),
    "no number": answers(200, loopback.rows((*CELL[:-1], "NaN"))),
    "an empty cell": answers(200, loopback.rows((*CELL[:-2], 0, 0.0))),
    "a third week": answers(200, loopback.rows((2, *CELL[1:]))),
    "fewer rows than it says": answers(200, {**loopback.rows(CELL), "totalRows": "2"}),
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
    assert not any(word in answer.text for word in ("secret-project", "analytics", "SELECT", "bytes", "Traceback"))
    last_line = misled.function.log()[-1]
    assert last_line["severity"] == "ERROR"
    assert last_line["message"].startswith("Client 1: ")


@pytest.mark.parametrize("behaviour", [hangs, drips])
def test_where_bigquery_does_not_answer_in_time_the_answer_is_504(misled: Misled, behaviour: Behaviour) -> None:
    misled.bigquery.behaviour = behaviour
    begun = time.monotonic()
    answer = misled.function.ask(REPORT)
    assert time.monotonic() - begun < 10
    assert answer.status == 504, answer.text


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


@pytest.mark.parametrize("failure", [loopback.refuses(500, "backendError", "Try again"), hangs, html])
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
    assert answer.json()["report_data"]["executiveSummary"].startswith("This week you had 10 active customers, with")
