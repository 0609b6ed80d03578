"""Many readers at once, through the deployed function: BigQuery and Gemini on loopback hold their answers until all are there."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Barrier, Event

import pytest

from local.function import Function
from tests.support.loopback import bigquery as loopback
from tests.support.loopback.gemini import loopback_gemini, says
from tests.support.loopback.server import Call, Loopback

READERS = 50
GOOD = "This week you had 10 active customers.\n\nNow is a good time to write to them."


@dataclass(frozen=True)
class Crowded:
    function: Function
    bigquery: Loopback
    gemini: Loopback


@pytest.fixture(scope="module")
def crowded(serve: Callable[..., Function]) -> Iterator[Crowded]:
    with loopback.loopback_bigquery(loopback.ten_customers) as bigquery, loopback_gemini(says(GOOD)) as gemini:
        function = serve(
            BIGQUERY_EMULATOR_HOST=bigquery.endpoint,
            GEMINI_API_KEY="a-gemini-key",  # pragma: allowlist secret
            GEMINI_ENDPOINT=gemini.endpoint,
            GEMINI_TIMEOUT_SECONDS="60",
            REPORT_CACHE_SECONDS="600",
            THREADS=str(READERS + 10),
        )
        function.ask("/reports/generate?client_id=999&week_ending=2025-01-19")  # so that no test waits for imports
        yield Crowded(function, bigquery, gemini)


def test_fifty_readers_of_one_report_cost_two_queries_and_one_summary(crowded: Crowded) -> None:
    crowded.bigquery.requests.clear()
    crowded.gemini.requests.clear()
    with ThreadPoolExecutor(READERS) as readers:
        path = "/reports/generate?client_id=1&week_ending=2025-01-19"
        answers = list(readers.map(lambda _: crowded.function.ask(path), range(READERS)))
    assert {(answer.status, answer.body) for answer in answers} == {(200, answers[0].body)}
    assert (len(crowded.bigquery.requests), len(crowded.gemini.requests)) == (2, 1)


def test_fifty_readers_of_fifty_reports_do_not_wait_for_each_others_summary(crowded: Crowded) -> None:
    all_there = Barrier(READERS)

    def once_all_are_there(call: Call, over: Event) -> None:
        all_there.wait(60)
        says(GOOD)(call, over)

    crowded.gemini.behaviour = once_all_are_there
    paths = [f"/reports/generate?client_id={client}&week_ending=2025-01-19" for client in range(100, 100 + READERS)]
    with ThreadPoolExecutor(READERS) as readers:
        answers = list(readers.map(crowded.function.ask, paths))
    assert [answer.json()["meta"]["client_id"] for answer in answers] == list(range(100, 100 + READERS))
    assert {answer.json()["meta"]["summary_source"] for answer in answers} == {"gemini"}
