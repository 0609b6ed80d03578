"""The report as a PDF: that it says what the JSON says, to every reader."""

import io
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import pytest
from pypdf import PdfReader

from local.function import Function
from report.formatting import days, whole
from report.pages import pdf
from report.pages.view import view
from report.schema import Report
from tests.support.sample_report import DATA, NAMES, sample_report

NOBODY = {
    "count": 0,
    "spent": 0.0,
    "spendAtStake": 0.0,
    "expectedToLeave": 0.0,
    "highRiskCount": 0,
    "mediumRiskCount": 0,
    "lowRiskCount": 0,
}


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
    shown = view(Report.model_validate(report))
    expected = [
        f"Client {client_id}",
        days(date(2025, 1, 13), date(2025, 1, 19)),
        shown.headline.text,
        *(text for figure in shown.figures for text in (figure.label, figure.value, figure.before)),
        *(whole(data["summary"][name]) for name in ("totalCustomers", "highRiskCount", "churnedThisWeek")),
        f"{data['summary']['retentionRate']}%",
        *shown.insights,
        *(factor["factor"] for factor in data["topRiskFactors"]),
        *(whole(row["count"]) for row in data["segmentBreakdown"]),
        *(text for row in data["recommendations"] for text in (row["action"], row["expectedImpact"])),
        *(customer["user_id"] for customer in data["atRiskCustomers"]),
        *data["executiveSummary"].split("\n\n"),
        report["meta"]["model_version"],
    ]
    missing = [words for words in expected if re.sub(r"\s+", " ", words).strip() not in text]
    assert not missing
    assert len(reader.pages) <= 3


def test_the_pdf_is_made_for_screen_readers() -> None:
    reader, _ = read(pdf.document(view(sample_report())))
    root = reader.trailer["/Root"]
    assert reader.xmp_metadata is not None
    assert b"<pdfuaid:part>1</pdfuaid:part>" in reader.xmp_metadata.stream.get_data()
    assert root["/MarkInfo"]["/Marked"]
    assert root["/Lang"] == "en"
    assert reader.metadata is not None
    assert reader.metadata.title == "Sample Shop “Zoë & Sons”, January 13–19, 2025: weekly churn report"
    descriptions = [item["/Alt"] for item in structure(root["/StructTreeRoot"]) if "/Alt" in item]
    assert any("High 125, Medium 160, Low 115" in description for description in descriptions)
    assert sum("Jan 19" in description for description in descriptions) == 4
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


@pytest.mark.parametrize(
    "character", ["𓀀", "\x00", "\ufeff", "\uffff", "\U0001fffe", "\ufdd0", "\x85", "\u2028", "\x1b", "\u200f", "\ufff9"]
)
@pytest.mark.parametrize("place", ["customer", "shop"])
def test_no_character_costs_the_report(character: str, place: str) -> None:
    name = f"{character}Sample {character} Name"
    customers = [row.model_copy(update={"name": name}) for row in sample_report().report_data.atRiskCustomers or ()]
    report = sample_report(atRiskCustomers=customers) if place == "customer" else sample_report(meta={"client_name": name})
    reader, text = read(pdf.document(view(report)))
    assert "Sample" in text
    assert reader.trailer["/Root"]["/MarkInfo"]["/Marked"]


def test_no_text_is_smaller_than_eight_points() -> None:
    sizes: set[float] = set()
    for page in PdfReader(io.BytesIO(pdf.document(view(sample_report())))).pages:
        page.extract_text(
            visitor_text=lambda text, _, matrix, __, size: sizes.add(round(size * abs(matrix[0]), 1)) if text.strip() else None
        )
    assert min(sizes) >= 8


def test_american_shops_print_on_letter_and_all_others_on_a4() -> None:
    def size(**meta: str) -> tuple[int, int]:
        page = PdfReader(io.BytesIO(pdf.document(view(sample_report(meta=meta))))).pages[0]
        return round(page.mediabox.width), round(page.mediabox.height)

    assert size() == (595, 842)
    assert size(time_zone="America/New_York") == (612, 792)
    assert size(time_zone="America/Sao_Paulo", currency="BRL") == (595, 842)


def test_a_table_that_goes_on_has_its_head_on_each_page() -> None:
    reader, _ = read(pdf.document(view(sample_report())))
    heads = [page.extract_text().count("Leading reasons") for page in reader.pages]
    rows = [sum(name in page.extract_text() for name in ("u002", "u024")) for page in reader.pages]
    assert all(head == 1 for head, row in zip(heads, rows, strict=True) if row)


@pytest.mark.parametrize(
    "without",
    [
        {"atRiskCustomers": None, "history": None},
        {"atRiskCustomers": [], "missingRegulars": [], "topRiskFactors": [], "recommendations": [], "keyInsights": []},
        {"segmentBreakdown": [{**row, **NOBODY} for row in DATA["segmentBreakdown"]], "caveats": [], "changes": []},
    ],
)
def test_a_report_without_some_part_is_a_pdf_too(without: dict[str, Any]) -> None:
    reader, _ = read(pdf.document(view(sample_report(**without))))
    assert len(reader.pages) <= 3


def test_each_of_many_who_ask_at_once_gets_their_own_pdf() -> None:
    views = [view(sample_report(executiveSummary=f"Summary number {number}.")) for number in range(8)]
    with ThreadPoolExecutor(4) as threads:
        documents = list(threads.map(pdf.document, views))
    for number, document in enumerate(documents):
        assert f"Summary number {number}." in read(document)[1]
