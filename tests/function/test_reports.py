"""The whole way, over HTTP: the function as it is deployed, the real BigQuery client, the local BigQuery."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from local import bigquery as local_bigquery
from local.bigquery import LocalBigQuery
from local.function import Function
from model import churn
from tests.support import plain_reading

WEEK_ENDING = date(2025, 1, 19)
Events = list[dict[str, Any]]


def visit(user_id: str, day: str, *purchases: str, sessions: int = 1, event_type: str = "page_view") -> Events:
    """Events of one customer on one day: `sessions` visits, and purchases at these prices in the first of them."""
    visits = [
        {"user_id": user_id, "event_type": event_type, "timestamp": f"{day}T12:00", "session_id": f"{user_id}-{day}-{number}"}
        for number in range(sessions)
    ]
    bought = [{**visits[0], "event_type": "purchase", "price": price, "quantity": 1} for price in purchases]
    return visits + bought


SHOP = [
    *visit("ann", "2025-01-13", "1000.00"),
    *visit("bob", "2025-01-14", "120.50", "99.50", sessions=3),
    *visit("cyd", "2025-01-19", sessions=15),
    *visit("dee", "2025-01-15", "50"),
    *visit("eve", "2025-01-13"),
    *visit("fay", "2025-01-13", event_type="removed_from_cart"),
    *visit("ann", "2025-01-06", "10.00"),
    *visit("gil", "2025-01-07", sessions=2),
    *visit("hal", "2025-01-05"),
]


@pytest.fixture(scope="module")
def function(serve: Callable[..., Function]) -> Function:
    return serve(REPORT_CACHE_SECONDS="0")


def report_of(function: Function, client_id: int, **parameters: object) -> dict[str, Any]:
    query = "&".join(f"{name}={value}" for name, value in ({"week_ending": WEEK_ENDING} | parameters).items())
    answer = function.ask(f"/reports/generate?client_id={client_id}&{query}")
    assert answer.status == 200, answer.text
    return answer.json()


def read_plainly(
    events: Events, client_id: int, week_ending: date = WEEK_ENDING, time_zone: str = "UTC"
) -> tuple[Mapping[str, plain_reading.Customer], Mapping[str, plain_reading.Customer]]:
    """The customers of the week and of the one before, from the same rows that `load_events` loads."""
    rows = [
        {"client_id": client_id, "price": None, "quantity": None, "session_id": None, **event}
        | {"timestamp": datetime.fromisoformat(event["timestamp"]).replace(tzinfo=UTC)}
        | ({"price": Decimal(event["price"])} if event.get("price") else {})
        for event in events
    ]
    weeks = [week_ending, week_ending - timedelta(days=7)]
    now, before = (plain_reading.features_by_customer(rows, client_id, ending, ending, time_zone) for ending in weeks)
    return plain_reading.scored_alone(now), plain_reading.scored_alone(before)


def test_a_report_is_what_the_brief_read_plainly_says(
    function: Function, load_events: Callable[[Events], None], client_id: int
) -> None:
    load_events(SHOP)
    report = report_of(function, client_id)
    now, before = read_plainly(SHOP, client_id)

    assert list(report) == ["week_ending", "report_data", "meta"]
    assert list(report["report_data"]) == [
        "summary",
        "keyInsights",
        "topRiskFactors",
        "segmentBreakdown",
        "recommendations",
        "executiveSummary",
        "riskBreakdown",
    ]
    assert report["report_data"]["summary"] == plain_reading.summary(now, before)
    assert report["report_data"]["segmentBreakdown"] == plain_reading.segment_breakdown(now, before)
    assert {name: customer.segment for name, customer in now.items()} == {
        "ann": "High-Value",
        "bob": "Regular",
        "cyd": "Regular",
        "dee": "Occasional",
        "eve": "New",
        "fay": "New",
    }
    meta = report["meta"]
    assert datetime.now(UTC) - datetime.fromisoformat(meta.pop("generated_at")) < timedelta(minutes=1)
    assert meta == {
        "client_id": client_id,
        "week_start": "2025-01-13",
        "time_zone": "UTC",
        "partial": False,
        "model_version": churn.load().version,
        "summary_source": "template",
        "outside_training_range": 0.0,
        "backtest": None,
        "calibration": {"intercept": 0.0, "slope": 1.0},
    }


def test_a_shop_with_one_customer_has_a_report_in_the_singular(
    function: Function, load_events: Callable[[Events], None], client_id: int
) -> None:
    load_events(visit("ann", "2025-01-13"))
    report = report_of(function, client_id)["report_data"]
    assert report["summary"]["totalCustomers"] == 1
    assert [row["count"] for row in report["segmentBreakdown"]] == [0, 0, 0, 1]
    assert "1 active customer," in report["executiveSummary"]
    assert not any("1 customers" in sentence for sentence in report["keyInsights"])


def test_a_week_without_customers_has_a_report_with_nulls(function: Function, client_id: int) -> None:
    report = report_of(function, client_id)["report_data"]
    assert report["summary"] == {
        "totalCustomers": 0,
        "highRiskCount": 0,
        "churnedThisWeek": 0,
        "retentionRate": None,
        "avgChurnProbability": None,
        "prevWeekComparison": {"highRisk": None, "churned": None, "retention": None},
    }
    assert report["segmentBreakdown"] == [
        {"segment": segment, "count": 0, "riskLevel": 0.0, "trend": "flat"}
        for segment in ("High-Value", "Regular", "Occasional", "New")
    ]
    assert report["topRiskFactors"] == report["recommendations"] == []


def test_a_shop_of_100_000_customers_has_the_numbers_of_every_customer_scored_alone(
    function: Function, bigquery: LocalBigQuery, client_id: int
) -> None:
    random = np.random.default_rng(7)
    customers = 100_000
    cents = random.integers(1, 30_000, customers)  # one purchase each, on one of the seven days
    days = random.integers(0, 7, customers)
    noon = np.datetime64("2025-01-19T12:00", "us")
    events = pa.table(
        {
            "client_id": pa.repeat(client_id, customers),
            "user_id": np.char.mod("u%06d", np.arange(customers)),
            "event_type": pa.repeat("purchase", customers),
            "timestamp": pa.array(noon - days.astype("timedelta64[D]"), pa.timestamp("us", "UTC")),
            "price": pa.array([Decimal(int(price)) / 100 for price in cents], pa.decimal128(38, 9)),
            "quantity": pa.repeat(1, customers),
            "session_id": np.char.mod("s%06d", np.arange(customers)),
        }
    )
    local_bigquery.load(bigquery.client, events, local_bigquery.USERS.empty_table())
    features = np.zeros((customers, 8))
    features[:, 5], features[:, 6], features[:, 7] = 1, days, cents / 100
    probability = 1 / (1 + np.exp(-churn.log_odds(churn.load(), features)))

    report = report_of(function, client_id)["report_data"]

    assert report["summary"]["totalCustomers"] == customers
    assert report["summary"]["highRiskCount"] == (probability >= 0.7).sum()
    assert report["summary"]["churnedThisWeek"] == (probability >= 0.8).sum()
    assert report["summary"]["avgChurnProbability"] == round(probability.mean(), 4)
    occasional, new = (probability[mask] for mask in ((cents >= 5000) & (cents < 20_000), cents < 5000))
    assert [row["count"] for row in report["segmentBreakdown"][2:]] == [len(occasional), len(new)]
    assert [row["riskLevel"] for row in report["segmentBreakdown"][2:]] == [
        round(group.mean() * 100, 1) for group in (occasional, new)
    ]


def test_a_week_is_seven_days_in_the_clients_own_time_zone(
    serve: Callable[..., Function], load_events: Callable[[Events], None], client_id: int
) -> None:
    function = serve(CLIENTS={str(client_id): {"name": "Sample Shop", "time_zone": "America/New_York"}})
    at = {
        "one before": "2025-01-13T04:59:59.999999",
        "first": "2025-01-13T05:00:00",
        "last": "2025-01-20T04:59:59.999999",
        "one after": "2025-01-20T05:00:00",
    }
    load_events([{"user_id": name, "event_type": "page_view", "timestamp": timestamp} for name, timestamp in at.items()])
    report = report_of(function, client_id, include="customers")
    assert {customer["user_id"] for customer in report["report_data"]["atRiskCustomers"]} == {"first", "last"}
    assert (report["meta"]["week_start"], report["meta"]["time_zone"]) == ("2025-01-13", "America/New_York")


def test_without_week_ending_it_is_the_last_full_week_and_a_running_week_is_partial(
    function: Function, load_events: Callable[[Events], None], client_id: int
) -> None:
    today = datetime.now(UTC).date()
    load_events(visit("ann", today.isoformat()))
    answer = function.ask(f"/reports/generate?client_id={client_id}").json()
    last_sunday = max(day for day in (today - timedelta(days=back) for back in range(1, 8)) if day.weekday() == 6)
    assert (answer["week_ending"], answer["meta"]["partial"]) == (last_sunday.isoformat(), False)

    running = report_of(function, client_id, week_ending=today + timedelta(days=3), include="customers")
    assert running["meta"]["partial"] is True
    features = {"ann": (0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0)}  # seen today: no days since
    probability = plain_reading.scored_alone(features)["ann"].probability
    assert running["report_data"]["summary"]["avgChurnProbability"] == round(probability, 4)


def test_the_riskiest_customers_come_with_their_names_only_where_they_are_asked_for(
    function: Function,
    load_events: Callable[[Events], None],
    load_users: Callable[[list[dict[str, str]]], None],
    client_id: int,
) -> None:
    crowd = [event for number in range(30) for event in visit(f"crowd{number:02}", "2025-01-13", f"{number}.00")]
    load_events([*SHOP, *crowd])
    named = [{"user_id": user_id, "email": f"{user_id}@example.com", "name": f"Sample {user_id}"} for user_id in ("ann", "eve")]
    load_users([*named, named[0]])  # a second row for one of them must not make a second customer

    customers = report_of(function, client_id, include="customers")["report_data"]["atRiskCustomers"]
    now, _ = read_plainly([*SHOP, *crowd], client_id)
    riskiest_first = sorted(now, key=lambda user_id: (-now[user_id].probability, -now[user_id].features[-1], user_id))
    assert [customer["user_id"] for customer in customers] == riskiest_first[:25]
    for customer in customers:
        expected = now[customer["user_id"]]
        assert customer["churnProbability"] == round(expected.probability, 4)
        assert (customer["segment"], customer["total_spent_usd"]) == (expected.segment, round(expected.features[-1], 2))
    by_id = {customer["user_id"]: customer for customer in customers}
    assert (by_id["eve"]["name"], by_id["eve"]["email"]) == ("Sample eve", "eve@example.com")
    assert (by_id["crowd00"]["name"], by_id["crowd00"]["email"]) == (None, None)

    without = report_of(function, client_id)
    assert "atRiskCustomers" not in without["report_data"]
    assert "example.com" not in json.dumps(without)


def test_the_look_back_corrects_every_number_and_says_how_right_the_last_call_was(
    function: Function, load_events: Callable[[Events], None], client_id: int
) -> None:
    past = [event for number in range(200) for event in visit(f"past{number}", "2024-12-20")]
    back = [event for number in range(150) for event in visit(f"past{number}", "2025-01-10")]
    load_events([*past, *back, *SHOP])
    report = report_of(function, client_id)
    past_customer = plain_reading.scored_alone({"past": (0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 2.0, 0.0)})["past"]
    called = past_customer.probability
    flagged, lost = (200, 50) if called >= 0.7 else (0, 0)
    assert report["meta"]["backtest"] == {
        "week_ending": "2024-12-22",
        "customers": 200,
        "churned": 50,
        "expected_churn_rate": round(called, 4),
        "observed_churn_rate": 0.25,
        "flagged_high": flagged,
        "flagged_high_lost": lost,
    }

    whom = "flagged high risk" if flagged else "active"
    assert f"Of 200 customers {whom} four weeks ago, 50 have not come back." in report["report_data"]["keyInsights"]

    def corrected(customer: plain_reading.Customer) -> float:
        log_odds = np.log(customer.probability / (1 - customer.probability))
        calibration = report["meta"]["calibration"]
        return float(1 / (1 + np.exp(-(calibration["intercept"] + calibration["slope"] * log_odds))))

    assert abs(corrected(past_customer) - 0.25) < abs(called - 0.25)
    now, _ = read_plainly([*past, *back, *SHOP], client_id)
    mean = sum(map(corrected, now.values())) / len(now)
    assert report["report_data"]["summary"]["avgChurnProbability"] == round(mean, 4)
