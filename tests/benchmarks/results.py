"""Write RESULTS.md. The numbers are those of the run; the words hold for any numbers."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from tests.benchmarks import coldstart, cost, memory, pdf, shop, throughput
from tests.benchmarks.coldstart import ColdStart
from tests.benchmarks.memory import Capped
from tests.benchmarks.profiling import Profile
from tests.benchmarks.served import MIB
from tests.benchmarks.speed import BRIEF, BRIEF_WITH_MEMORY, LIMIT, MAX_FOR_BRIEF_WITH_MEMORY, OURS, ROWS, Speed
from tests.benchmarks.throughput import Throughput
from tests.benchmarks.timing import Measured, ratio

Line = Sequence[object]

COLD_STARTS = {
    coldstart.HELLO: "hello world",
    coldstart.OURS: "ours, template",
    coldstart.TOP: "everything at the top, template",
    coldstart.OURS_GEMINI: "ours, Gemini",
    coldstart.TOP_GEMINI: "everything at the top, Gemini",
}


@dataclass
class Results:
    """Everything that was measured; the rest is empty."""

    machine: str
    runs: int
    capped: Capped
    speeds: dict[int, Speed] = field(default_factory=dict)
    """By customers a week; 0 is an empty table."""
    memory: dict[int, Measured] = field(default_factory=dict)
    cold_starts: dict[str, ColdStart] = field(default_factory=dict)
    throughput: Sequence[Throughput] = ()
    profile: Profile | None = None
    pdf_ms: Measured | None = None


def text(found: Results) -> str:
    """Return the whole file."""
    templates = Environment(  # noqa: S701 - Markdown, not HTML
        loader=FileSystemLoader(Path(__file__).parent), undefined=StrictUndefined, keep_trailing_newline=True
    )
    empty = found.speeds[0].seconds
    made = [each for each in found.throughput if not each.cached and each.threads == each.readers == 8]
    return templates.get_template("results.jinja").render(
        machine=found.machine,
        runs=found.runs,
        events_each=shop.EVENTS_EACH,
        speeds=speeds(found),
        empty_ours=_seconds(empty[OURS].median),
        empty_brief=_seconds(empty[BRIEF].median),
        targets=targets(found),
        growth=_growth(found),
        usd_per_tib=cost.USD_PER_TIB,
        least_mib=cost.LEAST_BYTES // MIB,
        memory=_memory(found) if found.memory else "",
        reports_each=memory.REPORTS,
        cap_mib=memory.CAP_MIB,
        capped=found.capped,
        cold_starts=_cold_starts(found) if found.cold_starts else "",
        cold_customers=f"{coldstart.CUSTOMERS:,}",
        throughput=_throughput(found.throughput) if found.throughput else "",
        throughput_customers=f"{throughput.CUSTOMERS:,}",
        bigquery_seconds=f"{throughput.BIGQUERY_SECONDS:g}",
        made=made[0] if made else None,
        pdf_ms=found.pdf_ms.text(0) if found.pdf_ms else "",
        pdf_runs=pdf.RUNS,
        **_profile(found),
    )


def speeds(found: Results) -> str:
    """Return the table that compares the ways."""
    compared = ("brief ÷ ours", "without the empty table", "with memory ÷ ours", "rows ÷ ours", "ours ÷ DuckDB")
    seconds = ("brief, s", "with memory, s", "rows, s", "ours, s", "DuckDB, s")
    return _rows(("customers", *compared, *seconds), (_speed(found, speed) for speed in found.speeds.values()))


def _speed(found: Results, speed: Speed) -> Line:
    seconds = speed.seconds
    compared = ["–"] * 5
    with_memory, extrapolated = _with_memory(found, speed)
    if LIMIT in seconds:
        pairs = ((BRIEF, OURS), (ROWS, OURS), (OURS, LIMIT))
        compared = [_ratio(ratio(seconds[one], seconds[other])) for one, other in pairs]
        compared.insert(1, f"{_without_empty(found, speed):.1f}" if speed.customers else "–")
        compared.insert(2, _ratio(ratio(with_memory, seconds[OURS])) + extrapolated if with_memory else "–")
    times = [seconds[way].text() if way in seconds else "–" for way in (BRIEF, ROWS, OURS, LIMIT)]
    times.insert(1, with_memory.text() + extrapolated if with_memory else "–")
    return f"{speed.customers:,}", *compared, *times


def _with_memory(found: Results, speed: Speed) -> tuple[Measured | None, str]:
    """The seconds of the brief's way with memory, and a star where they are extrapolated from a smaller shop."""
    if BRIEF_WITH_MEMORY in speed.seconds:
        return speed.seconds[BRIEF_WITH_MEMORY], ""
    measured = found.speeds.get(MAX_FOR_BRIEF_WITH_MEMORY)
    if measured is None or LIMIT not in speed.seconds:
        return None, ""
    times = speed.customers / measured.customers
    return Measured(tuple(times * seconds for seconds in measured.seconds[BRIEF_WITH_MEMORY].runs)), "\\*"


def _without_empty(found: Results, speed: Speed) -> float:
    """Compare the brief's way with ours, each less its time on an empty table."""
    theirs, mine = (speed.seconds[way].median - found.speeds[0].seconds[way].median for way in (BRIEF, OURS))
    return theirs / max(mine, 0.001)


