"""Assemble the report from counted weeks and the model: the brief's sections 5 to 9, without I/O."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from model import churn
from model.arrays import FloatArray
from model.calibration import Calibration, apply
from model.churn import ChurnModel
from report.analysis import customers as one_by_one
from report.analysis.backtest import (
    Known,
    Teachers,
    as_reported,
    backtest,
    correction,
    known_by_days,
    known_by_weeks,
    teachers_of,
)
from report.analysis.caveats import (
    Evidence,
    broken_features,
    caveats,
    changed_features,
    missing_days,
    silenced_changes,
)
from report.analysis.cells import CountedWeeks, ScoredCells
from report.analysis.changes import BASELINE_WEEKS, Figures, changes, figures
from report.analysis.customers import CellProbabilities, Customer, Regular, cell_probabilities
from report.analysis.days import DayCounts, silent_days
from report.analysis.drift import share_outside
from report.analysis.factors import LeadingFactor, Told, count_leading_factors, top_risk_factors
from report.analysis.headline import headline
from report.analysis.history import WEEKS as HISTORY_WEEKS
from report.analysis.history import history
from report.analysis.insights import Findings, key_insights
from report.analysis.limits import Limits
from report.analysis.metrics import last_week_in_numbers, risk_breakdown, summary
from report.analysis.outlook import outlook
from report.analysis.recommendations import Situation, recommendations
from report.analysis.risk import at_high_risk, in_riskiest_tenth
from report.analysis.segments import in_segment, segment_breakdown
from report.analysis.sentences import backtest_sentence, of_average_shop
from report.rules import SEGMENT_RULES, THRESHOLDS, comparable_with_last_week
from report.schema import AtRiskCustomer, CalibrationUsed, CustomerList, CustomerListName, HistoryWeek, Meta, Report, ReportData
from report.settings import ClientSettings
from report.summary.executive import ExecutiveSummary
from report.summary.facts import Facts
from report.week import Week


@dataclass(frozen=True)
class Subject:
    """The client and the week of a report, and when it is made."""

    client_id: int
    client: ClientSettings
    week: Week
    now: datetime


@dataclass(frozen=True)
class Scored:
    """Every counted week with this report's correction, and the known past weeks."""

    counted: CountedWeeks
    days: DayCounts | None
    log_odds: FloatArray
    """m: the model's uncorrected log-odds for the cells of `counted`."""
    known: Known
    teachers: Teachers
    calibration: Calibration

    def week(self, weeks_ago: int) -> ScoredCells:
        """Return the cells of one week with their churn probabilities: made when asked for, since a large shop has many."""
        there = self.counted.customers[:, weeks_ago] > 0
        return ScoredCells(self.counted.week(weeks_ago), apply(self.calibration, self.log_odds[there]))


def teachers(days: DayCounts | None, counted: CountedWeeks | None, week: Week) -> Teachers:
    """Choose the past weeks that teach the correction, and the memory of all weeks, from the daily counts or else the weeks."""
    return teachers_of(_known(days, counted, week), week.newest_known)


def _known(days: DayCounts | None, counted: CountedWeeks | None, week: Week) -> Known:
    if days:
        return known_by_days(days, week)
    if counted:
        return known_by_weeks(counted, week)
    raise ValueError("neither days nor weeks were counted")


def score(model: ChurnModel, counted: CountedWeeks, days: DayCounts | None, week: Week) -> Scored:
    """Score every week with the correction from the past weeks: the brief's section 5."""
    log_odds = churn.log_odds(model, counted.features)
    known = _known(days, counted, week)
    teaching = teachers_of(known, week.newest_known)
    return Scored(counted, days, log_odds, known, teaching, correction(counted, log_odds, teaching))


def listed_cells(scored: Scored, limits: Limits, list_: CustomerListName) -> CellProbabilities:
    """Name the cells of this week's customers that belong in a list."""
    this_week = scored.week(0)
    return cell_probabilities(in_segment(this_week, "High-Value") if list_ == "high_value" else this_week, limits)


