"""Soak the function: readers, faults, then a weekly run. Print a table and write RESULTS.md; progress goes to standard error.

Exit with 1 if an answer was wrong, if memory, threads or files grew, or if the weekly run failed.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep

import numpy as np

from local import bigquery, function
from tests.benchmarks import machine, served
from tests.benchmarks.say import say
from tests.soak import growth, readers, shops, truth, weekly
from tests.soak.faults import SHARE, Faults, proxy
from tests.soak.growth import Held
from tests.soak.readers import Found
from tests.support.loopback.gemini import candidate, loopback_gemini

RESULTS = Path(__file__).with_name("RESULTS.md")
SEED = 20250601
DEADLINE_SECONDS, CACHE_SECONDS, GEMINI_SECONDS = 20, 1, 3
NOTE_SECONDS, LEAST_NOTES = 15.0, 20
"""How often the process is looked at; more often in a short run."""


@dataclass(frozen=True)
class Soaked:
    """What the readers got, the injected faults, and what the process held early and late."""

    found: Found
    warehouse: Faults
    gemini: Faults
    early: Held
    late: Held
    most_memory_mib: float


def main(arguments: Sequence[str]) -> int:
    """Run the soak; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak.run", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    minutes = parser.parse_args(arguments).minutes
    described = machine.description()
    soaked = _soak(minutes * 60)
    say(f"A weekly run of {weekly.CLIENTS} clients")
    run = weekly.measure()
    problems = [f"{soaked.found.wrong} wrong answers"] if soaked.found.wrong else []
    problems += growth.grown(soaked.early, soaked.late) + run.wrong
    table = _table(soaked, run)
    verdict = "".join(f"* **{problem}**\n" for problem in problems[: readers.MOST_SHOWN]) or "Nothing went wrong.\n"
    RESULTS.write_text(f"{_introduction(minutes, described)}\n{table}\n{verdict}", "utf-8")
    sys.stdout.write(table)
    for problem in problems[: readers.MOST_SHOWN]:
        say(f"WRONG: {problem}")
    say("Written: tests/soak/RESULTS.md")
    return 1 if problems else 0


def _soak(seconds: float) -> Soaked:
    warehouse_faults, gemini_faults = Faults([SEED, 1]), Faults([SEED, 2])
    written = json.dumps(candidate(truth.SUMMARY)).encode()
    say("Starting the local BigQuery")
    with (
        bigquery.running() as warehouse,
        proxy(warehouse.address, warehouse_faults) as between,
        loopback_gemini(
            lambda call, over: gemini_faults.answer(call, over, lambda: (200, "application/json", written))
        ) as gemini,
    ):
        bigquery.create_tables(warehouse.client)
        bigquery.load(warehouse.client, *shops.tables(SEED))
        settings = function.bigquery_settings(between.endpoint) | served.AS_DEPLOYED
        settings |= {
            "CLIENTS": json.dumps(shops.CLIENTS),
            "GEMINI_API_KEY": "a-gemini-key",  # pragma: allowlist secret
            "GEMINI_ENDPOINT": gemini.endpoint,
            "GEMINI_TIMEOUT_SECONDS": str(GEMINI_SECONDS),
            "REPORT_CACHE_SECONDS": str(CACHE_SECONDS),
            "REQUEST_DEADLINE_SECONDS": str(DEADLINE_SECONDS),
        }
        with function.running(settings) as reports:
            say(f"Asking {len(truth.QUESTIONS)} questions without faults, twice")
            right = truth.find(reports, between, CACHE_SECONDS)
            warehouse_faults.on = gemini_faults.on = True
            say(f"{readers.READERS} readers for {seconds:.0f} s")
            found, threads = readers.start(reports, right, SEED, monotonic() + seconds)
            process = served.worker(reports)
            notes = _notes(process, found, seconds)
            for thread in threads:
                thread.join()
            return Soaked(found, warehouse_faults, gemini_faults, *growth.early_and_late(notes), served.most_memory(process))


def _notes(process: int, found: Found, seconds: float) -> list[Held]:
    pause = min(NOTE_SECONDS, seconds / LEAST_NOTES)
    started, notes = monotonic(), []
    for number in range(1, int(seconds / pause) + 1):
        sleep(max(started + number * pause - monotonic(), 0))
        notes.append(growth.held(process))
        now = notes[-1]
        say(f"{found.answers} answers; {now.memory_mib:.0f} MiB, {now.threads:.0f} threads, {now.files:.0f} files")
    return notes


def _introduction(minutes: float, described: str) -> str:
    return f"""# Soak

`make soak MINUTES={minutes:g}` wrote this. {described}

{readers.READERS} readers at once asked the function as deployed, with a deadline of {DEADLINE_SECONDS} s and reports kept for {CACHE_SECONDS} s, while {SHARE:.0%} of its calls to the local BigQuery and to a loopback Gemini went wrong. Every answer was compared with the report as it was without faults; only 502 and 504, as problems, were allowed instead. Times are a reader's, with the wait for one of the 8 threads. "Early" and "late" are medians of the second and of the last fifth of the time: memory may grow by {growth.MOST_MEMORY_SHARE:.0%} or {growth.MOST_MEMORY_MIB:.0f} MiB, threads and files by {growth.MOST_MORE}.
"""  # noqa: E501 - Markdown's paragraphs are lines


def _table(soaked: Soaked, run: weekly.WeeklyRun) -> str:
    found, early, late = soaked.found, soaked.early, soaked.late
    rows: list[tuple[str, str]] = [
        (f"{kind}: {outcome}", f"{number:,}") for (kind, outcome), number in sorted(found.outcomes.items())
    ]
    rows += [
        ("answers", f"{found.answers:,}"),
        ("**wrong answers**", f"**{found.wrong}**"),
        ("made reports, p50 / p99 ms", _percentiles(found.made_ms)),
        ("shared reports, p50 / p99 ms", _percentiles(found.shared_ms)),
    ]
    for name, faults in (("BigQuery", soaked.warehouse), ("Gemini", soaked.gemini)):
        rows.append((f"{name}: calls", f"{faults.calls:,}"))
        rows += [(f"{name}: {kind}", f"{number:,}") for kind, number in sorted(faults.injected.items())]
    rows += [
        ("memory early / late / most, MiB", f"{early.memory_mib:.0f} / {late.memory_mib:.0f} / {soaked.most_memory_mib:.0f}"),
        ("threads early / late", f"{early.threads:.0f} / {late.threads:.0f}"),
        ("open files early / late", f"{early.files:.0f} / {late.files:.0f}"),
        (f"weekly run of {weekly.CLIENTS:,} clients, s", f"{run.seconds:.1f}"),
        ("weekly run, most memory, MiB", f"{run.most_memory_mib:.0f}"),
        ("weekly run, the setting CLIENTS, KiB", f"{run.settings_kib:.0f}"),
    ]
    return "| what | measured |\n| --- | --: |\n" + _lines(rows)


def _lines(rows: Iterable[tuple[str, str]]) -> str:
    return "".join(f"| {what} | {measured} |\n" for what, measured in rows)


def _percentiles(milliseconds: list[float]) -> str:
    if not milliseconds:
        return "–"
    p50, p99 = np.percentile(milliseconds, [50, 99])
    return f"{p50:,.0f} / {p99:,.0f} of {len(milliseconds):,}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
