"""How numbers, money and dates read."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from report.formatting import counted, day, days, dollars, moment, percent, short_day, whole


def test_one_is_singular_and_any_other_number_plural() -> None:
    assert [counted(number, "customer") for number in (0, 1, 2)] == ["0 customers", "1 customer", "2 customers"]
    assert whole(1234567) == "1,234,567"


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (1234.5, "$1,234.50"),
        (0, "$0.00"),
        (-20, "-$20.00"),
        (-1234.567, "-$1,234.57"),
        (-0.01, "-$0.01"),
        (-0.004, "$0.00"),
        (-0.009, "-$0.01"),
        (0.004, "$0.00"),
    ],
)
def test_money_has_two_decimals_and_its_sign_before_the_dollar(amount: float, text: str) -> None:
    assert dollars(amount) == text


def test_a_percentage_has_one_decimal() -> None:
    assert [percent(value) for value in (12.5, 100, 0.04, 0.05001)] == ["12.5%", "100.0%", "0.0%", "0.1%"]


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
