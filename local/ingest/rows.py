"""Turn files into rows of the report's two tables: the first pass reads, the second finishes. Nothing is loaded here.

The first pass writes every row, typed, with the reason if it is left out. The second pass writes `events.parquet` and
`users.parquet`, but only if few enough values cannot be read.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import jinja2

from local.ingest import files, values
from local.ingest.files import Table
from local.ingest.mapping import (
    FIELDS,
    InputError,
    SourceMapping,
    completed,
    find_column,
    found_columns,
    known_mappings,
    missing,
    read_mapping,
    recognize,
)

MEMORY = "700MB"
MAX_UNREADABLE_SHARE = 0.01
"""If more than this share of the rows have a value that cannot be read, the file is read in a wrong way."""
SAMPLE_ROWS = 5000
MAX_FORMS = 1_000_000
"""A column with more forms is not one of times or amounts; it is judged by this many."""
ONLY_CLIENT = 1
KNOWN_EVENT_TYPES = (
    "added_to_cart",
    "removed_from_cart",
    "cart_quantity_updated",
    "added_to_wishlist",
    "removed_from_wishlist",
    "purchase",
    "order_completed",
)
SQL = Path(__file__).with_name("sql")

Say = Callable[[str], None]


@dataclass(frozen=True)
class OwnShop:
    """A shop's own rows, as two Parquet files in the form of the tables, and its values for the function."""

    events: Path
    users: Path
    rows: int
    client: int
    """The client of the report by default: the one with the most events."""
    week_ending: date
    clients: Mapping[int, Mapping[str, Any]]
    """As in the setting `CLIENTS`."""


@dataclass(frozen=True)
class Plan:
    """How a table is read: with which mapping, which columns, and in which form its times and amounts are."""

    table: Table
    mapping: SourceMapping
    columns: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Reading:
    """How all the tables of a shop are read."""

    plans: Sequence[Plan]
    form: values.TimeForm
    decimal_comma: bool

    @property
    def mapping(self) -> SourceMapping:
        """The mapping, which is the same for all tables."""
        return self.plans[0].mapping

    @property
    def zone(self) -> str:
        """In which time zone days begin, and times without an offset are."""
        return self.mapping.time_zone or "UTC"


def read_shop(  # noqa: PLR0913 - the command line's
    asked: Sequence[str], mapping_file: Path | None, folder: Path, *, now: datetime, say: Say, client: int | None = None
) -> OwnShop:
    """Read the requested files and write the two tables into `folder`. Raise InputError if they cannot be read."""
    given = read_mapping(mapping_file) if mapping_file else None
    paths = files.find_files(asked)
    inputs = folder / "inputs"
    inputs.mkdir()
    with _connected(folder) as connection:
        plans = [_plan(table, given) for path in paths for table in files.open_tables(path, inputs, connection)]
        _check_one_source(plans)
        reading = _reading(connection, plans)
        say(_words_of_reading(reading))
        raw = folder / "raw.parquet"
        _read(connection, reading, raw)
        say(_words_of_rows(connection, reading, raw))
        currency, stated = _currency(connection, reading, raw)
        shop = _finish(connection, reading, raw, {"client": client or ONLY_CLIENT, "currency": currency})
        found = _look(connection, shop, now)
        say(_words_of_shop(connection, reading, shop, found, currency if stated else None))
        raw.unlink()
    name = paths[0].name if len(paths) == 1 else f"{paths[0].name} and {len(paths) - 1} more"
    rate = 1.0 if currency == "USD" else _rate(reading.mapping, currency) or 1.0
    about = {"name": name, "time_zone": reading.zone, "currency": currency, "usd_rate": rate}
    return OwnShop(
        events=shop[0],
        users=shop[1],
        rows=sum(one.rows for one in found),
        client=found[0].client_id,
        week_ending=found[0].last_full_week(reading.zone),
        clients={one.client_id: about for one in found},
    )