def assemble(model: ChurnModel, subject: Subject, scored: Scored, *, include_history: bool = False) -> Report:
    """Assemble the report without the executive summary, which is written from it."""
    week, counted, currency = subject.week, scored.counted, subject.client.currency
    this_week, last_week = scored.week(0), scored.week(1)
    outside = share_outside(model, this_week)
    found = caveats(Evidence(week, counted, scored.days, scored.known, scored.teachers, outside))
    changed = changed_features(counted, week)
    told = _told(scored, week)
    factors = _leading_factors(model, this_week, told)
    ahead = outlook(this_week, last_week, _count_missing_regulars(scored, week))
    silenced = silenced_changes(found, broken_features(counted, week))
    news = () if week.partial else changes(figures(this_week), figures(last_week), _baseline(scored, week), silenced)
    last_missing = silent_days(scored.days, week, 1) if scored.days else ()
    before = last_week_in_numbers(last_week, complete=not last_missing)
    tellable = news if before.complete else ()
    segments = segment_breakdown(this_week, last_week)
    backtested = backtest(counted, scored.log_odds, scored.known, week)
    situation = Situation(
        this_week=this_week,
        outlook=ahead,
        factors=factors,
        spent_by_missing_regulars=sum(total.spent_by_missing_regulars for total in counted.totals),
        memory_weeks=counted.memory_weeks,
        missing_days=missing_days(scored.days, week),
        changed_features=changed,
        average_shop=of_average_shop(found),
        currency=currency,
    )
    findings = Findings(
        this_week=this_week,
        last_week=last_week if comparable_with_last_week(found, before) else None,
        missing_last_week=() if week.partial else last_missing,
        outlook=ahead,
        segments=segments,
        changes=tellable,
        backtest=backtested,
        average_shop=of_average_shop(found),
        running=week.partial,
        currency=currency,
    )
    return Report(
        week_ending=week.ending,
        report_data=ReportData(
            summary=summary(this_week, last_week),
            keyInsights=key_insights(findings),
            topRiskFactors=top_risk_factors(factors),
            segmentBreakdown=segments,
            recommendations=recommendations(situation),
            executiveSummary="",
            riskBreakdown=risk_breakdown(this_week),
            headline=headline(this_week.customers, ahead, tellable, found),
            outlook=ahead,
            lastWeek=before,
            caveats=found,
            changes=news,
            history=_history(scored, week) if include_history else None,
        ),
        meta=Meta(
            client_id=subject.client_id,
            client_name=subject.client.name,
            week_start=week.start,
            time_zone=week.time_zone.key,
            partial=week.partial,
            generated_at=subject.now,
            model_version=model.version,
            summary_source="template",
            outside_training_range=outside,
            backtest=backtested,
            calibration=CalibrationUsed(
                intercept=scored.calibration.intercept, slope=scored.calibration.slope, weeks=len(scored.teachers.weeks)
            ),
            memory_weeks=counted.memory_weeks,
            currency=currency,
            thresholds=THRESHOLDS,
            segment_rules=SEGMENT_RULES,
        ),
    )


def with_summary(report: Report, executive: ExecutiveSummary) -> Report:
    """Add the executive summary."""
    data = report.report_data.model_copy(update={"executiveSummary": executive.text})
    meta = report.meta.model_copy(update={"summary_source": executive.source})
    return report.model_copy(update={"report_data": data, "meta": meta})


def with_customers(
    report: Report, model: ChurnModel, scored: Scored, subject: Subject, people: tuple[Sequence[Customer], Sequence[Regular]]
) -> Report:
    """Add the single customers at risk and missing regulars."""
    customers, regulars = people
    at_risk = _at_risk_customers(model, subject, scored, customers)
    missing = one_by_one.missing_regulars(regulars, subject.client.usd_rate)
    data = report.report_data.model_copy(update={"atRiskCustomers": at_risk, "missingRegulars": missing})
    return report.model_copy(update={"report_data": data})


def list_of_customers(
    model: ChurnModel, subject: Subject, scored: Scored, customers: Sequence[Customer], asked: tuple[CustomerListName, int]
) -> CustomerList:
    """Make a page of the customers at risk, or of the High-Value ones; `asked` is the list and the page."""
    list_, page = asked
    this_week = scored.week(0)
    return CustomerList(
        client_id=subject.client_id,
        week_ending=subject.week.ending,
        list=list_,
        page=page,
        total=(in_segment(this_week, "High-Value") if list_ == "high_value" else this_week).customers,
        currency=subject.client.currency,
        customers=_at_risk_customers(model, subject, scored, customers),
    )


