"""A made-up report with something in every place, consistent in itself, for tests of how it looks."""

from collections.abc import Mapping
from typing import Any

from report.analysis.headline import headline
from report.rules import SEGMENT_RULES, THRESHOLDS
from report.schema import Report

NAMES = [
    """<script>alert("1")</script> & 'O’Sample'""",
    "=HYPERLINK(1)",
    "顧客 山田太郎",
    "김고객",
    "عميل تجريبي",
    "לקוחה לדוגמה",
    "ग्राहक नमूना",
    "ลูกค้าตัวอย่าง",
    "Δείγμα Πελάτης",
    "Образец Клиент",
    "მომხმარებელი",
    "😀 Sample ✨",
]


WEEK_ENDINGS = [
    f"{'2024-12' if day > 19 or week < 3 else '2025-01'}-{day:02}" for week, day in enumerate([1, 8, 15, 22, 29, 5, 12, 19])
]
CUSTOMERS = [966, 1000, 0, 1068, 1102, 1136, 1170, 1204]
"""Of the eight weeks, oldest first; the third had none."""


def sample_report(meta: Mapping[str, Any] | None = None, **data: Any) -> Report:
    """Return the report, with some fields of `meta` and of `report_data` replaced."""
    report = Report.model_validate({"week_ending": "2025-01-19", "report_data": DATA | data, "meta": META | dict(meta or {})})
    shown = report.report_data
    news = headline(shown.summary.totalCustomers, shown.outlook, shown.changes, shown.caveats)
    return report.model_copy(update={"report_data": shown.model_copy(update={"headline": news})})


def _at_risk(number: int, name: str | None) -> Mapping[str, Any]:
    """One of the riskiest customers; the loss expected from each is ten dollars less than from the one before."""
    probability, loss = round(0.95 - number / 50, 4), 400.0 - 10 * number
    return {
        "user_id": f"u{number:03}",
        "email": None if number % 5 == 4 else f"customer{number}@example.com",
        "name": name,
        "churnProbability": probability,
        "riskLevel": "High" if number <= 12 else "Medium",
        "segment": "New",
        "total_spent_usd": 10.0 * number,
        "topRiskFactors": ["Few Visits", "High Cart Abandonment"],
        "activeWeeksBefore": number % 4,
        "spent_9_weeks_usd": round(loss / probability, 2),
        "expectedLoss": loss,
        "spent": 10.0 * number,
        "spent_9_weeks": round(loss / probability, 2),
    }


def _missing(number: int) -> Mapping[str, Any]:
    """A regular who stays away."""
    return {
        "user_id": f"r{number:03}",
        "email": None if number % 5 == 4 else f"regular{number}@example.com",
        "name": None if number % 3 == 2 else f"Sample Regular {number}",
        "activeWeeks": 3 + number % 2,
        "activeWeeksBefore": 5 + number % 2,
        "weeksSinceLastVisit": 2 + number % 2,
        "spent_9_weeks_usd": 1890.0 - 30.5 * number,
        "spent_9_weeks": 1890.0 - 30.5 * number,
    }


def _week(week: int) -> Mapping[str, Any]:
    """One of the eight weeks."""
    customers = CUSTOMERS[week]
    return {
        "week_ending": WEEK_ENDINGS[week],
        "customers": customers,
        "highRiskCount": [112, 118, 0, 127, 131, 136, 143, 150][week],
        "churned": [47, 48, 0, 50, 49, 51, 51, 50][week],
        "retentionRate": [95.1, 95.2, None, 95.3, 95.6, 95.5, 95.6, 95.8][week],
        "avgChurnProbability": [0.21, 0.208, None, 0.2135, 0.209, 0.207, 0.206, 0.2105][week],
        "spent": [151200.0, 149830.5, 0.0, 155010.25, 160400.0, 157120.0, 158200.0, 136770.75][week],
        "expectedToLeave": [202.9, 208.0, 0.0, 228.0, 230.3, 235.2, 241.0, 253.4][week],
        "reportedHighRiskCount": [None, None, 0, 125, 131, None, None, None][week],
        "spendAtStake": [11020.0, 11240.5, 0.0, 11890.0, 12210.0, 12080.0, 12560.0, 11704.0][week],
    }


