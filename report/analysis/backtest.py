"""The correction of this shop's probabilities from past weeks, and the backtest of the report of four weeks ago."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from model.arrays import FloatArray
from model.calibration import IDENTITY, WEIGHTS, Calibration, apply, fit
from report.analysis.cells import CountedWeeks, ScoredCells
from report.analysis.days import DayCounts, gap_days
from report.analysis.risk import in_riskiest_tenth
from report.rules import HIGH
from report.schema import Backtest
from report.week import MEMORY_WEEKS, WEEKS_TO_COME_BACK, Week

MIN_MEMORY_WEEKS = 4
"""The oldest teachers (past weeks for the correction) are dropped until the memory is this long, or one teacher is left."""


@dataclass(frozen=True)
class Known:
    """The past weeks of a client, counted in weeks before the report's week."""

    oldest_whole: int
    """The oldest counted week that began after the client's first event; 0 if there is none."""
    there: frozenset[int]
    """The past weeks that have customers, began after the client's first event, and have no gap in the week or its outcome."""
    gaps: frozenset[int] = frozenset()
    """The past weeks that cannot be used because events are missing in the week or its outcome."""


@dataclass(frozen=True)
class Teachers:
    """The past weeks that teach the correction, and the memory that all weeks of the report share."""

    memory_weeks: int
    weeks: tuple[int, ...]
    """In weeks before the report's week, newest first."""
    newest_position: int
    """The week whose weight is 1, even if it cannot be used."""


def known_by_days(counts: DayCounts, week: Week) -> Known:
    """Find the past weeks from the daily counts."""
    if counts.first_day is None:
        return Known(0, frozenset())
    oldest_whole = max(((week.start - counts.first_day).days - 1) // 7, 0)
    oldest_whole = min(oldest_whole, week.counted_weeks + MEMORY_WEEKS - 1)
    active = {(week.ending - day).days // 7 for day in counts.events}
    past = {weeks_ago for weeks_ago in range(week.newest_known, week.counted_weeks) if weeks_ago <= oldest_whole}
    gaps = {weeks_ago for weeks_ago in past if gap_days(counts, week, weeks_ago)}
    return Known(oldest_whole, frozenset((past & active) - gaps), frozenset(gaps))


def known_by_weeks(counted: CountedWeeks, week: Week) -> Known:
    """Find the past weeks from the counted weeks, if the daily counts failed: gaps are then unknown."""
    active = {weeks_ago for weeks_ago, total in enumerate(counted.totals) if total.customers}
    if not active:
        return Known(0, frozenset())
    oldest = max(active)
    oldest_whole = oldest if oldest == len(counted.totals) - 1 else oldest - 1
    past = range(week.newest_known, week.counted_weeks)
    return Known(
        max(oldest_whole, 0), frozenset(weeks_ago for weeks_ago in past if weeks_ago in active and weeks_ago <= oldest_whole)
    )


def teachers_of(known: Known, newest_position: int, last_week: int = 1) -> Teachers:
    """Choose the teachers among four positions from `newest_position` on, and the memory.

    The memory is the whole weeks from the client's first event to the start of the oldest teacher, at most eight; the oldest
    teachers are dropped until it is at least four or one teacher is left. Without a teacher it is the whole weeks before
    `last_week`.
    """
    weeks = [week for week in range(newest_position, newest_position + len(WEIGHTS)) if week in known.there]
    while len(weeks) > 1 and known.oldest_whole - weeks[-1] < MIN_MEMORY_WEEKS:
        weeks.pop()
    memory_weeks = known.oldest_whole - (weeks[-1] if weeks else last_week)
    return Teachers(min(max(memory_weeks, 0), MEMORY_WEEKS), tuple(weeks), newest_position)


def correction(counted: CountedWeeks, log_odds: FloatArray, teachers: Teachers) -> Calibration:
    """Fit the correction on the teachers, each with the weight of its position. Return identity without teachers.

    `log_odds` (m) are the model's log-odds for the cells of `counted`.
    """
    if not teachers.weeks:
        return IDENTITY
    weights = [WEIGHTS[week - teachers.newest_position] for week in teachers.weeks]
    customers = [weight * counted.customers[:, week] for weight, week in zip(weights, teachers.weeks, strict=True)]
    churned = [weight * counted.churned[:, week] for weight, week in zip(weights, teachers.weeks, strict=True)]
    everybody, gone = np.concatenate(customers), np.concatenate(churned)
    there = everybody > 0
    return fit(np.tile(log_odds, len(weights))[there], everybody[there], gone[there])


def customer_weeks(counted: CountedWeeks, weeks: Collection[int]) -> int:
    """Count the customers of these weeks; a customer of several weeks counts in each."""
    return int(counted.customers[:, sorted(weeks)].sum())


@dataclass(frozen=True)
class Reported:
    """A past week as in the report of that week, as far as this report's memory allows."""

    scored: ScoredCells
    teachers: Teachers
    as_issued: bool


def as_reported(counted: CountedWeeks, log_odds: FloatArray, known: Known, weeks_ago: int) -> Reported | None:
    """Score a past week with the correction of that time. Return None if the past weeks for it are not counted."""
    newest_position = weeks_ago + WEEKS_TO_COME_BACK
    if newest_position + len(WEIGHTS) > counted.weeks:
        return None
    then = teachers_of(known, newest_position, last_week=weeks_ago + 1)
    there = counted.customers[:, weeks_ago] > 0
    probabilities = apply(correction(counted, log_odds, then), log_odds[there])
    scored = ScoredCells(counted.week(weeks_ago), probabilities)
    return Reported(scored, then, then.memory_weeks == counted.memory_weeks)


def backtest(counted: CountedWeeks, log_odds: FloatArray, known: Known, week: Week) -> Backtest | None:
    """Compare the report of four weeks ago with the outcome.

    Uses this report's memory and the correction of that time. Returns None if that week cannot be used.
    """
    weeks_ago = week.newest_known
    reported = as_reported(counted, log_odds, known, weeks_ago)
    if weeks_ago not in known.there or reported is None or not reported.scored.customers:
        return None
    scored = reported.scored
    churned = counted.churned[counted.customers[:, weeks_ago] > 0, weeks_ago]
    high, tenth = scored.churn_probability >= HIGH, in_riskiest_tenth(scored)
    return Backtest(
        week_ending=week.weeks_before(weeks_ago).ending,
        customers=scored.customers,
        churned=int(churned.sum()),
        expected_churn_rate=round(scored.mean_churn_probability or 0.0, 4),
        observed_churn_rate=round(int(churned.sum()) / scored.customers, 4),
        flagged_high=scored.where(high).customers,
        flagged_high_lost=int(churned[high].sum()),
        riskiest_tenth=scored.where(tenth).customers,
        riskiest_tenth_lost=int(churned[tenth].sum()),
        as_issued=reported.as_issued,
        corrected=bool(reported.teachers.weeks),
    )