def list_of_regulars(subject: Subject, scored: Scored, regulars: Sequence[Regular], page: int) -> CustomerList:
    """Make a page of the missing regulars; `total` is None if it cannot be known who is missing."""
    return CustomerList(
        client_id=subject.client_id,
        week_ending=subject.week.ending,
        list="missing_regulars",
        page=page,
        total=_count_missing_regulars(scored, subject.week),
        currency=subject.client.currency,
        customers=one_by_one.missing_regulars(regulars, subject.client.usd_rate),
    )


def _at_risk_customers(
    model: ChurnModel, subject: Subject, scored: Scored, customers: Sequence[Customer]
) -> tuple[AtRiskCustomer, ...]:
    features = one_by_one.features_of(customers)
    return one_by_one.at_risk_customers(
        customers,
        apply(scored.calibration, churn.log_odds(model, features)),
        churn.contributions(model, features),
        _told(scored, subject.week),
        subject.client.usd_rate,
    )


def facts_of(report: Report) -> Facts:
    """Return the facts for the executive summary."""
    data = report.report_data
    return Facts(
        week_start=report.meta.week_start,
        week_ending=report.week_ending,
        summary=data.summary,
        key_insights=data.keyInsights,
        risk_factors=data.topRiskFactors,
        segments=data.segmentBreakdown,
        recommendations=data.recommendations,
        average_churn=None if data.summary.avgChurnProbability is None else data.summary.avgChurnProbability * 100,
        backtest_sentence=backtest_sentence(report.meta.backtest),
        risk_levels=data.riskBreakdown,
        outlook=data.outlook,
        last_week=data.lastWeek,
        caveats=data.caveats,
        changes=data.changes,
        backtest=report.meta.backtest,
        currency=report.meta.currency,
    )


def _told(scored: Scored, week: Week) -> Told:
    """Select the risk factors to report: without features whose tracking changed or that the shop does not track."""
    changed = {feature for feature, _ in changed_features(scored.counted, week)}
    weeks = [total.with_feature for total in scored.counted.totals if total.with_feature]
    untracked = {feature for feature in weeks[0] if not any(week[feature] for week in weeks)} if weeks else set()
    return Told(scored.counted.memory_weeks, frozenset(changed | untracked))


def _leading_factors(model: ChurnModel, this_week: ScoredCells, told: Told) -> tuple[LeadingFactor, ...]:
    """Count the factors of the customers at high risk, or of the riskiest tenth if nobody is at high risk."""
    high = at_high_risk(this_week)
    cells = (high if high.customers else this_week.where(in_riskiest_tenth(this_week))).cells
    return count_leading_factors(churn.contributions(model, cells.features), cells, told)


def missing_regulars_known(scored: Scored, week: Week) -> bool:
    """Tell whether missing regulars can be known: not while the week runs, and not if days without events make all missing."""
    return not week.partial and not (scored.days and (silent_days(scored.days, week, 0) or silent_days(scored.days, week, 1)))


def _count_missing_regulars(scored: Scored, week: Week) -> int | None:
    if not missing_regulars_known(scored, week):
        return None
    return sum(total.missing_regulars for total in scored.counted.totals)


def _baseline(scored: Scored, week: Week) -> list[Figures]:
    """Return the figures of the last eight complete weeks before this one that have no missing days, newest first."""
    complete = range(1, min(scored.known.oldest_whole + 1, scored.counted.weeks))
    sound = [ago for ago in complete if not (scored.days and silent_days(scored.days, week, ago))]
    return [figures(scored.week(ago)) for ago in sound[:BASELINE_WEEKS]]


def _history(scored: Scored, week: Week) -> tuple[HistoryWeek, ...]:
    return history(week, map(scored.week, range(HISTORY_WEEKS)), _reported_high_risk(scored, week))


def _reported_high_risk(scored: Scored, week: Week) -> Mapping[int, int]:
    """Count the customers at high risk in the reports of past weeks, by weeks ago, where this report can tell."""
    reported = {
        ago: as_reported(scored.counted, scored.log_odds, scored.known, ago)
        for ago in range(1 if week.partial else 0, HISTORY_WEEKS)
    }
    return {ago: at_high_risk(then.scored).customers for ago, then in reported.items() if then is not None and then.as_issued}
