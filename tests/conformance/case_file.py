"""The cases, each a page in cases/: a query, its parameters, the rows of its tables and the rows that it must return.

A page's name says what it shows, its title which file of report/sql it runs. Tables stand under the headings Parameters,
Events, Users (these two where there are any) and Expected, or Expected in this order. Where the emulator gets it wrong, the
heading Not on the emulator says why. In the tables
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

from jinja2 import Environment, FileSystemLoader, StrictUndefined

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
    "days_start": "TIMESTAMP",
    "week_start": "TIMESTAMP",
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

Row = dict[str, str | None]
Parameters = dict[str, tuple[str, str | list[str]]]
"""From a parameter's name to its type, for a list that of its members, and its value."""


@dataclass(frozen=True)
class Case:
    """What a page says; values are still texts."""

    query: str
    parameters: Parameters
    events: list[Row]
    users: list[Row]
    expected: list[Row]
    in_order: bool
    not_on_the_emulator: str | None


def read(page: Path) -> Case:
    """The case of a page. Raises ValueError for a page that is none."""
    _, query, _, *sections = re.split(r"^#+ (.+)$", page.read_text("utf-8"), flags=re.MULTILINE)
    texts = {heading: text.strip() for heading, text in zip(sections[::2], sections[1::2], strict=True)}
    not_on_the_emulator = texts.pop("Not on the emulator", None)
    tables = {heading: _rows(text) for heading, text in texts.items()}
    given = {row["parameter"] or "": row["value"] or "" for row in tables.pop("Parameters")}
    usual = {
        "memory_weeks": "8",
        "usd_rate": "1",
        "memory_start": given.get("scan_start", ""),
        "weeks": str(len(given.get("week_starts", "").split())),
        "skipped_customers": "0",
    }
    events = _table(tables.pop("Events", []), EVENTS.names, given["client_id"])
    users = _table(tables.pop("Users", []), USERS.names, given["client_id"])
    ((heading, expected),) = tables.items()
    if heading not in ("Expected", "Expected in this order"):
        raise ValueError(f"the heading {heading!r} of {page.name} is unknown")
    return Case(query, _parameters(query, given, usual), events, users, expected, heading != "Expected", not_on_the_emulator)


def sql(query: str, dataset: str) -> str:
    """A file of report/sql, on the tables of `dataset`."""
    templates = Environment(loader=FileSystemLoader(ROOT / "report/sql"), undefined=StrictUndefined)  # noqa: S701 - not HTML
    templates.globals |= {
        "source": "sources/tables.sql",
        "events_table": f"`{dataset}.events`",
        "users_table": f"`{dataset}.users`",
    }
    return templates.get_template(query).render()


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


def _parameters(query: str, given: dict[str, str], usual: dict[str, str]) -> Parameters:
    """The parameters that the query's text names, with the types that BigQuery's client gives them."""
    named = set(re.findall(r"@(\w+)", sql(query, "shop")))
    if unknown := given.keys() - named:
        raise ValueError(f"{query} has no parameter {unknown}")
    lists: Parameters = {name: (LISTS[name], given.get(name, "").split()) for name in sorted(named & LISTS.keys())}
    return lists | {
        name: (PARAMETERS[name], given[name] if name in given else usual[name]) for name in sorted(named - LISTS.keys())
    }
