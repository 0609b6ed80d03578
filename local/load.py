"""Load a shop's own files into BigQuery's two tables: a load job into a staging table, then one statement that adds new rows."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import jinja2
from google.api_core.exceptions import GoogleAPIError, NotFound
from google.auth.exceptions import GoogleAuthError
from google.cloud import bigquery

from local import programs
from local.ingest.mapping import InputError
from local.ingest.rows import OwnShop

SQL = Path(__file__).with_name("sql")
STAGING_HOURS = 6
"""How long a staging table exists at most: then BigQuery drops it if `load` did not."""

# Without REQUIRED: by its schema, a Parquet file may have empty values. The tables themselves check them.
EVENTS = (
    bigquery.SchemaField("client_id", "INT64"),
    bigquery.SchemaField("user_id", "STRING"),
    bigquery.SchemaField("event_type", "STRING"),
    bigquery.SchemaField("timestamp", "TIMESTAMP"),
    bigquery.SchemaField("price", "NUMERIC", precision=38, scale=9),
    bigquery.SchemaField("quantity", "INT64"),
    bigquery.SchemaField("session_id", "STRING"),
)
USERS = (
    bigquery.SchemaField("client_id", "INT64"),
    bigquery.SchemaField("user_id", "STRING"),
    bigquery.SchemaField("email", "STRING"),
    bigquery.SchemaField("name", "STRING"),
)
NO_ACCESS = "No access to BigQuery: {}\nSign in with: gcloud auth application-default login"


@dataclass(frozen=True)
class Target:
    """Where the two tables are."""

    project: str
    dataset: str
    location: str | None = None
    events: str = "events"
    users: str = "users"


@dataclass(frozen=True)
class Loaded:
    """How many rows were new."""

    events: int
    users: int


def connect(project: str) -> bigquery.Client:
    """Make a client of BigQuery, with the credentials of this machine. Raise InputError if there are none."""
    try:
        return bigquery.Client(project)
    except GoogleAuthError as error:
        raise InputError(NO_ACCESS.format(error)) from None


def plan(shop: OwnShop, target: Target) -> str:
    """Describe what `load` would do, with the statements that it would run."""
    span = _span(shop)
    place = f"{target.project}.{target.dataset}"
    people = _count(shop.users)
    upload = (
        f"Upload {shop.rows:,} events ({_size(shop.events)}) of client {', '.join(map(str, sorted(shop.clients)))}, from "
        f"{span[0]:%Y-%m-%d} to {span[1]:%Y-%m-%d}, by a load job into the staging table {_staging(shop.events, 'events')}."
    )
    steps = [
        f"Create the dataset {place}{f' in {target.location}' if target.location else ''} and the tables "
        f"{target.events} and {target.users}, where they are missing (report/sql/tables.sql).",
        upload,
        "Add the events that are not there yet, in one statement; the same rows loaded again add nothing:\n"
        + _indented(_statement("load_events.sql", target, _staging(shop.events, "events"))),
    ]
    if people:
        staging = _staging(shop.users, "users")
        steps += [
            f"Upload {people:,} people ({_size(shop.users)}) into the staging table {staging}.",
            "Replace or add the people:\n" + _indented(_statement("load_users.sql", target, staging)),
        ]
    steps.append(f"Drop the staging table{'s' if people else ''}.")
    return "\n".join(f"{number}. {step}" for number, step in enumerate(steps, 1))


def load(client: bigquery.Client, shop: OwnShop, target: Target, say: Callable[[str], None]) -> Loaded:
    """Add the shop's rows to the tables. Raise InputError if BigQuery refuses; then nothing has been added."""
    with _told(target):
        dataset = _dataset(client, target)
        _create_tables(client, target, dataset.location)
        first, last = _span(shop)
        events_parameters = [
            bigquery.ArrayQueryParameter("clients", "INT64", sorted(shop.clients)),
            bigquery.ScalarQueryParameter("first", "TIMESTAMP", first),
            bigquery.ScalarQueryParameter("last", "TIMESTAMP", last),
        ]
        say(f"Uploading {shop.rows:,} events to {target.project}.{target.dataset}")
        with _staged(client, target, dataset.location, shop.events, "events", EVENTS) as staging:
            new = _run(client, _statement("load_events.sql", target, staging), dataset.location, events_parameters)
        people = 0
        if _count(shop.users):
            with _staged(client, target, dataset.location, shop.users, "users", USERS) as staging:
                people = _run(client, _statement("load_users.sql", target, staging), dataset.location, [])
    return Loaded(new, people)


