"""The parameters of `GET /reports/generate`: the brief's section 2, and what each of them takes."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, get_args

LARGEST_CLIENT_ID = 2**63 - 1
"""What fits into BigQuery's INT64."""


Format = Literal["json", "html", "pdf"]
FORMATS: tuple[Format, ...] = get_args(Format)
"""The forms in which the report goes out."""


class ParameterError(ValueError):
    """A parameter that is missing or bad. `parameter` says which, the message what it takes."""

    def __init__(self, parameter: str, message: str) -> None:
        super().__init__(message)
        self.parameter = parameter


@dataclass(frozen=True)
class ReportParameters:
    """What was asked for."""

    client_id: int
    week_ending: date | None
    include_customers: bool
    include_history: bool
    format: Format | None
    """In which form; None where the query does not say."""


def parse_parameters(query: Mapping[str, Sequence[str]]) -> ReportParameters:
    """The parameters in a query string, given as each name's values. Raises ParameterError at the first that is not right."""
    for name, values in query.items():
        if names_a_key(name):
            raise ParameterError(name, "an API key goes into the header X-API-Key alone: in an address, logs keep it")
        if name not in ("client_id", "week_ending", "format", "include"):
            raise ParameterError(name, f"{name!r} is unknown; there are client_id, week_ending, format and include")
        if len(values) > 1:
            raise ParameterError(name, f"{name} is given {len(values)} times; once is right")
    given = {name: values[0] for name, values in query.items()}
    include = given["include"].split(",") if "include" in given else []
    if not {"customers", "history"}.issuperset(include) or len(set(include)) < len(include):
        raise ParameterError("include", "include takes customers, history, or both with a comma between them")
    return ReportParameters(
        client_id=_client_id(given.get("client_id", "")),
        week_ending=_day(given["week_ending"]) if "week_ending" in given else None,
        include_customers="customers" in include,
        include_history="history" in include,
        format=_format(given["format"]) if "format" in given else None,
    )


def names_a_key(name: str) -> bool:
    """Whether a query parameter of that name is meant to be an API key."""
    return name.lower().replace("-", "_") in ("key", "api_key", "apikey", "x_api_key")


def _format(text: str) -> Format:
    for format_ in FORMATS:
        if text == format_:
            return format_
    raise ParameterError("format", f"format takes {', '.join(FORMATS[:-1])} or {FORMATS[-1]}")


def _client_id(text: str) -> int:
    if re.fullmatch(r"[0-9]{1,19}", text) and 1 <= (client_id := int(text)) <= LARGEST_CLIENT_ID:
        return client_id
    raise ParameterError("client_id", "client_id is required and takes a whole number from 1 on, such as 1")


def _day(text: str) -> date:
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        try:
            return date.fromisoformat(text)
        except ValueError:
            pass
    raise ParameterError("week_ending", "week_ending takes the last day of a week as YYYY-MM-DD, such as 2025-01-19")
