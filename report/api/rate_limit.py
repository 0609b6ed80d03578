"""Count wrong API keys by address, and make an address with many wrong keys wait. A right key always gets in.

Each instance counts separately; docs/reliability.md says what counts across instances.
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
"""The newest addresses that are remembered: a few megabytes."""


@dataclass
class _Tried:
    until: float
    wrong_keys: int = 0


class WrongKeys:
    """The addresses that recently sent wrong keys to this instance."""

    def __init__(self) -> None:
        self._tried: TTLCache[str, _Tried] = TTLCache(MAX_ADDRESSES, ttl=SECONDS)
        self._lock = Lock()

    def seconds_to_wait(self, address: str) -> int:
        """Count one more wrong key from `address`. Return how many seconds the address must wait now; 0 if it may continue."""
        with self._lock:
            tried = self._tried.setdefault(address, _Tried(monotonic() + SECONDS))
            tried.wrong_keys += 1
            return max(math.ceil(tried.until - monotonic()), 1) if tried.wrong_keys > MAX_WRONG_KEYS else 0
