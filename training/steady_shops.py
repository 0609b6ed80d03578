"""Measure false and missed changes: `make changes` prints the tables of docs/changes.md.

In two kinds of steady shops, changes are only chance. In one kind, each week's customers, with all that they do, are drawn
anew from the customer-weeks of a simulated shop. In the other, the same people come from week to week: regulars who never leave,
and others who arrive at an even pace and leave soon. In a falling shop, a third of the visits of the newest week do not
take place.
"""

import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from tqdm import tqdm

from model import churn
from model.arrays import FloatArray
from model.calibration import IDENTITY, apply
from model.churn import FEATURES
from report.analysis.cells import Cells, ScoredCells
from report.analysis.changes import BASELINE_WEEKS, changes, figures
from report.schema import Change
from report.week import MEMORY_WEEKS, WEEKS_TO_COME_BACK
from training.dataset import CustomerWeeks, from_events
from training.shops import Shop, draw_shops, simulate

SHOPS = 25
SIZES = (50, 100, 300, 1_000, 5_000)
"""Customers a week."""
WEEKS = 20
"""Weeks that are judged in each shop of each size: 500 of a size."""
ALL_WEEKS = BASELINE_WEEKS + 1 + WEEKS
POOL_CUSTOMERS, POOL_WEEKS = 4_000, 24
TRIAL_CUSTOMERS = 500
OTHERS_FOR_A_REGULAR = 8
LAST_DAY = date(2025, 6, 29)
SESSIONS, SPENT = FEATURES.index("total_sessions"), FEATURES.index("total_spent_usd")
COUNTS = slice(0, SESSIONS + 1)

Weeks = list[FloatArray]
"""The features of the customers of each week, oldest first."""


def main() -> int:
    """Print how many percent of the verdicts are false in steady shops, and how many falls are caught."""
    _measure("Customers drawn anew each week", _drawn_anew())
    _measure("The same people from week to week", _same_people())
    return 0


def _measure(title: str, shops: Iterator[dict[int, Weeks]]) -> None:
    false: dict[tuple[int, str], list[bool]] = defaultdict(list)
    caught: dict[int, list[bool]] = defaultdict(list)
    for number, by_size in enumerate(tqdm(shops, total=SHOPS)):
        for size, weeks in by_size.items():
            random = np.random.default_rng([number, size, 1])
            for newest in range(BASELINE_WEEKS + 1, len(weeks)):
                before = weeks[newest - BASELINE_WEEKS : newest][::-1]
                for change in _judge(weeks[newest], before):
                    false[size, change.what].append(change.verdict != "usual")
                fallen = _judge(_without_a_third_of_visits(weeks[newest], random), before)
                caught[size].append(any(change.verdict == "worse" for change in fallen))
    judged = list(dict.fromkeys(what for _, what in false))
    rows = [
        (f"{size:,}", *(_percent(false[size, what]) for what in judged), f"{100 * float(np.mean(caught[size])):.0f}")
        for size in SIZES
    ]
    rows.append(("all", *(_percent([told for size in SIZES for told in false[size, what]]) for what in judged), ""))
    header = ("customers a week", *judged, "falls by a third caught")
    lines = [f"{title}:", "", *(f"| {' | '.join(row)} |" for row in (header, ("---",) * len(header), *rows)), "", ""]
    sys.stdout.write("\n".join(lines))


def _percent(told: Sequence[bool]) -> str:
    return f"{100 * float(np.mean(told)):.1f}"


def _drawn_anew() -> Iterator[dict[int, Weeks]]:
    for number, shop in enumerate(draw_shops(SHOPS, seed=15)):
        events = simulate(replace(shop, customers=POOL_CUSTOMERS, season=0.0), POOL_WEEKS, number, LAST_DAY)
        pool = from_events(events, POOL_WEEKS, LAST_DAY).features
        by_size = {}
        for size in SIZES:
            random = np.random.default_rng([number, size])
            by_size[size] = [pool[random.integers(0, len(pool), random.poisson(size))] for _ in range(ALL_WEEKS)]
        yield by_size


def _same_people() -> Iterator[dict[int, Weeks]]:
    for number, shop in enumerate(draw_shops(SHOPS, seed=15)):
        steady = replace(shop, season=0.0)
        trial = _customer_weeks(steady, TRIAL_CUSTOMERS, number)
        regulars = round(TRIAL_CUSTOMERS * 1.1 * max(SIZES) * ALL_WEEKS / len(trial.churned))
        rows = _customer_weeks(steady, regulars, number)
        _, who = np.unique(rows.user_id, return_inverse=True)
        chance = np.random.default_rng([number, 2]).random(who.max() + 1)[who]
        by_size = {}
        for size in SIZES:
            some = rows.where(chance < size * ALL_WEEKS / len(rows.churned))
            oldest_first = range(some.weeks_ago.max(), some.weeks_ago.min() - 1, -1)
            by_size[size] = [some.features[some.weeks_ago == weeks_ago] for weeks_ago in oldest_first]
        yield by_size


def _customer_weeks(shop: Shop, regulars: int, seed: int) -> CustomerWeeks:
    """Return the customer-weeks of a shop in which as many people arrive as leave."""
    stay = replace(shop, customers=regulars, founders=1.0, one_time=1e-9, lifetime_weeks=1e6)
    leave = replace(shop, customers=OTHERS_FOR_A_REGULAR * regulars, founders=0.0, lifetime_weeks=3.0, lifetime_spread=0.5)
    weeks = ALL_WEEKS + MEMORY_WEEKS + WEEKS_TO_COME_BACK
    regular, others = (simulate(people, weeks, [seed, kind], LAST_DAY) for kind, people in enumerate((stay, leave)))
    ids = pc.binary_join_element_wise("other", others["user_id"], "-")
    others = others.set_column(others.schema.get_field_index("user_id"), "user_id", ids)
    rows = from_events(pa.concat_tables([regular, others]), weeks, LAST_DAY)
    return rows.where(rows.weeks_ago < ALL_WEEKS + WEEKS_TO_COME_BACK)


def _without_a_third_of_visits(features: FloatArray, random: np.random.Generator) -> FloatArray:
    """Return the week without a third of its visits and their events; customers without a visit are left out."""
    visits = np.maximum(features[:, SESSIONS], 1).astype(np.int64)
    left = random.binomial(visits, 2 / 3)
    fallen = features.copy()
    share = (left / visits)[:, np.newaxis]
    fallen[:, COUNTS] = np.floor(fallen[:, COUNTS] * share)
    fallen[:, [SPENT]] *= share
    return fallen[left > 0]


def _judge(newest: FloatArray, before: Sequence[FloatArray]) -> tuple[Change, ...]:
    now, *past = (figures(_scored(features)) for features in (newest, *before))
    return changes(now, past[0], past)


def _scored(features: FloatArray) -> ScoredCells:
    ones = np.ones(len(features), np.int64)
    cells = Cells(features, ones == 0, ones, features[:, SPENT])
    return ScoredCells(cells, apply(IDENTITY, churn.log_odds(churn.load(), features)))


if __name__ == "__main__":
    sys.exit(main())
