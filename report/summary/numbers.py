"""Read the numbers of an English text: "about 1,200 customers" is a count of customers between 1,150 and 1,250.

Every number has a unit, so that 150 customers never confirm 150 % or $150. A number that cannot be read with certainty ("1.5e3",
"24/7", "dozens") has a unit that nothing confirms.
"""

import calendar
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeVar

T = TypeVar("T")

CUSTOMERS, WHOLE, PERCENT, POINTS, MONEY, TIMES = "customers", "all customers", "percent", "points", "money", "times"
DAYS, WEEKS, SEGMENTS, FACTORS, ACTIONS = "days", "weeks", "segments", "factors", "actions"
DAYS_AHEAD, WEEKS_AHEAD = "days ahead", "weeks ahead"
TREND, COURSE = "direction", "better or worse"
CALENDAR_DAY, YEAR, DECIMAL, OTHER, UNREADABLE = "calendar day", "calendar year", "decimal", "other things", "unreadable"

MAX_ROUNDING = 0.05
"""A number rounded to tens, hundreds, ... is at most this share of itself away from the true one."""
MAX_MONEY_ROUNDING = 0.005
"""An amount of money that ends in zeros is at most this share of itself away from the true one, even without an "about"."""
MAX_SHARE_ROUNDING = 0.12
MAX_SHARE_POINTS = 6.0
"""A rough share in words is at most this share of itself, and these points, away: "close to half" is 44 to 56 %."""

CONTEXT = 200
"""The number of characters before and after a number that may say what it counts. Without a limit, a long text takes too long."""


@dataclass(frozen=True)
class Number:
    """A number in a text: true values from `low` to `high` with the same unit confirm it."""

    start: int
    end: int
    words: str
    unit: str
    value: float
    low: float
    high: float
    sign: int = 0
    """1 for a rise ("up 5%", "80 more"), -1 for a fall, 0 for neither."""
    currencies: frozenset[str] = frozenset()
    """The ISO codes that the text's "$", "yen" or "CHF" may stand for."""
    takes_part: bool = False
    """Whether the customers right after it are the whole that it is a part of: the New ones in "most New customers"."""

    def covers(self, value: float) -> bool:
        """Tell whether `value` is what the text says."""
        return self.low - 1e-9 <= value <= self.high + 1e-9


def tidy(text: str) -> str:
    """Return the text on one line, with every dash as a hyphen. All positions refer to this form."""
    return " ".join(text.translate(_DASHES).replace("’", "'").split())


def numbers(text: str) -> tuple[Number, ...]:
    """Return every number of a tidy text: digits or words, counts, shares, money, days of the calendar."""
    found: list[Number] = []
    next_start, next_unit = len(text), _Unit(CUSTOMERS)
    for match in reversed(list(_NUMBER.finditer(text))):
        before, after = text[max(match.start() - CONTEXT, 0) : match.start()], text[match.end() : match.end() + CONTEXT]
        joined = _JOINT.fullmatch(text[match.end() : next_start])
        read = _read(match, before, after, next_unit if joined else None)
        found += reversed(read)
        next_start, next_unit = match.start(), _Unit(read[0].unit, read[0].currencies)
    return tuple(reversed(found))


