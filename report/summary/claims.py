"""The numbers of a text as claims: "about 1,200 customers" claims a true count of customers between 1,150 and 1,250.

Every claim has a unit, so that 150 customers bear out neither 150 % nor $150. A number that cannot be read for certain ("1.5e3",
"24/7", "dozens") is a claim too, of a unit that nothing bears out.
"""

import calendar
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

T = TypeVar("T")

CUSTOMERS, PERCENT, RISEN, FALLEN, POINTS, DOLLARS = "customers", "percent", "percent up", "percent down", "points", "dollars"
DAYS, WEEKS, SEGMENTS, FACTORS, ACTIONS = "days", "weeks", "segments", "factors", "actions"
CALENDAR_DAY, YEAR, DECIMAL, OTHER, UNREADABLE = "calendar day", "calendar year", "decimal", "other things", "unreadable"

BORNE_OUT_BY: Mapping[str, tuple[str, ...]] = {
    PERCENT: (PERCENT, RISEN, FALLEN),
    RISEN: (PERCENT, RISEN),
    FALLEN: (PERCENT, FALLEN),
}
"""A bare "5%" may be a share, a rise or a fall; "fell by 5%" is no rise. Any other unit is borne out by itself alone."""

COARSEST = 0.05
"""A number rounded to tens, hundreds, ... is at most this share of itself away from the true one."""

NEAR = 200
"""So many characters before and after a number may say what it counts; without an end, a long text would take for ever."""


@dataclass(frozen=True)
class Claim:
    """A number that a text states: the true values from `low` to `high` bear it out, if they have its unit."""

    words: str
    unit: str
    value: float
    low: float
    high: float


def claims(text: str) -> tuple[Claim, ...]:
    """Every number of an English text: digits or words, counts, shares, money, days of the calendar."""
    text = " ".join(text.split()).translate(_DASHES)
    found: list[Claim] = []
    next_start, next_unit = len(text), CUSTOMERS
    for match in reversed(list(_NUMBER.finditer(text))):
        before, after = text[max(match.start() - NEAR, 0) : match.start()], text[match.end() : match.end() + NEAR]
        joined = _JOINT.fullmatch(text[match.end() : next_start])
        read = _read(match, before, after, next_unit if joined else None)
        found += reversed(read)
        next_start, next_unit = match.start(), read[0].unit
    return tuple(reversed(found))


def borne_out(claim: Claim, known: Mapping[str, Iterable[float]]) -> bool:
    """Whether one of the `known` values, which stand under their units, is what the claim says."""
    values = (value for unit in BORNE_OUT_BY.get(claim.unit, (claim.unit,)) for value in known.get(unit, ()))
    return any(claim.low - 1e-9 <= value <= claim.high + 1e-9 for value in values)


def calendar_day(month: int, day: int) -> float:
    """A day of any year as a value: 119 for January 19."""
    return 100 * month + day


# The words that numbers are made of.


def _numbered(words: str, first: int) -> dict[str, int]:
    return {word: number for number, word in enumerate(words.split(), first)}


def _each(words: str, meaning: T) -> dict[str, T]:
    return dict.fromkeys(words.split(", "), meaning)


_ONES = _numbered("zero one two three four five six seven eight nine ten", 0)
_TEENS = _numbered("eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen", 11)
_TENS = {word: 10 * ten for word, ten in _numbered("twenty thirty forty fifty sixty seventy eighty ninety", 2).items()}
_ADDENDS = {**_ONES, **_TEENS, **_TENS}
_FEW = {word: number for word, number in _ONES.items() if number} | {str(number): number for number in range(1, 11)}
_MANY = {word: number for word, number in _ADDENDS.items() if number} | {str(number): number for number in range(1, 101)}
_SCALES = {"dozen": 12, "hundred": 100, "thousand": 10**3, "million": 10**6, "billion": 10**9}
_SUFFIXES = {"k": 10**3, "m": 10**6, "bn": 10**9}
_PARTS = _numbered("half third quarter fifth sixth seventh eighth ninth tenth", 2)
_MONTHS = {name[:3].lower(): number for number, name in enumerate(calendar.month_name) if name}
_UNITS = {
    **_each("%, percent, per cent", PERCENT),
    **_each("point, percentage point", POINTS),
    **_each("dollar", DOLLARS),
    **_each("day", DAYS),
    **_each("week", WEEKS),
    **_each("minute, hour, month, year, time, visit, session, order, purchase, cart, item", OTHER),
}
_NOUNS = {
    **_each("segment, group", SEGMENTS),
    **_each("factor, reason, driver, cause", FACTORS),
    **_each("action, step, recommendation", ACTIONS),
}
"""Between a number and one of these, words may stand: three main reasons."""
_DIRECTIONS = {
    **_each("up, rise, rises, rising, rose, increase, increases, increased, grew, grown, growth, climbed, higher", RISEN),
    **_each("down, fall, falls, falling, fell, decrease, decreases, decreased, drop, drops, dropped, declined, lower", FALLEN),
}
_HEDGES = {
    **_each("about, around, roughly, approximately, some, close to", (-1.0, 1.0)),
    **_each("over, more than, above, at least", (0.0, 1.99)),
    **_each("nearly, almost, under, below, less than, fewer than, up to, at most", (-1.99, 0.0)),
}
"""Where the true number lies, seen from the stated one, in halves of its last place."""


