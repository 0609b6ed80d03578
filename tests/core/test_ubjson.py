"""UBJSON as its specification has it (https://ubjson.org), value by value."""

import struct
from typing import Any

import pytest

from model import ubjson


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (b"Z", None),
        (b"T", True),
        (b"F", False),
        (b"i" + struct.pack(">b", -5), -5),
        (b"U" + struct.pack(">B", 250), 250),
        (b"I" + struct.pack(">h", -300), -300),
        (b"l" + struct.pack(">i", -70_000), -70_000),
        (b"L" + struct.pack(">q", 2**40), 2**40),
        (b"d" + struct.pack(">f", 0.5), 0.5),
        (b"D" + struct.pack(">d", 0.1), 0.1),
        (b"SU\x03a\xc3\xa9", "aé"),
        (b"Si\x00", ""),
        (b"[]", []),
        (b"[TZU\x02]", [True, None, 2]),
        (b"[#U\x02TF", [True, False]),
        (b"[$d#U\x02" + struct.pack(">ff", 1.5, -2.0), [1.5, -2.0]),
        (b"[$l#L" + struct.pack(">qii", 2, 7, -1), [7, -1]),
        (b"[$U#i\x00", []),
        (b"{}", {}),
        (b"{U\x01aTU\x01b[SU\x01c]i\x01d{}}", {"a": True, "b": ["c"], "d": {}}),
    ],
)
def test_a_value_is_read_as_what_it_stands_for(content: bytes, value: Any) -> None:
    read = ubjson.loads(content)
    assert (read, type(read)) == (value, type(value))


@pytest.mark.parametrize("content", [b"", b"x", b"{U\x01ax", b"[x]", b"d\x00", b"[$U#U\x05\x01", b"[T"])
def test_what_is_no_ubjson_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"no UBJSON|buffer"):
        ubjson.loads(content)
