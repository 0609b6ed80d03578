"""Whatever the customers are, the report of them holds together: from cells to sections, from words to JSON, page and PDF."""

import io
import re
import zoneinfo
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
from model.calibration import IDENTITY, Calibration, apply, fit
from report.analysis.backtest import PastWeek, look_back_insight, look_back_on
from report.analysis.cells import Cells, ScoredCells
from report.analysis.customers import Customer, at_risk_customers, riskiest_cells
from report.analysis.drift import share_outside
from report.analysis.factors import count_leading_factors, top_risk_factors
from report.analysis.history import history
from report.analysis.insights import key_insights
from report.analysis.metrics import average_churn, risk_breakdown, summary
from report.analysis.recommendations import recommendations
from report.analysis.risk import at_high_risk
from report.analysis.segments import segment_breakdown
from report.pages import html, pdf
from report.pages.view import view
from report.schema import Meta, Report, ReportData, Summary
from report.summary.executive import Facts, accepted, template_summary
from report.warehouse import WarehouseError, _numbers
from report.week import FIRST_WEEK_ENDING, IN_RANGE, LAST_WEEK_ENDING, Week, look_back_week, midnight, week_at
from tests.support.sample_report import sample_report

MODEL = churn.load()
ENDING = date(2025, 1, 19)
WEEK = Week(ENDING, ZoneInfo("UTC"), date(2025, 1, 27))

unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
"""On a busy machine a slow example says nothing."""


# Cells


@st.composite
def any_cells(draw: st.DrawFn, most: int = 300) -> Cells:
    """The customers of a week: none, one, a few, hundreds of cells with up to a billion customers each."""
    number = draw(st.sampled_from([0, 1, 1, 2, 5, most]))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    highest = draw(st.sampled_from([1, 3, 50, 10**9]))
    features = np.floor(random.pareto(1.0, (number, 8)) * random.integers(0, 4, (number, 8)))
    features[:, 6] = random.integers(0, 7, number)
    features[:, 7] = np.round(random.pareto(1.0, number) * draw(st.sampled_from([0, 1, 100, 1e6])) - draw(st.integers(0, 50)), 2)
    customers = random.integers(1, highest, number, endpoint=True)
    return Cells(features, customers, np.round(features[:, 7] * customers, 2))


@st.composite
def any_past_week(draw: st.DrawFn) -> PastWeek:
    """A past week of which any number of customers are gone."""
    cells = draw(any_cells(20))
    share = draw(st.sampled_from([0.0, 0.3, 1.0]))
    churned = np.floor(cells.customers * share).astype(np.int64)
    return PastWeek(look_back_week(WEEK), cells.features, cells.customers, churned)


def report_of(now: Cells, before: Cells, past: PastWeek) -> tuple[Report, Facts]:
    """The report as `report.build` makes it of what BigQuery counted, with the template's summary."""
    lesson = look_back_on(past, churn.log_odds(MODEL, past.features))
    this_week, last_week = (
        ScoredCells(cells, apply(lesson.calibration, churn.log_odds(MODEL, cells.features))) for cells in (now, before)
    )
    high = at_high_risk(this_week)
    factors = count_leading_factors(churn.contributions(MODEL, high.cells.features), high.cells.customers)
    numbers, segments = summary(this_week, last_week), segment_breakdown(this_week, last_week)
    facts = Facts(
        week_start=WEEK.start,
        week_ending=ENDING,
        summary=numbers,
        key_insights=key_insights(numbers, segments, this_week, last_week, lesson),
        risk_factors=top_risk_factors(factors),
        segments=segments,
        recommendations=recommendations(this_week, last_week, factors),
        average_churn=average_churn(this_week),
        look_back=look_back_insight(lesson),
    )
    report = Report(
        week_ending=ENDING,
        report_data=ReportData(
            summary=numbers,
            keyInsights=facts.key_insights,
            topRiskFactors=facts.risk_factors,
            segmentBreakdown=segments,
            recommendations=facts.recommendations,
            executiveSummary=template_summary(facts),
            riskBreakdown=risk_breakdown(this_week),
            history=history(ENDING, (this_week, last_week)),
        ),
        meta=Meta(
            client_id=1,
            week_start=WEEK.start,
            time_zone="UTC",
            partial=WEEK.partial,
            generated_at=datetime(2025, 1, 27, tzinfo=UTC),
            model_version=MODEL.version,
            summary_source="template",
            outside_training_range=share_outside(MODEL, this_week),
            backtest=lesson.backtest,
            calibration=lesson.calibration,
        ),
    )
    return report, facts


