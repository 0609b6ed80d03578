"""Programs that this process starts: they write into a log and end with this process at the latest."""

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from os import killpg
from pathlib import Path

from local.leash import PATIENCE_SECONDS

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache"


class ProgramError(RuntimeError):
    """A program stopped or was not ready in time. The message ends with the last lines of its log."""


@dataclass(frozen=True)
class Program:
    """A running program and the log of everything that it prints."""

    name: str
    log: Path
    process: subprocess.Popen[bytes]

    def wait_for(self, pattern: str, seconds: float = 120) -> str:
        """Wait until `pattern` is in the log; return the text of its group. Raise ProgramError if it does not come in time."""
        deadline = time.monotonic() + seconds
        while True:
            stopped = self.process.poll() is not None
            if found := re.search(pattern, self.printed()):
                return found[1]
            if stopped or time.monotonic() > deadline:
                problem = f"stopped with code {self.process.returncode}" if stopped else f"was not ready after {seconds:.0f} s"
                raise ProgramError(f"{self.name} {problem}. The end of its log:\n{self.tail()}")
            time.sleep(0.02)

    def stop_soon(self) -> None:
        """Ask it to stop, and do not wait until it has."""
        if self.process.stdin:
            with suppress(BrokenPipeError):
                self.process.stdin.close()

    def printed(self) -> str:
        """Return everything that it has printed until now, on standard output and standard error."""
        return self.log.read_text("utf-8", errors="replace")

    def tail(self, lines: int = 30) -> str:
        """Return the last lines that it has printed."""
        return "\n".join(self.printed().splitlines()[-lines:])


@contextmanager
def running(name: str, command: Sequence[str], environment: Mapping[str, str], log: Path) -> Iterator[Program]:
    """Run `command` until the block ends."""
    leash = [sys.executable, "-I", "-S", str(Path(__file__).with_name("leash.py"))]
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603
            [*leash, *command],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd=ROOT,
            # Ctrl-C in a terminal reaches only this process, which then stops the others in order.
            start_new_session=True,
        )
    program = Program(name, log, process)
    try:
        yield program
    finally:
        program.stop_soon()
        _wait_for_end(process)


def _wait_for_end(process: subprocess.Popen[bytes]) -> None:
    with suppress(subprocess.TimeoutExpired):
        process.wait(PATIENCE_SECONDS + 5)
    with suppress(ProcessLookupError, PermissionError):  # nothing of the program is left
        killpg(process.pid, signal.SIGKILL)
    process.wait()
