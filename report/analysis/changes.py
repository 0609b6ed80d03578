"""Find the figures that changed by more than chance: control limits for individual values, from the weeks before.

Wheeler & Chambers, "Understanding Statistical Process Control", 1992.
"""

from collections.abc import Collection, Mapping, Sequence
from itertools import pairwise
from math import ceil, floor
from statistics import fmean

from report.analysis.cells import ScoredCells
from report.analysis.segments import in_segment
from report.rules import SEGMENTS
from report.schema import Change, ChangeName, Verdict

BASELINE_WEEKS = 8
MIN_BASELINE_WEEKS = 6
LIMIT_FACTOR = 2.66
"""Control limits are this many mean moving ranges from the mean: 3 ÷ 1.128, the expected range of two normal values."""
WIDENING, WIDENING_OF_MONEY = 1.05, 1.3
"""Limits from only eight weeks are too narrow, and more so for money, whose values are skewed. They are widened until at most
3 % of the verdicts in steady shops are false (docs/changes.md)."""
MIN_CHANGE = 0.05
"""A change by a smaller share of the mean gets no verdict, even if the weeks before were steady."""
MIN_COUNT = 10
"""A count gets no verdict if it is below this now and on average: 2 customers instead of 1 are no news."""

LESS_IS_BETTER: frozenset[ChangeName] = frozenset({"expectedToLeave"})


Figures = Mapping[ChangeName, float]
"""The figures of a week that are compared with other weeks."""


def figures(week: ScoredCells) -> Figures:
    """Return the figures of a week that are compared with other weeks."""
    by_segment: dict[ChangeName, float] = {segment: float(in_segment(week, segment).customers) for segment in SEGMENTS}
    return {
        "customers": float(week.customers),
        "spent": week.spent,
        "expectedToLeave": week.expected_to_leave,
        **by_segment,
    }


def changes(
    this_week: Figures, last_week: Figures, baseline: Sequence[Figures], silenced: Collection[ChangeName] = ()
) -> tuple[Change, ...]:
    """Compare each figure of this week with the `baseline`: complete weeks before, newest first. Empty with fewer than six.

    Figures of `silenced` are left out: their data is broken.
    """
    if len(baseline) < MIN_BASELINE_WEEKS:
        return ()
    return tuple(
        _change(what, now, last_week[what], [week[what] for week in baseline])
        for what, now in this_week.items()
        if what not in silenced
    )


def _change(what: ChangeName, now: float, before: float, past: Sequence[float]) -> Change:
    limits = usual_range(past, WIDENING_OF_MONEY if what == "spent" else WIDENING)
    low, high = _in_whole_units(*limits)
    verdict: Verdict = "usual"
    worth_telling = what == "spent" or max(now, fmean(past)) >= MIN_COUNT
    if worth_telling and not (limits[0] <= now <= limits[1] or low <= round(now) <= high):
        verdict = "better" if (now > limits[1]) != (what in LESS_IS_BETTER) else "worse"
    return Change(
        what=what,
        now=_rounded(what, now),
        before=_rounded(what, before),
        usualLow=low,
        usualHigh=high,
        verdict=verdict,
    )


def usual_range(past: Sequence[float], widening: float) -> tuple[float, float]:
    """Return the control limits of the values of some weeks, in their order; not below 0 for values that never are."""
    mean_moving_range = fmean(abs(one - other) for one, other in pairwise(past))
    mean = fmean(past)
    reach = max(widening * LIMIT_FACTOR * mean_moving_range, MIN_CHANGE * abs(mean))
    low = mean - reach
    return max(low, 0.0) if min(past) >= 0 else low, mean + reach


def _in_whole_units(low: float, high: float) -> tuple[float, float]:
    """Return the whole numbers between the limits, so that a sentence never calls a figure unusual that it shows inside them."""
    inner = (float(ceil(low)), float(floor(high)))
    return inner if inner[0] <= inner[1] else (float(floor(low)), float(ceil(high)))


def _rounded(what: ChangeName, value: float) -> float:
    return round(value, 2 if what == "spent" else 1)
