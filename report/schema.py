"""The public contract: the report and its parts as the brief's sections 9.1 and 10.1 name them, and the problem format.

These models are what goes out, what `/openapi.json` describes, and what every section of the report builds.
"""

from datetime import date, datetime
from http import HTTPStatus
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from report.calibration import Calibration

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


class ReportData(Part):
    """The report of the brief's section 9.1; the at-risk customers only where they were asked for."""

    summary: Summary
    keyInsights: tuple[str, ...]
    topRiskFactors: tuple[RiskFactor, ...]
    segmentBreakdown: tuple[SegmentRow, ...]
    recommendations: tuple[Recommendation, ...]
    executiveSummary: str
    atRiskCustomers: tuple[AtRiskCustomer, ...] | None = Field(default=None, exclude_if=lambda customers: customers is None)


class Backtest(Part):
    """How right the last call was: what the model said of a past week's customers, and what they did in the 28 days since."""

    week_ending: date
    customers: Count
    expected_churn_rate: Share
    observed_churn_rate: Share
    flagged_high: Count
    flagged_high_lost: Count


class Meta(Part):
    """Where the report comes from: whose it is, which week it covers, and what made it."""

    client_id: int
    week_start: date
    time_zone: str
    partial: bool
    generated_at: datetime
    model_version: str
    summary_source: SummarySource
    backtest: Backtest | None
    calibration: Calibration
    """The correction of the model's probabilities for this shop: p' = sigmoid(intercept + slope × logit(p))."""


class Report(Part):
    """The answer of `GET /reports/generate`, as in the brief's section 10.1, with `meta` beside it."""

    week_ending: date
    report_data: ReportData
    meta: Meta


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
        """The problem of an HTTP status, titled with the status's own phrase."""
        return cls(title=HTTPStatus(status).phrase, status=status, detail=detail, parameter=parameter)
