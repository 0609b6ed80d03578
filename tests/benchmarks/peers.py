"""The report, what it counts before it corrects, and the same from one row a customer."""

from time import monotonic

import numpy as np
from google.cloud import bigquery
from jinja2 import Environment, FileSystemLoader

from model import churn
from model.churn import FEATURES
from report import build, warehouse
from report.analysis.cells import Cells, CountedWeeks
from report.analysis.limits import cell_limits
from report.schema import Report
from report.settings import Settings
from tests.benchmarks.numbers import NOW, WEEK, Numbers, numbers_of
from tests.benchmarks.shop import CLIENT

PATIENCE_SECONDS = 600.0
_ROWS = """
SELECT weeks_ago, {features}
FROM ({{% include 'customer_weeks.sql' %}})
WHERE weeks_ago < 2
"""


def report(settings: Settings, trace: build.Trace) -> Report:
    """The whole report, the template's summary included."""
    return build.build_report(settings, build.Request(CLIENT, WEEK, False, NOW, monotonic() + PATIENCE_SECONDS), trace)


def numbers_of_cells(settings: Settings) -> Numbers:
    """What the report's cells say before the correction, to compare with the other ways."""
    counted, _ = warehouse.count_weeks(settings.warehouse, scan(), PATIENCE_SECONDS)
    return numbers_of_counted(counted)


def numbers_of_counted(counted: CountedWeeks) -> Numbers:
    """What counted weeks say before the correction."""
    return numbers_of(churn.load(), counted.week(0), counted.week(1))


def numbers_of_rows(client: bigquery.Client, settings: Settings) -> Numbers:
    """Both weeks' rows of customer_weeks.sql, one a customer, with memory, scored as arrays: no factors, no sentences."""
    place, parameters = settings.warehouse, warehouse._parameters(scan(), 2, warehouse.MEMORY_WEEKS)
    templates = Environment(loader=FileSystemLoader(warehouse.SQL))  # noqa: S701 - SQL, not HTML
    templates.globals["source"] = "sources/tables.sql"
    templates.globals["events_table"] = f"`{client.project}.{place.dataset}.{place.events_table}`"
    config = bigquery.QueryJobConfig(
        query_parameters=[
            bigquery.ArrayQueryParameter(name, type_, value)
            if isinstance(value, list | tuple)
            else bigquery.ScalarQueryParameter(name, type_, value)
            for name, (type_, value) in parameters.items()
        ]
    )
    answer = client.query_and_wait(templates.from_string(_ROWS.format(features=", ".join(FEATURES))).render(), job_config=config)
    rows = [[cell["v"] for cell in row["f"]] for page in answer.pages for row in page.raw_page.get("rows", ())]
    table = np.array(rows, dtype=np.float64).reshape(-1, 1 + len(FEATURES))
    weeks = [table[table[:, 0] == weeks_ago, 1:] for weeks_ago in (0, 1)]
    return numbers_of(churn.load(), *map(_one_by_one, weeks))


def _one_by_one(features: np.ndarray) -> Cells:  # type: ignore[type-arg]
    everybody = np.ones(len(features), dtype=np.int64)
    return Cells(features, everybody == 0, everybody, features[:, FEATURES.index("total_spent_usd")])


def scan() -> warehouse.Scan:
    """The report's scan."""
    return warehouse.Scan(CLIENT, WEEK, NOW, cell_limits(churn.load()))
