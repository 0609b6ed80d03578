"""The whole report, section by section, as the brief's sections 3 to 9 name them."""

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from time import monotonic
from typing import NoReturn, TypeVar

import numpy as np

from model import churn
from model.calibration import Calibration, apply
from model.churn import ChurnModel
from report import warehouse
from report.analysis.backtest import FAILED, look_back_insight, look_back_on
from report.analysis.cells import Cells, ScoredCells
from report.analysis.customers import MOST_CUSTOMERS, Customer, at_risk_customers, riskiest_cells
from report.analysis.drift import share_outside
from report.analysis.factors import count_leading_factors, top_risk_factors
from report.analysis.history import NO_HISTORY, WEEKS, history
from report.analysis.insights import key_insights
from report.analysis.limits import cell_limits
from report.analysis.metrics import average_churn, risk_breakdown, summary
from report.analysis.recommendations import recommendations
from report.analysis.risk import at_high_risk
from report.analysis.segments import segment_breakdown
from report.schema import AtRiskCustomer, CalibrationUsed, Meta, Report, ReportData
from report.settings import GeminiSettings, Settings, WarehouseSettings
from report.summary import gemini
from report.summary.executive import GeminiError, executive_summary
from report.summary.facts import Facts
from report.threads import run_in_thread
from report.warehouse import Scan, WarehouseError
from report.week import Week, look_back_week

BESIDE_SHARE = 0.5
"""Of the time that is left the look back and the history get half, so that a report goes out without them where they hang."""
LEAST_GEMINI_SECONDS = 1.0
"""With less time left Gemini is not asked: it would hardly answer, and the template is there at once."""

T = TypeVar("T")

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Request:
    """Whose report, for which week, and what it is to hold."""

    client_id: int
    week: Week
    include_customers: bool
    now: datetime
    deadline: float
    """When to stop waiting, on the monotonic clock."""
    include_history: bool = False

    def seconds_left(self) -> float:
        """How long whoever asked still waits."""
        return max(self.deadline - monotonic(), 0.0)


