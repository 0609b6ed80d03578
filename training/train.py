"""Train the model: `python -m training.train`, or with `--from-bigquery` on your own shops."""

import argparse
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import xgboost
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery
from tqdm import tqdm

from model.churn import MODEL_PATH
from report.settings import read_settings
from report.week import MEMORY_WEEKS, week_at
from training import dataset, shops
from training.boosting import fit
from training.dataset import FOLLOW_UP_WEEKS, CustomerWeeks
from training.scores import as_served, log_odds, scores

TRAINING_SHOPS = [replace(shop, customers=2_000) for shop in shops.draw_shops(480, seed=1)]
"""Many small shops: an additional shop teaches more than additional customers of the same shop."""
HELD_OUT_SHOPS = shops.draw_shops(80, seed=2)
LABELLED_WEEKS = 3
"""Of each simulated shop."""
PAST_WEEKS = 26
"""How many weeks of events each simulated shop has before its labelled weeks."""
HELD_OUT_WEEKS = 4
LAST_DAY = date(2026, 1, 4)
"""Any Sunday would do: a simulated shop does not depend on the calendar."""


def main() -> None:
    """Train the model and store it."""
    arguments = _arguments()
    if arguments.from_bigquery:
        _train_on_own_shops(arguments.client_id, arguments.weeks, arguments.write)
    else:
        _write(fit(simulated(TRAINING_SHOPS, seed=1, weeks=LABELLED_WEEKS, what="Simulating shops to train on")))


def simulated(some: list[shops.Shop], seed: int, weeks: int, what: str) -> CustomerWeeks:
    """Simulate `weeks` labelled weeks of each shop, shop i with the seed [`seed`, i]; `what` names the progress bar."""
    return dataset.concatenate([rows for _, rows in simulated_one_by_one(some, seed, weeks, what)])


def simulated_one_by_one(some: list[shops.Shop], seed: int, weeks: int, what: str) -> Iterator[tuple[pa.Table, CustomerWeeks]]:
    """Yield the events of each shop and its `weeks` labelled weeks; otherwise like `simulated`."""
    for number, shop in enumerate(tqdm(some, desc=what, unit="shop")):
        events = shops.simulate(shop, PAST_WEEKS + weeks + FOLLOW_UP_WEEKS, [seed, number], LAST_DAY)
        rows = dataset.from_events(events, MEMORY_WEEKS + weeks + FOLLOW_UP_WEEKS, LAST_DAY)
        yield events, dataset.with_whole_memory(rows, MEMORY_WEEKS + weeks + FOLLOW_UP_WEEKS)


def _train_on_own_shops(client_ids: list[int], weeks: int, write: bool) -> None:
    """Compare a new model with the bundled one on the last weeks. With `write`, store the new one if it is better."""
    own = _own_customer_weeks(client_ids, weeks)
    newest = FOLLOW_UP_WEEKS + HELD_OUT_WEEKS
    # The outcome of a week is known four weeks later. Only weeks whose outcome was known before the held-out weeks are used.
    past = own.where(own.weeks_ago >= newest + FOLLOW_UP_WEEKS)
    if not past.churned.size or own.weeks_ago.min() > FOLLOW_UP_WEEKS:
        needed = newest + FOLLOW_UP_WEEKS + MEMORY_WEEKS
        sys.exit(f"There is too little history: training needs more than {needed} weeks with customers.")
    new, bundled = fit(past), xgboost.Booster(model_file=MODEL_PATH)
    tqdm.write(
        f"Trained on {past.churned.size} customer-weeks. On the last {HELD_OUT_WEEKS} weeks whose outcome is known, as served:"
    )
    results = {}
    for name, booster in (("bundled", bundled), ("new", new)):
        probabilities = as_served(log_odds(booster, own.features), own)
        held_out = own.weeks_ago < newest
        results[name] = scores(own.churned[held_out], probabilities[held_out])
        tqdm.write(f"  {name:8} log loss {results[name].log_loss:.4f}  AUC {results[name].auc:.4f}")
    better = results["new"].log_loss < results["bundled"].log_loss and results["new"].auc >= results["bundled"].auc
    tqdm.write("The new model is better." if better else "The bundled model stays: the new one is not better in both figures.")
    if better and write:
        _write(new)
    elif better:
        tqdm.write("Nothing is written. Use --write to replace the bundled model.")


def _own_customer_weeks(client_ids: list[int], weeks: int) -> CustomerWeeks:
    settings = read_settings(os.environ)
    warehouse = settings.warehouse
    # An emulator needs no credentials; the client library finds its address itself.
    nobody = AnonymousCredentials() if warehouse.emulator_host else None  # type: ignore[no-untyped-call]
    client = bigquery.Client(project=warehouse.project, location=warehouse.location, credentials=nobody)
    table = f"{client.project}.{warehouse.dataset}.{warehouse.events_table}"
    found = []
    for client_id in tqdm(client_ids, desc="Asking BigQuery", unit="client"):
        about = settings.client(client_id)
        week = week_at(datetime.now(UTC), about.zone())
        found.append(dataset.from_bigquery(client, table, dataset.Scan(client_id, week, weeks, about=about)))
    return dataset.concatenate(found)


def _write(booster: xgboost.Booster) -> None:
    MODEL_PATH.write_bytes(booster.save_raw("json"))
    tqdm.write(f"Wrote {MODEL_PATH.relative_to(Path.cwd()) if MODEL_PATH.is_relative_to(Path.cwd()) else MODEL_PATH}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m training.train", description=main.__doc__)
    parser.add_argument("--from-bigquery", action="store_true", help="train on the events table instead of simulated shops")
    parser.add_argument("--client-id", type=int, nargs="+", default=[1], help="the clients whose events are read (default: 1)")
    parser.add_argument(
        "--weeks", type=int, choices=range(20, 61), default=40, metavar="20..60", help="how many weeks of events (default: 40)"
    )
    parser.add_argument("--write", action="store_true", help="replace the bundled model if the new one is better")
    return parser.parse_args()


if __name__ == "__main__":
    main()
