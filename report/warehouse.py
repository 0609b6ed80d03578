"""BigQuery: the only file that knows it. Each query is a file in `sql/`; what comes back is checked and turned into values.

Every query names its client, is limited in time and cost, and can be answered from BigQuery's own cache of results.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from model.churn import FEATURES, FloatArray
from report.analysis.backtest import PastWeek
from report.analysis.cells import Cells, IntArray, ScoredCells
from report.analysis.customers import Customer
from report.analysis.limits import Limits, buckets, representatives
from report.settings import WarehouseSettings
from report.threads import run_in_thread
from report.week import DAYS_TO_COME_BACK, Week, midnight, week_starts

if TYPE_CHECKING:
    from google.cloud import bigquery

FUNCTION_LABEL = "weekly-churn-report"
MOST_RETRY_SECONDS = 10.0
"""How long a passing fault of BigQuery's is tried again, and never longer than half of the time there is."""
SECONDS_TO_CANCEL = 0.5
"""So long before its reader gives up a job is cancelled: once the answer is out, the function may get no processor any more."""
ABANDONED_AFTER_MS = 5_000
"""How much longer than its reader waits a query may run: the client cancels it before, if it still can."""
SQL = Path(__file__).with_name("sql")


class WarehouseError(Exception):
    """BigQuery failed, or its answer cannot be right. The message is for the log, not for the answer."""

    permanent: bool = False
    """Whether it will fail again until somebody puts something right: a bad request, no access, no table."""


class WarehouseTimeoutError(WarehouseError):
    """BigQuery did not answer in time."""


@dataclass(frozen=True)
class Scan:
    """What a query is about: whose customers, in which week, cut into cells where."""

    client_id: int
    week: Week
    limits: Limits


def connect(place: WarehouseSettings) -> None:
    """Import BigQuery's client library and make its client, if that has not been done."""
    with _failures("the client"):
        _client(place)


def count_cells(place: WarehouseSettings, scan: Scan, seconds: float, weeks: int) -> tuple[tuple[Cells, ...], int]:
    """The customers of so many weeks, newest first, counted by cell in one scan, and how many bytes BigQuery read.

    Raises WarehouseTimeoutError after `seconds`, WarehouseError for any other failure.
    """
    columns = ("cell", "weeks_ago", "customers", "spent_usd")
    rows, bytes_processed = _run(place, "cells.sql", _parameters(scan, weeks), columns, seconds)
    numbers, (weeks_ago, customers, spent_usd) = _counted("cells.sql", rows, len(columns), scan.limits)
    if not (np.isin(weeks_ago, range(weeks)) & (customers >= 1)).all() or not _whole(customers):
        raise WarehouseError("cells.sql returned another week's cells, or empty ones")
    if _repeats(np.column_stack([weeks_ago, numbers])):
        raise WarehouseError("cells.sql returned a cell twice")
    cells = Cells(representatives(numbers, scan.limits), customers.astype(np.int64), spent_usd)
    return tuple(cells.where(weeks_ago == week) for week in range(weeks)), bytes_processed


def look_back(place: WarehouseSettings, scan: Scan, seconds: float) -> tuple[PastWeek, int]:
    """The customers of a past week by cell, how many of each have churned since, and how many bytes BigQuery read.

    Raises WarehouseTimeoutError after `seconds`, WarehouseError for any other failure.
    """
    back_until = midnight(scan.week.ending + timedelta(days=DAYS_TO_COME_BACK + 1), scan.week.time_zone)
    parameters = _parameters(scan, weeks=1) | {"back_until": ("TIMESTAMP", back_until)}
    columns = ("cell", "customers", "churned")
    rows, bytes_processed = _run(place, "backtest.sql", parameters, columns, seconds)
    numbers, (customers, churned) = _counted("backtest.sql", rows, len(columns), scan.limits)
    if not _whole(customers) or not _whole(churned) or not ((customers >= 1) & (churned >= 0) & (churned <= customers)).all():
        raise WarehouseError("backtest.sql returned empty cells, or more churned customers than there are")
    if _repeats(numbers):
        raise WarehouseError("backtest.sql returned a cell twice")
    features = representatives(numbers, scan.limits)
    return PastWeek(scan.week, features, customers.astype(np.int64), churned.astype(np.int64)), bytes_processed


