"""Whatever the customers are, the report of them holds together: from cells to sections, from words to JSON, page and PDF."""

import io
import re
import zoneinfo
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from itertools import pairwise
from random import Random
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from pypdf import PdfReader

from model import churn
from model.calibration import Calibration, apply, fit
from report.analysis.cells import Cells, CountedWeeks, ScoredCells, WeekTotals
from report.analysis.customers import Customer, at_risk_customers
from report.analysis.days import DayCounts
from report.analysis.factors import Told
from report.assemble import Subject, assemble, facts_of, score, with_summary
from report.pages import html, pdf
from report.pages.view import view
from report.schema import IN_RANGE, Report, Summary
from report.settings import ClientSettings
from report.summary.executive import accepted, executive_summary
from report.text import clean_id, clean_or_none
from report.warehouse import WITH_FEATURE as TRACKED
from report.warehouse import WarehouseError, _numbers
from report.week import FIRST_WEEK_ENDING, LAST_WEEK_ENDING, MEMORY_WEEKS, Week, midnight, week_at
from tests.support.sample_report import sample_report

MODEL = churn.load()
ENDING = date(2025, 1, 19)
WEEK = Week(ENDING, ZoneInfo("UTC"), date(2025, 1, 27))

unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
"""On a busy machine a slow example says nothing."""


# Reports


