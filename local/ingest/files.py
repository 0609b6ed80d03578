"""Find files with events, look into them, and turn them into tables that DuckDB reads."""

import csv
import gzip
import io
import json
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import IO, Any, cast

import duckdb

from local.ingest.mapping import InputError, normal

SUFFIXES = (".csv", ".tsv", ".txt", ".json", ".jsonl", ".ndjson", ".parquet", ".xlsx")
SAMPLE_BYTES = 256 * 1024
SAMPLE_ROWS = 1000
MAX_LINE_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True)
class Table:
    """A file, or a sheet of one, as DuckDB reads it."""

    shown: str
    """The name in messages."""
    path: Path
    kind: str
    """`csv`, `json` or `parquet`."""
    columns: tuple[str, ...]
    delimiter: str = ","
    skip: int = 0
    nested: frozenset[str] = frozenset()
    """Columns that hold structures or lists."""
    numbers: frozenset[str] = frozenset()
    """Columns without texts, whose numbers have a decimal point whatever their digits; none in a text file."""


def find_files(asked: Sequence[str]) -> tuple[Path, ...]:
    """Find the requested files: each text is a file, a folder, or several of them as in a shell."""
    files: list[Path] = []
    for text in asked:
        names = _names(text)
        for name in names:
            path = Path(name).expanduser()
            if path.is_dir():
                inside = sorted(found for found in path.rglob("*") if _suffix(found) and not found.name.startswith(("~$", ".")))
                if not inside:
                    raise InputError(f"{path} has no file that ends in {', '.join(SUFFIXES)}, or one of these and .gz")
                files += inside
            elif not path.exists():
                raise InputError(f"{path}: there is no such file or folder (looked for {path.absolute()})")
            elif not _suffix(path):
                raise InputError(f"{path}: this kind of file is not known; known are {', '.join(SUFFIXES)}, also with .gz")
            else:
                files.append(path)
    if not files:
        raise InputError("EVENTS names no file")
    return tuple(dict.fromkeys(files))


def open_tables(file: Path, folder: Path, connection: duckdb.DuckDBPyConnection) -> tuple[Table, ...]:
    """Open the tables in a file: one, or one a sheet. What must be converted for DuckDB is written into `folder`.

    Raise InputError for a file that cannot be read.
    """
    if file.stat().st_size == 0:
        raise InputError(f"{file}: the file is empty")
    number = len(list(folder.iterdir()))
    suffix = _suffix(file)
    try:
        if suffix == ".xlsx":
            return tuple(replace(_open_csv(shown, path), numbers=numbers) for shown, path, numbers in _sheets(file, folder))
        if suffix == ".parquet":
            path = _linked(file, folder / f"{number}.parquet")
            return (_open_parquet(file, path, connection),)
        name = f"{number}{'.json' if 'json' in suffix or suffix.startswith('.nd') else '.csv'}"
        path = _in_utf8(file, folder / name)
        return (_open_json(file, path, connection) if name.endswith("json") else _open_csv(str(file), path),)
    except (OSError, EOFError, csv.Error) as error:
        raise InputError(f"{file}: cannot be read: {error}") from None


def expression(table: Table, path: str) -> str:
    """Return the SQL of a column's text, or of the text that a path leads to in it; `find_column` finds `path`."""
    column = max((name for name in table.columns if path.startswith(name)), key=len)
    rest = path.removeprefix(column)
    name = _identifier(f"c{table.columns.index(column)}")
    if not rest:
        return name
    if rest.startswith("["):
        key = rest.strip("[]").replace("'", "''")
        entry = f"list_filter(CAST({name} AS JSON[]), lambda entry: entry ->> 'key' = '{key}')[1]"
        values = ", ".join(
            f"{entry} ->> '$.value.{kind}'" for kind in ("string_value", "int_value", "double_value", "float_value")
        )
        return f"COALESCE({values}, {entry} ->> '$.value')"
    steps = "".join(f'."{step}"' for step in rest.removeprefix(".").replace('"', "").replace("'", "").split("."))
    return f"{name} ->> '${steps}'"


