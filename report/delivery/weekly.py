"""`POST /reports/weekly`: every client's report of the week, built a few at a time and sent out. For Cloud Scheduler.

Nothing is stored: a second call builds and sends again, and the repeats carry the same message ids.
"""

import logging
from collections.abc import Iterable, Mapping
from contextvars import copy_context
from dataclasses import asdict, dataclass
from datetime import date, datetime
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, ValidationError

from report.api.parameters import MAX_CLIENT_ID, ParameterError
from report.build import Request, Trace, build_report
from report.delivery.channels import DoorName, Message, deliver, doors
from report.schema import Count, Part, Report
from report.settings import ClientSettings, Settings, SettingsError
from report.threads import run_in_thread
from report.warehouse import WarehouseError
from report.week import IN_RANGE, week_at

AT_ONCE = 4
"""So many reports are built beside each other; each of them mostly waits."""
LEAST_SECONDS = 15.0
"""With less time left no report is begun: it would go out without its summary."""

logger = logging.getLogger(__name__)


def _whole(number: object) -> object:
    """To JSON Schema, and so to the description, 1.0 is the whole number 1."""
    return int(number) if isinstance(number, float) and number.is_integer() else number


ClientId = Annotated[int, Field(ge=1, le=MAX_CLIENT_ID, strict=True), BeforeValidator(_whole)]


class WeeklyRequest(Part):
    """What the body may say. Without `client_ids`: every client in CLIENTS that the key covers."""

    client_ids: tuple[ClientId, ...] | None = None
    week_ending: Annotated[date, Field(strict=True, json_schema_extra={"pattern": IN_RANGE})] | None = None
    """The last day of the week; without it, the last full week in each client's own time zone."""


class Sent(Part):
    """What became of one client's report at one of its doors."""

    to: DoorName
    status: Literal["sent", "refused", "failed"]
    """`refused` would be so again, by the receiver or for its settings; `failed` should be tried again."""
    attempts: Count
    detail: str | None = None


class ClientResult(Part):
    """What became of one client's report."""

    client_id: int
    status: Literal["sent", "refused", "failed", "not_reached", "no_address"]
    """`failed` and `not_reached` should be tried again, `refused` and `no_address` want other settings first."""
    week_ending: date | None = None
    message_id: str | None = None
    detail: str | None = None
    deliveries: tuple[Sent, ...] = ()


class WeeklyRun(Part):
    """The answer of `POST /reports/weekly`: each client's result, in the order of their ids."""

    results: tuple[ClientResult, ...]

    @property
    def to_be_tried_again(self) -> bool:
        """Whether another call may help any client."""
        return any(result.status in ("failed", "not_reached") for result in self.results)


def parse_request(body: bytes) -> WeeklyRequest:
    """The body of a request, which may be empty. Raises ParameterError, which says what is wrong with it."""
    if not body.strip():
        return WeeklyRequest()
    try:
        asked = WeeklyRequest.model_validate_json(body)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else "body"
        what = 'the body takes JSON such as {"client_ids": [1, 2], "week_ending": "2025-01-19"}, or nothing'
        raise ParameterError(name, f"{name}: {first['msg']}; {what}") from None
    if asked.week_ending:
        try:
            week_at(datetime.now(ZoneInfo("UTC")), ZoneInfo("UTC"), asked.week_ending)
        except ValueError as error:
            raise ParameterError("week_ending", f"week_ending is out of range: {error}") from None
    return asked


@dataclass(frozen=True)
class Round:
    """One call: for which week, at which instant, with links to which page, and until when."""

    settings: Settings
    week_ending: date | None
    now: datetime
    page_url: str
    deadline: float
    """On the monotonic clock."""


