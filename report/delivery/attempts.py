"""Deliver through one channel: attempts with pauses until the deadline. Nothing is sent twice.

Each attempt runs in a thread. It calls `Attempt.commit` right before it sends something that a receiver cannot recognize as a
repeat. An attempt that takes too long is given up before that point; after it, the result is awaited.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Iterator
from contextvars import copy_context
from dataclasses import dataclass, replace
from threading import Lock
from time import monotonic

from report.schema import DeliveryStatus, Recipients
from report.threads import run_in_thread

FIRST_PAUSE_SECONDS = 1.0
"""The pause before the second attempt. Each further pause is twice as long."""
MAX_PAUSE_SECONDS = 60.0

logger = logging.getLogger(__name__)


class RefusedError(Exception):
    """The message cannot be sent, now or later. The text contains no secret and no address."""


class TemporaryError(Exception):
    """The message was not sent; a later attempt may succeed. The text contains no secret and no address."""

    def __init__(self, text: str, pause_seconds: float = 0.0) -> None:
        super().__init__(text)
        self.pause_seconds = pause_seconds
        """The pause that the receiver asks for."""


class NoAnswerError(TemporaryError):
    """The message may have arrived: the receiver did not answer."""


@dataclass(frozen=True)
class Result:
    """The result of one attempt."""

    status: DeliveryStatus
    detail: str | None = None
    recipients: Recipients | None = None
    """For e-mail: how many addresses have received it so far."""
    rest: "Send | None" = None
    """The next attempt; None if it would not help."""
    pause_seconds: float = 0.0
    """The shortest pause before the next attempt."""


@dataclass(frozen=True)
class Outcome:
    """The result of all attempts through one channel."""

    status: DeliveryStatus
    attempts: int
    detail: str | None = None
    recipients: Recipients | None = None


class Attempt:
    """One attempt. It either commits to sending or is given up, never both."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._given_up = False
        self._unanswered: Result | None = None

    def commit(self, unanswered: Result) -> None:
        """Pass the point of no return; `unanswered` is the result if no answer comes. Raises TemporaryError if given up."""
        with self._lock:
            if self._given_up:
                raise TemporaryError("no answer in time")
            self._unanswered = unanswered

    def give_up(self) -> Result | None:
        """Give up the attempt, unless it has committed: then return the result that holds if no answer comes."""
        with self._lock:
            self._given_up = self._unanswered is None
            return self._unanswered


Send = Callable[[Attempt], Result]
"""Tries once. May raise RefusedError or TemporaryError."""


@dataclass(frozen=True)
class Channel:
    """One way to send a message."""

    send: Send
    attempt_seconds: float
    """How long an attempt may take until it commits."""


async def deliver(channel: Channel, deadline: float, at_once: asyncio.Semaphore) -> Outcome:
    """Send, and retry after pauses as long as that may help and the deadline (on the monotonic clock) allows it.

    `at_once` limits how many attempts through channels of this kind run at the same time; a pause does not count.
    """
    last, attempts = Result("failed", "no time was left", rest=channel.send), 0
    for pause in pauses():
        if not last.rest or not await acquired(at_once, deadline):
            break
        try:
            result = await _try(replace(channel, send=last.rest), deadline)
        finally:
            at_once.release()
        last, attempts = replace(result, recipients=result.recipients or last.recipients), attempts + 1
        wait = max(pause, last.pause_seconds)
        if not last.rest or monotonic() + wait >= deadline:
            break
        await asyncio.sleep(wait)
    return Outcome(last.status, attempts, last.detail, last.recipients)


def pauses() -> Iterator[float]:
    """Yield the pauses before further attempts, in seconds."""
    pause = FIRST_PAUSE_SECONDS
    while True:
        yield pause * random.uniform(0.75, 1.25)  # nosec B311  # noqa: S311 - no secret
        pause = min(pause * 2, MAX_PAUSE_SECONDS)


async def acquired(at_once: asyncio.Semaphore, deadline: float) -> bool:
    """Wait for a turn; return whether it came before the deadline."""
    try:
        async with asyncio.timeout_at(deadline):  # the loop's clock is the monotonic clock
            await at_once.acquire()
    except TimeoutError:
        return False
    return True


async def _try(channel: Channel, deadline: float) -> Result:
    attempt = Attempt()
    sending = asyncio.wrap_future(run_in_thread(copy_context().run, _result, channel.send, attempt))
    await asyncio.wait([sending], timeout=max(min(channel.attempt_seconds, deadline - monotonic()), 0.0))
    if sending.done():
        return sending.result()
    unanswered = attempt.give_up()
    if unanswered:
        await asyncio.wait([sending], timeout=max(deadline - monotonic(), 0.0))
        if sending.done():
            return sending.result()
    sending.cancel()  # its thread ends by itself, and its result is not used
    return unanswered or Result("failed", "no answer in time", rest=channel.send)


def _result(send: Send, attempt: Attempt) -> Result:
    """Try once. Every exception becomes a result of this channel."""
    try:
        return send(attempt)
    except RefusedError as error:
        return Result("refused", str(error))
    except NoAnswerError as error:
        return attempt.give_up() or Result("failed", str(error), rest=send)
    except TemporaryError as error:
        return Result("failed", str(error), rest=send, pause_seconds=error.pause_seconds)
    except Exception as error:
        logger.error("A channel failed: %s", _place(error))  # without the error's text: it may contain an address
        return attempt.give_up() or Result("failed", "something went wrong here; it has been logged")


def _place(error: Exception) -> str:
    """Say what an unexpected error is and where it was raised, without its text, which may contain a secret."""
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    where = f" at {trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else ""
    return f"{type(error).__name__}{where}"
