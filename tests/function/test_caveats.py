"""What a report says of itself, through the running function: shops whose data causes each caveat, and one that is sound."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest

from local import bigquery as local_bigquery
from local.bigquery import LocalBigQuery
from local.function import Function
from tests.support.small_shops import GROCER, LEAKY, STEADY, Habits, Row, W, changed, shop, without_days

FIRST_DAY = W - timedelta(days=6)
WEDNESDAY = FIRST_DAY + timedelta(days=2)
YEN_FOR_A_DOLLAR = 154.983
PRAISE = ("good week", "keep doing what works", "thank")

# It is about noon in this time zone, so that today stays today while the tests run.
NOON_ZONE = f"Etc/GMT{datetime.now(UTC).hour - 12:+}"
TODAY = (datetime.now(UTC) + timedelta(hours=12 - datetime.now(UTC).hour)).date()
TODAY_IS_WEDNESDAY, TODAY_IS_MONDAY = TODAY + timedelta(days=4), TODAY + timedelta(days=6)
"""The last days of running weeks of which today is the third or the first day."""

STEADY_ROWS = shop(STEADY)
RENAMED = {"page_view": "Product Viewed", "added_to_cart": "Product Added", "purchase": "Order Completed"}


def weeks_ago(number: int) -> tuple[date, date]:
    """The first and the last day of the week this many weeks before W."""
    return FIRST_DAY - timedelta(days=7 * number), W - timedelta(days=7 * number)


def in_yen(row: Row) -> Row:
    price = row.get("price")
    return row if price is None else {**row, "price": round(price * Decimal(str(YEN_FOR_A_DOLLAR)), 9)}


def without_an_id(placeholders: Sequence[str | None]) -> list[Row]:
    """The steady shop, of whose visits two in five, each one whole, come under one of these user ids."""
    visits = {row["session_id"]: number for number, row in enumerate(STEADY_ROWS)}
    return [
        {**row, "user_id": placeholders[visits[row["session_id"]] % len(placeholders)]}
        if visits[row["session_id"]] % 5 < 2
        else row
        for row in STEADY_ROWS
    ]


def beside(event: Mapping[str, Any], number: int = 1) -> list[Row]:
    """The steady shop, with this event added for this many of W's customers."""
    of_week = [row for row in STEADY_ROWS if FIRST_DAY <= row["timestamp"].date() <= W and row["event_type"] == "page_view"]
    return [*STEADY_ROWS, *({**row, **event} for row in of_week[:number])]


def mails() -> list[Row]:
    """The steady shop, which writes to all its customers of 22 weeks on each Monday."""
    everybody = sorted({row["user_id"] for row in STEADY_ROWS})
    mondays = [datetime.combine(FIRST_DAY - timedelta(days=7 * week), time(6), UTC) for week in range(22)]
    return [
        *STEADY_ROWS,
        *(
            {"user_id": user_id, "event_type": "email_delivered", "timestamp": monday}
            for user_id, monday in itertools.product(everybody, mondays)
        ),
    ]


def running(last_day: date, until_day: date) -> list[Row]:
    """The steady shop in a week that ends later than today: its events until noon of a day."""
    until = datetime.combine(until_day, time(12), UTC) - timedelta(hours=12 - datetime.now(UTC).hour)
    return [row for row in shop(STEADY, last_day) if row["timestamp"] < until]


