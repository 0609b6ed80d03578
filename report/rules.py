"""The thresholds of the brief's sections 5.3, 5.4 and 6.1, which analysis and pages share."""

from report.schema import SegmentName

HIGH = 0.7
MEDIUM = 0.4
CHURNED = 0.8
"""From which churn probability on a customer is at high risk, at medium risk, or counts as churned."""

SEGMENTS: tuple[SegmentName, ...] = ("High-Value", "Regular", "Occasional", "New")
SPENT_LIMITS = (1000, 200, 50)
SESSIONS_LIMITS = (40, 15, 5)
"""What makes a customer one of each segment but the last: this many dollars or sessions in the week, or more."""
