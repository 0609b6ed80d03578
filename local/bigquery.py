"""BigQuery on this machine: an emulator that the real client library talks to, with the report's two tables in it."""

import io
import os
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import jinja2
import pyarrow as pa
import pyarrow.parquet as pq
from google.auth.credentials import AnonymousCredentials
from google.auth.transport.requests import AuthorizedSession
from google.cloud import bigquery

from local import programs

PROJECT = "local"
DATASET = "analytics"

EVENTS = pa.schema(
    {
        "client_id": pa.int64(),
        "user_id": pa.string(),
        "event_type": pa.string(),
        "timestamp": pa.timestamp("us", tz="UTC"),
        "price": pa.decimal128(38, 9),
        "quantity": pa.int64(),
        "session_id": pa.string(),
    }
)
USERS = pa.schema({"client_id": pa.int64(), "user_id": pa.string(), "email": pa.string(), "name": pa.string()})

# DuckDB, which the emulator uses, would download the extension; here it comes in a wheel. At each value of a parameter, DuckDB
# looks for pandas: None says at once that there is none. Imported objects are frozen: garbage collection can skip them. For a
# small shop, translating a query to DuckDB's SQL takes up to a third of a report's time, so each text is translated once.
_START = """
import functools, gc, os, sys
from duckdb_extensions import import_extension
import_extension("spatial")
import bqemulator.server
from bqemulator.cli import main
from bqemulator.sql.translator import SQLTranslator
sys.modules["pandas"] = None
translate, translated = SQLTranslator.translate, {}
def translate_once(self, text, *, schema=None, caller=None):
    key = (text, repr(schema), caller)
    if key not in translated:
        translated[key] = translate(self, text, schema=schema, caller=caller)
    return translated[key]
SQLTranslator.translate = translate_once
if memory := os.environ.get("DUCKDB_MEMORY"):
    import duckdb
    duckdb.connect = functools.partial(duckdb.connect, config={"memory_limit": memory, "temp_directory": os.environ["TMPDIR"]})
gc.freeze()
main()
"""


@dataclass(frozen=True)
class LocalBigQuery:
    """A running local BigQuery: its address, as `BIGQUERY_EMULATOR_HOST` takes it, and a client of it."""

    address: str
    client: bigquery.Client


@contextmanager
def running(*, memory: str | None = None, on_disk: bool = False) -> Iterator[LocalBigQuery]:
    """Start an empty local BigQuery and stop it at the end.

    Data beyond `memory`, such as 1GB, goes to the disk. With `on_disk`, all rows go to the disk, which takes less memory.
    """
    options = ["--rest-port", "0", "--grpc-port", "0", "--project", PROJECT, "--log-level", "info", "--log-format", "json"]
    home = programs.CACHE / "duckdb"
    home.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="churn-report-") as folder:
        kept = ["--persistent", "--data-dir", str(Path(folder, "data"))] if on_disk else ["--ephemeral"]
        command = [sys.executable, "-c", _START, "start", *kept, *options]
        environment = os.environ | {
            "HOME": str(home),  # where DuckDB keeps its extensions
            "TMPDIR": folder,  # where uploads go
            "BQEMU_ENABLE_FORMAT_EXTENSIONS": "false",  # or it tries to download one more
            "DUCKDB_MEMORY": memory or "",
            "PYTHONUNBUFFERED": "1",
        }
        with programs.running("the local BigQuery", command, environment, Path(folder, "bigquery.log")) as emulator:
            port = emulator.wait_for(r'"port": (\d+), "event": "rest.listen"')
            address = f"http://127.0.0.1:{port}"
            with closing(connect(address)) as client:
                yield LocalBigQuery(address, client)


def connect(address: str, project: str = PROJECT) -> bigquery.Client:
    """Make a client of the emulator at an address."""
    credentials = AnonymousCredentials()  # type: ignore[no-untyped-call]
    session = AuthorizedSession(credentials)  # type: ignore[no-untyped-call]
    session.trust_env = False  # no proxy between this machine and itself
    return bigquery.Client(project, credentials, _http=session, client_options={"api_endpoint": address})


def create_tables(client: bigquery.Client, dataset: str = DATASET) -> None:
    """Create the dataset and its two tables, as `report/sql/tables.sql` has them."""
    template = jinja2.Template((programs.ROOT / "report/sql/tables.sql").read_text("utf-8"))
    client.create_dataset(dataset)
    names = {f"{table}_table": f"`{client.project}.{dataset}.{table}`" for table in ("events", "users")}
    # The emulator rounds a bare NUMERIC to three decimals.
    client.query_and_wait(template.render(names).replace("NUMERIC", "NUMERIC(38, 9)"))


def load(client: bigquery.Client, events: pa.Table, users: pa.Table, dataset: str = DATASET) -> None:
    """Append rows to the two tables, by load jobs."""
    for name, rows, schema in (("events", events, EVENTS), ("users", users, USERS)):
        if rows.num_rows:
            file = io.BytesIO()
            pq.write_table(rows.select(schema.names).cast(schema), file)
            file.seek(0)
            options = bigquery.LoadJobConfig(source_format="PARQUET", write_disposition="WRITE_APPEND")
            client.load_table_from_file(file, f"{dataset}.{name}", job_config=options).result()


def load_files(client: bigquery.Client, events: Path, users: Path, dataset: str = DATASET) -> None:
    """Append the rows of Parquet files to the two tables, by load jobs."""
    options = bigquery.LoadJobConfig(source_format="PARQUET", write_disposition="WRITE_APPEND")
    for name, path in (("events", events), ("users", users)):
        with path.open("rb") as file:
            client.load_table_from_file(file, f"{dataset}.{name}", job_config=options).result()
