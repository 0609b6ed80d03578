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
from report.pages import html
from report.pages.csv import BYTE_ORDER_MARK, csv_text
from report.pages.view import view
from report.schema import Report
from tests.browser.reader import PATIENCE_MS, WEEK_ENDING, Reader, Shop, many_customers
from tests.support.csv_cases import FORMULAS, PLAIN_TEXTS
from tests.support.loopback.bigquery import loopback_bigquery
from tests.support.loopback.gemini import FAILURES, loopback_gemini
from tests.support.loopback.server import hangs
from tests.support.sample_report import sample_report

LEVELS = ("High", "Medium", "Low")
OpenBrowser = Callable[..., Reader]


def download(page: Page, button: str) -> Path:
    with page.expect_download() as started:
        page.locator("#download summary").click()
        page.get_by_role("button", name=button, exact=True).click()
    return Path(started.value.path()).rename(Path(started.value.path()).with_name(started.value.suggested_filename))


def assert_accessible(page: Page) -> None:
    """Axe finds nothing, however minor."""
    found = Axe().run(page).response["violations"]
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
    reader.report()

    query = f"client_id={shop.client_id}&week_ending=2025-01-19"
    answer = function.ask(f"/reports/generate?{query}&include=customers,history").json()
    shown = view(Report.model_validate(answer))
    text = re.sub(r"\s+", " ", reader.report())
    assert page.get_by_role("heading", level=1).inner_text() == shown.headline.text
    assert page.locator(".figures .value").all_inner_texts() == [figure.value for figure in shown.figures]
    assert page.locator(".figures svg").count() == sum(figure.line is not None for figure in shown.figures)
    assert all(words in text for action in (*shown.actions, *shown.more_actions) for words in (action.text, action.why))
    assert all(insight in text for insight in shown.insights)
    assert page.locator(".customers tbody tr").count() == len(answer["report_data"]["atRiskCustomers"])
    assert "counting" in page.inner_text("#done")

    assert page.url == f"{prefixed}?{query}&include=customers"
    assert page.title() == f"Client {shop.client_id}, January 13–19, 2025: weekly churn report"
    page.reload()
    assert re.sub(r"\s+", " ", reader.report()) == text

    file = download(page, "PDF")
    assert file.name == f"churn-report-{shop.client_id}-2025-01-19.pdf"
    expect(page.locator("#done")).to_contain_text("The PDF was ready")
    assert shown.headline.text in re.sub(r"\s+", " ", PdfReader(file).pages[0].extract_text())
    saved = download(page, "HTML")
    assert saved.name == f"churn-report-{shop.client_id}-2025-01-19.html"
    assert "<script>" not in saved.read_text("utf-8")

    assert all(function.key not in request.url for request in reader.seen.requests)
    assert page.evaluate("[localStorage.length, document.cookie]") == [0, ""]


def test_key_and_shop_fold_away_once_they_are_accepted_and_come_back_when_asked_for(
    open_browser: OpenBrowser, function: Function, shop: Shop
) -> None:
    reader = open_browser(function.address)
    page = reader.page
    expect(page.locator("#bar")).to_be_hidden()
    reader.generate(function.key, shop.client_id)
    reader.report()
    expect(page.locator("#form")).to_be_hidden()
    expect(page.locator("#bar")).to_contain_text(f"Client {shop.client_id}")
    page.get_by_role("button", name="Change shop or week").click()
    expect(page.get_by_label("Shop number")).to_be_focused()
    reader.generate(function.key, shop.client_id, week_ending=WEEK_ENDING + timedelta(days=1))
    expect(page.locator("#period")).to_have_text("Jan 14–20, 2025")
    expect(page.locator("#form")).to_be_hidden()


def test_the_weeks_before_and_after_are_a_click_away(open_browser: OpenBrowser, function: Function, shop: Shop) -> None:
    reader = open_browser(function.address)
    page = reader.page
    reader.generate(function.key, shop.client_id)
    reader.report()
    page.get_by_role("button", name="Previous week").click()
    expect(page.locator("#period")).to_have_text("Jan 6–12, 2025")
    assert "week_ending=2025-01-12" in page.url
    page.get_by_role("button", name="Next week").click()
    expect(page.locator("#period")).to_have_text("Jan 13–19, 2025")
    page.go_back()
    expect(page.locator("#period")).to_have_text("Jan 6–12, 2025")

    today = page.evaluate("new Date().toLocaleDateString('sv')")
    page.get_by_role("button", name="Change shop or week").click()
    reader.generate(function.key, shop.client_id, week_ending=date.fromisoformat(today))
    expect(page.locator("#bar")).to_contain_text(today[:4])
    expect(page.get_by_role("button", name="Next week")).to_be_disabled()


