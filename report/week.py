"""The week of a report: seven local days and their instants in the shop's time zone."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

FIRST_WEEK_ENDING = date(1, 7, 1)
LAST_WEEK_ENDING = date(9999, 12, 29)
"""Outside this range, a week or the weeks before it have days that Python's or BigQuery's calendar does not have."""

DAYS_TO_COME_BACK = 28
"""Churned means: no event of any type in this many days after the week's last day."""
WEEKS_TO_COME_BACK = DAYS_TO_COME_BACK // 7
MEMORY_WEEKS = 8
"""How many weeks before a week its memory covers at most."""


@dataclass(frozen=True)
class Week:
    """Seven local days of a shop (the brief's section 3.1); `ending` is the last."""

    ending: date
    time_zone: ZoneInfo
    today: date
    """The shop's own date when the report is made."""

    @property
    def start(self) -> date:
        """Return the first of the seven days."""
        return self.ending - timedelta(days=6)

    @property
    def begun(self) -> bool:
        """Tell whether the first day has come."""
        return self.start <= self.today

    @property
    def not_begun(self) -> str:
        """Say that the week has not begun, and when it begins."""
        return f"The week that ends on {self.ending} has not begun; week_ending takes it from its first day on, {self.start}."

    @property
    def partial(self) -> bool:
        """Tell whether the week is not over yet."""
        return self.today <= self.ending

    @property
    def as_of(self) -> date:
        """Return the day from which inactivity counts: the week's last day, or today while the week is not over.

        With the brief's "today" in every case, every customer in a report of last March would look lost.
        """
        return min(self.ending, self.today)

    @property
    def newest_known(self) -> int:
        """Return how many weeks ago the newest past week with a known outcome ended: its customers have had 28 whole days.

        While this week runs, its days do not count for an outcome.
        """
        return WEEKS_TO_COME_BACK + self.partial

    @property
    def counted_weeks(self) -> int:
        """Return how many weeks are counted with features: back to the oldest that taught the report of four weeks ago."""
        return self.newest_known + 2 * WEEKS_TO_COME_BACK

    @property
    def first_counted_day(self) -> date:
        """Return the first day whose events are counted: one week before the memory of the oldest counted week.

        The extra week shows whether the client had events before that memory.
        """
        return self.start - timedelta(days=7 * (self.counted_weeks + MEMORY_WEEKS))

    def weeks_before(self, weeks: int) -> "Week":
        """Return the week that ended this many weeks earlier."""
        return replace(self, ending=self.ending - timedelta(days=7 * weeks))


def week_at(now: datetime, time_zone: ZoneInfo, ending: date | None = None) -> Week:
    """Return the week that ends on `ending`, by default the one that ended on the last Sunday before the shop's today.

    `now` is an aware datetime. Raises ValueError for a week too near the ends of the calendar.
    """
    today = now.astimezone(time_zone).date()
    ending = ending or today - timedelta(days=today.weekday() + 1)
    if not FIRST_WEEK_ENDING <= ending <= LAST_WEEK_ENDING:
        raise ValueError(f"a week ends between {FIRST_WEEK_ENDING:%4Y-%m-%d} and {LAST_WEEK_ENDING}")
    return Week(ending, time_zone, today)


def week_starts(ending: date, weeks: int, time_zone: ZoneInfo) -> list[datetime]:
    """Return the instants (UTC) at which `weeks` weeks begin, oldest first; the last of them ends on `ending`."""
    return [midnight(ending - timedelta(days=7 * weeks_ago + 6), time_zone) for weeks_ago in reversed(range(weeks))]


def midnight(day: date, time_zone: ZoneInfo) -> datetime:
    """Return the instant (UTC) at which `day` begins in `time_zone`.

    If clocks jump over midnight, the day begins at the jump; if midnight comes twice, at the first one.
    """
    return datetime.combine(day, time.min, time_zone).astimezone(UTC)
