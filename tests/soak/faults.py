"""Faults on loopback: a few calls in a hundred fail, as calls to Google's services sometimes do."""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from http.server import ThreadingHTTPServer
from threading import Event, Lock, Thread
from urllib.parse import urlsplit

import numpy as np

from tests.support.loopback.server import Call, send

SHARE = 0.05
DELAY_SECONDS = (1.0, 5.0)
UPSTREAM_SECONDS = 60

Good = tuple[int, str, bytes]
"""A complete answer: its status, its content type and its body."""


class Faults:
    """Decide which calls fail and how, always the same for the same seed, and count them."""

    def __init__(self, seed: list[int]) -> None:
        self.on = False
        self.calls = 0
        self.injected: Counter[str] = Counter()
        self._random = np.random.default_rng(seed)
        self._lock = Lock()

    def answer(self, call: Call, over: Event, good: Callable[[], Good]) -> None:
        """Answer the call with `good`, or with one of the faults."""
        kind = self._next()
        if kind is None:
            send(call, *good())
        else:
            KINDS[kind](self, call, over, good)

    def delay(self) -> float:
        """Return the seconds of a delay."""
        with self._lock:
            return float(self._random.uniform(*DELAY_SECONDS))

    def _next(self) -> str | None:
        if not self.on:
            return None
        with self._lock:
            self.calls += 1
            if self._random.random() >= SHARE:
                return None
            kind = list(KINDS)[self._random.integers(len(KINDS))]
            self.injected[kind] += 1
            return kind


Fault = Callable[[Faults, Call, Event, Callable[[], Good]], None]


def _error(status: int, reason: str) -> Fault:
    error = {"message": f"Injected: {reason}", "domain": "global", "reason": reason}
    body = json.dumps({"error": {"code": status, "message": error["message"], "errors": [error]}}).encode()
    return lambda _faults, call, _over, _good: send(call, status, "application/json", body)


def _dropped_before_the_headers(_faults: Faults, call: Call, _over: Event, _good: Callable[[], Good]) -> None:
    call.close_connection = True


def _dropped_in_the_body(_faults: Faults, call: Call, _over: Event, good: Callable[[], Good]) -> None:
    status, content_type, body = good()
    call.send_response(status)
    call.send_header("Content-Type", content_type)
    call.send_header("Content-Length", str(len(body)))
    call.end_headers()
    call.wfile.write(body[: len(body) // 2])
    call.close_connection = True


def _broken_json(_faults: Faults, call: Call, _over: Event, good: Callable[[], Good]) -> None:
    status, content_type, body = good()
    send(call, status, content_type, body[: len(body) // 2])


def _delayed(faults: Faults, call: Call, over: Event, good: Callable[[], Good]) -> None:
    over.wait(faults.delay())
    send(call, *good())


KINDS: dict[str, Fault] = {
    "HTTP 500": _error(500, "internalError"),
    "HTTP 503": _error(503, "backendError"),
    "403 rateLimitExceeded": _error(403, "rateLimitExceeded"),
    "dropped before the headers": _dropped_before_the_headers,
    "dropped in the body": _dropped_in_the_body,
    "broken JSON": _broken_json,
    "delayed by 1 to 5 s": _delayed,
}


@dataclass
class Proxy:
    """A running proxy: its address, and whether it refuses the daily counts, which shows the report without them."""

    endpoint: str
    refuses_daily_counts: bool = False


@contextmanager
def proxy(address: str, faults: Faults) -> Iterator[Proxy]:
    """Run a proxy between the function and the BigQuery at `address` until the block ends."""
    over = Event()
    refused = _error(400, "invalidQuery")

    class Handler(Call):
        disable_nagle_algorithm = True

        def do_GET(self) -> None:  # noqa: N802 - http.server's name
            body = self.rfile.read(int(self.headers["Content-Length"] or 0))
            try:
                if running.refuses_daily_counts and b'"days_start"' in body:  # a parameter that only they have
                    refused(faults, self, over, lambda: (0, "", b""))
                else:
                    faults.answer(self, over, lambda: _ask(address, self, body))
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        do_POST = do_GET  # noqa: N815

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

    with Server(("127.0.0.1", 0), Handler) as server:
        running = Proxy(f"http://127.0.0.1:{server.server_port}")
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        try:
            yield running
        finally:
            over.set()
            server.shutdown()


def _ask(address: str, call: Call, body: bytes) -> Good:
    connection = HTTPConnection(urlsplit(address).netloc, timeout=UPSTREAM_SECONDS)
    try:
        connection.request(call.command, call.path, body, {"Content-Type": call.headers["Content-Type"] or "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.headers["Content-Type"] or "application/json", answer.read()
    finally:
        connection.close()