def calendar_day(month: int, day: int) -> float:
    """Return a day of any year as a value: 119 for January 19."""
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
    **_each("day", DAYS),
    **_each("week", WEEKS),
    **_each("time", TIMES),
    **_each("minute, hour, month, year, visit, session, order, purchase, cart, item, row, event", OTHER),
}
_NOUNS = {
    **_each("segment, group", SEGMENTS),
    **_each("factor, reason, driver, cause", FACTORS),
    **_each("action, step, recommendation, thing, priority", ACTIONS),
}
"""Words may stand between a number and one of these: three main reasons."""
_RISES = "up, rise, rises, rising, rose, risen, increase, increases, increased, grew, grown, growth, climbed, gained"
_FALLS = "down, fall, falls, falling, fell, fallen, decrease, decreases, decreased, drop, drops, dropped, decline, declined"
DIRECTIONS: Mapping[str, int] = {
    **_each(_RISES + ", jumped, reached", 1),
    **_each(_FALLS + ", reduce, reduces, reduced, shrank, slipped", -1),
}
"""Verbs and nouns that say which way a figure went."""
_COMPARATIVES = {
    **_each("more, higher, rise, increase, growth, gain, up", 1),
    **_each("fewer, less, lower, drop, fall, decrease, decline, down", -1),
}
"""Words after a number that make it a difference: "80 fewer", "a 5% drop"."""
_HEDGES = {
    **_each("about, around, roughly, approximately, some, close to, just about", (-1.0, 1.0)),
    **_each("over, more than, above, at least, just over, well over", (0.0, 1.99)),
    **_each("nearly, almost, just under, under, below, less than, fewer than, up to, at most", (-1.99, 0.0)),
}
"""The range of the true number around the stated one, in halves of its last place."""

_DOLLARS = "USD AUD BMD BBD BSD BZD CAD FJD GYD HKD JMD KYD LRD MXN NAD NZD SBD SGD SRD TTD TWD XCD CLP COP ARS UYU DOP"
_SYMBOLS: Mapping[str, str] = {
    "US$": "USD",
    "CA$": "CAD",
    "NZ$": "NZD",
    "HK$": "HKD",
    "NT$": "TWD",
    "MX$": "MXN",
    "A$": "AUD",
    "R$": "BRL",
    "CN¥": "CNY",
    "$": _DOLLARS,
    "€": "EUR",
    "£": "GBP EGP GIP FKP",
    "¥": "JPY CNY",
    "₹": "INR",
    "₩": "KRW",
    "₪": "ILS",
    "₫": "VND",
    "₱": "PHP",
    "FCFA": "XAF XOF",
}
_CURRENCY_WORDS: Mapping[str, str] = {
    "dollar": _DOLLARS,
    "euro": "EUR",
    "pound": "GBP EGP GIP FKP",
    "yen": "JPY",
    "yuan": "CNY",
    "renminbi": "CNY",
    "franc": "CHF XAF XOF",
    "krona": "SEK ISK",
    "kronor": "SEK",
    "krone": "NOK DKK",
    "kroner": "NOK DKK",
    "rupee": "INR PKR LKR NPR",
    "won": "KRW",
    "peso": "MXN CLP COP ARS PHP UYU DOP",
    "real": "BRL",
    "reais": "BRL",
    "zloty": "PLN",
    "koruna": "CZK",
    "rand": "ZAR",
    "shekel": "ILS",
    "baht": "THB",
    "lira": "TRY",
}


# Patterns of numbers, and of the words before and after them.


def _any(words: Iterable[str]) -> str:
    return "(?:" + "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True)) + ")"


