"""How numbers, money and dates read."""

import subprocess
import sys
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from report.formatting import (
    counted,
    day,
    days,
    listed,
    moment,
    money,
    money_whole,
    percent,
    percent_whole,
    points,
    short_day,
    verb,
    whole,
)


def test_one_is_singular_and_any_other_number_plural() -> None:
    assert [counted(number, "customer") for number in (0, 1, 2)] == ["0 customers", "1 customer", "2 customers"]
    assert [verb(number, "is", "are") for number in (0, 1, 2)] == ["are", "is", "are"]
    assert counted(2, "day of silence", "days of silence") == "2 days of silence"


def test_thousands_are_set_apart_in_counts_and_in_what_is_counted() -> None:
    assert whole(1234567) == "1,234,567"
    assert counted(1204, "customer") == "1,204 customers"


@pytest.mark.parametrize(
    ("amount", "currency", "text", "in_whole_units"),
    [
        (1234.5, "USD", "$1,234.50", "$1,234"),
        (0, "USD", "$0.00", "$0"),
        (-20, "USD", "-$20.00", "-$20"),
        (-1234.567, "USD", "-$1,234.57", "-$1,235"),
        (-0.004, "USD", "$0.00", "$0"),
        (-0.005, "USD", "$0.00", "$0"),
        (-0.009, "USD", "-$0.01", "$0"),
        (1e24, "USD", f"${10**24:,}.00", f"${10**24:,}"),
        (154983, "JPY", "¥154,983", "¥154,983"),
        (1234567.5, "EUR", "€1,234,567.50", "€1,234,568"),
        (-20, "CHF", "-CHF\u00a020.00", "-CHF\u00a020"),
        (1.2345, "BHD", "BHD\u00a01.234", "BHD\u00a01"),
    ],
)
def test_money_is_written_as_its_currency_is_in_english(amount: float, currency: str, text: str, in_whole_units: str) -> None:
    assert money(amount, currency) == text
    assert money_whole(amount, currency) == in_whole_units


def test_babel_is_loaded_by_the_first_amount_and_not_before() -> None:
    asked = "import sys, report.formatting; print('babel' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", asked], capture_output=True, check=True, text=True).stdout == "False\n"


def test_a_percentage_has_one_decimal_and_none_in_a_headline() -> None:
    assert [percent(value) for value in (12.5, 100, 0.04, 0.05001)] == ["12.5%", "100.0%", "0.0%", "0.1%"]
    assert percent_whole(48.14) == "48%"


def test_percentages_differ_by_points() -> None:
    assert [points(value) for value in (0.5, 1.0, 2.04)] == [
        "0.5 percentage points",
        "1.0 percentage point",
        "2.0 percentage points",
    ]


def test_a_list_reads_as_prose() -> None:
    assert [listed(["a", "b", "c"][:number]) for number in range(4)] == ["", "a", "a and b", "a, b and c"]


@pytest.mark.parametrize(
    ("first", "last", "text"),
    [
        (date(2025, 1, 13), date(2025, 1, 19), "January 13–19, 2025"),
        (date(2025, 1, 27), date(2025, 2, 2), "January 27 – February 2, 2025"),
        (date(2024, 12, 30), date(2025, 1, 5), "December 30, 2024 – January 5, 2025"),
    ],
)
def test_days_name_the_month_and_the_year_no_more_often_than_needed(first: date, last: date, text: str) -> None:
    assert days(first, last) == text


def test_a_day_has_no_leading_zero_and_a_moment_names_its_clock() -> None:
    assert (day(date(2025, 1, 9)), short_day(date(2025, 1, 9))) == ("January 9, 2025", "Jan 9")
    assert moment(datetime(2025, 1, 20, 8, 5, tzinfo=UTC)) == "January 20, 2025, 08:05 UTC"
    assert moment(datetime(2025, 1, 20, 18, 5, tzinfo=ZoneInfo("Asia/Tokyo"))) == "January 20, 2025, 18:05 JST"
