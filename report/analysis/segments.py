"""Customer segments (the brief's section 5.4) and their breakdown (section 7.2)."""

import numpy as np
import numpy.typing as npt

from model.arrays import FloatArray
from model.churn import FEATURES
from report.analysis.cells import ScoredCells
from report.rules import HIGH, MEDIUM, SEGMENTS, SESSIONS_LIMITS, SPENT_LIMITS
from report.schema import SegmentName, SegmentRow, Trend


def segment_indices(features: FloatArray) -> npt.NDArray[np.intp]:
    """Return, for each row of `features` (n × 9), the index in `SEGMENTS` of the first segment whose rule fits."""
    spent = features[:, [FEATURES.index("total_spent_usd")]]
    sessions = features[:, [FEATURES.index("total_sessions")]]
    holds = (spent >= np.array(SPENT_LIMITS)) | (sessions >= np.array(SESSIONS_LIMITS))
    return np.where(holds.any(axis=1), holds.argmax(axis=1), len(SEGMENTS) - 1)


def in_segment(scored: ScoredCells, segment: SegmentName) -> ScoredCells:
    """Return the cells whose customers are in `segment`."""
    return scored.where(segment_indices(scored.cells.features) == SEGMENTS.index(segment))


def segment_breakdown(this_week: ScoredCells, last_week: ScoredCells) -> tuple[SegmentRow, ...]:
    """Return each segment's customers, their mean churn probability in percent, and its trend since last week."""
    return tuple(_segment_row(segment, in_segment(this_week, segment), in_segment(last_week, segment)) for segment in SEGMENTS)


def _segment_row(segment: SegmentName, now: ScoredCells, before: ScoredCells) -> SegmentRow:
    risk, risk_before = _risk_percent(now), _risk_percent(before)
    high = now.where(now.churn_probability >= HIGH).customers
    low = now.where(now.churn_probability < MEDIUM).customers
    trend: Trend = "flat"
    if before.customers and risk != risk_before:
        trend = "up" if risk > risk_before else "down"
    return SegmentRow(
        segment=segment,
        count=now.customers,
        riskLevel=risk,
        trend=trend,
        countBefore=before.customers,
        spent=round(now.spent, 2),
        expectedToLeave=round(now.expected_to_leave, 1),
        spendAtStake=round(now.spend_at_stake, 2),
        highRiskCount=high,
        mediumRiskCount=now.customers - high - low,
        lowRiskCount=low,
    )


def _risk_percent(scored: ScoredCells) -> float:
    return round((scored.mean_churn_probability or 0.0) * 100, 1)
