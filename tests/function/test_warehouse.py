"""The SQL, run by the local BigQuery, against the brief read plainly."""

import itertools
from bisect import bisect_right
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local import bigquery as local_bigquery
from local.bigquery import LocalBigQuery
from model import churn
from report import warehouse
from report.analysis.cells import Cells, ScoredCells
from report.analysis.customers import cell_probabilities
from report.analysis.limits import buckets, cell_limits
from report.settings import read_settings
from report.warehouse import Page, Scan, WarehouseError
from report.week import Week
from tests.support import plain_reading
from tests.support.plain_reading import COUNTED, features_by_customer

LIMITS = cell_limits(churn.load())
WEEK_ENDING = date(2025, 4, 2)  # a Wednesday; clocks change in Berlin and Santiago around it
TODAYS = [date(2025, 4, 20), WEEK_ENDING, date(2025, 3, 30)]  # the week is over; on its last day; in the middle of it
LONG_AFTER = datetime(2026, 1, 1, tzinfo=UTC)
client_ids = itertools.count(500_001)

EVENTS = st.lists(
    st.fixed_dictionaries(
        {
            "user_id": st.sampled_from(["ann", "bob", "cyd", "dee", "dee ", None, "", "\tUndefined ", "0"]),
            "event_type": st.sampled_from([*COUNTED, "purchase", "purchase", "order_completed", "page_view", "Purchase"]),
            "timestamp": st.one_of(
                st.datetimes(datetime(2024, 11, 1), datetime(2025, 4, 4)),
                st.datetimes(datetime(2025, 3, 19), datetime(2025, 4, 4)),
                # local midnights, and the microsecond before
                st.builds(
                    lambda day, hour, micro: datetime(2025, 3, 19) + timedelta(days=day, hours=hour, microseconds=-micro),
                    st.integers(0, 15),
                    st.integers(0, 23),
                    st.integers(0, 1),
                ),
            ).map(lambda timestamp: timestamp.replace(tzinfo=UTC)),
            "price": st.one_of(st.none(), st.decimals(-1000, 2000, places=2), st.sampled_from([Decimal(50), Decimal(200)])),
            "quantity": st.one_of(st.none(), st.integers(-2, 6)),
            "session_id": st.one_of(st.none(), st.sampled_from(["", "s1", "s2", "s3", "s4", "s5", "s6"])),
        }
    ),
    max_size=40,
)


