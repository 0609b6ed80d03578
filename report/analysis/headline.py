"""The headline: the news of the week in one sentence, for the page, the PDF, mail subjects and Slack."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from report.analysis.sentences import in_segment, judged, leaving_clause, news_of, of_average_shop
from report.formatting import listed, percent_whole, whole
from report.schema import Caveat, CaveatCode, Change, ChangeName, Headline, Outlook, SegmentName

SEGMENT_NAMES: tuple[SegmentName, ...] = ("High-Value", "Regular", "Occasional", "New")

MEASURES: Mapping[ChangeName, tuple[str, str, str]] = {
    "spent": ("sales", "sales", "are"),
    "customers": ("customers", "the number of customers", "is"),
}
"""The figures that a headline can begin with: their name, their name as a subject, and its verb."""

SHORT_CAVEATS: Mapping[CaveatCode, str] = {
    "no_look_back": "no past week to learn from",
    "days_without_events": "days without events",
    "gap_in_look_back": "gaps in the past weeks",
    "tracking_changed": "event tracking changed",
}
"""The names of serious caveats in a subject line."""


def headline(customers: int, outlook: Outlook, changes: Sequence[Change], caveats: Sequence[Caveat]) -> Headline:
    """Write the headline of a week: what changed by more than chance, and how many customers will probably leave.

    With a serious caveat, the headline has only the caveat and the number expected to leave.
    """
    may_not_return = f"{whole(round(outlook.expectedToLeave))} may not return"
    running = any(caveat.code == "week_not_over" for caveat in caveats)
    when = "so far this week" if running else "this week"
    leaving = _leaving(customers, outlook, average_shop=of_average_shop(caveats))
    serious = next((caveat for caveat in caveats if caveat.severity == "serious"), None)
    if serious:
        warning = SHORT_CAVEATS.get(serious.code, "data problem")
        if not customers:
            return Headline(text=f"No customers were seen {when}.", detail="", short=f"{warning}; no customers {when}")
        detail = "The warning above applies to every figure below."
        return Headline(text=leaving, detail=detail, short=f"{warning}; {may_not_return}")
    if not customers:
        return Headline(text=f"No customers came {when}.", detail="", short=f"no customers {when}")

    news = {change.what: change for change in news_of(changes)}
    moves = [move for what in MEASURES if (change := news.get(what)) and (move := _move(change))]
    leaving = _leaving(customers, outlook, news.get("expectedToLeave"))
    if moves:
        text = f"{_capital(_told(moves))}. {leaving}"
    elif judged(changes) and not news:
        text = f"A usual week. {leaving}"
    elif running:
        text = f"So far, {leaving[0].lower()}{leaving[1:]}"
    else:
        text = leaving
    short = ", ".join([*(move.short for move in moves), may_not_return])
    return Headline(text=text, detail=_detail(news, moves), short=short)


@dataclass(frozen=True)
class _Move:
    """An unusual figure: as a clause, as a clause without its verb for a list, and for a subject line."""

    clause: str
    rest: str
    short: str
    kind: str
    subject: str


def _leaving(customers: int, outlook: Outlook, news: Change | None = None, *, average_shop: bool = False) -> str:
    """Say how many of the week's customers will probably leave; if that is news, compared with last week."""
    text = leaving_clause(customers, outlook.expectedToLeave, average_shop=average_shop)
    return f"{text}; {whole(round(news.before))} a week ago." if news and customers > 1 else f"{text}."


def _move(change: Change) -> _Move | None:
    """Describe an unusual figure: how it changed since last week, or that it is still unusual."""
    name, subject, is_ = MEASURES[change.what]
    size = (change.now / change.before - 1) * 100 if change.before > 0 else 0.0
    up = change.verdict == "better"
    was_so_before = change.before > change.usualHigh if up else change.before < change.usualLow
    if (size > 0) != up or abs(size) < 0.5 or was_so_before:
        level = "higher" if up else "lower"
        still = "still " if was_so_before else ""
        return _Move(f"{subject} {is_} {still}{level} than usual", "", f"{name} {level} than usual", "level", subject)
    by, verb_ = percent_whole(abs(size)), "rose" if up else "fell"
    short = f"{name} {'up' if up else 'down'} {by}"
    if name == "sales" and -55 <= size <= -45:
        return _Move("sales halved", "", short, "halved", subject)
    if name == "sales" and 90 <= size <= 110:
        return _Move("sales doubled", "", short, "doubled", subject)
    return _Move(f"{subject} {verb_} by {by}", f"{name} by {by}", short, verb_, subject)


def _told(moves: Sequence[_Move]) -> str:
    first, *others = moves
    return listed([first.clause, *(move.rest if move.kind == first.kind and move.rest else move.clause for move in others)])


def _detail(news: Mapping[ChangeName, Change], moves: Sequence[_Move]) -> str:
    """Name the other unusual figures."""
    unusual = []
    if "expectedToLeave" in news:
        unusual.append("the number expected to leave")
    for segment in SEGMENT_NAMES:
        if change := news.get(segment):
            before, now = round(change.before), round(change.now)
            size = f"from {whole(before)} to {whole(now)}" if before != now else f"again {whole(now)}"
            unusual.append(f"{in_segment(segment)} ({size})")
    return f"{'Also outside' if moves else 'Outside'} what is usual here: {listed(unusual)}." if unusual else ""


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
