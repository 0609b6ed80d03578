"""Shops of a given size: twenty weeks of customers with ten events a week on average, drawn with numpy, always the same."""

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
"""The weeks that a report counts, and those of the memory before them."""
BUSY_BEFORE_UP_TO = 100_000
"""Shops with more customers have one event for each in the weeks of memory: more would not fit into this machine."""
MORE_SESSIONS = 0.2
"""How often a customer's next event of a week begins another session."""

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


def weeks(customers: int, client: int = CLIENT, more_sessions: float = MORE_SESSIONS) -> Iterator[pa.Table]:
    """The events of a shop with this many customers in each week, newest week first, each in the order of time.

    A week's customers are drawn from twice as many, the regular ones more often; from week to week one in ten of these is
    another.
    """
    rng = np.random.default_rng([customers, client])
    others = customers // 5
    everybody = 2 * customers + others * (WEEKS + MEMORY_WEEKS - 1)
    regularity = rng.normal(scale=1.5, size=everybody)
    habits = np.searchsorted(_SHARES.cumsum()[:-1], rng.random(everybody))
    for weeks_ago in range(WEEKS + MEMORY_WEEKS) if customers else ():
        newest = others * weeks_ago  # newcomers come first in the numbers
        chance = regularity[newest : newest + 2 * customers] + rng.gumbel(size=2 * customers)
        users = newest + np.argpartition(chance, customers)[customers:]
        events_each = EVENTS_EACH if weeks_ago < WEEKS or customers <= BUSY_BEFORE_UP_TO else 1
        yield _week(client, weeks_ago, (users, habits[users]), (events_each, more_sessions), rng)


def _week(
    client: int, weeks_ago: int, customers: tuple[Ints, Ints], busy: tuple[int, float], rng: np.random.Generator
) -> pa.Table:
    """The events of these users with their habits; `busy` is how many events each has, and how often in another session."""
    (users, habit), (events_each, more_sessions) = customers, busy
    busyness = rng.lognormal(sigma=1.8, size=len(users))
    count = 1 + rng.multinomial((events_each - 1) * len(users), busyness / busyness.sum())
    sessions = 1 + rng.binomial(count - 1, more_sessions)
    who = np.repeat(np.arange(len(users)), count)
    session = np.cumsum(sessions)[who] - 1 - rng.integers(0, sessions[who])
    began = rng.integers(0, 7, sessions.sum()) * 86_400 + rng.normal(15, 4, sessions.sum()).clip(0, 23).astype(np.int64) * 3_600
    seconds = began[session] + rng.integers(0, 3_600, who.size)
    order = np.argsort(seconds)
    who, session, seconds = who[order], session[order], seconds[order]
    first = datetime.combine(WEEK_ENDING - timedelta(days=6 + 7 * weeks_ago), datetime.min.time(), UTC)
    kind = (rng.random(who.size)[:, None] > _HABITS.cumsum(axis=1)[habit[who], :-1]).sum(axis=1)
    bought = kind == _TYPES.index("purchase")
    prices = rng.lognormal(np.log(24), 0.8, who.size).round(2)
    return pa.Table.from_arrays(
        [
            pa.repeat(client, who.size),
            _names("u", users[who]),
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
