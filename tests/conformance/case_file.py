"""The cases, each a page in cases/: a query, its parameters, the rows of its tables and the rows that it must return.

A page's name says what it shows, its title which file of report/sql it runs; of a source it asks for all rows, and the title
says which users are customers ("sources/ga4.sql, known"). Tables stand under the headings Parameters, Events, Users (these two
where there are any), Export (GA4's, in short: what is left out is as usual), the names of Segment's own tables, and Expected, or
Expected in this order. Where the emulator gets it wrong, the heading Not on the emulator says why. In the tables
- \\t, \\x0b and \\u00a0 are the characters that they are in Python;
- NULL is NULL, and so is every column of an event or user that is left out, but for client_id: that is the parameter's;
- a parameter that is left out is that of a report with a memory of eight weeks, in dollars, all of whose weeks have features;
- `times` says how many times a row is there, and # in it which time it is;
- the members of a list stand apart by spaces; a list that is left out is empty;
- a column that Expected leaves out may hold anything. Where it says None, the query returns no rows.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from local.bigquery import EVENTS, USERS
from model.churn import FEATURES

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(Path(__file__).with_name("cases").glob("*.md"))
PARAMETERS = {
    "client_id": "INT64",
    "week_ending": "DATE",
    "as_of": "DATE",
    "time_zone": "STRING",
    "scan_start": "TIMESTAMP",
    "scan_end": "TIMESTAMP",
    "memory_start": "TIMESTAMP",
    "history_start": "TIMESTAMP",
    "days_start": "TIMESTAMP",
    "week_start": "TIMESTAMP",
    "day_start": "TIMESTAMP",
    "memory_weeks": "INT64",
    "usd_rate": "FLOAT64",
    "weeks": "INT64",
    "max_customers": "INT64",
    "skipped_customers": "INT64",
}
LISTS = {
    "week_starts": "TIMESTAMP",
    **{f"{feature}_limits": "INT64" for feature in FEATURES},
    "total_spent_usd_limits": "FLOAT64",
    "ignored_event_types": "STRING",
    "cells": "STRING",
    "churn_probabilities": "FLOAT64",
}
FROM_TEXT: dict[str, Callable[[str], Any]] = {
    "INT64": int,
    "FLOAT64": float,
    "STRING": str,
    "NUMERIC": Decimal,
    "BOOL": lambda text: text == "true",
    "DATE": date.fromisoformat,
    "TIMESTAMP": datetime.fromisoformat,
}

EVENT_TABLES = {"pages": "FLOAT64", "product_added": "FLOAT64", "order_completed": "FLOAT64", "completed_order": "STRING"}
"""Segment's tables of events, each with the type that its column `revenue` got from its first value."""
EXPORTED = {"events_*": "ga4_export.sql", **dict.fromkeys([*EVENT_TABLES, "identifies"], "segment_tables.sql")}
"""The tables of tracking tools, each with the file here that defines it."""
ALL_ROWS = "{% from source import events with context %}SELECT * FROM {{ events('@scan_start', '@scan_end') }}"

Row = dict[str, str | None]
Parameters = dict[str, tuple[str, str | list[str]]]
"""From a parameter's name to its type, for a list that of its members, and its value."""


@dataclass(frozen=True)
class Case:
    """What a page says; values are still texts."""

    query: str
    users: str
    """Which users of a source are customers."""
    parameters: Parameters
    tables: dict[str, list[Any]]
    expected: list[Row]
    in_order: bool
    not_on_the_emulator: str | None


def read(page: Path) -> Case:
    """The case of a page. Raises ValueError for a page that is none."""
    _, title, _, *sections = re.split(r"^#+ (.+)$", page.read_text("utf-8"), flags=re.MULTILINE)
    query, _, whose = title.partition(", ")
    texts = {heading: text.strip() for heading, text in zip(sections[::2], sections[1::2], strict=True)}
    not_on_the_emulator = texts.pop("Not on the emulator", None)
    tables = {heading: _rows(text) for heading, text in texts.items()}
    given = {row["parameter"] or "": row["value"] or "" for row in tables.pop("Parameters")}
    usual = {
        "memory_weeks": "8",
        "usd_rate": "1",
        "memory_start": given.get("scan_start", ""),
        "history_start": given.get("scan_start", ""),
        "weeks": str(len(given.get("week_starts", "").split())),
        "skipped_customers": "0",
    }
    events = _table(tables.pop("Events", []), EVENTS.names, given["client_id"])
    users = _table(tables.pop("Users", []), USERS.names, given["client_id"])
    filled = {"events": events, "users": users}
    if "Export" in tables:
        filled["events_*"] = [_exported(row) for row in tables.pop("Export")]
    for name in EXPORTED.keys() & tables.keys():
        filled[name] = [_tracked(row) for row in tables.pop(name)]
    ((heading, expected),) = tables.items()
    if heading not in ("Expected", "Expected in this order"):
        raise ValueError(f"the heading {heading!r} of {page.name} is unknown")
    parameters = _parameters(query, given, usual)
    return Case(query, whose or "known", parameters, filled, expected, heading != "Expected", not_on_the_emulator)


