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

OURS, BRIEF, ROWS, LIMIT = "ours", "brief", "rows", "limit"
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
    events = shop.events(customers)
    local_bigquery.create_tables(warehouse.client, dataset(customers))
    local_bigquery.load(warehouse.client, events, local_bigquery.USERS.empty_table(), dataset(customers))
    settings = settings_for(warehouse, customers)
    table = f"{local_bigquery.PROJECT}.{dataset(customers)}.events"
    traces: list[build.Trace] = []

    def ours() -> None:
        traces.append(build.Trace())
        peers.report(settings, traces[-1])

    rows, week = events.num_rows, week_bytes(events.slice(0, customers * shop.EVENTS_EACH))
    ways: dict[str, Callable[[], object]] = {OURS: ours}
    ours()
    with ExitStack() as stack:
        if customers <= ALONE_ABOVE:
            limit = stack.enter_context(closing(Limit(events)))
            others: dict[str, Callable[[], Numbers]] = {
                BRIEF: lambda: brief.numbers(warehouse.client, table),
                ROWS: lambda: peers.numbers_of_rows(settings),
                LIMIT: limit,
            }
            numbers = peers.numbers_of_cells(settings)
            for name, way in others.items():
                if not numbers.agrees_with(found := way()):
                    raise ValueError(f"{name} does not agree: {numbers} and {found}")
            ways |= others
        del events
        say(f"{customers:,} customers a week: {runs} rounds")
        seconds = in_turn(ways, runs)
    own_ms = Measured(tuple(_own_ms(trace) for trace in traces[-runs:]))
    return Speed(customers, rows, traces[-1].cells, seconds, own_ms, week)


def _own_ms(trace: build.Trace) -> float:
    return sum(milliseconds for step, milliseconds in trace.steps_ms.items() if step not in ELSEWHERE)
