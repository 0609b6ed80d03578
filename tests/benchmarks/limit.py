"""The limit: the report's two queries in DuckDB itself, on the same rows and in this process. No HTTP."""

import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from unittest.mock import patch

import duckdb
import pyarrow as pa
import structlog
from bqemulator.sql.translator import SQLTranslator

from report import warehouse
from report.settings import WarehouseSettings, read_settings
from tests.benchmarks import peers
from tests.benchmarks.numbers import Numbers

structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))  # the translator logs much

PLACE = read_settings({}).warehouse


class Limit:
    """The rows, and the queries as the local BigQuery translates them; a call runs them."""

    def __init__(self, weeks: Iterable[pa.Table], empty: pa.Table) -> None:
        self._connection = duckdb.connect()
        self._connection.execute("SET TimeZone = 'UTC'")
        self._translated = {query: _translated(query) for query in ("cells.sql", "days.sql")}
        self.add(empty, "CREATE TABLE events AS SELECT * FROM rows")
        for week in weeks:
            self.add(week)

    def add(self, rows: pa.Table, statement: str = "INSERT INTO events SELECT * FROM rows") -> None:
        """Add some rows."""
        self._connection.register("rows", rows)
        self._connection.execute(statement)
        self._connection.unregister("rows")

    def close(self) -> None:
        """Release the rows."""
        self._connection.close()

    def __call__(self) -> Numbers:
        """Count weeks and days, and add up."""
        with patch("report.warehouse._run", self._run):
            counted, _ = warehouse.count_weeks(PLACE, peers.scan(), 0)
            warehouse.count_days(PLACE, peers.scan(), 0)
        return peers.numbers_of_counted(counted)

    def _run(
        self, _: WarehouseSettings, query: str, parameters: warehouse.Parameters, columns: Sequence[str], __: float
    ) -> tuple[list[tuple[Any, ...]], int]:
        found = self._connection.execute(self._translated[query], _values(parameters, self._translated[query]))
        if [name for name, *_ in found.description or ()] != list(columns):
            raise ValueError(f"{query} returned the columns {found.description}")
        return found.fetchall(), 0


def _translated(query: str) -> str:
    text = warehouse._text(query, "shop", PLACE).replace("`shop.analytics.events`", "events")
    return str(SQLTranslator().translate(text).unwrap())


def _values(parameters: warehouse.Parameters, text: str) -> Mapping[str, Any]:
    """The values of the parameters that the translated query has; DuckDB refuses others, BigQuery does not."""
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, (_, value) in parameters.items()
        if re.search(rf"\${name}\b", text)
    }
