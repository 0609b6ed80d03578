"""A loopback HTTP server that answers as a test tells it to and records the requests."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any


@dataclass(frozen=True)
class Request:
    """A request as it arrived."""

    path: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]
    text: str


class Call(BaseHTTPRequestHandler):
    """A call that waits for its answer; `request` is what was sent."""

    protocol_version = "HTTP/1.1"
    request: Request  # type: ignore[assignment]

    def log_message(self, *_: object) -> None:
        pass


Behaviour = Callable[[Call, Event], None]
"""Answers a call. The event is set at the end of the test and stops what would go on forever."""


@dataclass
class Loopback:
    """The running server: its address, its behaviour, and the requests that it got."""

    behaviour: Behaviour
    endpoint: str = ""
    requests: list[Request] = field(default_factory=list)
    over: Event = field(default_factory=Event)


@contextmanager
def running(behaviour: Behaviour, path: str, refusal: Callable[[Request], Behaviour | None] | None = None) -> Iterator[Loopback]:
    """Run a server with this behaviour for paths that match; set `behaviour` on the result to change it.

    What `refusal` returns for a request comes before the behaviour.
    """
    loopback = Loopback(behaviour)

    class Handler(Call):
        def do_GET(self) -> None:
            self.answer("")

        def do_POST(self) -> None:
            self.answer(self.rfile.read(int(self.headers["Content-Length"])).decode())

        def answer(self, text: str) -> None:
            self.request = Request(self.path, dict(self.headers), json.loads(text or "{}"), text)
            loopback.requests.append(self.request)
            if not re.match(path, self.path):
                send_json(self, 404, {"error": {"code": 404, "message": "Not found."}})
                return
            try:
                refused = refusal(self.request) if refusal else None
                (refused or loopback.behaviour)(self, loopback.over)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128  # by default five connections wait, and more are dropped

    with Server(("127.0.0.1", 0), Handler) as server:
        loopback.endpoint = f"http://127.0.0.1:{server.server_port}"
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        try:
            yield loopback
        finally:
            loopback.over.set()
            server.shutdown()


def answers(status: int, body: Mapping[str, Any]) -> Behaviour:
    """Answer with this status and this JSON."""
    return lambda call, _over: send_json(call, status, body)


def html(call: Call, _over: Event) -> None:
    """Answer with a page of HTML, as a proxy or a captive portal does."""
    send(call, 200, "text/html; charset=utf-8", b"<!doctype html><title>Sign in</title><p>Please sign in to go on.")


def busy(call: Call, _over: Event) -> None:
    """Wants to be left alone for a day."""
    call.send_response(503)
    call.send_header("Retry-After", "86400")
    call.send_header("Content-Length", "0")
    call.end_headers()


def hangs(_call: Call, over: Event) -> None:
    """Accept the call and never answer."""
    over.wait()


def drops(call: Call, _over: Event) -> None:
    """Accept the call and close the connection."""
    call.close_connection = True


def drops_in_the_middle(call: Call, _over: Event) -> None:
    """Start an answer and close the connection."""
    _begin(call)
    call.wfile.write(b'{"kind": "bigquery#queryResponse", "jobComplete": true, "rows": [')
    call.close_connection = True


def hangs_after_the_headers(call: Call, over: Event) -> None:
    """Start an answer and never finish it."""
    _begin(call)
    call.wfile.flush()
    over.wait()


def drips(call: Call, over: Event) -> None:
    """Send a byte now and then, so that no single read takes long."""
    _begin(call)
    while not over.wait(0.05):
        call.wfile.write(b" ")


def _begin(call: Call) -> None:
    """Send the headers of an answer of a million bytes of JSON."""
    call.send_response(200)
    call.send_header("Content-Type", "application/json")
    call.send_header("Content-Length", "1000000")
    call.end_headers()


def send_json(call: Call, status: int, body: Mapping[str, Any]) -> None:
    """Answer the call with JSON."""
    send(call, status, "application/json; charset=UTF-8", json.dumps(body).encode())


def send(call: Call, status: int, content_type: str, body: bytes) -> None:
    """Answer the call."""
    call.send_response(status)
    call.send_header("Content-Type", content_type)
    call.send_header("Content-Length", str(len(body)))
    call.end_headers()
    call.wfile.write(body)