# What numbers look like, and what stands before and after them.


def _any(words: Iterable[str]) -> str:
    return "(?:" + "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True)) + ")"


_DASHES = {ord(dash): "-" for dash in "‐‑‒–—−"}
_START, _END = r"(?<![\w.,/:])", r"(?!\w|[.,/:]\d)"
_SCALE, _LETTER, _ADDEND = map(_any, (_SCALES, _SUFFIXES, _ADDENDS))
_SO_FEW, _SO_MANY, _PART = map(_any, (_FEW, _MANY, list(_PARTS)[1:]))
_DIGITS = "(?:[1-9][0-9]{0,2}(?:,[0-9]{3}){1,4}|0|[1-9][0-9]{0,14})"
_MONTH = "(?-i:" + _any({name[:length] for name in calendar.month_name[1:] for length in (3, 4, 9)}) + r")\b\.?"
_DAY = r"[0-9]{1,2}(?:st|nd|rd|th)?\b"
_DAYS = rf"{_DAY}(?:(?: ?- ?| to | through ){_DAY})?(?! ?%)"
_COMPOUND = rf"(?:{_ADDEND}|an?(?= {_SCALE}))\b(?:[ -]{_SCALE}\b(?: and {_ADDEND}\b)?|[ -]{_ADDEND}\b)*"
_COUNTS_CUSTOMERS = r"(?=(?: of \w+| [\w-]+)? customers?\b)"

_KINDS = {
    "iso": rf"{_START}[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}{_END}",
    "date": rf"{_START}(?:(?:{_MONTH} {_DAYS}|{_DAYS} (?:of )?{_MONTH})(?:,? [0-9]{{4}})?|{_MONTH} [0-9]{{4}}){_END}",
    "share": rf"\b(?:half|(?:an?|{_SO_FEW})[ -]{_PART}s?|{_SO_FEW} (?:in|out of) (?:every )?{_SO_MANY}){_END}",
    "digits": rf"{_START}{_DIGITS}(?:\.[0-9]+)?(?:{_LETTER}| {_SCALE})?{_END}",
    "spelled": rf"\b(?:(?!one\b(?![ -](?:{_SCALE}|percent))){_COMPOUND}|(?:one|no){_COUNTS_CUSTOMERS})\b",
    "unreadable": rf"\d\S*|[²³¹¼-¾⁰-₉⅐-ↈ①-⓿]|\b(?:{_SCALE}s?|twice|thrice|double[ds]?|doubling|triple[ds]?|halve[ds]?|halving)\b",
}
"""How a number may be written; the first kind that fits. "One" and "no" are numbers only where they count customers.

Of letters and digits only ASCII's make a number; any other digit is unreadable.
"""
_NUMBER = re.compile(
    "|".join(f"(?P<{kind}>(?{'u' if kind == 'unreadable' else 'a'}:{pattern}))" for kind, pattern in _KINDS.items()),
    re.IGNORECASE,
)

_JOINT = re.compile(r" ?- ?\$?| (?:to|and|or|through) \$?", re.IGNORECASE)
_MONEY_BEFORE = re.compile(r"\$(?:[0-9.,]+(?: ?- ?| to | and ))?-?$", re.IGNORECASE)
_HEDGE_BEFORE = re.compile(rf"\b({_any(_HEDGES)}) (?:an? |the |another )?\$?-?$", re.IGNORECASE | re.ASCII)
_DESCRIBED = r"(?:(?!(?:customers|of|in|for|from|across)\b)[a-z-]+ ){0,2}"
_UNIT_AFTER = re.compile(rf"[ -]?(?:(%)|({_any(_UNITS)})s?\b|{_DESCRIBED}({_any(_NOUNS)})s?\b)", re.IGNORECASE | re.ASCII)
_WORD_OR_STOP = re.compile(r"[a-z]+|[^\sa-z%$-]", re.IGNORECASE)


class _Written(NamedTuple):
    """A number as written: its value, the place of its last digit, and the place it is rounded to if it is a rough one."""

    value: float
    place: float
    rough_place: float


