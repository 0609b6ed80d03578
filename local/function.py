"""Run the function as a separate process under `functions-framework`, as it is deployed, and send requests to it."""

import http.client
import json
import os
import secrets
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

from local import bigquery, programs
from report.api.access import ALL_CLIENTS, hash_of

SETTINGS = (
    "ALLOWED_ORIGINS",
    "API_KEYS",
    "BIGQUERY_",
    "CLIENTS",
    "EVENTS_",
    "GEMINI_",
    "LINK_SECRET",
    "MAIL_FROM",
    "PAGE_URL",
    "REPORT_CACHE_SECONDS",
    "REQUEST_DEADLINE_SECONDS",
    "SCHEDULER_",
    "SMTP_URL",
    "USERS_TABLE",
    "WAIT_FOR_DATA_HOURS",
    "WEEKLY_DEADLINE_SECONDS",
)
"""How the names of the function's own settings begin."""

FRAMEWORK = ("CLOUD_RUN_", "DEBUG", "FUNCTION_", "THREAD", "WORKERS")
"""How the names of the settings of `functions-framework` begin that no option below overrides."""


REQUEST_SECONDS = 320
"""Longer than the longest deadline of a request."""


@dataclass(frozen=True)
class Answer:
    """An HTTP answer. The names of the headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Function:
    """The running function, and a key that covers every client."""

    address: str
    key: str = field(repr=False)
    program: programs.Program = field(repr=False)

    def ask(
        self,
        path: str,
        *,
        key: str | None = None,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: bytes | str | Iterable[bytes] | None = None,
    ) -> Answer:
        """Send one request and follow no redirects. Without `key` it carries the function's own; with "" it carries none."""
        sent = {"X-API-Key": self.key if key is None else key, **(headers or {})}
        if key == "":
            del sent["X-API-Key"]
        connection = http.client.HTTPConnection(urlsplit(self.address).netloc, timeout=REQUEST_SECONDS)
        try:
            connection.request(method, path, body, sent)
            response = connection.getresponse()
            return Answer(response.status, {name.lower(): value for name, value in response.headers.items()}, response.read())
        finally:
            connection.close()

    def log(self) -> list[dict[str, Any]]:
        """The structured lines that it has logged until now."""
        return [json.loads(line) for line in self.program.printed().splitlines() if line.startswith("{")]


def bigquery_settings(address: str, dataset: str = bigquery.DATASET) -> dict[str, str]:
    """The settings that send the function to the local BigQuery at `address`."""
    return {"BIGQUERY_EMULATOR_HOST": address, "BIGQUERY_PROJECT": bigquery.PROJECT, "BIGQUERY_DATASET": dataset}


@contextmanager
def running(
    settings: Mapping[str, str],
    *,
    port: int = 0,
    source: Path = programs.ROOT / "main.py",
    target: str = "reports",
    python: Path = Path(sys.executable),
) -> Iterator[Function]:
    """Start the function with these settings and no others, and stop it at the end. Port 0 means a free one.

    Unless the settings have `API_KEYS`, the function gets one new key.
    """
    key = secrets.token_urlsafe(32)
    options = ["--target", target, "--source", str(source), "--host", "127.0.0.1", "--port", str(port)]
    with TemporaryDirectory(prefix="churn-report-") as folder:
        environment = {name: value for name, value in os.environ.items() if not name.startswith(SETTINGS + FRAMEWORK)} | {
            "GUNICORN_LOG_LEVEL": "info",  # otherwise it does not say where it listens
            "PYTHONUNBUFFERED": "1",
            "PYTHONWARNINGS": "ignore::FutureWarning",  # how long Google supports this Python
            "XDG_RUNTIME_DIR": folder,  # where gunicorn puts its control socket, which two processes cannot share
            "no_proxy": ",".join(filter(None, ["127.0.0.1", os.environ.get("no_proxy") or os.environ.get("NO_PROXY")])),
            "API_KEYS": json.dumps({hash_of(key): ALL_CLIENTS}),
            **settings,
        }
        command = [str(python), "-m", "functions_framework", *options]
        with programs.running("the function", command, environment, Path(folder, "function.log")) as program:
            yield Function(program.wait_for(r"Listening at: (http://\S+)"), key, program)
