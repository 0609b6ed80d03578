"""Print every figure and draw every picture of the model card: `python -m training.evaluate`.

The model is measured on simulated shops that it was not trained on, and on two real shops. Nothing is predicted from later data:
the correction of a week is fitted on weeks that ended 28 days earlier or more.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import xgboost
from sklearn.calibration import calibration_curve
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from tqdm import tqdm

from model.calibration import IDENTITY, PRIOR, WEIGHTS, Prior, apply
from model.churn import FEATURES, MODEL_PATH, load
from report.analysis.limits import buckets, cell_limits
from report.rules import SESSIONS_LIMITS, SPENT_LIMITS
from report.week import MEMORY_WEEKS
from training import dataset, pictures, real_shops, shops, young_shops
from training.bg_nbd import probabilities_to_stay_away
from training.boosting import CUTS, DIRECTIONS, Cuts, fit
from training.dataset import FOLLOW_UP_WEEKS, CustomerWeeks
from training.real_shops import RealShop
from training.scores import Flags, Floats, as_served, auc, correction, log_loss, log_odds, scores, within_shops
from training.train import HELD_OUT_SHOPS, LABELLED_WEEKS, LAST_DAY, TRAINING_SHOPS, simulated, simulated_one_by_one

MEASURED_WEEKS = 4
"""Of each held-out shop. The weeks before them teach their corrections."""
HELD_OUT_WEEKS = MEASURED_WEEKS + FOLLOW_UP_WEEKS + len(WEIGHTS) - 1
ACTIVE = FEATURES.index("active_weeks_before")
FADING = 0.85
"""What a week before counts less than the week after it, in the comparison with a fading memory."""

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
"""The simulated shop that is compared with the real grocer: all of its customers were there from the start."""


@dataclass(frozen=True)
class Others:
    """Other models of the same training shops, for comparison."""

    unrestricted: xgboost.Booster
    logistic_regression: Pipeline
    base_rate: float
    without_memory: xgboost.Booster
    twelve_weeks: xgboost.Booster
    fading: xgboost.Booster


def main() -> None:
    """Print the tables in Markdown and draw the pictures."""
    training_shops = simulated_with_past(TRAINING_SHOPS, 1, LABELLED_WEEKS, "Simulating shops to train on")
    held_out_shops = simulated_with_past(HELD_OUT_SHOPS, 2, HELD_OUT_WEEKS, "Simulating shops to hold out")
    training, held_out = training_shops.rows, held_out_shops.rows
    bundled = xgboost.Booster(model_file=MODEL_PATH)
    others = _others(training, training_shops.past)
    grocer, supermarket = real_shops.the_complete_journey(), real_shops.ta_feng_supermarket()
    rates = np.bincount(training.shop, training.churned) / np.bincount(training.shop)
    tqdm.write(
        f"Model {load().version}. Trained on {training.churned.size:,} customer-weeks of {rates.size} shops, "
        f"of which {rates.min():.0%} (in one shop) to {rates.max():.0%} (in another) churned, {np.median(rates):.0%} on median.\n"
    )
    targets = Targets()
    speed()
    realism(grocer)
    memory(training_shops, grocer, supermarket)
    directions(others.unrestricted, held_out)
    compactness(others.unrestricted, training, held_out_shops, targets)
    on_simulated_shops(bundled, others, held_out, held_out_shops.past)
    on_a_real_shop(bundled, others, grocer, targets)
    on_a_real_shop(bundled, others, supermarket, targets)
    week_by_week(bundled, grocer, targets)
    calibration_picture(bundled, held_out, grocer)
    priors(bundled)
    young(bundled, grocer, (5, 6, 8, 10, 12, 16))
    young(bundled, supermarket, (5, 6, 8, 10, 12))
    targets.show()


class Targets:
    """The targets of the model, and whether it meets them."""

    def __init__(self) -> None:
        self.rows: list[list[str]] = []

    def add(self, what: str, wanted: str, found: str, held: bool) -> None:
        """Note one target."""
        self.rows.append([what, wanted, found, "yes" if held else "**no**"])

    def show(self) -> None:
        """Print all targets."""
        _table("Targets", ["what", "wanted", "found", "held"], self.rows)


@dataclass(frozen=True)
class Simulated:
    """Labelled weeks of simulated shops, with additional data for comparisons."""

    rows: CustomerWeeks
    past: Flags
    """n × 26: whether the customer was active 1, 2, … weeks before."""
    active_weeks: list[tuple[Floats, Floats]]
    """For each shop the shares of customer-weeks with 0 to 8 active weeks of the eight before and after."""


def simulated_with_past(some: list[shops.Shop], seed: int, weeks: int, what: str) -> Simulated:
    """Simulate `weeks` labelled weeks of each shop."""
    rows, past, active_weeks = [], [], []
    for events, of_shop in simulated_one_by_one(some, seed, weeks, what):
        rows.append(of_shop)
        past.append(dataset.active_before(events, LAST_DAY, of_shop))
        active_weeks.append(_active_weeks_around(events, LAST_DAY, 0))
    return Simulated(dataset.concatenate(rows), np.concatenate(past), active_weeks)


def _others(training: CustomerWeeks, past: Flags) -> Others:
    without = training.features.copy()
    without[:, ACTIVE] = 0
    cuts: Cuts = {**CUTS, "active_weeks_before": tuple(range(1, 12))}
    faded_cuts: Cuts = {**CUTS, "active_weeks_before": (0.1, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5, 5.5, 6)}
    return Others(
        fit(training, None, None, max_depth=6, eta=0.1),
        _logistic_regression(training),
        float(training.churned.mean()),
        fit(replace(training, features=without)),
        fit(replace(training, features=_with_last(training.features, _active_weeks(past, 12))), cuts),
        fit(replace(training, features=_with_last(training.features, _faded(past))), faded_cuts),
    )


def _with_last(features: Floats, column: Floats) -> Floats:
    """Replace `active_weeks_before` by `column`."""
    changed = features.copy()
    changed[:, ACTIVE] = column
    return changed


def _active_weeks(past: Flags, weeks: int) -> Floats:
    return np.asarray(past[:, :weeks].sum(axis=1), dtype=np.float64)


def _faded(past: Flags) -> Floats:
    """Count the active weeks of the 26 before, each less than the next one."""
    return np.asarray(past @ FADING ** np.arange(past.shape[1]), dtype=np.float64)


def speed() -> None:
    """Time the simulation of a large shop."""
    start = time.perf_counter()
    events = shops.simulate(shops.Shop(customers=120_000), 26, 1, LAST_DAY)
    seconds = time.perf_counter() - start
    weeks = pc.divide(events["timestamp"].cast(pa.int64()), 7 * 86_400_000_000)
    customer_weeks = pa.table([events["user_id"], weeks], ["user", "week"]).group_by(["user", "week"]).aggregate([]).num_rows
    tqdm.write(f"Simulated {customer_weeks:,} customer-weeks ({events.num_rows:,} events) in {seconds:.0f} s.\n")


def realism(real_shop: RealShop) -> None:
    """Compare the real grocer's first half with a simulated grocer's."""
    weeks = real_shop.weeks - real_shop.newest
    grocer_events = shops.simulate(GROCER, weeks, 1, LAST_DAY)
    grocer = dataset.from_events(grocer_events, weeks, LAST_DAY)
    real = real_shop.rows.where(real_shop.rows.weeks_ago >= real_shop.newest + FOLLOW_UP_WEEKS)
    half = real_shop.last_day - timedelta(days=7 * real_shop.newest - 1)
    real_first_half = real_shop.events.filter(pc.less(real_shop.events["timestamp"].cast(pa.date32()), pa.scalar(half)))
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


def memory(training: Simulated, *real: RealShop) -> None:
    """Compare in how many weeks of the eight before and the eight after a week its customers are active."""
    sides = {"the simulated grocer": _active_weeks_around(shops.simulate(GROCER, 26, 1, LAST_DAY), LAST_DAY, 0)}
    for shop in real:
        # Only weeks on which nothing is measured, if there are enough of them.
        newest = shop.newest if shop.weeks - shop.newest > 2 * MEMORY_WEEKS else 0
        sides[shop.name] = _active_weeks_around(shop.events, shop.last_day, newest)
    bands = [np.percentile([around[when] for around in training.active_weeks], [5, 50, 95], axis=0) for when in (0, 1)]
    rows = []
    for when, label in enumerate(("before", "after")):
        for name, around in sides.items():
            rows.append([f"{name}: {label}", *(f"{share:.3f}" for share in around[when])])
        for name, shares in zip(("5th percentile", "median", "95th percentile"), bands[when], strict=True):
            rows.append([f"simulated shops, {name}: {label}", *(f"{share:.3f}" for share in shares)])
    heads = ["share of customer-weeks by active weeks of eight", *map(str, range(9))]
    _table("Active weeks of the eight before and after a week", heads, rows)
    pictures.active_weeks("memory", sides, bands)


def _active_weeks_around(events: pa.Table, last_day: date, newest: int) -> tuple[Floats, Floats]:
    """Return the shares of customer-weeks with 0 to 8 active weeks of the eight before and after, in weeks before `newest`."""
    _, active = dataset.weekly_activity(events, last_day)
    active = active[:, newest:]
    before, after = np.zeros(MEMORY_WEEKS + 1), np.zeros(MEMORY_WEEKS + 1)
    for week in range(MEMORY_WEEKS, active.shape[1] - MEMORY_WEEKS):
        here = active[active[:, week]]
        before += np.bincount(here[:, week + 1 : week + 1 + MEMORY_WEEKS].sum(axis=1), minlength=before.size)
        after += np.bincount(here[:, week - MEMORY_WEEKS : week].sum(axis=1), minlength=after.size)
    return before / before.sum(), after / after.sum()


def _percentiles(values: Floats) -> list[str]:
    return [f"{value:.1f}" for value in np.percentile(values, [10, 25, 50, 75, 90, 99])]


def _gaps(events: pa.Table) -> Floats:
    """Return the days between the starts of a customer's consecutive sessions."""
    visits = (
        events.group_by(["user_id", "session_id"])
        .aggregate([("timestamp", "min")])
        .sort_by([("user_id", "ascending"), ("timestamp_min", "ascending")])
    )
    _, who = np.unique(visits["user_id"].to_numpy(), return_inverse=True)
    days = visits["timestamp_min"].cast(pa.int64()).to_numpy() / 86_400e6
    return np.asarray(np.diff(days)[np.diff(who) == 0])