def relation(table: Table) -> str:
    """Return the SQL that reads a table: every column is a text, named c0, c1 and so on."""
    path = f"'{table.path}'"
    if table.kind == "csv":
        types = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(len(table.columns)))
        delimiter = "'\\t'" if table.delimiter == "\t" else f"'{table.delimiter}'"
        compression = "gzip" if table.path.suffix == ".gz" else "none"
        return (
            f"(SELECT * FROM read_csv({path}, auto_detect=false, columns={{{types}}}, delim={delimiter}, quote='\"', "
            f"escape='\"', header=true, skip={table.skip}, compression='{compression}', store_rejects=true, "
            f"max_line_size={MAX_LINE_BYTES}))"
        )
    if table.kind == "json":
        types = ", ".join(f"{_text(name)}: 'VARCHAR'" for name in table.columns)
        renamed = ", ".join(f"{_identifier(name)} AS c{i}" for i, name in enumerate(table.columns))
        return f"(SELECT {renamed} FROM read_json({path}, columns={{{types}}}, maximum_object_size=67108864))"
    texts = ", ".join(
        f"CAST({f'to_json({_identifier(name)})' if name in table.nested else _identifier(name)} AS VARCHAR) AS c{i}"
        for i, name in enumerate(table.columns)
    )
    return f"(SELECT {texts} FROM read_parquet({path}))"


def line_of_row(table: Table, number: int) -> int:
    """Return the line of a text file on which its nth row begins; for other tables the row's number."""
    if table.kind != "csv":
        return number
    with _opened(table.path) as text:
        for _ in range(table.skip):
            next(text)
        reader = csv.reader(text, delimiter=table.delimiter)
        rows, before = -1, table.skip
        for row in reader:
            rows += bool(row)
            if rows == number:
                return before + 1
            before = table.skip + reader.line_num
    return number + 1


def line_of_byte(table: Table, position: int) -> int:
    """Return the line of a text file that has this byte of its decompressed content."""
    opened = gzip.open if table.path.suffix == ".gz" else open
    with opened(table.path, "rb") as content:
        lines = 1
        while position > 0 and (block := content.read(min(position, 1024 * 1024))):
            lines += block.count(b"\n")
            position -= len(block)
    return lines


def _names(text: str) -> list[str]:
    """Return the paths in a text: the text itself if it is one, else what a shell would make of it."""
    if Path(text).expanduser().exists():
        return [text]
    try:
        names = shlex.split(text)
    except ValueError:
        return [text]
    # Where none of several is there, one path with spaces was meant.
    return names if any(Path(name).expanduser().exists() for name in names) else [text]


def _suffix(path: Path) -> str:
    """Return the kind of a file by its name, without .gz; empty if it cannot be read."""
    name = path.name.lower().removesuffix(".gz")
    return next((suffix for suffix in SUFFIXES if name.endswith(suffix)), "") if path.is_file() or not path.exists() else ""


def _linked(file: Path, link: Path) -> Path:
    """Give a file a second name: DuckDB takes some characters of paths for patterns."""
    link.symlink_to(file.absolute())
    return link


def _in_utf8(file: Path, path: Path) -> Path:
    """Return the file as UTF-8 without a byte order mark: a second name of it, or a copy if it must be converted."""
    opened = gzip.open if file.name.lower().endswith(".gz") else open
    with opened(file, "rb") as raw:
        start = raw.read(4)
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    elif _is_utf8(file):
        if not start.startswith(b"\xef\xbb\xbf"):
            return _linked(file, path if opened is open else path.with_name(path.name + ".gz"))
        encoding = "utf-8-sig"
    else:
        encoding = "cp1252"
    with opened(file, "rt", encoding=encoding, errors="replace", newline="") as text, path.open("w", encoding="utf-8") as copy:
        while block := text.read(1024 * 1024):
            copy.write(block)
    return path


def _is_utf8(file: Path) -> bool:
    opened = gzip.open if file.name.lower().endswith(".gz") else open
    try:
        with opened(file, "rt", encoding="utf-8", newline="") as text:
            while text.read(4 * 1024 * 1024):
                pass
    except UnicodeDecodeError:
        return False
    return True


def _opened(path: Path) -> IO[str]:
    opened = gzip.open if path.suffix == ".gz" else open
    return cast(IO[str], opened(path, "rt", encoding="utf-8", newline=""))


