"""How often a change is told that is none, and how often one that is: `make changes` prints the table of docs/changes.md.

A steady shop draws the customers of each week, with all that they do, from the same pool: the customer-weeks of a simulated shop.
So nothing changes but by chance. In a falling shop a third of the visits of the newest week do not take place.
"""

import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date

import numpy as np
from tqdm import tqdm

from model import churn
from model.arrays import FloatArray
from model.calibration import IDENTITY, apply
from model.churn import FEATURES
from report.analysis.cells import Cells, ScoredCells
from report.analysis.changes import BASELINE_WEEKS, changes
from report.schema import Change
from training.dataset import from_events
from training.shops import draw_shops, simulate

SHOPS = 8
SIZES = (50, 100, 300, 1_000, 5_000)
"""Customers a week."""
WEEKS = 20
"""Weeks that are judged in each shop of each size: 500 of a size."""
SESSIONS, SPENT = FEATURES.index("total_sessions"), FEATURES.index("total_spent_usd")
COUNTS = slice(0, SESSIONS + 1)


def main() -> int:
    """Print how many percent of the verdicts are false in steady shops, and how many falls are caught."""
    false: dict[tuple[int, str], list[bool]] = defaultdict(list)
    caught: dict[int, list[bool]] = defaultdict(list)
    for number, pool in enumerate(tqdm(_pools(), total=SHOPS)):
        for size in SIZES:
            random = np.random.default_rng([number, size])
            weeks = [_week(pool, size, random) for _ in range(BASELINE_WEEKS + 1 + WEEKS)]
            for newest in range(BASELINE_WEEKS + 1, len(weeks)):
                before = weeks[newest - BASELINE_WEEKS : newest][::-1]
                for change in _judge(weeks[newest], before):
                    false[size, change.what].append(change.verdict != "usual")
                fallen = _judge(_without_a_third_of_visits(_week(pool, size, random), random), before)
                caught[size].append(any(change.verdict == "worse" for change in fallen))
    figures = list(dict.fromkeys(what for _, what in false))
    sys.stdout.write(
        f"| customers a week | {' | '.join(figures)} | falls by a third caught |\n|---|{'---|' * (len(figures) + 1)}\n"
    )
    for size in SIZES:
        shares = [f"{100 * float(np.mean(false[size, what])):.1f}" for what in figures]
        sys.stdout.write(f"| {size:,} | {' | '.join(shares)} | {100 * float(np.mean(caught[size])):.0f} |\n")
    return 0


def _pools() -> Iterator[FloatArray]:
    """The features of the customer-weeks of each shop."""
    for number, shop in enumerate(draw_shops(SHOPS, seed=15)):
        last_day = date(2025, 6, 29)
        events = simulate(replace(shop, customers=4_000, season=0.0), 24, number, last_day)
        yield from_events(events, 24, last_day).features


def _week(pool: FloatArray, size: int, random: np.random.Generator) -> FloatArray:
    return pool[random.integers(0, len(pool), random.poisson(size))]


def _without_a_third_of_visits(features: FloatArray, random: np.random.Generator) -> FloatArray:
    """The week without a third of its visits and what happened in them; who has none left did not come."""
    visits = np.maximum(features[:, SESSIONS], 1).astype(np.int64)
    left = random.binomial(visits, 2 / 3)
    fallen = features.copy()
    share = (left / visits)[:, np.newaxis]
    fallen[:, COUNTS] = np.floor(fallen[:, COUNTS] * share)
    fallen[:, [SPENT]] *= share
    return fallen[left > 0]


def _judge(newest: FloatArray, before: Sequence[FloatArray]) -> tuple[Change, ...]:
    scored = [_scored(features) for features in (newest, *before)]
    return changes(scored[0], scored[1], scored[1:])


def _scored(features: FloatArray) -> ScoredCells:
    ones = np.ones(len(features), np.int64)
    cells = Cells(features, ones == 0, ones, features[:, SPENT])
    return ScoredCells(cells, apply(IDENTITY, churn.log_odds(churn.load(), features)))


if __name__ == "__main__":
    sys.exit(main())