def test_a_definition_unfolds_where_its_word_is_clicked(open_browser: OpenBrowser, function: Function, shop: Shop) -> None:
    reader = open_browser(function.address)
    reader.generate(function.key, shop.client_id)
    reader.report()
    address = reader.page.url
    expect(reader.page.locator("#def-at-stake")).to_be_hidden()
    reader.page.locator(".figures").get_by_role("link", name="Sales at stake").click()
    expect(reader.page.locator("#def-at-stake")).to_be_visible()
    expect(reader.page.locator("#def-at-stake")).to_be_focused()
    assert reader.page.url == address


@pytest.mark.parametrize(
    ("pasted", "told"),
    [
        ("sample\u200bkey", "an invisible character (U+200B) in place 7"),
        ("\u00adsample key", "an invisible character (U+00AD) in place 1"),
        ("sample\u2013key", "a character that no key has (U+2013) in place 7"),
    ],
)
def test_a_character_that_no_key_has_is_named(open_browser: OpenBrowser, function: Function, pasted: str, told: str) -> None:
    reader = open_browser(function.address)
    reader.generate(pasted, 1)
    assert f"The API key holds {told}" in reader.problem()
    expect(reader.page.get_by_label("API key")).to_be_focused()
    assert not any("generate" in request.url for request in reader.seen.requests)


def test_a_browser_that_blocks_site_data_shows_the_report_too(open_browser: OpenBrowser, function: Function, shop: Shop) -> None:
    reader = open_browser("about:blank")
    reader.page.add_init_script(
        "for (const name of ['sessionStorage', 'localStorage']) Object.defineProperty(window, name, "
        "{ get() { throw new DOMException('denied', 'SecurityError'); } });"
    )
    reader.page.goto(function.address)
    reader.generate(function.key, shop.client_id)
    assert "Executive summary" in reader.report()
    reader.page.get_by_role("button", name="Previous week").click()
    expect(reader.page.locator("#period")).to_have_text("Jan 6–12, 2025")


def test_a_password_manager_can_keep_the_key(open_browser: OpenBrowser, function: Function) -> None:
    page = open_browser(function.address).page
    assert page.get_by_label("API key").get_attribute("autocomplete") == "current-password"
    assert page.get_by_label("Shop number").get_attribute("autocomplete") == "username"
    assert page.locator("form").get_attribute("autocomplete") is None
    assert page.locator("form [name]").count() == 0


def test_a_shared_link_opens_the_same_report_once_a_key_is_given(
    open_browser: OpenBrowser, function: Function, prefixed: str, shop: Shop
) -> None:
    page = open_browser(f"{prefixed}/dashboard/reports?client_id={shop.client_id}&week_ending=2025-01-19").page
    expect(page.get_by_label("API key")).to_be_focused()
    page.keyboard.type(function.key)
    page.keyboard.press("Enter")
    page.wait_for_selector("article.report")
    expect(page.locator("#period")).to_have_text("Jan 13–19, 2025")
    assert page.locator(".customers").count() == 0


def test_the_week_is_the_last_full_one_unless_another_is_chosen_and_never_one_that_has_not_begun(
    open_browser: OpenBrowser, function: Function, client_id: int
) -> None:
    reader = open_browser(function.address)
    week = reader.page.get_by_label("Week ending")
    today = date.fromisoformat(reader.page.evaluate("new Date().toLocaleDateString('sv')"))
    last_sunday = max(day for day in (today - timedelta(days=back) for back in range(1, 8)) if day.weekday() == 6)
    assert (week.input_value(), week.get_attribute("max")) == (
        last_sunday.isoformat(),
        (today + timedelta(days=6)).isoformat(),  # of the week that begins today
    )
    reader.generate(function.key, client_id, week_ending=today + timedelta(days=7))
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
    expect(reader.page.get_by_label("Shop number")).to_be_focused()
    assert_accessible(reader.page)


