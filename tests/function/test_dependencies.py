"""What the deployed function depends on: pinned by hash, listed with its licence, and no more imported than that."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path, PurePosixPath

import pytest
from packaging.dependency_groups import resolve_dependency_groups
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from local.dependencies import DOCUMENT, Pinned, pinned
from local.programs import ROOT

DEPLOYED = [ROOT / "main.py", *ROOT.glob("report/**/*.py"), *ROOT.glob("model/*.py")]
"""What .gcloudignore lets through: tests/function/test_deploy.py starts the function from just that."""

REQUIREMENTS = list(pinned((ROOT / "requirements.txt").read_text("utf-8")))


COMPILED = sorted(str(path.relative_to(ROOT)) for path in [ROOT / "requirements.txt", *ROOT.glob("requirements/*")])


@pytest.mark.parametrize("file", COMPILED)
def test_every_requirement_is_pinned_by_hash(file: str) -> None:
    text = (ROOT / file).read_text("utf-8")
    entries = list(pinned(text))
    assert len(entries) == len(re.findall(r"^[^\s#]", text, flags=re.MULTILINE)) > 0
    for entry in entries:
        assert entry.hashes, entry.requirement
        assert all(re.fullmatch(r"[0-9a-f]{64}", digest) for digest in entry.hashes), entry.requirement


def test_each_group_has_its_compiled_file_and_is_in_it() -> None:
    """`make lock` compiles them again."""
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["dependency-groups"]
    files = {"deployed": "requirements.txt"} | {name: f"requirements/{name}.txt" for name in groups if name != "deployed"}
    assert sorted(files.values()) == COMPILED
    for name, file in files.items():
        origin = f"(pyproject.toml:{name})"
        compiled = {
            canonicalize_name(entry.requirement.name)
            for entry in pinned((ROOT / file).read_text("utf-8"))
            if any(origin in text for text in entry.brought_by)
        }
        wanted = {canonicalize_name(Requirement(text).name) for text in resolve_dependency_groups(groups, name)}
        assert compiled == wanted, file


@pytest.mark.parametrize("line", ["requests", "requests>=2", "requests==2.34.2,!=2.34.3", "--index-url https://pypi.example"])
def test_anything_else_is_no_pinned_requirement(line: str) -> None:
    with pytest.raises(ValueError, match=r"not pinned|Expected"):
        list(pinned(f"{line} \\\n    --hash=sha256:{'0' * 64}\n"))


def test_the_document_lists_every_requirement() -> None:
    """`make licences` writes it again."""
    _, _, table = DOCUMENT.read_text("utf-8").partition("| package | version |")
    rows = [[cell.strip() for cell in row.strip("|\n").split("|")] for row in table.splitlines()[2:]]
    assert [(name, version) for name, version, *_ in rows] == [(entry.requirement.name, entry.version) for entry in REQUIREMENTS]
    for name, _, licence, why in rows:
        assert licence, name
        assert why, name


def test_the_deployed_code_imports_only_what_is_deployed() -> None:
    known = {module for entry in REQUIREMENTS if _is_for_here(entry) for module in _modules_of(entry)}
    known |= {_module(PurePosixPath(path.relative_to(ROOT))) for path in DEPLOYED}
    assert {"xgboost", "google.cloud.bigquery", "report.build"} <= known
    missing = [
        f"{path.relative_to(ROOT)}: {module}"
        for path in DEPLOYED
        for module, *parts in _imports(path)
        if module.split(".")[0] not in sys.stdlib_module_names and module not in known
        if not parts or not {f"{module}.{part}" for part in parts} <= known
    ]
    assert not missing


def _is_for_here(entry: Pinned) -> bool:
    return entry.requirement.marker is None or entry.requirement.marker.evaluate()


def _modules_of(entry: Pinned) -> Iterator[str]:
    """Every module of an installed package: namespaces such as `google` belong to many."""
    for file in distribution(entry.requirement.name).files or ():
        if file.suffix in {".py", ".so", ".pyd"}:
            yield _module(file)


def _module(file: PurePosixPath) -> str:
    parts = (*file.parent.parts, file.name.split(".")[0])
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imports(path: Path) -> Iterator[tuple[str, ...]]:
    """Each module that is imported, and the names that are taken from it."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name,) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.module, f"{path}: a relative import"
            assert not node.level, f"{path}: a relative import"
            yield node.module, *(alias.name for alias in node.names)