def _open_csv(shown: str, path: Path) -> Table:
    with _opened(path) as text:
        start = text.read(SAMPLE_BYTES)
    skip = 0
    given = None
    if start.lower().startswith("sep=") and len(start) > 5:  # how Excel marks the separator
        given, skip = start[4], 1
        start = start[start.index("\n") + 1 :]
    if "\n" in start and len(start) >= SAMPLE_BYTES:
        start = start[: start.rindex("\n") + 1]
    delimiter = given or max(",;\t|", key=lambda one: _regularity(start, one))
    header = next((row for row in csv.reader(io.StringIO(start, newline=""), delimiter=delimiter) if row), [])
    columns = tuple(name.strip() for name in header)
    if len(columns) < 2:
        raise InputError(
            f"{shown}: the first line must name the columns, between commas, semicolons, tabs or bars; it is "
            f"{_short(start.splitlines()[0])!r}"
        )
    return Table(shown, path, "csv", columns, delimiter, skip)


def _regularity(start: str, delimiter: str) -> tuple[int, int]:
    """Return on how many lines a delimiter makes as many columns as on the first, and how many columns."""
    rows = [row for row in islice(csv.reader(io.StringIO(start, newline=""), delimiter=delimiter), SAMPLE_ROWS) if row]
    if not rows or len(rows[0]) < 2:
        return (0, 0)
    return (sum(len(row) == len(rows[0]) for row in rows), len(rows[0]))


def _open_json(file: Path, path: Path, connection: duckdb.DuckDBPyConnection) -> Table:
    query = f"SELECT json FROM read_json_objects('{path}', maximum_object_size=67108864) LIMIT {SAMPLE_ROWS}"
    try:
        objects = [json.loads(text) for (text,) in connection.execute(query).fetchall()]
    except (duckdb.Error, ValueError) as error:
        raise InputError(f"{file}: no JSON that has one object a row: {_first_line(error)}") from None
    columns = tuple(dict.fromkeys(name for one in objects if isinstance(one, dict) for name in one))
    if not columns:
        raise InputError(f"{file}: no JSON that has one object a row, one a line or in one list")
    if len(objects) == 1 and any(isinstance(value, list) for value in objects[0].values()):
        raise InputError(f"{file}: the whole file is one object; it must be one object a row, one a line or in one list")
    texts = {name for one in objects if isinstance(one, dict) for name, value in one.items() if isinstance(value, str)}
    return Table(str(file), path, "json", columns, numbers=frozenset(columns) - texts)


def _open_parquet(file: Path, path: Path, connection: duckdb.DuckDBPyConnection) -> Table:
    try:
        described = connection.execute(f"DESCRIBE SELECT * FROM read_parquet('{path}')").fetchall()
    except duckdb.Error as error:
        raise InputError(f"{file}: no Parquet file: {_first_line(error)}") from None
    nested = frozenset(name for name, kind, *_ in described if kind.startswith(("STRUCT", "MAP")) or kind.endswith("]"))
    numbers = frozenset(name for name, kind, *_ in described if kind.startswith(("DECIMAL", "DOUBLE", "FLOAT")))
    return Table(str(file), path, "parquet", tuple(name for name, *_ in described), nested=nested, numbers=numbers)


def _sheets(file: Path, folder: Path) -> Iterator[tuple[str, Path, frozenset[str]]]:
    """Write as CSV files the sheets of a workbook that have the columns of its first table, and say which hold no texts."""
    import openpyxl

    try:
        book = openpyxl.load_workbook(file, read_only=True, data_only=True)
    except Exception as error:  # a broken workbook shows in many ways
        raise InputError(f"{file}: no workbook that can be read: {_first_line(error)}") from None
    first: tuple[str, ...] | None = None
    for sheet in book.worksheets:
        rows = sheet.iter_rows(values_only=True)
        header = next(rows, ())
        names = tuple("" if cell is None else str(cell) for cell in header)
        while names and not names[-1]:
            names = names[:-1]
        if len(names) < 2 or (first is not None and tuple(map(normal, names)) != first):
            continue
        first = tuple(map(normal, names))
        path = folder / f"{len(list(folder.iterdir()))}.csv"
        with path.open("w", encoding="utf-8", newline="") as text:
            writer = csv.writer(text)
            writer.writerow(names)
            texts: set[str] = set()
            for row in rows:  # a row without a cell stays a line: so lines are the sheet's own rows
                writer.writerow([_cell(cell) for cell in row[: len(names)]])
                texts.update(name for name, cell in zip(names, row, strict=False) if isinstance(cell, str))
        shown = f"{file}, sheet {sheet.title}" if len(book.worksheets) > 1 else str(file)
        yield shown, path, frozenset(name.strip() for name in names if name not in texts)
    if first is None:
        raise InputError(f"{file}: no sheet has a table whose first row names its columns")


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat(" ")
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _short(text: str, length: int = 80) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