def directions(unrestricted: xgboost.Booster, held_out: CustomerWeeks) -> None:
    """Show the mean log-odds of a model without constraints if all customers had the same value of a feature."""
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
    """A point of the curve: a model, its number of cells and its accuracy."""

    name: str
    cells: int
    auc: float
    pooled_auc: float


def compactness(unrestricted: xgboost.Booster, training: CustomerWeeks, simulated_held_out: Simulated, targets: Targets) -> None:
    """Show how AUC depends on the number of cells: the curve on which the bundled model was chosen."""
    held_out = simulated_held_out.rows
    coarser: Cuts = {
        **CUTS,
        "removed_from_wishlist": (),
        "removed_from_cart": (1,),
        "total_sessions": (2, 5),
        "days_since_last_activity": (3,),
        "active_weeks_before": (1, 2, 4, 6),
    }
    finer: Cuts = {
        **CUTS,
        "added_to_wishlist": (1, 3),
        "cart_quantity_updated": (1, 3),
        "total_sessions": (2, 3, 5, 8),
        "total_spent_usd": (20, 50, 200, 1000),
    }
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
    bundled = thresholds(boosters["depth 2, the cuts (bundled)"])
    week = np.random.default_rng(1).choice(held_out.churned.size, 100_000, replace=False)
    candidates = []
    for name, booster in boosters.items():
        odds = log_odds(booster, held_out.features)
        cells = count_cells(held_out.features[week], thresholds(booster))
        candidates.append(Candidate(name, cells, within_shops(held_out, odds), float(auc(held_out.churned, odds))))
        if "bundled" in name:
            targets.add("cells of 100,000 customers of the held-out shops", "≤ 6,000", f"{cells:,}", cells <= 6_000)
    _table(
        "AUC and cells of 100,000 customers of all held-out shops",
        ["model", "cells", "AUC within shops", "AUC over all"],
        [[c.name, f"{c.cells:,}", f"{c.auc:.4f}", f"{c.pooled_auc:.4f}"] for c in candidates],
    )
    tqdm.write(_cells_of_the_report(held_out.features[week], simulated_held_out.past[week]))
    pictures.curve("compactness", [(c.name, c.cells, c.auc) for c in candidates])
    single = [_cells_of_a_large_shop(number, held_out, bundled) for number in _shops_with_most_cells(held_out, bundled, 3)]
    _table(
        "Cells of the bundled model in one week of single shops",
        ["customers", "cells"],
        [[f"{customers:,}", f"{cells:,}"] for customers, cells in single],
    )
    most = max(cells for _, cells in single)
    targets.add("cells of 100,000 customers of any single one", "≤ 10,000", f"{most:,}", most <= 10_000)


