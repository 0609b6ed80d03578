"""The public contract: the report and its parts, named as in the brief's sections 9.1 and 10.1, and problems.

The function answers with these models, `/openapi.json` describes them, and every section of the report builds some of them.
"""

from datetime import date, datetime
from http import HTTPStatus
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

IN_RANGE = "^(?!0000|0001-0[1-6]|9999-12-3)"
"""The limits of `report.week` as a pattern of a date's text: JSON Schema has no earliest and no latest date."""

RiskLevel = Literal["High", "Medium", "Low"]
SegmentName = Literal["High-Value", "Regular", "Occasional", "New"]
Trend = Literal["up", "down", "flat"]
Priority = Literal["high", "medium", "low"]
SummarySource = Literal["gemini", "template"]
Severity = Literal["serious", "note"]
Verdict = Literal["better", "worse", "usual"]
CustomerListName = Literal["at_risk", "missing_regulars", "high_value"]
ListLayout = Literal["plain", "klaviyo", "mailchimp", "google_ads"]
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

MAX_CLIENT_ID = 2**63 - 1
"""The greatest INT64 of BigQuery."""


def _whole(number: object) -> object:
    """Take 1.0 for the whole number 1, as JSON Schema does, and so the description."""
    return int(number) if isinstance(number, float) and number.is_integer() else number


ClientId = Annotated[int, Field(ge=1, le=MAX_CLIENT_ID, strict=True), BeforeValidator(_whole)]


class Part(BaseModel):
    """A part of an answer: immutable, and without unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class PreviousWeekComparison(Part):
    """Changes against the week before."""

    highRisk: float | None = Field(
        description="Change of the customers at high risk, in percent of last week's number. Null where that is 0."
    )
    churned: float | None = Field(
        description="Change of the customers counted as churned, in percent of last week's number. Null where that is 0."
    )
    retention: float | None = Field(
        description=(
            "Change of the retention rate, in percent of last week's rate. Null where one of the two is missing or last "
            "week's is 0."
        ),
    )


class Summary(Part):
    """The week in numbers. The rates are null for a week without customers."""

    totalCustomers: Count = Field(description="Customers with at least one event in the week.")
    highRiskCount: Count = Field(description="Customers at high risk: a churn probability of at least 0.7.")
    churnedThisWeek: Count = Field(description="Customers counted as churned: a churn probability of at least 0.8.")
    retentionRate: Percent | None = Field(
        description="Share of the customers who are not counted as churned, in percent, 0 to 100. Null without customers."
    )
    avgChurnProbability: Share | None = Field(
        description="Average churn probability of the customers, 0 to 1. Null without customers."
    )
    prevWeekComparison: PreviousWeekComparison = Field(description="What changed against the week before.")


class RiskCount(Part):
    """How many of the week's customers are at one risk level."""

    riskLevel: RiskLevel = Field(description="High from a churn probability of 0.7 on, Medium from 0.4 on, else Low.")
    count: Count = Field(description="Customers of the week at this risk level.")


class LastWeek(Part):
    """The week before in numbers, with this report's correction. The rates are null for a week without customers."""

    totalCustomers: Count = Field(description="Customers with at least one event in the week before.")
    highRiskCount: Count = Field(description="Those at high risk: a churn probability of at least 0.7.")
    mediumRiskCount: Count = Field(description="Those at medium risk: at least 0.4, and below 0.7.")
    lowRiskCount: Count = Field(description="Those at low risk: below 0.4.")
    churned: Count = Field(description="Those counted as churned: at least 0.8.")
    retentionRate: Percent | None = Field(
        description="Share of them who are not counted as churned, in percent, 0 to 100. Null without customers."
    )
    avgChurnProbability: Share | None = Field(description="Their average churn probability, 0 to 1. Null without customers.")
    spendAtStake: float = Field(description="Sum of churn probability times spend of that week, in the client's currency.")
    complete: bool = Field(
        description="Whether its events are there. False where some of its days are missing: then nothing is compared with it."
    )


