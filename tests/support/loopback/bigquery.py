"""A loopback BigQuery: answers `POST /bigquery/v2/projects/PROJECT/queries` as the REST API does, in the ways it can go wrong.
A query that takes longer is a job: `GET .../queries/JOB` asks for its rows, `POST .../jobs/JOB/cancel` ends it.

with loopback_bigquery(no_rows) as bigquery:
    ...  # BIGQUERY_EMULATOR_HOST=bigquery.endpoint
    assert bigquery.requests[0].body["labels"]
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, timedelta
from threading import Event
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.support.loopback.server import Behaviour, Call, Loopback, answers, running, send_json

COLUMNS = {
    "weeks_ago": ("cell", "weeks_ago", "customers", "spent_usd"),
    "churned": ("cell", "customers", "churned"),
}
"""What the two queries of each report return, known by a column that only one of them has."""


@contextmanager
def loopback_bigquery(behaviour: Behaviour) -> Iterator[Loopback]:
    """Run a BigQuery with this behaviour until the block ends."""
    with running(behaviour, r"/bigquery/v2/projects/[\w-]+/(queries|jobs)(/|\?|$)") as loopback:
        yield loopback


def rows(*of_cells: tuple[object, ...], columns: tuple[str, ...] = COLUMNS["weeks_ago"]) -> Mapping[str, Any]:
    """Return a complete answer with these rows."""
    return {
        "kind": "bigquery#queryResponse",
        "jobComplete": True,
        "schema": {"fields": [{"name": name, "type": "FLOAT", "mode": "NULLABLE"} for name in columns]},
        "rows": [{"f": [{"v": None if value is None else str(value)} for value in row]} for row in of_cells],
        "totalRows": str(len(of_cells)),
        "totalBytesProcessed": "10485760",
        "cacheHit": False,
    }


def no_rows(call: Call, _over: Event) -> None:
    """A shop without events, whichever query asks."""
    send_json(call, 200, rows(columns=COLUMNS["churned" if is_look_back(call) else "weeks_ago"]))


CELL_OF_TEN = ("1,1,1,1,1,1,2,1", 0, 10, 0.0)
"""A row of cells.sql: ten customers of this week who did nothing but visit once, two or three days ago."""


def ten_customers(call: Call, over: Event) -> None:
    """A shop with ten customers this week and nobody before."""
    if is_look_back(call):
        no_rows(call, over)
    else:
        send_json(call, 200, rows(CELL_OF_TEN))


def is_look_back(call: Call) -> bool:
    """Whether it is the look back that asks."""
    return "came_back" in call.request.body.get("query", "")


def is_history(call: Call) -> bool:
    """Whether it is the history that asks: for the six weeks before the last."""
    parameters = {parameter["name"]: parameter["parameterValue"] for parameter in call.request.body.get("queryParameters", ())}
    first, end = (date.fromisoformat(parameters[name]["value"][:10]) for name in ("scan_start", "scan_end"))
    return end - first == timedelta(weeks=6)


class Job:
    """A behaviour: the cells' query becomes a job that is asked for page by page, each page as a test has it.

    Without pages it runs on and on.
    """

    def __init__(self, *pages: Mapping[str, Any] | Behaviour) -> None:
        self.pages = pages
        self.cancelled = Event()

    def __call__(self, call: Call, over: Event) -> None:
        if is_look_back(call):
            no_rows(call, over)
        elif call.path.partition("?")[0].endswith("/cancel"):
            self.cancelled.set()
            send_json(call, 200, {"kind": "bigquery#jobCancelResponse", "job": self.about("RUNNING")})
        elif "/jobs/" in call.path:
            send_json(call, 200, self.about("DONE" if self.pages else "RUNNING"))
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