_DASHES = {ord(dash): "-" for dash in "‐‑‒–—−"}
_CODE = r"(?-i:[A-Z]{3})"
_SYMBOL = "(?-i:" + _any(_SYMBOLS) + ")"
_START, _END = rf"(?:(?<![\w.,/:])|(?<=\b{_CODE})|(?<=\bFCFA))", r"(?!\w|[.,/:]\d)"
_SCALE, _LETTER, _ADDEND = map(_any, (_SCALES, _SUFFIXES, _ADDENDS))
_SO_FEW, _SO_MANY, _PART = map(_any, (_FEW, _MANY, list(_PARTS)[1:]))
_DIGITS = "(?:[1-9][0-9]{0,2}(?:,[0-9]{3}){1,4}|0|[1-9][0-9]{0,14})"
_MONTH = "(?-i:" + _any({name[:length] for name in calendar.month_name[1:] for length in (3, 4, 9)}) + r")\b\.?"
_DAY = r"[0-9]{1,2}(?:st|nd|rd|th)?\b"
_DAYS = rf"{_DAY}(?:(?: ?- ?| to | through ){_DAY})?(?! ?%)"
_COMPOUND = rf"(?:{_ADDEND}|an?(?= {_SCALE}))\b(?:[ -]{_SCALE}\b(?: and {_ADDEND}\b)?|[ -]{_ADDEND}\b)*"
_AUXILIARY = "is|are|was|were|has|have|had|will|would|may|might|can|could|should"
_NO_NAME = (
    rf"(?:{_AUXILIARY}|about|at|for|from|groups?|in|longer|more|out|reasons?|segments?|steps?|than|that|things?|to|ways?|who)\b"
)
_NO_NOUN = r"(?!'| (?:segment|group|base|data|number|visit)s?\b)"
_CUSTOMERS = rf"(?:customers?|shoppers?|buyers?|visitors?|people|persons?|regulars?|members?)\b{_NO_NOUN}"
_COUNTS_CUSTOMERS = rf"(?=(?: (?!{_NO_NAME})[a-z-]+){{0,5}} {_CUSTOMERS})"
_COUNTS_AT_RISK = rf"(?= (?:{_AUXILIARY}|currently|flagged|at|of (?:[\w-]+ ){{1,5}}(?:{_AUXILIARY})) )"
_OF_CUSTOMERS = rf"(?:{_COUNTS_CUSTOMERS}|(?= of (?:them|these|those|whom|which|us)\b))"
_NONE = (
    rf"(?:no(?={_COUNTS_CUSTOMERS}| (?:churn |such )?(?:risk|loss|losses|leavers|churn|departures)\b)"
    rf"|(?:not|without) (?:a single|one|any){_OF_CUSTOMERS}"
    r"|(?:none|nobody|no one|no-one)(?! (?:likes?|wants?|knows?|needs?|can)\b))"
)
_ALL = (
    r"(?<!\bof )(?<!\bamong )(?<!\bacross )(?<!\bfor )(?<!\bfrom )(?<!\bthan )(?:(?:the|your) (?:entire|whole)(?: customer)? base"
    rf"|all{_OF_CUSTOMERS}|(?:every|each)(?: single)?(?: one)?{_OF_CUSTOMERS}|every(?:one|body))"
)
_LARGE = "(?:vast|overwhelming|large|great|huge|clear)"
_ROUGH: Mapping[str, tuple[float, float]] = {
    rf"(?:almost|nearly|virtually|practically|just about) {_ALL}": (90, 100),
    rf"(?:an?|the) {_LARGE} majority": (66, 100),
    rf"(?<!\bthe )(?:most(?:{_OF_CUSTOMERS}|(?= of\b))|(?:an?|the) (?:[a-z]+ )?majority|the bulk)": (50.1, 100),
    r"an? (?:small|tiny) minority": (0, 25),
    r"an? (?:[a-z]+ )?minority": (0, 49.9),
    r"(?:hardly|barely|scarcely) any(?:one|body)?": (0, 10),
}
"""The shares in percent that a word without a number may stand for; the first that fits."""