def sql(query: str, dataset: str, users: str = "known") -> str:
    """A file of report/sql, on the tables of `dataset`; a source's is asked for all of its rows."""
    templates = Environment(loader=FileSystemLoader(ROOT / "report/sql"), undefined=StrictUndefined)  # noqa: S701 - not HTML
    of_source = query.startswith("sources/")
    templates.globals |= {
        "source": query if of_source else "sources/tables.sql",
        "events_table": f"`{dataset}.events`",
        "users_table": f"`{dataset}.users`",
        "export_tables": f"`{dataset}.events_*`",
        "tracked_users": users,
        "segment_tables": {table: f"`{dataset}.{table}`" for table in (*EVENT_TABLES, "identifies")},
    }
    return (templates.from_string(ALL_ROWS) if of_source else templates.get_template(query)).render()


def definition(table: str, quoted: str) -> str:
    """The statement that makes a tool's table."""
    text = (Path(__file__).parent / EXPORTED[table]).read_text("utf-8")
    return Template(text).render(table=quoted.format(table), revenue_type=EVENT_TABLES.get(table, "STRING"))


def from_text(text: str | None, type_: str) -> Any:
    """The Python value of a cell in a column of that BigQuery type."""
    return None if text is None else FROM_TEXT[type_](text)


def _rows(section: str) -> list[Row]:
    """The rows of a section's table: one of names, a rule, and then the values."""
    if section == "None.":
        return []
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line.startswith("|")]
    names, _, *rows = lines
    return [{name: None if cell == "NULL" else _unescaped(cell) for name, cell in zip(names, row, strict=True)} for row in rows]


def _unescaped(cell: str) -> str:
    return re.sub(r"\\(t|x[0-9a-f]{2}|u[0-9a-f]{4})", lambda escape: escape[0].encode().decode("unicode_escape"), cell)


def _table(rows: list[Row], columns: list[str], client_id: str) -> list[Row]:
    for row in rows:
        if unknown := row.keys() - {*columns, "times"}:
            raise ValueError(f"the table has no column {unknown}")
    return [
        {"client_id": client_id} | {name: cell and cell.replace("#", str(time)) for name, cell in row.items() if name != "times"}
        for row in rows
        for time in range(1, int(row.get("times") or 1) + 1)
    ]


def _exported(row: Row) -> dict[str, Any]:
    """A row of GA4's export, as nested as the export has it."""
    time = datetime.fromisoformat(row["time"] or "")
    number = {name: row[name] for name in ("purchase_revenue_in_usd", "purchase_revenue") if name in row}
    session = row.get("ga_session_id", "1")
    parameters = [
        {"key": "page_location", "value": {"string_value": "https://shop.example/"}},
        {"key": "ga_session_id", "value": {"int_value": session}},
        {"key": "ga_session_number", "value": {"int_value": "3"}},
    ]
    return {
        "_TABLE_SUFFIX": row.get("table") or f"{time:%Y%m%d}",
        "event_date": f"{time:%Y%m%d}",
        "event_timestamp": str(round(time.timestamp() * 10**6)),
        "event_name": row["event_name"],
        "event_params": [given for given in parameters if given["key"] != "ga_session_id" or session is not None],
        "user_id": row.get("user_id"),
        "user_pseudo_id": row["user_pseudo_id"],
        "ecommerce": {"transaction_id": row.get("transaction_id"), **number},
        "items": [{"item_id": f"item {item}", "quantity": "2", "price": "5"} for item in range(int(row.get("items") or 0))],
    }


def _tracked(row: Row) -> Row:
    """A row of one of Segment's tables: received when it happened and loaded the same day, unless it says otherwise."""
    time = row["timestamp"]
    return {"_PARTITIONTIME": f"{time[:10]} 00:00:00Z" if time else None, "received_at": time} | row


def _parameters(query: str, given: dict[str, str], usual: dict[str, str]) -> Parameters:
    """The parameters that the query's text names, with the types that BigQuery's client gives them."""
    named = set(re.findall(r"@(\w+)", sql(query, "shop")))
    if unknown := given.keys() - named:
        raise ValueError(f"{query} has no parameter {unknown}")
    lists: Parameters = {name: (LISTS[name], given.get(name, "").split()) for name in sorted(named & LISTS.keys())}
    return lists | {
        name: (PARAMETERS[name], given[name] if name in given else usual[name]) for name in sorted(named - LISTS.keys())
    }
