"""Wait for what happens elsewhere."""

import time
from collections.abc import Callable

import pytest


def wait_until(true: Callable[[], bool]) -> None:
    """Wait until it is true, for a minute at most."""
    for _ in range(6_000):
        if true():
            return
        time.sleep(0.01)
    pytest.fail("it never came true")
