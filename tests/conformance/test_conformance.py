"""The queries of report/sql on Google's own engine and on the emulator: both must return the rows that each case expects."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from case_file import PAGES, Case, from_text, read
from two_engines import Answer, Engine

from model.churn import FEATURES
from report import warehouse
from report.week import Week

CASES = {page.stem: read(page) for page in PAGES}
FEATURE_TYPES = {feature: "FLOAT64" if feature == "total_spent_usd" else "INT64" for feature in FEATURES}
TABLES = {
    "events": {
        "client_id": "INT64",
        "user_id": "STRING",
        "event_type": "STRING",
        "timestamp": "TIMESTAMP",
        "price": "NUMERIC",
        "quantity": "INT64",
        "session_id": "STRING",
    },
    "users": {"client_id": "INT64", "user_id": "STRING", "email": "STRING", "name": "STRING"},
}
COLUMNS = {
    "customer_weeks.sql": {
        "weeks_ago": "INT64",
        "user_id": "STRING",
        **FEATURE_TYPES,
        "spent": "NUMERIC",
        "spent_9_weeks": "NUMERIC",
        "unusable_amounts": "INT64",
        "active_weeks": "INT64",
    },
    "cells.sql": {
        **dict.fromkeys(("weeks_ago", "customers", "new_customers", "missing_regulars"), "INT64"),
        "spent_by_missing_regulars": "FLOAT64",
        "unusable_amounts": "INT64",
        **dict.fromkeys([f"with_{feature}" for feature in FEATURES[:5]], "INT64"),
        "with_sessions": "INT64",
        "with_spend": "INT64",
        "cells": "STRING",
    },
    "customers.sql": {
        "user_id": "STRING",
        "email": "STRING",
        "name": "STRING",
        "cell": "STRING",
        "spent_9_weeks": "FLOAT64",
        **FEATURE_TYPES,
    },
    "missing_regulars.sql": {
        "user_id": "STRING",
        "email": "STRING",
        "name": "STRING",
        "active_weeks": "INT64",
        "spent_9_weeks": "FLOAT64",
    },
    "days.sql": {"day": "DATE", "events": "INT64", "repeated": "INT64"},
    "last_day.sql": {"events": "INT64"},
    "sources/ga4.sql": TABLES["events"],
    "sources/segment.sql": TABLES["events"],
}
CELL_OF_A_WEEK = {"cell": "STRING", "customers": "INT64", "churned": "INT64", "spent": "FLOAT64"}


def on_the_emulator(case: Case) -> tuple[pytest.MarkDecorator, ...]:
    return (pytest.mark.xfail(reason=case.not_on_the_emulator, strict=True),) if case.not_on_the_emulator else ()


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_googles_engine_returns_what_the_case_expects(google: Engine, case: Case) -> None:
    assert_expected(unpacked(google.answer(case), case), case)


@pytest.mark.parametrize("case", [pytest.param(case, id=name, marks=on_the_emulator(case)) for name, case in CASES.items()])
def test_the_emulator_returns_what_the_case_expects(emulator: Engine, case: Case) -> None:
    assert_expected(unpacked(emulator.answer(case), case), case)


@pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in CASES.items() if "time_zone" in case.parameters])
def test_the_function_asks_with_the_parameters_of_the_case(case: Case) -> None:
    given = {
        name: (type_, [from_text(text, type_) for text in value] if isinstance(value, list) else from_text(value, type_))
        for name, (type_, value) in case.parameters.items()
    }
    values = {name: value for name, (_, value) in given.items()}
    time_zone = ZoneInfo(values["time_zone"])
    last_day = (values["scan_end"] - timedelta(hours=12)).astimezone(time_zone).date()
    week = Week(values.get("week_ending", last_day), time_zone, today=values.get("as_of", last_day))
    limits = {feature: values.get(f"{feature}_limits", []) for feature in FEATURES}
    now = values["scan_end"] + timedelta(days=7)
    scan = warehouse.Scan(values["client_id"], week, now, limits, values.get("usd_rate", 1.0), values["ignored_event_types"])
    if "week_starts" in values:
        sent = warehouse._parameters(replace(scan, memory_weeks=values["memory_weeks"]), *weeks_of(values))
    else:
        sent = warehouse._of_rows(scan)
    both = sent.keys() & given.keys()
    assert {name: sent[name] for name in both} == {name: given[name] for name in both}


@pytest.mark.parametrize("query", COLUMNS)
def test_both_engines_name_and_type_a_querys_columns_alike(google: Engine, emulator: Engine, query: str) -> None:
    case = next(case for case in CASES.values() if case.query == query and not case.not_on_the_emulator)
    assert [*google.answer(case).types.items()] == [*COLUMNS[query].items()]
    assert [*emulator.answer(case).types.items()] == [*COLUMNS[query].items()]


def test_both_engines_make_the_contracts_tables_of_tables_sql(google: Engine, emulator: Engine) -> None:
    assert google.tables == TABLES
    assert emulator.tables == TABLES


def weeks_of(values: dict[str, Any]) -> tuple[int, int]:
    """How many weeks with features, and how many of memory alone, the week starts are."""
    with_features = sum(start >= values["scan_start"] for start in values["week_starts"])
    return with_features, len(values["week_starts"]) - with_features


def unpacked(answer: Answer, case: Case) -> Answer:
    """The answer of cells.sql with a row for each cell of a week, where the case expects cells."""
    if case.query != "cells.sql" or not (case.expected and "cell" in case.expected[0]):
        return answer
    rows = [
        {"weeks_ago": row["weeks_ago"]}
        | {name: from_text(text, type_) for (name, type_), text in zip(CELL_OF_A_WEEK.items(), entry.split(" "), strict=True)}
        for row in answer.rows
        if row["cells"]
        for entry in row["cells"].split(";")
    ]
    if "churned" in case.expected[0]:
        rows = [row for row in rows if row["weeks_ago"] >= 4]  # before that nobody knows
    return Answer({"weeks_ago": "INT64", **CELL_OF_A_WEEK}, rows)


def assert_expected(answer: Answer, case: Case) -> None:
    expected = [{name: from_text(text, answer.types[name]) for name, text in row.items()} for row in case.expected]
    returned = [{name: row[name] for name in case.expected[0]} for row in answer.rows] if case.expected else answer.rows
    if case.in_order:
        assert returned == expected
    else:
        assert sorted(returned, key=str) == sorted(expected, key=str)