def _connected(folder: Path) -> duckdb.DuckDBPyConnection:
    settings: dict[str, Any] = {
        "memory_limit": MEMORY,
        "temp_directory": str(folder),
        "preserve_insertion_order": "false",
        "threads": "2",
    }
    connection = duckdb.connect(str(folder / "work.duckdb"), config=settings)
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def _plan(table: Table, given: SourceMapping | None) -> Plan:
    mapping = completed(given, table.columns) if given else recognize(table.columns)
    if mapping is None or not mapping.columns:
        raise InputError(_unknown(table))
    if table.kind == "json":  # a key that is empty in all the first rows is not among the columns yet
        heads = (candidate.split(".")[0].split("[")[0] for names in mapping.columns.values() for candidate in names)
        new = [head for head in dict.fromkeys(heads) if not find_column(head, table.columns) and head.isidentifier()]
        table = replace(table, columns=(*table.columns, *new), numbers=table.numbers.union(new))
    if lacking := missing(mapping, table.columns):
        wanted = {name: mapping.columns.get(name, ()) for name in lacking}
        told = "; ".join(
            f"no column for the {FIELDS[name]}" + (f" (looked for {', '.join(names)})" if names else f" ([columns] {name})")
            for name, names in wanted.items()
        )
        raise InputError(f"{table.shown}: {told}. Its columns are {', '.join(filter(None, table.columns))}")
    if given:
        for names in given.columns.values():
            for name in names:
                if not find_column(name, table.columns) and len(names) == 1:
                    raise InputError(
                        f"{table.shown} has no column {name!r}, which the mapping names. "
                        f"Its columns are {', '.join(filter(None, table.columns))}"
                    )
    return Plan(table, mapping, found_columns(mapping, table.columns))


def _unknown(table: Table) -> str:
    sources = ", ".join(mapping.source for mapping in known_mappings())
    return (
        f"{table.shown}: it is from no known source ({sources}). Its columns are {', '.join(filter(None, table.columns))}.\n"
        "Say in a mapping which is which, and give it with MAPPING=mapping.toml:\n"
        '  event_type = "purchase"\n  [columns]\n  user_id = "..."\n  timestamp = "..."\n  amount = "..."\n'
        "docs/sources.md has every option; local/mappings has a mapping of each known source"
    )


def _check_one_source(plans: Sequence[Plan]) -> None:
    first = plans[0]
    for plan in plans[1:]:
        if plan.mapping != first.mapping:
            raise InputError(
                f"{first.table.shown} is {first.mapping.source}, and {plan.table.shown} is {plan.mapping.source}: "
                "give files of one source at a time"
            )


# How columns are read


def _union(plans: Sequence[Plan], fields: Sequence[str], also: Callable[[Plan], str] = lambda _: "") -> str:
    """Return the SQL of the fields' texts of all tables. A field of several columns is the first that is filled."""
    parts = []
    for number, plan in enumerate(plans):
        columns = ", ".join(f"{_field(plan, name)} AS {name}" for name in fields)
        parts.append(f"SELECT {number} AS number, {columns}{also(plan)} FROM {files.relation(plan.table)}")
    return " UNION ALL ".join(parts)


def _field(plan: Plan, name: str) -> str:
    paths = plan.columns.get(name, ())
    texts = [files.expression(plan.table, path) for path in paths]
    if not texts:
        return "CAST(NULL AS VARCHAR)"
    if name == "name":
        joined = "concat_ws(' ', " + ", ".join(f"NULLIF(trim({text}), '')" for text in texts) + ")"
        return f"NULLIF({joined}, '')"
    filled = [_filled(text, keep_blanks=name in ("user_id", "session_id")) for text in texts]
    return filled[0] if len(filled) == 1 else f"COALESCE({', '.join(filled)})"


def _filled(text: str, keep_blanks: bool) -> str:
    """Return the SQL of a cell's text, or of NULL if it holds nothing. Spaces around an id may belong to it."""
    nothing = ", ".join(_quoted(word) for word in values.NOTHING)
    text = text if keep_blanks else f"trim({text})"
    return f"CASE WHEN {text} IN ({nothing}) THEN NULL ELSE {text} END"


