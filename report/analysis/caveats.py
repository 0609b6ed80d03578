"""Caveats: what a report does not know. Each caveat has a code, a sentence and a severity."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from statistics import median

from report.analysis.backtest import Known, Teachers, customer_weeks
from report.analysis.cells import CountedWeeks
from report.analysis.days import DayCounts, gap_days, silent_days
from report.analysis.sentences import days_in_words, tracking_in_words
from report.formatting import counted, listed, short_day, verb
from report.schema import Caveat, CaveatCode, ChangeName, Severity
from report.week import Week

MIN_CUSTOMER_WEEKS = 100
MAX_SHARE_OUTSIDE = 0.25
MIN_SHARE_TRACKED = 0.2
MIN_CUSTOMERS_TRACKED = 10
MAX_SHARE_REPEATED = 0.01
MAX_SHARE_UNUSABLE = 0.1
"""With more unusable amounts than this for each customer who spent something, the spend may only appear to fall."""
UNUSUAL_TIMES = 3

_SEGMENTS: tuple[ChangeName, ...] = ("High-Value", "Regular", "Occasional", "New")


@dataclass(frozen=True)
class Evidence:
    """The data from which caveats follow."""

    week: Week
    counted: CountedWeeks
    days: DayCounts | None
    """None if the daily counts failed."""
    known: Known
    teachers: Teachers
    share_outside: float | None
    """The share of the week's customers outside the model's training range."""


def caveats(evidence: Evidence) -> tuple[Caveat, ...]:
    """Collect the caveats of this report, worst first: no serious one follows a note."""
    return (
        *_days_without_events(evidence),
        *_tracking_changed(evidence),
        *_gap_in_look_back(evidence),
        *_no_look_back(evidence),
        *_week_not_over(evidence),
        *_days_unknown(evidence),
        *_little_history(evidence),
        *_unlike_training(evidence),
        *_unusable_amounts(evidence),
        *_repeated_rows(evidence),
        *_unusual_week(evidence),
    )


def serious(found: Collection[Caveat]) -> bool:
    """Tell whether one of the caveats is serious."""
    return any(caveat.severity == "serious" for caveat in found)


def missing_days(days: DayCounts | None, week: Week) -> tuple[date, ...]:
    """Return the finished days of the week whose events are missing by more than chance."""
    return silent_days(days, week, 0) if days else ()


def changed_features(counted_weeks: CountedWeeks, week: Week) -> tuple[tuple[str, bool], ...]:
    """Return the features that vanished (False) or appeared (True) for everybody since last week; none while the week runs."""
    now, before = counted_weeks.totals[0], counted_weeks.totals[1]
    if week.partial or not (now.customers and before.customers and now.with_feature and before.with_feature):
        return ()

    def widespread(customers: int, of: int) -> bool:
        return customers >= max(MIN_SHARE_TRACKED * of, MIN_CUSTOMERS_TRACKED)

    vanished = [
        (feature, False)
        for feature, customers in before.with_feature.items()
        if not now.with_feature[feature] and widespread(customers, before.customers)
    ]
    appeared = [
        (feature, True)
        for feature, customers in now.with_feature.items()
        if not before.with_feature[feature] and widespread(customers, now.customers)
    ]
    return (*vanished, *appeared)


def broken_features(counted_weeks: CountedWeeks, week: Week) -> frozenset[str]:
    """Return the features that cannot be compared with past weeks: tracking changed, or many amounts could not be used."""
    broken = {feature for feature, _ in changed_features(counted_weeks, week)}
    now = counted_weeks.totals[0]
    buyers = (now.with_feature or {}).get("total_spent_usd", 0)
    if now.unusable_amounts > MAX_SHARE_UNUSABLE * buyers:
        broken.add("total_spent_usd")
    return frozenset(broken)


def silenced_changes(found: Collection[Caveat], features: Collection[str]) -> frozenset[ChangeName]:
    """Return the figures that get no verdict because of serious caveats; `features` come from `broken_features`."""
    codes = {caveat.code for caveat in found if caveat.severity == "serious"}
    silenced: set[ChangeName] = set()
    if "days_without_events" in codes:
        silenced |= {"customers", "spent", "expectedToLeave", *_SEGMENTS}
    if codes & {"no_look_back", "gap_in_look_back", "tracking_changed"}:
        silenced.add("expectedToLeave")
    if "total_spent_usd" in features:
        silenced |= {"spent", *_SEGMENTS}
    if "total_sessions" in features:
        silenced |= set(_SEGMENTS)
    return frozenset(silenced)


def _caveat(code: CaveatCode, severity: Severity, text: str) -> tuple[Caveat, ...]:
    return (Caveat(code=code, text=text, severity=severity),)


def _days_without_events(evidence: Evidence) -> tuple[Caveat, ...]:
    missing = missing_days(evidence.days, evidence.week)
    if not missing:
        return ()
    text = f"No events arrived {days_in_words(missing)}, where some are usual, so the numbers of this week are too low."
    return _caveat("days_without_events", "serious", text)


def _tracking_changed(evidence: Evidence) -> tuple[Caveat, ...]:
    found = changed_features(evidence.counted, evidence.week)
    if not found:
        return ()
    text = f"The tracking seems to have changed: {tracking_in_words(found)}. What rests on it cannot be compared with last week."
    return _caveat("tracking_changed", "serious", text)


def _gap_in_look_back(evidence: Evidence) -> tuple[Caveat, ...]:
    week, days = evidence.week, evidence.days
    candidates = range(evidence.teachers.newest_position, evidence.teachers.newest_position + 4)
    gaps = [weeks_ago for weeks_ago in candidates if weeks_ago in evidence.known.gaps]
    if not gaps or days is None:
        return ()
    missing = sorted({day for weeks_ago in gaps for day in gap_days(days, week, weeks_ago)})
    severity: Severity = "note" if evidence.teachers.weeks else "serious"
    left_out = (
        f"{counted(len(gaps), 'past week')} {verb(len(gaps), 'is', 'are')} left out of what this report learns from"
        if evidence.teachers.weeks
        else "no past week is left that this report could learn from"
    )
    return _caveat("gap_in_look_back", severity, f"Events are missing {days_in_words(missing)}, so {left_out}.")


def _no_look_back(evidence: Evidence) -> tuple[Caveat, ...]:
    if evidence.teachers.weeks:
        return ()
    why = "Without one," if _gap_in_look_back(evidence) else "There is no past week to learn from, so"
    text = f"{why} this report cannot tell yet how often your customers come back."
    if evidence.counted.totals[0].customers:
        text = (
            f"{why} the probabilities are those of an average shop. "
            "Yours may be far from them; the order of your customers by risk is the better guide."
        )
    return _caveat("no_look_back", "serious", text)


def _week_not_over(evidence: Evidence) -> tuple[Caveat, ...]:
    if not evidence.week.partial:
        return ()
    return _caveat("week_not_over", "note", "The week is not over, so it is not compared with last week.")


def _days_unknown(evidence: Evidence) -> tuple[Caveat, ...]:
    if evidence.days is not None:
        return ()
    return _caveat("days_unknown", "note", "The events of each day could not be counted this time: missing days would not show.")


def _little_history(evidence: Evidence) -> tuple[Caveat, ...]:
    taught_by = customer_weeks(evidence.counted, evidence.teachers.weeks)
    if not evidence.teachers.weeks or taught_by >= MIN_CUSTOMER_WEEKS:
        return ()
    text = (
        f"The past weeks that this report learns from had only {counted(taught_by, 'customer')}, counted anew each week, "
        "so the probabilities are rough."
    )
    return _caveat("little_history", "note", text)


def _unlike_training(evidence: Evidence) -> tuple[Caveat, ...]:
    share = evidence.share_outside
    if share is None or share <= MAX_SHARE_OUTSIDE:
        return ()
    how_many = "All" if share == 1 else f"{100 * share:.0f}%"
    text = f"{how_many} of this week's customers are unlike any that the model was trained on, so their risk is less certain."
    return _caveat("unlike_training", "note", text)


def _unusable_amounts(evidence: Evidence) -> tuple[Caveat, ...]:
    amounts = evidence.counted.totals[0].unusable_amounts
    if not amounts:
        return ()
    count = verb(amounts, "counts", "count")
    text = f"{counted(amounts, 'purchase')} of this week had an amount too large to be true and {count} as nothing spent."
    return _caveat("unusable_amounts", "note", text)


def _repeated_rows(evidence: Evidence) -> tuple[Caveat, ...]:
    days = evidence.days
    if days is None or days.repeated_rows <= MAX_SHARE_REPEATED * days.rows:
        return ()
    text = (
        f"{days.repeated_rows:,} of this week's {days.rows:,} events are exact copies of another. "
        "They are counted as they stand, so sales may be too high."
    )
    return _caveat("repeated_rows", "note", text)


def _unusual_week(evidence: Evidence) -> tuple[Caveat, ...]:
    known = [week for week in evidence.teachers.weeks if evidence.counted.totals[week].customers >= MIN_CUSTOMERS_TRACKED]
    found = [week for week in known if _unusual(evidence, week)]
    if not found:
        return ()
    endings = listed([short_day(evidence.week.weeks_before(week).ending) for week in found])
    text = (
        f"{'The week that ended' if len(found) == 1 else 'The weeks that ended'} on {endings}, "
        f"from which this report learns, {verb(len(found), 'was', 'were')} far busier than usual."
    )
    return _caveat("unusual_week", "note", text)


def _unusual(evidence: Evidence, weeks_ago: int) -> bool:
    weeks, totals = range(1, 9), evidence.counted.totals
    spent = [float(evidence.counted.spent[:, week].sum()) for week in range(evidence.counted.weeks)]
    known = [week for week in weeks if week <= evidence.known.oldest_whole]
    series: list[Sequence[float]] = [[week.customers for week in totals], spent]
    # In a young shop everybody is new at first.
    if evidence.known.oldest_whole >= max(weeks) + 4:
        series.append([week.new_customers for week in totals])
    return any(0 < UNUSUAL_TIMES * median(values[week] for week in known) < values[weeks_ago] for values in series if known)
