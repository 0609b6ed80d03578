"""Shops of a given size: customers with ten events a week on average, drawn with numpy, always the same."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from local.bigquery import EVENTS

WEEK_ENDING = date(2025, 1, 19)
EVENTS_EACH = 10
WEEKS, MEMORY_WEEKS = 12, 8
"""The weeks that a report counts, with so many events for each customer, and those before, with one."""

CLIENT = 1
_TYPES = (
    "page_view",
    "added_to_wishlist",
    "removed_from_wishlist",
    "added_to_cart",
    "removed_from_cart",
    "cart_quantity_updated",
    "purchase",
    "order_completed",
)
_HABITS = np.array(
    [
        [0.62, 0.06, 0.01, 0.16, 0.03, 0.02, 0.06, 0.04],  # looks around
        [0.30, 0.02, 0.00, 0.28, 0.04, 0.06, 0.18, 0.12],  # buys
        [0.40, 0.28, 0.10, 0.12, 0.03, 0.01, 0.04, 0.02],  # wishes
        [0.34, 0.02, 0.01, 0.32, 0.20, 0.08, 0.02, 0.01],  # fills the cart and empties it
    ]
)
_SHARES = np.array([0.45, 0.3, 0.1, 0.15])

Ints = npt.NDArray[np.int64]


def weeks(customers: int, client: int = CLIENT) -> Iterator[pa.Table]:
    """The events of a shop with so many customers in each week, newest week first, each in the order of time.

    From week to week one in eight of the customers is another, the least busy of them.
    """
    rng = np.random.default_rng([customers, client])
    for weeks_ago in range(WEEKS + MEMORY_WEEKS) if customers else ():
        yield _week(client, weeks_ago, customers, rng)


def _week(client: int, weeks_ago: int, customers: int, rng: np.random.Generator) -> pa.Table:
    events_each = EVENTS_EACH if weeks_ago < WEEKS else 1
    busyness = np.sort(rng.lognormal(sigma=1.8, size=customers))[::-1]
    count = 1 + rng.multinomial((events_each - 1) * customers, busyness / busyness.sum())
    sessions = 1 + rng.binomial(count - 1, 0.2)
    who = np.repeat(np.arange(customers), count)
    session = np.cumsum(sessions)[who] - 1 - rng.integers(0, sessions[who])
    began = rng.integers(0, 7, sessions.sum()) * 86_400 + rng.normal(15, 4, sessions.sum()).clip(0, 23).astype(np.int64) * 3_600
    seconds = began[session] + rng.integers(0, 3_600, who.size)
    order = np.argsort(seconds)
    who, session, seconds = who[order], session[order], seconds[order]
    first = datetime.combine(WEEK_ENDING - timedelta(days=6 + 7 * weeks_ago), datetime.min.time(), UTC)
    habit = np.searchsorted(_SHARES.cumsum()[:-1], rng.random(customers))
    kind = (rng.random(who.size)[:, None] > _HABITS.cumsum(axis=1)[habit[who], :-1]).sum(axis=1)
    bought = kind == _TYPES.index("purchase")
    prices = rng.lognormal(np.log(24), 0.8, who.size).round(2)
    # Newcomers come first in the numbers, so that those who have stayed away are the last, and the least busy.
    user = who + customers * weeks_ago // 8
    return pa.Table.from_arrays(
        [
            pa.repeat(client, who.size),
            _names("u", user),
            pa.array(_TYPES).take(pa.array(kind)),
            pa.array((int(first.timestamp()) + seconds) * 1_000_000).cast(EVENTS.field("timestamp").type),
            pa.array(prices, mask=~bought).cast(EVENTS.field("price").type),
            pa.array(rng.integers(1, 3, who.size, endpoint=True), mask=~bought),
            _names(f"s{weeks_ago}-", session),
        ],
        schema=EVENTS,
    )


def _names(prefix: str, numbers: Ints) -> pa.Array:
    """Return `prefix` and at least six digits for each number."""
    names = pc.utf8_lpad(pa.array(np.arange(numbers.max() + 1)).cast(pa.string()), width=6, padding="0")
    return pc.binary_join_element_wise(prefix, names, "").take(pa.array(numbers))
