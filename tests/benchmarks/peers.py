"""The report, what it counts before it corrects, and the same from one row a customer."""

from time import monotonic

import numpy as np

from model import churn
from model.churn import FEATURES
from report import build, warehouse
from report.analysis.cells import Cells
from report.analysis.limits import cell_limits
from report.schema import Report
from report.settings import Settings
from tests.benchmarks.numbers import NOW, WEEK, Numbers, numbers_of
from tests.benchmarks.shop import CLIENT

PATIENCE_SECONDS = 600.0
_OF_FEATURES = ("client_id", "week_ending", "as_of", "time_zone", "week_starts", "scan_start", "scan_end")


def report(settings: Settings, trace: build.Trace) -> Report:
    """The whole report, the look back and the template's summary included."""
    return build.build_report(settings, build.Request(CLIENT, WEEK, False, NOW, monotonic() + PATIENCE_SECONDS), trace)


def numbers_of_cells(settings: Settings) -> Numbers:
    """What the report's cells say before the correction, to be held against the others."""
    weeks, _ = warehouse.count_cells(settings.warehouse, scan(), PATIENCE_SECONDS, weeks=2)
    return numbers_of(churn.load(), *weeks)


def numbers_of_rows(settings: Settings) -> Numbers:
    """The rows of features.sql, one a customer, fetched and scored as arrays: no look back, no factors, no sentences."""
    parameters = {name: value for name, value in warehouse._parameters(scan(), weeks=2).items() if name in _OF_FEATURES}
    columns = ("weeks_ago", "user_id", *FEATURES)
    rows, _ = warehouse._query(settings.warehouse, "features.sql", parameters, columns, PATIENCE_SECONDS)
    table = np.array([(row[0], *row[2:]) for row in rows], dtype=np.float64).reshape(-1, 9)
    weeks = [table[table[:, 0] == weeks_ago, 1:] for weeks_ago in (0, 1)]
    return numbers_of(churn.load(), *(Cells(week, np.ones(len(week), dtype=np.int64), week[:, 7]) for week in weeks))


def scan() -> warehouse.Scan:
    """The report's scan."""
    return warehouse.Scan(CLIENT, WEEK, cell_limits(churn.load()))
