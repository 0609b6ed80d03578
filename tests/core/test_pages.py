"""The report as HTML: what it says, and that it is safe to open, mail and archive."""

import re
from base64 import b64encode
from collections.abc import Callable
from datetime import date, timedelta
from hashlib import sha256
from html import unescape
from typing import Any

import pytest

from local.function import Function
from report.formatting import days, short_day
from report.pages import html
from report.pages.view import Card, view
from tests.support.sample_report import NAMES, sample_report

WEEK = "week_ending=2025-01-19"
NO_CHANGE = {"highRisk": None, "churned": None, "retention": None}


@pytest.fixture(scope="module")
def function(serve: Callable[..., Function]) -> Function:
    return serve()


def cards(numbers: dict[str, Any], **data: Any) -> dict[str, Card]:
    summary = sample_report().report_data.summary.model_dump() | numbers
    return {card.label: card for card in view(sample_report(summary=summary, **data)).cards}


def test_more_risk_is_bad_news_and_more_retention_is_good() -> None:
    up = cards({"prevWeekComparison": {"highRisk": 5.2, "churned": 2.1, "retention": 0.5}})
    assert {label: (card.change, card.verdict) for label, card in up.items()} == {
        "Customers": ("34 more than last week", "good"),
        "High risk": ("up 5.2% on last week", "bad"),
        "Churned": ("up 2.1% on last week", "bad"),
        "Retention": ("up 0.5% on last week", "good"),
    }
    down = cards({"prevWeekComparison": {"highRisk": -5.2, "churned": 0.0, "retention": -0.5}}, history=None)
    assert {label: (card.change, card.verdict) for label, card in down.items()} == {
        "Customers": ("", "neutral"),
        "High risk": ("down 5.2% on last week", "good"),
        "Churned": ("same as last week", "neutral"),
        "Retention": ("down 0.5% on last week", "bad"),
    }


def test_a_missing_comparison_says_why() -> None:
    assert cards({"prevWeekComparison": NO_CHANGE})["High risk"].change == "no earlier week"
    assert cards({"prevWeekComparison": NO_CHANGE | {"retention": 0.0}})["High risk"].change == "none last week"
    nobody = {"totalCustomers": 0, "retentionRate": None, "avgChurnProbability": None, "prevWeekComparison": NO_CHANGE}
    assert cards(nobody)["Retention"] == Card("Retention", "–", "no customers this week", "neutral")


def test_a_line_has_a_gap_where_a_week_has_no_customers() -> None:
    customers, _, retention = view(sample_report()).lines
    assert [len(stroke) for stroke in customers.strokes] == [8]
    assert [len(stroke) for stroke in retention.strokes] == [2, 5]
    assert "Dec 15 –" in retention.description


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


def test_the_file_shows_every_part_of_the_report_in_the_briefs_order() -> None:
    text = unescape(re.sub(r"<[^>]+>", " ", html.document(view(sample_report())).html))
    order = [
        *("Sample Shop “Zoë & Sons”", "January 13–19, 2025", "not over yet"),
        *("Executive summary", "Most of them will stay.", "Written by Gemini"),
        *("Key metrics", "1,204", "up 5.2% on last week", "95.8%", "Medium 204", "16.9%"),
        *("Key insights", "50 customers are estimated", "Top risk factors", "High Cart Abandonment", "Medium impact"),
        *("Customer segments", "Occasional", "14.9%", "rising"),
        *("Recommended actions", "Win them back.", "$1,234.50", "Ask them why."),
        *("Customers most at risk", "u001", "How right the last call was", "15.2%", "97", "What the numbers mean"),
        "Made January 19, 2025, 00:05 CET",
    ]
    places = [re.sub(r"\s+", " ", text).find(words) for words in order]
    assert -1 not in places, order[places.index(-1)]
    assert places == sorted(places)


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
    assert shown == NAMES


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
