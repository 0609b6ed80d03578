"""What BigQuery's REST API refuses before it looks at a query: unknown fields, wrong types, values that are not of their type.

The local BigQuery takes all of these. The fields are data, in `bigquery_requests.json`.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

_INT64, _INT32, _UINT32 = (-(2**63), 2**63), (-(2**31), 2**31), (0, 2**32)


def problems(resource: str, body: Mapping[str, Any]) -> list[str]:
    """List what the API refuses in the body of a POST to `resource`: `/queries` or `/jobs`."""
    schema = _described()["requests"].get(resource)
    if schema is None:
        return []
    query = body if resource == "/queries" else body.get("configuration", {}).get("query", {})
    return list(_of_type(schema, body, "")) or list(_of_query(query)) or list(_of_labels(body))


@cache
def _described() -> Mapping[str, Any]:
    described: Mapping[str, Any] = json.loads(Path(__file__).with_suffix(".json").read_text("utf-8"))
    return described


def _of_type(type_: Any, value: Any, where: str) -> Iterator[str]:
    """Yield what is wrong with a value of the request at `where`."""
    if isinstance(type_, list):
        if not isinstance(value, list):
            yield f"{where}: no array"
            return
        for number, one in enumerate(value):
            yield from _of_type(type_[0], one, f"{where}[{number}]")
    elif isinstance(type_, str) and type_ in _SCALARS:
        if not _SCALARS[type_](value):
            yield f"Invalid value at '{where}' ({type_}), {json.dumps(value)}"
    elif not isinstance(value, dict):
        yield f"{where}: no object"
    else:
        fields = type_ if isinstance(type_, dict) else _described()["schemas"][type_]
        for name, one in value.items():
            if fields.get(name, fields.get("*")) is None:
                yield f"Invalid JSON payload received. Unknown name \"{name}\" at '{where}': Cannot find field."
            else:
                yield from _of_type(fields.get(name, fields.get("*")), one, f"{where}.{name}".lstrip("."))


def _of_query(query: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with a query's parameters."""
    if not query.get("query") or query.get("useLegacySql") is not False:
        yield "no query in GoogleSQL"
    parameters = query.get("queryParameters", [])
    names = [parameter.get("name") for parameter in parameters]
    if len(set(names)) < len(names):
        yield "Duplicate parameter names"
    code = re.sub(r"--.*", "", query.get("query", ""))
    for name in set(re.findall(r"(?<![\w@])@(\w+)", code)) - set(names):
        yield f"Query parameter '{name}' not found"
    for parameter in parameters:
        yield from _of_value(parameter["parameterType"], parameter["parameterValue"], parameter["name"])


def _of_value(type_: Mapping[str, Any], value: Mapping[str, Any], name: str) -> Iterator[str]:
    if type_["type"] == "ARRAY":
        for one in value.get("arrayValues", []):
            yield from _of_value(type_["arrayType"], one, name)
    elif type_["type"] not in _VALUES:
        yield f"Query parameter '{name}' has an unknown type: {type_['type']}"
    elif "value" in value and not _reads(_VALUES[type_["type"]], value["value"]):
        yield f"Unparseable query parameter `{name}` in type `{type_['type']}`, value: {value['value']}"


def _of_labels(body: Mapping[str, Any]) -> Iterator[str]:
    for name, value in body.get("labels", body.get("configuration", {}).get("labels", {})).items():
        if not (re.fullmatch(r"[a-z][a-z0-9_-]{0,62}", name) and re.fullmatch(r"[a-z0-9_-]{0,63}", value)):
            yield f"Label {name!r}: {value!r}"


def _whole(least_and_end: tuple[int, int], *, text: bool = False) -> Callable[[Any], bool]:
    def is_right(value: Any) -> bool:
        if text and isinstance(value, str):
            value = int(value) if re.fullmatch(r"-?[0-9]{1,19}", value) else None
        return isinstance(value, int) and not isinstance(value, bool) and least_and_end[0] <= value < least_and_end[1]

    return is_right


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_SCALARS: Mapping[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "number": _number,
    "scalar": lambda value: isinstance(value, str) or _number(value),
    "int64": _whole(_INT64, text=True),
    "int32": _whole(_INT32),
    "uint32": _whole(_UINT32),
}


def _reads(read: Callable[[Any], Any], value: Any) -> bool:
    try:
        return read(value) is not False
    except (TypeError, ValueError):
        return False


_VALUES: Mapping[str, Callable[[Any], Any]] = {
    "INT64": _whole(_INT64, text=True),
    "FLOAT64": float,
    "NUMERIC": float,
    "BOOL": lambda value: value in ("true", "false"),
    "STRING": lambda value: isinstance(value, str),
    "DATE": date.fromisoformat,
    "TIMESTAMP": datetime.fromisoformat,
}
