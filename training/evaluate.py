"""Every figure and picture of the model card: `python -m training.evaluate` prints the one and draws the other.

The model is measured on simulated shops it was not trained on, and on the second half of a real shop's year. Nothing is ever
predicted from what came later: the correction of a week is fitted on the week that ended 28 days earlier.
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xgboost
from sklearn.calibration import calibration_curve
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from tqdm import tqdm

from model.calibration import IDENTITY, PRIOR, Prior, apply
from model.churn import FEATURES, MODEL_PATH, load
from report.rules import SESSIONS_LIMITS, SPENT_LIMITS
from training import complete_journey, dataset, pictures, shops
from training.bg_nbd import probabilities_to_stay_away
from training.boosting import CUTS, DIRECTIONS, Cuts, fit
from training.dataset import FOLLOW_UP_WEEKS, CustomerWeeks
from training.scores import Floats, as_served, log_odds, scores, within_shops
from training.train import HELD_OUT_SHOPS, LABELLED_WEEKS, LAST_DAY, TRAINING_SHOPS, simulated

REAL_LAST_DAY = date(2017, 12, 31)
REAL_WEEKS = 52
SECOND_HALF = 26
"""The weeks of the real shop less than so many weeks ago are for measuring, the others for its own models."""

GROCER = shops.Shop(
    customers=2_470,
    founders=1.0,
    visits_per_week=1.3,
    visits_spread=0.85,
    lifetime_weeks=900.0,
    same_day=0.1,
    purchase=0.95,
    basket=10.0,
    price_usd=2.2,
    price_spread=0.7,
    records_browsing=False,
)
"""The simulated shop that stands beside the real one in the card: all of its customers were there from the start."""


@dataclass(frozen=True)
class Others:
    """What else was made of the same training shops, to compare with."""

    unrestricted: xgboost.Booster
    logistic_regression: Pipeline
    base_rate: float


def main() -> None:
    """Print the tables in Markdown, draw the pictures."""
    training = simulated(TRAINING_SHOPS, seed=1, weeks=LABELLED_WEEKS, what="Simulating shops to train on")
    held_out = simulated(HELD_OUT_SHOPS, seed=2, weeks=2 * FOLLOW_UP_WEEKS, what="Simulating shops to hold out")
    bundled = xgboost.Booster(model_file=MODEL_PATH)
    others = Others(
        fit(training, None, None, max_depth=6, eta=0.1), _logistic_regression(training), float(training.churned.mean())
    )
    real_events = complete_journey.events()
    real = dataset.from_events(real_events, REAL_WEEKS, REAL_LAST_DAY)
    rates = np.bincount(training.shop, training.churned) / np.bincount(training.shop)
    tqdm.write(
        f"Model {load().version}. Trained on {training.churned.size:,} customer-weeks of {rates.size} shops, "
        f"of which {rates.min():.0%} (in one shop) to {rates.max():.0%} (in another) churned, {np.median(rates):.0%} on median."
    )
    speed()
    realism(real_events, real)
    directions(others.unrestricted, held_out)
    compactness(others.unrestricted, training, held_out)
    on_simulated_shops(bundled, others, held_out)
    on_the_real_shop(bundled, others, real, real_events)
    calibration_picture(bundled, held_out, real)
    priors(bundled)


def speed() -> None:
    """How long a large shop takes."""
    start = time.perf_counter()
    events = shops.simulate(shops.Shop(customers=120_000), 26, 1, LAST_DAY)
    seconds = time.perf_counter() - start
    weeks = pc.divide(events["timestamp"].cast(pa.int64()), 7 * 86_400_000_000)
    customer_weeks = pa.table([events["user_id"], weeks], ["user", "week"]).group_by(["user", "week"]).aggregate([]).num_rows
    tqdm.write(f"Simulated {customer_weeks:,} customer-weeks ({events.num_rows:,} events) in {seconds:.0f} s.\n")


def realism(real_events: pa.Table, real: CustomerWeeks) -> None:
    """The real shop's first half beside a simulated grocer's."""
    weeks = REAL_WEEKS - SECOND_HALF
    grocer_events = shops.simulate(GROCER, weeks, 1, LAST_DAY)
    grocer = dataset.from_events(grocer_events, weeks, LAST_DAY)
    real = real.where(real.weeks_ago >= SECOND_HALF + FOLLOW_UP_WEEKS)
    half = REAL_LAST_DAY - timedelta(days=7 * SECOND_HALF - 1)
    real_first_half = real_events.filter(pc.less(real_events["timestamp"].cast(pa.date32()), pa.scalar(half)))
    sides = {"real": (real, _gaps(real_first_half)), "simulated": (grocer, _gaps(grocer_events))}
    sessions, spend = FEATURES.index("total_sessions"), FEATURES.index("total_spent_usd")
    rows = []
    for name, (side, gaps) in sides.items():
        many = np.minimum(side.features[:, sessions], 6).astype(int)
        rows += [
            [
                f"{name}: share of customer-weeks with 1, 2, 3, 4, 5, 6+ sessions",
                *(f"{np.mean(many == n):.3f}" for n in range(1, 7)),
            ],
            [f"{name}: share of these that churned", *(f"{side.churned[many == n].mean():.3f}" for n in range(1, 7))],
            [f"{name}: spend a week in $, percentiles 10, 25, 50, 75, 90, 99", *_percentiles(side.features[:, spend])],
            [f"{name}: days between visits, percentiles 10, 25, 50, 75, 90, 99", *_percentiles(gaps)],
        ]
    _table(
        "The real shop's first half and a simulated grocer", ["", *[""] * 6], sorted(rows, key=lambda row: row[0].split(":")[1])
    )
    pictures.distributions(
        "realism",
        {name: (side.features[:, sessions], side.features[:, spend], gaps) for name, (side, gaps) in sides.items()},
    )


def _percentiles(values: Floats) -> list[str]:
    return [f"{value:.1f}" for value in np.percentile(values, [10, 25, 50, 75, 90, 99])]


def _gaps(events: pa.Table) -> Floats:
    """Days between the starts of a customer's consecutive sessions."""
    visits = (
        events.group_by(["user_id", "session_id"])
        .aggregate([("timestamp", "min")])
        .sort_by([("user_id", "ascending"), ("timestamp_min", "ascending")])
    )
    _, who = np.unique(visits["user_id"].to_numpy(), return_inverse=True)
    days = visits["timestamp_min"].cast(pa.int64()).to_numpy() / 86_400e6
    return np.asarray(np.diff(days)[np.diff(who) == 0])


