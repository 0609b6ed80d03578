"""The simulated shops, the label, the bundled model's promises, the correction, the real shop's mapping."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model import churn
from model.calibration import IDENTITY, Calibration, apply, fit
from training import complete_journey, dataset, scores, shops, ta_feng, young_shops
from training.boosting import CUTS, DIRECTIONS

SUNDAY = date(2026, 11, 15)
WEEK_US = 7 * 86_400_000_000


@pytest.fixture(scope="module")
def sample() -> pa.Table:
    return shops.simulate(shops.SAMPLE_SHOP, weeks=26, seed=1, last_day=SUNDAY)


def since_start(events):
    """Microseconds from the first midnight of the 26 weeks."""
    end = datetime(2026, 11, 16, tzinfo=UTC).timestamp() * 1_000_000
    return events["timestamp"].cast(pa.int64()).to_numpy() - int(end) + 26 * WEEK_US


def test_sample_shop_has_every_event_type_of_the_brief(sample):
    types = set(pc.unique(sample["event_type"]).to_pylist())
    assert types > {"added_to_wishlist", "removed_from_wishlist", "added_to_cart", "removed_from_cart"}
    assert types > {"cart_quantity_updated", "purchase", "order_completed"}


def test_sample_shop_has_a_thousand_customers_in_each_of_26_weeks(sample):
    weeks = pa.array(since_start(sample) // WEEK_US)
    counts = pa.table({"week": weeks, "user": sample["user_id"]}).group_by("week").aggregate([("user", "count_distinct")])
    assert sorted(counts["week"].to_pylist()) == list(range(26))
    assert min(counts["user_count_distinct"].to_pylist()) >= 1_000


def test_sample_shop_is_the_same_but_for_its_date(sample):
    later = shops.simulate(shops.SAMPLE_SHOP, weeks=26, seed=1, last_day=SUNDAY + timedelta(days=21))
    assert later.drop_columns("timestamp").equals(sample.drop_columns("timestamp"))
    shift = later["timestamp"].cast(pa.int64()).to_numpy() - sample["timestamp"].cast(pa.int64()).to_numpy()
    assert set(shift) == {3 * WEEK_US}


def test_the_feature_from_the_sql_is_that_of_the_events_read_plainly(sample):
    rows = dataset.with_whole_memory(dataset.from_events(sample, 26, SUNDAY), 26)
    active = dataset.active_before(sample, SUNDAY, rows)
    assert active[:, 13:].any()
    assert (rows.features[:, churn.FEATURES.index("active_weeks_before")] == active[:, :8].sum(axis=1)).all()


def test_customers_of_simulated_shops_pause_and_return():
    shop = shops.Shop(customers=500, founders=1.0, visits_per_week=3.0, visits_spread=0.1, lifetime_weeks=5_000.0)
    long_gaps = []
    for absences in (0.0, 1.0):
        _, active = dataset.weekly_activity(shops.simulate(replace(shop, absences=absences), 40, 1, SUNDAY), SUNDAY)
        # From each week with a visit to the next one.
        gaps = np.concatenate([np.diff(np.flatnonzero(weeks)) for weeks in active])
        long_gaps.append(np.mean(gaps > 12))
    assert long_gaps[1] > 2 * long_gaps[0]


def test_sample_shops_risk_rises_in_its_last_week(sample):
    weeks = since_start(sample) // WEEK_US
    risk = []
    for week in (24, 25):
        events = sample.filter(pa.array(weeks <= week))
        # Four weeks without events make the newest week one whose label is known; only its features matter here.
        rows = dataset.from_events(events, 13, SUNDAY + timedelta(days=7 * (week - 25) + 28))
        rows = dataset.with_whole_memory(rows, 13)
        risk.append(apply(IDENTITY, churn.log_odds(churn.load(), rows.features)).mean())
    assert risk[1] > 1.1 * risk[0]


def event(day, event_type, price=None, quantity=None):
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    return dict(zip(shops.SCHEMA.names, ("ann", event_type, noon, price, quantity, "session"), strict=True))


@pytest.mark.parametrize(("returns_after", "churned"), [(1, False), (28, False), (29, True), (None, True)])
def test_churned_means_no_event_in_the_28_days_after_the_week(returns_after, churned):
    week_ending = date(2026, 6, 7)
    rows = [event(week_ending - timedelta(days=3), "purchase", Decimal("2.50"), 4)]
    if returns_after:
        rows.append(event(week_ending + timedelta(days=returns_after), "added_to_cart"))
    events = pa.Table.from_pylist(rows, schema=shops.SCHEMA)
    weeks = dataset.from_events(events, 14, week_ending + timedelta(days=35))
    first = weeks.where(weeks.weeks_ago == 5)
    assert first.churned.tolist() == [churned]
    assert first.features.tolist() == [[0, 0, 0, 0, 0, 1, 3, 10.0, 0]]


def test_active_weeks_before_counts_the_weeks_of_the_eight_before_with_an_event_of_any_type():
    week_ending = date(2026, 6, 7)
    days_before = [0, 7, 8, 13, 27, 28, 62, 63]  # weeks 0, 1, 1, 1, 3, 4, 8, 9
    rows = [event(week_ending - timedelta(days=days), "page_view") for days in days_before]
    events = pa.Table.from_pylist(rows, schema=shops.SCHEMA)
    for memory_weeks, active in [(8, 4), (4, 3), (3, 2), (2, 1), (0, 0)]:
        weeks = dataset.from_events(events, 14, week_ending + timedelta(days=28), memory_weeks)
        newest = weeks.where(weeks.weeks_ago == 4)
        assert newest.features[:, churn.FEATURES.index("active_weeks_before")].tolist() == [active]


COUNTS = st.integers(0, 200)
ROWS = st.tuples(
    COUNTS, COUNTS, COUNTS, COUNTS, COUNTS, st.integers(0, 60), st.integers(0, 6), st.floats(0, 5_000), st.integers(0, 8)
)


@given(ROWS, st.sampled_from(churn.FEATURES), st.integers(1, 2_000))
def test_bundled_model_is_monotone(row, feature, more):
    raised = list(row)
    raised[churn.FEATURES.index(feature)] += more
    before, after = churn.log_odds(churn.load(), np.array([row, raised], dtype=np.float64))
    assert DIRECTIONS[feature] * (after - before) >= 0


def test_bundled_model_cuts_only_where_it_was_told_to():
    model = churn.load()
    assert all(set(thresholds) <= set(CUTS[feature]) for feature, thresholds in model.thresholds.items())
    assert set(model.training_range) == set(churn.FEATURES)
    assert all(low < high for low, high in model.training_range.values())


def test_calibration_finds_a_distortion_from_many_customers():
    rng = np.random.default_rng(1)
    log_odds = rng.normal(-1, 1.2, 3_000)
    customers = rng.integers(1, 400, 3_000)
    churned = rng.binomial(customers, apply(Calibration(-1.2, 0.8), log_odds)).astype(np.float64)
    found = fit(log_odds, customers, churned)
    assert found.intercept == pytest.approx(-1.2, abs=0.05)
    assert found.slope == pytest.approx(0.8, abs=0.03)


def test_calibration_stays_near_identity_with_one_customer():
    found = fit(np.array([-1.0]), np.array([1.0]), np.array([1.0]))
    assert 0 < found.intercept < 0.7
    assert found.slope == pytest.approx(1, abs=0.1)


def test_calibration_without_customers_is_identity():
    nothing = np.zeros(0)
    assert fit(nothing, nothing, nothing) == IDENTITY


def test_identity_is_the_sigmoid():
    log_odds = np.linspace(-800, 800, 101)
    with np.errstate(over="ignore"):
        assert apply(IDENTITY, log_odds) == pytest.approx(1 / (1 + np.exp(-log_odds)))


@given(st.lists(st.tuples(st.floats(-12, 12), st.integers(0, 10**6), st.floats(0, 1)), min_size=1, max_size=30), st.data())
def test_calibration_never_turns_the_order_around_and_always_ends(cells, data):
    log_odds, customers, shares = (np.array(column) for column in zip(*cells, strict=True))
    shares = data.draw(st.sampled_from([shares, np.zeros_like(shares), np.ones_like(shares)]))
    found = fit(log_odds, customers, np.rint(shares * customers))
    assert 0 < found.slope < np.inf
    assert np.isfinite(found.intercept)
    probabilities = apply(found, np.sort(log_odds))
    assert ((probabilities >= 0) & (probabilities <= 1)).all()
    assert (np.diff(probabilities) >= 0).all()


def test_ta_fengs_lines_are_purchases_in_dollars_of_one_session_a_customer_and_day():
    lines = pa.table(
        {
            "TRANSACTION_DT": ["11/2/2000", "11/1/2000", "11/1/2000"],
            "CUSTOMER_ID": ["00001113", "00001113", "02131221"],
            "AMOUNT": [2, 1, 3],
            "SALES_PRICE": [66, 33, 100],
        }
    )
    rows = ta_feng.to_events(lines).to_pylist()
    assert [row["timestamp"] for row in rows] == [datetime(2000, 11, day, 12, tzinfo=UTC) for day in (1, 1, 2)]
    assert {(row["user_id"], row["price"], row["quantity"]) for row in rows} == {
        ("00001113", Decimal(1), 1),
        ("02131221", Decimal("3.030303030"), 1),
        ("00001113", Decimal(2), 1),
    }
    assert len({row["session_id"] for row in rows}) == 3
    assert {row["event_type"] for row in rows} == {"purchase"}


def test_equal_windows_drop_the_oldest_teachers_until_the_memory_is_long_enough():
    plans = {weeks: young_shops.plans(weeks) for weeks in (5, 8, 10, 12, 15, 16)}
    at_least_4 = {weeks: (found[3].teachers, found[3].memory_weeks) for weeks, found in plans.items()}
    assert at_least_4 == {
        5: ((4,), 0), 8: ((4,), 3), 10: ((4, 5), 4), 12: ((4, 5, 6, 7), 4), 15: ((4, 5, 6, 7), 7), 16: ((4, 5, 6, 7), 8)
    }  # fmt: skip
    longest = {weeks: (found[4].teachers, found[4].memory_weeks) for weeks, found in plans.items()}
    assert longest == {5: ((4,), 0), 8: ((4,), 3), 10: ((4,), 5), 12: ((4,), 7), 15: ((4, 5, 6), 8), 16: ((4, 5, 6, 7), 8)}


def test_scores_are_those_of_the_textbook():
    churned = np.array([True, False, True, False])
    assert scores.auc(churned, np.array([0.9, 0.4, 0.4, 0.1])) == 0.875  # of four pairs three are in order and one is equal
    found = scores.scores(churned, np.array([0.5, 0.5, 0.8, 0.2]))
    assert found.log_loss == pytest.approx(-(2 * np.log(0.5) + 2 * np.log(0.8)) / 4)
    assert found.brier == pytest.approx((2 * 0.25 + 2 * 0.04) / 4)


def test_complete_journey_keeps_what_was_spent():
    at = [datetime(2017, 1, 1, 11, 53, 26), datetime(2017, 1, 1, 9, 0), datetime(2017, 6, 5, 23, 59, 59)]
    transactions = pa.table(
        {
            "household_id": [900, 900, 12],
            "basket_id": [31198570044, 31198570044, 7],
            "quantity": [3, 0, 1],
            "sales_value": [1.0, 2.61, 0.0],
            "transaction_timestamp": pa.array(at, pa.timestamp("ns")),
        }
    )
    rows = complete_journey.to_events(transactions).to_pylist()
    assert [row["user_id"] for row in rows] == ["household-900", "household-900", "household-12"]
    assert [row["session_id"] for row in rows] == ["31198570044", "31198570044", "7"]
    assert [row["timestamp"] for row in rows] == [moment.replace(tzinfo=UTC) for moment in sorted(at)]
    assert [(row["price"], row["quantity"]) for row in rows] == [
        (Decimal("2.61"), 1),
        (Decimal("0.333333333"), 3),
        (Decimal(0), 1),
    ]
    assert {row["event_type"] for row in rows} == {"purchase"}