@unhurried
@given(any_cells(), any_cells(), any_past_week())
def test_the_parts_of_any_report_add_up_and_its_sentences_are_whole(now: Cells, before: Cells, past: PastWeek) -> None:
    report, facts = report_of(now, before, past)
    data, customers = report.report_data, int(now.customers.sum())
    numbers = data.summary
    assert numbers.totalCustomers == customers
    assert numbers.churnedThisWeek <= numbers.highRiskCount <= customers
    assert sum(row.count for row in data.riskBreakdown) == sum(row.count for row in data.segmentBreakdown) == customers
    assert data.riskBreakdown[0].count == numbers.highRiskCount
    assert (numbers.retentionRate is None) == (numbers.avgChurnProbability is None) == (customers == 0)
    assert len(data.topRiskFactors) <= 5
    assert bool(data.topRiskFactors) == bool(numbers.highRiskCount)
    sentences = [*data.keyInsights, *(text for advice in data.recommendations for text in (advice.action, advice.expectedImpact))]
    for text in (*sentences, *data.executiveSummary.split("\n\n")):
        assert re.fullmatch(r"[A-Z0-9\"].*\.", text)
        assert not re.search(r"\b(nan|inf|None|null)\b|[{}]|\de[+-]|  |-0\.0\b", text)
    assert accepted(data.executiveSummary, facts) == data.executiveSummary
    averages = re.findall(r"^Average churn probability across your base is (.+)\.$", "\n".join(data.keyInsights), re.MULTILINE)
    assert len(averages) == (customers > 0)
    assert all(f"average churn probability is {average}." in data.executiveSummary for average in averages)
    assert Report.model_validate_json(report.model_dump_json()) == report


@unhurried
@given(any_cells(), any_cells(), any_past_week(), st.randoms())
def test_the_order_of_bigquerys_rows_makes_no_difference(now: Cells, before: Cells, past: PastWeek, random: Random) -> None:
    seed = random.randrange(2**32)

    def shuffled(cells: Cells) -> Cells:
        order = np.random.default_rng(seed).permutation(len(cells.customers))
        return Cells(cells.features[order], cells.customers[order], cells.spent_usd[order])

    order = np.random.default_rng(seed).permutation(len(past.customers))
    past_shuffled = PastWeek(past.week, past.features[order], past.customers[order], past.churned[order])
    assert report_of(shuffled(now), shuffled(before), past_shuffled) == report_of(now, before, past)


@unhurried
@given(any_cells())
def test_the_riskiest_cells_are_as_few_as_surely_hold_the_riskiest_customers(now: Cells) -> None:
    scored = ScoredCells(now, apply(IDENTITY, churn.log_odds(MODEL, now.features)))
    riskiest = riskiest_cells(scored)
    assert riskiest.customers >= min(25, scored.customers)
    if riskiest.customers > 25:
        least = riskiest.churn_probability.min()
        assert scored.where(scored.churn_probability > least).customers < 25


@given(st.lists(st.tuples(st.floats(-1e15, 1e15), st.integers(1, 10**9), st.floats(0, 1)), max_size=30), st.randoms())
def test_money_and_expectations_add_up_the_same_in_any_order(cells: list[tuple[float, int, float]], random: Random) -> None:
    def sums(cells: list[tuple[float, int, float]]) -> tuple[float, float]:
        spent, customers, probability = np.array(cells, dtype=np.float64).reshape(-1, 3).T
        scored = ScoredCells(Cells(np.zeros((len(cells), 8)), customers.astype(np.int64), spent), probability)
        return scored.spent_usd, scored.expected_to_leave

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
    log_odds, customers = np.array([cell[0] for cell in cells]), np.array([cell[1] for cell in cells], dtype=np.int64)
    churned = np.array([int(count * share) for _, count, share in cells], dtype=np.int64)
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
    assert look_back_week(week).ending <= min(week.ending, week.today - timedelta(days=1)) - timedelta(days=28)


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
    features = np.zeros((len(texts), 8))
    customers = tuple(Customer(text, text, text, tuple(row)) for text, row in zip(texts, features, strict=True))
    rows = at_risk_customers(customers, features, np.full(len(texts), 0.9), churn.contributions(MODEL, features))
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
