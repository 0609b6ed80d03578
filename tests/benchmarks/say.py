"""Progress on standard error."""

import sys
from time import monotonic

_STARTED = monotonic()


def say(message: str) -> None:
    """Print one line with the seconds since the start."""
    sys.stderr.write(f"[{monotonic() - _STARTED:6.1f} s] {message}\n")
    sys.stderr.flush()
