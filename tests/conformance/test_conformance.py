"""The queries of report/sql on Google's own engine and on the emulator: both must return the rows that each case expects."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from case_file import PAGES, Case, from_text, read
from two_engines import Answer, Engine

from model.churn import FEATURES
from report import warehouse
from report.week import Week

CASES = {page.stem: read(page) for page in PAGES}
FEATURE_TYPES = {feature: "FLOAT64" if feature == "total_spent_usd" else "INT64" for feature in FEATURES}
COLUMNS = {
    "features.sql": {"weeks_ago": "INT64", "user_id": "STRING", **FEATURE_TYPES},
    "cells.sql": {"cell": "STRING", "weeks_ago": "INT64", "customers": "INT64", "spent_usd": "FLOAT64"},
    "customers.sql": {"user_id": "STRING", "email": "STRING", "name": "STRING", **FEATURE_TYPES},
    "backtest.sql": {"cell": "STRING", "customers": "INT64", "churned": "INT64"},
}
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


def on_the_emulator(case: Case) -> tuple[pytest.MarkDecorator, ...]:
    return (pytest.mark.xfail(reason=case.not_on_the_emulator, strict=True),) if case.not_on_the_emulator else ()


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_googles_engine_returns_what_the_case_expects(google: Engine, case: Case) -> None:
    assert_expected(google.answer(case), case)


@pytest.mark.parametrize("case", [pytest.param(case, id=name, marks=on_the_emulator(case)) for name, case in CASES.items()])
def test_the_emulator_returns_what_the_case_expects(emulator: Engine, case: Case) -> None:
    assert_expected(emulator.answer(case), case)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_function_asks_with_the_parameters_of_the_case(case: Case) -> None:
    given = {
        name: (type_, [from_text(text, type_) for text in value] if isinstance(value, list) else from_text(value, type_))
        for name, (type_, value) in case.parameters.items()
    }
    values = {name: value for name, (_, value) in given.items()}
    week = Week(values["week_ending"], ZoneInfo(values["time_zone"]), today=values["as_of"])
    limits = {feature: values.get(f"{feature}_limits", []) for feature in FEATURES}
    weeks = round((values["scan_end"] - values["scan_start"]) / timedelta(weeks=1))
    sent = warehouse._parameters(warehouse.Scan(values["client_id"], week, limits), weeks)
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


def assert_expected(answer: Answer, case: Case) -> None:
    expected = [{name: from_text(text, answer.types[name]) for name, text in row.items()} for row in case.expected]
    returned = [{name: row[name] for name in case.expected[0]} for row in answer.rows] if case.expected else answer.rows
    if case.in_order:
        assert returned == expected
    else:
        assert sorted(returned, key=str) == sorted(expected, key=str)
