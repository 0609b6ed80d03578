"""A loopback BigQuery: answers `POST /bigquery/v2/projects/PROJECT/queries` as the REST API does, in the ways it can go wrong.
A query that takes longer is a job: `GET .../queries/JOB` asks for its rows, `POST .../jobs/JOB/cancel` ends it.
A request that the real API refuses is refused here, whatever the behaviour: see `bigquery_requests.py`.

with loopback_bigquery(shop(cells=hangs)) as bigquery:
    ...  # BIGQUERY_EMULATOR_HOST=bigquery.endpoint
    assert bigquery.requests[0].body["labels"]
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import astuple, dataclass, fields
from datetime import date, timedelta
from threading import Event
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

from tests.support.loopback import bigquery_requests
from tests.support.loopback.server import Behaviour, Call, Loopback, Request, answers, running, send_json

QueryName = Literal["cells", "days", "customers", "missing_regulars"]

FEATURES = (
    "added_to_wishlist",
    "removed_from_wishlist",
    "added_to_cart",
    "removed_from_cart",
    "cart_quantity_updated",
    "total_sessions",
    "days_since_last_activity",
    "total_spent_usd",
    "active_weeks_before",
)
ALL_WEEKS = range(20)
"""The weeks that `cells.sql` counts, and those of the memory before them."""


@contextmanager
def loopback_bigquery(behaviour: Behaviour) -> Iterator[Loopback]:
    """Run a BigQuery with this behaviour until the block ends."""
    with running(behaviour, r"/bigquery/v2/projects/[\w-]+/(queries|jobs)(/|\?|$)", _refusal) as loopback:
        yield loopback


def _refusal(request: Request) -> Behaviour | None:
    resource = re.sub(r"^/bigquery/v2/projects/[\w-]+|\?.*", "", request.path)
    problems = bigquery_requests.problems(resource, request.body) if request.text else []
    return refuses(400, "invalid", "; ".join(problems)) if problems else None


def query_of(request: Request) -> QueryName:
    """Which query asks, by a parameter that only it has."""
    of_query: Mapping[str, QueryName] = {"days_start": "days", "weeks": "cells", "churn_probabilities": "customers"}
    names = {parameter["name"] for parameter in request.body.get("queryParameters", ())}
    return next((query for name, query in of_query.items() if name in names), "missing_regulars")


# Rows, packed as the queries pack them


@dataclass(frozen=True)
class Cell:
    """One cell of a week."""

    name: object
    customers: object
    churned: object = 0
    spent: object = 0.0


@dataclass(frozen=True)
class Totals:
    """One week, without regard to cells: the columns of `cells.sql`."""

    weeks_ago: object
    customers: object
    new_customers: object = 0
    missing_regulars: object = 0
    spent_by_missing_regulars: object = 0.0
    unusable_amounts: object = 0
    with_added_to_wishlist: object = 0
    with_removed_from_wishlist: object = 0
    with_added_to_cart: object = 0
    with_removed_from_cart: object = 0
    with_cart_quantity_updated: object = 0
    with_sessions: object = 0
    with_spend: object = 0


def week(totals: Totals, *cells: Cell) -> tuple[object, ...]:
    """A row of `cells.sql`: a week's totals and its cells, NULL if there are none."""
    return *astuple(totals), ";".join(" ".join(map(str, astuple(cell))) for cell in cells) or None


COLUMNS: Mapping[QueryName, tuple[str, ...]] = {
    "cells": (*(field.name for field in fields(Totals)), "cells"),
    "days": ("day", "events", "repeated"),
    "customers": ("user_id", "email", "name", "cell", "spent_9_weeks", *FEATURES),
    "missing_regulars": ("user_id", "email", "name", "active_weeks", "spent_9_weeks"),
}
"""What the queries in `report/sql` return."""


def day_rows(events: Mapping[date, int], of_week: int = 0, repeated: int = 0) -> list[tuple[object, ...]]:
    """The rows of `days.sql`: each day's events, and how many rows the week has and how many of them are copies."""
    return [*((day, count, 0) for day, count in sorted(events.items())), (None, of_week, repeated)]


