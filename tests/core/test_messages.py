"""The messages, by mail and Slack: the first screen, in forms that mail programs and Slack show."""

import re
from html import unescape
from html.parser import HTMLParser

from slack_sdk.models.blocks import Block

from report.pages.mail import mail_body, mail_subject
from report.pages.slack import MAX_FIELD, MAX_TEXT, slack_blocks
from report.pages.view import view
from tests.support.sample_report import sample_report

LINK = "https://reports.example/dashboard/reports?client_id=7&week_ending=2025-01-19"
SERIOUS = {"code": "tracking_changed", "text": "No “purchase” events came <this> week & last.", "severity": "serious"}
FIRST_SCREEN = [
    *("Sample Shop “Zoë & Sons”", "January 13–19, 2025", "Sales fell by 14%", "$136,771", "$158,200 last week"),
    *("lower than usual", "Expected to leave", "253", "Call the 61 regulars who did not come.", "61 customers", "$9,410"),
    *("Win back the 150 customers at high churn risk.", "Four weeks ago we said", "224 did."),
]
KNOWN_TO_MAIL = {
    *("html", "head", "meta", "title", "body", "table", "tr", "td", "th", "p", "h1", "h2", "strong", "span", "br", "a"),
}
"""Elements that every mail program shows, Outlook's word processor included."""
KNOWN_STYLES = {
    *("margin", "padding", "background-color", "color", "font-family", "font-size", "font-weight", "line-height"),
    *("width", "max-width", "border-bottom", "border-top", "border-left", "text-decoration"),
}


class Elements(HTMLParser):
    """The elements of a page, and their styles."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.styles: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        for style in (dict(attrs).get("style") or "").split(";"):
            self.styles.add(style.partition(":")[0].strip())


def plain(page: str) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", page)))


def test_a_subject_names_the_shop_the_news_and_the_number_expected_to_leave() -> None:
    assert mail_subject(view(sample_report())) == "Sample Shop “Zoë & Sons”: sales down 14%, 253 may not return"
    assert mail_subject(view(sample_report(caveats=[SERIOUS]))) == (
        "Sample Shop “Zoë & Sons”: event tracking changed; 253 may not return"
    )
    assert "\n" not in mail_subject(view(sample_report(meta={"client_name": "A shop\r\nBcc: somebody"})))


def test_a_mail_shows_the_first_screen_as_text_and_as_html() -> None:
    text, page = mail_body(view(sample_report()), LINK)
    for form in (re.sub(r"\s+", " ", text), plain(page)):
        assert [words for words in FIRST_SCREEN if words not in form] == []
    assert LINK in text
    assert f'href="{LINK.replace("&", "&amp;")}"' in page


def test_a_serious_caveat_comes_before_the_news() -> None:
    text, page = mail_body(view(sample_report(caveats=[SERIOUS])), LINK)
    for form in (text, plain(page)):
        assert form.upper().index("READ THIS FIRST") < form.index("About 253 of 1,204")
        assert "No “purchase” events came <this> week & last." in form
        assert "Sales fell" not in form


def test_mail_programs_can_show_the_html() -> None:
    _, page = mail_body(view(sample_report(caveats=[SERIOUS])), LINK)
    elements = Elements(page)
    assert elements.names <= KNOWN_TO_MAIL
    assert elements.styles - {""} <= KNOWN_STYLES
    assert len(page.encode()) < 102_000  # Gmail clips what is longer
    assert not re.search(r"<script|<svg|<style|url\(|src=|class=", page)


def test_slack_gets_the_figures_with_their_changes_the_actions_and_a_link() -> None:
    blocks = slack_blocks(view(sample_report()), LINK)
    assert [block.to_dict() for block in Block.parse_all(list(blocks))]  # Slack's own library checks each block's limits
    texts = [text["text"] for block in blocks for text in (block.get("fields") or [block["text"]])]
    assert texts[0] == "*Sample Shop “Zoë &amp; Sons”* · January 13–19, 2025"
    assert "*Sales*\n$136,771\n$158,200 last week, lower than usual" in texts
    assert any(text.startswith("*1. Call the 61 regulars") and "61 customers, $9,410 at stake a week" in text for text in texts)
    assert texts[-1] == f"<{LINK.replace('&', '&amp;')}|Open the report>"


def test_slack_gets_a_serious_caveat_first_and_every_text_escaped() -> None:
    blocks = slack_blocks(view(sample_report(caveats=[SERIOUS])), LINK)
    assert blocks[0]["text"]["text"] == ":warning: *No “purchase” events came &lt;this&gt; week &amp; last.*"


def test_slack_gets_no_text_that_is_too_long_for_it() -> None:
    long = "<&>" * 2_000
    action = {**sample_report().report_data.recommendations[0].model_dump(), "action": long, "expectedImpact": long}
    caveat = {**SERIOUS, "text": long}
    report = sample_report(meta={"client_name": long}, recommendations=[action], caveats=[caveat])
    blocks = slack_blocks(view(report), LINK)
    assert [block.to_dict() for block in Block.parse_all(list(blocks))]
    for block in blocks:
        for text in block.get("fields") or [block["text"]]:
            assert len(text["text"]) <= (MAX_FIELD if "fields" in block else MAX_TEXT)
            assert not re.search(r"&(?!(amp|lt|gt);)", text["text"])
