"""Customer-weeks: the features of a customer's week, and whether the customer churned after it.

The features come from the report's own SQL, so the model is trained on the features that it is served. Here the SQL runs on
DuckDB, translated by sqlglot; on BigQuery it runs unchanged.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import duckdb
import jinja2
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import sqlglot

from model.churn import FEATURES
from report.settings import ClientSettings
from report.week import MEMORY_WEEKS, Week, midnight, week_starts

if TYPE_CHECKING:
    from google.cloud import bigquery

SQL_FOLDERS = (Path(__file__).parent, Path(__file__).parents[1] / "report" / "sql")
FOLLOW_UP_WEEKS = 4
"""How long a customer must stay away to have churned: the 28 days after the week."""


@dataclass(frozen=True)
class CustomerWeeks:
    """n customer-weeks."""

    features: npt.NDArray[np.float64]
    """n × 9, columns as in `model.churn.FEATURES`."""
    churned: npt.NDArray[np.bool_]
    weeks_ago: npt.NDArray[np.int64]
    """Whole weeks before the newest week of the events; 4 or more."""
    shop: npt.NDArray[np.int64]
    """The number of the shop, from 0."""
    user_id: npt.NDArray[np.object_]

    def where(self, mask: npt.NDArray[np.bool_] | npt.NDArray[np.int64]) -> "CustomerWeeks":
        """Return the customer-weeks that `mask` (n), or the numbers of the rows, selects."""
        return CustomerWeeks(self.features[mask], self.churned[mask], self.weeks_ago[mask], self.shop[mask], self.user_id[mask])


@dataclass(frozen=True)
class Scan:
    """Whose events are read, and which weeks of them."""

    client_id: int
    newest: Week
    weeks: int
    """How many weeks, with `newest`."""
    memory_weeks: int = MEMORY_WEEKS
    about: ClientSettings = field(default_factory=ClientSettings)


def with_whole_memory(rows: CustomerWeeks, weeks: int) -> CustomerWeeks:
    """Leave out the oldest of the `weeks` weeks, before which there are fewer than `MEMORY_WEEKS`."""
    return rows.where(rows.weeks_ago < weeks - MEMORY_WEEKS)


def concatenate(shops: list[CustomerWeeks]) -> CustomerWeeks:
    """Join the customer-weeks of several shops; each element of the list becomes a shop of its own."""
    return CustomerWeeks(
        np.concatenate([shop.features for shop in shops]),
        np.concatenate([shop.churned for shop in shops]),
        np.concatenate([shop.weeks_ago for shop in shops]),
        np.repeat(np.arange(len(shops)), [shop.churned.size for shop in shops]),
        np.concatenate([shop.user_id for shop in shops]),
    )


def from_events(events: pa.Table, weeks: int, last_day: date, memory_weeks: int = MEMORY_WEEKS) -> CustomerWeeks:
    """Compute the customer-weeks of one shop's events (columns as in `shops.SCHEMA`, days in UTC).

    Of the `weeks` weeks that end with `last_day`, the last four only decide who churned. The first ones have fewer weeks before
    them than `memory_weeks`; `with_whole_memory` leaves them out.
    """
    events = events.append_column("client_id", pa.array(np.ones(events.num_rows, dtype=np.int64)))
    parameters = _parameters(Scan(1, Week(last_day, ZoneInfo("UTC"), last_day + timedelta(days=1)), weeks, memory_weeks))
    with duckdb.connect(config={"threads": 2}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for macro in _MACROS:
            connection.execute(macro)
        connection.register("events", events)
        return _customer_weeks(connection.execute(_duckdb_sql(), parameters).to_arrow_table())


def active_before(events: pa.Table, last_day: date, rows: CustomerWeeks, weeks: int = 26) -> npt.NDArray[np.bool_]:
    """Return whether the customers of `rows` (n) were active 1, 2, … `weeks` weeks before their week (n × `weeks`).

    The weeks of `rows` count back from `last_day`. This is a plain reading of the events for comparisons only: the feature
    itself comes from the SQL.
    """
    user_ids, active = weekly_activity(events, last_day)
    who = np.searchsorted(user_ids, rows.user_id)
    before = rows.weeks_ago[:, np.newaxis] + np.arange(1, weeks + 1)
    beyond = np.zeros((len(user_ids), max(int(before.max(initial=0)) + 1 - active.shape[1], 0)), dtype=np.bool_)
    return np.asarray(np.concatenate([active, beyond], axis=1)[who[:, np.newaxis], before])


def weekly_activity(events: pa.Table, last_day: date) -> tuple[npt.NDArray[np.object_], npt.NDArray[np.bool_]]:
    """Return the user ids (n), sorted, and whether each was active in the weeks 0, 1, … before `last_day` (n × weeks)."""
    days = events["timestamp"].cast(pa.date32()).cast(pa.int32()).to_numpy()
    weeks_ago = ((last_day - date(1970, 1, 1)).days - days) // 7
    events, weeks_ago = events.filter(weeks_ago >= 0), weeks_ago[weeks_ago >= 0]
    codes = events["user_id"].combine_chunks().dictionary_encode()
    user_ids = np.asarray(codes.dictionary.to_numpy(zero_copy_only=False), dtype=np.object_)
    active = np.zeros((user_ids.size, int(weeks_ago.max(initial=0)) + 1), dtype=np.bool_)
    active[codes.indices.to_numpy(), weeks_ago] = True
    order = np.argsort(user_ids)
    return user_ids[order], active[order]


def from_bigquery(client: "bigquery.Client", events: str, scan: Scan) -> CustomerWeeks:
    """Compute the customer-weeks of one client in the table `events` (`project.dataset.table`).

    Only weeks with `MEMORY_WEEKS` before them are returned; of the first weeks only the narrow columns are read.
    """
    from google.cloud import bigquery

    types = {int: "INT64", float: "FLOAT64", str: "STRING", date: "DATE", datetime: "TIMESTAMP"}
    given = _parameters(scan)
    given["scan_start"] = given["week_starts"][MEMORY_WEEKS]
    parameters = [
        bigquery.ArrayQueryParameter(name, "STRING" if name == "ignored_event_types" else "TIMESTAMP", value)
        if isinstance(value, list)
        else bigquery.ScalarQueryParameter(name, types[type(value)], value)
        for name, value in given.items()
    ]
    config = bigquery.QueryJobConfig(query_parameters=parameters)
    rows = client.query_and_wait(training_sql(f"`{events}`"), job_config=config)
    return with_whole_memory(_customer_weeks(rows.to_arrow(create_bqstorage_client=False)), scan.weeks)


def training_sql(events: str) -> str:
    """Return the query on the table `events`, in BigQuery's dialect."""
    templates = jinja2.Environment(loader=jinja2.FileSystemLoader(SQL_FOLDERS), autoescape=False)  # noqa: S701 (SQL, not HTML)
    return templates.get_template("training.sql").render(source="sources/tables.sql", events_table=events)