class RiskiestTenth(Part):
    """The riskiest customers of the week: all whose churn probability is at least the highest that a tenth of them reach."""

    customers: Count = Field(
        description=(
            "How many they are: a tenth of the week's customers, and more where the last of them have the same probability."
        ),
    )
    avgChurnProbability: Share | None = Field(
        description="Their average churn probability, 0 to 1, four decimals. Null without customers."
    )
    timesAverage: float | None = Field(
        description="Their average churn probability divided by the week's, one decimal. Null without customers."
    )


class Outlook(Part):
    """What will probably happen in the 28 days after the week, independent of any thresholds."""

    expectedToLeave: float = Field(
        description="Customers who will probably leave: the sum of the churn probabilities, one decimal."
    )
    expectedToLeaveBefore: float = Field(description="The same for the customers of the week before.")
    spent: float = Field(description="What the customers spent in the week, in the client's currency.")
    spentBefore: float = Field(description="What the customers of the week before spent in that week, in the client's currency.")
    spendAtStake: float = Field(description="Sum of churn probability times spend of the week, in the client's currency.")
    riskiestTenth: RiskiestTenth = Field(description="The tenth of the customers with the highest churn probabilities.")
    missingRegulars: Count | None = Field(
        description=(
            "Customers who were active in at least 3 of the weeks 2 to 5 before this one, and neither in this week nor in the "
            "last. Null while the week runs, and where days without events make everybody missing."
        ),
    )


class Caveat(Part):
    """A reason why this report knows less than it seems to."""

    code: CaveatCode = Field(description="What is wrong, for programs.")
    text: str = Field(description="What is wrong, in a sentence for the shop's owner.")
    severity: Severity = Field(
        description="`serious` leads the report and silences the verdicts it touches; `note` is said in its place."
    )


class Change(Part):
    """One figure against what is usual for this shop."""

    what: ChangeName = Field(description="What changed: `customers`, `spent`, `expectedToLeave`, or the customers of a segment.")
    now: float = Field(description="The value of this week; of `spent` in the client's currency.")
    before: float = Field(description="The value of the week before.")
    usualLow: float = Field(description="The lowest value that is no more than chance, by control limits from the weeks before.")
    usualHigh: float = Field(description="The highest value that is no more than chance.")
    verdict: Verdict = Field(description="`usual` between the two limits; beyond them `better` or `worse` for the shop.")


class Headline(Part):
    """The news of the week."""

    text: str = Field(description="What changed beyond chance, and how many will probably leave: one or two sentences.")
    detail: str = Field(description="What else is outside the usual. Empty where nothing is.")
    short: str = Field(description="The news as a subject line has it, such as `sales down 48%, 801 may not return`.")


class RiskFactor(Part):
    """A reason for the risk, and for how many customers it leads."""

    factor: str = Field(description="The factor in words.")
    impact: RiskLevel = Field(
        description="High where it leads for at least half of the customers that are looked at, Medium for a quarter, else Low."
    )
    id: str = Field(description="The factor, for programs.")
    customers: Count = Field(description="Customers for whom this factor leads, among those that are looked at.")
    of: Count = Field(
        description="Customers that are looked at: those at high risk, or the riskiest tenth where nobody is at high risk."
    )


class SegmentRow(Part):
    """One customer segment of the week."""

    segment: SegmentName = Field(
        description=(
            "High-Value from 1,000 dollars or 40 sessions in the week on, Regular from 200 or 15, Occasional from 50 or 5, "
            "else New."
        ),
    )
    count: Count = Field(description="Customers of the week in this segment.")
    riskLevel: Percent = Field(description="Their average churn probability in percent, 0 to 100; 0 without customers.")
    trend: Trend = Field(
        description=(
            "Whether `riskLevel` is above (`up`) or below (`down`) last week's; `flat` if neither, or without customers last "
            "week."
        ),
    )
    countBefore: Count = Field(description="Customers of the week before in this segment.")
    spent: float = Field(description="What these customers spent in the week, in the client's currency.")
    expectedToLeave: float = Field(description="Sum of their churn probabilities, one decimal.")
    spendAtStake: float = Field(description="Sum of their churn probability times spend of the week, in the client's currency.")
    highRiskCount: Count = Field(description="Those at high risk: a churn probability of at least 0.7.")
    mediumRiskCount: Count = Field(description="Those at medium risk: at least 0.4, and below 0.7.")
    lowRiskCount: Count = Field(description="Those at low risk: below 0.4.")


