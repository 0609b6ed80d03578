"""Build a report: queries, threads and deadlines. `assemble.py` turns the numbers into a report."""

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from time import monotonic
from typing import NoReturn

from model import churn
from model.churn import ChurnModel
from report import formatting, warehouse
from report.analysis.cells import CountedWeeks
from report.analysis.customers import MAX_CUSTOMERS, Customer, Regular
from report.analysis.days import DayCounts
from report.analysis.limits import cell_limits
from report.assemble import (
    Scored,
    Subject,
    assemble,
    facts_of,
    list_of_customers,
    list_of_regulars,
    listed_cells,
    missing_regulars_known,
    score,
    teachers,
    with_customers,
    with_summary,
)
from report.schema import CustomerList, CustomerListName, Report
from report.settings import GeminiSettings, Settings, WarehouseSettings
from report.summary import gemini
from report.summary.executive import GeminiError, executive_summary
from report.threads import run_in_thread
from report.warehouse import Page, Scan, WarehouseError
from report.week import Week

DAYS_SHARE = 0.5
"""The share of the remaining time that the daily counts may take. If they take longer, the report goes out without them."""
LIST_PAGE_SIZE = 1_000
MIN_GEMINI_SECONDS = 1.0
"""With less time left Gemini is not asked: it would probably not answer in time, and the template needs no time."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Request:
    """A request for a report: client, week, and what to include."""

    client_id: int
    week: Week
    include_customers: bool
    now: datetime
    deadline: float
    """When to stop waiting, on the monotonic clock."""
    include_history: bool = False

    def seconds_left(self) -> float:
        """Return how long the caller still waits."""
        return max(self.deadline - monotonic(), 0.0)


@dataclass
class Trace:
    """How a report was made, for the log line and the `Server-Timing` header."""

    steps_ms: dict[str, float] = field(default_factory=dict)
    cells: int = 0
    bytes_processed: int = 0
    summary_reason: str | None = None
    """Why the template wrote the summary, if it did."""

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time the block, in milliseconds."""
        started = monotonic()
        yield
        self.steps_ms[name] = round((monotonic() - started) * 1000, 1)


def build_report(settings: Settings, request: Request, trace: Trace) -> Report:
    """Build the requested report, and note in `trace` how it was made.

    Raises WarehouseTimeoutError or WarehouseError if BigQuery cannot answer. If Gemini fails, the template writes the summary.
    """
    place = settings.warehouse_of(request.client_id)
    sdk = run_in_thread(gemini.load) if settings.gemini else None
    model, subject, scan, scored = _count_and_score(settings, request, trace)
    people = _fetch_people(place, scan, scored, request) if request.include_customers else None

    with trace.step("sections"):
        report = assemble(model, subject, scored, include_history=request.include_history)

    with trace.step("summary"):
        if sdk:
            wait([sdk], request.seconds_left())
        executive = executive_summary(facts_of(report), _gemini(settings.gemini, request))
        report, trace.summary_reason = with_summary(report, executive), executive.reason

    if people:
        with trace.step("customers"):
            customers, regulars = people
            found = customers.result(), regulars.result() if regulars else ()
            report = with_customers(report, model, scored, subject, found)
    return report


def build_list(settings: Settings, request: Request, list_: CustomerListName, page: int, trace: Trace) -> CustomerList:
    """Build one page (from 1) of a list of the week's customers, with their personal data.

    Raises WarehouseTimeoutError or WarehouseError if BigQuery cannot answer.
    """
    model, subject, scan, scored = _count_and_score(settings, request, trace)
    part = Page(LIST_PAGE_SIZE, skip=LIST_PAGE_SIZE * (page - 1))
    place = settings.warehouse_of(request.client_id)
    with trace.step("customers"):
        if list_ == "missing_regulars":
            known = missing_regulars_known(scored, request.week)
            regulars = warehouse.missing_regulars(place, scan, part, request.seconds_left()) if known else ()
            return list_of_regulars(subject, scored, regulars, page)
        cells = listed_cells(scored, scan.limits, list_)
        customers = warehouse.customers_by_expected_loss(place, scan, cells, part, request.seconds_left())
        return list_of_customers(model, subject, scored, customers, (list_, page))