@contextmanager
def _told(target: Target) -> Iterator[None]:
    try:
        yield
    except GoogleAuthError as error:
        raise InputError(NO_ACCESS.format(error)) from None
    except GoogleAPIError as error:
        message = getattr(error, "message", None) or str(error)
        raise InputError(f"BigQuery refused, and nothing was added to {target.project}.{target.dataset}: {message}") from None


def _dataset(client: bigquery.Client, target: Target) -> bigquery.Dataset:
    name = f"{target.project}.{target.dataset}"
    try:
        return client.get_dataset(name)
    except NotFound:
        dataset = bigquery.Dataset(name)
        if target.location:
            dataset.location = target.location
        return client.create_dataset(dataset)


def _create_tables(client: bigquery.Client, target: Target, location: str | None) -> None:
    text = (programs.ROOT / "report/sql/tables.sql").read_text("utf-8")
    names = {"events_table": _table(target, target.events), "users_table": _table(target, target.users)}
    statements = jinja2.Template(text).render(names)
    if _is_emulator(client):
        statements = statements.replace("NUMERIC", "NUMERIC(38, 9)")  # it rounds a bare NUMERIC to three decimals
    client.query_and_wait(statements, location=location)


@contextmanager
def _staged(  # noqa: PLR0913, PLR0917
    client: bigquery.Client,
    target: Target,
    location: str | None,
    file: Path,
    table: str,
    schema: tuple[bigquery.SchemaField, ...],
) -> Iterator[str]:
    """Make a staging table with the rows of a file, and drop it when the block ends."""
    name = _staging(file, table)
    full = f"{target.project}.{target.dataset}.{name}"
    new = bigquery.Table(full, schema=schema)
    new.expires = datetime.now(UTC) + timedelta(hours=STAGING_HOURS)
    client.delete_table(full, not_found_ok=True)
    client.create_table(new)
    try:
        options = bigquery.LoadJobConfig(source_format="PARQUET", write_disposition="WRITE_APPEND", schema=schema)
        with file.open("rb") as content:
            client.load_table_from_file(content, full, job_config=options, location=location).result()
        yield name
    finally:
        client.delete_table(full, not_found_ok=True)


def _run(client: bigquery.Client, statement: str, location: str | None, parameters: list[Any]) -> int:
    options = bigquery.QueryJobConfig(query_parameters=parameters, labels={"function": "weekly-churn-report", "step": "load"})
    job = client.query(statement, job_config=options, location=location)
    job.result()
    return job.num_dml_affected_rows or 0


def _statement(name: str, target: Target, staging: str) -> str:
    text = (SQL / name).read_text("utf-8")
    rendered: str = jinja2.Template(text).render(
        events=_table(target, target.events), users=_table(target, target.users), staging=_table(target, staging)
    )
    return rendered


def _table(target: Target, name: str) -> str:
    return f"`{target.project}.{target.dataset}.{name}`"


def _staging(file: Path, table: str) -> str:
    """Name a file's staging table by its content, so that simultaneous loads of different files do not share one."""
    with file.open("rb") as content:
        return f"{table}_staging_{hashlib.file_digest(content, 'sha256').hexdigest()[:16]}"


def _span(shop: OwnShop) -> tuple[datetime, datetime]:
    [(first, last)] = duckdb.execute(
        "SELECT epoch_us(MIN(timestamp)), epoch_us(MAX(timestamp)) FROM read_parquet(?)", [str(shop.events)]
    ).fetchall()
    return tuple(datetime.fromtimestamp(0, UTC) + timedelta(microseconds=moment) for moment in (first, last))  # type: ignore[return-value]


def _count(file: Path) -> int:
    [(rows,)] = duckdb.execute("SELECT COUNT(*) FROM read_parquet(?)", [str(file)]).fetchall()
    return int(rows)


def _size(file: Path) -> str:
    return f"{file.stat().st_size / 1e6:,.2f} MB"


def _indented(text: str) -> str:
    return "\n".join(f"   {line}" for line in text.splitlines() if not line.startswith("--") and line)


def _is_emulator(client: bigquery.Client) -> bool:
    return "127.0.0.1" in str(client._connection.API_BASE_URL)
