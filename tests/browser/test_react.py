"""`Reports.tsx` in a frontend of another origin, against the running function."""

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from local.function import Function
from local.programs import ROOT
from report.api.access import hash_of
from report.pages.view import view
from report.schema import Report
from tests.browser.reader import PATIENCE_MS, Reader, Shop, many_customers
from tests.support import typescript

KEY = "sample key"
FRONTEND = """
import { createRoot } from "react-dom/client";
import { Reports } from "./churn-report/Reports";

const settings = Object.fromEntries(new URLSearchParams(location.search));
createRoot(document.querySelector("main")!).render(
  <Reports
    reportsUrl={settings["function"]!} apiKey={settings["key"]!} clientId={Number(settings["client"])}
    weekEnding="2025-01-19" customers={"customers" in settings}
  />,
);
"""
PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Reports</title><link rel="icon" href="data:,">
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="stylesheet" href="report.css"></head>
<body><main></main><script src="frontend.js"></script></body></html>"""


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder and prints nothing."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


@contextmanager
def served(folder: Path) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def frontend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a frontend with the component is."""
    folder = tmp_path_factory.mktemp("frontend")
    typescript.prepare(folder)
    (folder / "frontend.tsx").write_text(FRONTEND, "utf-8")
    options = ("--bundle", "--jsx=automatic", "--define:process.env.NODE_ENV='production'", "--outfile=site/frontend.js")
    typescript.run(folder, "esbuild", "frontend.tsx", *options).check_returncode()
    (folder / "site/index.html").write_text(PAGE, "utf-8")
    (folder / "site/report.css").write_text((ROOT / "report/pages/report.css").read_text("utf-8"), "utf-8")
    with served(folder / "site") as origin:
        yield origin


@pytest.fixture
def function(serve: Callable[..., Function], frontend: str) -> Function:
    keys = {hash_of(KEY): "*", hash_of("figures alone"): {"clients": "*", "customers": False}}
    return serve(API_KEYS=keys, ALLOWED_ORIGINS=frontend)


def plain(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def test_the_component_shows_what_the_page_shows(
    open_browser: Callable[..., Reader], function: Function, frontend: str, shop: Shop
) -> None:
    page = open_browser(f"{frontend}/?function={function.address}&key={KEY}&client={shop.client_id}&customers").page
    page.get_by_role("button", name="Generate Report").click()
    page.wait_for_selector("article.report", timeout=PATIENCE_MS)

    path = f"/reports/generate?client_id={shop.client_id}&week_ending=2025-01-19&include=customers,history"
    shown = view(Report.model_validate(function.ask(path, key=KEY).json()))
    page.locator("details").evaluate_all("all => all.forEach(details => { details.open = true; })")
    text = plain(page.inner_text("article.report"))
    assert page.get_by_role("heading", level=1).inner_text() == shown.headline.text
    assert page.locator(".figures .value").all_inner_texts() == [figure.value for figure in shown.figures]
    assert page.locator(".figures svg").count() == sum(figure.line is not None for figure in shown.figures)
    told = [
        *(words for caveat in shown.caveats for words in [caveat.text]),
        *(figure.before for figure in shown.figures),
        *(words for row in shown.segments for words in (row.name, row.rule, row.count, row.spent)),
        *(words for action in (*shown.actions, *shown.more_actions) for words in (action.text, action.why, action.whom)),
        *(words for action in (*shown.actions, *shown.more_actions) for words in [action.money]),
        *(*shown.summary, shown.summary_source, *shown.insights),
        *([shown.backtest.expected, shown.backtest.came] if shown.backtest else []),
        *(words for row in shown.factors for words in (row.name, row.impact_label, row.customers)),
        shown.factors_of,
        *(words for metric in shown.metrics for words in (metric.label, metric.value)),
        *(words for week in shown.history for words in (week.week_ending, week.sales, week.high_risk, week.retention)),
        *(words for row in shown.customers or () for words in (row.name, row.email, row.loss, row.spent, row.probability)),
        *(row.reasons for row in shown.customers or ()),
        *(words for row in shown.missing or () for words in (row.name, row.last_visit, row.spent)),
        *(word for _, word, _ in shown.notes),
    ]
    assert len(told) > 150
    assert [words for words in told if plain(words).strip() not in text] == []
    stakes = [row.stake for row in shown.segments]
    assert page.locator(".segments td:last-child").evaluate_all("cells => cells.map(cell => cell.textContent.trim())") == stakes
    found = Axe().run(page).response["violations"]
    assert not [rule for rule in found if rule["impact"] in ("serious", "critical")], json.dumps(found, indent=1)

    people = page.locator("table.customers")
    names = people.locator("tbody th > bdi")
    heads = people.get_by_role("columnheader")
    heads.get_by_role("button", name="Customer").click()
    ascending = names.all_inner_texts()
    heads.get_by_role("button", name="Customer").click()
    assert ascending == sorted(ascending, key=str.lower) == names.all_inner_texts()[::-1]  # A to Z with the first click
    assert len(ascending) == 3
    heads.get_by_role("button", name="Spent").click()
    spent = [float(text.strip("$").replace(",", "")) for text in people.locator("td:nth-child(5)").all_inner_texts()]
    assert spent == sorted(spent, reverse=True)
    assert people.locator("th[aria-sort=descending]").all_inner_texts() == ["Spent"]

    page.set_viewport_size({"width": 320, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320

    with page.expect_download(timeout=PATIENCE_MS) as started:
        page.get_by_role("button", name="Download PDF").click()
    assert started.value.suggested_filename == f"churn-report-{shop.client_id}-2025-01-19.pdf"
    assert Path(started.value.path()).read_bytes().startswith(b"%PDF-")

    page.get_by_role("button", name="Next week").click()
    page.wait_for_selector("article.report", timeout=PATIENCE_MS)
    expect(page.get_by_label("Week ending")).to_have_value("2025-01-26")
    page.get_by_role("button", name="Previous week").click()
    expect(page.get_by_label("Week ending")).to_have_value("2025-01-19")


def test_the_component_gets_whole_lists_from_another_origin(
    open_browser: Callable[..., Reader],
    function: Function,
    frontend: str,
    load_events: Callable[..., None],
    client_id: int,
) -> None:
    load_events(many_customers(1_100))
    page = open_browser(f"{frontend}/?function={function.address}&key={KEY}&client={client_id}").page
    page.get_by_role("button", name="Generate Report").click()
    page.wait_for_selector("article.report", timeout=PATIENCE_MS)
    with page.expect_download(timeout=PATIENCE_MS) as started:
        page.get_by_role("button", name="Get the list (CSV): Customers most at risk").first.click()
    assert len(Path(started.value.path()).read_text("utf-8").splitlines()) == 1 + 1_100


def test_the_component_says_what_the_function_says_is_wrong(
    open_browser: Callable[..., Reader], function: Function, frontend: str, shop: Shop
) -> None:
    page = open_browser(f"{frontend}/?function={function.address}&key=figures alone&client={shop.client_id}&customers").page
    page.get_by_role("button", name="Generate Report").click()
    expect(page.get_by_role("alert")).to_contain_text("does not cover customers' personal data")
    page.goto(page.url.replace("figures alone", "unknown").replace("figures%20alone", "unknown"))
    page.get_by_role("button", name="Generate Report").click()
    expect(page.get_by_role("alert")).to_contain_text("not known")
