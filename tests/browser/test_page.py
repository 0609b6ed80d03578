"""The page, used as a shop owner uses it: in Chromium, against the running function and the local BigQuery."""

import csv
import io
import json
import re
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from pypdf import PdfReader

from local.function import Function
from tests.browser.reader import WEEK_ENDING, Reader, Shop
from tests.support.loopback.bigquery import loopback_bigquery
from tests.support.loopback.gemini import FAILURES, loopback_gemini
from tests.support.loopback.server import hangs

OpenBrowser = Callable[..., Reader]


def download(page: Page, button: str) -> Path:
    with page.expect_download() as started:
        page.get_by_role("button", name=button).click()
    return Path(started.value.path()).rename(Path(started.value.path()).with_name(started.value.suggested_filename))


def assert_accessible(page: Page) -> None:
    """Axe finds nothing serious or critical."""
    found = [violation for violation in Axe().run(page).response["violations"] if violation["impact"] in ("serious", "critical")]
    assert not found, json.dumps(found, indent=1)


def assert_fits(page: Page) -> None:
    """Nothing is wider than the window, but for what scrolls by itself."""
    width = page.viewport_size["width"] if page.viewport_size else 0
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    outside = page.evaluate(
        """width => [...document.querySelectorAll("body *")].filter(element => !element.closest(".scroll, svg"))
            .filter(element => element.getClientRects().length && element.getBoundingClientRect().right > width + 1)
            .map(element => element.outerHTML.slice(0, 80))""",
        width,
    )
    assert not outside


def test_the_whole_way_from_the_key_to_the_pdf_under_a_path_prefix(
    open_browser: OpenBrowser, function: Function, prefixed: str, shop: Shop
) -> None:
    reader = open_browser(prefixed)
    page = reader.page
    reader.generate(function.key, shop.client_id, customers=True)
    assert page.inner_text("#progress li") == "Counting customers"
    text = reader.report()

    query = f"client_id={shop.client_id}&week_ending=2025-01-19"
    data = function.ask(f"/reports/generate?{query}&include=customers").json()["report_data"]
    assert "January 13–19, 2025" in text
    assert all(insight in text for insight in data["keyInsights"])
    assert page.locator(".cards .value").all_inner_texts() == [
        *(str(data["summary"][name]) for name in ("totalCustomers", "highRiskCount", "churnedThisWeek")),
        f"{data['summary']['retentionRate']}%",
    ]
    assert page.locator(".customers tbody tr").count() == len(data["atRiskCustomers"])
    assert page.locator(".lines svg").count() == 3
    assert "counting" in page.inner_text("#done")

    assert page.url == f"{prefixed}?{query}&include=customers"
    page.reload()
    assert reader.report().replace("\n", "").startswith(text.replace("\n", "")[:1000])

    file = download(page, "Download PDF")
    assert file.name == f"churn-report-{shop.client_id}-2025-01-19.pdf"
    assert f"{data['summary']['retentionRate']}%" in PdfReader(file).pages[0].extract_text()
    saved = download(page, "Download HTML")
    assert saved.name == f"churn-report-{shop.client_id}-2025-01-19.html"
    assert "<script>" not in saved.read_text("utf-8")

    assert all(function.key not in request.url for request in reader.seen.requests)
    assert page.evaluate("[localStorage.length, document.cookie]") == [0, ""]


def test_a_shared_link_opens_the_same_report_once_a_key_is_given(
    open_browser: OpenBrowser, function: Function, prefixed: str, shop: Shop
) -> None:
    page = open_browser(f"{prefixed}/dashboard/reports?client_id={shop.client_id}&week_ending=2025-01-19").page
    expect(page.get_by_label("API key")).to_be_focused()
    page.keyboard.type(function.key)
    page.keyboard.press("Enter")
    page.wait_for_selector("article.report")
    assert "January 13–19, 2025" in page.inner_text("article.report")
    assert page.locator(".customers").count() == 0


def test_the_week_is_the_last_full_one_unless_another_is_chosen_and_never_in_the_future(
    open_browser: OpenBrowser, function: Function, client_id: int
) -> None:
    reader = open_browser(function.address)
    week = reader.page.get_by_label("Week ending")
    today = date.fromisoformat(reader.page.evaluate("new Date().toLocaleDateString('sv')"))
    last_sunday = max(day for day in (today - timedelta(days=back) for back in range(1, 8)) if day.weekday() == 6)
    assert (week.input_value(), week.get_attribute("max")) == (last_sunday.isoformat(), today.isoformat())
    reader.generate(function.key, client_id, week_ending=today + timedelta(days=1))
    assert week.evaluate("field => field.validity.rangeOverflow")
    assert not any("generate" in request.url for request in reader.seen.requests)
    reader.page.reload()
    reader.generate(function.key, client_id, week_ending=None)
    reader.report()
    (request,) = (request for request in reader.seen.requests if "generate" in request.url)
    assert "week_ending" not in request.url


def test_a_wrong_key_or_client_says_what_to_do(open_browser: OpenBrowser, serve: Callable[..., Function], client_id: int) -> None:
    from report.api.access import hash_of

    function = serve(API_KEYS={hash_of("sample key"): [client_id]})
    reader = open_browser(function.address)
    reader.generate("another key", client_id)
    assert "not known" in reader.problem()
    assert "typing mistakes" in reader.problem()
    expect(reader.page.get_by_label("API key")).to_be_focused()
    assert reader.page.evaluate("sessionStorage.length") == 0
    reader.generate("sample key", client_id + 1)
    expect(reader.page.locator("#problem")).to_contain_text("does not cover that client")
    expect(reader.page.get_by_label("Client", exact=True)).to_be_focused()
    assert_accessible(reader.page)


