"""The report as HTML: what it says, and that it is safe to open, mail and archive."""

import re
from base64 import b64encode
from collections.abc import Callable
from datetime import date, timedelta
from hashlib import sha256
from html import unescape
from itertools import pairwise
from typing import Any

import pytest

from local.function import Function
from report.formatting import days, short_day
from report.pages import html
from report.pages.view import Figure, view
from tests.support.colours import EYES, luminance, rgb
from tests.support.sample_report import DATA, META, NAMES, sample_report

WEEK = "week_ending=2025-01-19"
LEVELS = ("High", "Medium", "Low")
SERIOUS = {"code": "days_without_events", "text": "No events came on Thursday, January 16.", "severity": "serious"}


@pytest.fixture(scope="module")
def function(serve: Callable[..., Function]) -> Function:
    return serve()


def figures(**data: Any) -> dict[str, Figure]:
    return {figure.label: figure for figure in view(sample_report(**data)).figures}


def test_a_figure_is_called_unusual_only_where_the_report_says_so() -> None:
    said = {label: (figure.value, figure.before, figure.usual) for label, figure in figures().items()}
    assert said == {
        "Sales": ("$136,771", "$158,200 last week", "lower than usual"),
        "Customers": ("1,204", "1,170 last week", "as usual"),
        "Expected to leave": ("253", "241 last week", "as usual"),
        "Sales at stake": ("$11,704", "$12,560 last week", ""),
    }
    assert {figure.verdict for figure in figures(changes=[]).values()} == {None}
    assert {segment.usual for segment in view(sample_report()).segments} == {"fewer than usual", "", "more than usual"}
    assert {segment.usual for segment in view(sample_report(changes=[])).segments} == {""}


def test_more_customers_who_leave_are_worse_and_told_as_more() -> None:
    change = {"what": "expectedToLeave", "now": 253.4, "before": 180.0, "usualLow": 150.0, "usualHigh": 200.0, "verdict": "worse"}
    assert figures(changes=[change])["Expected to leave"].usual == "more than usual"


def test_a_line_starts_from_zero_and_has_a_gap_where_a_week_had_no_customers() -> None:
    line = figures()["Customers"].line
    assert line is not None
    assert [len(stroke) for stroke in line.strokes] == [2, 5]
    assert line.strokes[-1][-1][1] == pytest.approx(1204 / 1240)  # the top of the band is the highest
    assert line.usual == pytest.approx((880 / 1240, 1))
    assert "Dec 15 –" in line.description


def test_without_weeks_to_draw_there_is_no_chart() -> None:
    empty = [{**week, "customers": 0, "spent": 0.0} for week in DATA["history"]]
    for data in ({"history": None}, {"history": empty}, {"history": DATA["history"][-1:]}):
        assert all(figure.line is None for figure in figures(**data).values())
        assert "<polyline" not in html.document(view(sample_report(**data))).html


def test_money_is_in_the_clients_currency_and_the_limits_of_the_segments_are_dollars() -> None:
    shown = view(sample_report(meta={"currency": "JPY"}))
    assert shown.figures[0].value == "¥136,771"
    assert shown.segments[0].rule == "$1,000+ or 40+ visits"


def test_the_customers_of_a_shop_in_yen_spend_and_may_cost_yen() -> None:
    at_risk = [{**row, "spent": 150 * row["total_spent_usd"]} for row in DATA["atRiskCustomers"]]
    missing = [{**row, "spent_9_weeks": 150 * row["spent_9_weeks_usd"]} for row in DATA["missingRegulars"]]
    shown = view(sample_report(meta={"currency": "JPY"}, atRiskCustomers=at_risk, missingRegulars=missing))
    assert shown.customers is not None
    assert shown.missing is not None
    assert (shown.customers[0].loss, shown.customers[1].spent, shown.missing[0].spent) == ("¥400", "¥1,500", "¥283,500")
    tables = re.findall(r'<table class="people.*?</table>', html.document(shown).html, re.DOTALL)
    assert len(tables) == 2
    for table in tables:
        assert "¥" in table
        assert "$" not in table
    # Each amount once more in dollars, where the table is saved as CSV, as before.
    assert 'data-column="Spent (USD)" data-csv="10.0" hidden></span><span data-column="Spent" data-csv="1500.0">' in tables[1]
    assert 'data-column="Spent in nine weeks (USD)" data-csv="1890.0" hidden>' in tables[0]
    assert 'data-column="Spent in nine weeks" data-csv="283500.0">' in tables[0]


def test_retention_changes_by_percentage_points_and_not_at_all_where_something_serious_is_wrong() -> None:
    changes = [metric.change for metric in view(sample_report()).metrics]
    assert changes == ["1,170 last week", "143 last week", "51 last week", "0.2 percentage points more than last week"]
    assert not any(metric.change for metric in view(sample_report(caveats=[SERIOUS])).metrics)
    nobody = {**DATA["summary"], "churnedThisWeek": 0, "retentionRate": 100.0}
    assert view(sample_report(summary=nobody)).metrics[-1].change == "no customer at 80% risk or more"  # and no praise


