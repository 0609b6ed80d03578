"""The parameters of `GET /reports/generate`: the brief's section 2, and what each of them takes."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

LARGEST_CLIENT_ID = 2**63 - 1
"""What fits into BigQuery's INT64."""


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


def parse_parameters(query: Mapping[str, Sequence[str]]) -> ReportParameters:
    """The parameters in a query string, given as each name's values. Raises ParameterError at the first that is not right."""
    for name, values in query.items():
        if name not in ("client_id", "week_ending", "format", "include"):
            raise ParameterError(name, f"{name!r} is unknown; there are client_id, week_ending, format and include")
        if len(values) > 1:
            raise ParameterError(name, f"{name} is given {len(values)} times; once is right")
    given = {name: values[0] for name, values in query.items()}
    if given.get("format", "json") != "json":
        raise ParameterError("format", "format takes json")
    if given.get("include", "customers") != "customers":
        raise ParameterError("include", "include takes customers")
    return ReportParameters(
        client_id=_client_id(given.get("client_id", "")),
        week_ending=_day(given["week_ending"]) if "week_ending" in given else None,
        include_customers="include" in given,
    )


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