def test_a_week_without_events_is_a_report_too(open_browser: OpenBrowser, function: Function, shop: Shop) -> None:
    reader = open_browser(function.address)
    reader.generate(function.key, shop.client_id, week_ending=shop.empty_week, customers=True)
    text = reader.report()
    assert "no customers this week" in text
    assert "No customers were active this week." in text
    assert_accessible(reader.page)


def test_without_gemini_the_summary_says_that_it_is_a_template(
    open_browser: OpenBrowser, serve: Callable[..., Function], shop: Shop
) -> None:
    with loopback_gemini(FAILURES["an overload"]) as gemini:
        function = serve(GEMINI_API_KEY="made-up", GEMINI_ENDPOINT=gemini.endpoint)
        reader = open_browser(function.address)
        reader.generate(function.key, shop.client_id)
        assert "Written from a template" in reader.report()
        assert gemini.requests


def test_a_warehouse_that_is_too_slow_is_waited_for_and_then_told_in_plain_words(
    open_browser: OpenBrowser, serve: Callable[..., Function]
) -> None:
    with loopback_bigquery(hangs) as slow:
        function = serve(BIGQUERY_EMULATOR_HOST=slow.endpoint, REQUEST_DEADLINE_SECONDS="3")
        reader = open_browser(function.address)
        reader.generate(function.key, 1)
        expect(reader.page.locator("#elapsed")).to_have_text("1 s")
        expect(reader.page.get_by_role("progressbar")).to_be_visible()
        assert "did not answer in time" in reader.problem()
        assert "Try again" in reader.problem()
        expect(reader.page.get_by_role("button", name="Generate report")).to_be_enabled()


def test_a_function_that_cannot_be_reached_is_told_in_plain_words(open_browser: OpenBrowser, function: Function) -> None:
    reader = open_browser(function.address)
    reader.page.context.set_offline(True)
    reader.generate(function.key, 1)
    assert "Check your connection" in reader.problem()


def test_customers_sort_and_export_as_text_whatever_their_names(
    open_browser: OpenBrowser, function: Function, shop: Shop
) -> None:
    reader = open_browser(function.address)
    page = reader.page
    reader.generate(function.key, shop.client_id, customers=True)
    reader.report()
    assert page.get_by_text(shop.name).count() == 1
    spent = page.locator(".customers td:nth-child(4)")
    page.get_by_role("button", name="Spent").click()
    dollars = [float(text.strip("$")) for text in spent.all_inner_texts()]
    assert dollars == sorted(dollars, reverse=True)
    assert page.locator("th[aria-sort=descending]").inner_text().startswith("Spent")
    page.get_by_role("button", name="Spent").click()
    assert [float(text.strip("$")) for text in spent.all_inner_texts()] == sorted(dollars)

    exported = download(page, "Export customers (CSV)").read_text("utf-8")
    rows = list(csv.DictReader(io.StringIO(exported.removeprefix("\ufeff"))))
    assert len(rows) == 20
    assert list(rows[0]) == [
        *("Name", "Email", "Customer id", "Churn probability", "Risk level", "Segment", "Spent (USD)", "Leading reasons")
    ]
    by_id = {row["Customer id"]: row for row in rows}
    assert by_id["u00"]["Name"] == f"'{shop.name}"
    assert by_id["u03"]["Name"] == "Sample 3"
    assert by_id["u05"]["Spent (USD)"] == "5.5"


def test_everything_works_with_the_keyboard_alone(open_browser: OpenBrowser, function: Function, shop: Shop) -> None:
    page = open_browser(function.address).page
    page.keyboard.type(function.key)
    page.keyboard.press("Tab")
    page.keyboard.type(str(shop.client_id))
    page.keyboard.press("Tab")
    page.keyboard.type("01192025")
    for _ in range(8):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "customers":
            break
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    page.wait_for_selector("article.report")
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    page.keyboard.press("Shift+Tab")
    expect(page.get_by_role("button", name="Download PDF")).to_be_focused()
    with page.expect_download():
        page.keyboard.press("Enter")
    page.get_by_role("button", name="Risk").focus()
    page.keyboard.press("Space")
    expect(page.locator("th[aria-sort=descending]")).to_contain_text("Risk")


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1440])
def test_the_page_fits_and_is_accessible(
    open_browser: OpenBrowser, function: Function, shop: Shop, width: int, color_scheme: Any
) -> None:
    reader = open_browser(function.address, width, color_scheme)
    assert_fits(reader.page)
    assert_accessible(reader.page)
    reader.generate(function.key, shop.client_id, customers=True)
    reader.report()
    assert_fits(reader.page)
    assert_accessible(reader.page)
    dark = reader.page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(244, 245, 247)"
    assert dark == (color_scheme == "dark")


def test_the_file_opens_without_anything_else(open_browser: OpenBrowser, function: Function, shop: Shop, tmp_path: Path) -> None:
    path = f"/reports/generate?client_id={shop.client_id}&week_ending={WEEK_ENDING}&include=customers,history&format=html"
    file = tmp_path / "report.html"
    file.write_text(function.ask(path).text, "utf-8")
    reader = open_browser(file.as_uri(), 360)
    assert_fits(reader.page)
    assert_accessible(reader.page)
    assert shop.name in reader.report()
    assert [re.sub(r":.*", "", request.url) for request in reader.seen.requests if not request.url.startswith("data:")] == [
        "file"
    ]
    for paper in ("A4", "Letter"):
        assert len(PdfReader(io.BytesIO(reader.page.pdf(format=paper))).pages) <= 3
