"""Simulated shops: customers who visit, buy and leave for good at a moment that nobody sees.

The process is a buy-till-you-die model. Each customer visits at a rate of their own until they leave (Schmittlein, Morrison &
Colombo, "Counting your customers", Management Science 33, 1987). Rates and lifetimes are log-normal between customers and may be
correlated (Abe, "Counting your customers one by one", Marketing Science 28, 2009), and so are the customers' spending levels (as
Fader, Hardie & Lee, "RFM and CLV", Journal of Marketing Research 42, 2005, with log-normals instead of gammas). Visits are a
renewal process with gamma gaps, regular or clumped (Platzer & Reutterer, "Ticking away the moments", Marketing Science 35,
2016), with short pauses and long absences. What happens in a visit (views, wish list, cart, purchase) depends on the habits of
the shop and of the customer.
"""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time
from statistics import NormalDist

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

HISTORY_WEEKS = 30
"""How long a shop exists before the first week of its events, so that the events begin in the middle of its life."""

SCHEMA = pa.schema(
    {
        "user_id": pa.string(),
        "event_type": pa.string(),
        "timestamp": pa.timestamp("us", tz="UTC"),
        "price": pa.decimal128(38, 9),
        "quantity": pa.int64(),
        "session_id": pa.string(),
    }
)
"""The columns of every table of events in this package: those of the events table without the client."""

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Shop:
    """The habits in which shops differ. Rates are medians over the shop's customers, spreads are standard deviations of logs."""

    customers: int = 4_000
    """All who come at least once until the last day."""
    founders: float = 0.4
    """Share of them who are there when the shop's history begins; the others are newcomers, evenly over time."""
    one_time: float = 0.3
    """Share of the others who visit once and never again: the least attached, more or less."""
    visits_per_week: float = 0.7
    visits_spread: float = 0.9
    lifetime_weeks: float = 60.0
    lifetime_spread: float = 1.0
    attachment: float = 0.5
    """Correlation of visits, lifetime, purchases and use of cart and wish list."""
    spend_attachment: float = 0.25
    """The same for spending."""
    regularity: float = 1.0
    """Shape of the gamma gaps between visits: 1 is a Poisson process, above is more regular, below clumped."""
    pauses_per_year: float = 0.7
    pause_weeks: float = 4.0
    absences: float = 0.0
    """Share of the pauses that are long: these last `absence_weeks` on average. Customers who come back are returners."""
    absence_weeks: float = 16.0
    same_day: float = 0.05
    """Share of visits that another one follows within the hour."""
    season: float = 0.1
    """How much the visits swing around their mean over a year."""
    season_peak_week: float = 0.0
    """The week of the peak, counted back from the last day."""
    weekday: tuple[float, ...] = (1.0, 1.0, 1.0, 1.0, 1.1, 1.3, 0.9)
    """Visits by day of the week, from Monday."""
    purchase: float = 0.4
    """Share of visits that end with a purchase; attached customers' odds are higher."""
    basket: float = 2.0
    """Mean number of lines in a purchase."""
    price_usd: float = 20.0
    price_spread: float = 0.8
    spend_spread: float = 0.5
    """Between customers, where `price_spread` is between lines."""
    browsed: float = 0.5
    """Mean number of lines put into the cart in a visit that ends without a purchase."""
    cart_removal: float = 0.2
    """Share of lines taken out of the cart again."""
    cart_update: float = 0.15
    wishlist: float = 0.2
    """Mean number of additions to the wish list in a visit; removals are `wishlist_removal` of it."""
    wishlist_removal: float = 0.25
    clearing_out: float = 1.5
    """By how much cart and wish-list removals go up in the two weeks before a customer leaves."""
    records_browsing: bool = True
    """False: only purchases are recorded, so that a visit without one leaves no trace."""
    records_lines: bool = True
    """True: a priced `purchase` for each line, and an `order_completed` without a price; False: one priced `order_completed`."""
    trouble: float = 0.0
    """Share of customers who meet a broken checkout in the last week: carts emptied, nothing bought, gone for good."""