@st.composite
def any_counted(draw: st.DrawFn, most: int = 300) -> CountedWeeks:
    """Twelve weeks of a client: none, one, a few, hundreds of cells with up to a billion customers each."""
    number = draw(st.sampled_from([0, 1, 1, 2, 5, most]))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    highest, weeks = draw(st.sampled_from([1, 3, 50, 10**9])), WEEK.counted_weeks
    features = np.floor(random.pareto(1.0, (number, 9)) * random.integers(0, 4, (number, 9)))
    features[:, 6] = random.integers(0, 7, number)
    features[:, 7] = np.round(random.pareto(1.0, number) * draw(st.sampled_from([0, 1, 100, 1e6])) - draw(st.integers(0, 50)), 2)
    features[:, 8] = random.integers(0, 9, number)
    there = random.random((number, weeks)) < draw(st.sampled_from([0.0, 0.2, 1.0]))
    customers = random.integers(1, highest, (number, weeks), endpoint=True) * there
    churned = np.floor(customers * draw(st.sampled_from([0.0, 0.3, 1.0]))).astype(np.int64)
    nothing = dict.fromkeys(TRACKED, 0)
    totals = [WeekTotals(count, count // 3, with_feature=nothing) for count in customers.sum(axis=0).tolist()]
    totals += [WeekTotals(draw(st.sampled_from([0, 7]))) for _ in range(MEMORY_WEEKS)]
    return CountedWeeks(
        features=features,
        declining=random.random(number) < 0.2,
        customers=customers,
        churned=churned,
        spent=np.round(features[:, [7]] * customers, 2),
        totals=tuple(totals),
        memory_weeks=draw(st.integers(0, 8)),
    )


@st.composite
def any_days(draw: st.DrawFn) -> DayCounts | None:
    """The daily counts of a client: not to be had, none, few, or nearly all with gaps."""
    days = [WEEK.first_counted_day + timedelta(days=day) for day in range((ENDING - WEEK.first_counted_day).days + 1)]
    share = draw(st.sampled_from([None, 0.0, 0.1, 0.9, 1.0]))
    if share is None:
        return None
    random, first = np.random.default_rng(draw(st.integers(0, 2**32 - 1))), draw(st.integers(0, len(days)))
    events = {day: int(random.integers(1, 50)) for day in days[first:] if random.random() < share}
    return DayCounts(events, 100, draw(st.integers(0, 9)))


SUBJECT = Subject(1, ClientSettings(name="Sample Shop"), WEEK, datetime(2025, 1, 27, tzinfo=UTC))


def report_of(counted: CountedWeeks, days: DayCounts | None) -> Report:
    """The report of what BigQuery counted, with the template's summary."""
    scored = score(MODEL, counted, days, WEEK)
    report = assemble(MODEL, SUBJECT, scored, include_history=True)
    return with_summary(report, executive_summary(facts_of(report), None))


@unhurried
@given(any_counted(), any_days())
def test_the_parts_of_any_report_add_up_and_its_sentences_are_whole(counted: CountedWeeks, days: DayCounts | None) -> None:
    report = report_of(counted, days)
    data, customers = report.report_data, int(counted.customers[:, 0].sum())
    numbers = data.summary
    assert numbers.totalCustomers == customers
    assert numbers.churnedThisWeek <= numbers.highRiskCount <= customers
    assert sum(row.count for row in data.riskBreakdown) == sum(row.count for row in data.segmentBreakdown) == customers
    assert data.riskBreakdown[0].count == numbers.highRiskCount == sum(row.highRiskCount for row in data.segmentBreakdown)
    assert data.outlook.spent == pytest.approx(sum(row.spent for row in data.segmentBreakdown), rel=1e-9, abs=0.03)
    assert data.outlook.riskiestTenth.customers * 10 >= customers
    assert data.lastWeek.totalCustomers == sum(row.countBefore for row in data.segmentBreakdown)
    assert (numbers.retentionRate is None) == (numbers.avgChurnProbability is None) == (customers == 0)
    assert len(data.topRiskFactors) <= 5
    assert [caveat.severity for caveat in data.caveats] == sorted((caveat.severity for caveat in data.caveats), reverse=True)
    sentences = [*data.keyInsights, *(text for advice in data.recommendations for text in (advice.action, advice.expectedImpact))]
    sentences += [caveat.text for caveat in data.caveats]
    for text in (*sentences, *data.executiveSummary.split("\n\n")):
        assert re.fullmatch(r"[A-Z0-9$\"-].*\.", text)
        assert not re.search(r"\b(nan|inf|None|null)\b|[{}]|\de[+-]|  |-0\.0\b", text)
    assert len(set(data.keyInsights)) == len(data.keyInsights)
    said = re.split(r"(?<=[.!])\s+", data.executiveSummary)
    assert len(set(said)) == len(said)
    assert accepted(data.executiveSummary, facts_of(report)) == data.executiveSummary
    assert Report.model_validate_json(report.model_dump_json()) == report


@unhurried
@given(any_counted(), any_days(), st.integers(0, 2**32 - 1))
def test_the_order_of_bigquerys_rows_makes_no_difference(counted: CountedWeeks, days: DayCounts | None, seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(counted.features))
    parts = {name: getattr(counted, name)[order] for name in ("features", "declining", "customers", "churned", "spent")}
    assert report_of(replace(counted, **parts), days) == report_of(counted, days)


@given(st.lists(st.tuples(st.floats(-1e15, 1e15), st.integers(1, 10**9), st.floats(0, 1)), max_size=30), st.randoms())
def test_money_and_expectations_add_up_the_same_in_any_order(cells: list[tuple[float, int, float]], random: Random) -> None:
    def sums(cells: list[tuple[float, int, float]]) -> tuple[float, float]:
        spent, customers, probability = np.array(cells, dtype=np.float64).reshape(-1, 3).T
        nobody = np.zeros(len(cells), np.bool_)
        scored = ScoredCells(Cells(np.zeros((len(cells), 9)), nobody, customers.astype(np.int64), spent), probability)
        return scored.spent, scored.expected_to_leave

    assert sums(random.sample(cells, len(cells))) == sums(cells)


# Probabilities


@given(
    st.lists(st.floats(-1e300, 1e300, allow_nan=False), min_size=1, max_size=20),
    st.floats(-50, 50),
    st.floats(1e-6, 50),
)
def test_a_corrected_probability_is_one_and_keeps_the_models_order(log_odds: list[float], intercept: float, slope: float) -> None:
    probability = apply(Calibration(intercept, slope), np.array(sorted(log_odds)))
    assert ((probability >= 0) & (probability <= 1)).all()
    assert (np.diff(probability) >= 0).all()


@unhurried
@given(st.lists(st.tuples(st.floats(-30, 30), st.integers(1, 10**9), st.sampled_from([0.0, 0.01, 0.5, 1.0])), max_size=30))
def test_a_past_week_of_any_kind_teaches_a_finite_correction_that_turns_nothing_around(
    cells: list[tuple[float, int, float]],
) -> None:
    log_odds, customers = np.array([cell[0] for cell in cells]), np.array([cell[1] for cell in cells], dtype=np.float64)
    churned = np.array([int(count * share) for _, count, share in cells], dtype=np.float64)
    learned = fit(log_odds, customers, churned)
    assert np.isfinite([learned.intercept, learned.slope]).all()
    assert learned.slope > 0


NOT_FINITE = st.sampled_from([float("nan"), float("inf"), float("-inf"), "NaN", "Infinity", "-inf", "1e999", None, "", "one"])


@given(st.integers(1, 9), st.integers(1, 11), NOT_FINITE, st.data())
def test_a_number_that_is_none_is_refused_where_it_comes_in(rows: int, columns: int, bad: object, data: st.DataObject) -> None:
    table: list[list[object]] = [["1.5"] * columns for _ in range(rows)]
    table[data.draw(st.integers(0, rows - 1))][data.draw(st.integers(0, columns - 1))] = bad
    with pytest.raises(WarehouseError):
        _numbers("a query", [tuple(row) for row in table], columns)


@given(st.sampled_from(["retentionRate", "avgChurnProbability"]), st.floats().filter(lambda number: not 0 <= number <= 100))
def test_a_rate_that_is_none_is_refused_where_it_goes_out(name: str, rate: float) -> None:
    with pytest.raises(ValidationError):
        Summary.model_validate(sample_report().report_data.summary.model_dump() | {name: rate})


# Weeks

ZONES = sorted(zoneinfo.available_timezones())
DAYS = st.dates()
CALENDARS_ENDS = st.dates(max_value=date(1, 7, 3)) | st.dates(min_value=date(9999, 12, 25))


@unhurried
@given(
    DAYS | CALENDARS_ENDS, st.sampled_from(ZONES), st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31), timezones=st.just(UTC))
)
def test_a_week_of_any_time_zone_is_seven_days_that_follow_on_those_before(ending: date, zone: str, now: datetime) -> None:
    time_zone = ZoneInfo(zone)
    assert bool(re.search(IN_RANGE, str(ending))) == (FIRST_WEEK_ENDING <= ending <= LAST_WEEK_ENDING)
    if not FIRST_WEEK_ENDING <= ending <= LAST_WEEK_ENDING:
        with pytest.raises(ValueError, match="a week ends between 0001-07-01 and 9999-12-29"):
            week_at(now, time_zone, ending)
        return
    week = week_at(now, time_zone, ending)
    assert week.ending - week.start == timedelta(days=6)
    midnights = [midnight(week.start + timedelta(days=day), time_zone) for day in range(-7, 8)]
    assert midnights == sorted(midnights)
    for begins, ends in pairwise(midnights):
        assert timedelta(0) <= ends - begins <= timedelta(hours=48)
    if week.begun:
        assert week.weeks_before(week.newest_known).ending <= min(week.ending, week.today - timedelta(days=1)) - timedelta(
            days=28
        )


