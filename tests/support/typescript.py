"""The package docs/typescript, with the types of this version of the contract, in a folder where it compiles and builds."""

import shutil
import subprocess
from pathlib import Path

from local.kept import kept
from local.programs import ROOT
from report.api.openapi import description
from tests.support.programs import needed

PACKAGE = ROOT / "docs/typescript"


def node_modules() -> Path:
    """Return the packages that it needs, kept in .cache until its lock file changes."""
    npm = needed("npm")

    def make(folder: Path) -> None:
        folder.mkdir()
        for name in ("package.json", "package-lock.json", ".npmrc"):
            shutil.copy(PACKAGE / name, folder)
        subprocess.run([npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=folder, check=True, capture_output=True)

    return kept("typescript", (PACKAGE / "package-lock.json").read_bytes(), make) / "node_modules"


def prepare(folder: Path) -> Path:
    """Make `folder` a frontend that has the package as `churn-report`; return the package's folder."""
    package = folder / "churn-report"
    package.mkdir()
    for name in ("api.ts", "Reports.tsx"):
        shutil.copy(PACKAGE / name, package)
    shutil.copy(PACKAGE / "tsconfig.json", folder)
    (folder / "node_modules").symlink_to(node_modules())
    (folder / "openapi.json").write_text(description(), "utf-8")
    run(folder, "openapi-typescript", "openapi.json", "-o", "churn-report/reports-api.ts").check_returncode()
    return package


def run(folder: Path, program: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run one of the packages' programs."""
    command = [str(folder / "node_modules/.bin" / program), *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
