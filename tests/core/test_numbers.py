"""A number of a text: what it counts, and the true values that bear it out."""

from itertools import combinations

import pytest

from report.summary.numbers import (
    ACTIONS,
    CALENDAR_DAY,
    CUSTOMERS,
    DAYS,
    DECIMAL,
    FACTORS,
    MONEY,
    OTHER,
    PERCENT,
    POINTS,
    SEGMENTS,
    TIMES,
    UNREADABLE,
    WEEKS,
    YEAR,
    Number,
    numbers,
    tidy,
)


@pytest.mark.parametrize(
    ("text", "unit", "low", "high"),
    [
        # A number as it stands is rounded to its last place.
        ("150 customers", CUSTOMERS, 149.5, 150.5),
        ("1,200 customers", CUSTOMERS, 1199.5, 1200.5),
        ("5.2%", PERCENT, 5.15, 5.25),
        ("15%", PERCENT, 14.5, 15.5),
        ("$12.50", MONEY, 12.495, 12.505),
        ("0.153", DECIMAL, 0.1525, 0.1535),
        # A hedge lets it be rough, in its own direction, by a twentieth of itself at most.
        ("about 1,200 customers", CUSTOMERS, 1150, 1250),
        ("roughly 1,000 customers", CUSTOMERS, 950, 1050),
        ("Some 150 customers", CUSTOMERS, 145, 155),
        ("over 1,200 customers", CUSTOMERS, 1200, 1299.5),
        ("more than the 1,200 customers", CUSTOMERS, 1199.5, 1200.5),
        ("nearly 1,200 customers", CUSTOMERS, 1100.5, 1200),
        ("less than a 12%", PERCENT, 11.005, 12),
        ("about 5.2%", PERCENT, 5.15, 5.25),
        ("about 153 customers", CUSTOMERS, 152.5, 153.5),
        ("around $40", MONEY, 38, 42),
        # A scale says which place is the last.
        ("1.2k customers", CUSTOMERS, 1150, 1250),
        ("1.25 thousand customers", CUSTOMERS, 1245, 1255),
        ("3m customers", CUSTOMERS, 2_850_000, 3_150_000),
        ("$2bn", MONEY, 1_900_000_000, 2_100_000_000),
        ("2 dozen customers", CUSTOMERS, 22.8, 25.2),
        # In words.
        ("Twelve customers", CUSTOMERS, 11.5, 12.5),
        ("two hundred and five customers", CUSTOMERS, 204.5, 205.5),
        ("a hundred customers", CUSTOMERS, 99.5, 100.5),
        ("one million two thousand customers", CUSTOMERS, 1_001_999.5, 1_002_000.5),
        ("about two hundred customers", CUSTOMERS, 190, 210),
        ("one customer", CUSTOMERS, 0.5, 1.5),
        ("no loyal customers", CUSTOMERS, -0.5, 0.5),
        # Shares, not rounded to whole percents where they are small.
        ("half", PERCENT, 48.5, 51.5),
        ("two-thirds", PERCENT, 200 / 3 - 1.5, 200 / 3 + 1.5),
        ("a quarter", PERCENT, 23.75, 26.25),
        ("an eighth", PERCENT, 11.875, 13.125),
        ("one in five", PERCENT, 19, 21),
        ("1 out of every 50", PERCENT, 1.9, 2.1),
        ("close to half", PERCENT, 44, 56),
        ("nearly half", PERCENT, 44.03, 50),
        ("more than half", PERCENT, 50, 55.97),
        ("about a quarter", PERCENT, 22, 28),
        ("over a quarter", PERCENT, 25, 30.97),
        ("about two-thirds", PERCENT, 200 / 3 - 6, 200 / 3 + 6),
        # What is counted.
        ("3 percentage points", POINTS, 2.5, 3.5),
        ("2 dollars", MONEY, 1.5, 2.5),
        ("28 days", DAYS, 27.5, 28.5),
        ("a seven-day week", DAYS, 6.5, 7.5),
        ("4 weeks", WEEKS, 3.5, 4.5),
        ("3 visits", OTHER, 2.5, 3.5),
        ("three main risk factors", FACTORS, 2.5, 3.5),
        ("four customer segments", SEGMENTS, 3.5, 4.5),
        ("two next steps", ACTIONS, 1.5, 2.5),
        ("4.9 times as often", TIMES, 4.85, 4.95),
        ("none are at risk", CUSTOMERS, -0.5, 0.5),
        ("150 of the factors", CUSTOMERS, 149.5, 150.5),
        ("150 customers factors", CUSTOMERS, 149.5, 150.5),
    ],
)
def test_a_number_has_a_unit_and_a_range(text: str, unit: str, low: float, high: float) -> None:
    assert all(number.words in text for number in numbers(text))
    found = [(number.unit, number.low, number.high) for number in numbers(text)]
    assert found == [(unit, pytest.approx(low, rel=1e-6), pytest.approx(high, rel=1e-6))]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("January 19", [(CALENDAR_DAY, 119)]),
        ("Sept. 3rd, 2025", [(CALENDAR_DAY, 903), (YEAR, 2025)]),
        ("the 19th of January", [(CALENDAR_DAY, 119)]),
        ("January 13–19, 2025", [(CALENDAR_DAY, 113), (CALENDAR_DAY, 119), (YEAR, 2025)]),
        ("13 to 19 Dec 2024", [(CALENDAR_DAY, 1213), (CALENDAR_DAY, 1219), (YEAR, 2024)]),
        ("May 2025", [(YEAR, 2025)]),
        ("2025-01-19", [(YEAR, 2025), (CALENDAR_DAY, 119)]),
        ("they may 5 customers", [(CUSTOMERS, 5)]),  # no month
        ("10 to 15%", [(PERCENT, 10), (PERCENT, 15)]),
        ("$10-$15", [(MONEY, 10), (MONEY, 15)]),
        ("$10 to 15", [(MONEY, 10), (MONEY, 15)]),
        ("10 and 15 visits", [(OTHER, 10), (OTHER, 15)]),
        ("10. And 15%", [(CUSTOMERS, 10), (PERCENT, 15)]),
        ("-$5", [(MONEY, 5)]),
        ("one hundred and 20 percent", [(PERCENT, 100), (PERCENT, 20)]),
    ],
)
def test_dates_and_ranges_are_several_numbers(text: str, found: list[tuple[str, float]]) -> None:
    assert [(number.unit, number.value) for number in numbers(tidy(text))] == found


