"""What is left of a text from outside."""

import pytest

from report.text import clean, clean_id, clean_or_none


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        (" Ann \t\n\u2028 Sample\u0085", "Ann   Sample"),
        ("\x00A\x1fn\x7fn\x9f", "Ann"),  # control characters
        ("\ufeffAnn", "Ann"),  # a byte order mark
        ("A\ud800n\udfffn", "Ann"),  # halves of characters
        ("A\ufdd0n\ufdefn\ufffe\uffff\U0001fffe\U0010ffff", "Ann"),  # no characters
        ("Änne 李 \U0001f600", "Änne 李 \U0001f600"),
    ],
)
def test_a_text_becomes_one_line_of_what_can_be_printed_and_sent(text: str, cleaned: str) -> None:
    assert clean(text) == cleaned


def test_an_id_keeps_its_spaces() -> None:
    assert clean_id(" a\u2028 b\x00\n") == " a\u2028 b"


@pytest.mark.parametrize(("text", "left"), [(None, None), ("", None), (" \x00\n", None), (" Ann ", "Ann")])
def test_what_has_nothing_to_read_is_none(text: str | None, left: str | None) -> None:
    assert clean_or_none(text) == left