SHOPS: Mapping[str, Callable[[], list[Row]]] = {
    "steady": lambda: STEADY_ROWS,
    "leaky": lambda: shop(LEAKY),
    "grocer": lambda: shop(GROCER),
    "one week old": lambda: shop(Habits(regulars=0, newcomers=30, weeks=1)),
    "three weeks old": lambda: shop(Habits(regulars=0, newcomers=30, weeks=3)),
    "small": lambda: shop(STEADY.times(0.15)),
    "closed": lambda: without_days(STEADY_ROWS, weeks_ago(3)[0], weeks_ago(1)[1]),
    "closed long ago": lambda: without_days(STEADY_ROWS, weeks_ago(7)[0], weeks_ago(7)[0] + timedelta(days=3)),
    "silent on a day of last week": lambda: without_days(STEADY_ROWS, weeks_ago(1)[0], weeks_ago(1)[0]),
    "silent since Wednesday": lambda: [
        row for row in STEADY_ROWS if row["timestamp"] < datetime.combine(WEDNESDAY, time(12), UTC)
    ],
    "an odd page view": lambda: beside({"price": Decimal(4006381333931), "quantity": 2**63 - 1}),
    "two odd purchases": lambda: beside(
        {"event_type": "purchase", "price": Decimal(6 * 10**28), "quantity": 1, "session_id": None}, 2
    ),
    "visits without an id": lambda: without_an_id([None]),
    "visits with placeholders": lambda: without_an_id(["", "undefined"]),
    "renamed": lambda: changed(STEADY_ROWS, lambda row: {**row, "event_type": RENAMED[row["event_type"]]}, first=FIRST_DAY),
    "without sessions": lambda: changed(shop(LEAKY), lambda row: {**row, "session_id": None}, first=FIRST_DAY),
    "in yen": lambda: [in_yen(row) for row in STEADY_ROWS],
    "in yen, taken for dollars": lambda: [in_yen(row) for row in STEADY_ROWS],
    "mails": mails,
    "repeated": lambda: [*STEADY_ROWS, *[row for row in STEADY_ROWS if row["timestamp"].date() >= FIRST_DAY][::20]],
    "a rush": lambda: [
        *STEADY_ROWS,
        *(
            {**row, "user_id": f"{row['user_id']} rush {number}", "session_id": f"{row['session_id']} {number}"}
            for row in STEADY_ROWS
            if weeks_ago(5)[0] <= row["timestamp"].date() <= weeks_ago(5)[1]
            for number in range(3)
        ),
    ],
    "a running week": lambda: running(TODAY_IS_WEDNESDAY, TODAY),
    "a running week, silent since Monday": lambda: running(TODAY_IS_WEDNESDAY, TODAY - timedelta(days=2)),
    "a week that begins today": lambda: running(TODAY_IS_MONDAY, TODAY - timedelta(days=1)),
}
CLIENTS = {name: client for client, name in enumerate(SHOPS, 81_001)}
SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "in yen": {"currency": "JPY", "usd_rate": YEN_FOR_A_DOLLAR},
    "mails": {"ignored_event_types": ["email_delivered"]},
    **{name: {"time_zone": NOON_ZONE} for name in SHOPS if "a running week" in name or "begins today" in name},
}


@dataclass(frozen=True)
class Reports:
    """The shops' reports, each made once."""

    function: Function
    made: dict[str, Any] = field(default_factory=dict)

    def of(self, name: str, week_ending: date = W, include: str = "") -> Any:
        path = f"/reports/generate?client_id={CLIENTS[name]}&week_ending={week_ending}{include and '&include=' + include}"
        if path not in self.made:
            answer = self.function.ask(path)
            assert answer.status == 200, f"{name}: {answer.text}"
            self.made[path] = answer.json()
        return self.made[path]


@pytest.fixture(scope="module")
def reports(serve: Callable[..., Function], bigquery: LocalBigQuery) -> Reports:
    import pyarrow as pa

    local_bigquery.create_tables(bigquery.client, "caveats")
    rows = [{**row, "client_id": client} for name, client in CLIENTS.items() for row in SHOPS[name]()]
    events = pa.Table.from_pylist(rows, schema=local_bigquery.EVENTS)
    local_bigquery.load(bigquery.client, events, local_bigquery.USERS.empty_table(), "caveats")
    clients = {str(CLIENTS[name]): dict(about) for name, about in SETTINGS.items()}
    return Reports(serve(BIGQUERY_DATASET="caveats", CLIENTS=clients, REPORT_CACHE_SECONDS="0"))


def caveats(report: Any) -> dict[str, str]:
    """From each caveat's code to its text."""
    return {caveat["code"]: caveat["text"] for caveat in report["report_data"]["caveats"]}


def severities(report: Any) -> list[tuple[str, str]]:
    return [(caveat["code"], caveat["severity"]) for caveat in report["report_data"]["caveats"]]


def sentences(report: Any) -> str:
    """All that is said in words, but for the caveats and the summary."""
    data = report["report_data"]
    said = [f"{advice['action']} {advice['expectedImpact']}" for advice in data["recommendations"]]
    return "\n".join([*data["keyInsights"], *said])