def _reading(connection: duckdb.DuckDBPyConnection, plans: Sequence[Plan]) -> Reading:
    """Find the form of times and amounts. Raise InputError if the data does not show it."""
    mapping = plans[0].mapping
    amounts = [name for name in ("price", "amount", "refunded", "order_total", "quantity") if _has(plans, name)]
    for plan in plans:
        try:
            connection.execute(f"SELECT user_id FROM ({_union([plan], ['user_id'])}) LIMIT 1").fetchall()
        except duckdb.Error as error:
            raise InputError(_cannot_read(plan.table, error)) from None
    where = f"{plans[0].table.shown}" + (" and the others" if len(plans) > 1 else "")
    try:
        form = _time_form(connection, plans)
    except values.UnclearError as problem:
        raise InputError(f"{where}, column {' or '.join(plans[0].columns['timestamp'])}: {problem}") from None
    try:
        comma = values.decimal_comma(_amounts(connection, plans, amounts), mapping.decimal_comma)
    except values.UnclearError as problem:
        columns = " or ".join(plans[0].columns.get("amount") or plans[0].columns.get("price") or ())
        raise InputError(f"{where}, column {columns}: {problem}") from None
    return Reading(plans, form, comma)


def _amounts(connection: duckdb.DuckDBPyConnection, plans: Sequence[Plan], fields: Sequence[str]) -> set[str]:
    """Return the forms of all amounts, with 1 for every digit but 0; none if no amount has a comma or three digits after a point.

    What the file itself holds as a number has a point before its decimals, however many they are: its form is `0.1`.
    """
    if not fields:
        return set()
    texts = _union(plans, fields)
    unclear = " OR ".join(f"contains({name}, ',') OR {name} LIKE '%.___%'" for name in fields)
    if not connection.execute(f"SELECT 1 FROM ({texts}) WHERE {unclear} LIMIT 1").fetchone():
        return set()
    forms = set()
    for name in fields:
        numbers = [plan.table.numbers.issuperset(plan.columns.get(name, ())) for plan in plans]
        query = f"SELECT DISTINCT number, translate({name}, '23456789', '11111111') FROM ({texts})"
        found = connection.execute(query).fetchmany(MAX_FORMS)
        forms |= {"0.1" if numbers[number] and "." in text else text for number, text in found if text}
    return forms


def _time_form(connection: duckdb.DuckDBPyConnection, plans: Sequence[Plan]) -> values.TimeForm:
    mapping = plans[0].mapping
    if mapping.time_format:
        return values.TimeForm("formats", (mapping.time_format,))
    texts = f"({_union(plans, ['timestamp'])}) WHERE timestamp IS NOT NULL"
    sample = [text for (text,) in connection.execute(f"SELECT timestamp FROM {texts} LIMIT {SAMPLE_ROWS}").fetchall()]
    if not sample:
        raise values.UnclearError("the column is empty")
    if values.says_its_order(sample):
        return values.time_form(sample, mapping.day_first)
    # Whether days or months come first may show in a single row: of each day the first and the last text.
    days = f"SELECT MIN(timestamp), MAX(timestamp) FROM {texts} GROUP BY left(timestamp, 10) LIMIT {MAX_FORMS}"
    return values.time_form(
        [*sample, *(text for pair in connection.execute(days).fetchall() for text in pair)], mapping.day_first
    )


def _has(plans: Sequence[Plan], name: str) -> bool:
    return any(name in plan.columns for plan in plans)


