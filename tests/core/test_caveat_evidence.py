"""Which data causes which caveat, and what it says."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from model.churn import FEATURES
from report.analysis.backtest import Known, Teachers
from report.analysis.caveats import Evidence, caveats, changed_features, serious, silenced_changes
from report.analysis.cells import CountedWeeks, WeekTotals
from report.analysis.days import DayCounts
from report.analysis.sentences import FEATURES_IN_WORDS
from report.schema import Caveat
from report.week import Week

WEEK = Week(date(2025, 3, 2), ZoneInfo("UTC"), date(2025, 4, 1))
RUNNING = Week(WEEK.ending, WEEK.time_zone, date(2025, 2, 28))
TRACKED = {"added_to_cart": 30, "total_sessions": 60, "total_spent_usd": 40}
TEACHERS = Teachers(8, (4, 5, 6, 7), 4)


def counted(
    customers: Mapping[int, int] | None = None,
    new: Mapping[int, int] | None = None,
    spent: Mapping[int, float] | None = None,
    now: Mapping[str, int] = TRACKED,
    unusable: int = 0,
) -> CountedWeeks:
    """Twelve weeks of 60 customers, 20 of them new, who spend 900 together; of some weeks other numbers, by weeks ago."""
    of_week = dict.fromkeys(range(20), 60) | dict(customers or {})
    totals = [WeekTotals(of_week[ago], (new or {}).get(ago, 20), with_feature=TRACKED if ago < 12 else None) for ago in range(20)]
    totals[0] = replace(totals[0], with_feature=now, unusable_amounts=unusable)
    in_weeks = np.array([[of_week[ago] for ago in range(12)]])
    return CountedWeeks(
        features=np.zeros((1, 9)),
        declining=np.array([False]),
        customers=in_weeks,
        churned=in_weeks // 4,
        spent=np.array([[(spent or {}).get(ago, 900.0) for ago in range(12)]]),
        totals=tuple(totals),
        memory_weeks=8,
    )


def days(*missing: date, rows: int = 700, repeated: int = 0) -> DayCounts:
    """Ten events on each day of half a year, without these days."""
    every = [date(2025, 3, 31) - timedelta(days=day) for day in range(182)]
    return DayCounts(dict.fromkeys((day for day in every if day not in missing), 10), rows, repeated)


SOUND = Evidence(WEEK, counted(), days(), Known(19, frozenset(range(4, 12))), TEACHERS, 0.0)
NOTHING_KNOWN = replace(SOUND, known=Known(0, frozenset()), teachers=Teachers(0, (), 4))
CLOSED = tuple(date(2025, 2, day) for day in (10, 11, 12))
AVERAGE = (
    " the probabilities are those of an average shop. "
    "Yours may be far from them; the order of your customers by risk is the better guide."
)


def told(evidence: Evidence) -> list[tuple[str, str, str]]:
    return [(caveat.code, caveat.severity, caveat.text) for caveat in caveats(evidence)]


def test_sound_data_has_no_caveat() -> None:
    assert told(SOUND) == []
    assert told(replace(SOUND, share_outside=None)) == []


@pytest.mark.parametrize(
    ("evidence", "expected"),
    [
        (
            replace(SOUND, days=days(date(2025, 2, 26))),
            (
                "days_without_events",
                "serious",
                "No events arrived on Wednesday, Feb 26, where some are usual, so the numbers of this week are too low.",
            ),
        ),
        (
            replace(SOUND, counted=counted(now=TRACKED | {"added_to_cart": 0})),
            (
                "tracking_changed",
                "serious",
                "The tracking seems to have changed: no customer has “added_to_cart” events this week, though many had "
                "last week. What rests on it cannot be compared with last week.",
            ),
        ),
        (
            replace(NOTHING_KNOWN, known=Known(1, frozenset())),
            ("no_look_back", "serious", f"There is no past week to learn from, so{AVERAGE}"),
        ),
        (
            replace(NOTHING_KNOWN, counted=counted({0: 0})),
            (
                "no_look_back",
                "serious",
                "There is no past week to learn from, so this report cannot tell yet how often your customers come back.",
            ),
        ),
        (
            replace(SOUND, week=RUNNING),
            ("week_not_over", "note", "The week is not over, so it is not compared with last week."),
        ),
        (
            replace(SOUND, days=None),
            (
                "days_unknown",
                "note",
                "The events of each day could not be counted this time: missing days would not show.",
            ),
        ),
        (
            replace(SOUND, counted=counted(dict.fromkeys(range(4, 8), 24))),
            (
                "little_history",
                "note",
                "The past weeks that this report learns from had only 96 customers, counted anew each week, "
                "so the probabilities are rough.",
            ),
        ),
        (
            replace(SOUND, share_outside=0.26),
            (
                "unlike_training",
                "note",
                "26% of this week's customers are unlike any that the model was trained on, so their risk is less certain.",
            ),
        ),
        (
            replace(SOUND, share_outside=1.0),
            (
                "unlike_training",
                "note",
                "All of this week's customers are unlike any that the model was trained on, so their risk is less certain.",
            ),
        ),
        (
            replace(SOUND, counted=counted(unusable=1)),
            (
                "unusable_amounts",
                "note",
                "1 purchase of this week had an amount too large to be true and counts as nothing spent.",
            ),
        ),
        (
            replace(SOUND, days=days(rows=1_000, repeated=11)),
            (
                "repeated_rows",
                "note",
                "11 of this week's 1,000 events are exact copies of another. "
                "They are counted as they stand, so sales may be too high.",
            ),
        ),
        (
            replace(SOUND, counted=counted({5: 181})),
            (
                "unusual_week",
                "note",
                "The week that ended on Jan 26, from which this report learns, was far busier than usual.",
            ),
        ),
        (
            replace(SOUND, counted=counted(new={4: 61}, spent={7: 2_701.0})),
            (
                "unusual_week",
                "note",
                "The weeks that ended on Feb 2 and Jan 12, from which this report learns, were far busier than usual.",
            ),
        ),
    ],
)
def test_each_fault_of_the_data_has_its_caveat(evidence: Evidence, expected: tuple[str, str, str]) -> None:
    assert told(evidence) == [expected]


@pytest.mark.parametrize(
    "evidence",
    [
        replace(SOUND, counted=counted(now=TRACKED | {"added_to_cart": 1})),
        replace(SOUND, counted=counted(dict.fromkeys(range(4, 8), 25))),
        replace(SOUND, share_outside=0.25),
        replace(SOUND, days=days(rows=1_100, repeated=11)),
        replace(SOUND, counted=counted({5: 180})),
        replace(SOUND, counted=counted(new={5: 60})),
        replace(SOUND, counted=counted(new={5: 61}), known=Known(11, frozenset(range(4, 12)))),  # all are new at first
        replace(SOUND, counted=counted({3: 600})),  # a week that teaches nothing
    ],
)
def test_what_is_just_not_enough_has_none(evidence: Evidence) -> None:
    assert told(evidence) == []


def test_a_gap_is_a_note_while_other_weeks_teach_and_serious_without_any() -> None:
    missing = "Events are missing from Feb 10 to Feb 12, so "
    gap = replace(SOUND, days=days(*CLOSED), known=Known(19, frozenset({6, 7}), frozenset({4, 5})))
    (note,) = told(replace(gap, teachers=Teachers(8, (6, 7), 4)))
    assert note == ("gap_in_look_back", "note", f"{missing}2 past weeks are left out of what this report learns from.")
    first, second = told(replace(gap, teachers=Teachers(8, (), 4)))
    assert first == ("gap_in_look_back", "serious", f"{missing}no past week is left that this report could learn from.")
    assert second == ("no_look_back", "serious", f"Without one,{AVERAGE}")
    (one,) = told(replace(gap, known=Known(19, frozenset({4, 6, 7}), frozenset({5})), teachers=Teachers(8, (4, 6, 7), 4)))
    assert "1 past week is left out" in one[2]
    beyond = replace(gap, known=Known(19, frozenset({4, 5, 6, 7}), frozenset({8})))
    assert told(beyond) == []


def test_serious_caveats_come_first() -> None:
    found = caveats(replace(SOUND, week=RUNNING, days=days(date(2025, 2, 25), repeated=70)))
    assert [caveat.code for caveat in found] == ["days_without_events", "week_not_over", "repeated_rows"]
    assert serious(found)
    assert not serious(found[1:])


@pytest.mark.parametrize(
    ("now", "before", "expected"),
    [
        (0, 12, [("added_to_cart", False)]),
        (0, 11, []),  # fewer than a fifth of 60
        (12, 0, [("added_to_cart", True)]),
        (11, 0, []),
        (1, 12, []),
        (0, 0, []),
    ],
)
def test_the_tracking_changed_where_what_a_fifth_had_is_gone_or_new(
    now: int, before: int, expected: Sequence[tuple[str, bool]]
) -> None:
    weeks = counted(now=TRACKED | {"added_to_cart": now})
    last = replace(weeks.totals[1], with_feature=TRACKED | {"added_to_cart": before})
    weeks = replace(weeks, totals=(weeks.totals[0], last, *weeks.totals[2:]))
    assert [*changed_features(weeks, WEEK)] == expected
    assert changed_features(weeks, RUNNING) == ()
    nobody = replace(weeks, totals=(weeks.totals[0], replace(last, customers=0), *weeks.totals[2:]))
    assert changed_features(nobody, WEEK) == ()


def test_what_is_tracked_is_named_as_the_shop_sends_it() -> None:
    events = FEATURES[:5]
    named = {**{event: f"“{event}” events" for event in events}, "total_sessions": "sessions"}
    assert named | {"total_spent_usd": "purchases with a positive amount"} == {**FEATURES_IN_WORDS}


def test_a_small_shop_needs_ten_customers_with_a_feature_for_a_change() -> None:
    small = counted({0: 20, 1: 20}, now=TRACKED | {"added_to_cart": 0})
    for customers, expected in ((9, ()), (10, (("added_to_cart", False),))):
        last = replace(small.totals[1], with_feature=TRACKED | {"added_to_cart": customers})
        assert changed_features(replace(small, totals=(small.totals[0], last, *small.totals[2:])), WEEK) == expected


def test_serious_caveats_silence_the_figures_that_rest_on_what_is_missing() -> None:
    def silenced(code: str, *features: str, severity: str = "serious") -> set[str]:
        return {*silenced_changes([Caveat.model_validate({"code": code, "severity": severity, "text": "So."})], features)}

    segments = {"High-Value", "Regular", "Occasional", "New"}
    assert silenced("days_without_events") == {"customers", "spent", "expectedToLeave", *segments}
    assert silenced("no_look_back") == silenced("gap_in_look_back") == silenced("tracking_changed") == {"expectedToLeave"}
    assert silenced("gap_in_look_back", severity="note") == set()
    assert silenced("tracking_changed", "total_sessions") == {"expectedToLeave", *segments}
    assert silenced("tracking_changed", "total_spent_usd") == {"expectedToLeave", "spent", *segments}
    assert silenced("week_not_over") == set()
