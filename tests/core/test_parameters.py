"""What the query string takes, and what is said about anything else."""

from datetime import date
from typing import Any

import pytest

from report.api.parameters import (
    ListQuery,
    ParameterError,
    ReportQuery,
    SharedQuery,
    parse_list_parameters,
    parse_parameters,
    parse_shared_parameters,
)


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


LISTS = {
    "list": "list is required and takes at_risk, missing_regulars or high_value",
    "format": "format takes json or csv",
    "layout": "layout takes plain, klaviyo, mailchimp or google_ads, of a CSV",
    "page": "page takes the number of a page from 1 to 10",
}


def test_a_list_is_asked_for_by_its_name_and_the_rest_has_a_default() -> None:
    assert parse_list_parameters({"client_id": ["1"], "list": ["at_risk"]}) == ListQuery.model_construct(
        client_id=1, list="at_risk", format="json", layout="plain", page=1
    )
    given = {
        "client_id": "1",
        "week_ending": "2025-01-19",
        "list": "high_value",
        "format": "csv",
        "layout": "klaviyo",
        "page": "10",
    }
    assert parse_list_parameters({name: [value] for name, value in given.items()}) == ListQuery.model_construct(
        client_id=1, week_ending=date(2025, 1, 19), list="high_value", format="csv", layout="klaviyo", page=10
    )


@pytest.mark.parametrize(
    ("query", "parameter", "message"),
    [
        ({"list": "everybody"}, "list", LISTS["list"]),
        ({}, "list", LISTS["list"]),
        ({"list": "at_risk", "format": "html"}, "format", LISTS["format"]),
        ({"list": "at_risk", "format": "csv", "layout": "excel"}, "layout", LISTS["layout"]),
        ({"list": "at_risk", "layout": "klaviyo"}, "layout", "layout is of a CSV: format=csv goes with it"),
        ({"list": "at_risk", "page": "0"}, "page", LISTS["page"]),
        ({"list": "at_risk", "page": "11"}, "page", LISTS["page"]),
        ({"list": "at_risk", "page": "100"}, "page", LISTS["page"]),
    ],
)
def test_what_is_not_right_of_a_list_is_named_with_what_it_takes(query: dict[str, str], parameter: str, message: str) -> None:
    with pytest.raises(ParameterError) as found:
        parse_list_parameters({"client_id": ["1"], **{name: [value] for name, value in query.items()}})
    assert (found.value.parameter, str(found.value)) == (parameter, message)


LINK = {"client_id": "1", "week_ending": "2025-01-19", "expires": "999999999999", "signature": "ab"}


def test_a_link_names_client_week_and_expiry() -> None:
    link = {"client_id": 1, "week_ending": date(2025, 1, 19), "expires": 999_999_999_999}
    asked_for = parse_shared_parameters({name: [value] for name, value in LINK.items()})
    assert asked_for == SharedQuery.model_construct(**link, format="html", signature="ab")
    without = parse_shared_parameters({name: [value] for name, value in LINK.items() if name != "signature"})
    assert without == SharedQuery.model_construct(**link, format="html", signature="")


@pytest.mark.parametrize(
    ("change", "parameter", "message"),
    [
        (
            {"week_ending": None},
            "week_ending",
            "week_ending is required and takes the last day of a week as YYYY-MM-DD, such as 2025-01-19",
        ),
        ({"expires": None}, "expires", "expires is required and takes the seconds since 1970 that the link has"),
        ({"expires": "1" + "0" * 12}, "expires", "expires is required and takes the seconds since 1970 that the link has"),
        ({"expires": "-1"}, "expires", "expires is required and takes the seconds since 1970 that the link has"),
        ({"format": "json"}, "format", "format takes html or pdf"),
        (
            {"include": "customers"},
            "include",
            "'include' is unknown; there are client_id, week_ending, expires, format and signature",
        ),
    ],
)
def test_what_is_not_right_of_a_link_is_named_with_what_it_takes(
    change: dict[str, str | None], parameter: str, message: str
) -> None:
    with pytest.raises(ParameterError) as found:
        parse_shared_parameters({name: [value] for name, value in {**LINK, **change}.items() if value is not None})
    assert (found.value.parameter, str(found.value)) == (parameter, message)


@pytest.mark.parametrize("name", ["key", "api_key", "X-API-Key", "apikey"])
def test_a_key_in_an_address_is_refused_for_what_it_is(name: str) -> None:
    with pytest.raises(ParameterError, match="an API key belongs in the header X-API-Key"):
        parse_parameters({"client_id": ["1"], name: ["secret"]})


def test_the_same_part_cannot_be_included_twice() -> None:
    with pytest.raises(ParameterError, match=INCLUDE):
        parse_parameters({"client_id": ["1"], "include": ["history,history"]})
