"""Risk levels: the brief's section 5.3, the churned customers of its section 6.1, and the riskiest tenth."""

import numpy as np

from model.arrays import Mask
from report.analysis.cells import ScoredCells
from report.rules import CHURNED, HIGH, MEDIUM
from report.schema import RiskLevel


def risk_level(churn_probability: float) -> RiskLevel:
    """Name the risk level of one churn probability."""
    if churn_probability >= HIGH:
        return "High"
    return "Medium" if churn_probability >= MEDIUM else "Low"


def at_high_risk(scored: ScoredCells) -> ScoredCells:
    """Pick the cells whose customers are at high risk."""
    return scored.where(scored.churn_probability >= HIGH)


def at_medium_risk(scored: ScoredCells) -> ScoredCells:
    """Pick the cells whose customers are at medium risk."""
    return scored.where((scored.churn_probability >= MEDIUM) & (scored.churn_probability < HIGH))


def at_low_risk(scored: ScoredCells) -> ScoredCells:
    """Pick the cells whose customers are at low risk."""
    return scored.where(scored.churn_probability < MEDIUM)


def churned(scored: ScoredCells) -> ScoredCells:
    """Pick the cells whose customers count as churned."""
    return scored.where(scored.churn_probability >= CHURNED)


def in_riskiest_tenth(scored: ScoredCells) -> Mask:
    """Mark the cells (n) of the riskiest tenth: at or above the greatest probability that a tenth of the customers has.

    Ties make it more than a tenth.
    """
    if not scored.customers:
        return np.zeros(len(scored.churn_probability), dtype=np.bool_)
    riskiest_first = np.argsort(-scored.churn_probability, kind="stable")
    customers_so_far = np.cumsum(scored.cells.customers[riskiest_first])
    enough = int(np.argmax(10 * customers_so_far >= scored.customers))
    mask: Mask = scored.churn_probability >= scored.churn_probability[riskiest_first[enough]]
    return mask