def _words_of_reading(reading: Reading) -> str:
    plans, form, comma = reading.plans, reading.form, reading.decimal_comma
    first = plans[0]
    names = [plan.table.shown for plan in plans]
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    mapping = first.mapping
    read: list[tuple[str, str]] = []
    used = set()
    for name, paths in first.columns.items():
        about = FIELDS[name]
        if name == "timestamp":
            about += f", {form.words}" + (f" (such as {form.example})" if form.example else "")
            about += f"; without an offset in {mapping.time_zone or 'UTC'}" if form.kind != "epoch" else ""
        if name in ("price", "amount") and comma:
            about += ", with decimal comma"
        read.append((" or ".join(paths), about))
        used |= {path.split(".")[0].split("[")[0] for path in paths}
    if mapping.event_type:
        read.append(("(every row)", f"event type {mapping.event_type}"))
    if "session_id" not in first.columns:
        read.append(("(none)", "session: what a customer does without a pause of 30 minutes"))
    width = max(len(column) for column, _ in read)
    lines = [f"{shown}: read as {mapping.source}", *(f"  {column:<{width}}  {about}" for column, about in read)]
    unused = [column for column in first.table.columns if column not in used and column]
    if unused:
        lines.append(f"  not used: {', '.join(unused[:12])}{' …' if len(unused) > 12 else ''}")
    return "\n".join(lines)


# The first pass


def _read(connection: duckdb.DuckDBPyConnection, reading: Reading, raw: Path) -> None:
    try:
        connection.execute(f"COPY ({_query(reading)}) TO '{raw}' (FORMAT parquet, COMPRESSION snappy)")
    except duckdb.Error as error:
        raise InputError(_cannot_read(reading.plans[0].table, error)) from None


def _query(reading: Reading, shown: str = "") -> str:
    """Return the SQL of the first pass. With `shown`, rows also have their number and that field's text."""
    plans, mapping, comma = reading.plans, reading.mapping, reading.decimal_comma
    texts = _union(plans, list(FIELDS), lambda plan: _rules(plan) + _row_hash(plan))
    if shown:
        texts = texts.replace("SELECT 0 AS number,", "SELECT row_number() OVER () AS number,", 1)
    numbers = {name: _number(name, comma) for name in ("price", "quantity", "amount", "refunded", "order_total")}
    return _template("read.sql").render(
        texts=texts,
        time=_time(reading.form, reading.zone),
        numbers={name: sql if _has(plans, name) else "CAST(NULL AS DECIMAL(38, 9))" for name, sql in numbers.items()},
        rules=range(len(mapping.leave_out)),
        event_type=mapping.event_type,
        shown=shown,
    )


def _rules(plan: Plan) -> str:
    """Return the columns rule0, rule1 and so on: whether each of the mapping's rules leaves a row out."""
    columns = []
    for number, rule in enumerate(plan.mapping.leave_out):
        paths = [path for name in rule.columns if (path := find_column(name, plan.table.columns))]
        filled = [_filled(files.expression(plan.table, path), keep_blanks=False) for path in paths]
        text = f"COALESCE({', '.join([*filled, 'NULL'])})"
        if not paths:
            test = "FALSE"
        elif rule.filled is not None:
            test = f"{text} IS {'NOT ' if rule.filled else ''}NULL"
        elif rule.equals:
            test = f"lower({text}) IN ({', '.join(_quoted(value.lower()) for value in rule.equals)})"
        else:
            test = f"starts_with({text}, {_quoted(rule.starts_with or '')})"
        columns.append(f", COALESCE({test}, FALSE) AS rule{number}")
    return "".join(columns)


def _row_hash(plan: Plan) -> str:
    """Return a hash of the whole row, which tells exact copies from rows that only look alike to the report."""
    if not plan.mapping.drop_duplicates:
        return ", CAST(0 AS UBIGINT) AS row_hash"
    return f", hash({', '.join(f'c{i}' for i in range(len(plan.table.columns)))}) AS row_hash"


