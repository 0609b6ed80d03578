"""Check the rules of ARCHITECTURE.md for imports: what may import what, and which code does no I/O."""

import ast
import sys
from collections.abc import Iterable, Iterator
from graphlib import TopologicalSorter
from itertools import pairwise

from local.programs import ROOT

LAYERS = (
    ("main",),
    ("report.delivery",),
    ("report.build",),
    ("report.assemble",),
    ("report.summary", "report.warehouse", "report.pages"),
    ("report.analysis", "report.settings"),
    ("report.api", "report.rules"),
    ("report.schema", "report.week", "report.formatting", "report.text", "report.threads", "model"),
)
"""The parts of the code by layer, from top to bottom. A part imports only from itself and from the layers below it."""

MAX_CHAIN = 9
"""The most modules in a chain of imports."""

PURE = (
    *(
        "report.analysis",
        "report.assemble",
        "report.formatting",
        "report.rules",
        "report.schema",
        "report.settings",
        "report.summary",
    ),
    *("report.text", "report.week", "report.api.access", "model.calibration"),
)
IMPURE = ("report.summary.gemini",)
"""The one module of a pure part that does I/O."""

PURE_LIBRARIES = {"babel", "jinja2", "markupsafe", "numpy", "pydantic"}
NETWORK = ("http.client", "http.server", "smtplib", "socket", "ssl", "urllib.request")
SYSTEM = ("asyncio", "concurrent", "multiprocessing", "os", "shutil", "signal", "subprocess", "tempfile", "threading")
"""The modules of the standard library that do I/O or start threads."""


def _sources() -> dict[str, str]:
    paths = (ROOT / "main.py", *ROOT.glob("report/**/*.py"), *ROOT.glob("model/**/*.py"))
    names = (".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in paths)
    return dict(zip(names, (path.read_text("utf-8") for path in paths), strict=True))


SOURCES = _sources()


def _imports(source: str) -> Iterator[str]:
    """Yield what a module imports, wherever in it: modules in full, and `urllib.parse` of `from urllib import parse`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.module
            assert not node.level
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


IMPORTS = {module: frozenset(_imports(source)) for module, source in SOURCES.items()}
OWN_IMPORTS = {module: imported & SOURCES.keys() - {"report", "model"} for module, imported in IMPORTS.items()}


def _is_in(module: str, parts: Iterable[str]) -> bool:
    return any(f"{module}.".startswith(f"{part}.") for part in parts)


def _part(module: str) -> tuple[int, str]:
    """Return the layer and the part of a module."""
    found = [(layer, part) for layer, parts in enumerate(LAYERS) for part in parts if _is_in(module, [part])]
    assert len(found) == 1, f"LAYERS has {len(found)} parts for {module}"
    return found[0]


def _with_all_it_imports(module: str) -> set[str]:
    reached, waiting = set[str](), [module]
    while waiting:
        if (found := waiting.pop()) not in reached:
            reached.add(found)
            waiting += OWN_IMPORTS[found]
    return reached


def test_each_part_imports_only_from_itself_and_from_layers_below() -> None:
    wrong = [
        f"{module} imports {imported}"
        for module, imports in OWN_IMPORTS.items()
        for imported in imports
        if _part(module) != _part(imported) and _part(module)[0] >= _part(imported)[0]
    ]
    assert not wrong


def test_imports_form_no_cycle_and_no_chain_longer_than_nine_modules() -> None:
    chains: dict[str, tuple[str, ...]] = {}
    for module in TopologicalSorter(OWN_IMPORTS).static_order():  # raises CycleError
        longest = max((chains[imported] for imported in OWN_IMPORTS[module]), key=len, default=())
        chains[module] = (module, *longest)
    longest = chains["main"]
    assert all(imported in OWN_IMPORTS[module] for module, imported in pairwise(longest))
    assert len(longest) <= MAX_CHAIN, " -> ".join(longest)


def test_pure_modules_import_nothing_that_does_io() -> None:
    pure = [module for module in SOURCES if _is_in(module, PURE) and not _is_in(module, IMPURE)]
    assert len(pure) > len(PURE)
    wrong = [
        f"{module} imports {imported}"
        for module in pure
        for imported in IMPORTS[module]
        if imported.split(".")[0] not in {"report", "model"} and not _is_pure_library(imported)
    ] + [
        f"{module} imports {imported}"
        for module in pure
        for imported in OWN_IMPORTS[module]
        if not _is_in(imported, (*PURE, "model")) or _is_in(imported, IMPURE)
    ]
    assert not wrong


def _is_pure_library(imported: str) -> bool:
    library, *_ = imported.split(".")
    return library in PURE_LIBRARIES or (library in sys.stdlib_module_names and not _is_in(imported, NETWORK + SYSTEM))


def test_the_openapi_description_does_without_what_builds_a_report() -> None:
    assert not _with_all_it_imports("report.api.openapi") & {"report.build", "report.warehouse"}