def run_weekly(round_: Round, client_ids: Iterable[int]) -> WeeklyRun:
    """Build and send the reports of these clients until the deadline. One client's failure touches no other."""
    waiting: SimpleQueue[int] = SimpleQueue()
    results = {}
    for client_id in sorted(set(client_ids)):
        results[client_id] = ClientResult(client_id=client_id, status="not_reached", detail="the time was over before its turn")
        waiting.put(client_id)

    def work() -> None:
        while round_.deadline - monotonic() > LEAST_SECONDS:
            try:
                client_id = waiting.get_nowait()
            except Empty:
                return
            results[client_id] = ClientResult(client_id=client_id, status="failed", detail="the time was over before its end")
            results[client_id] = _one(round_, client_id)

    workers = [run_in_thread(copy_context().run, work) for _ in range(min(AT_ONCE, len(results)))]
    for worker in workers:
        try:
            worker.result(max(round_.deadline - monotonic(), 0.0))
        except TimeoutError:
            continue
    run = WeeklyRun(results=tuple(results.values()))
    logger.log(
        logging.ERROR if run.to_be_tried_again else logging.INFO,
        "weekly run",
        extra={"fields": {"clients": len(run.results), **_counted(run)}},
    )
    return run


def _counted(run: WeeklyRun) -> Mapping[str, int]:
    statuses = [result.status for result in run.results]
    return {status: statuses.count(status) for status in ("sent", "refused", "failed", "not_reached", "no_address")}


def _one(round_: Round, client_id: int) -> ClientResult:
    """Build and send one client's report, and say what became of it, in the answer and in the log."""
    settings, client = round_.settings, round_.settings.client(client_id)
    report, trace = None, Trace()
    if not (client.webhook_url or client.webhook_problem or client.email or client.email_problem):
        result = ClientResult(client_id=client_id, status="no_address", detail="CLIENTS has no webhook_url and no email for it")
    else:
        try:
            week = week_at(round_.now, client.zone(), round_.week_ending)
            in_time = min(monotonic() + settings.request_deadline_seconds, round_.deadline)
            report = build_report(settings, Request(client_id, week, False, round_.now, in_time), trace)
            result = _send(round_, client, report)
        except SettingsError as error:
            result = ClientResult(client_id=client_id, status="refused", detail=str(error))
        except WarehouseError as error:
            logger.error("Client %d: %s", client_id, error)
            result = ClientResult(client_id=client_id, status="failed", detail="the data warehouse could not answer")
        except Exception:
            logger.exception("The weekly report of client %d failed", client_id)
            result = ClientResult(client_id=client_id, status="failed", detail="something went wrong here; it has been noted")
    logger.log(
        logging.INFO if result.status == "sent" else logging.WARNING if result.status == "no_address" else logging.ERROR,
        "weekly report",
        extra={"fields": _log_fields(result, report, trace)},
    )
    return result


def _send(round_: Round, client: ClientSettings, report: Report) -> ClientResult:
    message = Message(report, client, round_.page_url)
    outcomes = {name: deliver(send, round_.deadline) for name, send in doors(message, round_.settings.mail).items()}
    sent = tuple(Sent(to=name, **asdict(outcome)) for name, outcome in outcomes.items())
    statuses = {delivery.status for delivery in sent}
    return ClientResult(
        client_id=report.meta.client_id,
        status="failed" if "failed" in statuses else "refused" if "refused" in statuses else "sent",
        week_ending=report.week_ending,
        message_id=message.id,
        deliveries=sent,
    )


def _log_fields(result: ClientResult, report: Report | None, trace: Trace) -> Mapping[str, object]:
    """What the line of one client's weekly report says; nothing about any customer."""
    fields: dict[str, object] = {
        "client_id": result.client_id,
        "status": result.status,
        "detail": result.detail,
        "deliveries": [delivery.model_dump() for delivery in result.deliveries],
    }
    if report:
        fields |= {
            "week_ending": report.week_ending.isoformat(),
            "customers": report.report_data.summary.totalCustomers,
            "milliseconds": trace.steps_ms,
            "summary_source": report.meta.summary_source,
            "summary_reason": trace.summary_reason,
        }
    return fields
