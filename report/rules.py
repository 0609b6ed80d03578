"""The thresholds of the brief's sections 5.3, 5.4 and 6.1, which analysis and pages share."""

from report.schema import SegmentName, SegmentRule, Thresholds
from report.week import DAYS_TO_COME_BACK

HIGH = 0.7
MEDIUM = 0.4
CHURNED = 0.8
"""From which churn probability on a customer is at high risk, at medium risk, or counts as churned."""

SEGMENTS: tuple[SegmentName, ...] = ("High-Value", "Regular", "Occasional", "New")
SPENT_LIMITS = (1000, 200, 50)
SESSIONS_LIMITS = (40, 15, 5)
"""What makes a customer one of each segment but the last: this many dollars or sessions in the week, or more."""

THRESHOLDS = Thresholds(high=HIGH, medium=MEDIUM, churned=CHURNED, days_to_come_back=DAYS_TO_COME_BACK)
SEGMENT_RULES = (
    *(
        SegmentRule(segment=name, spent_usd=spent, sessions=sessions)
        for name, spent, sessions in zip(SEGMENTS, SPENT_LIMITS, SESSIONS_LIMITS, strict=False)
    ),
    SegmentRule(segment=SEGMENTS[-1], spent_usd=None, sessions=None),
)
