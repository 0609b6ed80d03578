"""Mutants of what mutmut skips: constants, everything else that a module does when it is imported, and decorated functions.

The operators are mutmut's. Each mutant runs in a fork that has loaded the libraries but nothing of the project.
"""

import importlib
import os
import signal
import sys
from collections.abc import Iterable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from importlib.abc import InspectLoader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider
from mutmut.mutation.file_mutation import MutationVisitor
from mutmut.mutation.mutators import mutation_operators
from mutmut.mutation.pragma_handling import get_ignored_lines

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
WORKERS = 2
CPU_SECONDS = 60
SECONDS = 600
"""The first ends a mutant that computes forever, the second one that hangs. A busy machine does not shorten the first."""


class Mutant(Protocol):
    """A change in a file."""

    path: str
    name: str

    def put_in_place(self) -> None:
        """Import the mutant in place of its file, in this process."""


@dataclass(frozen=True)
class Unchanged:
    """No change; it must survive."""

    path: str = "nothing"
    name: str = "changed"

    def put_in_place(self) -> None:
        pass


@dataclass(frozen=True)
class AtImport:
    """A mutant of what a module does when it is imported."""

    path: str
    name: str
    code: str

    def put_in_place(self) -> None:
        sys.meta_path.insert(0, _Instead(self.path, self.code))


@dataclass(frozen=True)
class OfMutmut:
    """A mutant of mutmut, which is in mutmut's folder with all others and is picked by an environment variable.

    mutmut imports before it picks, so a function that runs only at import always survives. Here the mutant is picked first.
    """

    path: str
    name: str

    def put_in_place(self) -> None:
        os.chdir("mutants")
        sys.path[0] = os.getcwd()
        for module in [name for name in sys.modules if name.split(".")[0] == "tests"]:
            del sys.modules[module]
        os.environ["MUTANT_UNDER_TEST"] = f"{self.path.removesuffix('.py').replace('/', '.')}.{self.name}"


class _Everywhere(MutationVisitor):
    """mutmut's visitor, but it visits decorated functions as well."""

    def _skip_node_and_children(self, node: cst.CSTNode) -> bool:
        return not (isinstance(node, cst.FunctionDef) and node.decorators) and super()._skip_node_and_children(node)


def at_import(path: str) -> Iterator[AtImport]:
    """Yield the mutants of one file that mutmut does not make."""
    code = Path(path).read_text("utf-8")
    wrapper = MetadataWrapper(cst.parse_module(code))
    visitor = _Everywhere(mutation_operators, get_ignored_lines(path, code, wrapper))
    module = wrapper.visit(visitor)
    positions = wrapper.resolve(PositionProvider)
    for mutation in visitor.mutations:
        inside = mutation.contained_by_top_level_function
        if not isinstance(inside, cst.FunctionDef) or inside.decorators:
            was, now = mutation.original_node, mutation.mutated_node
            change = " -> ".join(" ".join(module.code_for_node(node).split()) for node in (was, now))
            yield AtImport(path, f"line {positions[was].start.line}: {change}", module.deep_replace(was, now).code)


class _Instead(MetaPathFinder, InspectLoader):
    """An importer that imports the mutant in place of its file."""

    def __init__(self, path: str, code: str) -> None:
        self.module = path.removesuffix(".py").replace("/", ".")
        self.code = code

    def find_spec(self, fullname: str, path: Any, target: ModuleType | None = None) -> ModuleSpec | None:
        spec = PathFinder.find_spec(fullname, path, target) if fullname == self.module else None
        if spec:
            spec.loader = self
        return spec

    def get_source(self, _fullname: str) -> str:
        return self.code


def outcomes(mutants: Iterable[Mutant], tests: list[str], pytest_options: list[str]) -> Iterator[tuple[Mutant, str]]:
    """Yield each mutant with its outcome: killed, survived or timeout."""
    for library in LIBRARIES:
        importlib.import_module(library)
    running: dict[int, Mutant] = {}
    left = iter(mutants)
    while True:
        while len(running) < WORKERS and (mutant := next(left, None)):
            running[_fork(mutant, tests, pytest_options)] = mutant
        if not running:
            return
        process, status = os.wait()
        ended_by = os.WTERMSIG(status) if os.WIFSIGNALED(status) else None
        yield (
            running.pop(process),
            "timeout" if ended_by in (signal.SIGALRM, signal.SIGPROF) else "killed" if status else "survived",
        )


def _fork(mutant: Mutant, tests: list[str], pytest_options: list[str]) -> int:
    process = os.fork()
    if process:
        return process
    signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
    signal.alarm(SECONDS)
    failed = True
    try:
        with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
            import pytest

            mutant.put_in_place()
            options = ["-x", "-W", "ignore::pytest.PytestAssertRewriteWarning", *pytest_options]
            failed = any(pytest.main([*options, *files]) for files in _nearest_first(mutant.path, tests) if files)
    finally:
        os._exit(int(failed))


def _nearest_first(path: str, tests: list[str]) -> tuple[list[str], list[str]]:
    """Return the test files that name the module, and the others."""
    module = path.removesuffix(".py").replace("/", ".")
    near = [test for test in tests if module in Path(test).read_text("utf-8")]
    return near, [test for test in tests if test not in near]
