"""The limit: the report with its queries run by DuckDB itself, on the same rows and in this process. No HTTP, no JSON."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any
from unittest.mock import patch

import duckdb
import pyarrow as pa
import structlog
from bqemulator.sql.translator import SQLTranslator

from report import warehouse
from report.settings import WarehouseSettings, read_settings

structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))  # the translator logs much


class Limit:
    """The rows in DuckDB, which answers the report's queries as the local BigQuery translates them."""

    def __init__(self) -> None:
        self._connection = duckdb.connect()
        self._connection.execute("SET TimeZone = 'UTC'")

    def load(self, events: pa.Table) -> None:
        """Append rows."""
        self._connection.register("rows", events)
        self._connection.execute("CREATE TABLE IF NOT EXISTS events AS SELECT * FROM rows LIMIT 0")
        self._connection.execute("INSERT INTO events SELECT * FROM rows")
        self._connection.unregister("rows")

    def close(self) -> None:
        """Release the rows."""
        self._connection.close()

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Answer the report's queries in place of BigQuery."""
        with patch("report.warehouse._query", self._query):
            yield

    def _query(
        self, _: WarehouseSettings, query: str, parameters: warehouse.Parameters, _columns: Sequence[str], _seconds: float
    ) -> tuple[list[warehouse.Row], int]:
        sql = _translated(query)
        values: dict[str, Any] = {
            name: list(value) if isinstance(value, tuple) else value
            for name, (_, value) in parameters.items()
            if f"${name}" in sql
        }
        return self._connection.cursor().execute(sql, values).fetchall(), 0


@cache
def _translated(query: str) -> str:
    text = warehouse._text(query, "shop", read_settings({}).warehouse).replace("`shop.events`", "events")
    return str(SQLTranslator().translate(text).unwrap())
