"""What the query string takes, and what is said where it is something else."""

from datetime import date

import pytest

from report.api.parameters import ParameterError, ReportParameters, parse_parameters


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        ({"client_id": "1"}, ReportParameters(1, None, False, False, None)),
        ({"client_id": "0007", "week_ending": "2025-01-19"}, ReportParameters(7, date(2025, 1, 19), False, False, None)),
        ({"client_id": "9223372036854775807", "format": "pdf"}, ReportParameters(2**63 - 1, None, False, False, "pdf")),
        ({"client_id": "1", "format": "json"}, ReportParameters(1, None, False, False, "json")),
        ({"client_id": "1", "format": "html"}, ReportParameters(1, None, False, False, "html")),
        ({"client_id": "1", "include": "customers"}, ReportParameters(1, None, True, False, None)),
        ({"client_id": "1", "include": "history"}, ReportParameters(1, None, False, True, None)),
        ({"client_id": "1", "include": "history,customers"}, ReportParameters(1, None, True, True, None)),
    ],
)
def test_what_is_asked_for_is_what_the_query_says(query: dict[str, str], asked: ReportParameters) -> None:
    assert parse_parameters({name: [value] for name, value in query.items()}) == asked


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
