"""The Python environment that the function has where it is deployed, requirements.txt and nothing else, to be run here.

The Makefile's .venv-deployed has what Linux and the deployed Python get, to be looked at.
"""

import fcntl
import hashlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

from local.programs import CACHE, ROOT


def python() -> Path:
    """The Python of that environment, which is kept in .cache until requirements.txt changes."""
    wanted, interpreter = ROOT / "requirements.txt", _interpreter()
    folder = CACHE / f"deployed-{hashlib.sha256(interpreter.encode() + wanted.read_bytes()).hexdigest()[:16]}"
    CACHE.mkdir(exist_ok=True)
    with (CACHE / "deployed.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            for old in CACHE.glob("deployed-*/"):
                shutil.rmtree(old)
            pip = (folder / "bin/python", "-m", "pip", "--disable-pip-version-check")
            # As in the Makefile: older pips stumble over extras where they resolve and hashes are required.
            install = (*pip, "install", "--quiet", "--require-hashes", "--no-deps", "-r", wanted)
            for command in ((interpreter, "-m", "venv", folder), install, (*pip, "check")):
                subprocess.run(command, check=True)  # noqa: S603
            (folder / "complete").touch()
    return folder / "bin/python"


def _interpreter() -> str:
    """The Python of the deployed runtime where this machine has it, else the one that runs."""
    (minor,) = re.findall(r"--runtime=python3(\d+)", (ROOT / "deploy.sh").read_text("utf-8"))
    found = shutil.which(f"python3.{minor}")
    works = found and subprocess.run([found, "-c", ""], capture_output=True, check=False).returncode == 0  # noqa: S603
    return found if found and works else sys.executable
