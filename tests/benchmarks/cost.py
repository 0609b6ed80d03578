"""The cost of a report in BigQuery, computed from the sizes that BigQuery documents, because the local one reports no bytes.

Sizes of data types and the price: https://cloud.google.com/bigquery/pricing (on demand; the United States, as of 2025).
"""

from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

USD_PER_TIB = 6.25
LEAST_BYTES = 10 * 2**20
"""The least that is charged for each table of a query."""

_FIXED = {"client_id": 8, "timestamp": 8, "price": 16, "quantity": 8}
"""INT64, TIMESTAMP and NUMERIC. A STRING has 2 bytes and those of its UTF-8; NULL has none."""
_LOOKED_UP = ("client_id", "user_id", "timestamp")
"""The columns that the look back reads of the four weeks in which customers may have come back."""


@dataclass(frozen=True)
class WeekBytes:
    """The bytes of a week's events: of all columns, and of those that the look back reads of the weeks after."""

    all_columns: int
    looked_up: int

    @property
    def of_cells(self) -> int:
        """What cells.sql reads: this week and the last."""
        return 2 * self.all_columns

    @property
    def of_look_back(self) -> int:
        """What backtest.sql reads: one week, and three columns of the four after it, each scan counted."""
        return self.all_columns + 4 * self.looked_up

    @property
    def of_report(self) -> int:
        """What a report reads."""
        return self.of_cells + self.of_look_back

    @property
    def usd(self) -> float:
        """What a report costs."""
        return sum(max(read, LEAST_BYTES) for read in (self.of_cells, self.of_look_back)) / 2**40 * USD_PER_TIB


def week_bytes(events: pa.Table) -> WeekBytes:
    """The bytes of these events, which are one week's."""
    return WeekBytes(_bytes(events, events.schema.names), _bytes(events, _LOOKED_UP))


def _bytes(events: pa.Table, columns: Iterable[str]) -> int:
    return sum(_column_bytes(name, events[name]) for name in columns)


def _column_bytes(name: str, column: pa.ChunkedArray) -> int:
    values: int = len(column) - column.null_count
    if name in _FIXED:
        return _FIXED[name] * values
    return 2 * values + int(pc.sum(pc.binary_length(column)).as_py() or 0)
