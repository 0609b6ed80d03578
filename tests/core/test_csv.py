"""CSV: what a spreadsheet makes of it, whichever separator it splits at."""

import csv
import io
import time

import pytest

from report.pages.csv import csv_text
from tests.support.csv_cases import FORMULAS, PLAIN_TEXTS

SEPARATORS = ",;\t|: "
FORMULA_SIGNS = tuple("=+-@＝＋－＠")


@pytest.mark.parametrize("text", FORMULAS)
@pytest.mark.parametrize("separator", SEPARATORS)
def test_no_cell_begins_like_a_formula(text: str, separator: str) -> None:
    exported = csv_text([{"Name": text, "Email": text}], ["Name", "Email"])
    for line in csv.reader(io.StringIO(exported, newline=""), delimiter=separator):
        for cell in line:
            assert cell.lstrip('" \t\r\n')[:1] not in FORMULA_SIGNS, cell


@pytest.mark.parametrize("text", PLAIN_TEXTS)
def test_a_plain_text_stays_as_it_is(text: str) -> None:
    (row,) = csv.DictReader(io.StringIO(csv_text([{"Name": text}], ["Name"]), newline=""))
    assert row["Name"] == text


def test_a_long_text_takes_no_longer_for_its_spaces() -> None:
    text = f"a{' ' * 100_000}b"
    begun = time.process_time()
    assert text in csv_text([{"Name": text}], ["Name"])
    assert time.process_time() - begun < 5  # a minute and more, if the time grows with the square of the spaces


def test_numbers_stay_numbers_lists_are_joined_and_nothing_is_empty() -> None:
    exported = csv_text([{"Spent": -5.5, "Weeks": 3, "Reasons": ("Few Visits", "Low Spend"), "Email": None}], COLUMNS)
    assert exported == '"Spent","Weeks","Reasons","Email"\r\n"-5.5","3","Few Visits, Low Spend",""\r\n'


COLUMNS = ["Spent", "Weeks", "Reasons", "Email"]
