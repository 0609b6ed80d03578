"""The report, what it counts before it corrects, and the same from one row for each customer and week."""

from time import monotonic

import numpy as np

from model import churn
from model.churn import FEATURES
from report import build, warehouse
from report.analysis.cells import Cells
from report.analysis.limits import cell_limits
from report.schema import Report
from report.settings import Settings
from report.week import MEMORY_WEEKS
from tests.benchmarks.numbers import NOW, WEEK, Numbers, numbers_of, numbers_of_weeks
from tests.benchmarks.shop import CLIENT

PATIENCE_SECONDS = 3_600.0
_COLUMNS = ("weeks_ago", "user_id", *FEATURES, "spent", "spent_9_weeks", "unusable_amounts", "active_weeks")
_SPENT = 1 + len(FEATURES)


def report(settings: Settings, trace: build.Trace) -> Report:
    """The whole report, the look back and the template's summary included."""
    request = build.Request(CLIENT, WEEK, include_customers=False, now=NOW, deadline=monotonic() + PATIENCE_SECONDS)
    return build.build_report(settings, request, trace)


def numbers_of_cells(settings: Settings) -> Numbers:
    """What the report's cells say before the correction, to be held against the others."""
    counted, _ = warehouse.count_weeks(settings.warehouse, scan(), PATIENCE_SECONDS)
    return numbers_of_weeks(churn.load(), counted)


def numbers_of_rows(settings: Settings) -> Numbers:
    """The rows of customer_weeks.sql, fetched and scored as arrays: no look back, no factors, no sentences."""
    limits = {f"{feature}_limits" for feature in FEATURES}
    parameters = warehouse._parameters(scan(), WEEK.counted_weeks, MEMORY_WEEKS)
    parameters = {name: value for name, value in parameters.items() if name not in limits}
    rows, _ = warehouse._query(settings.warehouse, "customer_weeks.sql", parameters, _COLUMNS, PATIENCE_SECONDS)
    table = np.array([(row[0], *row[2:]) for row in rows], dtype=np.float64).reshape(-1, len(_COLUMNS) - 1)
    model = churn.load()
    weeks = [table[table[:, 0] == weeks_ago] for weeks_ago in range(WEEK.counted_weeks)]
    for week in weeks[2:]:
        churn.log_odds(model, week[:, 1:_SPENT])
    return numbers_of(model, *(_one_by_one(week) for week in weeks[:2]))


def _one_by_one(week: churn.FloatArray) -> Cells:
    customers = len(week)
    return Cells(week[:, 1:_SPENT], np.zeros(customers, np.bool_), np.ones(customers, np.int64), week[:, _SPENT])


def scan() -> warehouse.Scan:
    """The report's scan."""
    return warehouse.Scan(CLIENT, WEEK, NOW, cell_limits(churn.load()))
