"""The doors by which a weekly report goes out: a signed webhook, Slack, e-mail. Nothing is stored.

A message goes again while there is hope and time, and carries the same id each time, so that receivers can drop repeats; Slack
alone has no place for one.
"""

import ipaddress
import json
import random
import smtplib
import socket
import ssl
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from functools import partial
from http.client import HTTPConnection, HTTPException, HTTPSConnection, InvalidURL
from time import monotonic, sleep
from typing import Any, Literal
from urllib.parse import SplitResult, unquote, urlencode, urlsplit

from report.formatting import days, percent, whole
from report.schema import Report
from report.settings import ClientSettings, MailSettings
from report.threads import run_in_thread

ATTEMPT_SECONDS = 10.0
"""How long one attempt may take, whatever the other end does."""
PAUSES_SECONDS = (1.0, 4.0, 16.0)
"""Before the second attempt, the third and the fourth, which is the last."""
LONGEST_PAUSE_SECONDS = 30.0
"""A receiver that asks for a longer pause is tried again by the next weekly call, not by this one."""
MOST_ANSWER_BYTES = 1_000
"""So much of an answer is read, for the log."""
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class RefusedError(Exception):
    """It cannot go out, and would not the next time either. The message names no secret and no address."""


class PassingError(Exception):
    """It has not gone out, and may the next time."""

    def __init__(self, message: str, pause_seconds: float = 0.0) -> None:
        super().__init__(message)
        self.pause_seconds = pause_seconds
        """How long the other end wants to be left alone."""


@dataclass(frozen=True)
class Message:
    """One client's report of one week, on its way."""

    report: Report
    client: ClientSettings
    page_url: str

    @property
    def id(self) -> str:
        """The same for the same client and week, so that receivers can drop repeats."""
        return f"report_{self.report.meta.client_id}_{self.report.week_ending}"

    @property
    def title(self) -> str:
        """What it is, in a line."""
        title = f"Weekly churn report, {days(self.report.meta.week_start, self.report.week_ending)}"
        return " ".join(f"{title}: {self.client.name}".split()) if self.client.name else title

    @property
    def link(self) -> str:
        """The page with this report."""
        return f"{self.page_url}?{urlencode({'client_id': self.report.meta.client_id, 'week_ending': self.report.week_ending})}"


@dataclass(frozen=True)
class Outcome:
    """What became of a message at one door."""

    status: Literal["sent", "refused", "failed"]
    """`refused` would be so again, by the receiver or for its settings; `failed` should be tried again."""
    attempts: int
    detail: str | None = None


DoorName = Literal["webhook", "slack", "email"]

Send = Callable[[float], None]
"""Tries once, for at most so many seconds. Raises RefusedError or PassingError."""


def doors(message: Message, mail: MailSettings | None) -> Mapping[DoorName, Send]:
    """By name, the doors that the client's settings open."""
    client = message.client
    found: dict[DoorName, Send] = {}
    if client.webhook_problem:
        found["slack" if client.webhook_flavour == "slack" else "webhook"] = partial(_refuse, client.webhook_problem)
    elif client.webhook_url:
        if client.webhook_flavour == "slack":
            found["slack"] = partial(_send_to_slack, message, client.webhook_url)
        else:
            found["webhook"] = partial(_send_signed, message, client.webhook_url)
    if client.email_problem:
        found["email"] = partial(_refuse, client.email_problem)
    elif client.email:
        found["email"] = partial(_send_mail, message, mail)
    return found


def _refuse(problem: str, _seconds: float) -> None:
    raise RefusedError(problem)


def deliver(send: Send, deadline: float, pauses: Sequence[float] = PAUSES_SECONDS) -> Outcome:
    """Send, and again after each pause while that may help and the deadline (on the monotonic clock) allows it."""
    for attempt, pause in enumerate((*pauses, 0.0), start=1):
        seconds = min(ATTEMPT_SECONDS, deadline - monotonic())
        if seconds <= 0:
            return Outcome("failed", attempt - 1, "no time was left")
        try:
            run_in_thread(send, seconds).result(seconds)
            return Outcome("sent", attempt)
        except RefusedError as error:
            return Outcome("refused", attempt, str(error))
        except TimeoutError:
            problem = PassingError("no answer in time")
        except PassingError as error:
            problem = error
        wait = max(pause * random.uniform(0.75, 1.25), problem.pause_seconds)  # nosec B311  # noqa: S311 - no secret
        if attempt > len(pauses) or wait > LONGEST_PAUSE_SECONDS or monotonic() + wait >= deadline:
            break
        sleep(wait)
    return Outcome("failed", attempt, str(problem))


