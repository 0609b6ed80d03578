"""Run a function in a daemon thread, so that it never keeps the process alive."""

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def run_in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
    """Start `function` in a thread; the future has its result or the exception it raised.

    The executors of `concurrent.futures` wait for their threads when the process ends: one call that hangs would keep it alive.
    """
    future: Future[T] = Future()
    future.set_running_or_notify_cancel()  # a thread cannot be stopped, so the future must not be cancelled

    def run() -> None:
        try:
            future.set_result(function(*args, **kwargs))
        except BaseException as error:  # raised again when the result is read
            future.set_exception(error)

    Thread(target=run, daemon=True, name=getattr(function, "__name__", "run_in_thread")).start()
    return future
