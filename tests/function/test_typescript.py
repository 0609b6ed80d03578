"""The TypeScript in the documents compiles against the types that come out of the description of the contract."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from local.kept import kept
from local.programs import ROOT
from report.api.openapi import description
from tests.support.programs import needed

PROJECT = ROOT / "docs/typescript"


@pytest.fixture(scope="module")
def node_modules() -> Path:
    """The packages of docs/typescript, kept in .cache until its lock file changes."""
    npm = needed("npm")

    def make(folder: Path) -> None:
        shutil.copytree(PROJECT, folder, ignore=shutil.ignore_patterns("node_modules"))
        subprocess.run([npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=folder, check=True, capture_output=True)

    return kept("typescript", (PROJECT / "package-lock.json").read_bytes(), make) / "node_modules"


def compiled(folder: Path, node_modules: Path, snippet: str) -> str:
    """What the compiler has against the snippet: nothing, if it is right."""
    (folder / "snippet.ts").write_text(snippet, "utf-8")
    shutil.copy(PROJECT / "tsconfig.json", folder)
    compiler = [node_modules / ".bin/tsc", "--project", folder]
    return subprocess.run(compiler, capture_output=True, text=True, check=False).stdout


def test_every_snippet_compiles_against_the_generated_types(tmp_path: Path, node_modules: Path) -> None:
    (tmp_path / "openapi.json").write_text(description(), "utf-8")
    generate = [node_modules / ".bin/openapi-typescript", tmp_path / "openapi.json", "-o", tmp_path / "reports-api.ts"]
    subprocess.run(generate, check=True, capture_output=True)
    pages = "\n".join(page.read_text("utf-8") for page in [ROOT / "README.md", *ROOT.glob("docs/*.md")])
    snippets = re.findall(r"^```ts\n(.*?)^```$", pages, re.DOTALL | re.MULTILINE)
    assert snippets
    for snippet in snippets:
        assert compiled(tmp_path, node_modules, snippet) == ""
        misspelt = snippet.replace("executiveSummary", "executiveSumary")
        assert "executiveSumary" in compiled(tmp_path, node_modules, misspelt)  # the types do check