DATA: Mapping[str, Any] = {
    "summary": {
        "totalCustomers": 1204,
        "highRiskCount": 150,
        "churnedThisWeek": 50,
        "retentionRate": 95.8,
        "avgChurnProbability": 0.2105,
        "prevWeekComparison": {"highRisk": 4.9, "churned": -2.0, "retention": 0.2},
    },
    "keyInsights": [
        "150 customers are currently classified as high churn risk.",
        "50 customers are estimated to have churned this week.",
        "Average churn probability across your base is 21.1%.",
    ],
    "topRiskFactors": [
        {"factor": "Low Spend This Week", "impact": "High", "id": "low_spend", "customers": 98, "of": 150},
        {"factor": "High Cart Abandonment", "impact": "Medium", "id": "cart_abandonment", "customers": 52, "of": 150},
        {"factor": "Few Visits", "impact": "Low", "id": "few_visits", "customers": 20, "of": 150},
    ],
    "segmentBreakdown": [
        {
            "segment": "High-Value",
            "count": 104,
            "riskLevel": 4.5,
            "trend": "down",
            "countBefore": 131,
            "spent": 61200.5,
            "expectedToLeave": 4.7,
            "spendAtStake": 2754.0,
            "highRiskCount": 0,
            "mediumRiskCount": 2,
            "lowRiskCount": 102,
        },
        {
            "segment": "Regular",
            "count": 300,
            "riskLevel": 8.1,
            "trend": "flat",
            "countBefore": 310,
            "spent": 48310.0,
            "expectedToLeave": 24.3,
            "spendAtStake": 3800.0,
            "highRiskCount": 2,
            "mediumRiskCount": 8,
            "lowRiskCount": 290,
        },
        {
            "segment": "Occasional",
            "count": 400,
            "riskLevel": 14.9,
            "trend": "up",
            "countBefore": 385,
            "spent": 22140.0,
            "expectedToLeave": 59.6,
            "spendAtStake": 3100.0,
            "highRiskCount": 23,
            "mediumRiskCount": 34,
            "lowRiskCount": 343,
        },
        {
            "segment": "New",
            "count": 400,
            "riskLevel": 41.2,
            "trend": "up",
            "countBefore": 344,
            "spent": 5120.25,
            "expectedToLeave": 164.8,
            "spendAtStake": 2050.0,
            "highRiskCount": 125,
            "mediumRiskCount": 160,
            "lowRiskCount": 115,
        },
    ],
    "recommendations": [
        {
            "action": "Call the 61 regulars who did not come.",
            "priority": "high",
            "expectedImpact": "They came in three of four weeks and have been away for two; they spent $9,410.00 a week.",
            "id": "missing_regulars",
            "customers": 61,
            "spendAtStake": 9410.0,
            "list": "missing_regulars",
        },
        {
            "action": "Give your 104 High-Value customers a reason to come back.",
            "priority": "high",
            "expectedImpact": "About 5 of them will probably stay away; $2,754.00 a week is at stake.",
            "id": "high_value",
            "customers": 104,
            "spendAtStake": 2754.0,
            "list": "high_value",
        },
        {
            "action": "Win back the 150 customers at high churn risk.",
            "priority": "medium",
            "expectedImpact": "They spent $1,234.50 this week.",
            "id": "win_back",
            "customers": 150,
            "spendAtStake": 987.6,
            "list": "at_risk",
        },
        {
            "action": "Ask newcomers why they left.",
            "priority": "low",
            "expectedImpact": '"High Cart Abandonment" leads for 52 of the 150 customers at high churn risk.',
            "id": "leading_factor",
            "customers": 52,
            "spendAtStake": None,
            "list": None,
        },
    ],
    "headline": {"text": "", "detail": "", "short": ""},
    "executiveSummary": "This week you had 1,204 active customers.\n\nMost of them will stay.",
    "riskBreakdown": [
        {"riskLevel": "High", "count": 150},
        {"riskLevel": "Medium", "count": 204},
        {"riskLevel": "Low", "count": 850},
    ],
    "outlook": {
        "expectedToLeave": 253.4,
        "expectedToLeaveBefore": 241.0,
        "spent": 136770.75,
        "spentBefore": 158200.0,
        "spendAtStake": 11704.0,
        "riskiestTenth": {"customers": 121, "avgChurnProbability": 0.7513, "timesAverage": 3.6},
        "missingRegulars": 61,
    },
    "lastWeek": {
        "totalCustomers": 1170,
        "highRiskCount": 143,
        "mediumRiskCount": 200,
        "lowRiskCount": 827,
        "churned": 51,
        "retentionRate": 95.6,
        "avgChurnProbability": 0.206,
        "spendAtStake": 12560.0,
        "complete": True,
    },
    "caveats": [
        {"code": "repeated_rows", "text": "1.4 % of this week’s rows are exact copies of another row.", "severity": "note"},
    ],
    "changes": [
        {
            "what": "customers",
            "now": 1204,
            "before": 1170,
            "usualLow": 880.0,
            "usualHigh": 1240.0,
            "verdict": "usual",
        },
        {
            "what": "spent",
            "now": 136770.75,
            "before": 158200.0,
            "usualLow": 141000.0,
            "usualHigh": 172000.0,
            "verdict": "worse",
        },
        {
            "what": "expectedToLeave",
            "now": 253.4,
            "before": 241.0,
            "usualLow": 180.0,
            "usualHigh": 260.0,
            "verdict": "usual",
        },
        {
            "what": "High-Value",
            "now": 104,
            "before": 131,
            "usualLow": 115.0,
            "usualHigh": 140.0,
            "verdict": "worse",
        },
        {"what": "Regular", "now": 300, "before": 310, "usualLow": 260.0, "usualHigh": 340.0, "verdict": "usual"},
        {"what": "Occasional", "now": 400, "before": 385, "usualLow": 340.0, "usualHigh": 420.0, "verdict": "usual"},
        {"what": "New", "now": 400, "before": 344, "usualLow": 270.0, "usualHigh": 390.0, "verdict": "better"},
    ],
    "atRiskCustomers": [_at_risk(number, name) for number, name in enumerate([*NAMES, *[None] * 13])],
    "missingRegulars": [_missing(number) for number in range(25)],
    "history": [_week(week) for week in range(8)],
}

META: Mapping[str, Any] = {
    "client_id": 7,
    "client_name": "Sample Shop “Zoë & Sons”",
    "week_start": "2025-01-13",
    "time_zone": "Europe/Berlin",
    "partial": False,
    "generated_at": "2025-01-20T07:05:00Z",
    "model_version": "0123456789ab",
    "summary_source": "gemini",
    "outside_training_range": 0.02,
    "backtest": {
        "week_ending": "2024-12-22",
        "customers": 1068,
        "churned": 224,
        "expected_churn_rate": 0.2135,
        "observed_churn_rate": 0.2097,
        "flagged_high": 127,
        "flagged_high_lost": 97,
        "riskiest_tenth": 107,
        "riskiest_tenth_lost": 84,
        "as_issued": True,
        "corrected": True,
    },
    "calibration": {"intercept": 0.1, "slope": 1.05, "weeks": 4},
    "memory_weeks": 8,
    "currency": "USD",
    "thresholds": THRESHOLDS,
    "segment_rules": SEGMENT_RULES,
}
