"""Programs that tests need and no package here brings."""

import os
import shutil

import pytest


def needed(program: str) -> str:
    """Where a program is. Without it the test has not run, which nobody may take for having passed."""
    found = shutil.which(program)
    if found:
        return found
    message = f"NOT TESTED: there is no {program} here"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)
