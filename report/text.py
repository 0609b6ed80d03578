"""Clean text from outside, once, when it arrives."""

import re

_SPACES = re.compile(r"[\t\n\v\f\r\x85\u2028\u2029]+")
_UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f"  # control characters
    "\ufeff"  # byte order mark
    "\ud800-\udfff"  # halves of characters
    "\ufdd0-\ufdef" + "".join(chr(plane + end) for plane in range(0, 0x110000, 0x10000) for end in (0xFFFE, 0xFFFF)) + "]"
)


def clean(text: str) -> str:
    """Return `text` in one line, without control characters, byte order marks, non-characters and halves of characters."""
    return _UNPRINTABLE.sub("", _SPACES.sub(" ", text)).strip()


def clean_id(text: str) -> str:
    """Return an id as it is, spaces included, without what can be neither printed nor sent."""
    return _UNPRINTABLE.sub("", text)


def clean_or_none(text: str | None) -> str | None:
    """Return the cleaned text; None if nothing is left."""
    return clean(text or "") or None
