"""The ways to one report, compared on shops of growing size."""

from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass

from local import bigquery as local_bigquery
from local import function
from local.bigquery import LocalBigQuery
from report import build
from report.settings import Settings, read_settings
from tests.benchmarks import brief, peers, shop
from tests.benchmarks.cost import WeekBytes, week_bytes
from tests.benchmarks.limit import Limit
from tests.benchmarks.numbers import Numbers
from tests.benchmarks.say import say
from tests.benchmarks.timing import Measured, in_turn

OURS, BRIEF, BRIEF_WITH_MEMORY, ROWS, LIMIT = "ours", "brief", "brief with memory", "rows", "limit"
SLOW_UP_TO = 10_000
"""The ways that fetch twenty weeks are measured on shops of at most this many customers: on larger ones they take minutes."""
ALONE_ABOVE = 100_000
"""Shops with more customers are measured for our way only."""
ELSEWHERE = ("warehouse",)
"""The step of the report that waits for BigQuery. Gemini is not asked here."""


@dataclass(frozen=True)
class Speed:
    """What was measured on a shop of one size; size 0 is an empty table."""

    customers: int
    events: int
    cells: int
    seconds: dict[str, Measured]
    """By the peer's name."""
    own_ms: Measured
    """All steps of the report except the warehouse."""
    week: WeekBytes


def dataset(customers: int) -> str:
    """Return the dataset of the shop of that size."""
    return f"shop_{customers}"


def settings_for(warehouse: LocalBigQuery, customers: int) -> Settings:
    """Return the report's settings for the shop of that size."""
    return read_settings(function.bigquery_settings(warehouse.address, dataset(customers)))


def measure(warehouse: LocalBigQuery, customers: int, runs: int) -> Speed:
    """Load the shop, run each peer once, and then let them take turns.

    Raise ValueError if their numbers differ.
    """
    say(f"{customers:,} customers a week: making and loading the events")
    settings = settings_for(warehouse, customers)
    table = f"{local_bigquery.PROJECT}.{dataset(customers)}.events"
    local_bigquery.create_tables(warehouse.client, dataset(customers))
    traces: list[build.Trace] = []

    def ours() -> None:
        traces.append(build.Trace())
        peers.report(settings, traces[-1])

    with ExitStack() as stack:
        limit = stack.enter_context(closing(Limit()))
        limit.load(local_bigquery.EVENTS.empty_table())
        rows, week = 0, week_bytes(local_bigquery.EVENTS.empty_table())
        for events in shop.weeks(customers):
            local_bigquery.load(warehouse.client, events, local_bigquery.USERS.empty_table(), dataset(customers))
            if customers <= ALONE_ABOVE:
                limit.load(events)
            rows, week = rows + events.num_rows, week_bytes(events)

        def alone() -> None:
            with limit.answering():
                peers.report(settings, build.Trace())

        def numbers_of_limit() -> Numbers:
            with limit.answering():
                return peers.numbers_of_cells(settings)

        ways: dict[str, Callable[[], object]] = {OURS: ours}
        say(f"{customers:,} customers a week: do all ways agree?")
        ours()
        if customers <= ALONE_ABOVE:
            others: dict[str, Callable[[], Numbers]] = {BRIEF: lambda: brief.numbers(warehouse.client, table)}
            if customers <= SLOW_UP_TO:
                others[BRIEF_WITH_MEMORY] = lambda: brief.numbers_with_memory(warehouse.client, table)
                others[ROWS] = lambda: peers.numbers_of_rows(settings)
            numbers = peers.numbers_of_cells(settings)
            for name, way in {**others, LIMIT: numbers_of_limit}.items():
                if not numbers.agrees_with(found := way(), scores=name != BRIEF):
                    raise ValueError(f"{name} does not agree: {numbers} and {found}")
            ways |= others | {LIMIT: alone}
        say(f"{customers:,} customers a week: {runs} rounds")
        seconds = in_turn(ways, runs)
    own_ms = Measured(tuple(_own_ms(trace) for trace in traces[-runs:]))
    return Speed(customers, rows, traces[-1].cells, seconds, own_ms, week)


def _own_ms(trace: build.Trace) -> float:
    return sum(milliseconds for step, milliseconds in trace.steps_ms.items() if step not in ELSEWHERE)
