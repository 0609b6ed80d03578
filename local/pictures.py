"""Take the pictures in `docs/pictures`: the page, the PDF and the mail of the sample shop.

`python -m local.pictures` needs Chromium and poppler's `pdftoppm`.
"""

import json
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from playwright.sync_api import Browser

from local import bigquery, browser, function, programs, shops
from report.pages.mail import mail_body
from report.pages.view import view
from report.schema import Report

FOLDER = programs.ROOT / "docs/pictures"
CLIENT = 1


def main() -> int:
    """Take all pictures; return the exit code."""
    chromium, pdftoppm = browser.find(), shutil.which("pdftoppm")
    if not chromium or not pdftoppm:
        sys.stderr.write(f"{browser.HOW_TO_GET} poppler-utils\n")
        return 1
    FOLDER.mkdir(parents=True, exist_ok=True)
    shop = shops.sample(datetime.now(UTC))
    with bigquery.running() as warehouse:
        bigquery.create_tables(warehouse.client)
        bigquery.load(warehouse.client, shop.events, shop.users)
        settings = function.bigquery_settings(warehouse.address) | {"CLIENTS": json.dumps(shop.clients)}
        with function.running(settings) as reports, browser.running(chromium) as window:
            _page(window, reports, "page", (1280, 1500), "light")
            _page(window, reports, "page-phone-dark", (360, 900), "dark")
            _mail(window, reports)
            _pdf(reports, pdftoppm)
    return 0


def _page(
    window: Browser, reports: function.Function, name: str, size: tuple[int, int], color_scheme: Literal["light", "dark"]
) -> None:
    width, height = size
    page = window.new_page(viewport={"width": width, "height": height}, color_scheme=color_scheme, locale="en-US")
    page.goto(f"{reports.address}/?client_id={CLIENT}")
    page.get_by_label("API key").fill(reports.key)
    page.get_by_role("button", name="Generate report").click()
    page.wait_for_selector("article.report", timeout=120_000)
    page.screenshot(path=FOLDER / f"{name}.png")
    page.close()


def _mail(window: Browser, reports: function.Function) -> None:
    report = Report.model_validate_json(_ask(reports, "include=history").text)
    _, html = mail_body(view(report), f"{reports.address}/dashboard/reports?client_id={CLIENT}")
    page = window.new_page(viewport={"width": 680, "height": 900})
    page.set_content(html)
    page.screenshot(path=FOLDER / "mail.png", full_page=True)
    page.close()


def _pdf(reports: function.Function, pdftoppm: str) -> None:
    answer = _ask(reports, "include=customers,history&format=pdf")
    for old in FOLDER.glob("pdf-*.png"):
        old.unlink()  # there may be fewer pages now
    with TemporaryDirectory() as folder:
        file = Path(folder, "report.pdf")
        file.write_bytes(answer.body)
        subprocess.run([pdftoppm, "-png", "-r", "80", "-l", "2", file, FOLDER / "pdf"], check=True)  # noqa: S603


def _ask(reports: function.Function, query: str) -> function.Answer:
    answer = reports.ask(f"/reports/generate?client_id={CLIENT}&{query}")
    if answer.status != 200:
        raise RuntimeError(f"The function answered {answer.status}: {answer.text}")
    return answer


if __name__ == "__main__":
    sys.exit(main())
