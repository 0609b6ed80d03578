"""Count wrong API keys by the address they come from, and slow down an address with many. A right key always gets in.

Each instance counts on its own; docs/reliability.md names what counts across instances.
"""

import math
from dataclasses import dataclass
from threading import Lock
from time import monotonic

from cachetools import TTLCache

MAX_WRONG_KEYS = 100
SECONDS = 60
"""An address may send this many wrong keys in this many seconds."""

MAX_ADDRESSES = 10_000
"""How many addresses are remembered, the newest: a few megabytes."""


@dataclass
class _Tried:
    until: float
    wrong_keys: int = 0


class WrongKeys:
    """The addresses that sent wrong keys to this instance lately."""

    def __init__(self) -> None:
        self._tried: TTLCache[str, _Tried] = TTLCache(MAX_ADDRESSES, ttl=SECONDS)
        self._lock = Lock()

    def seconds_to_wait(self, address: str) -> int:
        """Count one more wrong key from `address`. Return how long it has to wait now: 0 while it may go on."""
        with self._lock:
            tried = self._tried.setdefault(address, _Tried(monotonic() + SECONDS))
            tried.wrong_keys += 1
            return max(math.ceil(tried.until - monotonic()), 1) if tried.wrong_keys > MAX_WRONG_KEYS else 0