class Recommendation(Part):
    """Something to do."""

    action: str = Field(description="What to do.")
    priority: Priority = Field(
        description="How urgent it is. The list has another order: what is broken comes first, then what has most money at stake."
    )
    expectedImpact: str = Field(description="What it is about in this shop's own numbers; not a promise.")
    id: str = Field(description="The recommendation, for programs.")
    customers: Count | None = Field(default=None, description="Customers it is about. Null where that cannot be counted.")
    spendAtStake: float | None = Field(
        default=None,
        description="What is at stake in a week, in the client's currency. Null where that cannot be said.",
    )
    list: CustomerListName | None = Field(
        default=None,
        description="The list of these customers that `GET /reports/customers` answers with. Null where there is none.",
    )


class AtRiskCustomer(Part):
    """One of the riskiest customers of the week. Fields that are columns of the tables keep their names."""

    user_id: str = Field(description="The customer's id in the events.")
    email: str | None = Field(description="The customer's e-mail address. Null where the table of users has none.")
    name: str | None = Field(description="The customer's name. Null where the table of users has none.")
    churnProbability: Share = Field(
        description="The probability that the customer has no event in the 28 days after the week, 0 to 1."
    )
    riskLevel: RiskLevel = Field(description="High from a churn probability of 0.7 on, Medium from 0.4 on, else Low.")
    segment: SegmentName = Field(description="The customer's segment in the week.")
    total_spent_usd: float = Field(description="What the customer spent in the week, in dollars.")
    topRiskFactors: tuple[str, ...] = Field(description="The factors that lead for this customer, in words.")
    activeWeeksBefore: Count = Field(
        description="In how many of the `meta.memory_weeks` weeks before the week the customer was active, 0 to 8."
    )
    spent_9_weeks_usd: float = Field(description="What the customer spent in this week and the 8 before, in dollars.")
    expectedLoss: float = Field(
        description="Churn probability times what the customer spent in this week and the 8 before, in the client's currency."
    )
    spent: float = Field(description="What the customer spent in the week, in the client's currency.")
    spent_9_weeks: float = Field(description="What the customer spent in this week and the 8 before, in the client's currency.")


class MissingRegular(Part):
    """A customer who used to come and came neither this week nor last."""

    user_id: str = Field(description="The customer's id in the events.")
    email: str | None = Field(description="The customer's e-mail address. Null where the table of users has none.")
    name: str | None = Field(description="The customer's name. Null where the table of users has none.")
    activeWeeks: Count = Field(description="In how many of the weeks 2 to 5 before this one the customer was active: 3 or 4.")
    activeWeeksBefore: Count = Field(description="In how many of the 8 weeks before this one the customer was active, 3 to 7.")
    weeksSinceLastVisit: Count = Field(description="Weeks since the last week in which the customer was active, 2 or 3.")
    spent_9_weeks_usd: float = Field(description="What the customer spent in this week and the 8 before, in dollars.")
    spent_9_weeks: float = Field(description="What the customer spent in this week and the 8 before, in the client's currency.")


class CustomerList(Part):
    """A page of `GET /reports/customers`: whom an action is about, with their personal data."""

    client_id: int = Field(description="The client.")
    week_ending: date = Field(description="The last day of the week.")
    list: CustomerListName = Field(description="Which list.")
    page: Annotated[int, Field(ge=1)] = Field(description="Which page of it, from 1; a page has at most 1,000 customers.")
    total: Count | None = Field(
        description="How many customers the whole list has; null where missing regulars cannot be told: the week runs, or days"
        " without events make everybody missing."
    )
    currency: str = Field(description="ISO 4217; of every money field without `usd` in its name.")
    customers: tuple[AtRiskCustomer, ...] | tuple[MissingRegular, ...] = Field(
        description="By expected loss; missing regulars by what they spent in nine weeks."
    )