@pytest.mark.parametrize(
    ("text", "sign"),
    [
        ("rose by 5%", 1),
        ("up 5 percent", 1),
        ("fell by about 20%", -1),
        ("fell last week by 5%", -1),
        ("a drop of 5%", -1),
        ("a 5% drop", -1),
        ("a 5% sharp drop", -1),
        ("a 5% rather sharp drop", 0),
        ("It fell. Now 5%", 0),
        ("5%. Growth", 0),
        ("rose to 5%", 0),
        ("up from 5%", 0),
        ("they make up 5%", 0),
        ("80 fewer", -1),
        ("80 more customers", 1),
        ("80 customers more", 1),
        ("80 are more likely to leave", 0),
        ("rose by $80", 1),
        ("down 8.7 points", -1),
    ],
)
def test_the_words_around_a_number_make_it_a_rise_or_a_fall(text: str, sign: int) -> None:
    assert [number.sign for number in numbers(text)] == [sign]


@pytest.mark.parametrize(
    ("text", "currency"),
    [
        ("$5", "USD"),
        ("US$5", "USD"),
        ("CA$5", "CAD"),
        ("A$5", "AUD"),
        ("5 dollars", "USD"),
        ("€5", "EUR"),
        ("5 euros", "EUR"),
        ("£5", "GBP"),
        ("¥5", "JPY"),
        ("CN¥5", "CNY"),
        ("1.2 million yen", "JPY"),
        ("CHF 5", "CHF"),
        ("CHF5", "CHF"),
        ("5 CHF", "CHF"),
        ("₹5", "INR"),
        ("FCFA5", "XAF"),
    ],
)
def test_money_is_read_with_the_currencies_that_it_may_be_in(text: str, currency: str) -> None:
    (number,) = numbers(text)
    assert number.unit == MONEY
    assert currency in number.currencies


def test_another_currency_is_not_the_same_money() -> None:
    read = [number.currencies for text in ("US$5", "CA$5", "€5", "¥5", "CHF 5") for number in numbers(text)]
    assert not any(one & other for one, other in combinations(read, 2))


@pytest.mark.parametrize(
    "text",
    [
        "1.5e3",
        "24/7",
        "1/3",
        "007",
        "1,23",
        "12,3456",
        "3x",
        "½",
        "²",
        "١٥",
        "dozens",
        "twice",
        "doubled",
        "halving",
        "₺5",
    ],
)
def test_what_cannot_be_read_for_certain_has_a_unit_of_its_own(text: str) -> None:
    found = numbers(text)
    assert {number.unit for number in found} == {UNREADABLE}, found


@pytest.mark.parametrize(("value", "covered"), [(4.5, True), (5.5, True), (4.499, False), (5.501, False)])
def test_the_ends_of_a_range_are_covered(value: float, covered: bool) -> None:
    assert Number(0, 1, "5", PERCENT, 5, 4.5, 5.5).covers(value) is covered