def _time(form: values.TimeForm, zone: str) -> str:
    """Return the SQL of a time in UTC, without a zone."""
    local = "TRY_CAST(timestamp AS TIMESTAMP)"
    if form.kind == "epoch":
        factor = {"seconds": 1_000_000, "milliseconds": 1_000, "microseconds": 1}[form.unit]
        return f"make_timestamp(CAST(TRY_CAST(timestamp AS DECIMAL(38, 6)) * {factor} AS BIGINT))"
    if form.kind == "formats":
        formats = ", ".join(_quoted(text) for text in form.formats)
        return _in_utc(f"TRY_STRPTIME(timestamp, [{formats}])", zone)
    clock = "substr(timestamp, 11)"
    offset = r"TRY_CAST(regexp_replace(timestamp, ' ?([+-]\d\d):?(\d\d)?$', '\1:\2') AS TIMESTAMPTZ)"
    return (
        f"CASE WHEN NOT regexp_matches(timestamp[1:5], '^\\d{{4}}[-/]') THEN NULL "
        f"WHEN contains({clock}, '+') OR contains({clock}, '-') THEN CAST(timezone('UTC', {offset}) AS TIMESTAMP) "
        f"WHEN ends_with(timestamp, ' UTC') THEN TRY_CAST(left(timestamp, length(timestamp) - 4) AS TIMESTAMP) "
        f"WHEN ends_with(timestamp, 'Z') THEN {local} ELSE {_in_utc(local, zone)} END"
    )


def _in_utc(local: str, zone: str) -> str:
    return local if zone == "UTC" else f"timezone('UTC', timezone({_quoted(zone)}, {local}))"


def _number(name: str, comma: bool) -> str:
    """Return the SQL of a number: plain ones first, then those with signs of a currency or of thousands."""
    bare = rf"regexp_replace(replace({name}, '−', '-'), '[\s\p{{Z}}\p{{Sc}}'']', '', 'g')"
    bare = rf"regexp_replace(regexp_replace({bare}, '^(-?)[A-Z]{{1,3}}', '\1'), '[A-Z]{{3}}$', '')"
    bare = rf"regexp_replace({bare}, '^\((.*)\)$', '-\1')"
    if comma:
        quick, whole = (f"replace(replace({text}, '.', ''), ',', '.')" for text in (name, bare))
    else:
        quick, whole = name, f"replace({bare}, ',', '')"
    return f"COALESCE({_decimal(quick)}, {_decimal(whole)})"


def _decimal(text: str) -> str:
    """Return the SQL of a text as a decimal. Only long texts take the wide form, which is slow to read."""
    return (
        f"CASE WHEN length({text}) <= 9 THEN CAST(TRY_CAST({text} AS DECIMAL(18, 9)) AS DECIMAL(38, 9)) "
        f"ELSE TRY_CAST({text} AS DECIMAL(38, 9)) END"
    )


def _words_of_rows(connection: duckdb.DuckDBPyConnection, reading: Reading, raw: Path) -> str:
    """Say how many rows are left out and why. Raise InputError if too many cannot be read or none is left."""
    plans, mapping, form, comma = reading.plans, reading.mapping, reading.form, reading.decimal_comma
    counted: dict[str | None, int] = dict(connection.execute(f"SELECT reason, COUNT(*) FROM '{raw}' GROUP BY reason").fetchall())
    rejected = _rejected(connection, plans)
    total = sum(counted.values()) + sum(count for count, _ in rejected.values())
    good = counted.pop(None, 0)
    ruled_out = sum(count for reason, count in counted.items() if reason and reason.startswith("rule"))
    said = [f"{total:,} rows, {good:,} of them used"]
    stop = None
    for reason, count in sorted(counted.items(), key=lambda found: -found[1]):
        kind, _, about = str(reason).partition(":")
        if kind == "rule":
            said.append(f"  left out {count:,}: {mapping.leave_out[int(about)].because}")
            continue
        where, example = _first(connection, reading, str(reason))
        if kind == "empty":
            said.append(f"  left out {count:,} without a {FIELDS[about]}, first {where}")
            continue
        right = {
            "timestamp": f"times are read as {form.words}" + (f", such as {form.example}" if form.example else ""),
            "client_id": "a client is a whole number from 1",
        }.get(about, "a number is right, such as " + ("1.234,50" if comma else "1234.50"))
        told = f"{_rows(count)} whose {FIELDS[about]} cannot be read, first {where}: {example!r}; {right}"
        said.append(f"  left out {told}")
        if count > MAX_UNREADABLE_SHARE * max(total - ruled_out, 1) and stop is None:
            stop = told
    for what, (count, where) in rejected.items():
        said.append(f"  left out {_lines(count)} {what}, first {where}")
        if count > MAX_UNREADABLE_SHARE * total and stop is None:
            stop = f"{_lines(count)} {what}, first {where}"
    if stop:
        raise InputError(f"Nothing was loaded: {stop}")
    if not good:
        raise InputError("Nothing was loaded: no row is left.\n" + "\n".join(said))
    return "\n".join(said)


