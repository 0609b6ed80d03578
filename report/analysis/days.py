"""Find the days on which a client's events are missing by more than chance."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from statistics import median

from report.week import WEEKS_TO_COME_BACK, Week

MIN_MISSING_EVENTS = 7
"""A run of days without events is more than chance if at least this many events are usual: e⁻⁷ is one in a thousand."""
MIN_GAP_DAYS = 3
"""A past week is not used if it or its outcome has this many such days."""


@dataclass(frozen=True)
class DayCounts:
    """How many events each local day had; days without any are left out."""

    events: Mapping[date, int]
    rows: int
    """How many rows the newest week has."""
    repeated_rows: int
    """How many of them are exact copies of another."""

    @property
    def first_day(self) -> date | None:
        """Return the day of the client's first counted event; None if there is none."""
        return min(self.events, default=None)


def silent_runs(counts: DayCounts, week: Week, period: Sequence[date]) -> tuple[tuple[date, ...], ...]:
    """Find the runs of finished days of `period` without events that are more than chance, from the client's first event on.

    The medians of their weekdays add up to at least seven events. A median is taken over the counted weeks since the client's
    first event, without the week of the day itself.
    """
    first_day = counts.first_day
    if first_day is None:
        return ()
    finished = [day for day in period if first_day <= day < week.today]
    runs = [tuple(run) for silent, run in groupby(finished, lambda day: day not in counts.events) if silent]
    return tuple(run for run in runs if sum(usual_events(counts, week, day) for day in run) >= MIN_MISSING_EVENTS)


def usual_events(counts: DayCounts, week: Week, day: date) -> float:
    """Return the median number of events on the weekday of `day` in the other weeks; 0 if there are none."""
    first_day = counts.first_day
    if first_day is None:
        return 0.0
    newest = day + timedelta(days=7 * ((week.ending - day).days // 7))
    same_weekdays = [newest - timedelta(days=7 * back) for back in range((newest - first_day).days // 7 + 1)]
    others = [other for other in same_weekdays if other != day and other < week.today]
    return median(counts.events.get(other, 0) for other in others) if others else 0.0


def days_of(week: Week, weeks_ago: int) -> tuple[date, ...]:
    """Return the seven days of the week that is this many weeks before `week`, oldest first."""
    start = week.start - timedelta(days=7 * weeks_ago)
    return tuple(start + timedelta(days=day) for day in range(7))


def silent_days(counts: DayCounts, week: Week, weeks_ago: int) -> tuple[date, ...]:
    """Return the days of a past week whose events are missing by more than chance. Other weeks are not compared with it."""
    return tuple(day for run in silent_runs(counts, week, days_of(week, weeks_ago)) for day in run)


def gap_days(counts: DayCounts, week: Week, weeks_ago: int) -> tuple[date, ...]:
    """Return the missing days of a past week and of the 28 days after it, if there are too many to use the week."""
    outcome = [day for later in range(1, WEEKS_TO_COME_BACK + 1) for day in days_of(week, weeks_ago - later)]
    gaps: list[date] = []
    for period in (days_of(week, weeks_ago), sorted(outcome)):
        silent = [day for run in silent_runs(counts, week, period) for day in run]
        counting = [day for day in silent if usual_events(counts, week, day) >= 1]
        gaps += counting if len(counting) >= MIN_GAP_DAYS else []
    return tuple(gaps)