class HistoryWeek(Part):
    """One of the last weeks in numbers. The rates are null for a week without customers."""

    week_ending: date = Field(description="The last day of the week.")
    customers: Count = Field(description="Customers with at least one event in the week.")
    highRiskCount: Count = Field(
        description="Those at high risk: a churn probability of at least 0.7, with this report's correction."
    )
    churned: Count = Field(description="Those counted as churned: at least 0.8.")
    retentionRate: Percent | None = Field(
        description="Share of them who are not counted as churned, in percent, 0 to 100. Null without customers."
    )
    avgChurnProbability: Share | None = Field(description="Their average churn probability, 0 to 1. Null without customers.")
    spent: float = Field(description="What they spent in the week, in the client's currency.")
    expectedToLeave: float = Field(description="Sum of their churn probabilities, one decimal.")
    spendAtStake: float = Field(description="Sum of churn probability times spend of the week, in the client's currency.")
    reportedHighRiskCount: Count | None = Field(
        description=(
            "How many the report of that week counted at high risk, with what was known then. Null where this report cannot tell."
            " All other figures of the week are restated with what is known today."
        ),
    )


class ReportData(Part):
    """The report of the brief's section 9.1, with more sections."""

    summary: Summary = Field(description="The week in numbers.")
    keyInsights: tuple[str, ...] = Field(description="What matters most, each in a sentence.")
    topRiskFactors: tuple[RiskFactor, ...] = Field(description="At most five factors that lead the risk, most frequent first.")
    segmentBreakdown: tuple[SegmentRow, ...] = Field(description="High-Value, Regular, Occasional and New, in this order.")
    recommendations: tuple[Recommendation, ...] = Field(
        description="What to do: first what is broken, then by the money at stake."
    )
    executiveSummary: str = Field(description="The week in two or three paragraphs, with an empty line between them.")
    riskBreakdown: tuple[RiskCount, ...] = Field(description="High, Medium and Low, in this order.")
    headline: Headline = Field(description="The news of the week, as the page begins with it.")
    outlook: Outlook = Field(description="What will probably happen in the 28 days after the week.")
    lastWeek: LastWeek = Field(description="The week before in numbers.")
    caveats: tuple[Caveat, ...] = Field(
        description="Why this report knows less than it seems to, worst first. Empty in a sound week."
    )
    changes: tuple[Change, ...] = Field(
        description=(
            "This week's figures against what is usual. Empty while the week runs and with fewer than six sound weeks before."
        ),
    )
    atRiskCustomers: tuple[AtRiskCustomer, ...] | None = Field(
        default=None,
        exclude_if=lambda customers: customers is None,
        description="The riskiest customers by expected loss. Only with `include=customers`.",
    )
    missingRegulars: tuple[MissingRegular, ...] | None = Field(
        default=None,
        exclude_if=lambda customers: customers is None,
        description="At most 25 missing regular customers, by what they spent in nine weeks. Only with `include=customers`.",
    )
    history: tuple[HistoryWeek, ...] | None = Field(
        default=None,
        exclude_if=lambda history: history is None,
        description="The last eight weeks, oldest first. Only with `include=history`.",
    )


class Backtest(Part):
    """What was expected of a past week's customers, and what they did in the 28 days after it."""

    week_ending: date = Field(description="The last day of the week that is judged.")
    customers: Count = Field(description="Customers of that week.")
    churned: Count = Field(description="Those of them without any event in the 28 days after it.")
    expected_churn_rate: Share = Field(description="The share of them that was expected to churn, 0 to 1.")
    observed_churn_rate: Share = Field(description="The share of them that churned, 0 to 1.")
    flagged_high: Count = Field(description="Those that were flagged as high risk.")
    flagged_high_lost: Count = Field(description="Those of the flagged that churned.")
    riskiest_tenth: Count = Field(
        description="The tenth of them with the highest churn probabilities, and more where the last have the same probability."
    )
    riskiest_tenth_lost: Count = Field(description="Those of the riskiest tenth that churned.")
    as_issued: bool = Field(
        description="Whether the report of that week said exactly this: it had the same memory and learned from the same weeks."
    )
    corrected: bool = Field(description="Whether there was a past week to learn the correction from by then.")


