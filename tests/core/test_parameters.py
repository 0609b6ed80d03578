"""What the query string takes, and what is said about anything else."""

from datetime import date
from typing import Any

import pytest

from report.api.parameters import ParameterError, ReportQuery, parse_parameters


def asked(client_id: int, **rest: Any) -> ReportQuery:
    return ReportQuery.model_construct(client_id=client_id, **rest)


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ({"client_id": "1"}, asked(1)),
        ({"client_id": "0007", "week_ending": "2025-01-19"}, asked(7, week_ending=date(2025, 1, 19))),
        ({"client_id": "9223372036854775807", "format": "pdf"}, asked(2**63 - 1, format="pdf")),
        ({"client_id": "1", "format": "json"}, asked(1, format="json")),
        ({"client_id": "1", "format": "html"}, asked(1, format="html")),
        ({"client_id": "1", "include": "customers"}, asked(1, include=("customers",))),
        ({"client_id": "1", "include": "history"}, asked(1, include=("history",))),
        ({"client_id": "1", "include": "history,customers"}, asked(1, include=("history", "customers"))),
    ],
)
def test_what_is_asked_for_is_what_the_query_says(query: dict[str, str], wanted: ReportQuery) -> None:
    assert parse_parameters({name: [value] for name, value in query.items()}) == wanted


CLIENT_ID = "client_id is required and takes a whole number from 1 on, such as 1"
WEEK_ENDING = "week_ending takes the last day of a week as YYYY-MM-DD, such as 2025-01-19"
INCLUDE = "include takes customers, history, or both with a comma between them"


@pytest.mark.parametrize(
    ("query", "parameter", "message"),
    [
        ({}, "client_id", CLIENT_ID),
        ({"client_id": ["0"]}, "client_id", CLIENT_ID),
        ({"client_id": ["9223372036854775808"]}, "client_id", CLIENT_ID),
        ({"client_id": ["1" * 20]}, "client_id", CLIENT_ID),
        ({"client_id": ["1 "]}, "client_id", CLIENT_ID),
        ({"client_id": ["1", "1"]}, "client_id", "client_id is given 2 times; once is right"),
        ({"client_id": ["1"], "week_ending": ["2025-02-30"]}, "week_ending", WEEK_ENDING),
        ({"client_id": ["1"], "week_ending": ["2025-W03-7"]}, "week_ending", WEEK_ENDING),
        ({"client_id": ["1"], "format": ["PDF"]}, "format", "format takes json, html or pdf"),
        ({"client_id": ["1"], "include": [""]}, "include", INCLUDE),
        ({"client_id": ["1"], "include": ["customers,all"]}, "include", INCLUDE),
        ({"client_id": ["1"], "week": ["1"]}, "week", "'week' is unknown; there are client_id, week_ending, format and include"),
    ],
)
def test_what_is_not_right_is_named_with_what_it_takes(query: dict[str, list[str]], parameter: str, message: str) -> None:
    with pytest.raises(ParameterError) as found:
        parse_parameters(query)
    assert (found.value.parameter, str(found.value)) == (parameter, message)
