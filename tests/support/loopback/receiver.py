"""Receivers of the weekly reports on loopback: a webhook receiver, a check of its signatures, and a mail server."""

import json
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP
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
    """The running mail server: its address, its behaviour, and what it received.

    `refusals` has what it answers to an address, each answer once, then 250; `rcpt` and `dot` run before it answers to an address
    and after the final dot.
    """

    url: str
    refusals: dict[str, list[str]] = field(default_factory=dict)
    rcpt: Callable[[Any], Awaitable[None]] | None = None
    dot: Callable[[Any], Awaitable[str]] | None = None
    quit: str = "221 Bye"
    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    """Of each mail in `mails`."""

    async def handle_RCPT(self, server, _session, envelope, address, _options):  # noqa: N802 - aiosmtpd's name
        if self.rcpt:
            await self.rcpt(server)
        if self.refusals.get(address):
            return self.refusals[address].pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, _session, envelope):  # noqa: N802
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        self.recipients.append(list(envelope.rcpt_tos))
        return await self.dot(server) if self.dot else "250 OK"

    async def handle_QUIT(self, _server, _session, _envelope):  # noqa: N802
        return self.quit


@contextmanager
def loopback_mail_server(
    certificate: trustme.LeafCert | None = None, protocol: type[SMTP] = SMTP, **options: Any
) -> Iterator[MailServer]:
    """Run a mail server until the block ends: over TLS with a certificate, and with aiosmtpd's own options."""

    class Speaks(Controller):
        def factory(self) -> SMTP:
            return protocol(self.handler, **self.SMTP_kwargs)

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = MailServer(f"{'smtps' if certificate else 'smtp'}://127.0.0.1:{port}")
    if certificate:
        options["ssl_context"] = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(options["ssl_context"])
    controller = Speaks(server, hostname="127.0.0.1", port=port, **options)
    controller.start()
    try:
        yield server
    finally:
        controller.stop()
