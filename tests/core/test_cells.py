"""The one idea: customers that the model cannot tell apart are counted, and nothing is lost by it."""

import hashlib
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xgboost
from hypothesis import given, settings
from hypothesis import strategies as st

from model import churn
from report.analysis import limits
from report.analysis.cells import Cells, ScoredCells
from report.analysis.drift import share_outside
from report.analysis.factors import FACTOR_LIMITS
from report.analysis.limits import cell_limits
from report.analysis.segments import segment_indices

MODEL = churn.load()
LIMITS = cell_limits(MODEL)


def _values(feature: str) -> st.SearchStrategy[float]:
    """Values of a feature, many of them exactly at a threshold of the model or at a limit of a cell, or next to one."""
    edges = [*MODEL.thresholds[feature], *LIMITS[feature]]
    if feature == "total_spent_usd":
        beside = [math.nextafter(edge, side) for edge in edges for side in (-math.inf, math.inf)]
        return st.one_of(st.sampled_from([*edges, *beside]), st.floats(-1e3, 1e5))
    beside = [max(math.floor(edge) + step, 0) for edge in edges for step in (-1, 0, 1)]
    return st.one_of(st.sampled_from([0, *beside]), st.integers(0, 10_000)).map(float)


CUSTOMERS = st.lists(st.tuples(*(_values(feature) for feature in churn.FEATURES)), min_size=1, max_size=60).map(np.array)


@given(CUSTOMERS)
def test_one_representative_stands_for_every_customer_of_its_cell_exactly(customers: np.ndarray) -> None:
    representatives = limits.representatives(limits.buckets(customers, LIMITS), LIMITS)
    assert (churn.log_odds(MODEL, customers) == churn.log_odds(MODEL, representatives)).all()
    assert (churn.contributions(MODEL, customers) == churn.contributions(MODEL, representatives)).all()
    assert (segment_indices(customers) == segment_indices(representatives)).all()


@given(st.data())
def test_a_representative_lies_in_its_own_cell(data: st.DataObject) -> None:
    cut = {feature: tuple(sorted(data.draw(st.sets(_values(feature), max_size=5)))) for feature in churn.FEATURES}
    of_each = [st.integers(0, len(cut[feature])) for feature in churn.FEATURES]
    numbers = np.array([data.draw(st.tuples(*of_each))])
    assert (limits.buckets(limits.representatives(numbers, cut), cut) == numbers).all()


@given(st.floats(width=32, min_value=-1e9, max_value=1e9))
def test_a_spend_limit_is_the_smallest_number_that_xgboost_does_not_see_below_the_threshold(threshold: float) -> None:
    thresholds = dict.fromkeys(churn.FEATURES, ()) | {"total_spent_usd": (threshold,)}
    spent_limits = cell_limits(replace(MODEL, thresholds=thresholds))["total_spent_usd"]
    (float32,) = np.array([threshold], np.float32)
    assert any(np.float32(limit) >= float32 > np.float32(math.nextafter(limit, -math.inf)) for limit in spent_limits)


SMALL = replace(
    MODEL,
    thresholds=dict.fromkeys(churn.FEATURES, ()) | {"added_to_cart": (2.5, 3.0), "total_sessions": (7.0, 5.5)},
    training_range=dict.fromkeys(churn.FEATURES, (0.0, 9.5)),
)


def test_a_cell_begins_where_a_tree_a_segment_a_factor_or_the_training_range_parts_customers() -> None:
    found = cell_limits(replace(SMALL, training_range=None))
    for feature in churn.FEATURES:
        segments = {"total_sessions": {5, 15, 40}, "total_spent_usd": {50.0, 200.0, 1000.0}}.get(feature, set())
        of_trees = {math.ceil(threshold) for threshold in SMALL.thresholds[feature]}
        assert found[feature] == tuple(sorted(segments | of_trees | FACTOR_LIMITS[feature]))
    ranged = cell_limits(SMALL)
    assert {"added_to_cart": set(ranged["added_to_cart"]) - set(found["added_to_cart"])} == {"added_to_cart": {0, 10}}
    assert set(ranged["total_spent_usd"]) - set(found["total_spent_usd"]) == {0.0, math.nextafter(9.5, math.inf)}


def test_the_thresholds_are_those_that_xgboosts_trees_split_at(tmp_path: Path) -> None:
    copy = tmp_path / "copy.json"
    copy.write_bytes(MODEL.content)
    read = churn.load(copy)
    splits: dict[str, set[np.float32]] = {feature: set() for feature in churn.FEATURES}
    booster = xgboost.Booster(params={"nthread": 1}, model_file=bytearray(MODEL.content))
    nodes = [json.loads(tree) for tree in booster.get_dump(dump_format="json")]
    while nodes:
        node = nodes.pop()
        if "split" in node:
            splits[node["split"]].add(np.float32(node["split_condition"]))
            nodes += node["children"]
    assert {feature: np.float32(values).tolist() for feature, values in read.thresholds.items()} == {
        feature: sorted(float(value) for value in values) for feature, values in splits.items()
    }
    assert read.version == hashlib.sha256(MODEL.content).hexdigest()[:12]
    assert read.training_range == MODEL.training_range