SAMPLE_SHOP = Shop(
    customers=40_000,
    founders=0.03,
    one_time=0.7,
    visits_per_week=1.0,
    lifetime_weeks=1.0,
    lifetime_spread=1.6,
    pauses_per_year=0.4,
    purchase=0.45,
    price_usd=24.0,
    wishlist=0.35,
    season=0.05,
    trouble=0.45,
)
"""The shop of `make report`. In its last week a broken checkout drives customers away."""


def draw_shops(n: int, seed: int) -> list[Shop]:
    """Draw `n` different shops from ranges wide enough for grocers, boutiques and marketplaces."""
    rng = np.random.default_rng([seed, n])

    def between(low: float, high: float) -> float:
        return float(rng.uniform(low, high))

    def log_between(low: float, high: float) -> float:
        return float(np.exp(rng.uniform(np.log(low), np.log(high))))

    def shop() -> Shop:
        basket = log_between(1, 10)
        return Shop(
            founders=between(0.05, 0.9),
            one_time=between(0.05, 0.7),
            visits_per_week=log_between(0.15, 2.5),
            visits_spread=between(0.5, 1.2),
            lifetime_weeks=log_between(6, 300),
            lifetime_spread=between(0.5, 1.5),
            attachment=between(0.2, 0.8),
            spend_attachment=between(0.0, 0.5),
            regularity=log_between(0.6, 2.0),
            pauses_per_year=between(0.0, 1.5),
            pause_weeks=between(2.0, 8.0),
            same_day=between(0.0, 0.15),
            season=between(0.0, 0.3),
            season_peak_week=between(0.0, 52.0),
            weekday=tuple(float(share) for share in rng.uniform(0.5, 1.5, 7)),
            purchase=between(0.1, 0.9),
            basket=basket,
            price_usd=log_between(15, 150) / basket,
            price_spread=between(0.4, 1.2),
            spend_spread=between(0.2, 0.8),
            browsed=between(0.1, 1.0),
            cart_removal=between(0.05, 0.4),
            cart_update=between(0.0, 0.3),
            wishlist=log_between(0.02, 0.6) if rng.random() < 0.75 else 0.0,
            wishlist_removal=between(0.05, 0.5),
            clearing_out=between(1.0, 2.5),
            records_browsing=bool(rng.random() < 0.75),
            records_lines=bool(rng.random() < 0.5),
        )

    drawn = [shop() for _ in range(n)]
    return [replace(each, absences=between(0.0, 0.3), absence_weeks=between(8.0, 26.0)) for each in drawn]


def simulate(shop: Shop, weeks: int, seed: int | list[int], last_day: date) -> pa.Table:
    """Simulate every event of the `weeks` weeks that end with `last_day`, by timestamp; columns as in `SCHEMA`.

    The same shop, weeks and seed give the same events apart from their date, if the last days are the same day of the week.
    """
    rng = np.random.default_rng(seed)
    history = 7.0 * (HISTORY_WEEKS + weeks)
    customers = _customers(shop, history, rng)
    visits = _visits(shop, customers, last_day.weekday(), rng).since(-7 * weeks)
    return _events(shop, customers, visits, last_day, rng)


@dataclass(frozen=True)
class _Customers:
    """One array element for each customer; times in days, 0 when the simulation's last day ends."""

    start: Floats
    end: Floats
    visits_per_day: Floats
    one_time: Flags
    spending: Floats
    engagement: Floats
    troubled: Flags


@dataclass(frozen=True)
class _Visits:
    """One array element for each visit: index of the customer, and time as for customers."""

    who: Ints
    time: Floats

    def since(self, time: float) -> "_Visits":
        return _Visits(self.who[self.time >= time], self.time[self.time >= time])


