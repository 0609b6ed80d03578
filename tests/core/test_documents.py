"""The documents: their links lead somewhere, and the README stays short."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.programs import ROOT

DOCUMENTS = sorted(
    path
    for path in ROOT.rglob("*.md")
    if not any(part.startswith(".") or part in ("cases", "node_modules") for part in path.relative_to(ROOT).parts)
)


def _links(text: str) -> Iterator[str]:
    """Yield the targets of links and pictures outside of code."""
    text = re.sub(r"^```.*?^```|`[^`\n]*`", "", text, flags=re.MULTILINE | re.DOTALL)
    yield from re.findall(r"\]\(([^)\s]+)\)", text)


def _anchors(text: str) -> set[str]:
    """Return the anchors that a host such as GitHub makes of the headings."""
    headings = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_relative_link_leads_to_a_file_and_a_heading_in_it(document: Path) -> None:
    dead = []
    for link in _links(document.read_text("utf-8")):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        if not target.exists() or (anchor and anchor not in _anchors(target.read_text("utf-8"))):
            dead.append(link)
    assert not dead


def test_the_readme_has_at_most_900_words() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").split()) <= 900
