"""Find out how to read the texts of a column: the form of its times, the decimal sign of its amounts. Pure."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

_WORDS = ("null", "none", "nan", "n/a", "na", "nil", "undefined")
NOTHING = ("", " ", "-", "\\N", "(not set)", "#N/A", "NaN", "None", "Null", *_WORDS, *(word.upper() for word in _WORDS))
"""Cells that hold nothing."""

ISO = re.compile(r"\d{4}[-/]\d{1,2}[-/]\d{1,2}")
DAY_MONTH_YEAR = re.compile(r"(\d{1,2})([-/. ])(\d{1,2})\2(\d{4}|\d{2})(?!\d)")
EPOCHS = {10: "seconds", 13: "milliseconds", 16: "microseconds"}
_DECIMAL_COMMA, _DECIMAL_POINT = (
    # After the other sign; before another number of digits than three; after a zero, nothing or four digits; where the other
    # sign stands twice, between thousands.
    re.compile(rf"{other}\d+{sign}\d*$|{sign}(\d{{1,2}}|\d{{4,}})$|^(0?|\d{{4,}}){sign}\d+$|^\d{{1,3}}({other}\d{{3}}){{2,}}$")
    for sign, other in ((",", "[.]"), ("[.]", ","))
)
_EITHER = re.compile(r"\d{1,3}[.,]\d{3}")
"""Amounts whose sign may stand before decimals or between thousands, such as `1,250` and `1.250`."""
COMMON_SHARE = 0.99
"""The share of a column's texts that must have the same form before the others count as unreadable."""


@dataclass(frozen=True)
class TimeForm:
    """How a column's times are read: `iso`, `epoch` with a unit, or strptime formats."""

    kind: str
    formats: tuple[str, ...] = ()
    unit: str = ""
    example: str = ""

    @property
    def words(self) -> str:
        """Describe it for messages."""
        if self.kind == "epoch":
            return f"{self.unit} since 1970"
        order = {"%d": "day", "%m": "month", "%b": "month", "%B": "month", "%Y": "year", "%y": "year"}
        if self.kind == "iso":
            return "year-month-day"
        return "-".join(order[part] for part in re.findall("%[dmbBYy]", self.formats[0]))


class UnclearError(ValueError):
    """The texts can be read in two ways, or in none. The message says which option of the mapping decides."""


def says_its_order(texts: Sequence[str]) -> bool:
    """Return whether a few of these times show their order of year, month and day."""
    return {_kind(_shape(text)) for text in texts} <= {"iso", "epoch", "compact"}


def time_form(texts: Sequence[str], day_first: bool | None) -> TimeForm:
    """Find the form of a column's times from these texts of it. Raise UnclearError if they do not show it."""
    shapes: dict[str, str] = {}
    kinds: Counter[str] = Counter()
    for text in texts:
        shape = _shape(text)
        shapes.setdefault(shape, text)
        kinds[_kind(shape)] += 1
    [(kind, count)] = kinds.most_common(1)
    fitting = [(shape, example) for shape, example in shapes.items() if _kind(shape) == kind]
    example = fitting[0][1]
    if kind == "unknown" or count < COMMON_SHARE * len(texts):
        others = [example for shape, example in shapes.items() if _kind(shape) != kind]
        shown = " and ".join(repr(text) for text in [example, *others][:2])
        raise UnclearError(
            f"times such as {shown} are in no one form that is known; name it in the mapping: "
            'time_format = "%d.%m.%Y %H:%M" (the codes of strptime)'
        )
    if kind == "iso":
        return TimeForm("iso", example=example)
    if kind == "epoch":
        units = {EPOCHS[len(re.match(r"9+", shape)[0])] for shape, _ in fitting}  # type: ignore[index]
        if len(units) > 1:
            raise UnclearError(f"times are {' and '.join(sorted(units))} since 1970 in one column")
        return TimeForm("epoch", unit=units.pop(), example=example)
    if kind == "compact":
        return TimeForm("formats", ("%Y%m%d", "%Y%m%d%H%M%S"), example=example)
    if kind == "named":
        return TimeForm("formats", _named_formats(fitting), example=example)
    return TimeForm("formats", _numeric_formats(fitting, _is_day_first(texts, day_first)), example=example)


def _shape(text: str) -> str:
    """Return a text with 9 for each digit and a for each letter."""
    return re.sub(r"[^\W\d_]", "a", re.sub(r"\d", "9", text))


