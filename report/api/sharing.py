"""Share a report between readers while it is made and for a few seconds after: many readers cost one report."""

from collections.abc import Callable, Hashable
from concurrent.futures import Future
from threading import Lock
from typing import Generic, TypeVar

from cachetools import TTLCache

T = TypeVar("T")

MAX_KEPT = 256
"""How many answers are kept: far more than one instance gives in a few seconds, and a few megabytes."""


class Shared(Generic[T]):
    """Answers by question. An answer is made once for all who ask at the same time, and kept for a few seconds.

    A question must hold everything that its answer depends on, including who asks.
    """

    def __init__(self, seconds: float) -> None:
        self._kept: TTLCache[Hashable, T] = TTLCache(MAX_KEPT, ttl=seconds)
        self._making: dict[Hashable, Future[T]] = {}
        self._lock = Lock()

    def get(self, question: Hashable, make: Callable[[], T], patience: float) -> tuple[T, bool]:
        """Return the answer to `question`, and whether it was made for this call.

        The first call makes the answer. Calls in the meantime wait up to `patience` seconds and get the same answer or the
        same error; errors are not kept. Raises TimeoutError if another call's answer takes longer.
        """
        with self._lock:
            if (kept := self._kept.get(question)) is not None:
                return kept, False
            making = self._making.get(question)
            if mine := making is None:
                making = self._making[question] = Future()
        if not mine:
            return making.result(patience), False
        try:
            answer = make()
        except BaseException as error:
            with self._lock:
                del self._making[question]
            making.set_exception(error)
            raise
        with self._lock:
            self._kept[question] = answer
            del self._making[question]
        making.set_result(answer)
        return answer, True
