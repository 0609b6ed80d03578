"""`POST /reports/weekly`: build and send every client's report of the week. Cloud Scheduler calls it.

Temporary failures of a query or a single channel are retried until the deadline. Nothing is stored: a second call builds and
sends everything again, so the function asks for one only if nothing was sent.
"""

import asyncio
import logging
from collections.abc import Iterable, Mapping
from contextvars import copy_context
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from html import escape
from time import monotonic
from typing import Any, Literal
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from report.api.links import LINK_DAYS, shared_link
from report.api.parameters import ParameterError
from report.build import Request, Trace, build_report
from report.delivery.attempts import acquired, deliver, pauses
from report.delivery.channels import channels
from report.delivery.message import Attachment, Letter, Message
from report.schema import ChannelName, ClientResult, DeliveryStatus, Report, Sent, WeeklyRequest, WeeklyRun
from report.settings import ClientSettings, Settings, SettingsError
from report.threads import run_in_thread
from report.warehouse import Scan, WarehouseError, last_day_has_come
from report.week import Week, midnight, week_at

BUILT_AT_ONCE = 4
"""How many reports are built at the same time; each mostly waits for BigQuery."""
SENT_AT_ONCE = 16
"""How many messages are sent at the same time through channels of one kind; each only waits."""
MIN_SECONDS = 15.0
"""With less time left no report is begun: it would go out without Gemini's summary."""

STATUSES = ("sent", "refused", "failed", "uncertain", "not_reached", "not_ready", "no_address")

FIRST_TIME_ZONE = ZoneInfo("Etc/GMT-14")
"""The time zone in which a day begins first."""

logger = logging.getLogger(__name__)


def parse_request(body: bytes) -> WeeklyRequest:
    """Read the body of a request, which may be empty. Raises ParameterError, which says what is wrong."""
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
            week = week_at(datetime.now(UTC), FIRST_TIME_ZONE, asked.week_ending)
        except ValueError as error:
            raise ParameterError("week_ending", f"week_ending is out of range: {error}") from None
        if not week.begun:
            raise ParameterError("week_ending", week.not_begun)
    return asked


@dataclass(frozen=True)
class WeeklyJob:
    """One call: the week, the present instant, the addresses for links, and the deadline."""

    settings: Settings
    week_ending: date | None
    now: datetime
    page_url: str
    shared_url: str
    """The address of `GET /reports/shared`, which signed links open."""
    deadline: float
    """On the monotonic clock."""


def run_weekly(job: WeeklyJob, client_ids: Iterable[int]) -> WeeklyRun:
    """Build and send the reports of these clients until the deadline. One client's failure does not affect the others."""
    run = WeeklyRun(results=asyncio.run(_run(job, sorted(set(client_ids)))))
    logger.log(
        logging.ERROR
        if any(result.status in ("failed", "uncertain", "not_reached", "not_ready") for result in run.results)
        else logging.INFO,
        "weekly run",
        extra={"fields": {"clients": len(run.results), **_counted(run)}},
    )
    return run


def _counted(run: WeeklyRun) -> Mapping[str, int]:
    return {status: sum(result.status == status for result in run.results) for status in STATUSES}


@dataclass(frozen=True)
class _Turns:
    """Limits of how much happens at the same time. Waiting for a later attempt does not count."""

    building: asyncio.Semaphore
    sending: Mapping[ChannelName, asyncio.Semaphore]


async def _run(job: WeeklyJob, client_ids: Iterable[int]) -> tuple[ClientResult, ...]:
    turns = _Turns(
        asyncio.Semaphore(BUILT_AT_ONCE), {name: asyncio.Semaphore(SENT_AT_ONCE) for name in ("webhook", "slack", "email")}
    )
    return tuple(await asyncio.gather(*(_one(job, turns, client_id) for client_id in client_ids)))


