"""The brief, read plainly: every event fetched, grouped in Python, every customer scored alone. Slow, and easy to check."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np

from model import churn

COUNTED = ("added_to_wishlist", "removed_from_wishlist", "added_to_cart", "removed_from_cart", "cart_quantity_updated")


NOBODY = {"", "undefined", "null", "none", "nan", "unknown", "anonymous", "guest", "0", "[object object]"}
"""What trackers send where they know no user; white space around it and case do not matter."""


def features_by_customer(
    events: Iterable[Mapping[str, Any]], client_id: int, days: tuple[date, date], time_zone: str, memory_weeks: int = 8
) -> dict[str, tuple[float, ...]]:
    """Sections 3 and 4: the features of each customer of the week, in the brief's order, and the weeks of memory.

    `days` are the week's last and the one from which inactivity counts.
    """
    week_ending, as_of = days
    of_customer = defaultdict(list)
    active_weeks = defaultdict(set)
    for event in events:
        user_id, local_date = event["user_id"], event["timestamp"].astimezone(ZoneInfo(time_zone)).date()
        if event["client_id"] == client_id and user_id is not None and user_id.strip().lower() not in NOBODY:
            weeks_before = (week_ending - local_date).days // 7
            active_weeks[user_id].add(weeks_before)
            if weeks_before == 0:
                of_customer[user_id].append((event, local_date))
    memory = range(1, memory_weeks + 1)
    return {
        user_id: (*_features(dated, as_of), float(len(active_weeks[user_id].intersection(memory))))
        for user_id, dated in of_customer.items()
    }


def churned(events: Iterable[Mapping[str, Any]], client_id: int, week_ending: date, time_zone: str) -> set[str]:
    """Who of the week's customers had no event in the 28 days after its last day."""
    came, came_back = set(), set()
    for event in events:
        days_after = (event["timestamp"].astimezone(ZoneInfo(time_zone)).date() - week_ending).days
        if event["client_id"] == client_id and -7 < days_after <= 28:
            (came if days_after <= 0 else came_back).add(event["user_id"])
    return came - came_back - {None}


def _features(dated_events: list[tuple[Mapping[str, Any], date]], as_of: date) -> tuple[float, ...]:
    count = Counter(event["event_type"] for event, _ in dated_events)
    sessions = {event["session_id"] for event, _ in dated_events} - {None, ""}
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
    """A customer scored alone: sections 5.2 to 5.4, with the model as bundled."""

    features: tuple[float, ...]
    probability: float

    @property
    def spent(self) -> float:
        return self.features[7]

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
    """Each customer's own row given to the model on its own."""
    model = churn.load()
    return {
        user_id: Customer(row, float(1 / (1 + np.exp(-churn.log_odds(model, np.array([row]))[0]))))
        for user_id, row in features.items()
    }


def summary(customers: Mapping[str, Customer], before: Mapping[str, Customer]) -> dict[str, Any]:
    """Section 6."""
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
    """Section 7.2."""
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
