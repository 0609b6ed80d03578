"""The public contract: the report and its parts as the brief's sections 9.1 and 10.1 name them, and the problem format.

These models are what goes out, what `/openapi.json` describes, and what every section of the report builds.
"""

from datetime import date, datetime
from http import HTTPStatus
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from model.calibration import Calibration

RiskLevel = Literal["High", "Medium", "Low"]
SegmentName = Literal["High-Value", "Regular", "Occasional", "New"]
Trend = Literal["up", "down", "flat"]
Priority = Literal["high", "medium", "low"]
SummarySource = Literal["gemini", "template"]

Share = Annotated[float, Field(ge=0, le=1)]
Percent = Annotated[float, Field(ge=0, le=100)]
Count = Annotated[int, Field(ge=0)]


class Part(BaseModel):
    """A part of the report: immutable, with no field that its class does not name."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class PreviousWeekComparison(Part):
    """Change against the week before, in percent of that week's value; null where that is 0 or missing."""

    highRisk: float | None
    churned: float | None
    retention: float | None


class Summary(Part):
    """The week in numbers. The rates are null for a week without customers."""

    totalCustomers: Count
    highRiskCount: Count
    churnedThisWeek: Count
    retentionRate: Percent | None
    avgChurnProbability: Share | None
    prevWeekComparison: PreviousWeekComparison


class RiskCount(Part):
    """How many of the week's customers are at one risk level."""

    riskLevel: RiskLevel
    count: Count


class RiskFactor(Part):
    """A reason why customers are at high risk, and how widely it leads."""

    factor: str
    impact: RiskLevel


class SegmentRow(Part):
    """One customer segment: its size, its mean churn probability in percent, and that risk's trend against last week."""

    segment: SegmentName
    count: Count
    riskLevel: Percent
    trend: Trend


class Recommendation(Part):
    """Something to do about it, and what it is about in this shop's own numbers."""

    action: str
    priority: Priority
    expectedImpact: str


class AtRiskCustomer(Part):
    """One of the riskiest customers of the week; the tables' columns keep their names. Email and name may be missing (null)."""

    user_id: str
    email: str | None
    name: str | None
    churnProbability: Share
    riskLevel: RiskLevel
    segment: SegmentName
    total_spent_usd: float
    topRiskFactors: tuple[str, ...]


class HistoryWeek(Part):
    """One of the last weeks in numbers. The rates are null for a week without customers."""

    week_ending: date
    customers: Count
    highRiskCount: Count
    churned: Count
    retentionRate: Percent | None
    avgChurnProbability: Share | None


class ReportData(Part):
    """The report of the brief's section 9.1, and the risk levels; customers and history only where they were asked for."""

    summary: Summary
    keyInsights: tuple[str, ...]
    topRiskFactors: tuple[RiskFactor, ...]
    segmentBreakdown: tuple[SegmentRow, ...]
    recommendations: tuple[Recommendation, ...]
    executiveSummary: str
    riskBreakdown: tuple[RiskCount, ...]
    """High, Medium and Low, in that order."""
    atRiskCustomers: tuple[AtRiskCustomer, ...] | None = Field(default=None, exclude_if=lambda customers: customers is None)
    history: tuple[HistoryWeek, ...] | None = Field(default=None, exclude_if=lambda history: history is None)
    """The last eight weeks, oldest first."""


class Backtest(Part):
    """How right the last call was: what the model said of a past week's customers, and what they did in the 28 days since."""

    week_ending: date
    customers: Count
    churned: Count
    expected_churn_rate: Share
    observed_churn_rate: Share
    flagged_high: Count
    flagged_high_lost: Count


class Meta(Part):
    """Where the report comes from: whose it is, which week it covers, and what made it."""

    client_id: int
    client_name: str | None = Field(default=None, exclude_if=lambda name: name is None)
    week_start: date
    time_zone: str
    partial: bool
    generated_at: datetime
    model_version: str
    summary_source: SummarySource
    outside_training_range: Share | None
    """The share of the week's customers with a feature beyond those that the model was trained on; null where nobody knows."""
    backtest: Backtest | None
    calibration: Calibration
    """The correction of the model's probabilities for this shop: p' = sigmoid(intercept + slope × logit(p))."""


class Report(Part):
    """The answer of `GET /reports/generate`, as in the brief's section 10.1, with `meta` beside it."""

    week_ending: date
    report_data: ReportData
    meta: Meta


_NEWER_PHRASES = {413: "Content Too Large", 414: "URI Too Long", 422: "Unprocessable Content"}
"""Those that Python knows only since 3.13, so that a title is the same on each."""


class Problem(Part):
    """What went wrong, as RFC 9457 has it (`application/problem+json`)."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    parameter: str | None = None
    """Which parameter is at fault, where one is."""

    @classmethod
    def of(cls, status: int, detail: str, parameter: str | None = None) -> "Problem":
        """The problem of an HTTP status, titled with the status's own phrase, which is RFC 9110's."""
        title = _NEWER_PHRASES.get(status, HTTPStatus(status).phrase)
        return cls(title=title, status=status, detail=detail, parameter=parameter)
