"""Two engines that answer cases: Google's own, in an environment of its own, and the emulator, through BigQuery's client."""

import fcntl
import hashlib
import io
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from case_file import EXPORTED, ROOT, Case, Row, definition, from_text, sql
from google.cloud.bigquery import ArrayQueryParameter, Client, LoadJobConfig, QueryJobConfig, ScalarQueryParameter, SchemaField

from local import bigquery as local_bigquery
from local.kept import kept
from local.programs import CACHE

REQUIREMENTS = ROOT / "requirements/conformance.txt"
ENGINE = Path(__file__).with_name("engine.py")
LEGACY_TYPES = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL"}
ARROW_TYPES = {
    "INT64": pa.int64(),
    "FLOAT64": pa.float64(),
    "STRING": pa.string(),
    "TIMESTAMP": pa.timestamp("us", tz="UTC"),
}


@dataclass(frozen=True)
class Answer:
    """What an engine returned: the BigQuery type of each column, and the rows."""

    types: dict[str, str]
    rows: list[dict[str, Any]]


@dataclass(frozen=True)
class Engine:
    """What answers cases, and the columns that it understood report/sql/tables.sql to give the two tables."""

    tables: dict[str, dict[str, str]]
    answer: Callable[[Case], Answer]


def google_engine(cases: Sequence[Case]) -> Engine:
    """Google's own engine, asked about all these cases at once, since loading it is what takes time."""
    questions = [
        {
            "sql": sql(case.query, "shop", case.users),
            "parameters": case.parameters,
            "tables": {f"shop.{name}": rows for name, rows in case.tables.items()},
        }
        for case in cases
    ]
    batch = {
        "tables": sql("tables.sql", "shop") + "".join(definition(table, "`shop.{}`") for table in EXPORTED),
        "described": ["shop.events", "shop.users"],
        "questions": questions,
    }
    said = _google_says(json.dumps(batch))

    def answer(case: Case) -> Answer:
        found = said["answers"][cases.index(case)]
        assert "error" not in found, found["error"]
        types = found["types"]
        rows = [dict(zip(types, map(from_text, row, types.values()), strict=True)) for row in found["rows"]]
        return Answer(types, rows)

    return Engine({name.removeprefix("shop."): types for name, types in said["tables"].items()}, answer)


def emulator_engine(client: Client) -> Engine:
    """The emulator, asked through the client library that the function uses too. Each case gets its own dataset."""
    numbers = count(1)

    def answer(case: Case) -> Answer:
        dataset = f"case_{next(numbers)}"
        local_bigquery.create_tables(client, dataset)
        events, users = (
            _arrow(case.tables.get(name, []), schema)
            for name, schema in (("events", local_bigquery.EVENTS), ("users", local_bigquery.USERS))
        )
        local_bigquery.load(client, events, users, dataset)
        for table in EXPORTED if case.query.startswith("sources/") else ():
            client.query(_for_the_emulator(definition(table, f"`{dataset}.{{}}`"))).result()
            rows = [{_for_the_emulator(name): value for name, value in row.items()} for row in case.tables.get(table, [])]
            if rows:
                _load_nested(client, f"{dataset}.{_for_the_emulator(table)}", rows)
        # As a job, though the function asks the short way: that way the emulator answers a query that fails with no rows.
        result = client.query(_for_the_emulator(sql(case.query, dataset, case.users)), job_config=_job(case)).result()
        return Answer(_types(result.schema), [dict(row.items()) for row in result])

    tables = {name: _types(client.get_table(f"{local_bigquery.DATASET}.{name}").schema) for name in ("events", "users")}
    return Engine(tables, answer)


def _google_says(batch: str) -> Any:
    """Return the answer of Google's engine to a batch; the first process that needs it asks, and the others read what it kept."""
    python = _python()
    question = hashlib.sha256(str(python).encode() + ENGINE.read_bytes() + batch.encode()).hexdigest()
    answers = CACHE / "conformance.json"
    with (CACHE / "conformance.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if answers.exists() and (said := json.loads(answers.read_text()))["question"] == question:
            return said["answer"]
        answer = json.loads(_run([python, ENGINE, python.parent.parent / "compiled"], batch))
        unfinished = answers.with_suffix(".unfinished")
        unfinished.write_text(json.dumps({"question": question, "answer": answer}))
        unfinished.replace(answers)
    return answer


def _python() -> Path:
    """Return the Python of the engine's own environment, which is kept until its requirements change."""

    def make(folder: Path) -> None:
        _run([sys.executable, "-m", "venv", folder])
        _run([folder / "bin/python", "-m", "pip", "install", "--quiet", "--require-hashes", "--requirement", REQUIREMENTS])

    return kept("zetasql", sys.version.encode() + REQUIREMENTS.read_bytes(), make) / "bin/python"


def _run(command: Sequence[str | Path], given: str = "") -> str:
    """What a command prints when it is given that text; pytest shows its standard error."""
    ran = subprocess.run(command, input=given, stdout=subprocess.PIPE, text=True, check=True, timeout=600)
    return ran.stdout


def _arrow(rows: Sequence[Row], schema: pa.Schema) -> pa.Table:
    columns = [pa.array([row.get(field.name) for row in rows], pa.string()).cast(field.type) for field in schema]
    return pa.Table.from_arrays(columns, schema=schema)


def _for_the_emulator(text: str) -> str:
    """One table in place of GA4's wildcard, which it answers without rows, and a column in place of what it takes for now."""
    return text.replace("events_*", "events_all").replace("_PARTITIONTIME", "partition_time")


def _load_nested(client: Client, name: str, rows: Sequence[Any]) -> None:
    """Load rows with arrays and structs, whose values are texts, by the table's own schema."""
    fields = client.get_table(name).schema
    file = io.BytesIO()
    columns = [pa.array([_nested(row.get(field.name), field) for row in rows], _arrow_type(field)) for field in fields]
    pq.write_table(pa.table(columns, [field.name for field in fields]), file)
    file.seek(0)
    client.load_table_from_file(file, name, job_config=LoadJobConfig(source_format="PARQUET")).result()


def _nested(given: Any, field: SchemaField) -> Any:
    if field.mode == "REPEATED":
        return [_nested(element, SchemaField(field.name, field.field_type, fields=field.fields)) for element in given or []]
    if field.field_type in ("RECORD", "STRUCT"):
        return given and {inner.name: _nested(given.get(inner.name), inner) for inner in field.fields}
    return from_text(given, LEGACY_TYPES.get(field.field_type, field.field_type))


def _arrow_type(field: SchemaField) -> pa.DataType:
    if field.field_type in ("RECORD", "STRUCT"):
        type_ = pa.struct([(inner.name, _arrow_type(inner)) for inner in field.fields])
    else:
        type_ = ARROW_TYPES[LEGACY_TYPES.get(field.field_type, field.field_type)]
    return pa.list_(type_) if field.mode == "REPEATED" else type_


def _types(schema: Sequence[SchemaField]) -> dict[str, str]:
    return {field.name: LEGACY_TYPES.get(field.field_type, field.field_type) for field in schema}


def _job(case: Case) -> QueryJobConfig:
    parameters = [
        ArrayQueryParameter(name, type_, [from_text(text, type_) for text in given])
        if isinstance(given, list)
        else ScalarQueryParameter(name, type_, from_text(given, type_))
        for name, (type_, given) in case.parameters.items()
    ]
    return QueryJobConfig(query_parameters=parameters)
