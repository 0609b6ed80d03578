"""The queries of the routes as models (the brief's section 2), and the messages for queries that do not fit."""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Literal, TypeVar, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from report.api.access import names_a_key
from report.schema import IN_RANGE, MAX_CLIENT_ID, CustomerListName, ListLayout

Format = Literal["json", "html", "pdf"]
FORMATS: tuple[Format, ...] = get_args(Format)
"""The formats of a report."""

Include = Literal["customers", "history"]
SharedFormat = Literal["html", "pdf"]
ListFormat = Literal["json", "csv"]
MAX_LIST_PAGES = 10
"""A list has at most 10,000 customers, in pages of 1,000."""


class ParameterError(ValueError):
    """A parameter is missing or wrong. `parameter` is its name; the message says what it takes."""

    def __init__(self, parameter: str, message: str) -> None:
        super().__init__(message)
        self.parameter = parameter


def _written_as(pattern: str) -> BeforeValidator:
    """Take only text that matches `pattern` as a whole: Pydantic alone would take " 1" for 1 and a time for a date."""

    def check(text: str) -> str:
        if not re.fullmatch(pattern, text, re.ASCII):
            raise ValueError("it is written in another way")
        return text

    return BeforeValidator(check)


def _different(values: tuple[Include, ...]) -> tuple[Include, ...]:
    if len(set(values)) < len(values):
        raise ValueError("it names something twice")
    return values


class WeekQuery(BaseModel):
    """The client and the week, which every query names."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    client_id: Annotated[int, _written_as("[0-9]{1,19}")] = Field(ge=1, le=MAX_CLIENT_ID, description="The client to report on.")
    week_ending: Annotated[date, _written_as("[0-9]{4}-[0-9]{2}-[0-9]{2}")] | None = Field(
        default=None,
        description=(
            "The last day of the week, any weekday. Without it: the last Sunday before today in the client's time zone."
            " A week that has not begun yet is refused."
        ),
        json_schema_extra={"pattern": IN_RANGE},
    )


class ReportQuery(WeekQuery):
    """What `GET /reports/generate` is asked for."""

    format: Format | None = Field(
        default=None,
        description="The form of the answer. Without it the Accept header decides, and JSON where that leaves it open.",
    )
    include: Annotated[tuple[Include, ...], BeforeValidator(lambda text: text.split(",")), AfterValidator(_different)] = Field(
        default=(),
        description=(
            "What the report should also have: `customers` adds `atRiskCustomers`, `history` adds the last eight weeks."
            " Without `customers` the report has no personal data."
        ),
        json_schema_extra={"minItems": 1, "uniqueItems": True},
    )


class ListQuery(WeekQuery):
    """What `GET /reports/customers` is asked for."""

    list: CustomerListName = Field(
        description=(
            "`at_risk`: the week's customers by expected loss; `missing_regulars`: those who used to come and did not, by what"
            " they spent in nine weeks; `high_value`: the High-Value customers by expected loss."
        )
    )
    format: ListFormat = Field(default="json", description="The form of the answer.")
    layout: ListLayout = Field(
        default="plain",
        description=(
            "The columns of the CSV: all of them, or those that Klaviyo, Mailchimp or Google Ads Customer Match import. Google's"
            " has the SHA-256 of the normalised e-mail addresses alone."
        ),
    )
    page: Annotated[int, _written_as("[0-9]{1,2}")] = Field(
        default=1, ge=1, le=MAX_LIST_PAGES, description="The page of the list, from 1; a page has at most 1,000 customers."
    )


class SharedQuery(WeekQuery):
    """What `GET /reports/shared` is asked for: the parts of a signed link."""

    week_ending: Annotated[date, _written_as("[0-9]{4}-[0-9]{2}-[0-9]{2}")] = Field(
        description="The last day of the week that the link opens.", json_schema_extra={"pattern": IN_RANGE}
    )
    expires: Annotated[int, _written_as("[0-9]{1,12}")] = Field(
        ge=0, le=999_999_999_999, description="Until when the link opens the report, in seconds since 1970."
    )
    format: SharedFormat = Field(default="html", description="The form of the answer.")
    signature: str = Field(
        default="", description="HMAC-SHA256 of client, week and expiry with the setting `LINK_SECRET`, in hex."
    )


_TAKES: Mapping[str, str] = {
    "client_id": "is required and takes a whole number from 1 on, such as 1",
    "week_ending": "takes the last day of a week as YYYY-MM-DD, such as 2025-01-19",
    "format": f"takes {', '.join(FORMATS[:-1])} or {FORMATS[-1]}",
    "include": "takes customers, history, or both with a comma between them",
}
_LIST_TAKES: Mapping[str, str] = {
    **{name: _TAKES[name] for name in ("client_id", "week_ending")},
    "list": "is required and takes at_risk, missing_regulars or high_value",
    "format": "takes json or csv",
    "layout": "takes plain, klaviyo, mailchimp or google_ads, of a CSV",
    "page": f"takes the number of a page from 1 to {MAX_LIST_PAGES}",
}

_SHARED_TAKES: Mapping[str, str] = {
    "client_id": _TAKES["client_id"],
    "week_ending": "is required and takes the last day of a week as YYYY-MM-DD, such as 2025-01-19",
    "expires": "is required and takes the seconds since 1970 that the link has",
    "format": "takes html or pdf",
    "signature": "takes the 64 hex digits that the link has",
}

Query = TypeVar("Query", bound=WeekQuery)


def parse_parameters(query: Mapping[str, Sequence[str]]) -> ReportQuery:
    """Read the query of a report from the values of each name. Raises ParameterError for the first wrong parameter."""
    return _parse(query, ReportQuery, _TAKES)


def parse_list_parameters(query: Mapping[str, Sequence[str]]) -> ListQuery:
    """Read the query of a list from the values of each name. Raises ParameterError for the first wrong parameter."""
    asked = _parse(query, ListQuery, _LIST_TAKES)
    if asked.layout != "plain" and asked.format != "csv":
        raise ParameterError("layout", "layout is of a CSV: format=csv goes with it")
    return asked


def parse_shared_parameters(query: Mapping[str, Sequence[str]]) -> SharedQuery:
    """Read the query of a signed link from the values of each name. Raises ParameterError for the first wrong parameter."""
    return _parse(query, SharedQuery, _SHARED_TAKES)


def _parse(query: Mapping[str, Sequence[str]], model: type[Query], takes: Mapping[str, str]) -> Query:
    for name, values in query.items():
        if names_a_key(name):
            raise ParameterError(name, "an API key belongs in the header X-API-Key: from an address it gets into logs")
        if name not in takes:
            *others, last = takes
            raise ParameterError(name, f"{name!r} is unknown; there are {', '.join(others)} and {last}")
        if len(values) > 1:
            raise ParameterError(name, f"{name} is given {len(values)} times; once is right")
    try:
        return model.model_validate({name: values[0] for name, values in query.items()})
    except ValidationError as error:
        name = str(error.errors(include_url=False)[0]["loc"][0])
    raise ParameterError(name, f"{name} {takes[name]}")
