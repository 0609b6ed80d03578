"""The SQL, run by the local BigQuery, against the brief read plainly."""

import itertools
from bisect import bisect_right
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from local import bigquery as local_bigquery
from local.bigquery import LocalBigQuery
from model import churn
from report import warehouse
from report.analysis.cells import Cells
from report.analysis.limits import buckets, cell_limits
from report.settings import read_settings
from report.warehouse import Scan, WarehouseError
from report.week import Week, look_back_week
from tests.support.plain_reading import COUNTED, features_by_customer

LIMITS = cell_limits(churn.load())
WEEK_ENDING = date(2025, 4, 2)  # a Wednesday; clocks change in Berlin and Santiago around it
TODAYS = [date(2025, 4, 20), WEEK_ENDING, date(2025, 3, 30)]  # the week is over; on its last day; in the middle of it
client_ids = itertools.count(500_001)

EVENTS = st.lists(
    st.fixed_dictionaries(
        {
            "user_id": st.sampled_from(["ann", "bob", "cyd", "dee", None]),
            "event_type": st.sampled_from([*COUNTED, "purchase", "purchase", "order_completed", "page_view", "Purchase"]),
            "timestamp": st.one_of(
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
            "session_id": st.one_of(st.none(), st.sampled_from(["s1", "s2", "s3", "s4", "s5", "s6"])),
        }
    ),
    max_size=40,
)


@given(events=EVENTS, time_zone=st.sampled_from(["UTC", "Europe/Berlin", "America/Santiago"]), today=st.sampled_from(TODAYS))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_the_cells_hold_just_the_customers_that_the_brief_read_plainly_finds(
    bigquery: LocalBigQuery, events: list[dict[str, Any]], time_zone: str, today: date
) -> None:
    client_id, another = next(client_ids), next(client_ids)
    theirs = [event | {"client_id": client_id} for event in events]
    _load(bigquery, [*theirs, *(event | {"client_id": another} for event in events[::2])])
    week = Week(WEEK_ENDING, ZoneInfo(time_zone), today)

    (this_weeks, last_weeks), _ = warehouse.count_cells(_place(bigquery), Scan(client_id, week, LIMITS), seconds=60, weeks=2)

    last_week_ending = WEEK_ENDING - timedelta(days=7)
    as_of = min(WEEK_ENDING, today)
    this_week = features_by_customer(theirs, client_id, WEEK_ENDING, as_of, time_zone)
    last_week = features_by_customer(theirs, client_id, last_week_ending, last_week_ending, time_zone)
    assert _contents(this_weeks) == _by_cell(list(this_week.values()))
    assert _contents(last_weeks) == _by_cell(list(last_week.values()))


def test_the_look_back_counts_who_had_no_event_in_the_28_days_after_the_week(bigquery: LocalBigQuery) -> None:
    client_id = next(client_ids)
    last_day = datetime(2025, 3, 5, 12, tzinfo=UTC)  # of the week that ended 28 days before the report's

    def visit(user_id: str, days_later: int) -> dict[str, Any]:
        timestamp = last_day + timedelta(days=days_later)
        return {"client_id": client_id, "user_id": user_id, "event_type": "page_view", "timestamp": timestamp}

    came = [visit(name, 0) for name in ("back on day 1", "back on day 28", "back on day 29", "never back")]
    came_back = [visit("back on day 1", 1), visit("back on day 28", 28), visit("back on day 29", 29)]
    _load(bigquery, [*came, *came_back, visit("not there before", 3), visit("gone the week before", -7)])
    week = look_back_week(Week(WEEK_ENDING, ZoneInfo("UTC"), date(2025, 4, 20)))

    past_week, _ = warehouse.look_back(_place(bigquery), Scan(client_id, week, LIMITS), seconds=60)

    assert (past_week.customers.tolist(), past_week.churned.tolist()) == ([4], [2])


def test_a_missing_table_is_a_warehouse_error(bigquery: LocalBigQuery) -> None:
    week = Week(WEEK_ENDING, ZoneInfo("UTC"), TODAYS[0])
    with pytest.raises(WarehouseError):
        warehouse.count_cells(_place(bigquery, EVENTS_TABLE="no_such_table"), Scan(1, week, LIMITS), seconds=60, weeks=2)


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
    return {cell: (len(rows), round(sum(row[-1] for row in rows), 6)) for cell, rows in cells.items()}


def _contents(cells: Cells) -> dict[tuple[int, ...], tuple[int, float]]:
    columns = zip(buckets(cells.features, LIMITS).tolist(), cells.customers.tolist(), cells.spent_usd.tolist(), strict=True)
    return {tuple(cell): (customers, round(spent, 6)) for cell, customers, spent in columns}
