"""`make dev`, in a copy of the sources that the test changes."""

import json
import os
import re
import shutil
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import expect
from standardwebhooks import Webhook

from local import dev, programs
from local.function import Function
from local.receivers import WEBHOOK_SECRET
from tests.browser.reader import Reader
from tests.support.ports import free_port

NOT_COPIED = shutil.ignore_patterns("__pycache__", "pictures")


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    for folder in ("local", "model", "report", "training"):
        shutil.copytree(programs.ROOT / folder, tmp_path / "sources" / folder, ignore=NOT_COPIED)
    return Path(shutil.copy(programs.ROOT / "main.py", tmp_path / "sources")).parent


@contextmanager
def running(sources: Path) -> Iterator[tuple[programs.Program, str]]:
    port = free_port()
    command = [sys.executable, "-P", "-W", "ignore::FutureWarning", "-m", "local.dev", "--port", str(port)]
    environment = {**os.environ, "PYTHONPATH": str(sources)}
    with programs.running("make dev", command, environment, sources / "dev.log") as program:
        wait_for_start(program, 1)
        yield program, f"http://127.0.0.1:{port}"


def wait_for_start(program: programs.Program, number: int) -> None:
    program.wait_for(rf"(?s)((?:Listening at http:.*?){{{number}}})")


def change(file: Path, old: str, new: str) -> None:
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new), "utf-8")


def test_make_dev_opens_a_report_keeps_what_is_sent_and_serves_changes(
    open_browser: Callable[..., Reader], sources: Path
) -> None:
    key = "the key of the run before"
    outbox = sources / ".cache/dev/outbox"
    outbox.mkdir(parents=True)
    (sources / ".cache/dev/key").write_text(key)

    with running(sources) as (program, address):
        page = open_browser(program.wait_for(r"Page, filled in: (\S+)")).page
        expect(page.locator("article.report")).to_be_visible(timeout=60_000)
        assert page.url.startswith(f"{address}/?client_id=1")

        answer = Function(address, key, program).ask("/reports/weekly", method="POST")
        assert {result["status"] for result in answer.json()["results"]} == {"sent"}
        sent = open_browser(program.wait_for(r"What it sent: +(\S+)")).page
        sent.get_by_role("link", name=re.compile("report-1-.*[.]html$")).click()
        expect(sent.locator("article.report")).to_be_visible()

        change(sources / "report/pages/page.html", "Change shop or week", "Changed button")
        wait_for_start(program, 2)
        page.reload()
        expect(page.get_by_role("button", name="Changed button")).to_be_visible(timeout=60_000)

        change(sources / "main.py", "import os\n", "import nothing\n")
        program.wait_for("Waiting for a (change)")
        change(sources / "main.py", "import nothing\n", "import os\n")
        (sources / "report/sql/cells.sql").write_text("SELECT nothing")
        wait_for_start(program, 3)
        page.reload()
        expect(page.get_by_role("alert")).to_contain_text("The data warehouse failed")

    assert any(file.read_bytes().startswith(b"%PDF") for file in outbox.glob("*.pdf"))
    assert any(f"{address}/dashboard/reports?client_id=1" in file.read_text("utf-8") for file in outbox.glob("*.txt"))
    assert all(json.loads(file.read_text("utf-8"))["body"]["blocks"] for file in outbox.glob("*-slack.json"))
    webhook = json.loads(next(outbox.glob("*-webhook.json")).read_text("utf-8"))
    assert Webhook(WEBHOOK_SECRET).verify(json.dumps(webhook["body"], ensure_ascii=False), webhook["headers"])


def test_the_key_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dev, "KEY_FILE", tmp_path / "dev/key")
    assert dev.kept_key() == dev.kept_key()
    assert stat.S_IMODE((tmp_path / "dev/key").stat().st_mode) == 0o600
