"""Run the function with reload, for development: `make dev`.

It runs with the local BigQuery and a shop in it, and starts again when one of its files changes. Its key stays the same. Local
receivers keep what the weekly run sends.
"""

import argparse
import json
import os
import secrets
import shutil
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from watchfiles import watch
from watchfiles.main import FileChange

from local import bigquery, function, programs, receivers, shops
from local.receivers import WEBHOOK_SECRET, Receivers
from report.api.access import ALL_CLIENTS, hash_of

KEY_FILE = programs.CACHE / "dev/key"
OUTBOX = programs.CACHE / "dev/outbox"
SOURCE = programs.ROOT / "local/dev_function.py"
WATCHED = (programs.ROOT / "main.py", programs.ROOT / "report", programs.ROOT / "model", SOURCE)
LOG_MILLISECONDS = 300
"""How often the function's log is read."""


def main(arguments: Sequence[str]) -> int:
    """Serve until Ctrl-C; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m local.dev", description=__doc__)
    parser.add_argument("--shop", choices=shops.SHOPS, default="sample")
    parser.add_argument("--client", type=int, default=1)
    parser.add_argument("--port", type=int, default=8080)
    options = parser.parse_args(arguments)
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, signal.default_int_handler)
    with suppress(KeyboardInterrupt):
        _serve(options)
    return 0


def _serve(options: argparse.Namespace) -> None:
    shutil.rmtree(OUTBOX, ignore_errors=True)
    OUTBOX.mkdir(parents=True)
    key = kept_key()
    _say("Starting the local BigQuery with a shop in it")
    shop = shops.SHOPS[options.shop](datetime.now(UTC))
    with bigquery.running() as warehouse, receivers.running(OUTBOX) as receiving:
        bigquery.create_tables(warehouse.client)
        bigquery.load(warehouse.client, shop.events, shop.users)
        from_outside = {name: value for name, value in os.environ.items() if name.startswith(("GEMINI_", "ALLOWED_ORIGINS"))}
        settings = {
            **function.bigquery_settings(warehouse.address),
            "API_KEYS": json.dumps({hash_of(key): ALL_CLIENTS}),
            "CLIENTS": json.dumps(_with_receivers(shop.clients, receiving)),
            "SMTP_URL": receiving.smtp_url,
            "MAIL_FROM": "Weekly report <reports@example.com>",
            "REPORT_CACHE_SECONDS": "0",
            **from_outside,
        }
        query = f"?client_id={options.client}" + (f"&week_ending={shop.week_ending}" if shop.week_ending else "")
        address = f"http://127.0.0.1:{options.port}"
        _say(
            f"Page, filled in: {address}/dev/page{query}\n"
            f"Report as JSON:  curl -H 'X-API-Key: {key}' '{address}/reports/generate{query}'\n"
            f"Weekly run:      curl -H 'X-API-Key: {key}' -X POST {address}/reports/weekly\n"
            f"What it sent:    {address}/dev/outbox\n"
            "Ctrl-C stops everything. The function's log follows."
        )
        changes = watch(*WATCHED, rust_timeout=LOG_MILLISECONDS, yield_on_timeout=True)
        while next(changes) is not None:  # notices changes from the first step on, also during a start
            changed = _run_until_a_change(settings, options.port, changes)
            _say("Changed: " + ", ".join(sorted({str(Path(path).relative_to(programs.ROOT)) for _, path in changed})))


def _run_until_a_change(settings: Mapping[str, str], port: int, changes: Iterator[set[FileChange]]) -> set[FileChange]:
    """Run the function, print its log, and return what has changed. If it does not start, wait for a change."""
    try:
        with function.running(settings, port=port, source=SOURCE) as reports:
            _say(f"Listening at {reports.address}")
            shown = 0
            for changed in changes:
                printed = reports.program.printed()
                sys.stderr.write(printed[shown:])
                sys.stderr.flush()
                shown = len(printed)
                if changed:
                    return changed
    except programs.ProgramError as error:
        _say(f"{error}\nWaiting for a change")
    return next(filter(None, changes))


def _with_receivers(clients: Mapping[int, Mapping[str, str]], receiving: Receivers) -> Mapping[int, Mapping[str, object]]:
    """Return the setting `CLIENTS` with channels: e-mail for all, a webhook for odd ids, Slack for even ids."""
    webhook = {"webhook_url": receiving.webhook_url, "webhook_secret": WEBHOOK_SECRET}
    slack = {"webhook_url": receiving.slack_url, "webhook_flavour": "slack"}
    return {
        number: {**client, **(webhook if number % 2 else slack), "email": [f"owner{number}@example.com"]}
        for number, client in clients.items()
    }


def kept_key() -> str:
    """Return the key of this machine's development function, made the first time and readable by its owner alone."""
    KEY_FILE.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError), os.fdopen(os.open(KEY_FILE, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
        file.write(secrets.token_urlsafe(32))
    return KEY_FILE.read_text("utf-8")


def _say(message: str) -> None:
    sys.stderr.write(f"{message}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
