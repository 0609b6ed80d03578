"""The brief's way (sections 3 to 6, literally): fetch every event, group and count in Python.

It leaves out users, corrections, risk factors and sentences, in its favour. The model scores all customers of a week at once.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
from google.cloud import bigquery

from model import churn
from model.calibration import IDENTITY, apply
from model.churn import FEATURES
from report.rules import CHURNED, HIGH, MEDIUM
from report.week import midnight
from tests.benchmarks import shop
from tests.benchmarks.numbers import WEEK, Numbers
from tests.benchmarks.shop import CLIENT

_SQL = """
SELECT user_id, event_type, timestamp, price, quantity, session_id
FROM `{events}`
WHERE client_id = @cid AND timestamp >= @week_start AND timestamp < @week_end
ORDER BY user_id, timestamp
"""
_COUNTED = ("added_to_wishlist", "removed_from_wishlist", "added_to_cart", "removed_from_cart", "cart_quantity_updated")


def numbers(client: bigquery.Client, events: str) -> Numbers:
    """The brief literally: fetch every event of both weeks, make a dict for each customer, predict, add up. No memory."""
    of_week = [_fetch(client, events, weeks_ago) for weeks_ago in (0, 1)]
    this_week, last_week = (_customers(of_week[weeks_ago], weeks_ago, {}) for weeks_ago in (0, 1))
    return _numbers(this_week, len(last_week))


def numbers_with_memory(client: bigquery.Client, events: str) -> Numbers:
    """The same with what a report knows: every week's customers, each with the memory of the weeks before, oldest first."""
    active_weeks: dict[str, int] = {}
    found: list[list[dict[str, Any]]] = []
    for weeks_ago in reversed(range(shop.WEEKS + shop.MEMORY_WEEKS)):
        user_events = _fetch(client, events, weeks_ago)
        if weeks_ago < shop.WEEKS:
            found.append(_customers(user_events, weeks_ago, active_weeks))
        for user_id in user_events:
            active_weeks[user_id] = active_weeks.get(user_id, 0) | 1 << weeks_ago
    *_, last_week, this_week = found
    return _numbers(this_week, len(last_week))


def _numbers(this_week: Sequence[Mapping[str, Any]], customers_before: int) -> Numbers:
    total = len(this_week)
    return Numbers(
        customers=total,
        customers_before=customers_before,
        high_risk=sum(customer["risk_level"] == "High" for customer in this_week),
        churned=sum(customer["probability"] >= CHURNED for customer in this_week),
        average=sum(customer["probability"] for customer in this_week) / total if total else 0.0,
        spent=sum(customer["total_spent_usd"] for customer in this_week),
    )


def _fetch(client: bigquery.Client, events: str, weeks_ago: int) -> dict[str, list[Any]]:
    week_ending = WEEK.weeks_before(weeks_ago).ending
    start, end = (midnight(day, WEEK.time_zone) for day in (week_ending - timedelta(days=6), week_ending + timedelta(days=1)))
    parameters = [
        bigquery.ScalarQueryParameter("cid", "INT64", CLIENT),
        bigquery.ScalarQueryParameter("week_start", "TIMESTAMP", start),
        bigquery.ScalarQueryParameter("week_end", "TIMESTAMP", end),
    ]
    config = bigquery.QueryJobConfig(query_parameters=parameters)
    user_events: dict[str, list[Any]] = {}
    for row in client.query_and_wait(_SQL.format(events=events), job_config=config):
        user_events.setdefault(row["user_id"], []).append(row)
    return user_events


def _customers(user_events: Mapping[str, Sequence[Any]], weeks_ago: int, active_weeks: Mapping[str, int]) -> list[dict[str, Any]]:
    memory = (1 << shop.MEMORY_WEEKS) - 1
    customers = []
    for user_id, rows in user_events.items():
        customer = _features(rows, WEEK.weeks_before(weeks_ago).ending)
        customer["active_weeks_before"] = (active_weeks.get(user_id, 0) >> weeks_ago + 1 & memory).bit_count()
        customers.append(customer)
    for customer, probability in zip(customers, _predict_churn(customers), strict=True):
        customer["probability"] = probability
        customer["risk_level"] = "High" if probability >= HIGH else "Medium" if probability >= MEDIUM else "Low"
        customer["segment"] = _segment(customer)
    return customers


def _features(rows: Sequence[Any], week_ending: date) -> dict[str, Any]:
    features: dict[str, Any] = dict.fromkeys(_COUNTED, 0)
    sessions, spent = set(), Decimal(0)
    for row in rows:
        event_type = row["event_type"]
        if event_type in features:
            features[event_type] += 1
        if row["session_id"] is not None:
            sessions.add(row["session_id"])
        if event_type in ("purchase", "order_completed"):
            spent += (row["price"] or Decimal(0)) * (1 if row["quantity"] is None else row["quantity"])
    features["total_sessions"] = len(sessions)
    features["days_since_last_activity"] = (week_ending - rows[-1]["timestamp"].date()).days  # the rows are in order
    features["total_spent_usd"] = float(spent)
    return features


def _predict_churn(payload: Sequence[Mapping[str, Any]]) -> list[float]:
    rows = np.array([[customer[feature] for feature in FEATURES] for customer in payload], dtype=np.float64)
    log_odds = churn.log_odds(churn.load(), rows.reshape(-1, len(FEATURES)))
    return [float(probability) for probability in apply(IDENTITY, log_odds)]


def _segment(customer: Mapping[str, Any]) -> str:
    spent, sessions = customer["total_spent_usd"], customer["total_sessions"]
    if spent >= 1000 or sessions >= 40:
        return "High-Value"
    if spent >= 200 or sessions >= 15:
        return "Regular"
    return "Occasional" if spent >= 50 or sessions >= 5 else "New"
