"""Format numbers, money and dates for people: in sentences, on the page, in the PDF."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from babel.numbers import NumberPattern

LOCALE = "en_US"
NO_BREAK_SPACE = "\N{NO-BREAK SPACE}"


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """Count things: "0 customers", "1 customer", "1,204 customers"."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def verb(number: int, one: str, many: str) -> str:
    """Choose the form of a verb or pronoun for a count: "is" or "are"."""
    return one if number == 1 else many


def whole(number: int) -> str:
    """Write a count that stands alone: "1,234"."""
    return f"{number:,}"


def listed(parts: Sequence[str]) -> str:
    """Write a list as prose: "a", "a and b", "a, b and c"."""
    return " and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))


def money(amount: float, currency: str) -> str:
    """Write an amount of money with its cents: "$1,234.50", "-$20.00", "¥155"."""
    from babel.numbers import get_currency_precision

    return _money(amount, currency, get_currency_precision(currency))


def money_whole(amount: float, currency: str) -> str:
    """Write an amount of money in whole units: "$1,235", "CHF 20"."""
    return _money(amount, currency, 0)


def prepare() -> None:
    """Load what the first amount of money needs. Call this while BigQuery works."""
    money(0, "USD")


def percent(value: float) -> str:
    """Write a percentage, given in percent: "12.5%"."""
    return f"{value:.1f}%"


def percent_whole(value: float) -> str:
    """Write a percentage without decimals, for headlines: "48%"."""
    return f"{value:.0f}%"


def points(value: float) -> str:
    """Write a difference of two percentages: "0.5 percentage points", "1.0 percentage point"."""
    return f"{value:.1f} percentage {'point' if f'{value:.1f}' == '1.0' else 'points'}"


def day(date_: date) -> str:
    """Write a date: "January 19, 2025"."""
    return f"{date_:%B} {date_.day}, {date_.year}"


def short_day(date_: date) -> str:
    """Write a short date without the year: "Jan 19"."""
    return f"{date_:%b} {date_.day}"


def days(first: date, last: date) -> str:
    """Write the days from one to another: "January 13–19, 2025", "December 30, 2024 – January 5, 2025"."""
    if first.year != last.year:
        return f"{day(first)} – {day(last)}"
    if first.month != last.month:
        return f"{first:%B} {first.day} – {day(last)}"
    return f"{first:%B} {first.day}–{last.day}, {last.year}"


def moment(instant: datetime) -> str:
    """Write an instant in its own time zone: "January 20, 2025, 08:05 UTC"."""
    return f"{day(instant.date())}, {instant:%H:%M %Z}"


def _money(amount: float, currency: str, decimals: int) -> str:
    text = _pattern(currency, decimals).apply(Decimal(str(amount)), LOCALE, currency=currency, currency_digits=False)
    return text if any(digit in text for digit in "123456789") else text.removeprefix("-")  # no "-$0.00"


@cache
def _pattern(currency: str, decimals: int) -> "NumberPattern":
    """Return the pattern of en_US. A currency without a sign, such as CHF, has a space before the amount."""
    from babel.numbers import get_currency_symbol, parse_pattern  # for the first amount: most answers wait for BigQuery

    space = NO_BREAK_SPACE if get_currency_symbol(currency, LOCALE)[-1:].isalpha() else ""
    return parse_pattern(f"¤{space}#,##0" + ("." + "0" * decimals if decimals else ""))
