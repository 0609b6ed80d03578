"""Find the periods that a clause names for customers who leave and for sales at stake. Only the next four weeks are right."""

import math
import re
from collections.abc import Iterator, Set
from dataclasses import replace

from report.summary import numbers as n
from report.summary.numbers import Number

_AHEAD: frozenset[str] = frozenset({"leaving", "staying", "at stake"})
"""The measures of the next four weeks."""
_ENDS = r"(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day|week|weekend|quarter|year|spring|summer|autumn|fall|winter|christmas)"
_TIMES: tuple[tuple[frozenset[str], str], ...] = (
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
"""Periods without a number that no report has for these measures."""
_NAMED = tuple((measures, re.compile(rf"\b(?:{words})\b", re.IGNORECASE)) for measures, words in _TIMES)
_UNITS_AHEAD = {n.DAYS: n.DAYS_AHEAD, n.WEEKS: n.WEEKS_AHEAD}
_PAST = re.compile(r"(?:last|past|previous|preceding|first) $", re.IGNORECASE)
_AGO = re.compile(r"[ -](?:day|week)s? (?:ago|earlier|before|to|ending)\b", re.IGNORECASE)
_OPENING = re.compile(r"\W*(?:with)?(?:in|over|during|by|for|before|tomorrow|next)\b", re.IGNORECASE)


def is_ahead(measures: Set[str]) -> bool:
    """Tell whether one of the measures is about the next four weeks."""
    return bool(measures & _AHEAD)


def opens(words: str) -> bool:
    """Tell whether a clause may be only a period that belongs to the clauses next to it: "In the next 7 days,"."""
    return _OPENING.match(words) is not None


def ahead(number: Number, before: str, after: str) -> Number:
    """Give a number of days or weeks a unit of the time ahead, unless the words around it say that the time is past."""
    is_past = _PAST.search(before) or _AGO.match(after)
    return number if is_past else replace(number, unit=_UNITS_AHEAD.get(number.unit, number.unit))


def unsupported(words: str, measures: Set[str]) -> Iterator[Number]:
    """Find the periods without a number that no report has for these measures. Return them as unreadable numbers."""
    for match in (match for of, times in _NAMED if of & measures for match in times.finditer(words)):
        yield Number(match.start(), match.end(), match.group(), n.UNREADABLE, math.nan, math.nan, math.nan)
