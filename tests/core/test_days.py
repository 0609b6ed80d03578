"""Which days of a shop are missing: made-up daily counts, of a shop that is closed on Sundays."""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest

from report.analysis.days import DayCounts, days_of, gap_days, silent_days, usual_events
from report.week import Week

WEEK = Week(date(2025, 3, 2), ZoneInfo("UTC"), date(2025, 4, 1))
USUAL = (10, 4, 4, 4, 4, 2, 0)
"""How many events come on a Monday, ..., a Sunday."""


def counts(*missing: date, first_day: date = date(2024, 10, 7)) -> DayCounts:
    """The daily counts until the end of March, without these days."""
    days = [first_day + timedelta(days=day) for day in range((date(2025, 4, 1) - first_day).days)]
    return DayCounts({day: USUAL[day.weekday()] for day in days if USUAL[day.weekday()] and day not in missing}, 0, 0)


def january(*days: int) -> tuple[date, ...]:
    return tuple(date(2025, 1, day) for day in days)


def february(*days: int) -> tuple[date, ...]:
    return tuple(date(2025, 2, day) for day in days)


def test_a_week_is_seven_days_and_the_week_before_ends_on_the_day_before() -> None:
    assert days_of(WEEK, 0) == (*february(24, 25, 26, 27, 28), date(2025, 3, 1), date(2025, 3, 2))
    assert days_of(WEEK, 1) == february(17, 18, 19, 20, 21, 22, 23)


@pytest.mark.parametrize(
    ("closed", "missing"),
    [
        ((), ()),
        (february(24), february(24)),  # 10 events are usual on a Monday
        (february(25), ()),  # 4 events more or less are chance
        (february(25, 26), february(25, 26)),
        (february(25, 27), ()),  # two runs of 4 events each
        (february(28), ()),
    ],
)
def test_days_are_missing_where_seven_events_would_be_usual(closed: tuple[date, ...], missing: tuple[date, ...]) -> None:
    assert silent_days(counts(*closed), WEEK, 0) == missing


def test_a_run_of_missing_days_takes_the_usual_sunday_with_it() -> None:
    weekend = (*february(27, 28), date(2025, 3, 1))
    assert silent_days(counts(*weekend), WEEK, 0) == (*weekend, date(2025, 3, 2))


def test_before_the_first_event_and_from_today_on_no_day_is_missing() -> None:
    young = counts(first_day=date(2025, 2, 26))
    assert silent_days(young, WEEK, 0) == ()
    assert silent_days(DayCounts({}, 0, 0), WEEK, 0) == ()
    running = Week(WEEK.ending, WEEK.time_zone, date(2025, 2, 25))
    assert silent_days(counts(*february(24, 25, 26, 27, 28)), running, 0) == february(24)


def test_what_is_usual_is_the_median_of_the_other_weeks_since_the_first_event() -> None:
    monday = date(2025, 2, 24)
    assert usual_events(counts(), WEEK, monday) == 10
    assert usual_events(counts(monday), WEEK, monday) == 10
    three_weeks = DayCounts({date(2025, 2, 10): 1, date(2025, 2, 17): 4, date(2025, 2, 24): 99}, 0, 0)
    assert usual_events(three_weeks, WEEK, monday) == 2.5
    assert usual_events(three_weeks, WEEK, date(2025, 2, 10)) == 51.5
    sundays = DayCounts({date(2025, 2, 16): 1, date(2025, 2, 23): 4, date(2025, 3, 2): 7}, 0, 0)
    assert usual_events(sundays, WEEK, date(2025, 2, 16)) == 5.5
    assert usual_events(DayCounts({monday: 3}, 0, 0), WEEK, monday) == 0
    assert usual_events(DayCounts({}, 0, 0), WEEK, monday) == 0


@pytest.mark.parametrize(
    ("closed", "gap"),
    [
        (february(3, 4), ()),  # two days are too few
        (january(29, 30, 31), january(29, 30, 31)),  # of the week four weeks before
        (february(3, 4, 5), february(3, 4, 5)),  # of its outcome
        ((*february(28), date(2025, 3, 1), date(2025, 3, 2)), ()),  # the shop is closed on Sundays anyway: two days
        ((date(2025, 3, 3), date(2025, 3, 4), date(2025, 3, 5)), ()),  # after its outcome
        (january(22, 23, 24), ()),  # before the week
    ],
)
def test_a_past_week_has_a_gap_if_three_days_of_it_or_of_its_outcome_are_missing(
    closed: tuple[date, ...], gap: tuple[date, ...]
) -> None:
    assert gap_days(counts(*closed), WEEK, 4) == gap
