"""Which week is meant, and which days it has."""

import time
from collections.abc import Iterator
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from report.week import Week, midnight, week_at, week_starts

UTC_ZONE = ZoneInfo("UTC")


def week(ending: date, today: date) -> Week:
    return Week(ending, UTC_ZONE, today)


@pytest.mark.parametrize(
    ("now", "time_zone", "ending"),
    [
        ("2025-01-19T12:00", "UTC", date(2025, 1, 12)),  # a Sunday is not over
        ("2025-01-20T00:00", "UTC", date(2025, 1, 19)),
        ("2025-01-25T23:59", "UTC", date(2025, 1, 19)),
        ("2025-01-20T04:59", "America/New_York", date(2025, 1, 12)),
        ("2025-01-20T05:00", "America/New_York", date(2025, 1, 19)),
        ("2025-01-19T15:00", "Asia/Tokyo", date(2025, 1, 19)),
    ],
)
def test_without_a_day_it_is_the_week_of_the_last_sunday_before_the_shops_today(now: str, time_zone: str, ending: date) -> None:
    found = week_at(datetime.fromisoformat(now).replace(tzinfo=UTC), ZoneInfo(time_zone))
    assert (found.ending, found.time_zone.key) == (ending, time_zone)
    assert not found.partial


def test_a_named_day_is_the_last_of_seven_whatever_weekday_it_is() -> None:
    found = week_at(datetime(2025, 6, 1, tzinfo=UTC), UTC_ZONE, date(2025, 1, 15))
    assert (found.start, found.ending, found.today) == (date(2025, 1, 9), date(2025, 1, 15), date(2025, 6, 1))


@pytest.mark.parametrize(
    ("today", "partial", "as_of"),
    [
        (date(2025, 1, 20), False, date(2025, 1, 19)),
        (date(2025, 1, 19), True, date(2025, 1, 19)),
        (date(2025, 1, 15), True, date(2025, 1, 15)),
    ],
)
def test_a_week_is_partial_until_its_last_day_is_over(today: date, partial: bool, as_of: date) -> None:
    running = week(date(2025, 1, 19), today)
    assert (running.partial, running.as_of) == (partial, as_of)


@pytest.mark.parametrize(("today", "begun"), [(date(2025, 1, 12), False), (date(2025, 1, 13), True)])
def test_a_week_has_begun_from_its_first_day_on(today: date, begun: bool) -> None:
    assert week(date(2025, 1, 19), today).begun == begun


@pytest.mark.parametrize(
    ("today", "newest_known", "counted", "first_day"),
    [
        (date(2025, 1, 20), 4, 12, date(2024, 8, 26)),
        (date(2025, 1, 19), 5, 13, date(2024, 8, 19)),  # today is not a whole day
    ],
)
def test_a_past_week_is_known_once_28_whole_days_are_over(today: date, newest_known: int, counted: int, first_day: date) -> None:
    found = week(date(2025, 1, 19), today)
    assert (found.newest_known, found.counted_weeks, found.first_counted_day) == (newest_known, counted, first_day)
    assert found.weeks_before(4).ending == date(2024, 12, 22)


@pytest.mark.parametrize("ending", [date(1, 7, 1), date(9999, 12, 29)])
def test_the_first_and_the_last_week_of_the_calendar_are_weeks(ending: date) -> None:
    assert week_at(datetime(2025, 1, 20, tzinfo=UTC), UTC_ZONE, ending).ending == ending


@pytest.mark.parametrize("ending", [date(1, 6, 30), date(9999, 12, 30)])
def test_beyond_them_is_no_week_and_the_message_says_what_is(ending: date) -> None:
    with pytest.raises(ValueError, match=r"^a week ends between 0001-07-01 and 9999-12-29$"):
        week_at(datetime(2025, 1, 20, tzinfo=UTC), UTC_ZONE, ending)


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A server whose own clock is Nepal's."""
    with monkeypatch.context() as here:
        here.setenv("TZ", "Asia/Kathmandu")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("elsewhere")
@pytest.mark.parametrize(
    ("day", "time_zone", "instant"),
    [
        (date(2025, 1, 13), "UTC", "2025-01-13T00:00"),
        (date(2025, 1, 13), "America/New_York", "2025-01-13T05:00"),
        (date(2025, 7, 13), "America/New_York", "2025-07-13T04:00"),
        (date(2018, 11, 4), "America/Sao_Paulo", "2018-11-04T03:00"),  # midnight is skipped: the jump
        (date(2018, 2, 17), "America/Sao_Paulo", "2018-02-17T02:00"),
        (date(2024, 11, 3), "America/Havana", "2024-11-03T04:00"),  # midnight comes twice: the first
    ],
)
def test_a_day_begins_at_its_first_instant_wherever_the_server_stands(day: date, time_zone: str, instant: str) -> None:
    found = midnight(day, ZoneInfo(time_zone))
    assert (found.isoformat(timespec="minutes"), found.tzinfo) == (f"{instant}+00:00", UTC)


def test_weeks_begin_at_local_midnights_oldest_first() -> None:
    assert week_starts(date(2025, 4, 6), 2, ZoneInfo("Europe/Berlin")) == [
        datetime(2025, 3, 23, 23, tzinfo=UTC),
        datetime(2025, 3, 30, 22, tzinfo=UTC),
    ]
