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
MAX_FOR_BRIEF_WITH_MEMORY = 10_000
"""For larger shops the time of the brief's way with memory is extrapolated: it goes through ten times as many rows."""
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
    local_bigquery.create_tables(warehouse.client, dataset(customers))
    settings = settings_for(warehouse, customers)
    table = f"{local_bigquery.PROJECT}.{dataset(customers)}.events"
    traces: list[build.Trace] = []

    def ours() -> None:
        traces.append(build.Trace())
        peers.report(settings, traces[-1])

    rows, week = 0, week_bytes(local_bigquery.EVENTS.empty_table())
    with ExitStack() as stack:
        limit = stack.enter_context(closing(Limit((), local_bigquery.EVENTS.empty_table())))
        for number, events in enumerate(shop.weeks(customers)):
            local_bigquery.load(warehouse.client, events, local_bigquery.USERS.empty_table(), dataset(customers))
            limit.add(events)
            rows, week = rows + events.num_rows, week if number else week_bytes(events)
        ours()
        others: dict[str, Callable[[], Numbers]] = {
            BRIEF: lambda: brief.numbers(warehouse.client, table),
            ROWS: lambda: peers.numbers_of_rows(warehouse.client, settings),
            LIMIT: limit,
        }
        if customers <= MAX_FOR_BRIEF_WITH_MEMORY:
            others[BRIEF_WITH_MEMORY] = lambda: brief.numbers_with_memory(warehouse.client, table)
        numbers = peers.numbers_of_cells(settings)
        for name, way in others.items():
            found, expected = way(), numbers
            if name == BRIEF:  # without memory the model says something else
                found, expected = found.unscored(), numbers.unscored()
            if not expected.agrees_with(found):
                raise ValueError(f"{name} does not agree: {expected} and {found}")
        ways: dict[str, Callable[[], object]] = {OURS: ours, **others}
        say(f"{customers:,} customers a week: {runs} rounds")
        seconds = in_turn(ways, runs)
    own_ms = Measured(tuple(_own_ms(trace) for trace in traces[-runs:]))
    return Speed(customers, rows, traces[-1].cells, seconds, own_ms, week)


def _own_ms(trace: build.Trace) -> float:
    return sum(milliseconds for step, milliseconds in trace.steps_ms.items() if step not in ELSEWHERE)
