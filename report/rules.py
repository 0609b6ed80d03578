"""The thresholds of the brief's sections 5.3, 5.4 and 6.1, and when weeks are comparable: for analysis, summary and pages."""

from collections.abc import Collection

from report.schema import Caveat, CaveatCode, LastWeek, SegmentName, SegmentRule, Thresholds
from report.week import DAYS_TO_COME_BACK

HIGH = 0.7
MEDIUM = 0.4
CHURNED = 0.8
"""The lowest churn probability of customers at high risk, at medium risk, and of those who count as churned."""

SEGMENTS: tuple[SegmentName, ...] = ("High-Value", "Regular", "Occasional", "New")
SPENT_LIMITS = (1000, 200, 50)
SESSIONS_LIMITS = (40, 15, 5)
"""For each segment except the last: the least dollars or sessions in the week of its customers."""

THRESHOLDS = Thresholds(high=HIGH, medium=MEDIUM, churned=CHURNED, days_to_come_back=DAYS_TO_COME_BACK)
SEGMENT_RULES = (
    *(
        SegmentRule(segment=name, spent_usd=spent, sessions=sessions)
        for name, spent, sessions in zip(SEGMENTS, SPENT_LIMITS, SESSIONS_LIMITS, strict=False)
    ),
    SegmentRule(segment=SEGMENTS[-1], spent_usd=None, sessions=None),
)

FORBIDS_COMPARING: frozenset[CaveatCode] = frozenset({"week_not_over", "days_without_events", "tracking_changed"})


def comparable_with_last_week(caveats: Collection[Caveat], last_week: LastWeek) -> bool:
    """Return whether this week's numbers may stand next to last week's: both are whole, and were counted alike."""
    return last_week.complete and not any(caveat.code in FORBIDS_COMPARING for caveat in caveats)