class CalibrationUsed(Part):
    """The correction of the model's probabilities for this shop: p' = sigmoid(intercept + slope × logit(p))."""

    intercept: float = Field(description="Added to the log-odds; 0 without a correction.")
    slope: float = Field(description="Multiplies the model's log-odds; 1 without a correction.")
    weeks: Count = Field(description="How many past weeks the correction was learned from, 0 to 4.")


class Thresholds(Part):
    """The churn probabilities from which customers are named, and what churned means."""

    high: Share = Field(description="From this churn probability on a customer is at high risk.")
    medium: Share = Field(description="From this churn probability on a customer is at medium risk, below it at low risk.")
    churned: Share = Field(description="From this churn probability on a customer is counted as churned.")
    days_to_come_back: Count = Field(
        description="A customer without any event in this many days after the week's last day has really churned."
    )


class SegmentRule(Part):
    """What makes a customer one of a segment; the first rule that fits decides."""

    segment: SegmentName = Field(description="The segment.")
    spent_usd: Count | None = Field(description="At least this much spent in the week, in dollars. Null for everybody else.")
    sessions: Count | None = Field(description="Or at least this many sessions in the week. Null for everybody else.")


class Meta(Part):
    """Where the report comes from: its client, its week, and how it was made."""

    client_id: int = Field(description="The client the report is about.")
    client_name: str | None = Field(
        default=None,
        exclude_if=lambda name: name is None,
        description="The client's name, where the settings have one.",
    )
    week_start: date = Field(description="The first day of the week.")
    time_zone: str = Field(description="The time zone that days begin in, by its IANA name.")
    partial: bool = Field(description="Whether the week was not over when the report was made.")
    generated_at: datetime = Field(description="When the report was made.")
    model_version: str = Field(description="The version of the churn model: the first 12 hex digits of its file's SHA-256.")
    summary_source: SummarySource = Field(description="Who wrote the executive summary.")
    outside_training_range: Share | None = Field(
        description=(
            "Share of the customers with a feature outside the range that the model was trained on, 0 to 1. Null where the "
            "model has no range or the week no customers."
        ),
    )
    backtest: Backtest | None = Field(
        description="What this report said about a past week, against what happened. Null where there is no such week."
    )
    calibration: CalibrationUsed = Field(description="The correction of the model's probabilities for this shop.")
    memory_weeks: Count = Field(
        description=(
            "How many weeks before each week count for `active_weeks_before`, 0 to 8; the same for every week of the report."
        ),
    )
    currency: str = Field(
        description="The client's currency by its ISO 4217 code: that of every money field without `usd` in its name."
    )
    thresholds: Thresholds = Field(description="The limits of the risk levels, of churned, and of coming back.")
    segment_rules: tuple[SegmentRule, ...] = Field(description="What the segments mean, in the order in which they are tried.")


class Report(Part):
    """The answer of `GET /reports/generate`: the brief's section 10.1, and `meta`."""

    week_ending: date = Field(description="The last day of the week.")
    report_data: ReportData = Field(description="The report itself.")
    meta: Meta = Field(description="Where the report comes from.")


_NEWER_PHRASES = {413: "Content Too Large", 414: "URI Too Long", 422: "Unprocessable Content"}
"""Phrases that Python has only since 3.13, so that a title is the same on each version."""