@cache
def _kind(shape: str) -> str:
    if re.match(r"9999[-/]99?[-/]99?", shape):
        return "iso"
    if re.fullmatch(r"9{10}(\.9+)?|9{13}|9{16}", shape):
        return "epoch"
    if re.fullmatch(r"9{8}|9{14}", shape):
        return "compact"
    if re.match(r"99?([-/. ])99?\1(9999|99)(?!9)", shape) and _clock(_after_date(shape)) is not None:
        return "numeric"
    if re.match(r"(99?[-. ]+a+[-., ]+99(99)?|a+\.? 99?,? 9999)", shape) and _clock(_after_date(shape)) is not None:
        return "named"
    return "unknown"


def _after_date(shape: str) -> str:
    return re.sub(r"^(99?[-/. ]+a+[-., ]+9999|99?[-/. ]+a+[-., ]+99(?!9)|a+\.? 99?,? 9999|99?([-/. ])99?\2(9999|99))", "", shape)


def _clock(tail: str) -> str | None:
    """Return the strptime format of what follows a date, or None if it is not a time of day."""
    found = re.fullmatch(r"([,T ]*)(?:99?:99(:99)?(\.9+)?( ?aa)?)?", tail)
    if not found:
        return None
    lead, seconds, fraction, half = found.groups()
    if ":" not in tail:
        return lead
    return f"{lead}{'%I' if half else '%H'}:%M{':%S' if seconds else ''}{'.%f' if fraction else ''}{_half(half)}"


def _half(half: str | None) -> str:
    return "" if not half else (" %p" if half.startswith(" ") else "%p")


def _numeric_formats(fitting: Sequence[tuple[str, str]], day_first: bool) -> tuple[str, ...]:
    formats = []
    for shape, _ in fitting:
        _, between, _, year = re.match(r"(99?)([-/. ])(99?)\2(9+)", shape).groups()  # type: ignore[union-attr]
        first, second = ("%d", "%m") if day_first else ("%m", "%d")
        date = f"{first}{between}{second}{between}{'%Y' if len(year) == 4 else '%y'}"
        formats.append(date + (_clock(_after_date(shape)) or ""))
    return tuple(dict.fromkeys(formats))


def _named_formats(fitting: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    formats = []
    for shape, example in fitting:
        date = shape[: len(shape) - len(_after_date(shape))]
        month = "%b" if len(re.search("a+", date)[0]) == 3 else "%B"  # type: ignore[index]
        date = re.sub("a+", month, date)
        date = re.sub(r"9999$", "%Y", date) if date.endswith("9999") else re.sub(r"99$", "%y", date)
        formats.append(re.sub("99?", "%d", date) + (_clock(_after_date(shape)) or ""))
        if "May" in example or "may" in example:  # both a short and a full name
            formats += [formats[-1].replace(month, other) for other in ("%b", "%B") if other != month]
    return tuple(dict.fromkeys(formats))


def _is_day_first(dates: Iterable[str], given: bool | None) -> bool:
    """Return whether the day comes before the month: as the dates show, else as the mapping says."""
    first, second, example = 0, 0, ""
    seen = set()
    between = ""
    for text in dates:
        if found := DAY_MONTH_YEAR.match(text):
            first, second = max(first, int(found[1])), max(second, int(found[3]))
            seen.add(found[0])
            example, between = example or found[0], found[2]
    day_first, month_first = first > 12, second > 12
    if day_first and month_first:
        raise UnclearError(
            "some dates have the day first and some the month: the same column cannot have both; export it in one form"
        )
    if given is not None:
        if (given and month_first) or (not given and day_first):
            raise UnclearError(f"day_first is {str(given).lower()} in the mapping, but there are dates that cannot be read so")
        return given
    if between == ".":  # nobody writes the month first with full stops
        return not month_first
    if not day_first and not month_first:
        raise UnclearError(
            f"dates such as {example!r} can be day-month or month-day, and all {len(seen):,} different ones fit both; say "
            "which in a mapping: day_first = true (or false)"
        )
    return day_first


def decimal_comma(texts: Iterable[str], given: bool | None) -> bool:
    """Return whether amounts have a decimal comma, judged by forms such as `9,99`. Raise UnclearError if both fit."""
    if given is not None:
        return given
    comma, point, either = "", "", ""
    for text in texts:
        digits = re.sub(r"[^\d.,]", "", text)
        if _DECIMAL_COMMA.search(digits):
            comma = comma or text
        elif _DECIMAL_POINT.search(digits):
            point = point or text
        elif _EITHER.fullmatch(digits):
            either = either or text
    if comma and point:
        raise UnclearError(f"amounts such as {comma!r} and {point!r} have different decimal signs; export them in one form")
    if comma:
        return True
    if either and not point:
        raise UnclearError(
            f"amounts such as {either!r} can be thousands or decimals; say which in a mapping: decimal_comma = true (or false)"
        )
    return False
