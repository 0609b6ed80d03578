"""Compare corrections of young and small shops: which past weeks teach, and how long the memory of each week is.

A report of a shop with few weeks of data knows more about its own week than about the past weeks that teach its correction, if
each week counts as many weeks before it as there are. With equal windows all weeks of a report count the same number of weeks.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import xgboost

from model.calibration import IDENTITY, WEIGHTS, Calibration, apply, fit
from model.churn import FEATURES
from report.week import MEMORY_WEEKS
from training.dataset import FOLLOW_UP_WEEKS, CustomerWeeks
from training.real_shops import RealShop
from training.scores import Flags, Floats, auc, log_loss, log_odds

SIZES = (30, 100, 300, 1_000)
"""Customers a week."""
DRAWS = (10, 5, 2, 1)
"""How often customers are drawn for each size."""


@dataclass(frozen=True)
class Plan:
    """Which past weeks teach, and how many weeks before its own each week of the report counts."""

    name: str
    teachers: tuple[int, ...]
    """Weeks before the report's week, newest first."""
    memory_weeks: int
    """Of the report's week."""
    teachers_memory_weeks: tuple[int, ...]


def plans(weeks_of_data: int) -> tuple[Plan, ...]:
    """Return the ways to correct a report of a shop with this many whole weeks of data, its own week included."""
    there = tuple(week for week in range(FOLLOW_UP_WEEKS, FOLLOW_UP_WEEKS + len(WEIGHTS)) if week < weeks_of_data)
    longest = {week: min(weeks_of_data - 1 - week, MEMORY_WEEKS) for week in (0, *there)}

    def own_windows(name: str, teachers: tuple[int, ...]) -> Plan:
        return Plan(name, teachers, longest[0], tuple(longest[week] for week in teachers))

    def equal_windows(name: str, min_memory_weeks: int) -> Plan:
        """Drop the oldest teachers until the memory is long enough or one teacher is left."""
        teachers = there
        while len(teachers) > 1 and longest[teachers[-1]] < min_memory_weeks:
            teachers = teachers[:-1]
        memory_weeks = longest[teachers[-1]] if teachers else longest[0]
        return Plan(name, teachers, memory_weeks, (memory_weeks,) * len(teachers))

    return (
        own_windows("no correction", ()),
        own_windows("one week, own windows", there[:1]),
        own_windows("four weeks, own windows", there),
        equal_windows("equal windows of at least 4 weeks", 4),
        equal_windows("equal windows, as long as possible", MEMORY_WEEKS),
    )


@dataclass(frozen=True)
class Outcome:
    """How good the reports of one plan are, over all weeks and draws of customers."""

    apart: float
    """|expected − observed churn rate|, median."""
    log_loss: float
    """Mean over the weeks."""
    auc: float
    """Mean over the weeks."""


def outcomes(booster: xgboost.Booster, shop: RealShop, weeks_of_data: Sequence[int]) -> Iterator[tuple[int, Plan, list[Outcome]]]:
    """Yield for each number of weeks of data and each plan the outcome at each of `SIZES`.

    The correction is fitted on some customers, drawn so that on average the shop has the given number a week. It is measured on
    all customers of the report's week, so that the outcome does not depend on the chance of a few.
    """
    odds = [log_odds(booster, with_memory(shop, memory_weeks)) for memory_weeks in range(MEMORY_WEEKS + 1)]
    drawn = [list(_draw(shop, size, draws)) for size, draws in zip(SIZES, DRAWS, strict=True)]
    for weeks in weeks_of_data:
        tested = [week for week in range(FOLLOW_UP_WEEKS, shop.newest) if week + weeks <= shop.weeks]
        for plan in plans(weeks):
            yield weeks, plan, [_outcome(shop, odds, plan, tested, masks) for masks in drawn]


def with_memory(shop: RealShop, memory_weeks: int) -> Floats:
    """Return the features (n × 9) of the shop if only this many weeks before each week count."""
    features = shop.rows.features.copy()
    features[:, FEATURES.index("active_weeks_before")] = shop.active[:, :memory_weeks].sum(axis=1)
    return features


def _draw(shop: RealShop, size: int, draws: int) -> Iterator[Flags]:
    """Yield masks (n) of the customer-weeks of customers drawn at random."""
    _, who = np.unique(shop.rows.user_id, return_inverse=True)
    a_week = shop.rows.churned.size / np.unique(shop.rows.weeks_ago).size
    for draw in range(draws):
        yield (np.random.default_rng([size, draw]).random(who.max() + 1) < size / a_week)[who]


def _outcome(shop: RealShop, odds: list[Floats], plan: Plan, tested: list[int], masks: list[Flags]) -> Outcome:
    rows, apart, losses, aucs = shop.rows, [], [], []
    for week in tested:
        now = rows.weeks_ago == week
        own = odds[plan.memory_weeks][now]
        aucs.append(auc(rows.churned[now], own))
        for drawn in masks:
            correction = _correction(rows, odds, plan, week, drawn)
            probabilities = apply(correction, own)
            apart.append(abs(probabilities.mean() - rows.churned[now].mean()))
            losses.append(log_loss(rows.churned[now], probabilities))
    return Outcome(float(np.median(apart)), float(np.mean(losses)), float(np.mean(aucs)))


def _correction(rows: CustomerWeeks, odds: list[Floats], plan: Plan, week: int, drawn: Flags) -> Calibration:
    taught = [
        (odds[memory_weeks], (rows.weeks_ago == week + teacher) & drawn, WEIGHTS[teacher - FOLLOW_UP_WEEKS])
        for teacher, memory_weeks in zip(plan.teachers, plan.teachers_memory_weeks, strict=True)
    ]
    if not taught:
        return IDENTITY
    return fit(
        np.concatenate([of_all[past] for of_all, past, _ in taught]),
        np.concatenate([np.full(np.count_nonzero(past), weight) for _, past, weight in taught]),
        np.concatenate([weight * rows.churned[past] for _, past, weight in taught]),
    )
