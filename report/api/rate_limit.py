"""Wrong API keys, counted by the address they come from: whoever tries many is told to wait. No right key is ever kept out.

Each instance counts for itself; docs/reliability.md names what counts across instances.
"""

import math
from dataclasses import dataclass
from threading import Lock
from time import monotonic

from cachetools import TTLCache

MAX_WRONG_KEYS = 100
SECONDS = 60
"""An address may present so many wrong keys in so many seconds."""

MAX_ADDRESSES = 10_000
"""So many addresses are remembered at most, the newest: a few megabytes."""


@dataclass
class _Tried:
    until: float
    wrong_keys: int = 0


class WrongKeys:
    """What a warm instance remembers of those who do not know a key."""

    def __init__(self) -> None:
        self._tried: TTLCache[str, _Tried] = TTLCache(MAX_ADDRESSES, ttl=SECONDS)
        self._lock = Lock()

    def seconds_to_wait(self, address: str) -> int:
        """Count one more wrong key from `address`; how long it has to wait now, 0 while it may go on."""
        with self._lock:
            tried = self._tried.setdefault(address, _Tried(monotonic() + SECONDS))
            tried.wrong_keys += 1
            return max(math.ceil(tried.until - monotonic()), 1) if tried.wrong_keys > MAX_WRONG_KEYS else 0
