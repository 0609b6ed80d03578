"""The mail as mail programs show it: as narrow as a phone, accessible, and with nothing that Outlook or Gmail do not support."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe

from local.kept import kept
from local.programs import ROOT
from report.pages.mail import mail_body
from report.pages.view import view
from tests.browser.reader import Reader
from tests.support.programs import needed
from tests.support.sample_report import sample_report

LINTER = ROOT / "tests/support/mail_lint"
SERIOUS = {"code": "no_look_back", "text": "There is no past week to learn from yet.", "severity": "serious"}
HARMLESS = {
    "outlook.macos": {"<body> element"},  # it drops the element and shows what is in it
    "outlook.windows-mail": {"role attribute"},  # it shows all the same; others tell screen readers that a table is a layout
}


@pytest.fixture(scope="module")
def linter() -> Path:
    """What caniemail.com knows of mail programs, kept in .cache until its lock file changes."""
    npm = needed("npm")

    def make(folder: Path) -> None:
        shutil.copytree(LINTER, folder, ignore=shutil.ignore_patterns("node_modules"))
        subprocess.run([npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=folder, check=True, capture_output=True)

    return kept("mail-lint", (LINTER / "package-lock.json").read_bytes() + (LINTER / "check.mjs").read_bytes(), make)


def unsupported(linter: Path, page: str) -> dict[str, set[str]]:
    command = [needed("node"), linter / "check.mjs", "outlook.*", "gmail.*", "apple-mail.*"]
    answer = subprocess.run(command, input=page, capture_output=True, check=True, text=True).stdout
    return {program: set(features) for program, features in json.loads(answer).items()}


@pytest.mark.parametrize("caveats", [[], [SERIOUS]])
def test_outlook_gmail_and_apple_mail_support_what_the_mail_uses(linter: Path, caveats: list[dict[str, str]]) -> None:
    _, page = mail_body(view(sample_report(caveats=caveats)), "https://reports.example/?client_id=7")
    assert unsupported(linter, page) == HARMLESS
    assert "display:grid" in " ".join(unsupported(linter, page.replace("margin:0 0 12px", "display:grid"))["outlook.windows"])


@pytest.mark.parametrize("width", [320, 680])
def test_the_mail_fits_and_is_accessible(open_browser: Callable[..., Reader], tmp_path: Path, width: int) -> None:
    _, page = mail_body(view(sample_report(caveats=[SERIOUS])), "https://reports.example/?client_id=7")
    file = tmp_path / "mail.html"
    file.write_text(page, "utf-8")
    shown = open_browser(file.as_uri(), width).page
    assert shown.evaluate("document.documentElement.scrollWidth") <= width
    found = [rule for rule in Axe().run(shown).response["violations"] if rule["impact"] in ("serious", "critical")]
    assert not found, json.dumps(found, indent=1)
