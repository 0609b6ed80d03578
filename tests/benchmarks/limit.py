"""The limit: the report's two queries in DuckDB itself, on the same rows and in this process, then the scores. No HTTP."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import structlog
from bqemulator.sql.translator import SQLTranslator

from model import churn
from report import warehouse
from report.analysis.backtest import PastWeek, look_back_on
from report.analysis.cells import Cells
from report.analysis.limits import representatives
from report.analysis.metrics import summary
from report.analysis.segments import segment_breakdown
from report.build import _score
from report.settings import read_settings
from report.week import DAYS_TO_COME_BACK, look_back_week, midnight
from tests.benchmarks.numbers import WEEK, Numbers, numbers_of
from tests.benchmarks.peers import scan

structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))  # the translator logs much


class Limit:
    """The rows, and the queries as the local BigQuery translates them; a call runs them."""

    def __init__(self, events: pa.Table) -> None:
        self._connection = duckdb.connect()
        self._connection.execute("SET TimeZone = 'UTC'")
        self._connection.register("rows", events)
        self._connection.execute("CREATE TABLE events AS SELECT * FROM rows")
        self._connection.unregister("rows")
        past = replace(scan(), week=look_back_week(WEEK))
        back_until = midnight(past.week.ending + timedelta(days=DAYS_TO_COME_BACK + 1), past.week.time_zone)
        self._cells = _translated("cells.sql"), _values(warehouse._parameters(scan(), weeks=2))
        self._look_back = _translated("backtest.sql"), _values(warehouse._parameters(past, weeks=1)) | {"back_until": back_until}

    def close(self) -> None:
        """Release the rows."""
        self._connection.close()

    def __call__(self) -> Numbers:
        """Count, look back, score, correct, add up."""
        model = churn.load()
        limits = scan().limits
        cells, (weeks_ago, customers, spent_usd) = warehouse._counted("cells.sql", self._rows(*self._cells), 4, limits)
        past_cells, (were, churned) = warehouse._counted("backtest.sql", self._rows(*self._look_back), 3, limits)
        both_weeks = Cells(representatives(cells, limits), customers.astype(np.int64), spent_usd)
        weeks = [both_weeks.where(weeks_ago == week) for week in (0, 1)]
        past_features = representatives(past_cells, limits)
        past_week = PastWeek(look_back_week(WEEK), past_features, were.astype(np.int64), churned.astype(np.int64))
        lesson = look_back_on(past_week, churn.log_odds(model, past_week.features))
        scored = [_score(model, lesson.calibration, week) for week in weeks]
        summary(*scored)
        segment_breakdown(*scored)
        return numbers_of(model, *weeks)

    def _rows(self, sql: str, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        return self._connection.execute(sql, values).fetchall()


def _translated(query: str) -> str:
    text = warehouse._text(query, "shop", read_settings({}).warehouse).replace("`shop.events`", "events")
    return str(SQLTranslator().translate(text).unwrap())


def _values(parameters: warehouse.Parameters) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else value for name, (_, value) in parameters.items()}