def _rows(count: int) -> str:
    return f"{count:,} row{'' if count == 1 else 's'}"


def _lines(count: int) -> str:
    return f"{count:,} line{'' if count == 1 else 's'}"


def _first(connection: duckdb.DuckDBPyConnection, reading: Reading, reason: str) -> tuple[str, str]:
    """Find the first row that is left out for a reason: its place, and the text of the cell in question."""
    name = reason.partition(":")[2]
    for plan in reading.plans:
        numbered = _query(replace(reading, plans=[plan]), shown=name)
        connection.execute("SET preserve_insertion_order = true")
        found = connection.execute(
            f"SELECT number, shown FROM ({numbered}) WHERE reason = {_quoted(reason)} ORDER BY number LIMIT 1"
        ).fetchone()
        connection.execute("SET preserve_insertion_order = false")
        if found:
            line = files.line_of_row(plan.table, found[0])
            column = " or ".join(plan.columns.get(name, ()))
            unit = "line" if plan.table.kind == "csv" else "row"
            return f"in {plan.table.shown}, column {column}, {unit} {line:,}", str(found[1])
    return "somewhere", ""


def _rejected(connection: duckdb.DuckDBPyConnection, plans: Sequence[Plan]) -> dict[str, tuple[int, str]]:
    """Count the lines that are not rows by what is wrong with them, and find the first of each."""
    if all(plan.table.kind != "csv" for plan in plans):
        return {}
    words = {
        "MISSING COLUMNS": "with too few columns",
        "TOO MANY COLUMNS": "with too many columns",
        "UNQUOTED VALUE": "with a quotation mark that never ends",
        "LINE SIZE OVER MAXIMUM": "that are too long",
    }
    found = connection.execute(
        """
        SELECT error_type, file_path, COUNT(DISTINCT line), MIN(line_byte_position)
        FROM reject_errors JOIN (SELECT DISTINCT scan_id, file_id, file_path FROM reject_scans) USING (scan_id, file_id)
        WHERE scan_id = (SELECT MAX(scan_id) FROM reject_errors)
        GROUP BY ALL ORDER BY ALL
        """
    ).fetchall()
    tables = {str(plan.table.path): plan.table for plan in plans}
    rejected: dict[str, tuple[int, str]] = {}
    for kind, path, count, position in found:
        what = words.get(str(kind), "that cannot be read")
        where = f"in {tables[path].shown}, line {files.line_of_byte(tables[path], position - 1):,}"
        before = rejected.get(what, (0, where))
        rejected[what] = (count + before[0], before[1])
    return rejected


def _cannot_read(table: Table, error: duckdb.Error) -> str:
    return f"{table.shown}: cannot be read: {str(error).strip().splitlines()[0]}"


# The second pass


