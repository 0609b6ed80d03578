"""The brief's way (sections 3 to 6, literally): fetch every event, group and count in Python.

It leaves out users, look back, risk factors and sentences, in its favour. The model scores all customers of a week at once.
`numbers` is the brief to the letter: two weeks, and a model that knows nothing of the weeks before. `numbers_with_memory` does
the work of the report: twelve weeks of customers, each with the eight weeks before.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

import numpy as np
from google.cloud import bigquery

from model import churn
from model.calibration import IDENTITY, apply
from model.churn import FEATURES
from report.analysis.risk import CHURNED, HIGH, MEDIUM
from report.week import MEMORY_WEEKS, midnight
from tests.benchmarks.numbers import WEEK, Numbers
from tests.benchmarks.shop import CLIENT

_COLUMNS = "user_id, event_type, timestamp, price, quantity, session_id"
_SQL = """
SELECT {columns}
FROM `{events}`
WHERE client_id = @cid AND timestamp >= @week_start AND timestamp < @week_end
ORDER BY user_id, timestamp
"""
_COUNTED = ("added_to_wishlist", "removed_from_wishlist", "added_to_cart", "removed_from_cart", "cart_quantity_updated")


Customer = dict[str, Any]


def numbers(client: bigquery.Client, events: str) -> Numbers:
    """Fetch every event of both weeks, make a dict for each customer in Python, predict, add up."""
    weeks = [_customers(_fetch(client, events, weeks_ago), weeks_ago) for weeks_ago in (0, 1)]
    return _numbers(_scored(weeks))


def numbers_with_memory(client: bigquery.Client, events: str) -> Numbers:
    """Do the same for all weeks that a report counts, and tell each customer's active weeks from the events of the weeks before.

    Of the oldest weeks, which are only memory, it fetches no more than who came when.
    """
    weeks = [_customers(_fetch(client, events, weeks_ago), weeks_ago) for weeks_ago in range(WEEK.counted_weeks)]
    active = [set(customers) for customers in weeks]
    for weeks_ago in range(WEEK.counted_weeks, WEEK.counted_weeks + MEMORY_WEEKS):
        active.append(set(_fetch(client, events, weeks_ago, "user_id, timestamp")))
    for weeks_ago, customers in enumerate(weeks):
        before = active[weeks_ago + 1 : weeks_ago + 1 + MEMORY_WEEKS]
        for user_id, customer in customers.items():
            customer["active_weeks_before"] = sum(user_id in users for users in before)
    return _numbers(_scored(weeks))


def _numbers(weeks: Sequence[Sequence[Customer]]) -> Numbers:
    this_week, last_week = weeks[:2]
    total = len(this_week)
    return Numbers(
        customers=total,
        customers_before=len(last_week),
        high_risk=sum(customer["risk_level"] == "High" for customer in this_week),
        churned=sum(customer["probability"] >= CHURNED for customer in this_week),
        average=sum(customer["probability"] for customer in this_week) / total if total else 0.0,
        spent=sum(customer["total_spent_usd"] for customer in this_week),
    )


def _fetch(client: bigquery.Client, events: str, weeks_ago: int, columns: str = _COLUMNS) -> dict[str, list[Any]]:
    """The events of a week by customer."""
    week = WEEK.weeks_before(weeks_ago)
    parameters = [
        bigquery.ScalarQueryParameter("cid", "INT64", CLIENT),
        bigquery.ScalarQueryParameter("week_start", "TIMESTAMP", midnight(week.start, week.time_zone)),
        bigquery.ScalarQueryParameter("week_end", "TIMESTAMP", midnight(week.ending + timedelta(days=1), week.time_zone)),
    ]
    config = bigquery.QueryJobConfig(query_parameters=parameters)
    user_events: dict[str, list[Any]] = {}
    for row in client.query_and_wait(_SQL.format(events=events, columns=columns), job_config=config):
        user_events.setdefault(row["user_id"], []).append(row)
    return user_events


def _customers(user_events: Mapping[str, Sequence[Any]], weeks_ago: int) -> dict[str, Customer]:
    return {user_id: _features(rows, weeks_ago) for user_id, rows in user_events.items()}


def _scored(weeks: Sequence[Mapping[str, Customer]]) -> list[list[Customer]]:
    """The customers of each week with their probabilities, risk levels and segments."""
    scored = [list(week.values()) for week in weeks]
    for customers in scored:
        for customer, probability in zip(customers, _predict_churn(customers), strict=True):
            customer["probability"] = probability
            customer["risk_level"] = "High" if probability >= HIGH else "Medium" if probability >= MEDIUM else "Low"
            customer["segment"] = _segment(customer)
    return scored


def _features(rows: Sequence[Any], weeks_ago: int) -> Customer:
    features: Customer = dict.fromkeys(_COUNTED, 0)
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
    features["days_since_last_activity"] = (
        WEEK.weeks_before(weeks_ago).ending - rows[-1]["timestamp"].date()
    ).days  # the rows are in order
    features["total_spent_usd"] = float(spent)
    features["active_weeks_before"] = 0
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