def directions(unrestricted: xgboost.Booster, held_out: CustomerWeeks) -> None:
    """What a model without constraints says of each feature: its mean log-odds where all customers have the same of it."""
    some = held_out.features[np.random.default_rng(1).permutation(len(held_out.features))[:20_000]]
    rows = []
    for number, feature in enumerate(FEATURES):
        row = [feature, f"{DIRECTIONS[feature]:+}"]
        for percentile in (5, 50, 90, 99):
            same = some.copy()
            same[:, number] = np.percentile(some[:, number], percentile)
            row.append(f"{log_odds(unrestricted, same).mean():.2f} at {same[0, number]:.0f}")
        rows.append(row)
    heads = ["feature", "constraint", "5th percentile", "median", "90th", "99th"]
    _table("Directions: mean log-odds of the unrestricted model if all held-out customers had the same", heads, rows)


@dataclass(frozen=True)
class Candidate:
    """A point of the curve: a model and what its cells and its accuracy are."""

    name: str
    cells: int
    auc: float
    pooled_auc: float


def compactness(unrestricted: xgboost.Booster, training: CustomerWeeks, held_out: CustomerWeeks) -> None:
    """How AUC depends on the number of cells: the curve on which the bundled model was chosen."""
    coarser: Cuts = {**CUTS, "added_to_wishlist": (1,), "cart_quantity_updated": (1,), "removed_from_cart": (1,)}
    finer: Cuts = {**CUTS, "days_since_last_activity": (1, 3, 5), "total_spent_usd": (20, 50, 100, 200, 1000)}
    finest: Cuts = {
        **finer,
        "days_since_last_activity": (1, 2, 3, 4, 5, 6),
        "total_sessions": (2, 3, 4, 5, 8, 15),
        "cart_quantity_updated": (1, 2, 4),
        "total_spent_usd": (1, 20, 50, 100, 200, 500, 1000),
    }
    boosters = {
        "depth 6, 256 bins, unrestricted": unrestricted,
        "depth 6, 256 bins, monotone": fit(training, None, max_depth=6, eta=0.1),
        "depth 3, 32 bins, monotone": fit(training, None, max_depth=3, max_bin=32),
        "depth 2, 8 bins, monotone": fit(training, None, max_depth=2, max_bin=8),
        "depth 2, finest cuts": fit(training, finest),
        "depth 2, finer cuts": fit(training, finer),
        "depth 2, the cuts (bundled)": fit(training),
        "depth 1, the cuts": fit(training, max_depth=1),
        "depth 2, coarser cuts": fit(training, coarser),
    }
    week = np.random.default_rng(1).choice(held_out.churned.size, 100_000, replace=False)
    candidates = []
    for name, booster in boosters.items():
        odds = log_odds(booster, held_out.features)
        cells = count_cells(held_out.features[week], thresholds(booster))
        candidates.append(Candidate(name, cells, within_shops(held_out, odds), float(roc_auc_score(held_out.churned, odds))))
    _table(
        "AUC and cells of 100,000 customers of all held-out shops",
        ["model", "cells", "AUC within shops", "AUC over all"],
        [[c.name, f"{c.cells:,}", f"{c.auc:.4f}", f"{c.pooled_auc:.4f}"] for c in candidates],
    )
    pictures.curve("compactness", [(c.name, c.cells, c.auc) for c in candidates])
    single = []
    for number in tqdm(range(0, len(HELD_OUT_SHOPS), 20), desc="Weeks of 100,000 customers", unit="shop"):
        of_shop = held_out.where(held_out.shop == number)
        weekly = of_shop.churned.size / (2 * FOLLOW_UP_WEEKS)
        large = replace(HELD_OUT_SHOPS[number], customers=round(HELD_OUT_SHOPS[number].customers * 100_000 / weekly))
        weeks = FOLLOW_UP_WEEKS + 1
        one = dataset.from_events(shops.simulate(large, weeks, [3, number], LAST_DAY), weeks, LAST_DAY)
        features = one.features[np.random.default_rng(1).permutation(one.churned.size)[:100_000]]
        single.append((len(features), count_cells(features, thresholds(boosters["depth 2, the cuts (bundled)"]))))
    _table(
        "Cells of the bundled model in one week of single shops",
        ["customers", "cells"],
        [[f"{a:,}", f"{b:,}"] for a, b in single],
    )


