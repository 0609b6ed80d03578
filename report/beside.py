"""Do something beside the way of a request: in a thread of its own, which never keeps the process from ending."""

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def beside(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
    """Start `function` now; its result, or what it raised, comes with the future.

    The executors of `concurrent.futures` wait for their threads when the process ends: one hung call would hold it.
    """
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(function(*args, **kwargs))
        except BaseException as error:  # raised again where the result is asked for
            future.set_exception(error)

    Thread(target=run, daemon=True, name=getattr(function, "__name__", "beside")).start()
    return future
