"""The public contract: the report and its parts as the brief's sections 9.1 and 10.1 name them, and the problem format.

These models are what goes out, what `/openapi.json` describes, and what every section of the report builds.
"""

from datetime import date, datetime
from http import HTTPStatus
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

RiskLevel = Literal["High", "Medium", "Low"]
SegmentName = Literal["High-Value", "Regular", "Occasional", "New"]
Trend = Literal["up", "down", "flat"]
Priority = Literal["high", "medium", "low"]
SummarySource = Literal["gemini", "template"]
Severity = Literal["serious", "note"]
Verdict = Literal["better", "worse", "usual"]
CustomerListName = Literal["at_risk", "missing_regulars", "high_value"]
CaveatCode = Literal[
    "no_look_back",
    "days_unknown",
    "little_history",
    "days_without_events",
    "gap_in_look_back",
    "week_not_over",
    "unlike_training",
    "tracking_changed",
    "repeated_rows",
    "unusable_amounts",
    "unusual_week",
]
ChangeName = Literal["customers", "spent", "expectedToLeave", "High-Value", "Regular", "Occasional", "New"]

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


class LastWeek(Part):
    """The week before in numbers, with this report's correction. The rates are null for a week without customers."""

    totalCustomers: Count
    highRiskCount: Count
    mediumRiskCount: Count
    lowRiskCount: Count
    churned: Count
    retentionRate: Percent | None
    avgChurnProbability: Share | None
    spendAtStake: float


class RiskiestTenth(Part):
    """The riskiest customers of the week: all whose probability is at least the greatest that a tenth of them reach."""

    customers: Count
    avgChurnProbability: Share | None
    timesAverage: float | None
    """Their average probability over the week's average, one decimal."""


class Outlook(Part):
    """What will probably happen in the 28 days after the week, whatever the thresholds. Money is in the client's currency."""

    expectedToLeave: float
    """The sum of the churn probabilities, one decimal."""
    expectedToLeaveBefore: float
    """The same for last week's customers."""
    spent: float
    spentBefore: float
    spendAtStake: float
    """The sum of churn probability times spend."""
    riskiestTenth: RiskiestTenth
    missingRegulars: Count | None
    """Customers active in at least 3 of the weeks 2 to 5 before, and neither in this week nor in the last; null where unknown."""


class Caveat(Part):
    """A reason why this report knows less than it seems to."""

    code: CaveatCode
    text: str
    severity: Severity


class Change(Part):
    """One figure against what is usual for this shop, by control limits from the eight weeks before."""

    what: ChangeName
    now: float
    before: float
    """Last week's value."""
    usualLow: float
    usualHigh: float
    verdict: Verdict


class RiskFactor(Part):
    """A reason why customers are at high risk, and how widely it leads."""

    factor: str
    impact: RiskLevel
    id: str
    customers: Count
    """For how many of the customers that are looked at it leads."""
    of: Count
    """How many customers are looked at: those at high risk, or the riskiest tenth where nobody is."""


class SegmentRow(Part):
    """One customer segment: its size, its mean churn probability in percent, and that risk's trend against last week."""

    segment: SegmentName
    count: Count
    riskLevel: Percent
    trend: Trend
    countBefore: Count
    spent: float
    """What these customers spent in the week, in the client's currency."""
    expectedToLeave: float
    spendAtStake: float
    highRiskCount: Count
    mediumRiskCount: Count
    lowRiskCount: Count


class Recommendation(Part):
    """Something to do about it, and what it is about in this shop's own numbers."""

    action: str
    priority: Priority
    expectedImpact: str
    id: str
    customers: Count | None = None
    """Whom it is about, where that can be counted."""
    spendAtStake: float | None = None
    """A week's worth of money at stake, in the client's currency."""
    list: CustomerListName | None = None
    """The list of these customers that `GET /reports/customers` gives."""


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
    activeWeeksBefore: Count
    """In how many of the weeks before the customer was active: at most `meta.memory_weeks`."""
    spent_9_weeks_usd: float
    """What the customer spent in this week and the 8 before."""
    expectedLoss: float
    """Churn probability times what the customer spent in this week and the 8 before, in the client's currency."""


class MissingRegular(Part):
    """A customer who used to come and came neither this week nor last."""

    user_id: str
    email: str | None
    name: str | None
    activeWeeks: Count
    """In how many of the weeks 2 to 5 before this one the customer was active: 3 or 4."""
    activeWeeksBefore: Count
    """In how many of the 8 weeks before this one."""
    weeksSinceLastVisit: Count
    spent_9_weeks_usd: float


class HistoryWeek(Part):
    """One of the last weeks in numbers. The rates are null for a week without customers."""

    week_ending: date
    customers: Count
    highRiskCount: Count
    churned: Count
    retentionRate: Percent | None
    avgChurnProbability: Share | None
    spent: float
    expectedToLeave: float
    spendAtStake: float
    reportedHighRiskCount: Count | None
    """How many the report of that week counted at high risk, where this report can tell: the others are restated."""


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
    outlook: Outlook
    lastWeek: LastWeek
    caveats: tuple[Caveat, ...]
    """Worst first; empty in a sound week."""
    changes: tuple[Change, ...]
    """What changed against what is usual; empty while the week runs and with fewer than six sound weeks before."""
    atRiskCustomers: tuple[AtRiskCustomer, ...] | None = Field(default=None, exclude_if=lambda customers: customers is None)
    missingRegulars: tuple[MissingRegular, ...] | None = Field(default=None, exclude_if=lambda customers: customers is None)
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
    riskiest_tenth: Count
    riskiest_tenth_lost: Count
    as_issued: bool
    """Whether the report of that week said exactly this: it had the same memory and the same teachers."""
    corrected: bool
    """Whether there was a past week to correct with by then."""


class CalibrationUsed(Part):
    """The correction of the model's probabilities for this shop: p' = sigmoid(intercept + slope × logit(p))."""

    intercept: float
    slope: float
    weeks: Count
    """How many past weeks taught it."""


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
    calibration: CalibrationUsed
    memory_weeks: Count
    """How many of the 8 weeks before each week were looked at, the same for every week of the report."""
    currency: str
    """ISO 4217; of every money field without `usd` in its name."""


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
