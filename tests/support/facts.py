"""Made-up facts of a report: one to write about, and random ones that add up."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from random import Random

from report.schema import (
    Backtest,
    Change,
    LastWeek,
    Outlook,
    PreviousWeekComparison,
    Recommendation,
    RiskCount,
    RiskFactor,
    RiskiestTenth,
    RiskLevel,
    SegmentName,
    SegmentRow,
    Summary,
)
from report.summary.facts import Facts

SEGMENTS: tuple[SegmentName, ...] = ("High-Value", "Regular", "Occasional", "New")
LEVELS: tuple[RiskLevel, ...] = ("High", "Medium", "Low")


def _row(segment: SegmentName, risk: float, before: int, money: tuple[float, float, float], levels: Sequence[int]) -> SegmentRow:
    spent, leaving, at_stake = money
    high, medium, low = levels
    return SegmentRow(
        segment=segment,
        count=high + medium + low,
        riskLevel=risk,
        trend="up",
        countBefore=before,
        spent=spent,
        expectedToLeave=leaving,
        spendAtStake=at_stake,
        highRiskCount=high,
        mediumRiskCount=medium,
        lowRiskCount=low,
    )


SAMPLE = Facts(
    week_start=date(2025, 1, 13),
    week_ending=date(2025, 1, 19),
    summary=Summary(
        totalCustomers=1458,
        highRiskCount=690,
        churnedThisWeek=256,
        retentionRate=82.4,
        avgChurnProbability=0.5496,
        prevWeekComparison=PreviousWeekComparison(highRisk=44.4, churned=86.9, retention=-9.5),
    ),
    key_insights=(
        "690 customers are currently classified as high churn risk.",
        "High-risk customers spent $3,029.70 of the $147,713.73 spent this week.",
    ),
    risk_factors=(
        RiskFactor(id="few_visits", factor="Few Visits", impact="High", customers=662, of=690),
        RiskFactor(id="low_spend", factor="Low Spend This Week", impact="High", customers=401, of=690),
    ),
    segments=(
        _row("High-Value", 5.0, 25, (40000.5, 1.1, 2000.0), (0, 1, 21)),
        _row("Regular", 13.1, 190, (60000.0, 24.5, 7860.2), (1, 20, 166)),
        _row("Occasional", 32.3, 240, (30000.23, 73.6, 9690.1), (20, 60, 148)),
        _row("New", 68.8, 1083, (17713.0, 702.1, 12186.3), (669, 257, 95)),
    ),
    recommendations=(
        Recommendation(
            id="win_back",
            action="Launch targeted win-back campaign for the 690 customers at high churn risk.",
            priority="high",
            expectedImpact="They spent $3,029.70 this week; without action, expect 542 of these 690 to stay away for the next "
            "four weeks.",
        ),
        Recommendation(
            id="few_visits",
            action="Give at-risk customers a reason to come back within days.",
            priority="medium",
            expectedImpact='"Few Visits" is a leading reason for 662 of the 690 customers at high churn risk.',
        ),
    ),
    average_churn=54.96,
    backtest_sentence="Of 401 customers flagged high risk four weeks ago, 307 have not come back.",
    risk_levels=(
        RiskCount(riskLevel="High", count=690),
        RiskCount(riskLevel="Medium", count=338),
        RiskCount(riskLevel="Low", count=430),
    ),
    outlook=Outlook(
        expectedToLeave=801.3,
        expectedToLeaveBefore=640.2,
        spent=147713.73,
        spentBefore=139200.5,
        spendAtStake=31736.6,
        riskiestTenth=RiskiestTenth(customers=148, avgChurnProbability=0.9123, timesAverage=1.7),
        missingRegulars=37,
    ),
    last_week=LastWeek(
        totalCustomers=1538,
        highRiskCount=478,
        mediumRiskCount=505,
        lowRiskCount=555,
        churned=137,
        retentionRate=91.1,
        avgChurnProbability=0.4163,
        spendAtStake=26000.0,
        complete=True,
    ),
    changes=(
        Change(what="customers", now=1458, before=1538, usualLow=1440, usualHigh=1610, verdict="usual"),
        Change(what="expectedToLeave", now=801.3, before=640.2, usualLow=560, usualHigh=700, verdict="worse"),
    ),
    backtest=Backtest(
        week_ending=date(2024, 12, 22),
        customers=1555,
        churned=686,
        expected_churn_rate=0.4085,
        observed_churn_rate=0.4412,
        flagged_high=401,
        flagged_high_lost=307,
        riskiest_tenth=156,
        riskiest_tenth_lost=131,
        as_issued=True,
        corrected=True,
    ),
    caveats=(),
    currency="USD",
)
"""A shop of 1,458 customers, most of them New."""


QUIET = replace(
    SAMPLE,
    summary=Summary(
        totalCustomers=1322,
        highRiskCount=0,
        churnedThisWeek=0,
        retentionRate=100.0,
        avgChurnProbability=0.0666,
        prevWeekComparison=PreviousWeekComparison(highRisk=None, churned=None, retention=0.0),
    ),
    key_insights=(),
    recommendations=(
        Recommendation(
            id="riskiest",
            action="Write first to the riskiest tenth (135 customers).",
            priority="medium",
            expectedImpact="About 44 of them will probably not be back within four weeks; of the $1,210 they spent this week, "
            "$401 is at stake.",
        ),
    ),
    risk_factors=(RiskFactor(id="no_visit_before", factor="No Visit In The Weeks Before", impact="High", customers=101, of=135),),
    segments=(
        _row("High-Value", 0.9, 20, (9000, 0.2, 81.0), (0, 0, 22)),
        _row("Regular", 1.5, 210, (21000, 3.1, 290.0), (0, 0, 205)),
        _row("Occasional", 4.2, 500, (14210, 21.0, 590.0), (0, 5, 495)),
        _row("New", 10.7, 610, (4000, 63.7, 843.0), (0, 35, 560)),
    ),
    average_churn=6.66,
    risk_levels=(
        RiskCount(riskLevel="High", count=0),
        RiskCount(riskLevel="Medium", count=40),
        RiskCount(riskLevel="Low", count=1282),
    ),
    outlook=Outlook(
        expectedToLeave=88.0,
        expectedToLeaveBefore=91.2,
        spent=48210.0,
        spentBefore=47900.0,
        spendAtStake=1804.0,
        riskiestTenth=RiskiestTenth(customers=135, avgChurnProbability=0.3263, timesAverage=4.9),
        missingRegulars=61,
    ),
    last_week=LastWeek(
        totalCustomers=1340,
        highRiskCount=0,
        mediumRiskCount=42,
        lowRiskCount=1298,
        churned=0,
        retentionRate=100.0,
        avgChurnProbability=0.0681,
        spendAtStake=1850.0,
        complete=True,
    ),
    changes=(Change(what="customers", now=1322, before=1340, usualLow=1260, usualHigh=1400, verdict="usual"),),
    backtest=Backtest(
        week_ending=date(2024, 12, 22),
        customers=1301,
        churned=80,
        expected_churn_rate=0.065,
        observed_churn_rate=0.0615,
        flagged_high=0,
        flagged_high_lost=0,
        riskiest_tenth=131,
        riskiest_tenth_lost=41,
        as_issued=True,
        corrected=True,
    ),
    backtest_sentence="Four weeks ago we said to expect 85 of 1,301 customers to stay away; 80 did. "
    "Of the 131 customers at greatest risk, 41 have not come back.",
)
"""A shop where nobody is at high risk and 88 of 1,322 customers will probably leave."""


def random_facts(chance: Random, currency: str = "USD") -> Facts:
    """Draw the facts of a shop of 30 to 50,000 customers, whose parts add up to their wholes."""
    size = int(10 ** chance.uniform(1.5, 4.7))
    parts = [chance.random() ** 2 + 0.02 for _ in SEGMENTS]
    counts = [max(1, round(size * part / sum(parts))) for part in parts]
    rows = []
    for segment, count in zip(SEGMENTS, counts, strict=True):
        risk = chance.uniform(2, 95)
        high = round(count * chance.uniform(0, risk / 100))
        medium = round((count - high) * chance.random())
        spent = round(count * chance.uniform(1, 300), 2)
        money = (spent, round(count * risk / 100, 1), round(spent * risk / 100, 2))
        before = max(0, round(count * chance.uniform(0.7, 1.4)))
        rows.append(_row(segment, round(risk, 1), before, money, (high, medium, count - high - medium)))
    total = sum(counts)
    high, medium, low = (
        sum(levels) for levels in zip(*((r.highRiskCount, r.mediumRiskCount, r.lowRiskCount) for r in rows), strict=True)
    )
    churned = round(high * chance.random())
    leaving = sum(row.expectedToLeave for row in rows)
    before = sum(row.countBefore for row in rows)
    high_before = round(before * chance.uniform(0, 0.8))
    medium_before = round((before - high_before) * chance.random())
    churned_before = round(high_before * chance.random())
    spent = round(sum(row.spent for row in rows), 2)
    past = max(10, round(total * chance.uniform(0.7, 1.4)))
    flagged = round(past * chance.random())
    tenth = max(1, round(total * chance.uniform(0.1, 0.14)))
    tenth_risk = min(0.99, leaving / total * chance.uniform(1, 5))
    ending = date(2025, 1, 19) + timedelta(days=7 * chance.randrange(60))

    def change(now: float, before: float) -> float | None:
        return round((now - before) / before * 100, 1) if before else None

    retention, retention_before = 100 * (1 - churned / total), 100 * (1 - churned_before / before) if before else None
    return Facts(
        week_start=ending - timedelta(days=6),
        week_ending=ending,
        summary=Summary(
            totalCustomers=total,
            highRiskCount=high,
            churnedThisWeek=churned,
            retentionRate=round(retention, 1),
            avgChurnProbability=round(leaving / total, 4),
            prevWeekComparison=PreviousWeekComparison(
                highRisk=change(high, high_before),
                churned=change(churned, churned_before),
                retention=None if retention_before is None else change(retention, retention_before),
            ),
        ),
        key_insights=(),
        risk_factors=(),
        segments=tuple(rows),
        recommendations=(),
        average_churn=100 * leaving / total,
        backtest_sentence="",
        caveats=(),
        risk_levels=tuple(
            RiskCount(riskLevel=level, count=count) for level, count in zip(LEVELS, (high, medium, low), strict=True)
        ),
        outlook=Outlook(
            expectedToLeave=round(leaving, 1),
            expectedToLeaveBefore=round(before * chance.random(), 1),
            spent=spent,
            spentBefore=round(spent * chance.uniform(0.7, 1.4), 2),
            spendAtStake=round(sum(row.spendAtStake for row in rows), 2),
            riskiestTenth=RiskiestTenth(
                customers=tenth,
                avgChurnProbability=round(tenth_risk, 4),
                timesAverage=round(tenth_risk / (leaving / total), 1),
            ),
            missingRegulars=chance.randrange(total),
        ),
        last_week=LastWeek(
            totalCustomers=before,
            highRiskCount=high_before,
            mediumRiskCount=medium_before,
            lowRiskCount=before - high_before - medium_before,
            churned=churned_before,
            retentionRate=None if retention_before is None else round(retention_before, 1),
            avgChurnProbability=round(chance.random(), 4),
            spendAtStake=round(spent * chance.random(), 2),
            complete=True,
        ),
        changes=(
            Change(
                what="customers",
                now=total,
                before=before,
                usualLow=round(total * chance.uniform(0.5, 0.9)),
                usualHigh=round(total * chance.uniform(1, 1.5)),
                verdict="usual",
            ),
        ),
        backtest=Backtest(
            week_ending=ending - timedelta(days=28),
            customers=past,
            churned=round(past * chance.random()),
            expected_churn_rate=round(chance.random(), 4),
            observed_churn_rate=0.5,
            flagged_high=flagged,
            flagged_high_lost=round(flagged * chance.random()),
            riskiest_tenth=round(past / 10),
            riskiest_tenth_lost=round(past / 10 * chance.random()),
            as_issued=True,
            corrected=True,
        ),
        currency=currency,
    )