def same_numbers(one: Any, other: Any) -> bool:
    """Whether two clients' reports differ in nothing but what they say of their data."""
    return bool(_numbers(one) == _numbers(other))


def _numbers(report: Any) -> Any:
    data = {name: value for name, value in report["report_data"].items() if name not in ("caveats", "executiveSummary")}
    return data, report["meta"]["calibration"], report["meta"]["backtest"]


def test_a_sound_week_has_no_caveat_and_the_shops_are_what_they_are_said_to_be(reports: Reports) -> None:
    for name, customers, leaving in (("steady", 110, 0.25), ("leaky", 80, 0.8), ("grocer", 114, 0.055)):
        report = reports.of(name)
        assert severities(report) == [], name
        assert report["report_data"]["summary"]["totalCustomers"] == pytest.approx(customers, rel=0.15)
        assert report["meta"]["backtest"]["observed_churn_rate"] == pytest.approx(leaving, abs=0.07)
        assert report["meta"]["memory_weeks"] == 8
        assert report["meta"]["calibration"]["weeks"] == 4
        assert len(report["report_data"]["changes"]) == 7


def test_a_shop_that_can_teach_nothing_says_so_first_and_praises_nothing(reports: Reports) -> None:
    report = reports.of("three weeks old")
    assert severities(report)[0] == ("no_look_back", "serious")
    assert report["meta"]["calibration"] == {"intercept": 0.0, "slope": 1.0, "weeks": 0}
    assert report["meta"]["backtest"] is None
    assert report["report_data"]["changes"] == []
    assert not any(word in sentences(report) for word in PRAISE)


def test_few_customers_of_past_weeks_are_little_history(reports: Reports) -> None:
    report = reports.of("small")
    assert ("little_history", "note") in severities(report)
    assert "no_look_back" not in caveats(report)
    taught_by = sum(
        reports.of("small", include="history")["report_data"]["history"][7 - week]["customers"] for week in range(4, 8)
    )
    assert f" {taught_by} customers" in caveats(report)["little_history"]


def test_past_weeks_whose_customers_could_not_come_back_teach_nothing(reports: Reports) -> None:
    report = reports.of("closed")
    assert severities(report)[0] == ("gap_in_look_back", "serious")
    assert "Feb 3" in caveats(report)["gap_in_look_back"]
    assert "Feb 23" in caveats(report)["gap_in_look_back"]
    assert report["meta"]["calibration"]["weeks"] == 0
    assert report["meta"]["backtest"] is None
    assert report["report_data"]["outlook"]["missingRegulars"] is None


def test_one_past_week_with_a_gap_is_left_out_and_the_others_teach(reports: Reports) -> None:
    report = reports.of("closed long ago")
    assert severities(report) == [("gap_in_look_back", "note")]
    assert report["meta"]["calibration"]["weeks"] == 3


def test_days_without_events_are_named_and_silence_every_verdict(reports: Reports) -> None:
    report = reports.of("silent since Wednesday", include="customers")
    # These days are an outcome, too: that of the customers of four weeks before.
    assert severities(report) == [("days_without_events", "serious"), ("gap_in_look_back", "note")]
    assert "Feb 27 to Mar 2" in caveats(report)["days_without_events"]
    assert report["report_data"]["changes"] == []
    assert report["report_data"]["outlook"]["missingRegulars"] is None
    assert report["report_data"].get("missingRegulars", []) == []
    said = sentences(report)
    assert "none arrived from Feb 27 to Mar 2" in said
    assert not any(word in said for word in (*PRAISE, "last week", "fewer than", "more than"))


def test_a_day_missing_in_last_week_is_told_and_nothing_is_compared_with_that_week(reports: Reports) -> None:
    data = reports.of("silent on a day of last week")["report_data"]
    missing = f"{weeks_ago(1)[0]:%A, %b %-d}"
    assert data["caveats"] == []
    assert data["lastWeek"]["complete"] is False
    assert data["changes"]  # these are held against the weeks before, without that one
    assert data["keyInsights"][1] == (
        f"No events arrived on {missing}, so last week's numbers are too low and nothing is compared with them."
    )
    others = [sentence for sentence in data["keyInsights"] if "No events arrived" not in sentence]
    said = " ".join([*others, data["executiveSummary"], data["headline"]["text"], data["headline"]["detail"]])
    assert not any(words in said for words in ("last week", "week before", "a week ago"))