def riskiest_customers(
    place: WarehouseSettings, scan: Scan, cells: ScoredCells, most: int, seconds: float
) -> tuple[Customer, ...]:
    """The week's customers in the given cells, riskiest first, among equals biggest spend first, at most `most` of them.

    Raises WarehouseTimeoutError after `seconds`, WarehouseError for any other failure.
    """
    if not cells.customers:
        return ()
    parameters = _parameters(scan, weeks=1) | {
        "cells": ("STRING", _cell_names(cells.cells.features, scan.limits)),
        "churn_probabilities": ("FLOAT64", cells.churn_probability.tolist()),
        "most_customers": ("INT64", most),
    }
    rows, _ = _run(place, "customers.sql", parameters, ("user_id", "email", "name", *FEATURES), seconds)
    features = _numbers("customers.sql", [row[3:] for row in rows], len(FEATURES)).tolist()
    return tuple(
        Customer(user_id, email, name, tuple(values)) for (user_id, email, name, *_), values in zip(rows, features, strict=True)
    )


Row = tuple[Any, ...]
Parameters = dict[str, tuple[str, Any]]
"""From a query parameter's name to its BigQuery type and its value; a sequence makes it an array."""


def _parameters(scan: Scan, weeks: int) -> Parameters:
    week, limits = scan.week, scan.limits
    starts = week_starts(week.ending, weeks, week.time_zone)
    return {
        "client_id": ("INT64", scan.client_id),
        "week_ending": ("DATE", week.ending),
        "as_of": ("DATE", week.as_of),
        "time_zone": ("STRING", week.time_zone.key),
        "week_starts": ("TIMESTAMP", starts),
        "scan_start": ("TIMESTAMP", starts[0]),
        "scan_end": ("TIMESTAMP", midnight(week.ending + timedelta(days=1), week.time_zone)),
    } | {f"{feature}_limits": ("FLOAT64" if feature == "total_spent_usd" else "INT64", limits[feature]) for feature in FEATURES}


def _counted(query: str, rows: Sequence[Row], columns: int, limits: Limits) -> tuple[IntArray, FloatArray]:
    """The buckets (n × 8) that the names of the cells, in the first of so many columns, are made of, and the others (each n)."""
    numbers = _numbers(query, [str(cell).split(",") for cell, *_ in rows], len(FEATURES))
    if not _whole(numbers) or not ((numbers >= 0) & (numbers <= [len(limits[name]) for name in FEATURES])).all():
        raise WarehouseError(f"{query} returned a cell that the limits do not make")
    return numbers.astype(np.int64), _numbers(query, [row[1:] for row in rows], columns - 1).T


def _numbers(query: str, rows: Sequence[Sequence[Any]], columns: int) -> FloatArray:
    """The rows (n × columns) as numbers."""
    try:
        table = np.array(rows, dtype=np.float64).reshape(len(rows), columns)
    except (TypeError, ValueError) as error:
        raise WarehouseError(f"{query} returned something else than numbers: {error}") from error
    if not np.isfinite(table).all():
        raise WarehouseError(f"{query} returned a NULL or an infinity where there can be none")
    return table


def _whole(counts: FloatArray) -> bool:
    """Whether they can be counts: whole numbers, and as large as a float64 tells apart."""
    return bool(((counts % 1 == 0) & (np.abs(counts) < 2**53)).all())


def _repeats(rows: npt.NDArray[np.number[Any]]) -> bool:
    """Whether a row comes more than once."""
    bytes_of_rows = np.ascontiguousarray(rows).view(f"V{rows.itemsize * rows.shape[1]}").ravel()
    return len(set(bytes_of_rows.tolist())) < len(rows)


