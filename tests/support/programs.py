"""Programs that tests need and that no Python package installs."""

import os
import shutil

import pytest


def needed(program: str) -> str:
    """Return the path of a program. Without it the test is skipped with a loud reason, and fails in CI."""
    found = shutil.which(program)
    if found:
        return found
    message = f"NOT TESTED: there is no {program} here"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)
