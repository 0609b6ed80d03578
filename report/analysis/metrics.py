"""The summary of the week in numbers, and their changes: the brief's section 6."""

from report.analysis.cells import ScoredCells
from report.analysis.risk import at_high_risk, at_low_risk, at_medium_risk, churned
from report.schema import LastWeek, PreviousWeekComparison, RiskCount, Summary


def summary(this_week: ScoredCells, last_week: ScoredCells) -> Summary:
    """Return the summary of section 6.1, compared with last week as in 6.2."""
    probability = this_week.mean_churn_probability
    retention = retention_rate(this_week)
    return Summary(
        totalCustomers=this_week.customers,
        highRiskCount=at_high_risk(this_week).customers,
        churnedThisWeek=churned(this_week).customers,
        retentionRate=None if retention is None else round(retention, 1),
        avgChurnProbability=None if probability is None else round(probability, 4),
        prevWeekComparison=PreviousWeekComparison(
            highRisk=percent_change(at_high_risk(this_week).customers, at_high_risk(last_week).customers),
            churned=percent_change(churned(this_week).customers, churned(last_week).customers),
            retention=percent_change(retention, retention_rate(last_week)),
        ),
    )


def risk_breakdown(this_week: ScoredCells) -> tuple[RiskCount, ...]:
    """Count the customers at each risk level, the highest first."""
    return (
        RiskCount(riskLevel="High", count=at_high_risk(this_week).customers),
        RiskCount(riskLevel="Medium", count=at_medium_risk(this_week).customers),
        RiskCount(riskLevel="Low", count=at_low_risk(this_week).customers),
    )


def last_week_in_numbers(last_week: ScoredCells, *, complete: bool) -> LastWeek:
    """Return last week in absolute values; `complete` says that none of its days is missing."""
    probability, retention = last_week.mean_churn_probability, retention_rate(last_week)
    return LastWeek(
        totalCustomers=last_week.customers,
        highRiskCount=at_high_risk(last_week).customers,
        mediumRiskCount=at_medium_risk(last_week).customers,
        lowRiskCount=at_low_risk(last_week).customers,
        churned=churned(last_week).customers,
        retentionRate=None if retention is None else round(retention, 1),
        avgChurnProbability=None if probability is None else round(probability, 4),
        spendAtStake=round(last_week.spend_at_stake, 2),
        complete=complete,
    )


def average_churn(scored: ScoredCells) -> float | None:
    """Return the mean churn probability in percent, rounded as in the summary; None without customers."""
    probability = scored.mean_churn_probability
    return None if probability is None else round(probability, 4) * 100


def retention_rate(scored: ScoredCells) -> float | None:
    """Return the share of customers that did not churn, in percent, unrounded; None without customers."""
    return (1 - churned(scored).customers / scored.customers) * 100 if scored.customers else None


def percent_change(now: float | None, before: float | None) -> float | None:
    """Return the change from `before` to `now` in percent of `before`; None if either is missing or `before` is 0."""
    if now is None or not before:
        return None
    return round((now - before) / before * 100, 1) + 0.0  # -0.0 becomes 0.0
