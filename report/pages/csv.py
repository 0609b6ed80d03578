"""Write CSV that spreadsheets read as text, whatever separator they split at."""

import re
from collections.abc import Iterable, Mapping, Sequence

BYTE_ORDER_MARK = "\ufeff"
"""Before the text, this tells Excel that the file is UTF-8; importers of mailing tools do not need it."""

_FORMULA = re.compile(r"""(^|[,;:|\s"'])(?=[=+\-@＝＋－＠])|^(?=[\t\r\n])""")
"""The places at which a spreadsheet that splits at any usual separator, or drops quotes and spaces, could read a formula."""


def csv_text(rows: Iterable[Mapping[str, object]], columns: Sequence[str]) -> str:
    """Write rows as CSV with a header (RFC 4180): None is empty, a list is joined by commas, a number stays a number.

    A text that a spreadsheet could read as a formula gets an apostrophe at that place; `page.js` does the same.
    """
    lines = [[_cell(column) for column in columns], *([_cell(row.get(column)) for column in columns] for row in rows)]
    return "".join(",".join(line) + "\r\n" for line in lines)


def _cell(value: object) -> str:
    if value is None:
        return '""'
    if isinstance(value, bool | int | float):
        return f'"{value}"'
    text = ", ".join(map(str, value)) if isinstance(value, tuple | list) else str(value)
    safe = _FORMULA.sub(lambda found: f"{found[1] or ''}'", text)
    return '"' + safe.replace('"', '""') + '"'