@unhurried
@given(st.sampled_from(ZONES), st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31), timezones=st.just(UTC)))
def test_the_week_nobody_names_is_the_last_that_is_over_for_the_shop(zone: str, now: datetime) -> None:
    week = week_at(now, ZoneInfo(zone))
    assert week.ending.weekday() == 6
    assert not week.partial
    assert timedelta(days=1) <= week.today - week.ending <= timedelta(days=7)
    assert midnight(week.ending + timedelta(days=1), ZoneInfo(zone)) <= now


# Words

NASTY = [
    "<script>alert(1)</script>",
    "</bdi></td><img src=x onerror=alert(1)>",
    "{{ 7 * 7 }}{% raw %}",
    "#panic() *bold* $x$ \\u{41} @ref <label>",
    "&lt;b&gt; &amp; \"'`",
    "half \ud800 a character \udfff",
    "\x00\x01\x1b[31m\x7f\x85",
    "\u202eevil\u2066\u2069\u200f",
    "\ufeff\ufffe\uffff\U0010ffff",
    "e\u0301" * 50,
    "👩‍👩‍👧‍👦🏳️‍🌈🇩🇪",
    "𓀀𒀀",
    "x" * 10_000,
    "word " * 2_000,
    "\n\r\u2028\u2029\t",
    "=HYPERLINK(1)",
]
ANY_TEXT = st.one_of(st.text(st.characters(exclude_categories=()), max_size=60), st.sampled_from(NASTY))


class Tags(HTMLParser):
    """Which elements and attributes a page has, and its text."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, tuple[str, ...]]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, tuple(name for name, _ in attrs)))

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def named(*texts: str) -> Report:
    """The sample report, in which the customers have these texts, and the shop and the summary the first and the last."""
    features = np.zeros((len(texts), 9))
    customers = [Customer(clean_id(text), clean_or_none(text), clean_or_none(text), (0.0,) * 9, False, 0.0) for text in texts]
    rows = at_risk_customers(customers, np.full(len(texts), 0.9), churn.contributions(MODEL, features), Told(8), 1.0)
    shop, said = (ascii(text) if text.encode(errors="ignore").decode() != text else text for text in (texts[0], texts[-1]))
    report = sample_report(atRiskCustomers=rows, executiveSummary=f"{shop}\n\n{said}")
    return report.model_copy(update={"meta": report.meta.model_copy(update={"client_name": shop})})


def elements(report: Report) -> Tags:
    page = Tags()
    page.feed(html.document(view(report)).html)
    page.close()
    return page


PLAIN = set(elements(named("Ann", "Bob", "")).elements)


@settings(parent=unhurried, max_examples=60)
@given(st.tuples(ANY_TEXT, ANY_TEXT, ANY_TEXT))
def test_any_name_goes_out_as_text_and_adds_no_markup(texts: tuple[str, str, str]) -> None:
    report = named(*texts)
    assert Report.model_validate_json(report.model_dump_json()) == report
    assert set(elements(report).elements) <= PLAIN


@settings(parent=unhurried, max_examples=15)
@given(st.tuples(ANY_TEXT, ANY_TEXT, ANY_TEXT))
def test_any_name_can_be_set_in_the_pdf(texts: tuple[str, str, str]) -> None:
    assert PdfReader(io.BytesIO(pdf.document(view(named(*texts))))).pages


@pytest.mark.parametrize("text", NASTY, ids=range(len(NASTY)))
def test_each_nasty_name_can_be_set_in_the_pdf(text: str) -> None:
    assert PdfReader(io.BytesIO(pdf.document(view(named(text, text, text))))).pages
