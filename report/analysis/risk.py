"""Risk levels: the brief's section 5.3, and the churned customers of its section 6.1."""

from report.analysis.cells import ScoredCells
from report.schema import RiskLevel

HIGH = 0.7
MEDIUM = 0.4
CHURNED = 0.8
"""From which churn probability on a customer is at high risk, at medium risk, or counts as churned."""


def risk_level(churn_probability: float) -> RiskLevel:
    """The risk level of one churn probability."""
    if churn_probability >= HIGH:
        return "High"
    return "Medium" if churn_probability >= MEDIUM else "Low"


def at_high_risk(scored: ScoredCells) -> ScoredCells:
    """The cells whose customers are at high risk."""
    return scored.where(scored.churn_probability >= HIGH)


def at_medium_risk(scored: ScoredCells) -> ScoredCells:
    """The cells whose customers are at medium risk."""
    return scored.where((scored.churn_probability >= MEDIUM) & (scored.churn_probability < HIGH))


def churned(scored: ScoredCells) -> ScoredCells:
    """The cells whose customers count as churned."""
    return scored.where(scored.churn_probability >= CHURNED)
