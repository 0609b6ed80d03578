"""A made-up report with a value in every field, for tests of how a report looks."""

from typing import Any

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


def sample_report(**data: Any) -> Report:
    """Return the report, with some fields of `report_data` replaced."""
    return Report.model_validate(
        {
            "week_ending": "2025-01-19",
            "report_data": {
                "summary": {
                    "totalCustomers": 1204,
                    "highRiskCount": 150,
                    "churnedThisWeek": 50,
                    "retentionRate": 95.8,
                    "avgChurnProbability": 0.1534,
                    "prevWeekComparison": {"highRisk": 5.2, "churned": -2.1, "retention": 0.5},
                },
                "keyInsights": [
                    "150 customers are currently classified as high churn risk.",
                    "50 customers are estimated to have churned this week.",
                    "Average churn probability across your base is 15.3%.",
                ],
                "topRiskFactors": [
                    {"factor": "Decreased Purchase Frequency", "impact": "High"},
                    {"factor": "High Cart Abandonment", "impact": "Medium"},
                    {"factor": "Few Visits", "impact": "Low"},
                ],
                "segmentBreakdown": [
                    {"segment": "High-Value", "count": 104, "riskLevel": 4.5, "trend": "down"},
                    {"segment": "Regular", "count": 300, "riskLevel": 8.1, "trend": "flat"},
                    {"segment": "Occasional", "count": 400, "riskLevel": 14.9, "trend": "up"},
                    {"segment": "New", "count": 400, "riskLevel": 41.2, "trend": "up"},
                ],
                "recommendations": [
                    {"action": "Ask them why.", "priority": "low", "expectedImpact": "They spent $12.50 this week."},
                    {"action": "Win them back.", "priority": "high", "expectedImpact": "They spent $1,234.50 this week."},
                ],
                "executiveSummary": "This week you had 1204 active customers.\n\nMost of them will stay.",
                "riskBreakdown": [
                    {"riskLevel": "High", "count": 150},
                    {"riskLevel": "Medium", "count": 204},
                    {"riskLevel": "Low", "count": 850},
                ],
                "atRiskCustomers": [
                    {
                        "user_id": f"u{number:03}",
                        "email": None if number % 5 == 4 else f"customer{number}@example.com",
                        "name": name,
                        "churnProbability": round(0.95 - number / 50, 4),
                        "riskLevel": "High" if number < 12 else "Medium",
                        "segment": "New",
                        "total_spent_usd": 10.0 * number,
                        "topRiskFactors": ["Few Visits", "High Cart Abandonment"],
                    }
                    for number, name in enumerate([*NAMES, *[None] * 13])
                ],
                "history": [
                    {
                        "week_ending": f"{'2024-12' if week < 5 else '2025-01'}-{day:02}",
                        "customers": 966 + 34 * week if week != 2 else 0,
                        "highRiskCount": 115 + 5 * week if week != 2 else 0,
                        "churned": 50 if week != 2 else 0,
                        "retentionRate": 94.4 + week / 5 if week != 2 else None,
                        "avgChurnProbability": 0.15 if week != 2 else None,
                    }
                    for week, day in enumerate([1, 8, 15, 22, 29, 5, 12, 19])
                ],
                **data,
            },
            "meta": {
                "client_id": 7,
                "client_name": "Sample Shop “Zoë & Sons”",
                "week_start": "2025-01-13",
                "time_zone": "Europe/Berlin",
                "partial": True,
                "generated_at": "2025-01-18T23:05:00Z",
                "model_version": "0123456789ab",
                "summary_source": "gemini",
                "outside_training_range": 0.02,
                "backtest": {
                    "week_ending": "2024-12-22",
                    "customers": 1180,
                    "churned": 175,
                    "expected_churn_rate": 0.152,
                    "observed_churn_rate": 0.148,
                    "flagged_high": 140,
                    "flagged_high_lost": 97,
                },
                "calibration": {"intercept": 0.1, "slope": 1.05},
            },
        }
    )
