"""The outlook: what will probably happen in the 28 days after the week, without any thresholds."""

from report.analysis.cells import ScoredCells
from report.analysis.risk import in_riskiest_tenth
from report.schema import Outlook, RiskiestTenth


def outlook(this_week: ScoredCells, last_week: ScoredCells, missing_regulars: int | None) -> Outlook:
    """Sum up how many customers are expected to leave and what they spend; money is in the client's currency."""
    return Outlook(
        expectedToLeave=round(this_week.expected_to_leave, 1),
        expectedToLeaveBefore=round(last_week.expected_to_leave, 1),
        spent=round(this_week.spent, 2),
        spentBefore=round(last_week.spent, 2),
        spendAtStake=round(this_week.spend_at_stake, 2),
        riskiestTenth=riskiest_tenth(this_week),
        missingRegulars=missing_regulars,
    )


def riskiest_tenth(scored: ScoredCells) -> RiskiestTenth:
    """Count the riskiest tenth, and how much more often than the average of all its customers are expected to leave."""
    tenth = scored.where(in_riskiest_tenth(scored))
    average, average_of_all = tenth.mean_churn_probability, scored.mean_churn_probability
    return RiskiestTenth(
        customers=tenth.customers,
        avgChurnProbability=None if average is None else round(average, 4),
        timesAverage=round(average / average_of_all, 1) if average is not None and average_of_all else None,
    )