def _read(match: re.Match[str], before: str, after: str, joined_unit: str | None) -> list[Claim]:
    """The claims of a number in its place; `joined_unit` is that of the next one in "10 to 15%"."""
    words = match.group()
    unit = _unit(before, after) or joined_unit or CUSTOMERS
    match match.lastgroup:
        case "iso":
            year, month, day = map(int, words.split("-"))
            return [_exactly(words, YEAR, year), _exactly(words, CALENDAR_DAY, calendar_day(month, day))]
        case "date":
            return list(_date(words))
        case "share":
            return [_claim(words, _directed(PERCENT, before, after), _share(words), before)]
        case "digits":
            written = _digits(words)
            unit = DECIMAL if unit == CUSTOMERS and written.place < 1 else unit
            return [_claim(words, _directed(unit, before, after), written, before)]
        case "spelled":
            return [_claim(words, _directed(unit, before, after), _spelled(words), before)]
        case _:
            return [_exactly(words, UNREADABLE, math.nan)]


def _exactly(words: str, unit: str, value: float) -> Claim:
    return Claim(words, unit, value, value, value)


def _claim(words: str, unit: str, written: _Written, before: str) -> Claim:
    """The claim of a number: rounded to its last place, or more roughly where a word before it says so."""
    hedge = _HEDGE_BEFORE.search(before)
    lower, upper = _HEDGES[hedge[1].lower()] if hedge else (-1.0, 1.0)
    place = written.rough_place if hedge else written.place
    half = place / 2 if place <= 1 else min(place / 2, COARSEST * written.value)
    return Claim(words, unit, written.value, written.value + lower * half, written.value + upper * half)


def _unit(before: str, after: str) -> str | None:
    if _MONEY_BEFORE.search(before):
        return DOLLARS
    if before.endswith(("€", "£", "¥")):
        return UNREADABLE
    if unit := _UNIT_AFTER.match(after):
        return (_UNITS | _NOUNS)[unit[unit.lastindex or 0].lower()]
    return None


def _directed(unit: str, before: str, after: str) -> str:
    """For a percentage, whether the few words around it make it a rise or a fall."""
    if unit != PERCENT:
        return unit
    for words in (reversed(_WORD_OR_STOP.findall(before)[-4:]), _WORD_OR_STOP.findall(after)[:2]):
        for word in words:
            if not word.isalpha():
                break
            if word.lower() in _DIRECTIONS:
                return _DIRECTIONS[word.lower()]
    return unit


def _date(words: str) -> Iterator[Claim]:
    tokens = re.findall(r"[a-z]{3,}|[0-9]+", words.lower())
    month = next(_MONTHS[token[:3]] for token in tokens if token[:3] in _MONTHS)
    for number in filter(str.isdigit, tokens):
        is_year = len(number) == 4
        yield _exactly(words, YEAR, int(number)) if is_year else _exactly(words, CALENDAR_DAY, calendar_day(month, int(number)))


def _share(words: str) -> _Written:
    """A part of the whole in percent: "half", "two-thirds", "one in five"; a small part is not rounded to whole percents."""
    tokens = [token.removesuffix("s") for token in re.findall(r"\w+", words.lower())]
    percentage = 100 * {**_FEW, "a": 1, "an": 1, "half": 1}[tokens[0]] / {**_MANY, **_PARTS}[tokens[-1]]
    return _Written(percentage, min(1, 2 * COARSEST * percentage), 10)


def _digits(words: str) -> _Written:
    """A number in digits: 1,200, rounded to hundreds, for "1.2 thousand"."""
    number = re.sub(r"[^0-9.]", "", words)
    scale = {**_SUFFIXES, **_SCALES}.get(re.sub(r"[^a-z]", "", words.lower()), 1)
    value, place = float(number) * scale, scale / 10 ** len(number.partition(".")[2])
    return _Written(value, place, _zeros(value) if place >= 1 else place)


def _spelled(words: str) -> _Written:
    """A number in words: 121 for "one hundred and twenty-one"."""
    total, current = 0.0, 0.0
    for word in re.findall(r"[a-z]+", words.lower()):
        scale = _SCALES.get(word, 1)
        if scale >= 1_000:
            total, current = total + max(current, 1) * scale, 0.0
        else:
            current = max(current, 1) * scale if scale > 1 else current + _ADDENDS.get(word, 0)
    return _Written(total + current, 1, _zeros(total + current))


def _zeros(number: float) -> float:
    """The place of the last digit that is no zero: 100 for 1,200."""
    return max((10.0**zeros for zeros in range(9) if number and number % 10**zeros == 0), default=1.0)
