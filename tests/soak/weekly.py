"""One weekly run for a thousand clients: each webhook must arrive once, signed, with its own client's report."""

import json
from collections import Counter
from dataclasses import dataclass
from http.client import HTTPConnection
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

from standardwebhooks import WebhookVerificationError

from local import function
from tests.benchmarks import served
from tests.support.loopback.bigquery import loopback_bigquery, ten_customers
from tests.support.loopback.receiver import SECRET, loopback_receiver, verified
from tests.support.loopback.server import Request, answers

CLIENTS = 1_000
WEEK_ENDING = "2025-01-19"
DEADLINE_SECONDS = 500
"""As deployed."""


@dataclass(frozen=True)
class WeeklyRun:
    """The outcome of the run."""

    seconds: float
    most_memory_mib: float
    settings_kib: float
    """The size of the setting CLIENTS."""
    wrong: list[str]


def measure() -> WeeklyRun:
    """Run it and check what arrived."""
    with loopback_bigquery(ten_customers) as bigquery, loopback_receiver(answers(200, {})) as receiver:
        hook = {"webhook_url": f"{receiver.endpoint}/hook", "webhook_secret": SECRET}
        # Without spaces: Linux takes 128 KiB in one environment variable.
        clients = json.dumps({str(client): hook for client in range(1, CLIENTS + 1)}, separators=(",", ":"))
        settings = function.bigquery_settings(bigquery.endpoint) | served.AS_DEPLOYED
        settings |= {"CLIENTS": clients, "WEEKLY_DEADLINE_SECONDS": str(DEADLINE_SECONDS)}
        with function.running(settings) as reports:
            started = monotonic()
            status, body = _post(reports)
            seconds = monotonic() - started
            memory = served.most_memory(served.worker(reports))
        if status != 200:
            return WeeklyRun(seconds, memory, len(clients) / 1024, [f"the weekly run answered {status}: {body[:300]!r}"])
        wrong = _wrong(json.loads(body)["results"], receiver.requests)
        return WeeklyRun(seconds, memory, len(clients) / 1024, wrong)


def _post(reports: function.Function) -> tuple[int, bytes]:
    # `Function.ask` does not wait this long.
    connection = HTTPConnection(urlsplit(reports.address).netloc, timeout=DEADLINE_SECONDS + 30)
    try:
        body = json.dumps({"week_ending": WEEK_ENDING})
        connection.request("POST", "/reports/weekly", body, {"X-API-Key": reports.key})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def _wrong(results: list[dict[str, object]], requests: list[Request]) -> list[str]:
    everyone = list(range(1, CLIENTS + 1))
    wrong = [] if [result["client_id"] for result in results] == everyone else ["the answer does not name each client once"]
    wrong += [f"{result['client_id']} is {result['status']}" for result in results if result["status"] != "sent"]
    arrived: Counter[int] = Counter()
    for request in requests:
        try:
            data: Any = verified(request)["data"]
        except WebhookVerificationError as error:
            wrong.append(f"{request.headers.get('webhook-id')}: {error}")
            continue
        client = data["meta"]["client_id"]
        arrived[client] += 1
        if request.headers["webhook-id"] != f"report_{client}_{WEEK_ENDING}":
            wrong.append(f"client {client}'s report came as {request.headers['webhook-id']}")
        if data["report_data"]["summary"]["totalCustomers"] != 10:
            wrong.append(f"client {client}'s report is about other customers")
    wrong += [f"client {client}'s report came {arrived[client]} times" for client in everyone if arrived[client] != 1]
    return wrong + [f"a report came for client {client}" for client in arrived if client not in everyone]