def thresholds(booster: xgboost.Booster) -> dict[str, Floats]:
    """For each feature the values at which its cells end: the trees' thresholds and the segments' limits, ascending."""
    splits = booster.trees_to_dataframe()
    limits = {"total_sessions": SESSIONS_LIMITS, "total_spent_usd": SPENT_LIMITS}
    return {
        feature: np.union1d(splits.loc[splits["Feature"] == feature, "Split"], limits.get(feature, ())) for feature in FEATURES
    }


def count_cells(features: Floats, limits: dict[str, Floats]) -> int:
    """How many cells the customers with these features (n × 8) fall into."""
    return len(
        np.unique(
            np.column_stack([np.searchsorted(limits[f], c, "right") for f, c in zip(FEATURES, features.T, strict=True)]), axis=0
        )
    )


def on_simulated_shops(bundled: xgboost.Booster, others: Others, held_out: CustomerWeeks) -> None:
    """Held out by shop, in weeks that have a week to look back on."""
    now = held_out.weeks_ago < 2 * FOLLOW_UP_WEEKS
    measured = held_out.where(now)
    rows = []
    for name, odds in _predictions(bundled, others, held_out).items():
        before, after = apply(IDENTITY, odds), as_served(odds, held_out)
        rows.append(
            [
                name,
                f"{within_shops(measured, odds[now]):.4f}",
                *_three(measured, before[now]),
                *_three(measured, after[now]),
            ]
        )
    for name, ranks in _rankings(measured).items():
        rows.append([name, f"{within_shops(measured, ranks):.4f}", f"{roc_auc_score(measured.churned, ranks):.4f}", *["–"] * 5])
    highest = apply(IDENTITY, log_odds(bundled, measured.features)).max()
    tqdm.write(f"The highest probability of the bundled model there, uncorrected, is {highest:.2f}.\n")
    heads = ["", "AUC within shops", "AUC", "log loss", "Brier", "AUC, corrected", "log loss, corrected", "Brier, corrected"]
    rate = measured.churned.mean()
    _table(f"Simulated shops, held out: {measured.churned.size} customer-weeks, {rate:.1%} churned", heads, rows)


