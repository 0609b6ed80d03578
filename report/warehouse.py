"""Query BigQuery. Only this file knows it. Each query is a file in `sql/`; its rows are checked and turned into values.

Every query has a client, a time limit and a cost limit, and BigQuery can answer it from its own cache of results.
"""

import re
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from model.arrays import FloatArray, IntArray
from model.churn import FEATURES
from report.analysis.cells import CountedWeeks, WeekTotals
from report.analysis.customers import CellProbabilities, Customer, Regular
from report.analysis.days import DayCounts
from report.analysis.limits import Limits, representatives
from report.settings import WarehouseSettings
from report.text import clean_id, clean_or_none
from report.threads import run_in_thread
from report.week import MEMORY_WEEKS, Week, midnight, week_starts

if TYPE_CHECKING:
    from google.cloud import bigquery

FUNCTION_LABEL = "weekly-churn-report"
MAX_RETRY_SECONDS = 10.0
"""How long a temporary fault of BigQuery is retried at most; also never longer than half of the remaining time."""
SECONDS_TO_CANCEL = 0.5
"""A job is cancelled this long before its reader gives up: after the answer, the function may get no processor time."""
ABANDONED_AFTER_MS = 5_000
"""How much longer than its reader waits a query may run, if the client could not cancel it before."""
WEEKS_OF_SPEND = 9
"""A customer's spend is summed over the week and the 8 weeks before it."""
SQL = Path(__file__).with_name("sql")

WITH_FEATURE = {
    "added_to_wishlist": "with_added_to_wishlist",
    "removed_from_wishlist": "with_removed_from_wishlist",
    "added_to_cart": "with_added_to_cart",
    "removed_from_cart": "with_removed_from_cart",
    "cart_quantity_updated": "with_cart_quantity_updated",
    "total_sessions": "with_sessions",
    "total_spent_usd": "with_spend",
}
"""A feature → the column of `cells.sql` that counts a week's customers with the feature above 0."""
WEEK_COLUMNS = (
    "weeks_ago",
    "customers",
    "new_customers",
    "missing_regulars",
    "spent_by_missing_regulars",
    "unusable_amounts",
    *WITH_FEATURE.values(),
)
"""The columns of `cells.sql` before `cells`: the totals of a week."""

PASSING_REASONS = {"backendError", "internalError", "jobRateLimitExceeded", "quotaExceeded", "rateLimitExceeded"}
"""Reasons of BigQuery's errors with a status of 400 to 404 that may be gone at a later attempt."""


class WarehouseError(Exception):
    """BigQuery failed, or its answer cannot be correct. The message is for the log, not for the answer."""

    def __init__(self, message: str, *, permanent: bool = False) -> None:
        super().__init__(message)
        self.permanent = permanent
        """Whether the query will fail until somebody changes the configuration, the tables or the code."""


class WarehouseTimeoutError(WarehouseError):
    """BigQuery did not answer in time."""


@dataclass(frozen=True)
class Scan:
    """The subject of a query: the client, the week, the present instant, and the limits of the cells."""

    client_id: int
    week: Week
    now: datetime
    limits: Limits
    usd_rate: float = 1.0
    ignored_event_types: tuple[str, ...] = ()
    memory_weeks: int = MEMORY_WEEKS


@dataclass(frozen=True)
class Page:
    """A part of a list: at most `size` rows after the first `skip`."""

    size: int
    skip: int = 0


def connect(place: WarehouseSettings) -> None:
    """Import BigQuery's client library and make its client, if this has not been done yet."""
    with _failures("the client"):
        _client(place)


