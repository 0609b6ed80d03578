"""The week of a report: seven local days, the seven before them, and their instants in the shop's time zone."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

FIRST_WEEK_ENDING = date(1, 7, 1)
LAST_WEEK_ENDING = date(9999, 12, 29)
"""Weeks outside these have days, or weeks to compare with, that no calendar here reaches."""

DAYS_TO_COME_BACK = 28
"""Churned means: no event of any type in this many days after the week's last day."""
WEEKS_TO_COME_BACK = DAYS_TO_COME_BACK // 7
MEMORY_WEEKS = 8
"""How many weeks before a week its memory covers at most."""


@dataclass(frozen=True)
class Week:
    """Seven days of a shop, as the brief's section 3.1 has them; `ending` is the last."""

    ending: date
    time_zone: ZoneInfo
    today: date
    """The shop's own date when the report is made."""

    @property
    def start(self) -> date:
        """The first of the seven days."""
        return self.ending - timedelta(days=6)

    @property
    def begun(self) -> bool:
        """Whether its first day has come."""
        return self.start <= self.today

    @property
    def not_begun(self) -> str:
        """Say that it has not begun, and when it will."""
        return f"The week that ends on {self.ending} has not begun; week_ending takes it from its first day on, {self.start}."

    @property
    def partial(self) -> bool:
        """Whether the week is not over yet."""
        return self.today <= self.ending

    @property
    def as_of(self) -> date:
        """The day from which inactivity counts: the week's last, or today while the week is not over.

        The brief's "today" alone would make a report of last March call every customer lost.
        """
        return min(self.ending, self.today)

    @property
    def newest_known(self) -> int:
        """The newest past week, in weeks before this one, whose customers have had 28 whole days to come back.

        While this week runs, its days are no outcome yet.
        """
        return WEEKS_TO_COME_BACK + self.partial

    @property
    def counted_weeks(self) -> int:
        """How many weeks are counted with features: this one, back to the oldest that taught the report of four weeks ago."""
        return self.newest_known + 2 * WEEKS_TO_COME_BACK

    @property
    def first_counted_day(self) -> date:
        """The first day whose events are counted: a week more than the memory of the oldest counted week.

        So it is known whether the client had events before that memory.
        """
        return self.start - timedelta(days=7 * (self.counted_weeks + MEMORY_WEEKS))

    def weeks_before(self, weeks: int) -> "Week":
        """The same grid, this many weeks earlier."""
        return replace(self, ending=self.ending - timedelta(days=7 * weeks))


def week_at(now: datetime, time_zone: ZoneInfo, ending: date | None = None) -> Week:
    """The week that ends on `ending`; without it, the one that ended on the last Sunday before the shop's today.

    `now` is an aware datetime. Raises ValueError for a week too near the calendar's ends.
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
    """The instant (UTC) at which `day` begins in `time_zone`.

    Where clocks jump over midnight, that is the jump itself; where they pass it twice, the first time.
    """
    return datetime.combine(day, time.min, time_zone).astimezone(UTC)
