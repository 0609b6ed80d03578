"""Mutants of what mutmut leaves alone: constants, whatever else a module does when it is imported, and decorated functions.

mutmut's own operators, each mutant in a fork that has the libraries loaded but nothing of the project.
"""

import importlib
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from importlib.abc import InspectLoader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

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
SECONDS = 120


@dataclass(frozen=True)
class Mutant:
    """A file with one thing changed."""

    path: str
    line: int
    change: str
    code: str

    @property
    def name(self) -> str:
        return f"{self.path}:{self.line}: {self.change}"


class _Everywhere(MutationVisitor):
    """mutmut's visitor, which goes into decorated functions as well."""

    def _skip_node_and_children(self, node: cst.CSTNode) -> bool:
        return not (isinstance(node, cst.FunctionDef) and node.decorators) and super()._skip_node_and_children(node)


def mutants(path: str) -> Iterator[Mutant]:
    """Those of one file that mutmut does not make."""
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
            yield Mutant(path, positions[was].start.line, change, module.deep_replace(was, now).code)


class _Instead(MetaPathFinder, InspectLoader):
    """Imports the mutant in place of its file."""

    def __init__(self, mutant: Mutant) -> None:
        self.mutant = mutant
        self.module = mutant.path.removesuffix(".py").replace("/", ".")

    def find_spec(self, fullname: str, path: Any, target: ModuleType | None = None) -> ModuleSpec | None:
        spec = PathFinder.find_spec(fullname, path, target) if fullname == self.module else None
        if spec:
            spec.loader = self
        return spec

    def get_source(self, _fullname: str) -> str:
        return self.mutant.code


def outcomes(all_mutants: list[Mutant], pytest_arguments: list[str]) -> Iterator[tuple[Mutant, str]]:
    """What became of each: killed, survived or timeout."""
    for library in LIBRARIES:
        importlib.import_module(library)
    running: dict[int, Mutant] = {}
    left = iter(all_mutants)
    while True:
        while len(running) < WORKERS and (mutant := next(left, None)):
            running[_fork(mutant, pytest_arguments)] = mutant
        if not running:
            return
        process, status = os.wait()
        ended_by = os.WTERMSIG(status) if os.WIFSIGNALED(status) else None
        yield running.pop(process), "timeout" if ended_by == signal.SIGALRM else "killed" if status else "survived"


def _fork(mutant: Mutant, pytest_arguments: list[str]) -> int:
    process = os.fork()
    if process:
        return process
    signal.alarm(SECONDS)
    failed = 1
    try:
        with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
            import pytest

            sys.meta_path.insert(0, _Instead(mutant))
            failed = int(pytest.main(["-x", *pytest_arguments]))
    finally:
        os._exit(failed)
