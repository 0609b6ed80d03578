"""Where a warm report spends its time, measured by pyinstrument."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from pyinstrument import Profiler

from local import programs
from report import build
from report.settings import Settings
from tests.benchmarks import peers
from tests.benchmarks.say import say
from tests.benchmarks.timing import Measured

RUNS = 3
INTERVAL_SECONDS = 0.0005
WAITING = "waiting for the answer of the local BigQuery"
OTHER = "everything else"
GROUPS = (
    (WAITING, ("socket.py", "/ssl.py")),
    ("reading the JSON of the answer", ("/json/", "simplejson", "requests/", "urllib3/", "http/client.py")),
    ("turning it into rows, in BigQuery's client library", ("google/cloud/bigquery", "google/api_core", "google/auth")),
    ("the model: scores and contributions", ("xgboost/",)),
    ("numpy", ("numpy/",)),
    ("the report's own lines", (f"{programs.ROOT}/report/", f"{programs.ROOT}/model/")),
)
"""The group of a sample: the first whose text is in a frame's path, from the innermost frame outwards."""


@dataclass(frozen=True)
class Profile:
    """The milliseconds of one report of this many customers."""

    customers: int
    steps: dict[str, Measured]
    by_group: dict[str, float]


def measure(settings: Settings, customers: int) -> Profile:
    """Profile some reports after a first one.

    The work of a report's threads runs in the main thread here, one thing after the other, so that the profiler sees all of it.
    """
    say("Profile")
    peers.report(settings, build.Trace())
    traces = [build.Trace() for _ in range(RUNS)]
    for trace in traces:
        peers.report(settings, trace)
    profiler = Profiler(interval=INTERVAL_SECONDS)
    with patch("report.build.run_in_thread", _at_once), patch("report.warehouse.run_in_thread", _at_once), profiler:
        for _ in range(RUNS):
            peers.report(settings, build.Trace())
    by_group: dict[str, float] = defaultdict(float)
    for stack, seconds in profiler.last_session.frame_records if profiler.last_session else ():
        by_group[_group(stack)] += seconds / RUNS * 1000
    steps = {step: Measured(tuple(trace.steps_ms[step] for trace in traces)) for step in traces[0].steps_ms}
    return Profile(customers, steps, by_group)


def _at_once(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Future[Any]:
    future: Future[Any] = Future()
    future.set_result(function(*args, **kwargs))
    return future


def _group(stack: Sequence[str]) -> str:
    """Return the group of a sample; each frame has its function, file and line."""
    for frame in reversed(stack):
        path = frame.partition("\0")[2].partition("\0")[0]
        for name, parts in GROUPS:
            if any(part in path for part in parts):
                return name
    return OTHER