def _cell_names(features: FloatArray, limits: Limits) -> list[str]:
    """The name of the cell in which each row of `features` (n × 8) lies, as `customers_in_cells.sql` forms it."""
    return [",".join(map(str, row)) for row in buckets(features, limits).tolist()]


def _run(
    place: WarehouseSettings, query: str, parameters: Parameters, columns: Sequence[str], seconds: float
) -> tuple[list[Row], int]:
    """The rows of a query in `sql/`, each with these columns' values, and how many bytes BigQuery read for them."""
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

    def parameter(name: str, type_: str, value: Any) -> bigquery.ArrayQueryParameter | bigquery.ScalarQueryParameter:
        if isinstance(value, list | tuple):
            return bigquery.ArrayQueryParameter(name, type_, value)
        return bigquery.ScalarQueryParameter(name, type_, value)

    job_config = bigquery.QueryJobConfig(
        query_parameters=[parameter(name, *typed_value) for name, typed_value in parameters.items()],
        labels={"function": FUNCTION_LABEL, "client_id": str(parameters["client_id"][1])},
        maximum_bytes_billed=place.max_bytes_billed,
        job_timeout_ms=int(seconds * 1000) + ABANDONED_AFTER_MS,
    )
    retry_seconds = min(seconds / 2, MOST_RETRY_SECONDS)
    with _failures(query):
        client = _client(place)
        answer = client.query_and_wait(
            _text(query, f"{client.project}.{place.dataset}", place),
            job_config=job_config,
            api_timeout=seconds + 1,  # a call that hangs is given up by whoever waits, before it ends by itself
            wait_timeout=max(seconds - SECONDS_TO_CANCEL, seconds / 2),  # then the library cancels the job
            retry=bigquery.DEFAULT_RETRY.with_timeout(retry_seconds),
            job_retry=DEFAULT_JOB_RETRY.with_timeout(retry_seconds),
        )
        # As they came, which is as text: the library's own rows take three times as much of the processor.
        rows = [tuple(cell["v"] for cell in row["f"]) for page in answer.pages for row in page.raw_page.get("rows", ())]
    found = [field.name for field in answer.schema]
    if found != list(columns) or len(rows) != answer.total_rows or {len(row) for row in rows} - {len(columns)}:
        raise WarehouseError(f"{query} returned {len(rows)} of {answer.total_rows} rows, with the columns {found}")
    return rows, answer.total_bytes_processed or 0


@contextmanager
def _failures(query: str) -> Iterator[None]:
    """Turn whatever the client library raises into the two errors of this file."""
    from google.api_core.exceptions import GoogleAPIError
    from google.auth.exceptions import GoogleAuthError
    from requests.exceptions import RequestException

    try:
        yield
    except (TimeoutError, FutureTimeoutError) as error:
        raise WarehouseTimeoutError(f"{query}: {error!r}") from error
    except (GoogleAPIError, GoogleAuthError, RequestException, OSError, LookupError, TypeError, ValueError) as error:
        raise WarehouseError(f"{query}: {error!r}") from error


@cache
def _client(place: WarehouseSettings) -> "bigquery.Client":
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import bigquery

    return bigquery.Client(
        project=place.project or ("local" if place.emulator_host else None),
        credentials=AnonymousCredentials() if place.emulator_host else None,  # type: ignore[no-untyped-call]
        location=place.location,
        client_options={"api_endpoint": place.emulator_host} if place.emulator_host else None,
        default_job_creation_mode="JOB_CREATION_OPTIONAL",
    )


@cache
def _text(query: str, dataset: str, place: WarehouseSettings) -> str:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    loader = FileSystemLoader(SQL)
    templates = Environment(loader=loader, undefined=StrictUndefined)  # nosec B701  # noqa: S701 - SQL, not HTML
    return templates.get_template(query).render(
        events=f"`{dataset}.{place.events_table}`", users=f"`{dataset}.{place.users_table}`"
    )