def _customers(shop: Shop, history: float, rng: np.random.Generator) -> _Customers:
    n = shop.customers
    founder = rng.random(n) < shop.founders
    start = np.where(founder, rng.uniform(0, 14, n), rng.uniform(0, history, n)) - history
    attached = rng.standard_normal(n)

    def log_normal(spread: float, share: float = shop.attachment) -> Floats:
        return np.asarray(np.exp(spread * (np.sqrt(share) * attached + np.sqrt(1 - share) * rng.standard_normal(n))))

    one_time = ~founder & (log_normal(1.0) < np.exp(NormalDist().inv_cdf(shop.one_time)))
    visits_per_day = np.minimum(shop.visits_per_week * log_normal(shop.visits_spread), 50) / 7
    lifetime = 7 * shop.lifetime_weeks * log_normal(shop.lifetime_spread) * rng.standard_exponential(n)
    end = np.where(one_time, start, start + lifetime)
    troubled = (rng.random(n) < shop.trouble) & (end > -7)
    end = np.where(troubled, np.minimum(end, rng.uniform(-6.5, -2, n)), end)
    spending = log_normal(shop.spend_spread, shop.spend_attachment)
    return _Customers(start, end, visits_per_day, one_time, spending, log_normal(0.6), troubled)


def _visits(shop: Shop, customers: _Customers, last_weekday: int, rng: np.random.Generator) -> _Visits:
    """Draw all first visits and the renewals after them, by customer and time."""
    span = np.minimum(customers.end, 0) - customers.start
    expected = customers.visits_per_day * np.maximum(span, 0)
    # Six standard deviations beyond the mean: nobody runs out of gaps before they leave.
    gaps = np.ceil(expected + 6 * np.sqrt((expected + 1) / shop.regularity)).astype(np.int64)
    gaps[customers.one_time] = 0
    who = np.repeat(np.arange(shop.customers), gaps)
    gap = rng.standard_gamma(shop.regularity, who.size) / shop.regularity / customers.visits_per_day[who]
    paused = rng.random(who.size) < -np.expm1(-shop.pauses_per_year / 365 * gap)
    long = rng.random(int(paused.sum())) < shop.absences
    gap[paused] += 7 * np.where(long, shop.absence_weeks, shop.pause_weeks) * rng.standard_exponential(long.size)
    total = np.cumsum(gap)
    before = np.concatenate([[0.0], total])[np.cumsum(gaps) - gaps]
    time = customers.start[who] + total - np.repeat(before, gaps)
    alive = (time < np.minimum(customers.end, 0)[who]) & (rng.random(who.size) < _rhythm(shop, time, last_weekday))
    everyone = np.arange(shop.customers)
    who, time = np.concatenate([everyone, who[alive]]), np.concatenate([customers.start, time[alive]])
    again = (rng.random(who.size) < shop.same_day) & (time < -1 / 24)
    who, time = np.concatenate([who, who[again]]), np.concatenate([time, time[again] + rng.uniform(0, 1 / 24, int(again.sum()))])
    order = np.lexsort((time, who))
    return _Visits(who[order], time[order])


def _rhythm(shop: Shop, time: Floats, last_weekday: int) -> Floats:
    """Return the share of visits that season and day of the week leave at each time, at most 1."""
    by_day = np.asarray(shop.weekday)[(last_weekday + 1 + np.floor(time).astype(np.int64)) % 7] / max(shop.weekday)
    swing = 1 + shop.season * np.cos(2 * np.pi * (time + 7 * shop.season_peak_week) / 365.25)
    return np.asarray(by_day * swing / (1 + shop.season))