def count_weeks(place: WarehouseSettings, scan: Scan, seconds: float) -> tuple[CountedWeeks, int]:
    """Count the customers of every week of a report by cell, in one scan. Also return the bytes that BigQuery read.

    Raises WarehouseTimeoutError after `seconds`, WarehouseError for any other failure.
    """
    weeks = scan.week.counted_weeks
    parameters = _parameters(scan, weeks, MEMORY_WEEKS) | {"weeks": ("INT64", weeks)}
    rows, bytes_processed = _run(place, "cells.sql", parameters, (*WEEK_COLUMNS, "cells"), seconds)
    table = _numbers("cells.sql", (row[:-1] for row in rows), len(WEEK_COLUMNS))
    totals = _totals(table, weeks)
    cells_of_weeks = {int(weeks_ago): row[-1] for weeks_ago, row in zip(table[:, 0], rows, strict=True)}
    names, customers, churned, spent = _by_cell_and_week(cells_of_weeks, weeks)
    if customers.sum(axis=0).tolist() != [total.customers for total in totals[:weeks]]:
        raise WarehouseError("cells.sql returned cells that do not have all customers of their week")
    buckets = _numbers("cells.sql", (name.split(",") for name in names), len(FEATURES) + 1)
    highest = [*(len(scan.limits[name]) for name in FEATURES), 1]
    if not (_whole(buckets) and ((buckets >= 0) & (buckets <= highest)).all()):
        raise WarehouseError("cells.sql returned a cell that the limits do not make")
    return CountedWeeks(
        features=representatives(buckets[:, :-1].astype(np.int64), scan.limits),
        declining=buckets[:, -1] == 1,
        customers=customers,
        churned=churned,
        spent=spent,
        totals=totals,
        memory_weeks=scan.memory_weeks,
    ), bytes_processed


def count_days(place: WarehouseSettings, scan: Scan, seconds: float) -> tuple[DayCounts, int]:
    """Count the events of every local day of a report. Also return the bytes that BigQuery read.

    Raises WarehouseTimeoutError after `seconds`, WarehouseError for any other failure.
    """
    first_day = scan.week.first_counted_day
    parameters = _of_rows(scan) | {
        "days_start": ("TIMESTAMP", midnight(first_day, scan.week.time_zone)),
        "week_start": ("TIMESTAMP", midnight(scan.week.start, scan.week.time_zone)),
    }
    rows, bytes_processed = _run(place, "days.sql", parameters, ("day", "events", "repeated"), seconds)
    counts = _numbers("days.sql", (row[1:] for row in rows), 2)
    try:
        days = [None if day is None else date.fromisoformat(str(day)) for day, *_ in rows]
    except ValueError as error:
        raise WarehouseError(f"days.sql returned something else than days: {error}") from error
    if not (_whole(counts) and (counts >= 0).all()) or days.count(None) != 1 or len(set(days)) < len(days):
        raise WarehouseError("days.sql returned something else than counts, or a day twice")
    events: dict[date, int] = {}
    rows_of_week = repeated_rows = 0
    for day, (count, repeated) in zip(days, counts.astype(np.int64).tolist(), strict=True):
        if day is None:
            rows_of_week, repeated_rows = count, repeated
        else:
            events[day] = count
    return DayCounts(events, rows_of_week, repeated_rows), bytes_processed


def last_day_has_come(place: WarehouseSettings, scan: Scan, seconds: float) -> bool:
    """Tell whether there is any event on the week's last day.

    Raises WarehouseTimeoutError after `seconds`, WarehouseError for any other failure.
    """
    parameters = _of_rows(scan) | {"day_start": ("TIMESTAMP", midnight(scan.week.ending, scan.week.time_zone))}
    rows, _ = _run(place, "last_day.sql", parameters, ("events",), seconds)
    return bool(_numbers("last_day.sql", rows, 1).any())


def customers_by_expected_loss(
    place: WarehouseSettings, scan: Scan, cells: CellProbabilities, page: Page, seconds: float
) -> tuple[Customer, ...]:
    """Fetch a page of the week's customers in the given cells, ordered by expected loss.

    Raises WarehouseTimeoutError after `seconds`, WarehouseError for any other failure.
    """
    if not cells.names:
        return ()
    parameters = (
        _parameters(scan, WEEKS_OF_SPEND, 0)
        | _of_page(page)
        | {
            "cells": ("STRING", cells.names),
            "churn_probabilities": ("FLOAT64", cells.churn_probabilities),
        }
    )
    columns = ("user_id", "email", "name", "cell", "spent_9_weeks", *FEATURES)
    rows, _ = _run(place, "customers.sql", parameters, columns, seconds)
    values = _numbers("customers.sql", (row[4:] for row in rows), 1 + len(FEATURES)).tolist()
    return tuple(
        Customer(
            user_id=clean_id(str(user_id)),
            email=clean_or_none(email),
            name=clean_or_none(name),
            features=tuple(features),
            declining=str(cell).endswith(",1"),
            spent_9_weeks=spent,
        )
        for (user_id, email, name, cell, *_), (spent, *features) in zip(rows, values, strict=True)
    )