def _cells_of_the_report(features: Floats, past: Flags) -> str:
    """Count the cells of the bundled model's report, which has more limits than the model has thresholds."""
    numbers = buckets(features, cell_limits(load()))
    less_often = (past[:, 4:8].sum(axis=1) >= 3) & (past[:, :4].sum(axis=1) <= 1)
    in_all_weeks = len(np.unique(numbers, axis=0))
    in_the_newest = len(np.unique(np.column_stack([numbers, less_often]), axis=0))
    return (
        f"With the limits of factors and training range the report has {in_all_weeks:,} cells of these customers, "
        f"and {in_the_newest:,} in its newest week, where it also knows who comes less often than before.\n"
    )


def _shops_with_most_cells(held_out: CustomerWeeks, limits: Mapping[str, Floats], how_many: int) -> list[int]:
    """Return the held-out shops whose customer-weeks, thinned to as many as the smallest shop has, fall into most cells."""
    size = int(np.bincount(held_out.shop).min())
    cells = []
    for number in range(len(HELD_OUT_SHOPS)):
        features = held_out.features[held_out.shop == number]
        cells.append(count_cells(features[np.random.default_rng(1).permutation(len(features))[:size]], limits))
    return [int(number) for number in np.argsort(cells, kind="stable")[::-1][:how_many]]