@cache
def _duckdb_sql() -> str:
    return sqlglot.transpile(training_sql("events"), read="bigquery", write="duckdb")[0]


_MACROS = (
    "CREATE MACRO range_bucket(point, boundaries) AS len(list_filter(boundaries, lambda boundary: boundary <= point))",
    "CREATE MACRO safe_multiply(a, b) AS a * b",  # simulated amounts do not overflow
)
"""BigQuery's functions that DuckDB lacks."""


def _parameters(scan: Scan) -> dict[str, Any]:
    ending, time_zone = scan.newest.ending, scan.newest.time_zone
    starts = week_starts(ending, scan.weeks, time_zone)
    return {
        "client_id": scan.client_id,
        "ignored_event_types": list(scan.about.ignored_event_types),
        "usd_rate": scan.about.usd_rate,
        "week_ending": ending,
        "as_of": ending,
        "time_zone": time_zone.key,
        "memory_weeks": scan.memory_weeks,
        "week_starts": starts,
        "memory_start": starts[0],
        "scan_start": starts[0],
        "scan_end": midnight(ending + timedelta(days=1), time_zone),
    }


def _customer_weeks(rows: pa.Table) -> CustomerWeeks:
    # Engines return rows in any order; training must not depend on it.
    rows = rows.sort_by([("weeks_ago", "ascending"), ("user_id", "ascending")])
    features = np.column_stack([rows[feature].to_numpy().astype(np.float64) for feature in FEATURES])
    weeks_ago = rows["weeks_ago"].to_numpy().astype(np.int64)
    user_id = np.asarray(rows["user_id"].to_numpy(), dtype=np.object_)
    return CustomerWeeks(features, rows["churned"].to_numpy(), weeks_ago, np.zeros_like(weeks_ago), user_id)
