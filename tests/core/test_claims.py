"""A number of a text as a claim: what it counts, and between which true values it holds."""

import math

import pytest

from report.summary.claims import (
    ACTIONS,
    CALENDAR_DAY,
    CUSTOMERS,
    DAYS,
    DECIMAL,
    DOLLARS,
    FACTORS,
    FALLEN,
    OTHER,
    PERCENT,
    POINTS,
    RISEN,
    SEGMENTS,
    UNREADABLE,
    WEEKS,
    YEAR,
    Claim,
    borne_out,
    claims,
)


@pytest.mark.parametrize(
    ("text", "unit", "low", "high"),
    [
        # A number as it stands is rounded to its last place.
        ("150 customers", CUSTOMERS, 149.5, 150.5),
        ("1,200 customers", CUSTOMERS, 1199.5, 1200.5),
        ("5.2%", PERCENT, 5.15, 5.25),
        ("15%", PERCENT, 14.5, 15.5),
        ("$12.50", DOLLARS, 12.495, 12.505),
        ("0.153", DECIMAL, 0.1525, 0.1535),
        # A hedge lets it be rough, in its own direction, by a twentieth of itself at most.
        ("about 1,200 customers", CUSTOMERS, 1150, 1250),
        ("roughly 1,000 customers", CUSTOMERS, 950, 1050),
        ("Some 150 customers", CUSTOMERS, 145, 155),
        ("over 1,200 customers", CUSTOMERS, 1200, 1299.5),
        ("more than the 1,200 customers", CUSTOMERS, 1200, 1299.5),
        ("nearly 1,200 customers", CUSTOMERS, 1100.5, 1200),
        ("less than a 12%", PERCENT, 11.005, 12),
        ("about 5.2%", PERCENT, 5.15, 5.25),
        ("about 153 customers", CUSTOMERS, 152.5, 153.5),
        ("around $40", DOLLARS, 38, 42),
        # A scale says which place is the last.
        ("1.2k customers", CUSTOMERS, 1150, 1250),
        ("1.25 thousand customers", CUSTOMERS, 1245, 1255),
        ("3m customers", CUSTOMERS, 2_850_000, 3_150_000),
        ("$2bn", DOLLARS, 1_900_000_000, 2_100_000_000),
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
        ("half", PERCENT, 49.5, 50.5),
        ("two-thirds", PERCENT, 200 / 3 - 0.5, 200 / 3 + 0.5),
        ("a quarter", PERCENT, 24.5, 25.5),
        ("an eighth", PERCENT, 12, 13),
        ("one in five", PERCENT, 19.5, 20.5),
        ("1 out of every 50", PERCENT, 1.9, 2.1),
        ("about half", PERCENT, 47.5, 52.5),
        # Directions, within a few words and no stop.
        ("rose by 5%", RISEN, 4.5, 5.5),
        ("up 5 percent", RISEN, 4.5, 5.5),
        ("fell by about 20%", FALLEN, 19, 21),
        ("a 5% drop", FALLEN, 4.5, 5.5),
        ("a 5% sharp drop", FALLEN, 4.5, 5.5),
        ("a 5% rather sharp drop", PERCENT, 4.5, 5.5),
        ("It fell. Now 5%", PERCENT, 4.5, 5.5),
        ("fell since last week by 5%", PERCENT, 4.5, 5.5),
        ("fell last week by 5%", FALLEN, 4.5, 5.5),
        ("5%. Growth", PERCENT, 4.5, 5.5),
        ("rose by 5 customers", CUSTOMERS, 4.5, 5.5),
        # What is counted.
        ("3 percentage points", POINTS, 2.5, 3.5),
        ("2 dollars", DOLLARS, 1.5, 2.5),
        ("28 days", DAYS, 27.5, 28.5),
        ("a seven-day week", DAYS, 6.5, 7.5),
        ("4 weeks", WEEKS, 3.5, 4.5),
        ("3 visits", OTHER, 2.5, 3.5),
        ("three main risk factors", FACTORS, 2.5, 3.5),
        ("four customer segments", SEGMENTS, 3.5, 4.5),
        ("two next steps", ACTIONS, 1.5, 2.5),
        ("150 of the factors", CUSTOMERS, 149.5, 150.5),
        ("150 customers factors", CUSTOMERS, 149.5, 150.5),
    ],
)
def test_a_number_claims_a_unit_and_a_range(text: str, unit: str, low: float, high: float) -> None:
    assert all(claim.words in text for claim in claims(text))
    found = [(claim.unit, claim.low, claim.high) for claim in claims(text)]
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
        ("$10-$15", [(DOLLARS, 10), (DOLLARS, 15)]),
        ("$10 to 15", [(DOLLARS, 10), (DOLLARS, 15)]),
        ("10 and 15 visits", [(OTHER, 10), (OTHER, 15)]),
        ("10. And 15%", [(CUSTOMERS, 10), (PERCENT, 15)]),
        ("-$5", [(DOLLARS, 5)]),
        ("one hundred and 20 percent", [(PERCENT, 100), (PERCENT, 20)]),
    ],
)
def test_dates_and_ranges_are_several_claims(text: str, found: list[tuple[str, float]]) -> None:
    assert all(claim.words in text.replace("–", "-") for claim in claims(text))
    assert [(claim.unit, claim.value) for claim in claims(text)] == found


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
        "€5",
        "£5",
        "¥5",
    ],
)
def test_what_cannot_be_read_for_certain_is_a_claim_that_nothing_bears_out(text: str) -> None:
    found = claims(text)
    assert {claim.unit for claim in found} == {UNREADABLE}, found
    assert not any(borne_out(claim, {UNREADABLE: [0, math.nan], CUSTOMERS: range(100)}) for claim in found)


@pytest.mark.parametrize(
    ("unit", "borne_out_by"),
    [(PERCENT, {PERCENT, RISEN, FALLEN}), (RISEN, {PERCENT, RISEN}), (FALLEN, {PERCENT, FALLEN}), (DOLLARS, {DOLLARS})],
)
def test_a_claim_is_borne_out_by_its_own_kind_alone_and_a_bare_percentage_by_a_rise_or_a_fall(
    unit: str, borne_out_by: set[str]
) -> None:
    claim = Claim("5", unit, 5, 4.5, 5.5)
    assert {other for other in (PERCENT, RISEN, FALLEN, DOLLARS, CUSTOMERS) if borne_out(claim, {other: [5]})} == borne_out_by


@pytest.mark.parametrize(("value", "true"), [(4.5, True), (5.5, True), (4.499, False), (5.501, False)])
def test_the_ends_of_a_claim_bear_it_out(value: float, true: bool) -> None:
    assert borne_out(Claim("5", PERCENT, 5, 4.5, 5.5), {PERCENT: [value]}) is true