@given(
    events=EVENTS,
    time_zone=st.sampled_from(["UTC", "Europe/Berlin", "America/Santiago"]),
    today=st.sampled_from(TODAYS),
    memory_weeks=st.sampled_from([0, 3, 8]),
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_the_cells_hold_just_the_customers_that_the_brief_read_plainly_finds(
    bigquery: LocalBigQuery, events: list[dict[str, Any]], time_zone: str, today: date, memory_weeks: int
) -> None:
    client_id, another = next(client_ids), next(client_ids)
    theirs = [event | {"client_id": client_id} for event in events]
    _load(bigquery, [*theirs, *(event | {"client_id": another} for event in events[::2])])
    week = Week(WEEK_ENDING, ZoneInfo(time_zone), today)
    scan = Scan(client_id, week, LONG_AFTER, LIMITS, memory_weeks=memory_weeks)

    counted, _ = warehouse.count_weeks(_place(bigquery), scan, seconds=60)

    for weeks_ago in range(counted.weeks):
        ending = WEEK_ENDING - timedelta(days=7 * weeks_ago)
        as_of = min(WEEK_ENDING, today) if weeks_ago == 0 else ending
        plainly = features_by_customer(theirs, client_id, (ending, as_of), time_zone, memory_weeks)
        assert _contents(counted.week(weeks_ago)) == _by_cell(list(plainly.values()))
        assert counted.totals[weeks_ago].customers == len(plainly)
        if weeks_ago >= 4:
            gone = plain_reading.churned(theirs, client_id, ending, time_zone) & plainly.keys()
            assert counted.churned[:, weeks_ago].sum() == len(gone)


def test_events_later_than_now_are_not_there_yet(bigquery: LocalBigQuery) -> None:
    client_id, now = next(client_ids), datetime(2025, 4, 2, 12, tzinfo=UTC)
    rows = [
        {"client_id": client_id, "user_id": user_id, "event_type": "page_view", "timestamp": now + timedelta(hours=hours)}
        for user_id, hours in (("came", -1), ("will come", 1), ("came", 2))
    ]
    _load(bigquery, rows)
    scan = Scan(client_id, Week(WEEK_ENDING, ZoneInfo("UTC"), WEEK_ENDING), now, LIMITS)
    counted, _ = warehouse.count_weeks(_place(bigquery), scan, seconds=60)
    days, _ = warehouse.count_days(_place(bigquery), scan, seconds=60)
    assert counted.totals[0].customers == 1
    assert days.events == {WEEK_ENDING: 1}


def test_a_customer_and_a_missing_regular_come_by_what_they_spent_in_nine_weeks_page_by_page(bigquery: LocalBigQuery) -> None:
    client_id = next(client_ids)

    def visits(user_id: str, price: str, *weeks_ago: int) -> list[dict[str, Any]]:
        about = {"client_id": client_id, "user_id": user_id, "event_type": "purchase", "price": Decimal(price)}
        return [about | {"timestamp": datetime(2025, 4, 1, 12, tzinfo=UTC) - timedelta(weeks=weeks)} for weeks in weeks_ago]

    _load(
        bigquery,
        [*visits("ann", "10", 0, 1, 9), *visits("bob", "30", 0), *visits("cat", "5", 2, 3, 5), *visits("dee", "6", 2, 3, 4)],
    )
    scan = Scan(client_id, Week(WEEK_ENDING, ZoneInfo("UTC"), TODAYS[0]), LONG_AFTER, LIMITS, memory_weeks=1)
    counted, _ = warehouse.count_weeks(_place(bigquery), scan, seconds=60)
    this_week = counted.week(0)
    scored = ScoredCells(this_week, np.full(len(this_week.customers), 0.5))
    cells = cell_probabilities(scored, LIMITS)

    found = warehouse.customers_by_expected_loss(_place(bigquery), scan, cells, Page(1, skip=1), seconds=60)
    missing = warehouse.missing_regulars(_place(bigquery), scan, Page(10), seconds=60)

    assert [(customer.user_id, customer.spent_9_weeks, customer.features[-1]) for customer in found] == [("ann", 20.0, 1.0)]
    assert [(regular.user_id, regular.spent_9_weeks, regular.active_weeks) for regular in missing] == [
        ("dee", 18.0, 0b11100),
        ("cat", 15.0, 0b101100),
    ]


def test_a_missing_table_is_a_warehouse_error(bigquery: LocalBigQuery) -> None:
    week = Week(WEEK_ENDING, ZoneInfo("UTC"), TODAYS[0])
    with pytest.raises(WarehouseError):
        warehouse.count_weeks(_place(bigquery, EVENTS_TABLE="no_such_table"), Scan(1, week, LONG_AFTER, LIMITS), seconds=60)


def _place(bigquery: LocalBigQuery, **settings: str) -> Any:
    return read_settings(
        {"BIGQUERY_EMULATOR_HOST": bigquery.address, "BIGQUERY_PROJECT": local_bigquery.PROJECT, **settings}
    ).warehouse


def _load(bigquery: LocalBigQuery, events: list[dict[str, Any]]) -> None:
    table = pa.Table.from_pylist(events, schema=local_bigquery.EVENTS)
    local_bigquery.load(bigquery.client, table, local_bigquery.USERS.empty_table())


def _by_cell(customers: list[tuple[float, ...]]) -> dict[tuple[int, ...], tuple[int, float]]:
    """From each cell to how many customers it has, and what they spent."""
    cells = defaultdict(list)
    for row in customers:
        cells[tuple(bisect_right(LIMITS[name], value) for name, value in zip(churn.FEATURES, row, strict=True))].append(row)
    spent = churn.FEATURES.index("total_spent_usd")
    return {cell: (len(rows), round(sum(row[spent] for row in rows), 6)) for cell, rows in cells.items()}


def _contents(cells: Cells) -> dict[tuple[int, ...], tuple[int, float]]:
    """The same of what BigQuery counted; that some customers come less often makes no difference here."""
    found: dict[tuple[int, ...], tuple[int, float]] = {}
    for cell, customers, spent in zip(
        buckets(cells.features, LIMITS).tolist(), cells.customers.tolist(), cells.spent.tolist(), strict=True
    ):
        so_far, so_far_spent = found.get(tuple(cell), (0, 0.0))
        found[tuple(cell)] = so_far + customers, round(so_far_spent + spent, 6)
    return found
