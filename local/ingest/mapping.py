"""Mappings: the meaning of a file's columns. The known sources are files in `local/mappings`, in the form of a user's own."""

import re
import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

FOLDER = Path(__file__).resolve().parent.parent / "mappings"

FIELDS = {
    "client_id": "client",
    "user_id": "customer",
    "timestamp": "time",
    "event_type": "event type",
    "price": "price of a piece",
    "quantity": "quantity",
    "amount": "amount of the row",
    "refunded": "amount paid back of the order",
    "order_total": "total of the order, for what was paid back",
    "order_id": "order",
    "session_id": "session",
    "currency": "currency",
    "email": "e-mail address",
    "name": "customer's name",
}
"""What a column can be, by its name in `[columns]`, and what messages call it."""

TEXTS = ("source", "event_type", "time_zone", "time_format", "currency")
SWITCHES = ("day_first", "decimal_comma", "once_per_order", "drop_duplicates")
OTHERS = ("recognized_by", "usd_rate", "columns", "event_types", "leave_out", "usd_rates")


class InputError(Exception):
    """Something that the user can correct: a file or a mapping. The message says what is wrong and what would be correct."""


@dataclass(frozen=True)
class LeaveOut:
    """Rows that do not count: where a column is filled or empty, has one of some values, or begins with a text."""

    columns: tuple[str, ...]
    because: str
    filled: bool | None = None
    equals: tuple[str, ...] = ()
    starts_with: str | None = None


@dataclass(frozen=True)
class SourceMapping:
    """How rows of one source become events. `docs/sources.md` says what each option means."""

    source: str
    columns: Mapping[str, tuple[str, ...]]
    recognized_by: tuple[tuple[str, ...], ...] = ()
    event_type: str | None = None
    event_types: Mapping[str, str] = field(default_factory=dict)
    leave_out: tuple[LeaveOut, ...] = ()
    time_zone: str | None = None
    time_format: str | None = None
    day_first: bool | None = None
    decimal_comma: bool | None = None
    once_per_order: bool = False
    drop_duplicates: bool = False
    currency: str | None = None
    usd_rate: float | None = None
    usd_rates: Mapping[str, float] = field(default_factory=dict)
    given: frozenset[str] = frozenset()
    """The options that its file has."""


def normal(name: str) -> str:
    """Return a column's name without case, spaces and punctuation: `Customer ID` is `customer_id`."""
    return "".join(letter for letter in unicodedata.normalize("NFKC", name).casefold() if letter.isalnum())


def read_mapping(path: Path) -> SourceMapping:
    """Read the mapping in a TOML file. Raise InputError if it is not one."""
    try:
        content = tomllib.loads(path.read_text("utf-8-sig"))
    except OSError as error:
        raise InputError(f"MAPPING: {path} cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is no TOML file: {error}") from None
    try:
        return _mapping(content, path)
    except ValueError as problem:
        raise InputError(f"{path}: {problem}") from None


@cache
def known_mappings() -> tuple[SourceMapping, ...]:
    """Return the mappings of the known sources."""
    return tuple(read_mapping(path) for path in sorted(FOLDER.glob("*.toml")))


def recognize(columns: Sequence[str]) -> SourceMapping | None:
    """Return the known source of a file with these columns: of those that fit, the one that recognizes the most columns.

    A source without `recognized_by` fits a file that has its customer, its time, and its event type or an amount.
    """
    there = {normal(column) for column in columns}
    by_name = [
        (len(mapping.recognized_by), mapping)
        for mapping in known_mappings()
        if mapping.recognized_by and all(any(normal(name) in there for name in names) for names in mapping.recognized_by)
    ]
    if by_name:
        return max(by_name, key=lambda found: found[0])[1]
    for mapping in known_mappings():
        if not mapping.recognized_by and not missing(mapping, columns):
            return mapping
    return None


def missing(mapping: SourceMapping, columns: Sequence[str]) -> tuple[str, ...]:
    """Return the fields that an event needs and that this mapping does not find among the columns."""
    found = found_columns(mapping, columns)
    needed = ["user_id", "timestamp"] + ([] if mapping.event_type else ["event_type"])
    lacking = [name for name in needed if name not in found]
    if mapping.event_type and not {"price", "amount"} & found.keys():
        lacking.append("amount")
    return tuple(lacking)