async def _one(job: WeeklyJob, turns: _Turns, client_id: int) -> ClientResult:
    """Build and send one client's report, and log the result."""
    client, built = job.settings.client(client_id), None
    try:
        if not (client.webhook_url or client.webhook_problem or client.email or client.email_problem):
            result = ClientResult(
                client_id=client_id, status="no_address", detail="CLIENTS has no webhook_url and no email for it"
            )
        else:
            week = week_at(job.now, client.zone(), job.week_ending)
            if await _waits_for_data(job, turns, client_id, week):
                result = ClientResult(client_id=client_id, status="not_ready", detail=f"there is no event of {week.ending} yet")
            elif week.begun:
                built = await _build(job, turns, client_id, week)
                result = await _send(job, turns, client, built[0]) if built else _unfinished(client_id, "not_reached")
            else:
                result = ClientResult(client_id=client_id, status="refused", detail=week.not_begun)
    except TimeoutError:
        result = _unfinished(client_id, "failed")
    except SettingsError as error:
        result = ClientResult(client_id=client_id, status="refused", detail=str(error))
    except WarehouseError as error:
        logger.error("Client %d: %s", client_id, error)
        if error.permanent:
            result = ClientResult(client_id=client_id, status="refused", detail="the data warehouse refused the query")
        else:
            result = ClientResult(client_id=client_id, status="failed", detail="the data warehouse could not answer")
    except Exception:
        logger.exception("The weekly report of client %d failed", client_id)
        result = ClientResult(client_id=client_id, status="failed", detail="something went wrong here; it has been logged")
    logger.log(
        logging.INFO if result.status == "sent" else logging.WARNING if result.status == "no_address" else logging.ERROR,
        "weekly report",
        extra={"fields": _log_fields(result, built)},
    )
    return result


def _unfinished(client_id: int, status: Literal["failed", "not_reached"]) -> ClientResult:
    detail = "the time was over before its turn" if status == "not_reached" else "the time was over before its end"
    return ClientResult(client_id=client_id, status=status, detail=detail)


async def _waits_for_data(job: WeeklyJob, turns: _Turns, client_id: int, week: Week) -> bool:
    """Tell whether the week's last day has no event yet and the time to wait for one is not over."""
    hours = job.settings.wait_for_data_hours
    end = midnight(week.ending + timedelta(days=1), week.time_zone)
    if not end <= job.now < end + timedelta(hours=hours) or not await acquired(turns.building, job.deadline - MIN_SECONDS):
        return False
    client = job.settings.client(client_id)
    scan = Scan(client_id, week, job.now, {}, client.usd_rate, client.ignored_event_types)
    seconds = min(job.settings.request_deadline_seconds, job.deadline - monotonic())
    try:
        asked = run_in_thread(last_day_has_come, job.settings.warehouse_of(client_id), scan, seconds)
        return not await asyncio.wrap_future(asked)
    except WarehouseError as error:  # then the report fails too, or goes out with the events that there are
        logger.warning("Client %d, its last day: %s", client_id, error)
        return False
    finally:
        turns.building.release()


async def _build(job: WeeklyJob, turns: _Turns, client_id: int, week: Week) -> tuple[Report, Trace] | None:
    """Build a client's report, and retry after a pause if BigQuery failed temporarily. None if its turn never came."""

    def build() -> tuple[Report, Trace]:
        trace = Trace()
        in_time = min(monotonic() + job.settings.request_deadline_seconds, job.deadline)
        return build_report(job.settings, Request(client_id, week, False, job.now, in_time), trace), trace

    last_start, failure = job.deadline - MIN_SECONDS, None
    for pause in pauses():
        if monotonic() >= last_start or not await acquired(turns.building, last_start):
            break
        try:
            async with asyncio.timeout_at(job.deadline):
                return await asyncio.wrap_future(run_in_thread(copy_context().run, build))
        except WarehouseError as error:
            failure = error
            if error.permanent or monotonic() + pause >= last_start:
                break
            logger.warning("Client %d will be tried again: %s", client_id, error)
        finally:
            turns.building.release()
        await asyncio.sleep(pause)
    if failure:
        raise failure
    return None