def _cells_of_a_large_shop(number: int, held_out: CustomerWeeks, limits: Mapping[str, Floats]) -> tuple[int, int]:
    """Grow a held-out shop until it has 100,000 customers a week; count these and their cells."""
    weekly = np.count_nonzero(held_out.shop == number) / np.unique(held_out.weeks_ago).size
    shop = HELD_OUT_SHOPS[number]
    large = replace(shop, customers=round(shop.customers * 100_000 / weekly))
    events = shops.simulate(large, MEMORY_WEEKS + 1, [3, number], LAST_DAY)
    # Without the four weeks that follow: who churned does not matter here.
    rows = dataset.from_events(events, MEMORY_WEEKS + 1 + FOLLOW_UP_WEEKS, LAST_DAY + timedelta(days=7 * FOLLOW_UP_WEEKS))
    features = rows.features[rows.weeks_ago == FOLLOW_UP_WEEKS]
    features = features[np.random.default_rng(1).permutation(len(features))[:100_000]]
    return len(features), count_cells(features, limits)


def thresholds(booster: xgboost.Booster) -> dict[str, Floats]:
    """Return for each feature the values at which its cells end: the trees' thresholds and the segments' limits, ascending."""
    splits = booster.trees_to_dataframe()
    limits = {"total_sessions": SESSIONS_LIMITS, "total_spent_usd": SPENT_LIMITS}
    return {
        feature: np.union1d(splits.loc[splits["Feature"] == feature, "Split"], limits.get(feature, ())) for feature in FEATURES
    }