class Problem(Part):
    """What went wrong, in the format of RFC 9457 (`application/problem+json`)."""

    type: str = Field(default="about:blank", description="Always `about:blank`: the status says what kind of problem it is.")
    title: str = Field(description="The phrase of the HTTP status.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="What is wrong and what to do about it, in a sentence.")
    parameter: str | None = Field(default=None, description="The parameter that is wrong, where one is.")

    @classmethod
    def of(cls, status: int, detail: str, parameter: str | None = None) -> "Problem":
        """Make the problem of an HTTP status, with the status's phrase of RFC 9110 as its title."""
        title = _NEWER_PHRASES.get(status, HTTPStatus(status).phrase)
        return cls(title=title, status=status, detail=detail, parameter=parameter)


# The weekly run

ChannelName = Literal["webhook", "slack", "email"]
DeliveryStatus = Literal["sent", "refused", "failed", "uncertain"]


class Recipients(Part):
    """How many of a client's e-mail addresses got the report, and how many did not."""

    sent: Count = Field(default=0, description="E-mail addresses whose server took the report.")
    refused: Count = Field(default=0, description="E-mail addresses that were refused for good.")
    failed: Count = Field(default=0, description="E-mail addresses that a later attempt may reach.")
    uncertain: Count = Field(default=0, description="E-mail addresses that it may have reached.")


class WeeklyRequest(Part):
    """What the body of `POST /reports/weekly` may say; it may be empty."""

    client_ids: tuple[ClientId, ...] | None = Field(
        default=None,
        description="The clients to send reports of. Without it: every client in the settings that the key covers.",
    )
    week_ending: Annotated[date, Field(strict=True, json_schema_extra={"pattern": IN_RANGE})] | None = Field(
        default=None,
        description="The last day of the week. Without it: the last full week in each client's own time zone.",
    )


class Sent(Part):
    """The result of one client's report in one of its channels."""

    to: ChannelName = Field(description="The channel.")
    status: DeliveryStatus = Field(
        description=(
            "`sent`; `refused`: it would be refused again, by the receiver or because of the settings; `failed`: no attempt"
            " succeeded, and a later one may; `uncertain`: it may have arrived, and another attempt could make it arrive twice."
            " By e-mail: the status of the worst-off address."
        )
    )
    attempts: Count = Field(description="How often it was tried.")
    detail: str | None = Field(default=None, description="Why it was not sent, in a sentence.")
    recipients: Recipients | None = Field(
        default=None,
        exclude_if=lambda recipients: recipients is None,
        description="By e-mail: how many addresses got it. Absent in other channels.",
    )


class ClientResult(Part):
    """The result of one client's report: the worst of its channels' results."""

    client_id: int = Field(description="The client.")
    status: Literal["sent", "refused", "failed", "uncertain", "not_reached", "not_ready", "no_address"] = Field(
        description=(
            "The worst of the channels' results. `not_reached`: the time was over before its turn; `not_ready`: the data of the"
            " week's last day has not come yet; `no_address`: the settings have no channel for it."
        )
    )
    week_ending: date | None = Field(default=None, description="The last day of the week. Null where no report was made.")
    message_id: str | None = Field(
        default=None,
        description="The id that every copy of the message carries. Null where no report was made.",
    )
    detail: str | None = Field(default=None, description="Why nothing was sent, in a sentence.")
    deliveries: tuple[Sent, ...] = Field(default=(), description="The result in each of the client's channels.")


class WeeklyRun(Part):
    """The answer of `POST /reports/weekly`: each client's result, in the order of their ids."""

    results: tuple[ClientResult, ...] = Field(description="Each client's result, in the order of their ids.")

    @property
    def to_be_tried_again(self) -> bool:
        """Whether another call may help a client and cannot send anything twice, because nothing was sent at all."""
        deliveries = [delivery for result in self.results for delivery in result.deliveries]
        may_have_arrived = any(
            delivery.status in ("sent", "uncertain")
            or (delivery.recipients and delivery.recipients.sent + delivery.recipients.uncertain > 0)
            for delivery in deliveries
        )
        return not may_have_arrived and any(result.status in ("failed", "not_reached", "not_ready") for result in self.results)
