"""A few small shops with different habits, sizes and time zones, and one without a customer."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta

import pyarrow as pa
import pyarrow.compute as pc

from local.bigquery import EVENTS, USERS
from training.shops import draw_shops, simulate

CLIENTS: Mapping[int, Mapping[str, str]] = {
    1: {"name": "Soak Shop One", "time_zone": "UTC"},
    2: {"name": "Soak Shop Two", "time_zone": "America/New_York"},
    3: {"name": "Soak Shop Three", "time_zone": "Europe/Berlin"},
    4: {"name": "Soak Shop Four", "time_zone": "Asia/Tokyo"},
    5: {"name": "Soak Shop Without a Customer", "time_zone": "Asia/Kolkata"},
}
LAST_DAY = date(2025, 6, 1)
WEEKS = tuple(LAST_DAY - timedelta(days=7 * weeks_ago) for weeks_ago in range(3))
_CUSTOMERS = {1: 150, 2: 250, 3: 350, 4: 450}
_WEEKS_OF_EVENTS = {1: 14, 2: 24, 3: 24, 4: 24}
"""The first is young: the memory of its weeks is short."""


def tables(seed: int) -> tuple[pa.Table, pa.Table]:
    """Return the rows of the two tables."""
    drawn = dict(zip(_CUSTOMERS, draw_shops(len(_CUSTOMERS), seed), strict=True))
    events = [
        _of_client(
            client, simulate(replace(drawn[client], customers=customers), _WEEKS_OF_EVENTS[client], [seed, client], LAST_DAY)
        )
        for client, customers in _CUSTOMERS.items()
    ]
    return pa.concat_tables(events), pa.concat_tables(map(_people, events))


def _of_client(client: int, events: pa.Table) -> pa.Table:
    return events.append_column("client_id", pa.repeat(client, events.num_rows)).select(EVENTS.names).cast(EVENTS)


def _people(events: pa.Table) -> pa.Table:
    client = events["client_id"][0].as_py()
    rows = [
        {"client_id": client, "user_id": user_id, "email": f"{user_id}@shop{client}.example", "name": f"{user_id} of {client}"}
        for user_id in pc.unique(events["user_id"]).to_pylist()
    ]
    return pa.Table.from_pylist(rows, schema=USERS)