def count_cells(features: Floats, limits: Mapping[str, Floats]) -> int:
    """Count the cells that customers with these features (n × 9) fall into."""
    return len(
        np.unique(
            np.column_stack([np.searchsorted(limits[f], c, "right") for f, c in zip(FEATURES, features.T, strict=True)]), axis=0
        )
    )


def on_simulated_shops(bundled: xgboost.Booster, others: Others, held_out: CustomerWeeks, past: Flags) -> None:
    """Measure on held-out shops, in the newest weeks, which have four past weeks to learn from."""
    now = held_out.weeks_ago < FOLLOW_UP_WEEKS + MEASURED_WEEKS
    measured = held_out.where(now)
    rows = []
    for name, odds in _predictions(bundled, others, held_out, past).items():
        before, after = apply(IDENTITY, odds), as_served(odds, held_out)
        rows.append(
            [name, f"{within_shops(measured, odds[now]):.4f}", *_three(measured, before[now]), *_three(measured, after[now])]
        )
    for name, ranks in _rankings(measured).items():
        rows.append([name, f"{within_shops(measured, ranks):.4f}", f"{auc(measured.churned, ranks):.4f}", *["–"] * 5])
    highest = apply(IDENTITY, log_odds(bundled, measured.features)).max()
    tqdm.write(f"The highest probability of the bundled model there, uncorrected, is {highest:.2f}.\n")
    heads = ["", "AUC within shops", "AUC", "log loss", "Brier", "AUC, corrected", "log loss, corrected", "Brier, corrected"]
    rate = measured.churned.mean()
    _table(f"Simulated shops, held out: {measured.churned.size} customer-weeks, {rate:.1%} churned", heads, rows)


def _three(weeks: CustomerWeeks, probabilities: Floats) -> list[str]:
    figures = scores(weeks.churned, probabilities)
    return [f"{figures.auc:.4f}", f"{figures.log_loss:.4f}", f"{figures.brier:.4f}"]


def _predictions(bundled: xgboost.Booster, others: Others, weeks: CustomerWeeks, past: Flags) -> dict[str, Floats]:
    """Compute the log-odds (n) of models that never saw the shops of `weeks`."""
    features = weeks.features
    return {
        "bundled model": log_odds(bundled, features),
        "the same without memory: the brief's eight features": log_odds(
            others.without_memory, _with_last(features, np.zeros(len(features)))
        ),
        "the same, memory of 12 weeks": log_odds(others.twelve_weeks, _with_last(features, _active_weeks(past, 12))),
        "the same, memory of 26 weeks that fades": log_odds(others.fading, _with_last(features, _faded(past))),
        "the same, unrestricted": log_odds(others.unrestricted, features),
        "logistic regression": others.logistic_regression.decision_function(features),
        "base rate": np.full(weeks.churned.size, np.log(others.base_rate / (1 - others.base_rate))),
    }


def _logistic_regression(training: CustomerWeeks) -> Pipeline:
    """Fit it to the logarithms of the features, because most are skewed."""
    model = make_pipeline(FunctionTransformer(np.log1p), StandardScaler(), LogisticRegression())
    return model.fit(training.features, training.churned)


def _rankings(weeks: CustomerWeeks) -> dict[str, Floats]:
    """Take single features as a risk: they rank customers but give no probabilities."""
    ways = {
        "by active weeks before": "active_weeks_before",
        "by sessions": "total_sessions",
        "by recency": "days_since_last_activity",
        "by spend": "total_spent_usd",
    }
    return {name: DIRECTIONS[feature] * weeks.features[:, FEATURES.index(feature)] for name, feature in ways.items()}


