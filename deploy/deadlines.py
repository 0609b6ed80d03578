"""Derive every deadline from one number: the seconds that the function may take for one request.

`python3 -m deploy.deadlines 540` prints them for deploy.sh, one to a line.
"""

import sys
from dataclasses import asdict, dataclass

MIN_SECONDS = 120
MAX_SECONDS = 3600
"""What Cloud Run functions accept as the time-out of an HTTP function."""
MAX_ATTEMPT_SECONDS = 1800
"""The longest attempt deadline that Cloud Scheduler accepts. After it, Scheduler calls again."""
ATTEMPT_MARGIN = 10
"""Scheduler waits this much longer than the function can run, so that it never calls again during a run."""
RUN_MARGIN = 40
"""Left after the weekly run's deadline for a cold start and the answer."""
MAX_REQUEST_SECONDS = 55
"""Browsers and proxies often give up after a minute."""


@dataclass(frozen=True)
class Deadlines:
    """How long each part may take, in seconds: request <= weekly < function < attempt."""

    function: int
    attempt: int
    weekly: int
    request: int


def deadlines(seconds: int) -> Deadlines:
    """Return the deadlines for a function that may take `seconds`, or less if Cloud Scheduler would not wait so long.

    Raises ValueError, which says what it takes, for a number out of range.
    """
    if not MIN_SECONDS <= seconds <= MAX_SECONDS:
        raise ValueError(f"--timeout is '{seconds}'; it takes {MIN_SECONDS} to {MAX_SECONDS} seconds.")
    function = min(seconds, MAX_ATTEMPT_SECONDS - ATTEMPT_MARGIN)
    weekly = function - RUN_MARGIN
    return Deadlines(function, function + ATTEMPT_MARGIN, weekly, min(MAX_REQUEST_SECONDS, weekly))


if __name__ == "__main__":
    try:
        found = deadlines(int(sys.argv[1]))
    except ValueError as error:
        sys.exit(f"deploy.sh: {error}")
    note = (
        f"--timeout {sys.argv[1]} becomes {found.function}: after {MAX_ATTEMPT_SECONDS} s Cloud Scheduler repeats a weekly call."
    )
    lines = [f"{name}_seconds={value}\n" for name, value in asdict(found).items()]
    sys.stdout.write("".join([*lines, f"deadline_note={note if found.function < int(sys.argv[1]) else ''}\n"]))