# Webhooks


def _send_signed(message: Message, url: str, seconds: float) -> None:
    """POST the report as the Standard Webhooks specification has it."""
    from standardwebhooks import Webhook

    body = json.dumps(payload(message), ensure_ascii=False)
    now = datetime.now(UTC)
    try:
        signature = Webhook(message.client.webhook_secret or "").sign(message.id, now, body)
    except Exception:
        raise RefusedError("its webhook_secret in CLIENTS is missing or no Standard Webhooks secret (whsec_...)") from None
    headers = {
        "webhook-id": message.id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signature,
    }
    _post(url, body, headers, seconds)


def payload(message: Message) -> Mapping[str, Any]:
    """What a webhook receives: the report as `GET /reports/generate` answers, and the link to its page."""
    report = message.report.model_dump(mode="json")
    return {
        "type": "report.weekly",
        "timestamp": report["meta"]["generated_at"],
        "data": {**report, "page_url": message.link},
    }


def _send_to_slack(message: Message, url: str, seconds: float) -> None:
    _post(url, json.dumps(slack_message(message), ensure_ascii=False), {}, seconds)


def slack_message(message: Message) -> Mapping[str, Any]:
    """The report as Slack's blocks: the summary, four numbers, the top risk factors, the link."""
    data = message.report.report_data
    numbers = data.summary
    fields = {
        "Customers": whole(numbers.totalCustomers),
        "High risk": whole(numbers.highRiskCount),
        "Churned this week": whole(numbers.churnedThisWeek),
        "Retention": "–" if numbers.retentionRate is None else percent(numbers.retentionRate),
    }
    factors = "\n".join(f"• {factor.factor} ({factor.impact} impact)" for factor in data.topRiskFactors)
    return {
        "text": message.title,
        "unfurl_links": False,
        "blocks": [
            {"type": "header", "text": _plain(message.title, 150)},
            {"type": "section", "text": _plain(data.executiveSummary, 3_000)},
            {"type": "section", "fields": [_plain(f"{name}\n{value}", 2_000) for name, value in fields.items()]},
            *([{"type": "section", "text": _plain(f"Top risk factors\n{factors}", 3_000)}] if factors else []),
            {
                "type": "actions",
                "elements": [{"type": "button", "text": _plain("Open the report", 75), "url": message.link}],
            },
        ],
    }


def _plain(text: str, most: int) -> Mapping[str, Any]:
    return {"type": "plain_text", "text": text if len(text) <= most else text[: most - 1] + "…", "emoji": False}


def _post(url: str, body: str, headers: Mapping[str, str], seconds: float) -> None:
    """POST JSON, follow no redirect, and read no more than a little of the answer."""
    address = _address(url)
    target = (address.path or "/") + (f"?{address.query}" if address.query else "")
    known = {"Content-Type": "application/json", "User-Agent": "weekly-churn-report", "Connection": "close"}
    try:
        with closing(_connection(address, seconds)) as connection:
            connection.request("POST", target, body.encode(), {**known, **headers})
            answer = connection.getresponse()
            said = answer.read(MOST_ANSWER_BYTES)
    except ssl.SSLCertVerificationError as error:
        raise PassingError(f"the receiver's certificate is not valid: {error.verify_message}") from None
    except (ValueError, InvalidURL):
        raise RefusedError("its webhook_url in CLIENTS is no address") from None
    except (OSError, HTTPException) as error:
        raise PassingError(f"no answer: {type(error).__name__}") from None
    if answer.status == 429 or answer.status >= 500:
        retry_after = answer.headers.get("Retry-After", "")
        raise PassingError(f"the receiver answered {answer.status}", float(retry_after) if retry_after.isdecimal() else 0.0)
    if not 200 <= answer.status < 300:
        raise RefusedError(f"the receiver answered {answer.status}: {said.decode(errors='replace')[:100]!r}")


def _address(url: str) -> SplitResult:
    """The parts of an address to which a report may go: https, or http on this machine, which is for tests."""
    try:
        address = urlsplit(url)
        _ = address.port
    except ValueError:
        address = SplitResult("", "", "", "", "")
    known = address.scheme == "https" or (address.scheme == "http" and address.hostname in LOOPBACK)
    if not known or not address.hostname or "@" in address.netloc:
        raise RefusedError("its webhook_url in CLIENTS takes an https address without a password in it")
    return address