def test_a_week_without_events_is_a_report_too(open_browser: OpenBrowser, function: Function, shop: Shop) -> None:
    reader = open_browser(function.address)
    reader.generate(function.key, shop.client_id, week_ending=shop.empty_week, customers=True)
    text = reader.report()
    assert "No customers came this week." in text
    assert reader.page.locator(".strip, .stake, circle").count() == 0
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
    assert page.locator(".customers").get_by_text(shop.name).count() == 1
    spent = page.locator(".customers td:nth-child(5)")
    page.locator(".customers").get_by_role("button", name="Spent").click()
    dollars = [float(text.strip("$")) for text in spent.all_inner_texts()]
    assert dollars == sorted(dollars, reverse=True)
    assert page.locator("th[aria-sort=descending]").inner_text().startswith("Spent")
    page.locator(".customers").get_by_role("button", name="Spent").click()
    assert [float(text.strip("$")) for text in spent.all_inner_texts()] == sorted(dollars)
    page.locator(".customers").get_by_role("button", name="Customer").click()
    names = page.locator(".customers tbody th").evaluate_all("heads => heads.map(head => head.dataset.value)")
    assert names == sorted(names, key=str.lower)  # A to Z with the first click
    expect(page.locator("th[aria-sort=ascending]")).to_contain_text("Customer")

    exported = download(page, "Customers (CSV)").read_text("utf-8")
    rows = list(csv.DictReader(io.StringIO(exported.removeprefix("\ufeff"))))
    assert len(rows) == 20
    assert list(rows[0]) == [
        *("Name", "Email", "Customer id", "Expected loss", "Churn probability", "Risk level", "Weeks active before"),
        *("Spent (USD)", "Spent", "Segment", "Leading reasons"),
    ]
    by_id = {row["Customer id"]: row for row in rows}
    assert by_id["u00"]["Name"] == f"'{shop.name}"
    assert by_id["u03"]["Name"] == "Sample 3"
    assert (by_id["u05"]["Spent (USD)"], by_id["u05"]["Spent"]) == ("5.5", "5.5")


def download_list(reader: Reader) -> tuple[str, str]:
    """Get the list of customers at risk; return the name and the text of the file."""
    with reader.page.expect_download(timeout=PATIENCE_MS) as started:
        reader.page.get_by_role("button", name="Get the list (CSV): Customers most at risk").first.click()
    return started.value.suggested_filename, Path(started.value.path()).read_bytes().decode()


def test_an_actions_list_is_downloaded_whole_however_many_pages_it_has(
    open_browser: OpenBrowser, function: Function, load_events: Callable[..., None], client_id: int
) -> None:
    load_events(many_customers(1_100))
    reader = open_browser(function.address)
    reader.generate(function.key, client_id)
    reader.report()
    name, text = download_list(reader)
    assert name == f"at-risk-{client_id}-2025-01-19.csv"
    assert text.count(BYTE_ORDER_MARK) == 1
    rows = list(csv.DictReader(io.StringIO(text.removeprefix(BYTE_ORDER_MARK))))
    assert sorted(row["user_id"] for row in rows) == [f"u{number:04}" for number in range(1_100)]
    asked = [request for request in reader.seen.requests if "reports/customers" in request.url]
    assert len(asked) == 2
    assert all(request.headers["x-api-key"] == function.key for request in asked)
    assert not any(function.key in request.url for request in asked)


def test_a_list_comes_in_the_layout_of_the_program_it_is_for(open_browser: OpenBrowser, function: Function, shop: Shop) -> None:
    reader = open_browser(function.address)
    reader.generate(function.key, shop.client_id)
    reader.report()
    reader.page.get_by_label("Lists for").select_option("Mailchimp")
    name, text = download_list(reader)
    assert name == f"at-risk-mailchimp-{shop.client_id}-2025-01-19.csv"
    assert text.startswith('"Email Address","Name"\r\n')
    assert '"u03@example.com","Sample 3"\r\n' in text


