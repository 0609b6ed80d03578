"""The report as a PDF: that it says what the JSON says, to every reader."""

import io
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from time import perf_counter
from typing import Any

import pytest
from pypdf import PdfReader

from local.function import Function
from report.formatting import days, whole
from report.pages import pdf
from report.pages.view import view
from tests.support.sample_report import NAMES, sample_report


def read(document: bytes) -> tuple[PdfReader, str]:
    """The PDF, and its text in one line."""
    reader = PdfReader(io.BytesIO(document))
    return reader, re.sub(r"\s+", " ", " ".join(page.extract_text() for page in reader.pages))


def test_the_pdf_says_what_the_json_says(
    serve: Callable[..., Function], load_events: Callable[[list[dict[str, Any]]], None], client_id: int
) -> None:
    function = serve()
    load_events(
        [
            {"user_id": f"u{number:04}", "event_type": kind, "timestamp": f"2025-01-{day:02}T12:00", "price": "19.90"}
            for number in range(1100)
            for day, kind in [(7, "purchase"), (13 + number % 7, ("removed_from_cart", "purchase", "page_view")[number % 3])]
        ]
    )
    path = f"/reports/generate?client_id={client_id}&week_ending=2025-01-19&include=customers,history"
    report = function.ask(path).json()
    answer = function.ask(f"{path}&format=pdf")
    assert answer.headers["content-disposition"] == f'attachment; filename="churn-report-{client_id}-2025-01-19.pdf"'

    reader, text = read(answer.body)
    data = report["report_data"]
    expected = [
        f"Client {client_id}",
        days(date(2025, 1, 13), date(2025, 1, 19)),
        *(whole(data["summary"][name]) for name in ("totalCustomers", "highRiskCount", "churnedThisWeek")),
        f"{data['summary']['retentionRate']}%",
        *data["keyInsights"],
        *(factor["factor"] for factor in data["topRiskFactors"]),
        *(whole(row["count"]) for row in (*data["segmentBreakdown"], *data["riskBreakdown"])),
        *(f"{row['riskLevel']}%" for row in data["segmentBreakdown"] if row["count"]),
        *(text for row in data["recommendations"] for text in (row["action"], row["expectedImpact"])),
        *(customer["user_id"] for customer in data["atRiskCustomers"]),
        *data["executiveSummary"].split("\n\n"),
        report["meta"]["model_version"],
    ]
    missing = [words for words in expected if re.sub(r"\s+", " ", words).strip() not in text]
    assert not missing
    assert len(reader.pages) <= 2


def test_the_pdf_is_made_for_screen_readers() -> None:
    reader, _ = read(pdf.document(view(sample_report())))
    root = reader.trailer["/Root"]
    assert reader.xmp_metadata is not None
    assert b"<pdfuaid:part>1</pdfuaid:part>" in reader.xmp_metadata.stream.get_data()
    assert root["/MarkInfo"]["/Marked"]
    assert root["/Lang"] == "en"
    assert reader.metadata is not None
    assert reader.metadata.title == "Weekly churn report: Sample Shop “Zoë & Sons”, January 13–19, 2025"
    descriptions = [item["/Alt"] for item in structure(root["/StructTreeRoot"]) if "/Alt" in item]
    assert any("High 150 (12.5%)" in description for description in descriptions)
    assert sum("Jan 19" in description for description in descriptions) == 3
    kinds = {item.get("/S") for item in structure(root["/StructTreeRoot"])}
    assert {"/H1", "/H2", "/Table", "/TH", "/Figure", "/L"} <= kinds


def structure(item: Any) -> list[Any]:
    """All elements of the tree of tags."""
    kids = item.get("/K", []) if hasattr(item, "get") else []
    kids = kids if isinstance(kids, list) else [kids]
    below = [kid.get_object() for kid in kids if hasattr(kid.get_object(), "get")]
    return [item, *(element for kid in below for element in structure(kid))]


def test_every_name_is_shown_in_its_own_script() -> None:
    _, text = read(pdf.document(view(sample_report())))
    for name in NAMES[:4] + NAMES[8:]:
        assert name in text
    fonts = {font for page in PdfReader(io.BytesIO(pdf.document(view(sample_report())))).pages for font in font_names(page)}
    scripts = (
        "NotoSansCJK",
        "NotoSansArabic",
        "NotoSansHebrew",
        "NotoSansDevanagari",
        "NotoSansThai",
        "NotoSansGeorgian",
        "Emoji",
    )
    for script in scripts:
        assert any(script in font for font in fonts), script


def font_names(page: Any) -> list[str]:
    return [font.get_object()["/BaseFont"] for font in page["/Resources"]["/Font"].values()]


def test_a_character_that_no_font_has_costs_no_report() -> None:
    customers = [row.model_copy(update={"name": "Sample 𓀀 Name"}) for row in sample_report().report_data.atRiskCustomers or ()]
    reader, text = read(pdf.document(view(sample_report(atRiskCustomers=customers))))
    assert "Sample" in text
    assert reader.trailer["/Root"]["/MarkInfo"]["/Marked"]


@pytest.mark.parametrize(
    "without",
    [
        {"atRiskCustomers": None, "history": None},
        {"atRiskCustomers": [], "topRiskFactors": [], "recommendations": [], "keyInsights": []},
        {"riskBreakdown": [{"riskLevel": level, "count": 0} for level in ("High", "Medium", "Low")]},
    ],
)
def test_a_report_without_some_part_is_a_pdf_too(without: dict[str, Any]) -> None:
    reader, _ = read(pdf.document(view(sample_report(**without))))
    assert len(reader.pages) <= 2


def test_a_pdf_is_set_in_a_moment_also_by_many_at_once() -> None:
    views = [view(sample_report(executiveSummary=f"Summary number {number}.")) for number in range(8)]
    pdf.document(views[0])
    started = perf_counter()
    with ThreadPoolExecutor(4) as threads:
        documents = list(threads.map(pdf.document, views))
    assert (perf_counter() - started) / len(views) < 0.5  # 0.03 s where nothing else runs; `make bench` measures it
    for number, document in enumerate(documents):
        assert f"Summary number {number}." in read(document)[1]