def _three(weeks: CustomerWeeks, probabilities: Floats) -> list[str]:
    figures = scores(weeks.churned, probabilities)
    return [f"{figures.auc:.4f}", f"{figures.log_loss:.4f}", f"{figures.brier:.4f}"]


def _predictions(bundled: xgboost.Booster, others: Others, weeks: CustomerWeeks) -> dict[str, Floats]:
    """The log-odds (n) of models that never saw the shops of `weeks`."""
    return {
        "bundled model": log_odds(bundled, weeks.features),
        "the same, unrestricted": log_odds(others.unrestricted, weeks.features),
        "logistic regression": others.logistic_regression.decision_function(weeks.features),
        "base rate": np.full(weeks.churned.size, np.log(others.base_rate / (1 - others.base_rate))),
    }


def _logistic_regression(training: CustomerWeeks) -> Pipeline:
    """On logarithms of the features, which are all skewed."""
    model = make_pipeline(FunctionTransformer(np.log1p), StandardScaler(), LogisticRegression())
    return model.fit(training.features, training.churned)


def _rankings(weeks: CustomerWeeks) -> dict[str, Floats]:
    """Single features as a risk: they rank customers, and say nothing of probabilities."""
    ways = {"by sessions": "total_sessions", "by recency": "days_since_last_activity", "by spend": "total_spent_usd"}
    return {name: DIRECTIONS[feature] * weeks.features[:, FEATURES.index(feature)] for name, feature in ways.items()}


def on_the_real_shop(bundled: xgboost.Booster, others: Others, real: CustomerWeeks, events: pa.Table) -> None:
    """Week by week, and beside other models, in the second half of the year."""
    now = real.weeks_ago < SECOND_HALF
    measured = real.where(now)
    own = real.where(real.weeks_ago >= SECOND_HALF + FOLLOW_UP_WEEKS)
    odds = log_odds(bundled, real.features)
    before, after = apply(IDENTITY, odds), as_served(odds, real)
    rows, apart = [], []
    for week in range(SECOND_HALF - 1, FOLLOW_UP_WEEKS - 1, -1):
        here = real.weeks_ago == week
        churned = real.churned[here]
        apart.append(abs(after[here].mean() - churned.mean()))
        rows.append(
            [
                f"{REAL_LAST_DAY - timedelta(days=7 * week)}",
                f"{churned.size:,}",
                f"{roc_auc_score(churned, odds[here]):.3f}",
                f"{churned.mean():.1%}",
                f"{before[here].mean():.1%}",
                f"{after[here].mean():.1%}",
                f"{log_loss(churned, before[here]):.4f}",
                f"{log_loss(churned, after[here]):.4f}",
                f"{log_loss(churned, np.full(churned.size, churned.mean())):.4f}",
            ]
        )
    heads = ["week ending", "customers", "AUC", "churned", "expected", "expected, corrected"]
    heads += ["log loss", "log loss, corrected", "log loss of the week's own rate"]
    _table("The real shop, week by week", heads, rows)
    tqdm.write(f"Expected (corrected) and observed churn rate of a week are {np.median(apart):.2%} apart on median.\n")

    predictions = _predictions(bundled, others, real)
    predictions["XGBoost on the shop's own first half"] = log_odds(fit(own, None, max_depth=2), real.features)
    predictions["logistic regression on its own first half"] = _logistic_regression(own).decision_function(real.features)
    summary = []
    for name, candidate in predictions.items():
        uncorrected, corrected = apply(IDENTITY, candidate)[now], as_served(candidate, real)[now]
        summary.append([name, *_three(measured, uncorrected), *_three(measured, corrected)])
    for name, ranks in _rankings(measured).items():
        summary.append([name, f"{roc_auc_score(measured.churned, ranks):.4f}", *["–"] * 5])
    summary.append(["BG/NBD, fitted on its first half, given each customer's whole history", *_bg_nbd(events), *["–"] * 3])
    heads = ["", "AUC", "log loss", "Brier", "AUC, corrected", "log loss, corrected", "Brier, corrected"]
    rate = measured.churned.mean()
    _table(f"The real shop's second half: {measured.churned.size} customer-weeks, {rate:.1%} churned", heads, summary)
    level = log_loss(measured.churned, np.full(measured.churned.size, rate))
    tqdm.write(f"Log loss of the half-year's own churn rate, known beforehand: {level:.4f}\n")