async def _send(job: WeeklyJob, turns: _Turns, client: ClientSettings, report: Report) -> ClientResult:
    """Send through all of the client's channels at the same time."""
    message = message_of(report, client, _links(job, report))
    found = channels(message, job.settings.mail)
    outcomes = await asyncio.gather(*(deliver(channel, job.deadline, turns.sending[name]) for name, channel in found.items()))
    sent = tuple(Sent(to=name, **asdict(outcome)) for name, outcome in zip(found, outcomes, strict=True))
    statuses = {delivery.status for delivery in sent}
    worst_first: tuple[DeliveryStatus, ...] = ("failed", "uncertain", "refused", "sent")
    return ClientResult(
        client_id=report.meta.client_id,
        status=next(status for status in worst_first if status in statuses),
        week_ending=report.week_ending,
        message_id=message.id,
        deliveries=sent,
    )


@dataclass(frozen=True)
class Links:
    """The links from a message to its report."""

    page: str
    """The page of the report, which needs a key."""
    shared: str | None = None
    """Opens the report without a key; None if links are not signed."""

    @property
    def for_people(self) -> tuple[str, str]:
        """Return the link for mail and Slack, and a note about it for its readers."""
        if self.shared is None:
            return self.page, ""
        return self.shared, f"The link opens the report without a key for {LINK_DAYS} days. Pass it on with care."


def _links(job: WeeklyJob, report: Report) -> Links:
    client_id, week_ending = report.meta.client_id, report.week_ending
    page = f"{job.page_url}?{urlencode({'client_id': client_id, 'week_ending': week_ending})}"
    secret = job.settings.link_secret
    return Links(page, shared_link(job.shared_url, secret, client_id, week_ending, job.now) if secret else None)


def message_of(report: Report, client: ClientSettings, links: Links) -> Message:
    """Make the message of a report. People get the link that needs no key, if there is one."""
    return Message(
        id=f"report_{report.meta.client_id}_{report.week_ending}",
        client=client,
        payload=partial(_payload, report, links.page),
        slack=partial(_slack, report, links),
        letter=partial(_letter, report, links),
    )


def _payload(report: Report, link: str) -> Mapping[str, Any]:
    """Write the body of a webhook: the report as in `GET /reports/generate`, and the link to its page."""
    content = report.model_dump(mode="json")
    return {"type": "report.weekly", "timestamp": content["meta"]["generated_at"], "data": {**content, "page_url": link}}


def _slack(report: Report, links: Links) -> Mapping[str, Any]:
    """Write the first screen in Slack's blocks, and the news as text for notifications."""
    from report.pages.mail import mail_subject
    from report.pages.slack import slack_blocks
    from report.pages.view import view

    shown = view(report)
    text = escape(mail_subject(shown), quote=False)
    return {"text": text, "unfurl_links": False, "blocks": slack_blocks(shown, *links.for_people)}


def _letter(report: Report, links: Links) -> Letter:
    """Write the first screen as an e-mail, with the whole report as one HTML file and as a PDF."""
    from report.pages import html, pdf
    from report.pages.mail import mail_body, mail_subject
    from report.pages.view import file_name, view

    shown, name = view(report), file_name(report)
    text, page = mail_body(shown, *links.for_people)
    attachments = (
        Attachment(f"{name}.html", html.document(shown).html),
        Attachment(f"{name}.pdf", pdf.document(shown)),
    )
    return Letter(mail_subject(shown), report.meta.generated_at, text, page, attachments)


def _log_fields(result: ClientResult, built: tuple[Report, Trace] | None) -> Mapping[str, object]:
    """Return the fields of the log line of one client's weekly report; nothing about a single customer."""
    fields: dict[str, object] = {
        "client_id": result.client_id,
        "status": result.status,
        "detail": result.detail,
        "deliveries": [delivery.model_dump() for delivery in result.deliveries],
    }
    if built:
        report, trace = built
        fields |= {
            "week_ending": report.week_ending.isoformat(),
            "customers": report.report_data.summary.totalCustomers,
            "milliseconds": trace.steps_ms,
            "summary_source": report.meta.summary_source,
            "summary_reason": trace.summary_reason,
        }
    return fields