def missing_regulars(place: WarehouseSettings, scan: Scan, page: Page, seconds: float) -> tuple[Regular, ...]:
    """Fetch a page of the customers who used to come and did not, ordered by what they spent in nine weeks.

    Raises WarehouseTimeoutError after `seconds`, WarehouseError for any other failure.
    """
    parameters = _parameters(scan, WEEKS_OF_SPEND, 0) | _of_page(page)
    columns = ("user_id", "email", "name", "active_weeks", "spent_9_weeks")
    rows, _ = _run(place, "missing_regulars.sql", parameters, columns, seconds)
    numbers = _numbers("missing_regulars.sql", (row[3:] for row in rows), 2).tolist()
    return tuple(
        Regular(clean_id(str(user_id)), clean_or_none(email), clean_or_none(name), int(active_weeks), spent)
        for (user_id, email, name, *_), (active_weeks, spent) in zip(rows, numbers, strict=True)
    )


Row = tuple[Any, ...]
Parameters = dict[str, tuple[str, Any]]
"""The name of a query parameter → its BigQuery type and its value; a sequence makes an array."""


def _of_page(page: Page) -> Parameters:
    return {"max_customers": ("INT64", page.size), "skipped_customers": ("INT64", page.skip)}


def _of_rows(scan: Scan) -> Parameters:
    """Return the parameters that say which rows count."""
    end = midnight(scan.week.ending + timedelta(days=1), scan.week.time_zone)
    return {
        "client_id": ("INT64", scan.client_id),
        "usd_rate": ("FLOAT64", scan.usd_rate),
        "ignored_event_types": ("STRING", scan.ignored_event_types),
        "time_zone": ("STRING", scan.week.time_zone.key),
        "history_start": ("TIMESTAMP", midnight(scan.week.first_counted_day, scan.week.time_zone)),
        "scan_end": ("TIMESTAMP", min(end, scan.now)),
    }


def _parameters(scan: Scan, weeks: int, earlier_weeks: int) -> Parameters:
    """Return the parameters of `customers_in_cells.sql`: `weeks` with features, and `earlier_weeks` before them for memory."""
    week = scan.week
    starts = week_starts(week.ending, weeks + earlier_weeks, week.time_zone)
    return (
        _of_rows(scan)
        | {
            "week_ending": ("DATE", week.ending),
            "as_of": ("DATE", week.as_of),
            "memory_weeks": ("INT64", scan.memory_weeks),
            "week_starts": ("TIMESTAMP", starts),
            "memory_start": ("TIMESTAMP", starts[0]),
            "scan_start": ("TIMESTAMP", starts[earlier_weeks]),
        }
        | {
            f"{feature}_limits": ("FLOAT64" if feature == "total_spent_usd" else "INT64", scan.limits[feature])
            for feature in FEATURES
        }
    )


def _totals(table: FloatArray, weeks: int) -> tuple[WeekTotals, ...]:
    """Return the totals of all weeks, also those of the memory, newest first; zeros for a week without customers."""
    all_weeks = weeks + MEMORY_WEEKS
    counts = np.delete(table, WEEK_COLUMNS.index("spent_by_missing_regulars"), axis=1)
    if not (_whole(counts) and (counts >= 0).all() and (counts[:, 0] < all_weeks).all()) or len(set(counts[:, 0])) < len(counts):
        raise WarehouseError("cells.sql returned totals that cannot be, or a week twice")
    found = {int(row[0]): dict(zip(WEEK_COLUMNS, row, strict=True)) for row in table.tolist()}
    return tuple(_totals_of(found.get(ago, {}), with_feature=ago < weeks) for ago in range(all_weeks))


