"""Run a function in a daemon thread, which never keeps the process from ending."""

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def run_in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
    """Start `function` in a thread; the future has its result or the exception it raised.

    The executors of `concurrent.futures` wait for their threads when the process ends: one hung call would hold it.
    """
    future: Future[T] = Future()
    future.set_running_or_notify_cancel()  # a thread cannot be stopped: nobody may cancel the future

    def run() -> None:
        try:
            future.set_result(function(*args, **kwargs))
        except BaseException as error:  # raised again where the result is asked for
            future.set_exception(error)

    Thread(target=run, daemon=True, name=getattr(function, "__name__", "run_in_thread")).start()
    return future
