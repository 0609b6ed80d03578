"""Write the table in `docs/dependencies.md`: every package in requirements.txt, its licence, and what requires it.

Run `python -m local.dependencies FOLDER`; FOLDER is where the deployed function's packages are installed.
"""

import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from local.programs import ROOT

DOCUMENT = ROOT / "docs/dependencies.md"
LONGEST_NAME = 60
"""The field License holds either a name or a whole licence; longer values are whole licences."""


@dataclass(frozen=True)
class Pinned:
    """An entry of requirements.txt."""

    requirement: Requirement
    version: str
    brought_by: tuple[str, ...]
    hashes: tuple[str, ...]


def pinned(requirements: str) -> Iterator[Pinned]:
    """Yield the entries of a file that `uv pip compile` wrote. Raise ValueError for an entry without exactly one version."""
    for entry in re.findall(r"^[^\s#].*\n(?:[ \t]+.*\n?)*", requirements, flags=re.MULTILINE):
        lines = [line.strip().removesuffix("\\").strip() for line in entry.splitlines()]
        requirement = Requirement(lines[0])
        specifiers = list(requirement.specifier)
        if [specifier.operator for specifier in specifiers] != ["=="]:
            raise ValueError(f"not pinned: {lines[0]}")
        origins = (line.removeprefix("#").strip().removeprefix("via").strip() for line in lines if line.startswith("#"))
        yield Pinned(
            requirement,
            version=specifiers[0].version,
            brought_by=tuple(origin for origin in origins if origin),
            hashes=tuple(line.removeprefix("--hash=sha256:") for line in lines if line.startswith("--hash=sha256:")),
        )


def table(requirements: str, installed: Mapping[str, Distribution]) -> str:
    """Return the table in Markdown. A package that is not deployed shows its environment marker instead of a licence."""
    rows = ["| package | version | licence, as declared | required by |", "|---|---|---|---|"]
    for entry in pinned(requirements):
        name = entry.requirement.name
        distribution = installed.get(canonicalize_name(name))
        deployed = distribution is not None and distribution.version == entry.version
        licence = _licence(distribution) if distribution and deployed else f"not deployed: `{entry.requirement.marker}`"
        origins = ", ".join("**pyproject.toml**" if "(pyproject.toml:" in origin else origin for origin in entry.brought_by)
        rows.append(f"| {name} | {entry.version} | {licence} | {origins} |")
    return "\n".join(rows) + "\n"


def _licence(distribution: Distribution) -> str:
    """Return the licence that a package declares: an SPDX expression, else classifiers, else a name."""
    metadata = distribution.metadata
    if "License-Expression" in metadata:
        return metadata["License-Expression"]
    classifiers = [text.split(" :: ")[-1] for text in metadata.get_all("Classifier", []) if text.startswith("License ::")]
    if classifiers:
        return ", ".join(classifiers)
    for name in metadata.get_all("License", []):
        if name and len(name) <= LONGEST_NAME:
            return str(name)
    raise ValueError(f"{distribution.name} declares no licence")


def main(folder: Path) -> None:
    """Replace the table in the document."""
    installed: dict[str, Distribution] = {canonicalize_name(found.name): found for found in distributions(path=[str(folder)])}
    new = table((ROOT / "requirements.txt").read_text("utf-8"), installed)
    document, tables = re.subn(
        r"^\| package \| version \|.*\n(?:\|.*\n)*", lambda _: new, DOCUMENT.read_text("utf-8"), flags=re.MULTILINE
    )
    if tables != 1:
        raise ValueError(f"{DOCUMENT.name} has {tables} tables of packages")
    DOCUMENT.write_text(document, "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