def _totals_of(week: Mapping[str, float], *, with_feature: bool) -> WeekTotals:
    def count(column: str) -> int:
        return int(week.get(column, 0))

    return WeekTotals(
        customers=count("customers"),
        new_customers=count("new_customers"),
        missing_regulars=count("missing_regulars"),
        unusable_amounts=count("unusable_amounts"),
        spent_by_missing_regulars=week.get("spent_by_missing_regulars", 0.0),
        with_feature={feature: count(column) for feature, column in WITH_FEATURE.items()} if with_feature else None,
    )


def _by_cell_and_week(cells_of_weeks: Mapping[int, str | None], weeks: int) -> tuple[list[str], IntArray, IntArray, FloatArray]:
    """Read the cells of each week, by weeks ago: m names, and their customers, churned customers and spend (each m × w)."""
    places: dict[str, int] = {}

    def entries() -> Iterator[tuple[Any, ...]]:
        for weeks_ago, text in cells_of_weeks.items():
            for entry in str(text).split(";") if text else ():
                name, *numbers = entry.split(" ")
                yield places.setdefault(name, len(places)), weeks_ago, *numbers

    table = _numbers("cells.sql", entries(), 5)
    counts, spent_of_entry = table[:, :4], table[:, 4]
    if not (
        _whole(counts)
        and ((counts[:, 1] < weeks) & (counts[:, 2] >= 1) & (counts[:, 3] >= 0) & (counts[:, 3] <= counts[:, 2])).all()
    ):
        raise WarehouseError("cells.sql returned empty cells, cells of the memory, or more churned customers than there are")
    cell, week, customers_of_entry, churned_of_entry = counts.astype(np.int64).T
    if len(np.unique(cell * weeks + week)) < len(cell):
        raise WarehouseError("cells.sql returned a cell of a week twice")
    customers = np.zeros((len(places), weeks), np.int64)
    churned, spent = customers.copy(), np.zeros((len(places), weeks))
    customers[cell, week], churned[cell, week], spent[cell, week] = customers_of_entry, churned_of_entry, spent_of_entry
    return list(places), customers, churned, spent


def _numbers(query: str, rows: Iterable[Sequence[Any]], columns: int) -> FloatArray:
    """Return the rows (n × columns) as numbers."""
    numbers = array("d")  # a large shop has 60,000 rows here: as Python's objects they would take 30 MiB
    try:
        for row in rows:
            if len(row) != columns:
                raise ValueError(f"{len(row)} values where there should be {columns}")
            numbers.extend(map(float, row))
    except (TypeError, ValueError) as error:
        raise WarehouseError(f"{query} returned something else than numbers: {error}") from error
    table = np.asarray(numbers).reshape(-1, columns)
    if not np.isfinite(table).all():
        raise WarehouseError(f"{query} returned a NULL or an infinity where there can be none")
    return table


def _whole(counts: npt.NDArray[np.float64]) -> bool:
    """Tell whether the numbers can be counts: whole, and not larger than a float64 represents exactly."""
    return bool(((counts % 1 == 0) & (np.abs(counts) < 2**53)).all())


def _run(
    place: WarehouseSettings, query: str, parameters: Parameters, columns: Sequence[str], seconds: float
) -> tuple[list[Row], int]:
    """Run a query in `sql/`; return its rows with the values of these columns, and the bytes that BigQuery read."""
    answer = run_in_thread(_query, place, query, parameters, columns, seconds)
    try:
        return answer.result(timeout=seconds)
    except FutureTimeoutError as error:
        raise WarehouseTimeoutError(f"{query} took longer than {seconds:.1f} s") from error


