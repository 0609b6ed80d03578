"""Read UBJSON (https://ubjson.org), in which XGBoost stores a model, without XGBoost.

XGBoost takes longer to import than everything else that a report needs, and the first query needs no more than the thresholds
in the model's file: so the file is read here, and XGBoost loads beside the query.
"""

from io import BytesIO
from typing import Any

import numpy as np

_NUMBERS = {b"i": ">i1", b"U": ">u1", b"I": ">i2", b"l": ">i4", b"L": ">i8", b"d": ">f4", b"D": ">f8"}
_CONSTANTS = {b"Z": None, b"T": True, b"F": False}


def loads(content: bytes) -> Any:
    """The value that `content` holds, as `json.loads` would give it. Raises ValueError where it is no UBJSON."""
    stream = BytesIO(content)
    return _value(stream, stream.read(1))


def _value(stream: BytesIO, marker: bytes) -> Any:
    if marker in _NUMBERS:
        return _numbers(stream, marker, 1)[0]
    if marker in _CONSTANTS:
        return _CONSTANTS[marker]
    if marker == b"S":
        return _text(stream, stream.read(1))
    if marker == b"[":
        return _array(stream)
    if marker == b"{":
        return _object(stream)
    raise ValueError(f"no UBJSON: {marker!r} before byte {stream.tell()}")


def _numbers(stream: BytesIO, marker: bytes, count: int) -> list[Any]:
    dtype = np.dtype(_NUMBERS[marker])
    numbers: list[Any] = np.frombuffer(stream.read(count * dtype.itemsize), dtype, count).tolist()
    return numbers


def _text(stream: BytesIO, length_marker: bytes) -> str:
    return stream.read(_value(stream, length_marker)).decode()


def _array(stream: BytesIO) -> list[Any]:
    marker = stream.read(1)
    if marker == b"$":
        type_marker, _ = stream.read(1), stream.read(1)
        return _numbers(stream, type_marker, _value(stream, stream.read(1)))
    if marker == b"#":
        return [_value(stream, stream.read(1)) for _ in range(_value(stream, stream.read(1)))]
    values = []
    while marker != b"]":
        values.append(_value(stream, marker))
        marker = stream.read(1)
    return values


def _object(stream: BytesIO) -> dict[str, Any]:
    members = {}
    while (marker := stream.read(1)) != b"}":
        name = _text(stream, marker)
        members[name] = _value(stream, stream.read(1))
    return members
