"""Mutants: small changes in a file, made by mutmut's operators."""

import sys
from collections.abc import Iterator
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


@dataclass(frozen=True, eq=False)
class Mutant:
    """A file with one change."""

    path: str
    line: int
    module: cst.Module
    was: cst.CSTNode
    now: cst.CSTNode
    function: tuple[int, int] | None
    """The first and the last line of the function around it; None for what runs when the file is imported."""

    def __str__(self) -> str:
        change = " -> ".join(" ".join(self.module.code_for_node(node).split()) for node in (self.was, self.now))
        return f"{self.path}:{self.line}: {change}"

    def put_in_place(self) -> None:
        """Import the mutant in place of its file, in this process."""
        sys.meta_path.insert(0, _Instead(self.path, self.module.deep_replace(self.was, self.now).code))


def mutants_of(path: str) -> Iterator[Mutant]:
    """Yield the mutants of a file: of its functions, and of what it does when it is imported."""
    code = Path(path).read_text("utf-8")
    wrapper = MetadataWrapper(cst.parse_module(code))
    visitor = _Everywhere(mutation_operators, get_ignored_lines(path, code, wrapper))
    module = wrapper.visit(visitor)
    positions = wrapper.resolve(PositionProvider)
    for mutation in visitor.mutations:
        was, now, around = mutation.original_node, mutation.mutated_node, mutation.contained_by_top_level_function
        inside = isinstance(around, cst.FunctionDef) and not around.decorators
        function = (positions[around].start.line, positions[around].end.line) if inside else None
        yield Mutant(path, positions[was].start.line, module, was, now, function)


class _Everywhere(MutationVisitor):
    """mutmut's visitor, but it visits decorated functions as well."""

    def _skip_node_and_children(self, node: cst.CSTNode) -> bool:
        return not (isinstance(node, cst.FunctionDef) and node.decorators) and super()._skip_node_and_children(node)


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