def _connection(address: SplitResult, seconds: float) -> HTTPConnection:
    host = address.hostname or ""
    if address.scheme == "http":
        return HTTPConnection(host, address.port, timeout=seconds)
    return _Pinned(host, address.port, _public_address(host, address.port or 443), seconds)


class _Pinned(HTTPSConnection):
    """TLS with `host`, over the one network address that was looked at, whatever the name says by now."""

    def __init__(self, host: str, port: int | None, network_address: str, seconds: float) -> None:
        import certifi

        self._tls = ssl.create_default_context(cafile=certifi.where())
        super().__init__(host, port, timeout=seconds, context=self._tls)
        self._network_address = network_address

    def connect(self) -> None:
        """Connect; the certificate must be the host's."""
        self.sock = socket.create_connection((self._network_address, self.port), self.timeout)
        self.sock = self._tls.wrap_socket(self.sock, server_hostname=self.host)


def _public_address(host: str, port: int) -> str:
    """One network address of a host, all of whose addresses are public: no webhook reaches into a private network."""
    try:
        found = [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except OSError:
        raise PassingError("the receiver's name is not found") from None
    if not all(is_public(address) for address in found):
        raise RefusedError("its webhook_url in CLIENTS leads into a private network")
    return found[0]


_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")


def is_public(network_address: str) -> bool:
    """Whether an IP address is one of the public network's, in itself and in what it may carry inside."""
    address = ipaddress.ip_address(network_address.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        return address in _GLOBAL_UNICAST and address.is_global and not address.sixtofour and not address.teredo
    return address.is_global and not address.is_multicast


# E-mail


def _send_mail(message: Message, mail: MailSettings | None, seconds: float) -> None:
    if mail is None:
        raise RefusedError("SMTP_URL is not set, so no e-mail goes out")
    try:
        with _mail_server(urlsplit(mail.smtp_url), seconds) as server:
            refused = server.send_message(mail_message(message, mail.sender))
    except smtplib.SMTPRecipientsRefused as error:
        _judge(min(code for code, _ in error.recipients.values()))
    except smtplib.SMTPResponseException as error:
        _judge(error.smtp_code)
    except (OSError, smtplib.SMTPException) as error:
        raise PassingError(f"the mail server cannot be used: {type(error).__name__}") from None
    else:
        if refused:
            raise RefusedError(f"the mail server refused {len(refused)} of {len(message.client.email)} addresses")


def _judge(code: int) -> None:
    if code >= 500:
        raise RefusedError(f"the mail server answered {code}")
    raise PassingError(f"the mail server answered {code}")


def _mail_server(address: SplitResult, seconds: float) -> smtplib.SMTP:
    """A mail server, over TLS but for one on this machine, which is for tests."""
    host, tls = address.hostname or "", ssl.create_default_context()
    if address.scheme == "smtps":
        server: smtplib.SMTP = smtplib.SMTP_SSL(host, address.port or 465, timeout=seconds, context=tls)
    else:
        server = smtplib.SMTP(host, address.port or 587, timeout=seconds)
        if host not in LOOPBACK:
            server.starttls(context=tls)
    if address.username:
        server.login(unquote(address.username), unquote(address.password or ""))
    return server


def mail_message(message: Message, sender: str) -> EmailMessage:
    """The report as an e-mail: the summary in plain words, and attached the whole of it as one HTML file and as a PDF."""
    from report.pages import html, pdf
    from report.pages.view import file_name, view

    shown, name = view(message.report), file_name(message.report)
    mail = EmailMessage()
    mail["Subject"] = message.title
    mail["From"] = sender
    mail["To"] = ", ".join(message.client.email)
    mail["Date"] = datetime.now(UTC)
    mail["Message-ID"] = f"<{message.id}@{sender.rpartition('@')[2].strip('> ')}>"
    mail.set_content(f"{message.report.report_data.executiveSummary}\n\nThe whole report:\n{message.link}\n")
    mail.add_attachment(html.document(shown).html, subtype="html", filename=f"{name}.html")
    mail.add_attachment(pdf.document(shown), maintype="application", subtype="pdf", filename=f"{name}.pdf")
    return mail
