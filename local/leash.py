"""Runs a command, and stops it as soon as standard input ends, which happens when whoever started this is gone, however."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from threading import Thread
from time import sleep

PATIENCE_SECONDS = 10


def main(command: Sequence[str]) -> int:
    """The command's exit code."""
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