def test_a_model_says_the_same_when_it_was_prepared() -> None:
    prepared = replace(MODEL)
    churn.prepare(prepared)
    assert churn.log_odds(prepared, np.zeros((1, 9))) == churn.log_odds(MODEL, np.zeros((1, 9)))


@given(CUSTOMERS)
@settings(deadline=None, max_examples=30)
def test_log_odds_are_the_sum_of_the_leaves_and_contributions_tell_two_customers_apart(customers: np.ndarray) -> None:
    booster = xgboost.Booster(params={"nthread": 1}, model_file=bytearray(MODEL.content))
    trees = [json.loads(tree) for tree in booster.get_dump(dump_format="json")]
    (base,) = json.loads(json.loads(booster.save_config())["learner"]["learner_model_param"]["base_score"])

    def leaf(node: dict[str, Any], row: np.ndarray) -> float:
        while "leaf" not in node:
            below = np.float32(row[churn.FEATURES.index(node["split"])]) < np.float32(node["split_condition"])
            wanted = node["yes"] if below else node["no"]
            node = next(child for child in node["children"] if child["nodeid"] == wanted)
        return float(node["leaf"])

    said = churn.log_odds(MODEL, customers)
    plainly = [math.log(base / (1 - base)) + sum(leaf(tree, row) for tree in trees) for row in customers]
    assert said == pytest.approx(plainly, abs=1e-4)
    explained = churn.contributions(MODEL, customers)
    assert explained.shape == customers.shape
    assert explained.sum(axis=1) - explained[0].sum() == pytest.approx(said - said[0], abs=1e-4)
    assert said.dtype == explained.dtype == np.float64  # what follows is rounded to more digits than a float32 has


def test_a_model_of_other_features_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    other.write_bytes(MODEL.content.replace(b"added_to_cart", b"added_to_list"))
    with pytest.raises(ValueError, match=r"^other\.json was trained on \[.*'added_to_list'.*\], not on \[.*'added_to_cart'"):
        churn.load(other)


def test_the_ends_of_the_training_range_are_inside_and_without_customers_or_a_range_nobody_knows() -> None:
    rows = np.zeros((4, 9))
    rows[:, 5] = 0.0, 9.5, 9.6, -0.1
    some = ScoredCells(Cells(rows, np.zeros(4, np.bool_), np.array([3, 2, 1, 1]), np.zeros(4)), np.zeros(4))
    assert share_outside(SMALL, some) == 0.2857
    one = ScoredCells(Cells(np.zeros((1, 9)), np.zeros(1, np.bool_), np.ones(1, np.int64), np.zeros(1)), np.zeros(1))
    assert share_outside(SMALL, one) == 0.0
    assert share_outside(SMALL, one.where(np.array([False]))) is None
    assert share_outside(replace(SMALL, training_range=None), one) is None


@given(CUSTOMERS)
def test_the_models_file_gives_the_same_margins_to_the_bit_as_the_same_booster_in_ubjson(customers: np.ndarray) -> None:
    as_json = xgboost.Booster(model_file=bytearray(MODEL.content))
    as_ubjson = xgboost.Booster(model_file=as_json.save_raw("ubj"))
    rows = customers.astype(np.float32)
    margins = as_ubjson.inplace_predict(rows, predict_type="margin")
    assert (churn.log_odds(MODEL, customers) == margins.astype(np.float64)).all()


def test_the_model_tells_customers_apart_only_at_its_cells_limits() -> None:
    assert set(LIMITS["total_sessions"]) >= {5, 15, 40}
    assert set(LIMITS["total_spent_usd"]) >= {50.0, 200.0, 1000.0}
    assert all(list(cuts) == sorted(set(cuts)) for cuts in LIMITS.values())


@given(CUSTOMERS)
def test_the_share_outside_the_training_range_is_that_of_all_customers_alone(customers: np.ndarray) -> None:
    representatives = limits.representatives(limits.buckets(customers, LIMITS), LIMITS)
    nobody, counts = np.zeros(len(customers)), np.ones(len(customers), np.int64)
    counted = ScoredCells(Cells(representatives, nobody > 0, counts, nobody), nobody)
    assert MODEL.training_range
    low, high = np.array([MODEL.training_range[feature] for feature in churn.FEATURES]).T
    outside = sum(not all(low <= row) or not all(row <= high) for row in customers)
    assert share_outside(MODEL, counted) == round(outside / len(customers), 4)