def _currency(connection: duckdb.DuckDBPyConnection, reading: Reading, raw: Path) -> tuple[str, bool]:
    """Return the currency, and whether file or mapping name it. Raise InputError if several cannot be added up."""
    mapping = reading.mapping
    found = [
        str(currency)
        for (currency,) in connection.execute(
            f"SELECT currency FROM '{raw}' WHERE reason IS NULL AND currency IS NOT NULL "
            "GROUP BY currency ORDER BY COUNT(*) DESC, currency"
        ).fetchall()
    ]
    if len(found) > 1:
        shop = mapping.currency or found[0]
        lacking = sorted(other for other in {*found, shop} if _rate(mapping, other) is None)
        if lacking:
            raise InputError(
                f"Nothing was loaded: amounts are in {', '.join(found)}, which cannot be added up as they stand. "
                f'Say in a mapping what a dollar costs in each:\n  currency = "{shop}"\n  [usd_rates]\n'
                + "\n".join(f"  {other} = ..." for other in lacking)
            )
        return shop, True
    if found and "currency" in mapping.given and mapping.currency not in (None, found[0]) and not _rate(mapping, found[0]):
        raise InputError(f"Nothing was loaded: the mapping says {mapping.currency}, the file's own column {found[0]}")
    return (found[0] if found else mapping.currency or "USD"), bool(found or mapping.currency)


def _rate(mapping: SourceMapping, currency: str) -> float | None:
    """Return what a dollar costs in a currency, or None if the mapping does not say."""
    if currency == "USD":
        return 1.0
    return mapping.usd_rates.get(currency) or (mapping.usd_rate if currency == mapping.currency or not mapping.currency else None)


def _finish(connection: duckdb.DuckDBPyConnection, reading: Reading, raw: Path, about: Mapping[str, Any]) -> tuple[Path, Path]:
    """Write the two tables."""
    plans, mapping = reading.plans, reading.mapping
    whole = connection.execute(
        f"SELECT bool_and(ends_with(user_id, '.0') AND TRY_CAST(user_id AS DOUBLE) IS NOT NULL) FROM '{raw}' WHERE reason IS NULL"
    ).fetchone()
    rate = _rate(mapping, about["currency"])
    others = {"USD": 1.0, **mapping.usd_rates}
    rates = [(_quoted(other), rate / its) for other, its in others.items() if other != about["currency"]] if rate else []
    context = {
        "raw": f"'{raw}'",
        "client": about["client"],
        "event_types": [(_quoted(_lower(name)), _quoted(ours)) for name, ours in mapping.event_types.items()],
        "event_type": _quoted(mapping.event_type) if mapping.event_type else None,
        "rates": rates if _has(plans, "currency") else [],
        "has_amount": _has(plans, "amount"),
        "has_refunded": _has(plans, "refunded"),
        "has_order_total": _has(plans, "order_total"),
        "has_session": _has(plans, "session_id"),
        "has_people": _has(plans, "email") or _has(plans, "name"),
        "whole_ids": bool(whole and whole[0]),
        "once_per_order": mapping.once_per_order and _has(plans, "order_id"),
        "repeated": mapping.drop_duplicates and _repeats(connection, raw),
    }
    written = []
    for name in ("events", "users"):
        written.append(raw.with_name(f"{name}.parquet"))
        query = _template(f"{name}.sql").render(context)
        connection.execute(f"COPY ({query}) TO '{written[-1]}' (FORMAT parquet, COMPRESSION zstd)")
    return written[0], written[1]


def _repeats(connection: duckdb.DuckDBPyConnection, raw: Path) -> bool:
    query = f"SELECT 1 FROM '{raw}' WHERE reason IS NULL GROUP BY row_hash HAVING COUNT(*) > 1 LIMIT 1"
    return connection.execute(query).fetchone() is not None


def _lower(name: str) -> str:
    return name.lower().replace(" ", "_").replace("-", "_")


@dataclass(frozen=True)
class Found:
    """A client's events in numbers."""

    client_id: int
    rows: int
    customers: int
    first: datetime
    last: datetime
    later: int
    """How many events are later than now."""

    def days(self, zone: str) -> tuple[date, date]:
        """Return the local days of the first and the last event."""
        return self.first.astimezone(ZoneInfo(zone)).date(), self.last.astimezone(ZoneInfo(zone)).date()

    def last_full_week(self, zone: str) -> date:
        """Return the day on which the last full week ends."""
        return last_full_week(*self.days(zone))