def on_a_real_shop(bundled: xgboost.Booster, others: Others, shop: RealShop, targets: Targets) -> None:
    """Compare models in the weeks of a real shop that are for measuring."""
    real, now = shop.rows, shop.measured
    measured = real.where(now)
    predictions = _predictions(bundled, others, real, shop.active)
    # Models of the shop's own past learn from weeks whose outcome was known before the measured ones, with a whole memory.
    whole = real.weeks_ago < shop.weeks - MEMORY_WEEKS
    own = real.where((real.weeks_ago >= shop.newest + FOLLOW_UP_WEEKS) & whole)
    if own.churned.size:
        predictions["XGBoost on the shop's own past"] = log_odds(fit(own, None, max_depth=2), real.features)
        predictions["logistic regression on its own past"] = _logistic_regression(own).decision_function(real.features)
    summary = []
    for name, candidate in predictions.items():
        uncorrected, corrected = apply(IDENTITY, candidate)[now], as_served(candidate, real)[now]
        summary.append([name, *_three(measured, uncorrected), *_three(measured, corrected)])
    for name, ranks in _rankings(measured).items():
        summary.append([name, f"{auc(measured.churned, ranks):.4f}", *["–"] * 5])
    churned, stay_away = probabilities_to_stay_away(shop.events, shop.last_day, shop.newest, FOLLOW_UP_WEEKS)
    bg_nbd = scores(churned, stay_away)
    bar = "BG/NBD, fitted on its own past, given each customer's whole history"
    summary.append([bar, f"{bg_nbd.auc:.4f}", f"{bg_nbd.log_loss:.4f}", f"{bg_nbd.brier:.4f}", *["–"] * 3])
    heads = ["", "AUC", "log loss", "Brier", "AUC, corrected", "log loss, corrected", "Brier, corrected"]
    rate = measured.churned.mean()
    _table(f"{shop.name}: {measured.churned.size} customer-weeks, {rate:.1%} churned", heads, summary)
    level = log_loss(measured.churned, np.full(measured.churned.size, rate))
    tqdm.write(f"Log loss of these weeks' own churn rate, known in advance: {level:.4f}\n")
    riskiest = _riskiest_tenth(measured, as_served(predictions["bundled model"], real)[now])
    tqdm.write(f"In the riskiest tenth of each week's customers: {riskiest}\n")
    before, after = (scores(measured.churned, p[now]) for p in _before_and_after(predictions["bundled model"], real))
    if shop.name == "Ta-Feng":
        targets.add("Ta-Feng: AUC", "≥ 0.77", f"{before.auc:.4f}", before.auc >= 0.77)
    else:
        targets.add("The Complete Journey: AUC", "≥ 0.86", f"{before.auc:.4f}", before.auc >= 0.86)
        targets.add("The Complete Journey: AUC, corrected", "≥ 0.86", f"{after.auc:.4f}", after.auc >= 0.86)
        targets.add("The Complete Journey: log loss, corrected", "≤ 0.166", f"{after.log_loss:.4f}", after.log_loss <= 0.166)


def _before_and_after(odds: Floats, weeks: CustomerWeeks) -> tuple[Floats, Floats]:
    return apply(IDENTITY, odds), as_served(odds, weeks)