def _count_and_score(settings: Settings, request: Request, trace: Trace) -> tuple[ChurnModel, Subject, Scan, Scored]:
    """Count and score the client's weeks; the returned scan has the memory that was used."""
    place, client = settings.warehouse_of(request.client_id), settings.client(request.client_id)
    with trace.step("start"):
        model = churn.load()
        scan = Scan(
            client_id=request.client_id,
            week=request.week,
            now=request.now,
            limits=cell_limits(model),
            usd_rate=client.usd_rate,
            ignored_event_types=client.ignored_event_types,
        )
        warehouse.connect(place)

    with trace.step("warehouse"):
        counted, days = _count(place, scan, model, request, trace)

    with trace.step("score"):
        scored = score(model, counted, days, request.week)
    subject = Subject(request.client_id, client, request.week, request.now)
    return model, subject, replace(scan, memory_weeks=counted.memory_weeks), scored


def _count(
    place: WarehouseSettings, scan: Scan, model: ChurnModel, request: Request, trace: Trace
) -> tuple[CountedWeeks, DayCounts | None]:
    """Count the weeks by cell and the events by day, with two queries at the same time.

    The daily counts decide how long the memory of all weeks is. For a client older than a few months it is eight weeks. So
    both queries start at once, and the weeks of a younger client, which are few, are counted a second time.
    """
    counting_days = run_in_thread(warehouse.count_days, place, scan, request.seconds_left() * DAYS_SHARE)
    counting = run_in_thread(warehouse.count_weeks, place, scan, request.seconds_left())
    churn.prepare(model)  # importing XGBoost and Babel is slow, so it happens while BigQuery works
    formatting.prepare()
    days, bytes_of_days = _unless_failed(counting_days)
    counted, bytes_of_weeks = counting.result() if days is None else (None, 0)
    memory_weeks = teachers(days, counted, scan.week).memory_weeks
    if memory_weeks != scan.memory_weeks:
        counting = run_in_thread(warehouse.count_weeks, place, replace(scan, memory_weeks=memory_weeks), request.seconds_left())
    counted, bytes_of_weeks = counting.result()
    trace.cells = len(counted.features)
    trace.bytes_processed = bytes_of_days + bytes_of_weeks
    return counted, days


def _fetch_people(
    place: WarehouseSettings, scan: Scan, scored: Scored, request: Request
) -> tuple[Future[tuple[Customer, ...]], Future[tuple[Regular, ...]] | None]:
    """Start to fetch the customers by name while the sections are written. Before the week is over, no regular is missing."""
    page = Page(MAX_CUSTOMERS)
    cells = listed_cells(scored, scan.limits, "at_risk")
    customers = run_in_thread(warehouse.customers_by_expected_loss, place, scan, cells, page, request.seconds_left())
    if missing_regulars_known(scored, request.week):
        return customers, run_in_thread(warehouse.missing_regulars, place, scan, page, request.seconds_left())
    return customers, None


def _unless_failed(query: Future[tuple[DayCounts, int]]) -> tuple[DayCounts | None, int]:
    """Return the daily counts and the bytes read, or None if they failed: a caveat then says so."""
    try:
        return query.result()
    except WarehouseError as error:
        logger.error("The daily counts failed: %s", error)
        return None, 0


def _gemini(settings: GeminiSettings | None, request: Request) -> Callable[[str], str] | None:
    """Return the function that asks Gemini in the remaining time; None if Gemini is not configured."""
    if settings is None:
        return None
    if request.seconds_left() < MIN_GEMINI_SECONDS:
        return _too_late
    in_time = replace(settings, timeout_seconds=min(settings.timeout_seconds, request.seconds_left()))
    return partial(gemini.write, settings=in_time)


def _too_late(_: str) -> NoReturn:
    raise GeminiError("too little time was left")
