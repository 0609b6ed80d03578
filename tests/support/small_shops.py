"""Small made-up shops, as rows of the events table: regulars who come most weeks, and people who come once and never again.

rows = shop(STEADY)
renamed = [{**row, "event_type": "order"} if row["event_type"] == "purchase" else row for row in rows]
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import numpy as np

Row = Mapping[str, Any]

W = date(2025, 3, 2)
"""The last day of the week that most reports are about, a Sunday."""


@dataclass(frozen=True)
class Habits:
    """Who comes in a week."""

    regulars: int
    newcomers: int
    """So many people come for the first and the last time."""
    visits: float = 0.6
    """The chance that a regular comes in a week."""
    weeks: int = 22

    def times(self, factor: float) -> "Habits":
        """The same shop in another size."""
        return Habits(round(self.regulars * factor), round(self.newcomers * factor), self.visits, self.weeks)


STEADY = Habits(regulars=140, newcomers=26)
"""About 110 customers a week; a quarter of them really leave."""
LEAKY = Habits(regulars=28, newcomers=63)
"""About 80 customers a week; four in five leave."""
GROCER = Habits(regulars=170, newcomers=3, visits=0.65)
"""About 110 customers a week; one in twenty leaves."""


def shop(habits: Habits, last_day: date = W, seed: int = 1) -> list[Row]:
    """The events of a shop until the end of `last_day`, oldest week first."""
    random = np.random.default_rng(seed)
    return [
        row
        for weeks_ago in reversed(range(habits.weeks))
        for user_id in _who_comes(habits, weeks_ago, random)
        for row in visit(user_id, last_day - timedelta(days=7 * weeks_ago + int(random.integers(7))), random)
    ]


def _who_comes(habits: Habits, weeks_ago: int, random: np.random.Generator) -> list[str]:
    regulars = np.flatnonzero(random.random(habits.regulars) < habits.visits)
    return [*(f"regular{number}" for number in regulars), *(f"once{weeks_ago}-{number}" for number in range(habits.newcomers))]


def visit(user_id: str, day: date, random: np.random.Generator) -> list[Row]:
    """A look at a page, and often something in the cart, some of which is bought."""
    at = datetime.combine(day, time(8), UTC) + timedelta(minutes=int(random.integers(12 * 60)))
    about = {"user_id": user_id, "session_id": f"{user_id} {day}"}
    events = [{**about, "event_type": "page_view", "timestamp": at}]
    if random.random() < 0.7:
        events.append({**about, "event_type": "added_to_cart", "timestamp": at + timedelta(minutes=2)})
    if random.random() < 0.5:
        price = Decimal(int(random.integers(500, 15_000))) / 100
        bought = {"event_type": "purchase", "timestamp": at + timedelta(minutes=5), "price": price, "quantity": 1}
        events.append({**about, **bought})
    return events


def without_days(rows: Sequence[Row], first: date, last: date) -> list[Row]:
    """The rows but for those of some days: the tracker was off, or the shop was closed."""
    return [row for row in rows if not first <= row["timestamp"].date() <= last]


def changed(rows: Sequence[Row], change: Callable[[Row], Row], *, first: date = date.min, last: date = date.max) -> list[Row]:
    """The rows, those of some days changed."""
    return [change(row) if first <= row["timestamp"].date() <= last else row for row in rows]
