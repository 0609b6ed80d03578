"""Find the time that a clause gives those who leave and what is at stake: the next four weeks, and no other."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from report.summary import numbers as n
from report.summary.names import Clause, What
from report.summary.numbers import Number

_AHEAD: frozenset[What] = frozenset({"leaving", "staying", "at stake"})
"""The measures of the next four weeks."""
_ENDS = r"(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day|week|weekend|quarter|year|spring|summer|autumn|fall|winter|christmas)"
_NAMED: tuple[tuple[frozenset[What], str], ...] = (
    (_AHEAD, r"(?:next|coming|following|upcoming) (?:few |couple of )?(?:days?|week|weekend|fortnight|months|quarter|years?)"),
    (_AHEAD, r"within (?:(?:an?|one|the|this|half an?) (?:hour|day|week|fortnight|quarter|year)|hours|days)"),
    (_AHEAD, r"in (?:an?|one) (?:hour|day|week|fortnight|quarter|year)"),
    (_AHEAD, rf"by (?:(?:the end of|the|this|next|early|late) )*(?:tomorrow|{_ENDS})"),
    (_AHEAD, r"tomorrow|tonight|overnight|this (?:weekend|month|quarter|year)"),
    (_AHEAD, r"(?:leave|churn|go|stay away|be (?:lost|gone|back)|return) (?:during |within )?this week(?!')"),
    (
        _AHEAD,
        r"(?:(?:per|each|every) (?:hour|day|month|quarter|year)|an? (?:hour|day|month|year)(?! (?:ago|earlier|before|later)))",
    ),
    (_AHEAD - {"at stake"}, r"(?:a|per|each|every) week(?! (?:ago|earlier|before|later))"),
)
"""Times without a number that no report gives these measures."""
_NO_TIME_AHEAD = re.compile(r"(?:last|past|previous|preceding|first) $", re.IGNORECASE)
_AGO = re.compile(r"[ -](?:day|week)s? (?:ago|earlier|before|to|ending)\b", re.IGNORECASE)
_OPENING = re.compile(r"\W*(?:with)?(?:in|over|during|by|for|before|tomorrow|next)\b", re.IGNORECASE)


def framed(parts: Sequence[Clause], index: int) -> Iterator[Number]:
    """Return the clause's numbers, and as unreadable ones the times that no report gives what it speaks of.

    "In the next 7 days," speaks of what the clauses beside it do.
    """
    clause = parts[index]
    spoken = _spoken(parts, index)
    ahead = {n.DAYS: n.DAYS_AHEAD, n.WEEKS: n.WEEKS_AHEAD} if spoken & _AHEAD else {}
    for number in clause.numbers:
        is_past = _NO_TIME_AHEAD.search(clause.before(number)) or _AGO.match(clause.words, number.end - clause.start)
        yield number if is_past else replace(number, unit=ahead.get(number.unit, number.unit))
    for measures, words in _NAMED if spoken & _AHEAD else ():
        for match in re.finditer(rf"\b(?:{words})\b", clause.words, re.IGNORECASE) if spoken & measures else ():
            start, end = clause.start + match.start(), clause.start + match.end()
            yield Number(start, end, match.group(), n.UNREADABLE, 0, 1, -1)


def _spoken(parts: Sequence[Clause], index: int) -> frozenset[What]:
    """Return what a clause measures, or, where it only opens or ends another one, what that does."""
    clause = parts[index]
    beside = parts[max(index - 1, 0) : index + 2] if not clause.whats and _OPENING.match(clause.words) else [clause]
    return frozenset(what for part in beside for what in part.whats)