def _riskiest_tenth(weeks: CustomerWeeks, probabilities: Floats) -> str:
    """Say which share of all churned customers is in the riskiest tenth of each week, and how much more often it churns."""
    flagged = np.zeros(weeks.churned.size, dtype=np.bool_)
    for week in np.unique(weeks.weeks_ago):
        here = weeks.weeks_ago == week
        flagged |= here & (probabilities >= np.sort(probabilities[here])[::-1][here.sum() // 10])
    share = weeks.churned[flagged].sum() / weeks.churned.sum()
    times = weeks.churned[flagged].mean() / weeks.churned.mean()
    return f"{share:.0%} of all who churn, in {flagged.mean():.0%} of the customers, who churn {times:.1f} times as often as all."


def week_by_week(bundled: xgboost.Booster, shop: RealShop, targets: Targets) -> None:
    """Measure each week of a real shop."""
    real = shop.rows
    odds = log_odds(bundled, real.features)
    before, after = _before_and_after(odds, real)
    rows, apart = [], []
    for week in range(shop.newest - 1, FOLLOW_UP_WEEKS - 1, -1):
        here = real.weeks_ago == week
        churned = real.churned[here]
        apart.append(abs(after[here].mean() - churned.mean()))
        rows.append(
            [
                f"{shop.last_day - timedelta(days=7 * week)}",
                f"{churned.size:,}",
                f"{auc(churned, odds[here]):.3f}",
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
    _table(f"{shop.name}, week by week", heads, rows)
    median = float(np.median(apart))
    what = f"{shop.name}: points between expected and observed churn rate of a week, median"
    targets.add(what, "< 0.7", f"{100 * median:.2f}", median < 0.007)


def young(bundled: xgboost.Booster, shop: RealShop, weeks_of_data: Sequence[int]) -> None:
    """Compare corrections and memories where there is little data: few weeks, few customers."""
    rows = []
    for weeks, plan, found in young_shops.outcomes(bundled, shop, weeks_of_data):
        rows.append(
            [
                str(weeks),
                plan.name,
                str(len(plan.teachers)),
                str(plan.memory_weeks),
                f"{found[0].auc:.3f}",
                *(f"{100 * outcome.apart:.1f} / {outcome.log_loss:.4f}" for outcome in found),
            ]
        )
    heads = ["weeks of data", "correction", "past weeks", "memory", "AUC", *(f"{size:,} a week" for size in young_shops.SIZES)]
    _table(f"{shop.name}: points between expected and observed churn rate (median) / log loss (mean)", heads, rows)


def calibration_picture(bundled: xgboost.Booster, held_out: CustomerWeeks, grocer: RealShop) -> None:
    """Draw predicted against observed churn in ten equal groups of customers."""
    panels = {}
    for name, weeks, newer_than in (
        ("simulated shops, held out", held_out, FOLLOW_UP_WEEKS + MEASURED_WEEKS),
        ("The Complete Journey, second half", grocer.rows, grocer.newest),
    ):
        odds, now = log_odds(bundled, weeks.features), weeks.weeks_ago < newer_than
        both = {"uncorrected": apply(IDENTITY, odds), "corrected by the backtest": as_served(odds, weeks)}
        panels[name] = {
            label: calibration_curve(weeks.churned[now], probabilities[now], n_bins=10, strategy="quantile")
            for label, probabilities in both.items()
        }
    pictures.calibration("calibration", panels)


def priors(bundled: xgboost.Booster) -> None:
    """Compare priors by the log loss after correction, on training shops reduced to few customers."""
    weeks = simulated(TRAINING_SHOPS[:120], seed=4, weeks=FOLLOW_UP_WEEKS + len(WEIGHTS), what="Simulating shops for the prior")
    odds = log_odds(bundled, weeks.features)
    of_shop = []
    for shop in np.unique(weeks.shop):
        here = np.flatnonzero(weeks.shop == shop)
        here = here[np.random.default_rng([1, int(shop)]).permutation(here.size)]
        # The place of each customer-week among those of its week, in random order: the first n make a shop of n customers.
        place = np.empty_like(here)
        for week in np.unique(weeks.weeks_ago[here]):
            of_week = weeks.weeks_ago[here] == week
            place[of_week] = np.arange(np.count_nonzero(of_week))
        of_shop.append((here, place))
    rows = []
    for prior in _grid([0.3, 1.0, 3.0], [0.05, 0.1, 0.2, 0.5]):
        row = [f"{prior.intercept}", f"{prior.log_slope}"]
        for size in (10, 30, 100, 1_000_000):
            losses, count = 0.0, 0
            for here, place in of_shop:
                thinned, some = weeks.where(here[place < size]), odds[here[place < size]]
                now = thinned.weeks_ago == FOLLOW_UP_WEEKS
                if now.any():
                    served = apply(correction(some, thinned, FOLLOW_UP_WEEKS, prior, WEIGHTS), some[now])
                    losses += now.sum() * log_loss(thinned.churned[now], served)
                    count += now.sum()
            row.append(f"{losses / count:.4f}")
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
