"""The whole way on this machine: the local BigQuery with a shop in it, the function, and a report over HTTP.

`python -m local.run report` prints one report as JSON and stops. `python -m local.run serve` stays until Ctrl-C.
Standard output has the JSON and nothing else.
"""

import argparse
import json
import os
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from tempfile import TemporaryDirectory
from typing import NoReturn
from urllib.parse import urlencode

from google.cloud.bigquery import Client

from local import bigquery, function, programs, shops
from report.threads import run_in_thread

STARTED = time.monotonic()


def main(arguments: Sequence[str]) -> int:
    """Run the command that `arguments` name; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m local.run", description=__doc__)
    parser.add_argument("command", choices=["report", "serve"])
    parser.add_argument("--shop", choices=shops.SHOPS, default="sample")
    parser.add_argument("--client", type=int, default=1)
    parser.add_argument("--week-ending", type=date.fromisoformat)
    parser.add_argument("--port", type=int, default=8080, help="for serve")
    options = parser.parse_args(arguments)
    with TemporaryDirectory(prefix="churn-report-", ignore_cleanup_errors=True) as folder:
        # Wherever an interruption strikes, what is half made there goes with this folder.
        tempfile.tempdir = folder
        _on_signals(_end)
        try:
            return _serve(options) if options.command == "serve" else _report(options)
        except (programs.ProgramError, PortTakenError) as error:
            _say(str(error))
            return 1
        finally:
            _on_signals(signal.SIG_IGN)


class PortTakenError(RuntimeError):
    """Something else listens on that port."""


def _report(options: argparse.Namespace) -> int:
    with _running(options.shop, port=0) as (reports, shop):
        path = _path(options, shop)
        _say(f"Asking for GET {path}")
        answer = reports.ask(path)
        if answer.status != 200:
            _say(f"The function answered {answer.status}: {answer.text}\nThe end of its log:\n{reports.program.tail()}")
            return 1
        sys.stdout.write(json.dumps(answer.json(), indent=2, ensure_ascii=False) + "\n")
        sys.stdout.flush()
        _say("Here it is. Stopping")
    _say("Done")
    return 0


def _serve(options: argparse.Namespace) -> int:
    _check_free(options.port)
    with _running(options.shop, options.port) as (reports, shop):
        names = "".join(f"\n  client {number}: {client['name']}" for number, client in shop.clients.items())
        _say(
            f"Listening at {reports.address} with{names}\n"
            f"The key for this run is {reports.key}. Try\n"
            f"  curl -H 'X-API-Key: {reports.key}' '{reports.address}{_path(options, shop)}'\n"
            "Ctrl-C stops everything. The function's log follows."
        )
        shown = 0
        while reports.program.process.poll() is None:
            printed = reports.program.printed()
            sys.stderr.write(printed[shown:])
            sys.stderr.flush()
            shown = len(printed)
            time.sleep(0.3)
    _say("The function has stopped")
    return 1


@contextmanager
def _running(shop_name: str, port: int) -> Iterator[tuple[function.Function, shops.LocalShop]]:
    """The function with everything that it needs, and the shop."""
    _say(f"Building the shop {shop_name!r} and starting the local BigQuery")
    building = run_in_thread(shops.SHOPS[shop_name], datetime.now(UTC))
    with bigquery.running() as warehouse:
        shop = building.result()
        _say(f"Loading {shop.events.num_rows:,} events and starting the function")
        loading = run_in_thread(_load, warehouse.client, shop)
        settings = function.bigquery_settings(warehouse.address) | {"CLIENTS": json.dumps(shop.clients)}
        from_outside = {name: value for name, value in os.environ.items() if name.startswith(("GEMINI_", "ALLOWED_ORIGINS"))}
        with function.running(settings | from_outside, port=port) as reports:
            loading.result()
            yield reports, shop


def _load(client: Client, shop: shops.LocalShop) -> None:
    bigquery.create_tables(client)
    bigquery.load(client, shop.events, shop.users)


def _path(options: argparse.Namespace, shop: shops.LocalShop) -> str:
    week_ending = options.week_ending or shop.week_ending
    return "/reports/generate?" + urlencode(
        {"client_id": options.client, **({"week_ending": week_ending} if week_ending else {})}
    )


def _check_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            message = f"Port {port} cannot be used ({error.strerror}). make serve PORT={port + 1} takes another"
            raise PortTakenError(message) from None


def _on_signals(handler: signal.Handlers | Callable[[int, object], NoReturn]) -> None:
    for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, handler)


def _end(number: int, _: object) -> NoReturn:
    """End this process in order; another signal, such as a second Ctrl-C, cannot disturb that."""
    _on_signals(signal.SIG_IGN)
    sys.exit(128 + number)


def _say(message: str) -> None:
    sys.stderr.write(f"[{time.monotonic() - STARTED:5.1f} s] {message}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
