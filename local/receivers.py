"""Local receivers of the weekly reports: a webhook, Slack and a mail server that keep what they receive as files."""

import json
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

WEBHOOK_SECRET = "whsec_" + "b25seSBmb3IgbWFrZSBkZXY="  # pragma: allowlist secret


@dataclass(frozen=True)
class Receivers:
    """Where the receivers listen, as the settings `CLIENTS` and `SMTP_URL` take it."""

    webhook_url: str
    slack_url: str
    smtp_url: str


@contextmanager
def running(outbox: Path) -> Iterator[Receivers]:
    """Run the receivers until the block ends; each message becomes files in the folder `outbox`, named by its time."""
    with _http_server(outbox) as http_address, _mail_server(outbox) as smtp_url:
        yield Receivers(f"{http_address}/webhook", f"{http_address}/slack", smtp_url)


def _stem(outbox: Path, kind: str) -> Path:
    return outbox / f"{datetime.now():%Y-%m-%d-%H%M%S-%f}-{kind}"


def _keep_post(outbox: Path, path: str, headers: Mapping[str, str], body: bytes) -> None:
    kept = {"headers": dict(headers), "body": json.loads(body)}
    file = _stem(outbox, path.strip("/")).with_suffix(".json")
    file.write_text(json.dumps(kept, indent=2, ensure_ascii=False) + "\n", "utf-8")


def _keep_mail(outbox: Path, content: bytes) -> None:
    """Keep a mail unchanged, and its text and attachments in separate files."""
    stem = _stem(outbox, "mail")
    stem.with_suffix(".eml").write_bytes(content)
    mail = message_from_bytes(content, policy=policy.default)
    text = mail.get_body(("plain",))
    stem.with_suffix(".txt").write_text(f"{mail['Subject']}\n\n{text.get_content() if text else ''}", "utf-8")
    for attachment in mail.iter_attachments():
        name = Path(attachment.get_filename() or "attachment").name
        content_of: Any = attachment.get_payload(decode=True)
        stem.with_name(f"{stem.name}-{name}").write_bytes(content_of)


@contextmanager
def _http_server(outbox: Path) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            known = self.path in ("/webhook", "/slack")
            if known:
                _keep_post(outbox, self.path, dict(self.headers), body)
            self.send_response(200 if known else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Print nothing: the outbox shows what came."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@contextmanager
def _mail_server(outbox: Path) -> Iterator[str]:
    class Handler:
        async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
            content: Any = envelope.content
            _keep_mail(outbox, content)
            return "250 OK"

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(Handler(), hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield f"smtp://127.0.0.1:{port}"
    finally:
        controller.stop()