def test_a_key_that_covers_no_personal_data_is_told_so_where_the_lists_are(
    open_browser: OpenBrowser, serve: Callable[..., Function], shop: Shop
) -> None:
    from report.api.access import hash_of

    function = serve(API_KEYS={hash_of("figures alone"): {"clients": "*", "customers": False}})
    reader = open_browser(function.address)
    reader.generate("figures alone", shop.client_id)
    reader.report()
    reader.page.get_by_role("button", name="Get the list (CSV)").first.click()
    assert "does not cover customers’ personal data" in reader.problem().replace("'", "’")
    expect(reader.page.locator(".get[data-list]").first).to_contain_text("Ask the operator")
    expect(reader.page.get_by_role("button", name="Get the list (CSV)")).to_have_count(0)
    assert_accessible(reader.page)


def test_the_page_writes_csv_cells_as_the_function_does(open_browser: OpenBrowser, function: Function) -> None:
    page = open_browser(function.address).page
    for text in (*FORMULAS, *PLAIN_TEXTS):
        assert f"{page.evaluate('text => csvCell(text, false)', text)}\r\n" == csv_text([{"": text}], [""]).split("\r\n", 1)[1]


def test_a_printed_table_has_its_head_on_each_page(open_browser: OpenBrowser, function: Function, shop: Shop) -> None:
    reader = open_browser(function.address)
    reader.generate(function.key, shop.client_id, customers=True)
    reader.report()
    pages = [page.extract_text() for page in PdfReader(io.BytesIO(reader.page.pdf(format="A5"))).pages]
    with_rows = [page for page in pages if re.search(r"\bu\d\d\b", page)]
    assert len(with_rows) > 1
    assert all("Leading reasons" in page for page in with_rows)
    assert not any("Generate report" in page or "↕" in page for page in pages)


def test_everything_works_with_the_keyboard_alone(open_browser: OpenBrowser, function: Function, shop: Shop) -> None:
    page = open_browser(function.address).page
    page.keyboard.type(str(shop.client_id))
    page.keyboard.press("Tab")
    page.keyboard.type(function.key)
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
    expect(page.get_by_role("button", name="Change shop or week")).to_be_focused()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="PDF", exact=True)).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="PDF", exact=True)).to_be_hidden()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    with page.expect_download():
        page.keyboard.press("Enter")
    expect(page.locator("#done")).to_contain_text("The PDF was ready")
    page.locator(".figures").get_by_role("link", name="Sales at stake").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#def-at-stake")).to_be_focused()
    page.locator(".customers").get_by_role("button", name="Risk", exact=True).focus()
    page.keyboard.press("Space")
    expect(page.locator("th[aria-sort=descending]")).to_contain_text("Risk")


@pytest.mark.parametrize("color_scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 768, 1440])
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
    dark = reader.page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(244, 246, 248)"
    assert dark == (color_scheme == "dark")


def test_the_longest_factors_fit_a_phone(open_browser: OpenBrowser, tmp_path: Path) -> None:
    names = ("No Visit In The Weeks Before", "High Cart Abandonment", "Decreased Visit Frequency")
    factors = [{"factor": name, "impact": "Medium", "id": name, "customers": 12_345, "of": 66_100} for name in names]
    file = tmp_path / "report.html"
    file.write_text(html.document(view(sample_report(topRiskFactors=factors))).html, "utf-8")
    assert_fits(open_browser(file.as_uri(), 320).page)


def test_the_report_can_be_read_in_forced_colours(open_browser: OpenBrowser, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_text(html.document(view(sample_report())).html, "utf-8")
    reader = open_browser(file.as_uri(), 1024)
    reader.page.emulate_media(forced_colors="active")
    assert_fits(reader.page)
    assert_accessible(reader.page)
    bars = reader.page.locator(", ".join(f"rect.{level}" for level in LEVELS))
    fills = bars.evaluate_all("rects => rects.map(rect => [rect.classList[0], getComputedStyle(rect).fill])")
    assert len({fill for _, fill in fills}) == 3
    for svg in reader.page.locator("article svg").all():
        assert svg.get_attribute("aria-label")


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
        printed = PdfReader(io.BytesIO(reader.page.pdf(format=paper)))
        assert len(printed.pages) <= 4
        text = " ".join(page.extract_text() for page in printed.pages)
        assert "somebody with a user id" in text  # what is folded on the screen is printed
        assert "Week ending" in text
    reader.page.emulate_media(media="print")
    assert reader.page.locator("rect.loss, rect.Low").count()
    expect(reader.page.locator("rect.loss").first).to_be_visible()
    assert reader.page.evaluate("getComputedStyle(document.querySelector('thead')).display") == "table-header-group"
