"""What past weeks teach: the correction of this shop's probabilities, and how right the report of four weeks ago was."""

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
"""The oldest teachers are dropped until the memory is at least this long, or one teacher is left."""


@dataclass(frozen=True)
class Known:
    """Which past weeks a client has, in weeks before the report's."""

    oldest_whole: int
    """The oldest counted week that began after the client's first event; 0 where there is none."""
    there: frozenset[int]
    """The past weeks that have customers, began after the client's first event, and are sound with all of their outcome."""
    gaps: frozenset[int] = frozenset()
    """The past weeks that would be there if no events were missing in them or in their outcome."""


@dataclass(frozen=True)
class Teachers:
    """The past weeks that teach the correction, and the memory that all weeks of the report share."""

    memory_weeks: int
    weeks: tuple[int, ...]
    """In weeks before the report's, newest first."""
    newest_position: int
    """The week whose weight is 1, whether it is there or not."""


def known_by_days(counts: DayCounts, week: Week) -> Known:
    """What the daily counts tell of the past weeks."""
    if counts.first_day is None:
        return Known(0, frozenset())
    oldest_whole = max(((week.start - counts.first_day).days - 1) // 7, 0)
    oldest_whole = min(oldest_whole, week.counted_weeks + MEMORY_WEEKS - 1)
    active = {(week.ending - day).days // 7 for day in counts.events}
    past = {weeks_ago for weeks_ago in range(week.newest_known, week.counted_weeks) if weeks_ago <= oldest_whole}
    gaps = {weeks_ago for weeks_ago in past if gap_days(counts, week, weeks_ago)}
    return Known(oldest_whole, frozenset((past & active) - gaps), frozenset(gaps))


def known_by_weeks(counted: CountedWeeks, week: Week) -> Known:
    """What the weeks themselves tell where the daily counts could not be had: gaps are not known."""
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
    """Fit the correction on the teachers, each with the weight of its position; identity without any.

    `log_odds` (m) is the model's call on the cells of `counted`.
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
    """How many customers these weeks had, each week's counted anew."""
    return int(counted.customers[:, sorted(weeks)].sum())


@dataclass(frozen=True)
class Reported:
    """A past week as its own report had it, as far as this report's memory tells."""

    scored: ScoredCells
    teachers: Teachers
    as_issued: bool


def as_reported(counted: CountedWeeks, log_odds: FloatArray, known: Known, weeks_ago: int) -> Reported | None:
    """Score a past week with the correction that was known when it ended; None where these weeks are not counted."""
    newest_position = weeks_ago + WEEKS_TO_COME_BACK
    if newest_position + len(WEIGHTS) > counted.weeks:
        return None
    then = teachers_of(known, newest_position, last_week=weeks_ago + 1)
    there = counted.customers[:, weeks_ago] > 0
    probabilities = apply(correction(counted, log_odds, then), log_odds[there])
    scored = ScoredCells(counted.week(weeks_ago), probabilities)
    return Reported(scored, then, then.memory_weeks == counted.memory_weeks)


def backtest(counted: CountedWeeks, log_odds: FloatArray, known: Known, week: Week) -> Backtest | None:
    """Hold what the report of four weeks ago said against what its customers have done since.

    None where that week is not there. Scored with this report's memory and the correction known by then.
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