def targets(found: Results) -> str:
    """Return the table of targets, what was measured, and whether they were met."""
    return _rows(("what", "target", "measured", ""), _targets(found))


def _targets(found: Results) -> Iterator[Line]:
    for size, most_ms in ((1_000, 30), (100_000, 150)):
        if speed := found.speeds.get(size):
            its = speed.seconds
            if size == 100_000:
                yield _at_least(f"brief ÷ ours, {size:,} customers", ratio(its[BRIEF], its[OURS]).median, 8)
                if with_memory := _with_memory(found, speed)[0]:
                    yield _at_least("brief with memory ÷ ours", ratio(with_memory, its[OURS]).median, 60)
                yield _at_most(f"ours ÷ DuckDB, {size:,} customers", ratio(its[OURS], its[LIMIT]).median, 1.5)
            yield _at_most(f"all steps but the warehouse, {size:,} customers, ms", speed.own_ms.median, most_ms)
    if {1_000, 100_000} <= found.memory.keys():
        peaks = ratio(found.memory[100_000], found.memory[1_000])
        yield _at_most("peak memory, 100,000 ÷ 1,000 customers", peaks.median, 1.15)
    served = found.capped.served
    yield (
        f"a report of {found.capped.customers:,} customers in {memory.CAP_MIB} MiB",
        "served",
        "served" if served else "not served",
        _met(served),
    )
    if found.pdf_ms:
        yield _at_most("a PDF set, warm, ms", found.pdf_ms.median, 150)
    if starts := found.cold_starts:
        listening = ratio(starts[coldstart.OURS].listening, starts[coldstart.HELLO].listening)
        yield _at_most("cold start to listening, ours ÷ hello world", listening.median, 1.3)
        for name, ours, top, most in (
            ("template", coldstart.OURS, coldstart.TOP, 0.85),
            ("Gemini", coldstart.OURS_GEMINI, coldstart.TOP_GEMINI, 1.0),
        ):
            first = ratio(starts[ours].first_answer, starts[top].first_answer)
            yield _at_most(f"cold start to the first report, {name}, ours ÷ everything at the top", first.median, most)


def _at_least(what: str, value: float, limit: float) -> Line:
    return what, f"≥ {limit:g}", f"{value:.3g}", _met(value >= limit)


def _at_most(what: str, value: float, limit: float) -> Line:
    return what, f"≤ {limit:g}", f"{value:.3g}", _met(value <= limit)


def _met(met: bool) -> str:
    return "met" if met else "**missed**"


def _growth(found: Results) -> str:
    heads = (
        "customers a week",
        "events a week",
        "cells of twelve weeks",
        "MiB that BigQuery reads",
        "US$ a report",
        "a thousand",
    )
    shops = (speed for speed in found.speeds.values() if speed.customers)
    return _rows(
        heads,
        (
            (
                f"{speed.customers:,}",
                f"{speed.customers * shop.EVENTS_EACH:,}",
                f"{speed.cells:,}",
                f"{speed.week.of_report / MIB:,.1f}",
                f"{speed.week.usd:.6f}",
                f"{1000 * speed.week.usd:.2f}",
            )
            for speed in shops
        ),
    )


def _memory(found: Results) -> str:
    return _rows(("customers", "MiB"), ((f"{size:,}", mib.text(0)) for size, mib in found.memory.items()))


def _cold_starts(found: Results) -> str:
    starts = found.cold_starts
    lines = ((label, starts[name].listening.text(), starts[name].first_answer.text()) for name, label in COLD_STARTS.items())
    return _rows(("", "listening, s", "first answer, s"), lines)


def _throughput(rounds: Sequence[Throughput]) -> str:
    heads = ("reports", "threads", "readers", "requests/s", "p50, ms", "p99, ms", "processor, ms a request", "failed")
    return _rows(
        heads,
        (
            (
                "kept" if each.cached else "made",
                each.threads,
                each.readers,
                f"{each.per_second:,.1f}",
                f"{each.p50_ms:,.1f}",
                f"{each.p99_ms:,.1f}",
                f"{each.processor_ms:.1f}",
                each.failed,
            )
            for each in rounds
        ),
    )


def _profile(found: Results) -> dict[str, str]:
    if not (profile := found.profile):
        return {"profile": ""}
    speed = found.speeds[profile.customers]
    total = sum(profile.by_group.values())
    groups = sorted(profile.by_group.items(), key=lambda group: -group[1])
    limit, ours = speed.seconds[LIMIT].median, speed.seconds[OURS].median
    return {
        "profile_customers": f"{profile.customers:,}",
        "steps": _rows(("step", "ms"), ((step, milliseconds.text(1)) for step, milliseconds in profile.steps.items())),
        "profile": _rows(("where", "ms", "share"), ((name, f"{ms:.0f}", f"{ms / total:.0%}") for name, ms in groups)),
        "profile_total": _seconds(ours),
        "profile_limit": _seconds(limit),
        "profile_cells": f"{speed.cells:,}",
    }


def _rows(heads: Line, lines: Iterable[Line]) -> str:
    """Return a table in Markdown: the first column aligned left, the others right."""
    rule = ["---", *["--:"] * (len(heads) - 1)]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in (heads, rule, *lines))


def _ratio(measured: Measured) -> str:
    return f"**{measured.median:.1f}** ({min(measured.runs):.1f}–{max(measured.runs):.1f})"


def _seconds(seconds: float) -> str:
    return f"{seconds:.2f} s"