def _bg_nbd(events: pa.Table) -> list[str]:
    churned, probabilities = probabilities_to_stay_away(events, REAL_LAST_DAY, SECOND_HALF, FOLLOW_UP_WEEKS)
    figures = scores(churned, probabilities)
    return [f"{figures.auc:.4f}", f"{figures.log_loss:.4f}", f"{figures.brier:.4f}"]


def calibration_picture(bundled: xgboost.Booster, held_out: CustomerWeeks, real: CustomerWeeks) -> None:
    """Predicted against observed churn in ten equal groups of customers."""
    panels = {}
    for name, weeks, newer_than in (
        ("simulated shops, held out", held_out, 2 * FOLLOW_UP_WEEKS),
        ("the real shop, second half", real, SECOND_HALF),
    ):
        odds, now = log_odds(bundled, weeks.features), weeks.weeks_ago < newer_than
        both = {"as the model says": apply(IDENTITY, odds), "corrected by the look back": as_served(odds, weeks)}
        panels[name] = {
            label: calibration_curve(weeks.churned[now], probabilities[now], n_bins=10, strategy="quantile")
            for label, probabilities in both.items()
        }
    pictures.calibration("calibration", panels)


def priors(bundled: xgboost.Booster) -> None:
    """Log loss after the correction for priors of different strength, on training shops thinned to small ones."""
    weeks = simulated(TRAINING_SHOPS[:80], seed=4, weeks=FOLLOW_UP_WEEKS + 1, what="Simulating shops for the prior")
    odds = log_odds(bundled, weeks.features)
    rng = np.random.default_rng(1)
    order = rng.permutation(odds.size)
    place = np.empty(odds.size)
    for shop, week in np.unique(np.column_stack([weeks.shop, weeks.weeks_ago]), axis=0):
        here = order[(weeks.shop[order] == shop) & (weeks.weeks_ago[order] == week)]
        place[here] = np.arange(here.size)
    rows = []
    for prior in _grid([0.3, 1.0, 3.0], [0.05, 0.1, 0.2, 0.5]):
        row = [f"{prior.intercept}", f"{prior.log_slope}"]
        for size in (10, 30, 100, 1_000_000):
            thinned, some = weeks.where(place < size), odds[place < size]
            now = thinned.weeks_ago == FOLLOW_UP_WEEKS
            row.append(f"{log_loss(thinned.churned[now], as_served(some, thinned, prior)[now]):.4f}")
        rows.append([*row, "chosen" if prior == PRIOR else ""])
    heads = ["sd of intercept", "sd of log slope", "10 customers a week", "30", "100", "all", ""]
    _table("Log loss after correction, by prior and size of the shop", heads, rows)


def _grid(intercepts: Sequence[float], log_slopes: Sequence[float]) -> Iterable[Prior]:
    return [Prior(intercept, log_slope) for intercept in intercepts for log_slope in log_slopes]


def _table(title: str, heads: list[str], rows: list[list[str]]) -> None:
    lines = [heads, ["---"] * len(heads), *rows]
    tqdm.write(f"## {title}\n\n" + "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n")


if __name__ == "__main__":
    main()