_KINDS = {
    "iso": rf"{_START}[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}{_END}",
    "date": rf"{_START}(?:(?:{_MONTH} {_DAYS}|{_DAYS} (?:of )?{_MONTH})(?:,? [0-9]{{4}})?|{_MONTH} [0-9]{{4}}){_END}",
    "share": rf"\b(?:half|(?:an?|{_SO_FEW})[ -]{_PART}s?|{_SO_FEW}[ -](?:in|out of)[ -](?:every )?{_SO_MANY}){_END}"
    rf"|\bevery (?:other|second|{_PART}){_COUNTS_CUSTOMERS}",
    "digits": rf"{_START}{_DIGITS}(?:\.[0-9]+)?(?:{_LETTER}| {_SCALE})?{_END}",
    "spelled": rf"\b(?:(?!one\b(?![ -](?:{_SCALE}|per ?cent))){_COMPOUND}"
    rf"|one(?:{_COUNTS_CUSTOMERS}|{_COUNTS_AT_RISK}))\b",
    "none": rf"\b{_NONE}\b",
    "rough": rf"\b(?:{'|'.join(_ROUGH)})\b",
    "whole": rf"\b{_ALL}\b",
    "unreadable": r"\d\S*|[²³¹¼-¾⁰-₉⅐-ↈ①-⓿]|"
    rf"\b(?:{_SCALE}s?|twice|thrice|double[ds]?|doubling|(?:tri|tre|quadru|quintu|sextu|centu)[pb]l\w+|halve[ds]?|halving"
    r"|(?!un|en|mani)\w*-?fold|majority|minority|handful|couple|trio|pair|scores of|countless|neither(?= [\w-]+ nor)"
    rf"|an? (?:single )?per ?cent|(?:not|\w+n't)(?: \w+){{0,2}} any(?={_COUNTS_CUSTOMERS}))\b",
}
"""The ways to write a number; the first that fits is used. "One" and "no" are numbers only if they count customers.

Only ASCII letters and digits make a number; any other digit is unreadable.
"""
_NUMBER = re.compile(
    "|".join(f"(?P<{kind}>(?{'u' if kind == 'unreadable' else 'a'}:{pattern}))" for kind, pattern in _KINDS.items()),
    re.IGNORECASE,
)

_HEDGE = _any(_HEDGES)
_JOINT = re.compile(rf" ?- ?{_SYMBOL}?| (?:to|and|or|through) {_SYMBOL}?", re.IGNORECASE)
_MONEY_BEFORE = re.compile(rf"({_SYMBOL}|\b{_CODE}\b|\b{_CODE}$) ?(?:[0-9.,]+(?: ?- ?| to | and ))?-?$", re.IGNORECASE)
_OTHER_SIGN_BEFORE = re.compile(r"[^\w\s.,;:!?()'\"“”%&/+-] ?-?$")
_HEDGE_BEFORE = re.compile(
    rf"\b({_HEDGE}) (?:an? |(?<!than )the |another |just )?(?:{_SYMBOL}|{_CODE} ?)?-?$", re.IGNORECASE | re.ASCII
)
_DESCRIBED = r"(?:(?!(?:customers|of|in|for|from|across)\b)[a-z-]+ ){0,2}"
_UNIT_AFTER = re.compile(rf"[ -]?(?:(%)|({_any(_UNITS)})s?\b|{_DESCRIBED}({_any(_NOUNS)})s?\b)", re.IGNORECASE | re.ASCII)
_MONEY_AFTER = re.compile(rf" ?(?:({_any(_CURRENCY_WORDS)})s?\b|({_CODE})\b)", re.IGNORECASE)
_FILLERS = rf"(?: {_HEDGE}| of| an?| the| another| just| only| further)*"
_SIGN_BEFORE = re.compile(
    rf"(?<!make )(?<!makes )(?<!making )(?<!made )\b({_any(DIRECTIONS)})(?:(?: [\w']+){{0,3}}? by)?"
    rf"{_FILLERS} (?:{_SYMBOL}|{_CODE} ?)?-?$",
    re.IGNORECASE | re.ASCII,
)
_SIGN_AFTER = re.compile(
    rf"(?: ?%| percent(?:age)?| per cent| points?)*[ -](?:(?!and|or|is|are|at|to|per)[\w-]+ )?({_any(_COMPARATIVES)})\b"
    r"(?! (?:likely|often|at risk|loyal))",
    re.IGNORECASE | re.ASCII,
)
_A_PERIOD = (
    r"(?:(?:per|each|every) (?:hour|day|month|quarter|year)|per (?:customer|head|person|shopper|visit|order)|yesterday"
    r"|(?:dai|month|quarter|year)ly|annual(?:ly)?|(?:this|last|the past|the last) (?:month|quarter|year))\b"
)
_RATE_BEFORE = re.compile(rf"\b{_A_PERIOD}[^.;:]{{0,40}}$", re.IGNORECASE)
_RATE_AFTER = re.compile(
    r"(?: (?!(?:and|or|but|while|as)\b)[\w'-]+){0,4}? "
    rf"(?:{_A_PERIOD}|an? (?:hour|day|month|year)\b(?! (?:ago|earlier|before|later)))",
    re.IGNORECASE,
)
"""What makes an amount one of another time than the week, or of one customer."""
_SIGNED_UNITS = {CUSTOMERS, PERCENT, POINTS, MONEY}


