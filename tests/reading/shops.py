"""The shops whose reports are read: made-up ones of every kind, simulated ones, and a real grocer."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa

from local.bigquery import EVENTS
from report.settings import ClientSettings
from tests.support.small_shops import GROCER, LEAKY, STEADY, Habits, Row, W, changed, shop, without_days
from training import complete_journey
from training.shops import SAMPLE_SHOP, Shop, draw_shops, simulate

MONDAY = datetime(2025, 3, 3, 8, tzinfo=UTC)
"""The morning after the week that most of the reports are about."""
LAST_MONDAY = date(2025, 2, 24)


@dataclass(frozen=True)
class Subject:
    """A shop, and the week and the instant of its report."""

    name: str
    events: Sequence[Row] | pa.Table
    client: ClientSettings = field(default_factory=ClientSettings)
    ending: date = W
    now: datetime = MONDAY

    def rows(self, client_id: int) -> pa.Table:
        """Return its rows of the events table."""
        events = self.events if isinstance(self.events, pa.Table) else pa.Table.from_pylist(list(self.events), _WITHOUT_CLIENT)
        return events.append_column("client_id", pa.repeat(client_id, events.num_rows)).select(EVENTS.names).cast(EVENTS)


_WITHOUT_CLIENT = pa.schema([field for field in EVENTS if field.name != "client_id"])


def subjects() -> Iterator[Subject]:
    """Yield every shop, the usual ones first."""
    yield from _usual()
    yield from _small()
    yield from _young()
    yield from _broken()
    yield from _running()
    yield from _money()
    yield from _unusual()
    yield from _simulated()


def _usual() -> Iterator[Subject]:
    yield Subject("a steady shop", shop(STEADY))
    yield Subject("a leaky shop", shop(LEAKY))
    yield Subject("a small grocer whose customers stay", shop(GROCER))
    yield Subject("newcomers only, who come once", shop(Habits(0, 60)))
    yield Subject("regulars only, who come every week", shop(Habits(80, 0, visits=1.0)))
    journey = complete_journey.events()
    year_end = datetime(2018, 1, 1, 8, tzinfo=UTC)
    yield Subject("a real grocer in early December", journey, ending=date(2017, 12, 3), now=datetime(2017, 12, 4, tzinfo=UTC))
    yield Subject("a real grocer at the end of the year", journey, ending=date(2017, 12, 31), now=year_end)
    begun = pa.compute.greater_equal(journey["timestamp"], pa.scalar(datetime(2017, 11, 20, tzinfo=UTC)))
    yield Subject("a real grocer six weeks old", journey.filter(begun), ending=date(2017, 12, 31), now=year_end)


def _small() -> Iterator[Subject]:
    yield Subject("no customer ever", [])
    yield Subject("one customer, who comes every week", shop(Habits(1, 0, visits=1.0)))
    yield Subject("one customer, who comes for the first time", shop(Habits(0, 1, weeks=1)))
    yield Subject("two customers, who come every week", shop(Habits(2, 0, visits=1.0)))
    yield Subject("two new customers every week", shop(Habits(0, 2)))
    yield Subject("eight customers a week", shop(STEADY.times(0.08)))
    yield Subject("one customer last week, nobody this week", shop(Habits(1, 0, 1.0), W - timedelta(days=7)))
    yield Subject("a week before the shop began", shop(replace(STEADY, weeks=4)), ending=date(2024, 12, 1))


def _young() -> Iterator[Subject]:
    for weeks in (1, 2, 5, 6, 8, 12):
        yield Subject(f"a steady shop {weeks} weeks old", shop(replace(STEADY, weeks=weeks)))
    yield Subject("a shop three weeks old to which nobody comes back", shop(Habits(0, 30, weeks=3)))
    yield Subject("a leaky shop six weeks old", shop(replace(LEAKY, weeks=6)))


def _broken() -> Iterator[Subject]:
    steady = shop(STEADY)
    yield Subject("closed in three of the four weeks before", without_days(steady, date(2025, 2, 3), date(2025, 2, 23)))
    yield Subject("events stop on Wednesday", without_days(steady, date(2025, 2, 26), W))
    yield Subject("no events on one day", without_days(steady, date(2025, 2, 26), date(2025, 2, 26)))
    yield Subject("no events this week", without_days(steady, LAST_MONDAY, W))
    yield Subject("closed for good six weeks ago", without_days(steady, date(2025, 1, 20), W))
    yield Subject("a gap among the past weeks", without_days(steady, date(2025, 1, 6), date(2025, 1, 10)))
    yield Subject("purchases renamed", changed(steady, _renamed("purchase", "order"), first=LAST_MONDAY))
    yield Subject("sessions vanished", changed(steady, lambda row: {**row, "session_id": None}, first=LAST_MONDAY))
    before = LAST_MONDAY - timedelta(days=1)
    yield Subject("cart events for the first time", changed(steady, _renamed("added_to_cart", "cart"), last=before))
    yield Subject("every event twice", [row for row in steady for _ in range(2)])


def _running() -> Iterator[Subject]:
    steady = shop(STEADY)
    yield Subject("a running week on Wednesday", steady, now=datetime(2025, 2, 26, 12, tzinfo=UTC))
    yield Subject("a running week without events on its first day", steady, now=datetime(2025, 2, 24, 1, tzinfo=UTC))
    yield Subject("a running week of a young shop", shop(replace(STEADY, weeks=3)), now=datetime(2025, 2, 27, 12, tzinfo=UTC))


def _money() -> Iterator[Subject]:
    steady = shop(STEADY)
    yield Subject("yen", changed(steady, _times(150)), ClientSettings(currency="JPY", time_zone="Asia/Tokyo", usd_rate=150.0))
    yield Subject("euros", steady, ClientSettings(currency="EUR", time_zone="Europe/Berlin", usd_rate=0.92))
    yield Subject("francs", shop(GROCER), ClientSettings(currency="CHF", usd_rate=0.9))
    yield Subject("more refunds than sales this week", changed(steady, _times(-1), first=LAST_MONDAY))
    refunds = [{**row, "price": -row["price"]} for row in steady[::5] if row.get("price")]
    yield Subject("some refunds", [*steady, *refunds])
    yield Subject("no purchase ever", [row for row in steady if row["event_type"] != "purchase"])
    yield Subject("orders of thousands", changed(shop(STEADY.times(0.3)), _times(100)))
    yield Subject("amounts that cannot be", changed(steady, _times(10**16), first=date(2025, 3, 1)))


def _unusual() -> Iterator[Subject]:
    steady = shop(STEADY.times(4))
    yield Subject("sales double", changed(steady, _times(2), first=LAST_MONDAY))
    fewer = [row for row in steady if row["timestamp"].date() < LAST_MONDAY or hash_of(row["user_id"]) % 2]
    yield Subject("half of the customers stay away", fewer)
    more = [*steady, *shop(Habits(0, 500, weeks=1))]
    yield Subject("five hundred newcomers", more)
    busy = [*steady, *_moved(shop(Habits(0, 1500, weeks=1)), 28)]
    yield Subject("a busy week four weeks ago", busy)
    gone = [row for row in steady if not (row["user_id"].endswith(("1", "2")) and row["timestamp"].date() > date(2025, 2, 16))]
    yield Subject("a fifth of the regulars stays away", gone)
    letters = [_letter(f"regular{number}", week) for number in range(140) for week in range(STEADY.weeks)]
    yield Subject("a newsletter among the events", [*shop(STEADY), *letters])
    guests = [{**row, "user_id": "undefined"} if number % 5 < 2 else row for number, row in enumerate(shop(STEADY))]
    yield Subject("guests among the customers", guests)


def _simulated() -> Iterator[Subject]:
    yield Subject("a broken checkout", simulate(replace(SAMPLE_SHOP, customers=12_000), 24, 1, W))
    large = Shop(customers=30_000, records_browsing=False)
    yield Subject("a large shop", simulate(large, 22, 2, W))
    yield Subject("a season that ends", simulate(Shop(customers=3_000, season=0.9, season_peak_week=14.0), 24, 3, W))
    for number, drawn in enumerate(draw_shops(4, seed=50), 1):
        yield Subject(f"drawn shop {number}", simulate(replace(drawn, customers=1_500), 24, number, W))


def hash_of(text: str) -> int:
    """A number for a text, the same in every process."""
    return sum(text.encode())


def _renamed(old: str, new: str) -> Any:
    return lambda row: {**row, "event_type": new} if row["event_type"] == old else row


def _times(factor: int) -> Any:
    return lambda row: {**row, "price": row["price"] * Decimal(factor)} if row.get("price") else row


def _moved(rows: Sequence[Row], days: int) -> list[Row]:
    return [{**row, "user_id": f"x{row['user_id']}", "timestamp": row["timestamp"] - timedelta(days=days)} for row in rows]


def _letter(user_id: str, weeks_ago: int) -> Mapping[str, Any]:
    day = W - timedelta(days=7 * weeks_ago + 3)
    return {"user_id": user_id, "event_type": "email_delivered", "timestamp": datetime.combine(day, time(7), UTC)}