def _query(
    place: WarehouseSettings, query: str, parameters: Parameters, columns: Sequence[str], seconds: float
) -> tuple[list[Row], int]:
    from google.cloud import bigquery
    from google.cloud.bigquery.retry import DEFAULT_JOB_RETRY

    with _failures(query):
        client = _client(place)
        text = _text(query, client.project, place)
    job_config = bigquery.QueryJobConfig(
        query_parameters=_typed(parameters, text),
        labels={"function": FUNCTION_LABEL, "client_id": str(parameters["client_id"][1])},
        job_timeout_ms=int(seconds * 1000) + ABANDONED_AFTER_MS,
    )
    if place.max_bytes_billed is not None:  # the library would send None as the text "None", which the API refuses
        job_config.maximum_bytes_billed = place.max_bytes_billed
    retry_seconds = min(seconds / 2, MAX_RETRY_SECONDS)
    with _failures(query):
        answer = client.query_and_wait(
            text,
            job_config=job_config,
            api_timeout=seconds + 1,  # the reader gives up earlier than this
            wait_timeout=max(seconds - SECONDS_TO_CANCEL, seconds / 2),  # after this the library cancels the job
            retry=bigquery.DEFAULT_RETRY.with_timeout(retry_seconds),
            job_retry=DEFAULT_JOB_RETRY.with_timeout(retry_seconds),
        )
        # The raw values, which are text: the library's own rows take three times as much processor time.
        rows = [tuple(cell["v"] for cell in row["f"]) for page in answer.pages for row in page.raw_page.get("rows", ())]
    found = [field.name for field in answer.schema]
    if found != list(columns) or len(rows) != answer.total_rows or {len(row) for row in rows} - {len(columns)}:
        raise WarehouseError(f"{query} returned {len(rows)} of {answer.total_rows} rows, with the columns {found}")
    return rows, answer.total_bytes_processed or 0


def _typed(parameters: Parameters, text: str) -> "list[bigquery.ArrayQueryParameter | bigquery.ScalarQueryParameter]":
    """Return the parameters that the query's text names, in the client library's types: sources need different ones."""
    from google.cloud import bigquery

    return [
        (bigquery.ArrayQueryParameter if isinstance(value, list | tuple) else bigquery.ScalarQueryParameter)(name, type_, value)
        for name, (type_, value) in parameters.items()
        if re.search(rf"@{name}\b", text)
    ]


@contextmanager
def _failures(query: str) -> Iterator[None]:
    """Turn the client library's exceptions into the two errors of this file."""
    from google.api_core.exceptions import ClientError, GoogleAPIError
    from google.auth.exceptions import DefaultCredentialsError, GoogleAuthError
    from requests.exceptions import RequestException

    try:
        yield
    except (TimeoutError, FutureTimeoutError) as error:
        raise WarehouseTimeoutError(f"{query}: {error!r}") from error
    except (ClientError, DefaultCredentialsError) as error:
        reasons = {detail.get("reason") for detail in getattr(error, "errors", ())}
        refused = getattr(error, "code", 400) in (400, 401, 403, 404)
        raise WarehouseError(f"{query}: {error!r}", permanent=refused and not reasons & PASSING_REASONS) from error
    except (GoogleAPIError, GoogleAuthError, RequestException, OSError, LookupError, TypeError, ValueError) as error:
        raise WarehouseError(f"{query}: {error!r}") from error


def _client(place: WarehouseSettings) -> "bigquery.Client":
    return _client_of(place.project, place.location, place.emulator_host)


@cache
def _client_of(project: str | None, location: str | None, emulator_host: str | None) -> "bigquery.Client":
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import bigquery

    return bigquery.Client(
        project=project or ("local" if emulator_host else None),
        credentials=AnonymousCredentials() if emulator_host else None,  # type: ignore[no-untyped-call]
        location=location,
        client_options={"api_endpoint": emulator_host} if emulator_host else None,
        default_job_creation_mode="JOB_CREATION_OPTIONAL",
    )


@cache
def _text(query: str, project: str, place: WarehouseSettings) -> str:
    """Return the text of a query in `sql/` for the tables of `place`."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    def quoted(table: str) -> str:
        return f"`{table if table.count('.') > 1 else f'{project}.{table}'}`"

    loader = FileSystemLoader(SQL)
    templates = Environment(loader=loader, undefined=StrictUndefined)  # nosec B701  # noqa: S701 - SQL, not HTML
    templates.globals |= {
        "source": f"sources/{place.source.name}.sql",
        "events_table": quoted(f"{place.dataset}.{place.events_table}"),
        "users_table": place.users_table and quoted(f"{place.dataset}.{place.users_table}"),
        "export_tables": quoted(f"{place.source.dataset}.events_*"),
        "segment_tables": {table: quoted(f"{place.source.dataset}.{table}") for table in (*place.source.tables, "identifies")},
        "tracked_users": place.source.users,
    }
    return templates.get_template(query).render()
