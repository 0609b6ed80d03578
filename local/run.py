"""Run everything on this machine: the local BigQuery with a shop in it, the function, and a report over HTTP.

`python -m local.run report` prints one report as JSON and stops; `serve` runs until Ctrl-C. Both take a sample shop or your
files (`--events`). `load` puts your files into BigQuery. `doctor` prints what to correct in a shop's rows.
Standard output has what the command is for and nothing else.
"""

import argparse
import json
import os
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NoReturn
from urllib.parse import urlencode

from google.cloud.bigquery import Client

from local import bigquery, doctor, function, load, programs, shops
from local.ingest.mapping import InputError
from local.ingest.rows import OwnShop, read_shop
from report.settings import read_settings
from report.threads import run_in_thread

STARTED = time.monotonic()


@dataclass(frozen=True)
class Shop:
    """A shop that is ready to be loaded into the local BigQuery."""

    rows: int
    clients: Mapping[int, Mapping[str, Any]]
    client: int
    """The client to ask for where the command line names none."""
    week_ending: date | None
    """The week to ask for; None where the function's own default has data."""
    load: Callable[[Client], None]


def main(arguments: Sequence[str]) -> int:
    """Run the command that `arguments` name; return the exit code."""
    options = _parser().parse_args(arguments)
    with TemporaryDirectory(prefix="churn-report-", ignore_cleanup_errors=True) as folder:
        # Wherever an interruption strikes, what is half made there goes with this folder.
        tempfile.tempdir = folder
        _on_signals(_end)
        try:
            return COMMANDS[options.command](options)
        except (programs.ProgramError, PortTakenError, InputError) as error:
            _say(str(error))
            return 1
        finally:
            _on_signals(signal.SIG_IGN)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local.run", description=__doc__)
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("--shop", choices=shops.SHOPS, default="sample")
    parser.add_argument("--events", nargs="+", help="files or folders with your events, instead of a sample shop")
    parser.add_argument("--mapping", type=Path, help="a TOML file that says how --events are read")
    parser.add_argument("--client", type=int)
    parser.add_argument("--week-ending", type=date.fromisoformat)
    parser.add_argument("--port", type=int, default=8080, help="for serve")
    parser.add_argument("--project", help="for load and doctor: BigQuery's project")
    parser.add_argument("--dataset", default=bigquery.DATASET, help="for load and doctor")
    parser.add_argument("--location", help="for load: where a dataset is created that is not there yet")
    parser.add_argument("--dry-run", action="store_true", help="for load: print what it would do")
    return parser


class PortTakenError(RuntimeError):
    """Something else listens on that port."""


def _report(options: argparse.Namespace) -> int:
    with _running(options, port=0) as (reports, shop, _):
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
    with _running(options, options.port) as (reports, shop, _):
        names = "".join(f"\n  client {number}: {client['name']}" for number, client in shop.clients.items())
        _say(
            f"Listening at {reports.address} with{names}\n"
            f"The page: {reports.address}/?{_query(options, shop)}\n"
            f"The key for this run is {reports.key}. Or try\n"
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


def _load(options: argparse.Namespace) -> int:
    if not options.events or not options.project:
        raise InputError("make load EVENTS=orders.csv PROJECT=my-project DATASET=analytics: EVENTS and PROJECT are needed")
    target = load.Target(options.project, options.dataset, options.location)
    shop = _read(options)
    if options.dry_run:
        sys.stdout.write(load.plan(shop, target) + "\n")
        _say("A dry run: nothing was sent")
        return 0
    loaded = load.load(_client(options.project), shop, target, _say)
    already = shop.rows - loaded.events
    clients = ", ".join(map(str, sorted(shop.clients)))
    _say(
        f"Added {loaded.events:,} events of client {clients} to {target.project}.{target.dataset}.{target.events}"
        + (f"; {already:,} were there already" if already else "")
        + (f". {loaded.users:,} people were added or replaced" if loaded.users else "")
    )
    return 0


def _doctor(options: argparse.Namespace) -> int:
    if options.project:
        given = {name: value for name, value in os.environ.items() if name in ("BIGQUERY_EMULATOR_HOST", "CLIENTS")}
        settings = {"BIGQUERY_PROJECT": options.project, "BIGQUERY_DATASET": options.dataset, **given}
        clients = read_settings(settings).clients
        with function.running(settings | _from_outside()) as reports:
            place = f"{options.project}.{options.dataset}"
            words = doctor.examine(_client(options.project), place, options.client, clients, reports, _say)
    else:
        with _running(options, port=0) as (reports, shop, warehouse):
            place = f"{bigquery.PROJECT}.{bigquery.DATASET}"
            clients = read_settings({"CLIENTS": json.dumps(shop.clients)}).clients
            words = doctor.examine(warehouse.client, place, options.client or shop.client, clients, reports, _say)
    sys.stdout.write(words)
    sys.stdout.flush()
    return 0


COMMANDS: Mapping[str, Callable[[argparse.Namespace], int]] = {
    "report": _report,
    "serve": _serve,
    "load": _load,
    "doctor": _doctor,
}


@contextmanager
def _running(options: argparse.Namespace, port: int) -> Iterator[tuple[function.Function, Shop, bigquery.LocalBigQuery]]:
    """Run the function, with the shop in the local BigQuery."""
    what = "Reading your files" if options.events else f"Building the shop {options.shop!r}"
    _say(f"{what} and starting the local BigQuery")
    building = run_in_thread(_own if options.events else _sample, options)
    with bigquery.running(memory="1GB" if options.events else None) as warehouse:
        shop = building.result()
        _say(f"Loading {shop.rows:,} events and starting the function")
        loading = run_in_thread(_load_into, warehouse.client, shop)
        settings = function.bigquery_settings(warehouse.address) | {"CLIENTS": json.dumps(shop.clients)}
        with function.running(settings | _from_outside(), port=port) as reports:
            loading.result()
            yield reports, shop, warehouse


def _from_outside() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith(("GEMINI_", "ALLOWED_ORIGINS"))}


def _load_into(client: Client, shop: Shop) -> None:
    bigquery.create_tables(client)
    shop.load(client)


def _sample(options: argparse.Namespace) -> Shop:
    made = shops.SHOPS[options.shop](datetime.now(UTC))
    return Shop(
        made.events.num_rows,
        made.clients,
        min(made.clients),
        made.week_ending,
        lambda client: bigquery.load(client, made.events, made.users),
    )


def _own(options: argparse.Namespace) -> Shop:
    read = _read(options)
    return Shop(
        read.rows,
        read.clients,
        read.client,
        read.week_ending,
        lambda client: bigquery.load_files(client, read.events, read.users),
    )


def _read(options: argparse.Namespace) -> OwnShop:
    folder = Path(tempfile.mkdtemp())
    return read_shop(options.events, options.mapping, folder, now=datetime.now(UTC), say=_say, client=options.client)


def _client(project: str) -> Client:
    """A client of BigQuery, or of the emulator where the environment names one."""
    if emulator := os.environ.get("BIGQUERY_EMULATOR_HOST"):
        return bigquery.connect(emulator, project)
    return load.connect(project)


def _path(options: argparse.Namespace, shop: Shop) -> str:
    return f"/reports/generate?{_query(options, shop)}"


def _query(options: argparse.Namespace, shop: Shop) -> str:
    week_ending = options.week_ending or shop.week_ending
    client = shop.client if options.client is None else options.client
    return urlencode({"client_id": client, **({"week_ending": week_ending} if week_ending else {})})


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