def _events(shop: Shop, customers: _Customers, visits: _Visits, last_day: date, rng: np.random.Generator) -> pa.Table:
    """Draw what happens in each visit."""
    who, time, n = visits.who, visits.time, visits.who.size
    engagement = customers.engagement[who]
    leaving = np.where(customers.end[who] - time < 14, shop.clearing_out, 1.0)
    in_trouble = customers.troubled[who] & (time >= -7)
    buys = (rng.random(n) < shop.purchase / (shop.purchase + (1 - shop.purchase) / engagement)) & ~in_trouble
    # Negative binomial beyond the first line: a large shop now and then, something forgotten in between.
    lines = 1 + rng.poisson((shop.basket - 1) * rng.standard_exponential(n))
    wanted = np.where(buys, lines, rng.poisson(shop.browsed * engagement))
    removed = rng.binomial(wanted, np.minimum(shop.cart_removal * leaving, 0.9))
    removed = np.where(in_trouble, wanted, removed)
    bought = np.where(buys, np.maximum(wanted - removed, 1), 0)
    counts = {
        "added_to_cart": wanted,
        "removed_from_cart": np.minimum(removed, wanted - bought),
        "cart_quantity_updated": rng.binomial(wanted, np.minimum(shop.cart_update * engagement, 0.8)),
        "added_to_wishlist": rng.poisson(shop.wishlist * engagement),
        "removed_from_wishlist": rng.poisson(shop.wishlist * shop.wishlist_removal * leaving, n),
        "page_view": 1 + rng.poisson(1.0, n),
        "product_view": rng.poisson(1.5, n),
    }
    parts = {name: np.repeat(np.arange(n), count) for name, count in counts.items() if shop.records_browsing}

    line_visit = np.repeat(np.arange(n), bought)
    price = shop.price_usd * customers.spending[who[line_visit]] * _log_normal(shop.price_spread, line_visit.size, rng)
    cents = np.maximum(np.rint(100 * price), 1).astype(np.int64)
    quantity = 1 + rng.binomial(2, 0.1, line_visit.size)
    order_visit = np.flatnonzero(bought)
    if shop.records_lines:
        parts["purchase"] = line_visit
    parts["order_completed"] = order_visit

    position = {name: 60 * minute for minute, name in enumerate(_ORDER)}
    visit = np.concatenate(list(parts.values()))
    kind = np.repeat([_ORDER.index(name) for name in parts], [part.size for part in parts.values()])
    seconds = np.asarray([position[name] for name in _ORDER])[kind] + rng.uniform(0, 60, visit.size)
    # Shops wake from eight to half past nine: a visit's events all fall on the visit's day.
    midnight = datetime.combine(last_day + timedelta(days=1), clock_time(), UTC).timestamp()
    day, hour = np.floor(time), 8 + 13.5 * (time % 1)
    stamp = (midnight + (day * 86_400 + hour * 3_600)[visit] + seconds).astype(np.int64) * 1_000_000

    priced = np.zeros(visit.size, dtype=np.bool_)
    event_cents = np.zeros(visit.size, dtype=np.int64)
    event_quantity = np.ones(visit.size, dtype=np.int64)
    if shop.records_lines:
        lines = kind == _ORDER.index("purchase")
        priced[lines], event_cents[lines], event_quantity[lines] = True, cents, quantity
    else:
        orders = kind == _ORDER.index("order_completed")
        totals = np.bincount(line_visit, weights=cents * quantity, minlength=n).astype(np.int64)
        priced[orders], event_cents[orders] = True, totals[order_visit]

    order = np.argsort(stamp, kind="stable")
    visit, kind, priced = visit[order], kind[order], priced[order]
    return pa.Table.from_arrays(
        [
            _take_names("u", who[visit]),
            pa.array(_ORDER).take(pa.array(kind)),
            pa.array(stamp[order]).cast(SCHEMA.field("timestamp").type),
            _decimals(event_cents[order], priced),
            pa.array(event_quantity[order], mask=~priced),
            _take_names("s", visit),
        ],
        schema=SCHEMA,
    )


_ORDER = (
    "page_view",
    "product_view",
    "added_to_wishlist",
    "removed_from_wishlist",
    "added_to_cart",
    "cart_quantity_updated",
    "removed_from_cart",
    "purchase",
    "order_completed",
)


def _log_normal(spread: float, n: int, rng: np.random.Generator) -> Floats:
    return np.asarray(np.exp(spread * rng.standard_normal(n)))


def _take_names(letter: str, numbers: Ints) -> pa.Array:
    """Return `letter` and six digits or more for each number."""
    names = pc.utf8_lpad(pa.array(np.arange(numbers.max(initial=0) + 1)).cast(pa.string()), width=6, padding="0")
    return pc.binary_join_element_wise(letter, names, "").take(pa.array(numbers))


def _decimals(cents: Ints, valid: Flags) -> pa.Array:
    """Make NUMERIC dollars of whole cents: a decimal128 is a 128-bit count of billionths, its low half first."""
    halves = np.zeros((cents.size, 2), dtype=np.int64)
    halves[:, 0] = cents * 10_000_000
    bits = np.packbits(valid, bitorder="little")
    buffers = [pa.py_buffer(bits), pa.py_buffer(halves)]
    return pa.Array.from_buffers(SCHEMA.field("price").type, cents.size, buffers)