def test_the_running_week_is_not_compared_with_a_whole_one() -> None:
    shown = view(sample_report(meta={"partial": True}, changes=[]))
    assert shown.figures[0].before == "$158,200 in all of last week"
    assert not any(metric.change for metric in shown.metrics)


def test_what_was_said_four_weeks_ago_is_called_so_only_where_it_was() -> None:
    backtest = META["backtest"]
    issued = view(sample_report()).backtest
    assert issued is not None
    assert issued.expected == "Four weeks ago we said that 228 of 1,068 customers would stay away for four weeks."
    assert issued.came == "224 did."
    assert issued.detail.startswith("Of the riskiest tenth then, 79% did not come back; of all customers, 21%.")
    other = view(
        sample_report(meta={"backtest": {**backtest, "as_issued": False, "corrected": False, "riskiest_tenth": 300}})
    ).backtest
    assert other is not None
    assert "we said" not in other.expected
    assert "Of the riskiest 300 then, 28% did not come back" in other.detail
    assert "no earlier week to learn from" in other.detail
    five = view(sample_report(meta={"backtest": {**backtest, "week_ending": "2024-12-15"}})).backtest
    assert five is not None
    assert five.expected.startswith("In the week that ended December 15, 2024 we said")


def test_an_insight_that_stands_elsewhere_is_not_told_again() -> None:
    insight = sample_report().report_data.keyInsights[0]
    assert insight in view(sample_report()).insights
    assert insight not in view(sample_report(executiveSummary=f"A week. {insight}")).insights


def test_high_medium_and_low_are_told_apart_in_grey_and_by_any_eye() -> None:
    css, typst = (html.FOLDER / "report.css").read_text("utf-8"), (html.FOLDER / "report.typ").read_text("utf-8")
    by_scheme = list(zip(*(re.findall(rf"--{level}: (#\w{{6}})", css) for level in LEVELS), strict=True))
    assert len(by_scheme) == 2  # light and dark
    for colours in by_scheme:
        for see in EYES.values():
            luminances = [luminance(see(rgb(colour))) for colour in colours]
            assert luminances == sorted(luminances) or luminances == sorted(luminances, reverse=True)
            darker = sorted(luminances)
            assert all((above + 0.05) / (below + 0.05) >= 1.9 for below, above in pairwise(darker)), colours
    for level, colour in zip(LEVELS, by_scheme[0], strict=True):
        assert f'{level}: (fill: rgb("{colour}")' in typst
        assert f'"{level}": ("{colour}"' in (html.FOLDER / "mail.html").read_text("utf-8")


def test_red_means_only_that_a_figure_is_worse_than_usual() -> None:
    for name in ("report.css", "page.css"):
        rules = re.findall(r"([^{}]+)\{([^{}]*var\(--worse\)[^{}]*)\}", (html.FOLDER / name).read_text("utf-8"))
        assert all("worse" in selector for selector, _ in rules)


@pytest.mark.parametrize(
    ("first", "last", "said"),
    [
        (date(2025, 1, 13), date(2025, 1, 19), "January 13–19, 2025"),
        (date(2025, 1, 27), date(2025, 2, 2), "January 27 – February 2, 2025"),
        (date(2024, 12, 30), date(2025, 1, 5), "December 30, 2024 – January 5, 2025"),
    ],
)
def test_a_week_reads_as_people_say_it(first: date, last: date, said: str) -> None:
    assert days(first, last) == said
    assert short_day(first) in said.replace("January", "Jan").replace("December", "Dec")


def test_the_file_shows_every_part_of_the_report_the_first_screen_first() -> None:
    page = html.document(view(sample_report(caveats=[SERIOUS]))).html
    text = unescape(re.sub(r"<[^>]+>", " ", page))
    order = [
        *("Sample Shop “Zoë & Sons”", "January 13–19, 2025", "Read this first", "No events came on Thursday"),
        *("About 253 of 1,204 customers", "$136,771", "$158,200 last week", "Expected to leave", "Sales at stake"),
        *("Customer segments", "High-Value", "131", "$61,200", "Occasional", "385"),
        *("Recommended actions", "Call the 61 regulars who did not come.", "61 customers", "$9,410", "Win back the 150"),
        *("Four weeks ago we said", "224 did.", "Executive summary", "Most of them will stay.", "Written by Gemini"),
        *("Key insights", "50 customers are estimated", "More you can do", "Ask newcomers"),
        *("Top risk factors", "High Cart Abandonment", "52 of 150", "Medium impact"),
        *("Key metrics", "High risk: 70% or more", "150", "95.8%", "The last eight weeks", "December 15, 2024"),
        *("Regulars who did not come", "r000", "2 weeks ago", "Customers most at risk", "u001", "What the words mean"),
        "Made January 20, 2025, 08:05 CET",
    ]
    flat, place = re.sub(r"\s+", " ", text), 0
    for words in order:
        assert words in flat[place:], words
        place = flat.index(words, place)


