"""Fixtures: a running local BigQuery, and the function running as a process of its own.

    def test_a_report(serve, load_events, client_id):
        load_events([{"user_id": "ann", "event_type": "purchase", "timestamp": "2025-01-14 10:00", "price": "49.99"}])
        function = serve()
        answer = function.ask(f"/reports/generate?client_id={client_id}&week_ending=2025-01-19")
        assert answer.status == 200

The local BigQuery lives as long as the test session, and so does each function; tests keep apart by their `client_id`.
"""

import itertools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import hypothesis
import pyarrow as pa
import pytest

from local import bigquery as local_bigquery
from local import function, shops
from local.bigquery import LocalBigQuery
from local.shops import LocalShop

Row = Mapping[str, Any]

# How long an example takes says more of the machine than of the code.
hypothesis.settings.register_profile("unhurried", hypothesis.settings.default, deadline=None)
hypothesis.settings.load_profile("unhurried")


@pytest.fixture(scope="session")
def bigquery() -> Iterator[LocalBigQuery]:
    """The local BigQuery (its `address` and a `client` of it) with the two tables, empty, in the dataset `analytics`."""
    with local_bigquery.running() as running:
        local_bigquery.create_tables(running.client)
        yield running


@pytest.fixture(scope="session")
def sample_shop(bigquery: LocalBigQuery) -> LocalShop:
    """The sample shop of `make report`, loaded into a dataset of its own, `sample`."""
    shop = shops.sample(datetime.now(UTC))
    local_bigquery.create_tables(bigquery.client, "sample")
    local_bigquery.load(bigquery.client, shop.events, shop.users, "sample")
    return shop


_client_ids = itertools.count(1001)


@pytest.fixture
def client_id() -> int:
    """A client that no other test uses."""
    return next(_client_ids)


@pytest.fixture
def load_events(bigquery: LocalBigQuery, client_id: int) -> Callable[[Sequence[Row]], None]:
    """Append rows to the events table. What a row leaves out is NULL, and client_id the test's own.

    Timestamps are datetimes or ISO texts, which are UTC unless they say otherwise; prices are Decimals or texts.
    """

    def load(rows: Sequence[Row]) -> None:
        events = _table([_event(row) for row in rows], client_id, local_bigquery.EVENTS)
        local_bigquery.load(bigquery.client, events, local_bigquery.USERS.empty_table())

    return load


@pytest.fixture
def load_users(bigquery: LocalBigQuery, client_id: int) -> Callable[[Sequence[Row]], None]:
    """Append rows to the users table. What a row leaves out is NULL, and client_id the test's own."""

    def load(rows: Sequence[Row]) -> None:
        users = _table(rows, client_id, local_bigquery.USERS)
        local_bigquery.load(bigquery.client, local_bigquery.EVENTS.empty_table(), users)

    return load


@pytest.fixture(scope="session")
def serve(bigquery: LocalBigQuery) -> Iterator[Callable[..., function.Function]]:
    """The running function with these settings and those of the local BigQuery; one process for the same settings.

    `serve(CLIENTS={"1001": {"time_zone": "Asia/Tokyo"}}, BIGQUERY_DATASET=None)`: what is no text is written as JSON, None
    leaves out a setting. `API_KEYS` has one key for every client, with which `Function.ask` asks, unless a test gives others.
    """
    running: dict[frozenset[tuple[str, str]], function.Function] = {}
    usual = function.bigquery_settings(bigquery.address)
    with ExitStack() as started:

        def start(**settings: object) -> function.Function:
            given = {name: value for name, value in {**usual, **settings}.items() if value is not None}
            wanted = {name: value if isinstance(value, str) else json.dumps(value) for name, value in given.items()}
            known_as = frozenset(wanted.items())
            if known_as not in running:
                running[known_as] = started.enter_context(function.running(wanted))
            return running[known_as]

        yield start
        for one in running.values():
            one.program.stop_soon()  # all at once: each takes a while


def _event(row: Row) -> Row:
    timestamp, price = row["timestamp"], row.get("price")
    if isinstance(timestamp, str):
        timestamp = datetime.fromisoformat(timestamp)
        timestamp = timestamp if timestamp.tzinfo else timestamp.replace(tzinfo=UTC)
    return {**row, "timestamp": timestamp, "price": None if price is None else Decimal(price)}


def _table(rows: Sequence[Row], client_id: int, schema: pa.Schema) -> pa.Table:
    unknown = {name for row in rows for name in row} - set(schema.names)
    assert not unknown, f"the table has no column {unknown}"
    return pa.Table.from_pylist([{"client_id": client_id, **row} for row in rows], schema=schema)
