"""What a warm instance keeps: reports that are being made or were made a moment ago, so that many readers cost one report."""

from collections.abc import Callable, Hashable
from concurrent.futures import Future
from threading import Lock
from typing import Generic, TypeVar

from cachetools import TTLCache

T = TypeVar("T")

MAX_KEPT = 256
"""So many answers at most: far more than one instance is asked for within seconds, and a few megabytes."""


class Shared(Generic[T]):
    """Answers by their question: each made once for all who ask at the same time, and kept for a few seconds.

    A question must hold everything that makes a difference to its answer, who asks among it.
    """

    def __init__(self, seconds: float) -> None:
        self._kept: TTLCache[Hashable, T] = TTLCache(MAX_KEPT, ttl=seconds)
        self._making: dict[Hashable, Future[T]] = {}
        self._lock = Lock()

    def get(self, question: Hashable, make: Callable[[], T], patience: float) -> tuple[T, bool]:
        """The answer to `question`, and whether it was made for this very call.

        Who asks first makes it. Whoever asks in the meantime waits for that, up to `patience` seconds, and gets the same answer
        or the same error; errors are not kept. Raises TimeoutError where somebody else's answer takes longer.
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
