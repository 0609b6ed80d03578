"""The package for frontends and the TypeScript in the documents compile against the types of the contract's description."""

import re
from pathlib import Path

import pytest

from local.programs import ROOT
from tests.support import typescript


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return typescript.prepare(tmp_path_factory.mktemp("frontend"))


def complaints(frontend: Path) -> str:
    """Return what the compiler has against the files: nothing, if they are right."""
    return typescript.run(frontend, "tsc", "--project", ".").stdout


def test_the_package_and_every_snippet_compile_against_the_generated_types(package: Path) -> None:
    pages = "\n".join(page.read_text("utf-8") for page in [ROOT / "README.md", *ROOT.glob("docs/*.md")])
    snippets = re.findall(r"^```(tsx?)\n(.*?)^```$", pages, re.DOTALL | re.MULTILINE)
    assert {language for language, _ in snippets} == {"ts", "tsx"}
    for number, (language, snippet) in enumerate(snippets):
        (package.parent / f"snippet{number}.{language}").write_text(snippet, "utf-8")
    assert complaints(package.parent) == ""


def test_a_field_that_the_contract_does_not_have_is_a_complaint(package: Path) -> None:
    fields = ("headline", "spendAtStake", "thresholds")
    component = package / "Reports.tsx"
    right = component.read_text("utf-8")
    try:
        component.write_text(re.sub(rf"\.({'|'.join(fields)})\b", r".\1s", right), "utf-8")
        found = complaints(package.parent)
    finally:
        component.write_text(right, "utf-8")
    assert [field for field in fields if f"'{field}s' does not exist" not in found] == []
