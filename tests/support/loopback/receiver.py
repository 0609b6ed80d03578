"""Receivers of the weekly reports on loopback: a webhook receiver, a check of its signatures, and a mail server."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage

from aiosmtpd.controller import Controller
from standardwebhooks import Webhook

from tests.support.loopback.server import Behaviour, Loopback, Request, running

SECRET = "whsec_" + "c2VjcmV0IGZvciB0ZXN0cyBvbmx5"  # pragma: allowlist secret


@contextmanager
def loopback_receiver(behaviour: Behaviour) -> Iterator[Loopback]:
    """Run a webhook receiver with this behaviour until the block ends."""
    with running(behaviour, r"/hook(/|\?|$)") as loopback:
        yield loopback


def verified(request: Request) -> dict[str, object]:
    """Return what was sent, after the Standard Webhooks library has checked its signature."""
    Webhook(SECRET).verify(request.text, dict(request.headers))
    return json.loads(request.text)


@dataclass
class MailServer:
    """The running mail server: where it is, what it answers to the recipients named here, and what it got."""

    url: str
    refusals: dict[str, str] = field(default_factory=dict)
    mails: list[EmailMessage] = field(default_factory=list)

    async def handle_RCPT(self, _server, _session, envelope, address, _options):  # noqa: N802 - aiosmtpd's name
        if address in self.refusals:
            return self.refusals[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server, _session, envelope):  # noqa: N802
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 OK"


@contextmanager
def loopback_mail_server() -> Iterator[MailServer]:
    """Run a mail server until the block ends."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = MailServer(f"smtp://127.0.0.1:{port}")
    controller = Controller(server, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield server
    finally:
        controller.stop()