def test_no_day_is_missing_before_the_shop_had_its_first_event(reports: Reports) -> None:
    report = reports.of("one week old")
    assert report["report_data"]["lastWeek"]["complete"] is True
    assert severities(report) == [("no_look_back", "serious")]
    assert "No events" not in sentences(report)


def test_no_row_can_fail_a_report_and_only_purchases_are_multiplied(reports: Reports) -> None:
    assert caveats(reports.of("an odd page view")) == {}
    odd = reports.of("two odd purchases")
    assert severities(odd) == [("unusable_amounts", "note")]
    assert caveats(odd)["unusable_amounts"].startswith("2 purchases")
    for name in ("an odd page view", "two odd purchases"):
        assert same_numbers(reports.of(name), reports.of("steady"))
        next_week = reports.of(name, W + timedelta(days=7))
        assert "unusable_amounts" not in caveats(next_week)
        assert next_week["report_data"]["outlook"]["spentBefore"] == reports.of("steady")["report_data"]["outlook"]["spent"]


def test_placeholders_are_no_customers(reports: Reports) -> None:
    report = reports.of("visits with placeholders")
    assert same_numbers(report, reports.of("visits without an id"))
    assert report["report_data"]["summary"]["totalCustomers"] < reports.of("steady")["report_data"]["summary"]["totalCustomers"]


def test_what_vanished_from_the_tracking_is_named_and_nothing_rests_on_it(reports: Reports) -> None:
    report = reports.of("renamed")
    assert severities(report) == [("tracking_changed", "serious")]
    assert "“added_to_cart” events or purchases" in caveats(report)["tracking_changed"]
    data = report["report_data"]
    assert "low_spend" not in {factor["id"] for factor in data["topRiskFactors"]}
    assert {change["what"] for change in data["changes"]} == {"customers"}
    told = sentences(report)
    assert not [
        word for word in (*PRAISE, "spent nothing", "spent this week", "Decreased Purchase", "last week it was") if word in told
    ], told

    def factors(name: str) -> set[str]:
        return {factor["id"] for factor in reports.of(name)["report_data"]["topRiskFactors"]}

    assert severities(reports.of("without sessions"))[0] == ("tracking_changed", "serious")
    assert "no customer has sessions this week" in caveats(reports.of("without sessions"))["tracking_changed"]
    assert "few_visits" in factors("leaky") - factors("without sessions")


def test_money_is_the_clients_own_and_segments_are_cut_in_dollars(reports: Reports) -> None:
    dollars, yen = reports.of("steady"), reports.of("in yen")
    assert yen["meta"]["currency"] == "JPY"
    assert yen["report_data"]["summary"] == dollars["report_data"]["summary"]
    counts = [[row["count"] for row in report["report_data"]["segmentBreakdown"]] for report in (dollars, yen)]
    assert counts[0] == counts[1]
    spent = dollars["report_data"]["outlook"]["spent"] * YEN_FOR_A_DOLLAR
    assert yen["report_data"]["outlook"]["spent"] == pytest.approx(spent, rel=1e-6)
    assert "¥" in sentences(yen)
    assert "$" not in sentences(yen)
    customer = reports.of("in yen", include="customers")["report_data"]["atRiskCustomers"][0]
    assert customer["expectedLoss"] == pytest.approx(customer["churnProbability"] * customer["spent_9_weeks"], rel=1e-3)
    assert customer["spent_9_weeks"] == pytest.approx(customer["spent_9_weeks_usd"] * YEN_FOR_A_DOLLAR, rel=1e-3)
    assert customer["spent"] == pytest.approx(customer["total_spent_usd"] * YEN_FOR_A_DOLLAR, rel=1e-3)


def test_customers_unlike_any_that_the_model_knows_are_told_of(reports: Reports) -> None:
    report = reports.of("in yen, taken for dollars")
    assert ("unlike_training", "note") in severities(report)
    assert f"{100 * report['meta']['outside_training_range']:.0f}%" in caveats(report)["unlike_training"]


