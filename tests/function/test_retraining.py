"""Train on your own shops: the same SQL on the local BigQuery, and the command that compares the models."""

import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest

from local import bigquery as local_bigquery
from local import function
from local.bigquery import LocalBigQuery
from local.programs import ROOT
from model.churn import FEATURES, MODEL_PATH
from report.week import week_at
from training import dataset, shops

WEEKS = 30


@pytest.fixture
def shop(bigquery: LocalBigQuery, client_id: int) -> pa.Table:
    """The events of a simulated shop up to the last whole week, loaded for the test's client."""
    last_day = week_at(datetime.now(UTC), ZoneInfo("UTC")).ending
    events = shops.simulate(shops.Shop(customers=1_500, visits_per_week=0.5), WEEKS, 1, last_day)
    rows = events.append_column("client_id", pa.repeat(client_id, events.num_rows)).select(local_bigquery.EVENTS.names)
    local_bigquery.load(bigquery.client, rows.cast(local_bigquery.EVENTS), local_bigquery.USERS.empty_table())
    return events


def test_bigquery_gives_the_customer_weeks_that_the_simulated_shops_are_trained_on(
    bigquery: LocalBigQuery, shop: pa.Table, client_id: int
) -> None:
    newest = week_at(datetime.now(UTC), ZoneInfo("UTC"))
    table = f"{local_bigquery.PROJECT}.{local_bigquery.DATASET}.events"
    found = dataset.from_bigquery(bigquery.client, table, dataset.Scan(client_id, newest, WEEKS))
    expected = dataset.with_whole_memory(dataset.from_events(shop, WEEKS, newest.ending), WEEKS)
    assert found.user_id.tolist() == expected.user_id.tolist()
    assert (found.weeks_ago == expected.weeks_ago).all()
    assert (found.churned == expected.churned).all()
    assert found.features == pytest.approx(expected.features)
    assert set(found.features[:, FEATURES.index("active_weeks_before")]) == set(range(9))
    assert 0.05 < np.mean(found.churned) < 0.95


def test_the_command_compares_a_model_of_these_shops_with_the_bundled_one_and_writes_nothing_unasked(
    bigquery: LocalBigQuery, shop: pa.Table, client_id: int
) -> None:
    bundled = MODEL_PATH.read_bytes()
    command = [sys.executable, "-m", "training.train", "--from-bigquery", "--client-id", str(client_id), "--weeks", str(WEEKS)]
    settings = function.bigquery_settings(bigquery.address)
    answer = subprocess.run(command, cwd=ROOT, env=os.environ | settings, capture_output=True, text=True, check=True)
    last_day = week_at(datetime.now(UTC), ZoneInfo("UTC")).ending
    rows = dataset.with_whole_memory(dataset.from_events(shop, WEEKS, last_day), WEEKS)
    assert f"Trained on {np.count_nonzero(rows.weeks_ago >= 12)} customer-weeks." in answer.stdout
    said = dict(re.findall(r"(bundled|new) +log loss \d\.\d+  AUC (\d\.\d+)", answer.stdout))
    assert min(float(auc) for auc in said.values()) > 0.7
    assert len(said) == 2
    assert MODEL_PATH.read_bytes() == bundled
