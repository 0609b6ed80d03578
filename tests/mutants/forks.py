"""Run the tests against mutants, each in a fork that has loaded the libraries but nothing of the project."""

import importlib
import os
import signal
from collections.abc import Iterable, Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Literal

from tests.mutants.mutant import Mutant

Outcome = Literal["killed", "survived", "timeout"]
LIBRARIES = (
    "google.cloud.bigquery",
    "google.generativeai",
    "hypothesis.strategies",
    "jinja2",
    "numpy",
    "pyarrow.parquet",
    "pydantic",
    "pytest",
    "xgboost",
)
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


def outcomes(mutants: Iterable[Mutant | None], tests: Sequence[str], selected: str) -> Iterator[tuple[Mutant | None, Outcome]]:
    """Yield each mutant with its outcome. None is the code without a change: it must survive.

    `tests` are files, of which the tests that `selected` names are run (pytest's `-k`).
    """
    for library in LIBRARIES:
        importlib.import_module(library)
    running: dict[int, Mutant | None] = {}
    left = iter(mutants)
    while True:
        while len(running) < WORKERS:
            try:
                mutant = next(left)
            except StopIteration:
                break
            running[_fork(mutant, tests, selected)] = mutant
        if not running:
            return
        process, status = os.wait()
        ended_by = os.WTERMSIG(status) if os.WIFSIGNALED(status) else None
        outcome: Outcome = "killed" if status else "survived"
        yield running.pop(process), "timeout" if ended_by in (signal.SIGALRM, signal.SIGPROF) else outcome


def _fork(mutant: Mutant | None, tests: Sequence[str], selected: str) -> int:
    process = os.fork()
    if process:
        return process
    signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
    signal.alarm(SECONDS)
    failed = True
    try:
        with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
            failed = _fails(mutant, tests, selected)
    finally:
        os._exit(int(failed))


def _fails(mutant: Mutant | None, tests: Sequence[str], selected: str) -> bool:
    import hypothesis
    import pytest

    without_shrinking = (hypothesis.Phase.explicit, hypothesis.Phase.generate)
    usual = hypothesis.settings.get_profile("ci")
    hypothesis.settings.register_profile("mutants", usual, phases=without_shrinking)
    if mutant:
        mutant.put_in_place()
    parts = _nearest_first(mutant.path, tests) if mutant else [list(tests)]
    return any(pytest.main([*OPTIONS, "-k", selected, *files]) for files in parts if files)


def _nearest_first(path: str, tests: Sequence[str]) -> tuple[list[str], ...]:
    """Return the tests of the module itself, those that name it, and the others."""
    name, module = Path(path).stem, path.removesuffix(".py").replace("/", ".")
    own = [test for test in tests if Path(test).stem == f"test_{name}"]
    near = [test for test in tests if test not in own and module in Path(test).read_text("utf-8")]
    return own, near, [test for test in tests if test not in (*own, *near)]