def rows(*found: tuple[object, ...], query: QueryName = "cells", columns: tuple[str, ...] | None = None) -> Mapping[str, Any]:
    """Return a complete answer with these rows."""
    return {
        "kind": "bigquery#queryResponse",
        "jobComplete": True,
        "schema": {"fields": [{"name": name, "type": "STRING", "mode": "NULLABLE"} for name in columns or COLUMNS[query]]},
        "rows": [{"f": [{"v": None if value is None else str(value)} for value in row]} for row in found],
        "totalRows": str(len(found)),
        "totalBytesProcessed": "10485760",
        "cacheHit": False,
    }


# Shops


def shop(**of_query: Behaviour) -> Behaviour:
    """A shop of ten customers, but for the queries that are named: `shop(days=hangs)`."""

    def behave(call: Call, over: Event) -> None:
        of_query.get(query_of(call.request), _ten_customers)(call, over)

    return behave


def no_rows(call: Call, _over: Event) -> None:
    """A shop without events, whichever query asks."""
    query = query_of(call.request)
    send_json(call, 200, rows(*(day_rows({}) if query == "days" else ()), query=query))


CELL = "1,1,1,1,1,1,2,1,1,0"
"""Customers who did nothing but visit once, two or three days before the week's end, and in no week before."""
TEN_CUSTOMERS = [
    week(Totals(weeks_ago, 10, with_sessions=10), *([Cell(CELL, 10, churned=4)] if weeks_ago < 12 else []))
    for weeks_ago in ALL_WEEKS
]
"""Each week's row, newest first."""


def _ten_customers(call: Call, _over: Event) -> None:
    query = query_of(call.request)
    if query == "cells":
        found = rows(*TEN_CUSTOMERS)
    elif query == "days":
        found = rows(*day_rows(_days_of(call.request), of_week=10), query="days")
    else:
        found = rows(query=query)
    send_json(call, 200, found)


def _days_of(request: Request) -> Mapping[date, int]:
    """Ten events on one day of each week that is asked for."""
    starts = {parameter["name"]: parameter["parameterValue"] for parameter in request.body["queryParameters"]}
    first, last = (date.fromisoformat(starts[name]["value"][:10]) for name in ("days_start", "week_start"))
    return {first + timedelta(days=1 + 7 * week): 10 for week in range((last - first).days // 7 + 1)}


ten_customers = shop()
"""A shop with the same ten customers' worth of visits in each of twenty weeks."""


class Job:
    """A behaviour: the cells' query becomes a job that is asked for page by page, each page as a test has it.

    Without pages it runs on and on.
    """

    def __init__(self, *pages: Mapping[str, Any] | Behaviour) -> None:
        self.pages = pages
        self.cancelled = Event()

    def __call__(self, call: Call, over: Event) -> None:
        if call.path.partition("?")[0].endswith("/cancel"):
            self.cancelled.set()
            send_json(call, 200, {"kind": "bigquery#jobCancelResponse", "job": self.about("RUNNING")})
        elif "/jobs/" in call.path:
            send_json(call, 200, self.about("DONE" if self.pages else "RUNNING"))
        elif call.command == "POST" and query_of(call.request) != "cells":
            ten_customers(call, over)
        elif call.command == "POST" or not self.pages:
            send_json(call, 200, {"jobComplete": False, **self.about("RUNNING")})
        else:
            asked = parse_qs(urlsplit(call.path).query)
            number = int(asked.get("pageToken", ["0"])[0])
            page = self.pages[number]
            if asked.get("maxResults") == ["0"] and not callable(page):
                send_json(call, 200, {**page, **self.about("DONE"), "rows": [], "pageToken": "0"})  # is it done?
            elif callable(page):
                page(call, over)
            else:
                token = {"pageToken": str(number + 1)} if number + 1 < len(self.pages) else {}
                send_json(call, 200, {**page, **self.about("DONE"), **token})

    @staticmethod
    def about(state: str) -> Mapping[str, Any]:
        """What the REST API says of a job."""
        table = {"projectId": "p", "datasetId": "d", "tableId": "t"}
        return {
            "jobReference": {"projectId": "sample-project", "jobId": "a-job", "location": "EU"},
            "status": {"state": state},
            "configuration": {"jobType": "QUERY", "query": {"query": "SELECT", "destinationTable": table}},
            "statistics": {"query": {"statementType": "SELECT"}},
        }


def refuses(status: int, reason: str, message: str) -> Behaviour:
    """An error in BigQuery's JSON form."""
    error = {"message": message, "domain": "global", "reason": reason}
    return answers(status, {"error": {"code": status, "message": message, "errors": [error]}})
