"""How numbers, money and dates read, wherever a person reads them: in sentences, on the page, in the PDF."""

from datetime import date, datetime


def counted(number: int, noun: str) -> str:
    """`number` things: "1 customer", "150 customers"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def whole(number: int) -> str:
    """A count that stands alone: "1,234"."""
    return f"{number:,}"


def dollars(amount: float) -> str:
    """An amount of money: "$1,234.50", "-$20.00"."""
    return f"-${-amount:,.2f}" if round(amount, 2) < 0 else f"${abs(amount):,.2f}"


def percent(value: float) -> str:
    """A percentage, given as such: "12.5%"."""
    return f"{value:.1f}%"


def day(date_: date) -> str:
    """A date: "January 19, 2025"."""
    return f"{date_:%B} {date_.day}, {date_.year}"


def short_day(date_: date) -> str:
    """A date where the year is clear and room is short: "Jan 19"."""
    return f"{date_:%b} {date_.day}"


def days(first: date, last: date) -> str:
    """All days from one to another: "January 13–19, 2025", "December 30, 2024 – January 5, 2025"."""
    if first.year != last.year:
        return f"{day(first)} – {day(last)}"
    if first.month != last.month:
        return f"{first:%B} {first.day} – {day(last)}"
    return f"{first:%B} {first.day}–{last.day}, {last.year}"


def moment(instant: datetime) -> str:
    """An instant, on the clock of its own time zone: "January 20, 2025, 08:05 UTC"."""
    return f"{day(instant.date())}, {instant:%H:%M %Z}"
