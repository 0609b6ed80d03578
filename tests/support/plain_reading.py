"""A plain implementation of the brief: fetch every event, group in Python, score each customer alone. Slow, and easy to check."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from model import churn

COUNTED = ("added_to_wishlist", "removed_from_wishlist", "added_to_cart", "removed_from_cart", "cart_quantity_updated")


def features_by_customer(
    events: Iterable[Mapping[str, Any]], client_id: int, week_ending: date, as_of: date, time_zone: str
) -> dict[str, tuple[float, ...]]:
    """Return the features of each customer of the week, in the brief's order (sections 3 and 4)."""
    week_start = week_ending - timedelta(days=6)
    of_customer = defaultdict(list)
    for event in events:
        local_date = event["timestamp"].astimezone(ZoneInfo(time_zone)).date()
        if event["client_id"] == client_id and event["user_id"] is not None and week_start <= local_date <= week_ending:
            of_customer[event["user_id"]].append((event, local_date))
    return {user_id: _features(dated, as_of) for user_id, dated in of_customer.items()}


def _features(dated_events: list[tuple[Mapping[str, Any], date]], as_of: date) -> tuple[float, ...]:
    count = Counter(event["event_type"] for event, _ in dated_events)
    sessions = {event["session_id"] for event, _ in dated_events} - {None}
    last_date = max(local_date for _, local_date in dated_events)
    spent = Decimal(0)
    for event, _ in dated_events:
        if event["event_type"] in ("purchase", "order_completed"):
            price = Decimal(0) if event["price"] is None else event["price"]
            quantity = 1 if event["quantity"] is None else event["quantity"]
            spent += price * quantity
    days = max((as_of - last_date).days, 0)
    return (*(float(count[event_type]) for event_type in COUNTED), float(len(sessions)), float(days), float(spent))


@dataclass(frozen=True)
class Customer:
    """A customer scored alone with the bundled model (sections 5.2 to 5.4)."""

    features: tuple[float, ...]
    probability: float

    @property
    def segment(self) -> str:
        sessions, spent = self.features[5], self.features[7]
        if spent >= 1000 or sessions >= 40:
            return "High-Value"
        if spent >= 200 or sessions >= 15:
            return "Regular"
        if spent >= 50 or sessions >= 5:
            return "Occasional"
        return "New"


def scored_alone(features: Mapping[str, tuple[float, ...]]) -> dict[str, Customer]:
    """Score each customer's row on its own."""
    model = churn.load()
    return {
        user_id: Customer(row, float(1 / (1 + np.exp(-churn.log_odds(model, np.array([row]))[0]))))
        for user_id, row in features.items()
    }


def summary(customers: Mapping[str, Customer], before: Mapping[str, Customer]) -> dict[str, Any]:
    """Return the summary of section 6."""
    now, then = _metrics(customers), _metrics(before)
    return {
        "totalCustomers": now["customers"],
        "highRiskCount": now["highRisk"],
        "churnedThisWeek": now["churned"],
        "retentionRate": _rounded(now["retention"], 1),
        "avgChurnProbability": _rounded(now["average"], 4),
        "prevWeekComparison": {name: _change(now[name], then[name]) for name in ("highRisk", "churned", "retention")},
    }


def _metrics(customers: Mapping[str, Customer]) -> dict[str, Any]:
    total = len(customers)
    churned = sum(customer.probability >= 0.8 for customer in customers.values())
    return {
        "customers": total,
        "highRisk": sum(customer.probability >= 0.7 for customer in customers.values()),
        "churned": churned,
        "retention": (1 - churned / total) * 100 if total else None,
        "average": sum(customer.probability for customer in customers.values()) / total if total else None,
    }


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


def _change(now: float | None, before: float | None) -> float | None:
    return None if now is None or not before else round((now - before) / before * 100, 1)


def segment_breakdown(customers: Mapping[str, Customer], before: Mapping[str, Customer]) -> list[dict[str, Any]]:
    """Return the segments of section 7.2."""
    rows = []
    for segment in ("High-Value", "Regular", "Occasional", "New"):
        now = [customer.probability for customer in customers.values() if customer.segment == segment]
        then = [customer.probability for customer in before.values() if customer.segment == segment]
        risk, risk_before = _mean_percent(now), _mean_percent(then)
        trend = "flat" if not then or risk == risk_before else "up" if risk > risk_before else "down"
        rows.append({"segment": segment, "count": len(now), "riskLevel": risk, "trend": trend})
    return rows


def _mean_percent(probabilities: list[float]) -> float:
    return round(sum(probabilities) / len(probabilities) * 100, 1) if probabilities else 0.0
