"""Run a command and stop it when standard input ends, which happens when the process that started this has ended."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from threading import Thread
from time import sleep

PATIENCE_SECONDS = 10


def main(command: Sequence[str]) -> int:
    """Run the command; return its exit code."""
    program = subprocess.Popen(command, stdin=subprocess.DEVNULL)  # noqa: S603
    signal.signal(signal.SIGTERM, lambda *_: program.terminate())

    def hold() -> None:
        os.read(sys.stdin.fileno(), 1)
        program.terminate()
        sleep(PATIENCE_SECONDS)
        os.killpg(0, signal.SIGKILL)

    Thread(target=hold, daemon=True).start()
    return program.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
