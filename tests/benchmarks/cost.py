"""The cost of a report in BigQuery, computed from the sizes that BigQuery documents, because the local one reports no bytes.

Sizes of data types and the price: https://cloud.google.com/bigquery/pricing (on demand; the United States, as of 2025).
"""

from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from tests.benchmarks import shop

USD_PER_TIB = 6.25
LEAST_BYTES = 10 * 2**20
"""The least that is charged for each table of a query."""

_FIXED = {"client_id": 8, "timestamp": 8, "price": 16, "quantity": 8}
"""INT64, TIMESTAMP and NUMERIC. A STRING has 2 bytes and those of its UTF-8; NULL has none."""
_THIN = ("client_id", "user_id", "event_type", "timestamp")
"""The columns that tell who was active when, and which rows count."""


@dataclass(frozen=True)
class WeekBytes:
    """The bytes of a week's events: of all columns, and of those that tell who was active."""

    all_columns: int
    thin: int

    @property
    def of_cells(self) -> int:
        """What cells.sql reads: the counted weeks, and the thin columns of the weeks of memory before them."""
        return shop.WEEKS * self.all_columns + shop.MEMORY_WEEKS * self.thin

    @property
    def of_days(self) -> int:
        """What days.sql reads: the thin columns of all weeks and one more, and once more all columns of the newest."""
        return (shop.WEEKS + shop.MEMORY_WEEKS + 1) * self.thin + self.all_columns

    @property
    def of_report(self) -> int:
        """What a report reads."""
        return self.of_cells + self.of_days

    @property
    def usd(self) -> float:
        """What a report costs."""
        return sum(max(read, LEAST_BYTES) for read in (self.of_cells, self.of_days)) / 2**40 * USD_PER_TIB


def week_bytes(events: pa.Table) -> WeekBytes:
    """The bytes of these events, which are one week's."""
    return WeekBytes(_bytes(events, events.schema.names), _bytes(events, _THIN))


def _bytes(events: pa.Table, columns: Iterable[str]) -> int:
    return sum(_column_bytes(name, events[name]) for name in columns)


def _column_bytes(name: str, column: pa.ChunkedArray) -> int:
    values: int = len(column) - column.null_count
    if name in _FIXED:
        return _FIXED[name] * values
    return 2 * values + int(pc.sum(pc.binary_length(column)).as_py() or 0)