class _Unit(NamedTuple):
    """What a number counts, and for money the possible currencies."""

    name: str
    currencies: frozenset[str] = frozenset()


class _Written(NamedTuple):
    """A number as written: its value, the place of its last digit, and how far off it may be after a hedge ("about")."""

    value: float
    place: float
    rough_half: float


def _read(match: re.Match[str], before: str, after: str, joined_unit: _Unit | None) -> list[Number]:
    """Return the numbers in one match; in "10 to 15%", `joined_unit` is the unit of the next number."""
    words = match.group()
    unit = _unit(before, after) or joined_unit or _Unit(CUSTOMERS)
    match match.lastgroup:
        case "iso":
            year, month, day = map(int, words.split("-"))
            return [_exactly(match, YEAR, year), _exactly(match, CALENDAR_DAY, calendar_day(month, day))]
        case "date":
            return list(_date(match))
        case "rough" | "whole" as kind:
            return [_quantifier(match, kind)]
        case "share" | "none" | "digits" | "spelled" as kind:
            written = _WRITTEN[kind](words)
            unit = _Unit(DECIMAL) if kind == "digits" and unit.name == CUSTOMERS and written.place < 1 else unit
            return [_number(match, _OF_KIND.get(kind, unit), written, before, after)]
        case _:
            return [_exactly(match, UNREADABLE, math.nan)]


def _exactly(match: re.Match[str], unit: str, value: float) -> Number:
    return Number(match.start(), match.end(), match.group(), unit, value, value, value)


def _quantifier(match: re.Match[str], kind: str) -> Number:
    """Read "all", "most", ... as the part of the customers after it that it stands for."""
    shares = (share for said, share in _ROUGH.items() if re.compile(said, re.IGNORECASE).match(match.string, match.start()))
    low, high = next(shares) if kind == "rough" else (1, 1)
    return replace(_exactly(match, PERCENT if kind == "rough" else WHOLE, low), high=high, takes_part=True)


def _number(match: re.Match[str], unit: _Unit, written: _Written, before: str, after: str) -> Number:
    """Return the number, rounded to its last place, or more roughly if a word before it says so."""
    hedge = _HEDGE_BEFORE.search(before)
    lower, upper = _HEDGES[hedge[1].lower()] if hedge else (-1.0, 1.0)
    exact_half = written.place / 2 if written.place <= 1 else min(written.place / 2, MAX_ROUNDING * written.value)
    if unit.name == MONEY and written.place == 1:
        exact_half = max(exact_half, min(written.rough_half, MAX_MONEY_ROUNDING * written.value))
    is_rough = hedge is not None or match.group().lower().startswith("every")
    half = max(written.rough_half, exact_half) if is_rough else exact_half
    if match.lastgroup == "share" and hedge and 0 in (lower, upper):
        half = MAX_SHARE_POINTS / 2 if upper else half / 2  # "over a quarter" is true of 31 %, "nearly a quarter" not of 19 %
    value = written.value
    if unit.name in _SIGNED_UNITS and (_RATE_BEFORE.search(before) or _RATE_AFTER.match(after)):
        return _exactly(match, UNREADABLE, math.nan)
    sign = _sign(before, after) if unit.name in _SIGNED_UNITS else 0
    place = match.start(), match.end(), match.group()
    return Number(*place, unit.name, value, value + lower * half, value + upper * half, sign, unit.currencies)


