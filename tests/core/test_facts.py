"""Which figures a summary may name: every figure of the report, by customers, week and measure."""

from dataclasses import replace

from report.schema import Caveat
from report.summary.facts import Facts, table
from tests.support.facts import SAMPLE

FIGURES = """
all               | now    | count 1458, lost 256, retention 82.4, risk 54.96, leaving 801.3, spent 147713.73, at stake 31736.6
all               | before | count 1538, lost 137, retention 91.1, risk 41.63, leaving 640.2, spent 139200.5, at stake 26000
all               | past   | count 1555, lost 686, risk 40.85, leaving 635.2175
all               | usual  | count 1440–1610, leaving 560–700
High              | now    | count 690
High              | before | count 478
High              | past   | count 401, lost 307
Medium            | now    | count 338
Medium            | before | count 505
Low               | now    | count 430
Low               | before | count 555
churned           | now    | count 256
churned           | before | count 137
riskiest          | now    | count 148, times average 1.7, risk 91.23, leaving 135.0204
riskiest          | past   | count 156, lost 131
missing regulars  | now    | count 37
few visits        | now    | count 662
low spend this week | now  | count 401
High-Value        | now    | count 22, risk 5, spent 40000.5, leaving 1.1, at stake 2000
High-Value        | before | count 25
High-Value High   | now    | count 0
High-Value Medium | now    | count 1
High-Value Low    | now    | count 21
Regular           | now    | count 187, risk 13.1, spent 60000, leaving 24.5, at stake 7860.2
Regular           | before | count 190
Regular High      | now    | count 1
Regular Medium    | now    | count 20
Regular Low       | now    | count 166
Occasional        | now    | count 228, risk 32.3, spent 30000.23, leaving 73.6, at stake 9690.1
Occasional        | before | count 240
Occasional High   | now    | count 20
Occasional Medium | now    | count 60
Occasional Low    | now    | count 148
New               | now    | count 1021, risk 68.8, spent 17713, leaving 702.1, at stake 12186.3
New               | before | count 1083
New High          | now    | count 669
New Medium        | now    | count 257
New Low           | now    | count 95
"""
"""Of SAMPLE; a range is what is usual."""


def told(facts: Facts) -> set[tuple[str, str, str]]:
    return {
        (" ".join([*group.segments, *group.levels, group.other]).strip() or "all", when, f"{what} {_in_words(values)}")
        for (group, when, what), values in table(facts).items()
    }


def _in_words(values: tuple[float, ...]) -> str:
    return "–".join(f"{round(value, 6):.10g}" for value in values)


def expected(*weeks: str) -> set[tuple[str, str, str]]:
    rows = [[part.strip() for part in row.split("|")] for row in FIGURES.strip().splitlines()]
    return {(group, when, figure) for group, when, figures in rows if when in weeks for figure in figures.split(", ")}


def test_every_figure_of_a_report_may_be_named() -> None:
    assert told(SAMPLE) == expected("now", "before", "past", "usual")


def test_where_weeks_cannot_be_compared_no_figure_of_last_week_or_of_what_is_usual_may_be_named() -> None:
    alone = expected("now", "past")
    running = Caveat(code="week_not_over", severity="note", text="The week is not over.")
    assert told(replace(SAMPLE, caveats=(running,))) == alone
    assert told(replace(SAMPLE, last_week=SAMPLE.last_week.model_copy(update={"complete": False}))) == alone


def test_what_is_not_known_is_no_figure() -> None:
    outlook = SAMPLE.outlook.model_copy(update={"missingRegulars": None})
    unknown = told(replace(SAMPLE, outlook=outlook, backtest=None))
    assert unknown == expected("now", "before", "usual") - {("missing regulars", "now", "count 37")}