def found_columns(mapping: SourceMapping, columns: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Return for each field the file's columns that it is read from, or the paths into them, in the mapping's order."""
    found = {}
    for name, candidates in mapping.columns.items():
        there = tuple(dict.fromkeys(path for candidate in candidates if (path := find_column(candidate, columns))))
        if there:
            found[name] = there
    return found


def find_column(candidate: str, columns: Sequence[str]) -> str | None:
    """Return the column, or the path into it, that a mapping's name means in this file, or None.

    `a.b` is the entry `b` of `a`; `a[k]` is, in the list `a` of keys and values, the value of the key `k`.
    """
    by_name = {normal(column): column for column in reversed(columns)}
    if normal(candidate) in by_name:
        return by_name[normal(candidate)]
    head, rest = re.fullmatch(r"([^.\[]*)(.*)", candidate, re.DOTALL).groups()  # type: ignore[union-attr]
    return by_name[normal(head)] + rest if rest and normal(head) in by_name else None


def completed(mapping: SourceMapping, columns: Sequence[str]) -> SourceMapping:
    """Add the known source of the file to a mapping that names no columns. The mapping's own options take precedence."""
    known = None if mapping.columns else recognize(columns)
    return replace(known, **{name: getattr(mapping, name) for name in mapping.given}) if known else mapping


def _mapping(content: dict[str, Any], path: Path) -> SourceMapping:
    unknown = content.keys() - {*TEXTS, *SWITCHES, *OTHERS}
    if unknown:
        raise ValueError(f"{min(unknown)!r} is no option; there are {', '.join(sorted({*TEXTS, *SWITCHES, *OTHERS}))}")
    columns = _table(content, "columns")
    for name in columns:
        if name not in FIELDS:
            raise ValueError(f"[columns] has {name!r}; there are {', '.join(FIELDS)}")
    for name in SWITCHES:
        if not isinstance(content.get(name, False), bool):
            raise ValueError(f"{name} takes true or false")
    for name in TEXTS:
        if not isinstance(content.get(name, ""), str):
            raise ValueError(f"{name} takes a text")
    currency = content.get("currency")
    if currency is not None and not re.fullmatch("[A-Z]{3}", currency):
        raise ValueError(f"currency is {currency!r}; it takes a code of three letters, such as EUR")
    event_types = _table(content, "event_types")
    if not all(isinstance(value, str) for value in event_types.values()):
        raise ValueError('[event_types] takes lines such as view = "page_view"')
    return SourceMapping(
        source=content.get("source", "your mapping" if path.parent != FOLDER else path.stem),
        columns={name: _names(f"[columns] {name}", value) for name, value in columns.items()},
        recognized_by=tuple(_names("recognized_by", value) for value in content.get("recognized_by", [])),
        event_type=content.get("event_type"),
        event_types=event_types,
        leave_out=tuple(_leave_out(rule) for rule in content.get("leave_out", [])),
        time_zone=_time_zone(content.get("time_zone")),
        time_format=content.get("time_format"),
        day_first=content.get("day_first"),
        decimal_comma=content.get("decimal_comma"),
        once_per_order=content.get("once_per_order", False),
        drop_duplicates=content.get("drop_duplicates", False),
        currency=currency,
        usd_rate=_rate("usd_rate", content["usd_rate"]) if "usd_rate" in content else None,
        usd_rates={name: _rate(f"usd_rates {name}", value) for name, value in _table(content, "usd_rates").items()},
        given=frozenset(content),
    )


def _table(content: Mapping[str, Any], name: str) -> dict[str, Any]:
    table = content.get(name, {})
    if not isinstance(table, dict):
        raise ValueError(f"{name} is a table: [{name}]")
    return table


def _names(name: str, value: object) -> tuple[str, ...]:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not names or not all(isinstance(one, str) and one for one in names):
        raise ValueError(f'{name} takes the name of a column, or several: ["one", "or this"]')
    return tuple(names)


def _leave_out(rule: object) -> LeaveOut:
    example = '[[leave_out]] takes column, because, and one of filled = true, equals = ["a"], starts_with = "a"'
    if not isinstance(rule, dict) or not {"column", "because"} <= rule.keys():
        raise ValueError(example)
    tests = rule.keys() - {"column", "because"}
    if len(tests) != 1 or not tests <= {"filled", "equals", "starts_with"}:
        raise ValueError(example)
    return LeaveOut(
        columns=_names("[[leave_out]] column", rule["column"]),
        because=str(rule["because"]),
        filled=rule.get("filled"),
        equals=_names("[[leave_out]] equals", rule["equals"]) if "equals" in rule else (),
        starts_with=rule.get("starts_with"),
    )


def _time_zone(name: str | None) -> str | None:
    if name is not None:
        try:
            ZoneInfo(name)
        except (ValueError, OSError, KeyError):
            raise ValueError(f"time_zone is {name!r}, which is no time zone; one is 'Europe/Berlin'") from None
    return name


def _rate(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        raise ValueError(f"{name} takes a number above 0: units of the currency for a dollar")
    return float(value)