def _look(connection: duckdb.DuckDBPyConnection, shop: tuple[Path, Path], now: datetime) -> list[Found]:
    """Describe each client in numbers, the one with the most events first. Raise InputError if all events are in the future."""
    rows = connection.execute(
        """
        SELECT client_id, COUNT(*), COUNT(DISTINCT user_id), MIN(timestamp),
          MAX(timestamp) FILTER (timestamp <= $now), COUNT(*) FILTER (timestamp > $now)
        FROM read_parquet($events) GROUP BY client_id ORDER BY COUNT(*) DESC, client_id
        """,
        {"now": now.astimezone(UTC), "events": str(shop[0])},
    ).fetchall()
    found = [Found(*row) for row in rows if row[4] is not None]
    if not found:
        raise InputError(f"Nothing was loaded: every time is later than now, the first {rows[0][3]:%Y-%m-%d}")
    return found


def _words_of_shop(
    connection: duckdb.DuckDBPyConnection,
    reading: Reading,
    shop: tuple[Path, Path],
    found: Sequence[Found],
    currency: str | None,
) -> str:
    first, mapping = found[0], reading.mapping
    first_day, last_day = first.days(reading.zone)
    types = connection.execute(
        f"SELECT event_type, COUNT(*) FROM '{shop[0]}' GROUP BY event_type ORDER BY COUNT(*) DESC, event_type"
    ).fetchall()
    [(used,)] = connection.execute(f"SELECT COUNT(*) FROM '{shop[0].with_name('raw.parquet')}' WHERE reason IS NULL").fetchall()
    copies = used - sum(count for _, count in types)
    why = "exact copies of another row" if mapping.drop_duplicates else "orders that come twice"
    lines = [f"{_rows(copies)} left out: {why}"] if copies else []
    lines += [f"{first.rows:,} events of {first.customers:,} customers from {first_day} to {last_day}"]
    if first.later:
        lines.append(f"  {first.later:,} events are later than now and do not count")
    if len(found) > 1:
        others = ", ".join(str(one.client_id) for one in found[1:6])
        lines.append(f"  of client {first.client_id}; there are also {others}: CLIENT={found[1].client_id} asks for another")
    unknown = [(name, count) for name, count in types if name not in KNOWN_EVENT_TYPES]
    if unknown:
        told = ", ".join(f"{name} ({count:,})" for name, count in unknown[:6])
        lines.append(f"  event types that count as activity and nothing else: {told}{' …' if len(unknown) > 6 else ''}")
    if not any(name in ("purchase", "order_completed") for name, _ in types):
        lines.append('  none is a purchase, so nothing was spent; [event_types] in a mapping names it: sale = "purchase"')
    if not mapping.time_zone:
        lines.append('  days begin at midnight UTC; time_zone = "Europe/Berlin" in a mapping says otherwise')
    if currency is None:
        lines.append('  amounts are taken for US dollars; currency = "EUR" in a mapping says otherwise')
    elif _rate(mapping, currency) is None:
        lines.append(f"  amounts are in {currency}, a dollar taken for 1 {currency}; usd_rate = 0.9 in a mapping says otherwise")
    week_ending = first.last_full_week(reading.zone)
    full = (
        "the last full week ends on"
        if week_ending.isoweekday() == 7
        else "no Sunday is in the data; the week ends on its last day,"
    )
    lines.append(f"  {full} {week_ending:%A, %Y-%m-%d}")
    return "\n".join(lines)


def last_full_week(first_day: date, last_day: date) -> date:
    """Return the last Sunday that is not after the last day; the last day itself if no Sunday is in the data."""
    sunday = last_day - timedelta(days=last_day.isoweekday() % 7)
    return sunday if sunday >= first_day else last_day


def _template(name: str) -> jinja2.Template:
    loader = jinja2.FileSystemLoader(SQL)
    environment = jinja2.Environment(loader=loader, undefined=jinja2.StrictUndefined)  # noqa: S701 - SQL, not HTML
    return environment.get_template(name)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