def _unit(before: str, after: str) -> _Unit | None:
    if money := _MONEY_BEFORE.search(before):
        return _Unit(MONEY, frozenset(_SYMBOLS.get(money[1], money[1]).split()))
    if _OTHER_SIGN_BEFORE.search(before):
        return _Unit(UNREADABLE)
    if money := _MONEY_AFTER.match(after):
        codes = _CURRENCY_WORDS[money[1].lower()] if money[1] else money[2]
        return _Unit(MONEY, frozenset(codes.split()))
    if unit := _UNIT_AFTER.match(after):
        return _Unit((_UNITS | _NOUNS)[unit[unit.lastindex or 0].lower()])
    return None


def _sign(before: str, after: str) -> int:
    """Tell whether the words around a number make it a rise or a fall."""
    if said := _SIGN_BEFORE.search(before):
        return DIRECTIONS[said[1].lower()]
    if said := _SIGN_AFTER.match(after):
        return _COMPARATIVES[said[1].lower()]
    return 0


def _date(match: re.Match[str]) -> Iterator[Number]:
    tokens = re.findall(r"[a-z]{3,}|[0-9]+", match.group().lower())
    month = next(_MONTHS[token[:3]] for token in tokens if token[:3] in _MONTHS)
    for number in filter(str.isdigit, tokens):
        is_year = len(number) == 4
        yield _exactly(match, YEAR, int(number)) if is_year else _exactly(match, CALENDAR_DAY, calendar_day(month, int(number)))


def _share(words: str) -> _Written:
    """Return a part of the whole in percent: "half", "two-thirds", "one in five". A small part is not rounded to a percent."""
    tokens = [token.removesuffix("s") for token in re.findall(r"\w+", words.lower())]
    percentage = (
        100
        * {**_FEW, "a": 1, "an": 1, "every": 1, "half": 1}[tokens[0]]
        / {**_MANY, **_PARTS, "other": 2, "second": 2}[tokens[-1]]
    )
    rough = min(MAX_SHARE_POINTS, MAX_SHARE_ROUNDING * percentage)
    return _Written(percentage, min(3, 2 * MAX_ROUNDING * percentage), rough)


def _digits(words: str) -> _Written:
    """Return a number in digits: 1,200, rounded to hundreds, for "1.2 thousand"."""
    number = re.sub(r"[^0-9.]", "", words)
    scale = {**_SUFFIXES, **_SCALES}.get(re.sub(r"[^a-z]", "", words.lower()), 1)
    value, place = float(number) * scale, scale / 10 ** len(number.partition(".")[2])
    return _Written(value, place, _rough_half(value, _zeros(value) if place >= 1 else place))


def _spelled(words: str) -> _Written:
    """Return a number in words: 121 for "one hundred and twenty-one", 0 for "none"."""
    total, current = 0.0, 0.0
    for word in re.findall(r"[a-z]+", words.lower()):
        scale = _SCALES.get(word, 1)
        if scale >= 1_000:
            total, current = total + max(current, 1) * scale, 0.0
        else:
            current = max(current, 1) * scale if scale > 1 else current + _ADDENDS.get(word, 0)
    return _Written(total + current, 1, _rough_half(total + current, _zeros(total + current)))


def _rough_half(value: float, place: float) -> float:
    return place / 2 if place <= 1 else min(place / 2, MAX_ROUNDING * value)


def _zeros(number: float) -> float:
    """Return the place of the last digit that is not zero: 100 for 1,200."""
    return max((10.0**zeros for zeros in range(9) if number and number % 10**zeros == 0), default=1.0)


_WRITTEN: Mapping[str, Callable[[str], _Written]] = {
    "share": _share,
    "none": lambda _words: _spelled("zero"),
    "digits": _digits,
    "spelled": _spelled,
}
_OF_KIND = {"share": _Unit(PERCENT), "none": _Unit(CUSTOMERS)}