def test_every_definition_that_is_linked_stands_in_the_report() -> None:
    page = html.document(view(sample_report())).html
    linked, there = set(re.findall(r'href="#([^"]+)"', page)), set(re.findall(r'id="([^"]+)"', page))
    assert linked <= there
    assert len(linked) > 8


def test_a_title_names_the_shop_and_the_week() -> None:
    assert (
        "<title>Sample Shop “Zoë &amp; Sons”, January 13–19, 2025: weekly churn report</title>"
        in html.document(view(sample_report())).html
    )


def test_the_file_needs_nothing_from_anywhere_and_runs_nothing() -> None:
    page = html.document(view(sample_report()))
    assert not re.search(r"<script|\son\w+=|\sstyle=|https?:|src=|@import|url\(", page.html)
    (style,) = re.findall(r"<style>(.*?)</style>", page.html, re.DOTALL)
    digest = b64encode(sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in page.policy
    assert "unsafe" not in page.policy
    assert page.policy.startswith("default-src 'none'")
    assert "@media print" in style


def test_a_name_is_text_whatever_is_in_it() -> None:
    page = html.document(view(sample_report())).html
    shown = [unescape(name) for name in re.findall(r'<bdi data-column="Name">(.*?)</bdi>', page)]
    assert [name for name in shown if not name.startswith("Sample Regular")] == NAMES


def test_the_form_of_the_answer_is_asked_for_by_parameter_or_by_header(function: Function, client_id: int) -> None:
    path = f"/reports/generate?client_id={client_id}&{WEEK}"
    for asked, mime_type in [
        (function.ask(f"{path}&format=html"), "text/html; charset=utf-8"),
        (function.ask(f"{path}&format=pdf"), "application/pdf"),
        (function.ask(path, headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}), "text/html; charset=utf-8"),
        (function.ask(path, headers={"Accept": "application/pdf"}), "application/pdf"),
        (function.ask(path, headers={"Accept": "*/*"}), "application/json"),
        (function.ask(path, headers={"Accept": "image/png"}), "application/json"),
        (function.ask(f"{path}&format=json", headers={"Accept": "text/html"}), "application/json"),
    ]:
        assert (asked.status, asked.headers["content-type"]) == (200, mime_type)
        assert asked.headers["cache-control"] == "private, no-cache"
        assert "Accept" in asked.headers["vary"]


def test_html_answers_come_with_their_security_headers(function: Function, client_id: int) -> None:
    for path in ("/", "/dashboard/reports", f"/reports/generate?client_id={client_id}&{WEEK}&format=html"):
        answer = function.ask(path)
        assert answer.status == 200
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert not re.search(r"https?:|(src|href)=\"/", answer.text)
    assert answer.headers["content-disposition"] == f'inline; filename="churn-report-{client_id}-2025-01-19.html"'


def test_the_history_is_that_of_eight_reports_and_only_there_where_it_is_asked_for(
    function: Function, load_events: Callable[[list[dict[str, Any]]], None], client_id: int
) -> None:
    last = date(2025, 1, 19)
    weeks = [last - timedelta(days=7 * weeks_ago) for weeks_ago in range(8, -1, -1)]  # nine: the first must not be read
    load_events(
        [
            {"user_id": f"u{number}", "event_type": "page_view", "timestamp": f"{ending - timedelta(days=number % 7)}T12:00"}
            for week, ending in enumerate(weeks)
            for number in range(0 if week == 4 else 5 * week + 3)
        ]
    )
    path = f"/reports/generate?client_id={client_id}&{WEEK}"
    plain = function.ask(path).json()["report_data"]
    asked = function.ask(f"{path}&include=history").json()["report_data"]
    both = function.ask(f"{path}&include=customers,history").json()["report_data"]

    assert "history" not in plain
    assert asked == plain | {"history": asked["history"]}
    assert both["history"] == asked["history"]
    assert len(both["atRiskCustomers"]) == 25
    assert [week["week_ending"] for week in asked["history"]] == [ending.isoformat() for ending in weeks[1:]]
    assert [week["customers"] for week in asked["history"]] == [8, 13, 18, 0, 28, 33, 38, 43]
    assert asked["history"][3]["retentionRate"] is None
    now, summary = asked["history"][-1], plain["summary"]
    assert [now[name] for name in ("customers", "highRiskCount", "churned", "retentionRate", "avgChurnProbability")] == [
        summary[name] for name in ("totalCustomers", "highRiskCount", "churnedThisWeek", "retentionRate", "avgChurnProbability")
    ]
    assert sum(row["count"] for row in plain["riskBreakdown"]) == summary["totalCustomers"]
    assert plain["riskBreakdown"][0] == {"riskLevel": "High", "count": summary["highRiskCount"]}


def test_where_missing_regulars_are_not_known_the_page_does_not_say_that_there_are_none() -> None:
    known = html.document(view(sample_report(missingRegulars=[]))).html
    unknown = html.document(view(sample_report(missingRegulars=[], outlook={**DATA["outlook"], "missingRegulars": None}))).html
    assert "Nobody who used to come regularly has stayed away" in known
    assert "Nobody who used to come regularly has stayed away" not in unknown
    assert "Not known: the week is not over, or days are missing" in unknown
