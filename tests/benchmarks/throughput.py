"""Requests a second, measured with wrk: reports from the cache, and new reports with a BigQuery that takes a second."""

import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event
from unittest.mock import patch

from local import deployed, function
from report import build, warehouse
from report.settings import Settings
from tests.benchmarks import peers, served
from tests.benchmarks.numbers import WEEK
from tests.benchmarks.say import say
from tests.support.loopback.bigquery import QueryName, loopback_bigquery, query_of, rows
from tests.support.loopback.server import Behaviour, Call, send

HOW_TO_GET = "There is no wrk here, so the throughput is not measured. To get it: apt-get install wrk"
CUSTOMERS = 10_000
BIGQUERY_SECONDS = 1.0
ROUNDS = (
    (True, 8, 1),
    (True, 8, 8),
    (True, 8, 32),
    (False, 8, 1),
    (False, 8, 8),
    (False, 8, 32),
    (False, 16, 32),
    (False, 32, 32),
)
"""Cached or not, threads of the serving process, readers at once."""
# Another client each time, so that no two readers share a report.
_SCRIPT = """
client = 0
request = function()
  client = client + 1
  return wrk.format("GET", "/reports/generate?week_ending={week_ending}&client_id=" .. {client})
end
"""


@dataclass(frozen=True)
class Throughput:
    """What this many readers at once got."""

    cached: bool
    threads: int
    readers: int
    per_second: float
    p50_ms: float
    p99_ms: float
    failed: int
    processor_ms: float
    """The processor time of the serving process for each request."""

    @property
    def of_a_processor(self) -> float:
        """The share of one processor that these threads need, each of which also waits for BigQuery."""
        return self.threads / self.keep_one_busy

    @property
    def keep_one_busy(self) -> float:
        """How many requests at once keep one processor busy."""
        return (1000 * BIGQUERY_SECONDS + self.processor_ms) / self.processor_ms


def measure(settings: Settings, seconds: int) -> list[Throughput]:
    """Run each round for `seconds`, with the cells of the shop that `settings` name. Return nothing without wrk."""
    wrk = shutil.which("wrk")
    if not wrk:
        say(HOW_TO_GET)
        return []
    found = []
    with loopback_bigquery(_after_a_while(_recorded(settings))) as bigquery, TemporaryDirectory() as folder:
        for cached, threads, readers in ROUNDS:
            say(f"Throughput: {readers} readers, {threads} threads, {'from the cache' if cached else 'each report made'}")
            script = Path(folder, "requests.lua")
            script.write_text(_SCRIPT.format(week_ending=WEEK.ending, client=1 if cached else "client"))
            its_settings = function.bigquery_settings(bigquery.endpoint) | served.AS_DEPLOYED | {"THREADS": str(threads)}
            with function.running(its_settings | ({} if cached else served.NO_CACHE), python=deployed.python()) as reports:
                for _ in range(3):
                    served.ask(reports)
                command = [wrk, f"-c{readers}", "-t1", f"-d{seconds}s", "--timeout=60s", "--latency", f"-s{script}"]
                found.append(Throughput(cached, threads, readers, *_run(command, reports)))
    return found


def _run(command: list[str], reports: function.Function) -> tuple[float, float, float, int, float]:
    """Run wrk; return requests a second, p50 and p99 in milliseconds, failures, and processor milliseconds a request."""
    process = served.worker(reports)
    before = served.processor_seconds(process)
    header = f"X-API-Key: {reports.key}"
    run = subprocess.run([*command, "-H", header, reports.address], capture_output=True, text=True, check=True, timeout=300)
    computed = served.processor_seconds(process) - before
    said = run.stdout
    requests = int(_found(r"(\d+) requests in", said))
    failed = int(_found(r"Non-2xx or 3xx responses: (\d+)", said, "0"))
    failed += sum(map(int, re.findall(r"\d+", _found(r"Socket errors: (.*)", said, ""))))
    p50, p99 = (_milliseconds(_found(rf"\s{share}%\s+(\S+)", said)) for share in (50, 99))
    return float(_found(r"Requests/sec:\s+(\S+)", said)), p50, p99, failed, computed * 1000 / max(requests, 1)


def _found(pattern: str, text: str, otherwise: str | None = None) -> str:
    if found := re.search(pattern, text):
        return found[1]
    if otherwise is None:
        raise ValueError(f"wrk did not say {pattern}:\n{text}")
    return otherwise


def _milliseconds(text: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text).groups()  # type: ignore[union-attr]
    return float(number) * {"us": 0.001, "ms": 1, "s": 1_000, "m": 60_000}[unit]


def _recorded(settings: Settings) -> dict[QueryName, bytes]:
    """What BigQuery answers to each query of a report, as JSON."""
    answers: dict[QueryName, bytes] = {}
    query = warehouse._query

    def recording(place, name, parameters, columns, seconds):  # type: ignore[no-untyped-def]
        found, read = query(place, name, parameters, columns, seconds)
        of_query: QueryName = "days" if name == "days.sql" else "cells"
        answers[of_query] = json.dumps(rows(*found, query=of_query)).encode()
        return found, read

    with patch("report.warehouse._query", recording):
        peers.report(settings, build.Trace())
    return answers


def _after_a_while(answers: dict[QueryName, bytes]) -> Behaviour:
    def behave(call: Call, over: Event) -> None:
        over.wait(BIGQUERY_SECONDS)
        send(call, 200, "application/json", answers[query_of(call.request)])

    return behave
