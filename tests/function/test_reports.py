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
    events: Events, client_id: int, memory_weeks: int = 0
) -> tuple[Mapping[str, plain_reading.Customer], Mapping[str, plain_reading.Customer]]:
    """The customers of the week and of the one before, from the same rows that `load_events` loads.

    A client whose first event was in the week before the last has no memory.
    """
    rows = [
        {"client_id": client_id, "price": None, "quantity": None, "session_id": None, **event}
        | {"timestamp": datetime.fromisoformat(event["timestamp"]).replace(tzinfo=UTC)}
        | ({"price": Decimal(event["price"])} if event.get("price") else {})
        for event in events
    ]
    now, before = (
        plain_reading.features_by_customer(rows, client_id, (ending, ending), "UTC", memory_weeks)
        for ending in (WEEK_ENDING, WEEK_ENDING - timedelta(days=7))
    )
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
        "headline",
        "outlook",
        "lastWeek",
        "caveats",
        "changes",
    ]
    assert report["report_data"]["summary"] == plain_reading.summary(now, before)
    of_the_brief = ("segment", "count", "riskLevel", "trend")
    segments = [{name: row[name] for name in of_the_brief} for row in report["report_data"]["segmentBreakdown"]]
    assert segments == plain_reading.segment_breakdown(now, before)
    expected = sum(customer.probability for customer in now.values())
    assert report["report_data"]["outlook"]["expectedToLeave"] == round(expected, 1)
    assert report["report_data"]["outlook"]["spent"] == 1270.0
    assert [caveat["code"] for caveat in report["report_data"]["caveats"]] == ["no_look_back"]
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
        "calibration": {"intercept": 0.0, "slope": 1.0, "weeks": 0},
        "memory_weeks": 0,
        "currency": "USD",
        "thresholds": {"high": 0.7, "medium": 0.4, "churned": 0.8, "days_to_come_back": 28},
        "segment_rules": [
            {"segment": "High-Value", "sessions": 40, "spent_usd": 1000},
            {"segment": "Regular", "sessions": 15, "spent_usd": 200},
            {"segment": "Occasional", "sessions": 5, "spent_usd": 50},
            {"segment": "New", "sessions": None, "spent_usd": None},
        ],
    }


def test_a_shop_with_one_customer_has_a_report_in_the_singular(
    function: Function, load_events: Callable[[Events], None], client_id: int
) -> None:
    load_events(visit("ann", "2025-01-13"))
    report = report_of(function, client_id)["report_data"]
    assert report["summary"]["totalCustomers"] == 1
    assert [row["count"] for row in report["segmentBreakdown"]] == [0, 0, 0, 1]
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
    assert [(row["segment"], row["count"], row["riskLevel"], row["trend"]) for row in report["segmentBreakdown"]] == [
        (segment, 0, 0.0, "flat") for segment in ("High-Value", "Regular", "Occasional", "New")
    ]
    assert report["outlook"] == {
        "expectedToLeave": 0.0,
        "expectedToLeaveBefore": 0.0,
        "spent": 0.0,
        "spentBefore": 0.0,
        "spendAtStake": 0.0,
        "riskiestTenth": {"customers": 0, "avgChurnProbability": None, "timesAverage": None},
        "missingRegulars": 0,
    }
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
    features = np.zeros((customers, 9))
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
    now = datetime.now(UTC)  # what is later than now would not count
    today = now.date()
    load_events([{"user_id": "ann", "event_type": "page_view", "timestamp": now, "session_id": "ann-now"}])
    answer = function.ask(f"/reports/generate?client_id={client_id}").json()
    last_sunday = max(day for day in (today - timedelta(days=back) for back in range(1, 8)) if day.weekday() == 6)
    assert (answer["week_ending"], answer["meta"]["partial"]) == (last_sunday.isoformat(), False)

    running = report_of(function, client_id, week_ending=today + timedelta(days=3), include="customers")
    assert running["meta"]["partial"] is True
    features = {"ann": (0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0)}  # seen today: no days since
    probability = plain_reading.scored_alone(features)["ann"].probability
    assert running["report_data"]["summary"]["avgChurnProbability"] == round(probability, 4)


