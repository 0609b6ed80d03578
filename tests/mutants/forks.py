"""Run the tests against mutants, each in a fork that has loaded the libraries but nothing of the project."""

import importlib
import multiprocessing
import os
import signal
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from time import process_time
from typing import Any, Literal

import hypothesis
import pytest
from coverage import Coverage

from tests.mutants.mutant import Mutant

Outcome = Literal["killed", "survived", "timeout"]
LIBRARIES = ("google.cloud.bigquery", "google.generativeai", "hypothesis.strategies", "jinja2", "numpy", "pydantic", "xgboost")
WORKERS = os.cpu_count() or 1
CPU_SECONDS = 60
SECONDS = 600
"""The first ends a mutant that computes forever, the second one that hangs. A busy machine does not shorten the first."""
OPTIONS = (
    "-x",
    "--disable-plugin-autoload",  # other plugins take longer to load than most tests take
    *("-p", "_hypothesis_pytestplugin"),
    "--hypothesis-profile=mutants",
    *("-p", "no:cacheprovider"),
    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),
)


@dataclass(frozen=True)
class Tests:
    """The tests by their pytest ids, the fastest first, and the lines of the project that each runs."""

    names: Sequence[str]
    lines: Mapping[str, Mapping[str, frozenset[int]]]
    """A file → a test → the lines."""

    def of(self, mutant: Mutant) -> Iterator[list[str]]:
        """Yield the tests that run the mutant's function, or else its file; for code outside functions, then the others."""
        ran = self.lines.get(mutant.path, {})
        span = range(mutant.function[0], mutant.function[1] + 1) if mutant.function else None
        near = [name for name in self.names if (ran.get(name, frozenset()).intersection(span) if span else name in ran)]
        yield near
        if not span:
            yield [name for name in self.names if name not in near]


def load_libraries() -> None:
    """Import what the forks need, for all of them."""
    os.environ["OMP_NUM_THREADS"] = "1"  # more do not survive a fork
    for library in LIBRARIES:
        importlib.import_module(library)


def tests_of(files: Sequence[str], selected: str) -> Tests:
    """Run the tests of these files that `selected` names (pytest's `-k`), with nothing changed, and record which lines each runs.

    Raises RuntimeError if one fails.
    """
    with multiprocessing.get_context("fork").Pool(1) as pool:
        return pool.apply(_record, (files, selected))


class _Recorder:
    """A plugin of pytest: which test runs, for coverage.py, and how long it takes."""

    def __init__(self, coverage: Coverage) -> None:
        self.coverage = coverage
        self.seconds: dict[str, float] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[Any]:
        self.coverage.switch_context(item.nodeid)
        started = process_time()
        outcome = yield
        self.seconds[item.nodeid] = process_time() - started
        return outcome


def _record(files: Sequence[str], selected: str) -> Tests:
    coverage = Coverage(data_file=None, source=["model", "report"], config_file=False)
    coverage.start()
    recorder = _Recorder(coverage)
    failed = _pytest(["-k", selected, *files], [recorder])
    coverage.stop()
    if failed:
        raise RuntimeError("The tests fail with nothing changed.")
    lines: dict[str, dict[str, frozenset[int]]] = {}
    data = coverage.get_data()
    for file in data.measured_files():
        of_test: defaultdict[str, set[int]] = defaultdict(set)
        for line, names in data.contexts_by_lineno(file).items():
            for name in names:
                of_test[name].add(line)
        lines[os.path.relpath(file)] = {name: frozenset(found) for name, found in of_test.items() if name}
    return Tests(sorted(recorder.seconds, key=recorder.seconds.__getitem__), lines)


def outcomes(mutants: Iterable[Mutant], tests: Tests) -> Iterator[tuple[Mutant, Outcome]]:
    """Yield each mutant with its outcome."""
    running: dict[int, Mutant] = {}
    left = iter(mutants)
    while True:
        while len(running) < WORKERS and (mutant := next(left, None)):
            running[_fork(mutant, tests)] = mutant
        if not running:
            return
        process, status = os.wait()
        ended_by = os.WTERMSIG(status) if os.WIFSIGNALED(status) else None
        outcome: Outcome = "killed" if status else "survived"
        yield running.pop(process), "timeout" if ended_by in (signal.SIGALRM, signal.SIGPROF) else outcome


def _fork(mutant: Mutant, tests: Tests) -> int:
    process = os.fork()
    if process:
        return process
    signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
    signal.alarm(SECONDS)
    status = 1
    try:
        mutant.put_in_place()
        status = int(any(_pytest(names) for names in tests.of(mutant) if names))
    finally:
        os._exit(status)


def _pytest(arguments: Sequence[str], plugins: Sequence[object] = ()) -> bool:
    """Run pytest; tell whether a test failed. Hypothesis does not look for the smallest example that fails."""
    without_shrinking = (hypothesis.Phase.explicit, hypothesis.Phase.generate)
    usual = hypothesis.settings.get_profile("ci")
    hypothesis.settings.register_profile("mutants", usual, phases=without_shrinking)
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
        return bool(pytest.main([*OPTIONS, *arguments], list(plugins)))
