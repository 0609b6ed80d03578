"""The shops for the local BigQuery: the rows to load, and the clients that the function then knows."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from local.bigquery import EVENTS, USERS
from training import complete_journey
from training.shops import SAMPLE_SHOP, SCHEMA, simulate

WEEKS = 26

CLIENTS: Mapping[int, Mapping[str, str]] = {
    1: {"name": "Sample Shop One", "time_zone": "UTC"},
    2: {"name": "Sample Shop New York", "time_zone": "America/New_York"},
    3: {"name": "One Customer's Shop", "time_zone": "Europe/Berlin"},
    4: {"name": "Shop Without a Customer", "time_zone": "Asia/Tokyo"},
}


@dataclass(frozen=True)
class LocalShop:
    """The rows of the two tables, the setting `CLIENTS`, and the week to request, or None for the default week."""

    events: pa.Table
    users: pa.Table
    clients: Mapping[int, Mapping[str, str]]
    week_ending: date | None


def sample(now: datetime) -> LocalShop:
    """Four simulated clients, whose last week is the last full one before `now`: a shop, a small one, one customer, none."""
    small_shop = replace(SAMPLE_SHOP, customers=1_000, trouble=0.0)
    last_day = {client: last_sunday(now, about["time_zone"]) for client, about in CLIENTS.items()}
    events = [
        _of_client(1, simulate(SAMPLE_SHOP, WEEKS, 1, last_day[1])),
        _of_client(2, simulate(small_shop, WEEKS, 2, last_day[2])),
        _of_client(3, _one_customer(last_day[3])),
    ]
    return LocalShop(pa.concat_tables(events), pa.concat_tables(map(_people, events)), CLIENTS, None)


def complete_journey_2017(_: datetime) -> LocalShop:
    """A real retailer's year. Its customers have no names; the week is the last with four weeks after it."""
    events = _of_client(1, complete_journey.events())
    return LocalShop(events, USERS.empty_table(), {1: {"name": "Complete Journey", "time_zone": "UTC"}}, date(2017, 12, 3))


SHOPS = {"sample": sample, "complete-journey": complete_journey_2017}
"""The name in `make report SHOP=` → the function that makes the shop at the present instant."""


def last_sunday(now: datetime, time_zone: str) -> date:
    """Return the last Sunday before today in `time_zone`; `now` is the present instant."""
    today = now.astimezone(ZoneInfo(time_zone)).date()
    return today - timedelta(days=today.isoweekday())


def _of_client(client: int, events: pa.Table) -> pa.Table:
    """Return the events as rows of the events table, with their times read in the client's time zone."""
    clock = events["timestamp"].cast(pa.timestamp("us"))
    local = pc.assume_timezone(clock, CLIENTS[client]["time_zone"], ambiguous="earliest", nonexistent="latest")
    events = events.set_column(events.schema.get_field_index("timestamp"), "timestamp", local)
    return events.append_column("client_id", pa.repeat(client, events.num_rows)).select(EVENTS.names).cast(EVENTS)


def _one_customer(last_day: date) -> pa.Table:
    """Return the events of a customer who fills a cart each Wednesday and buys half of it."""
    rows = []
    for week in reversed(range(WEEKS)):
        wednesday = datetime.combine(last_day - timedelta(days=4 + 7 * week), time(18, 30), UTC)
        visit = {"user_id": "u000000", "session_id": f"s{WEEKS - week:06}"}
        rows += [
            {**visit, "event_type": "added_to_cart", "timestamp": wednesday},
            {**visit, "event_type": "added_to_cart", "timestamp": wednesday + timedelta(minutes=2)},
            {**visit, "event_type": "removed_from_cart", "timestamp": wednesday + timedelta(minutes=5)},
            {
                **visit,
                "event_type": "purchase",
                "timestamp": wednesday + timedelta(minutes=7),
                "price": Decimal("24.90"),
                "quantity": 1,
            },
        ]
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def _people(events: pa.Table) -> pa.Table:
    """Return made-up people for a client's user ids; one in twenty is missing, as in real tables."""
    client = events["client_id"][0].as_py()
    rows = []
    for user_id in sorted(pc.unique(events["user_id"]).to_pylist()):
        number = re.sub(r"\D", "", user_id)
        name = f"Sample Customer {number}"
        if int(number) % 100 == 1:  # a name with quotes, markup and other scripts
            name = f"""Zoë "Sample" O'Customer <b>&amp;</b> 顧客 {number}"""
        if int(number) % 20 != 7:
            rows.append({"client_id": client, "user_id": user_id, "email": f"customer{number}@example.com", "name": name})
    return pa.Table.from_pylist(rows, schema=USERS)