@dataclass
class Trace:
    """What is told of how a report was made: in the log line and in the `Server-Timing` header."""

    steps_ms: dict[str, float] = field(default_factory=dict)
    cells: int = 0
    bytes_processed: int = 0
    summary_reason: str | None = None
    """Why the summary is the template's, where it is."""

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time what happens inside, in milliseconds."""
        started = monotonic()
        yield
        self.steps_ms[name] = round((monotonic() - started) * 1000, 1)


def build_report(settings: Settings, request: Request, trace: Trace) -> Report:
    """The report that `request` asks for; how it was made is noted in `trace`.

    Raises WarehouseTimeoutError or WarehouseError where BigQuery cannot answer. A summary that fails is the template's.
    """
    week, place = request.week, settings.warehouse
    with trace.step("start"):
        model = churn.load()
        scan = Scan(request.client_id, week, cell_limits(model))
        warehouse.connect(place)

    with trace.step("warehouse"):
        past = replace(scan, week=look_back_week(week))
        counting = run_in_thread(warehouse.count_cells, place, scan, request.seconds_left(), weeks=2)
        looking_back = run_in_thread(warehouse.look_back, place, past, request.seconds_left() * BESIDE_SHARE)
        remembering = _count_earlier_weeks(place, scan, request) if request.include_history else None
        churn.prepare(model)  # its import, and that of Gemini's SDK, are slow: BigQuery's time is a good time for them
        sdk = run_in_thread(gemini.load) if settings.gemini else None
        weeks, bytes_processed = counting.result()
        past_week, past_bytes_processed = _unless_failed(looking_back, "look back")
        earlier_weeks, earlier_bytes_processed = _unless_failed(remembering, "history") if remembering else ((), 0)
        trace.cells = sum(len(cells.customers) for cells in weeks)
        trace.bytes_processed = bytes_processed + past_bytes_processed + earlier_bytes_processed

    with trace.step("score"):
        lesson = look_back_on(past_week, churn.log_odds(model, past_week.features)) if past_week else FAILED
        newest_first = tuple(_score(model, lesson.calibration, cells) for cells in (*weeks, *(earlier_weeks or ())))
        this_week, last_week = newest_first[:2]
        high = at_high_risk(this_week)
        factors = count_leading_factors(churn.contributions(model, high.cells.features), high.cells.customers)

    customers = (
        run_in_thread(
            warehouse.riskiest_customers, place, scan, riskiest_cells(this_week), MOST_CUSTOMERS, request.seconds_left()
        )
        if request.include_customers
        else None
    )

    with trace.step("sections"):
        week_in_numbers = summary(this_week, last_week)
        segments = segment_breakdown(this_week, last_week)
        facts = Facts(
            week_start=week.start,
            week_ending=week.ending,
            summary=week_in_numbers,
            key_insights=(
                *key_insights(week_in_numbers, segments, this_week, last_week, lesson),
                *((NO_HISTORY,) if earlier_weeks is None else ()),
            ),
            risk_factors=top_risk_factors(factors),
            segments=segments,
            recommendations=recommendations(this_week, last_week, factors),
            average_churn=average_churn(this_week),
            look_back=look_back_insight(lesson),
        )

    with trace.step("summary"):
        if sdk:
            wait([sdk], request.seconds_left())
        executive = executive_summary(facts, _gemini(settings.gemini, request))
        trace.summary_reason = executive.reason

    at_risk = None
    if customers:
        with trace.step("customers"):
            at_risk = _at_risk_customers(model, lesson.calibration, customers.result())

    return Report(
        week_ending=week.ending,
        report_data=ReportData(
            summary=week_in_numbers,
            keyInsights=facts.key_insights,
            topRiskFactors=facts.risk_factors,
            segmentBreakdown=segments,
            recommendations=facts.recommendations,
            executiveSummary=executive.text,
            riskBreakdown=risk_breakdown(this_week),
            atRiskCustomers=at_risk,
            history=history(week.ending, newest_first) if earlier_weeks else None,
        ),
        meta=Meta(
            client_id=request.client_id,
            client_name=settings.client(request.client_id).name,
            week_start=week.start,
            time_zone=week.time_zone.key,
            partial=week.partial,
            generated_at=request.now,
            model_version=model.version,
            summary_source=executive.source,
            outside_training_range=share_outside(model, this_week),
            backtest=lesson.backtest,
            calibration=CalibrationUsed(intercept=lesson.calibration.intercept, slope=lesson.calibration.slope),
        ),
    )


def _gemini(settings: GeminiSettings | None, request: Request) -> Callable[[str], str] | None:
    """Who writes the summary: Gemini, in what is left of the time; None where it is not set up."""
    if settings is None:
        return None
    if request.seconds_left() < LEAST_GEMINI_SECONDS:
        return _too_late
    in_time = replace(settings, timeout_seconds=min(settings.timeout_seconds, request.seconds_left()))
    return partial(gemini.write, settings=in_time)


def _too_late(_: str) -> NoReturn:
    raise GeminiError("too little time was left")


def _count_earlier_weeks(place: WarehouseSettings, scan: Scan, request: Request) -> Future[tuple[tuple[Cells, ...], int]]:
    """The weeks of the history before the last, which is counted anyway: so each week is read once."""
    newest = replace(scan, week=replace(scan.week, ending=scan.week.ending - timedelta(days=14)))
    return run_in_thread(warehouse.count_cells, place, newest, request.seconds_left() * BESIDE_SHARE, weeks=WEEKS - 2)


def _unless_failed(query: Future[tuple[T, int]], name: str) -> tuple[T, int] | tuple[None, int]:
    """What a query beside the main one found, and the bytes read for it; None where it alone fails: the report does without."""
    try:
        return query.result()
    except WarehouseError as error:
        logger.error("The %s failed: %s", name, error)
        return None, 0


def _score(model: ChurnModel, calibration: Calibration, cells: Cells) -> ScoredCells:
    return ScoredCells(cells, apply(calibration, churn.log_odds(model, cells.features)))


def _at_risk_customers(
    model: ChurnModel, calibration: Calibration, customers: tuple[Customer, ...]
) -> tuple[AtRiskCustomer, ...]:
    features = np.array([customer.features for customer in customers], dtype=np.float64).reshape(-1, len(churn.FEATURES))
    probabilities = apply(calibration, churn.log_odds(model, features))
    return at_risk_customers(customers, features, probabilities, churn.contributions(model, features))
