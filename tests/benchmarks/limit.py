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
from model.churn import FloatArray
from report import warehouse
from report.build import _score
from report.cells import Cells
from report.lookback import PastWeek, look_back_on
from report.metrics import summary
from report.segments import segment_breakdown
from report.settings import read_settings
from report.week import DAYS_TO_COME_BACK, look_back_week, midnight
from tests.benchmarks.numbers import WEEK, Numbers, numbers_of
from tests.benchmarks.peers import scan

structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))  # the translator tells much


class Limit:
    """Holds the rows, and the queries as the local BigQuery translates them; call it to run them."""

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
        """Let go of the rows."""
        self._connection.close()

    def __call__(self) -> Numbers:
        """Count, look back, score, correct, add up."""
        model = churn.load()
        table, past = self._table(*self._cells), self._table(*self._look_back)
        weeks = [_cells(table[table[:, 0] == weeks_ago]) for weeks_ago in (0, 1)]
        past_week = PastWeek(look_back_week(WEEK), past[:, :8], past[:, 8].astype(np.int64), past[:, 9].astype(np.int64))
        lesson = look_back_on(past_week, churn.log_odds(model, past_week.features))
        scored = [_score(model, lesson.calibration, week) for week in weeks]
        summary(*scored)
        segment_breakdown(*scored)
        return numbers_of(model, *weeks)

    def _table(self, sql: str, values: Mapping[str, Any]) -> FloatArray:
        columns = self._connection.execute(sql, values).fetchnumpy().values()
        return np.column_stack([np.asarray(column, dtype=np.float64) for column in columns])


def _cells(table: FloatArray) -> Cells:
    return Cells(table[:, 1:9], table[:, 9].astype(np.int64), table[:, 10])


def _translated(query: str) -> str:
    text = warehouse._text(query, "shop", read_settings({}).warehouse).replace("`shop.events`", "events")
    return str(SQLTranslator().translate(text).unwrap())


def _values(parameters: warehouse.Parameters) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else value for name, (_, value) in parameters.items()}