def test_what_a_client_says_is_not_its_customers_doing_makes_no_customer(reports: Reports) -> None:
    assert same_numbers(reports.of("mails"), reports.of("steady"))


def test_exact_copies_are_told_of_and_counted_as_they_stand(reports: Reports) -> None:
    report = reports.of("repeated")
    assert severities(report) == [("repeated_rows", "note")]
    rows = [row for row in STEADY_ROWS if row["timestamp"].date() >= FIRST_DAY]
    copies = len(rows[::20])
    assert caveats(report)["repeated_rows"].startswith(f"{copies} of this week's {len(rows) + copies} events")
    assert report["report_data"]["outlook"]["spent"] > reports.of("steady")["report_data"]["outlook"]["spent"]


def test_a_rush_that_teaches_the_correction_is_told_of(reports: Reports) -> None:
    report = reports.of("a rush")
    assert severities(report) == [("unusual_week", "note")]
    assert "Jan 26" in caveats(report)["unusual_week"]


def test_a_running_week_is_compared_with_nothing(reports: Reports) -> None:
    report = reports.of("a running week", TODAY_IS_WEDNESDAY)
    assert severities(report) == [("week_not_over", "note")]
    assert report["meta"]["partial"] is True
    assert report["report_data"]["changes"] == []
    assert report["report_data"]["outlook"]["missingRegulars"] is None
    assert report["meta"]["calibration"]["weeks"] == 4
    assert report["meta"]["backtest"]["week_ending"] == str(TODAY_IS_WEDNESDAY - timedelta(days=35))
    assert not any(word in sentences(report) for word in (*PRAISE, "last week", "week before"))


def test_a_week_that_begins_today_raises_no_alarm(reports: Reports) -> None:
    report = reports.of("a week that begins today", TODAY_IS_MONDAY)
    assert severities(report) == [("week_not_over", "note")]
    assert report["report_data"]["summary"]["totalCustomers"] == 0
    assert report["report_data"]["recommendations"] == []


def test_finished_days_of_a_running_week_can_be_missing(reports: Reports) -> None:
    report = reports.of("a running week, silent since Monday", TODAY_IS_WEDNESDAY)
    assert severities(report) == [("days_without_events", "serious"), ("week_not_over", "note")]


def test_where_nobody_is_at_high_risk_the_outlook_still_leads(reports: Reports) -> None:
    data = reports.of("grocer")["report_data"]
    assert data["summary"]["highRiskCount"] == 0
    leaving = round(data["outlook"]["expectedToLeave"])
    assert leaving > 0
    assert data["keyInsights"][0].startswith(f"About {leaving} of {data['summary']['totalCustomers']} customers")
    tenth = data["outlook"]["riskiestTenth"]
    assert tenth["customers"] >= data["summary"]["totalCustomers"] / 10
    assert tenth["timesAverage"] > 1.5
    assert data["topRiskFactors"]
    assert not any(word in sentences(reports.of("grocer")) for word in PRAISE)


def test_one_row_of_the_users_table_serves_a_customer_whole_and_blank_is_null(
    serve: Callable[..., Function],
    load_events: Callable[[list[Row]], None],
    load_users: Callable[[list[Row]], None],
    client_id: int,
) -> None:
    load_events([{"user_id": user, "event_type": "page_view", "timestamp": "2025-02-25"} for user in ("ann", "bob", "cyd")])
    load_users(
        [
            {"user_id": "ann", "email": None, "name": "Sample Ann"},
            {"user_id": "ann", "email": "another@example.com", "name": None},
            {"user_id": "bob", "email": " ", "name": "\t"},
            {"user_id": "cyd", "email": "", "name": "Sample Cyd"},
        ]
    )
    answer = serve(REPORT_CACHE_SECONDS="0").ask(f"/reports/generate?client_id={client_id}&week_ending={W}&include=customers")
    people = {
        customer["user_id"]: (customer["email"], customer["name"]) for customer in answer.json()["report_data"]["atRiskCustomers"]
    }
    assert people == {"ann": ("another@example.com", None), "bob": (None, None), "cyd": (None, "Sample Cyd")}