def test_the_greatest_expected_losses_come_with_their_names_only_where_they_are_asked_for(
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
    now, before = read_plainly([*SHOP, *crowd], client_id)
    spent = {user_id: customer.spent + (before[user_id].spent if user_id in before else 0) for user_id, customer in now.items()}
    loss = {user_id: customer.probability * spent[user_id] for user_id, customer in now.items()}
    in_order = sorted(now, key=lambda user_id: (-loss[user_id], -now[user_id].probability, user_id))
    assert [customer["user_id"] for customer in customers] == in_order[:25]
    for customer in customers:
        expected = now[customer["user_id"]]
        assert customer["churnProbability"] == round(expected.probability, 4)
        assert (customer["segment"], customer["total_spent_usd"]) == (expected.segment, round(expected.spent, 2))
        assert customer["spent_9_weeks_usd"] == round(spent[customer["user_id"]], 2)
        assert customer["expectedLoss"] == pytest.approx(loss[customer["user_id"]], abs=0.006)
    by_id = {customer["user_id"]: customer for customer in customers}
    assert (by_id["ann"]["name"], by_id["ann"]["email"]) == ("Sample ann", "ann@example.com")
    assert (by_id["crowd29"]["name"], by_id["crowd29"]["email"]) == (None, None)

    without = report_of(function, client_id)
    assert "atRiskCustomers" not in without["report_data"]
    assert "example.com" not in json.dumps(without)


def customers_of_week(number: int, weeks_ago: int, *, returning: int) -> Events:
    """This many customers of one past week; the first of them come back two weeks later."""
    day = WEEK_ENDING - timedelta(days=7 * weeks_ago + 2)
    came = [event for name in range(number) for event in visit(f"w{weeks_ago}-{name}", day.isoformat())]
    later = (day + timedelta(days=14)).isoformat()
    return came + [event for name in range(returning) for event in visit(f"w{weeks_ago}-{name}", later)]


def test_past_weeks_correct_every_number_and_the_backtest_says_how_right_the_report_was(
    function: Function, load_events: Callable[[Events], None], client_id: int
) -> None:
    first = visit("first", "2024-08-30")  # in the 20th week before
    past = [event for weeks_ago in range(4, 12) for event in customers_of_week(200, weeks_ago, returning=150)]
    load_events([*first, *past, *SHOP])
    report = report_of(function, client_id)
    assert report["meta"]["memory_weeks"] == 8
    assert report["meta"]["calibration"]["weeks"] == 4
    backtest = report["meta"]["backtest"]
    assert backtest["week_ending"] == "2024-12-22"
    assert backtest["as_issued"] is backtest["corrected"] is True
    assert abs(backtest["expected_churn_rate"] - backtest["observed_churn_rate"]) < 0.1
    (told,) = [sentence for sentence in report["report_data"]["keyInsights"] if "Four weeks ago we said" in sentence]
    assert f"{backtest['churned']} did" in told

    then = report_of(function, client_id, week_ending="2024-12-22")
    assert then["report_data"]["summary"]["totalCustomers"] == backtest["customers"]
    assert then["report_data"]["summary"]["avgChurnProbability"] == backtest["expected_churn_rate"]
    assert then["report_data"]["summary"]["highRiskCount"] == backtest["flagged_high"]
    assert then["report_data"]["outlook"]["riskiestTenth"]["customers"] == backtest["riskiest_tenth"]


def test_a_young_shop_has_a_short_memory_few_teachers_and_no_word_of_what_was_said(
    function: Function, load_events: Callable[[Events], None], client_id: int
) -> None:
    past = [event for weeks_ago in range(1, 10) for event in customers_of_week(50, weeks_ago, returning=30)]
    load_events([*past, *SHOP])
    report = report_of(function, client_id)
    assert report["meta"]["memory_weeks"] == 4  # the weeks 5 to 8 before; the first event came in the middle of the ninth
    assert report["meta"]["calibration"]["weeks"] == 1
    assert report["meta"]["backtest"]["as_issued"] is False
    assert not any("we said" in sentence for sentence in report["report_data"]["keyInsights"])
