"""The Python environment of the deployed function, requirements.txt and nothing else, on this machine.

The Makefile's .venv-deployed has what Linux and the deployed Python get; it is inspected, not run.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from local.kept import kept
from local.programs import ROOT


def python() -> Path:
    """Return the Python of that environment, which is kept until requirements.txt changes."""
    wanted, interpreter = ROOT / "requirements.txt", _interpreter()

    def make(folder: Path) -> None:
        pip = (folder / "bin/python", "-m", "pip", "--disable-pip-version-check")
        # As in the Makefile: older versions of pip fail on extras if they resolve and hashes are required.
        install = (*pip, "install", "--quiet", "--require-hashes", "--no-deps", "-r", wanted)
        for command in ((interpreter, "-m", "venv", folder), install, (*pip, "check")):
            subprocess.run(command, check=True)  # noqa: S603

    return kept("deployed", interpreter.encode() + wanted.read_bytes(), make) / "bin/python"


def _interpreter() -> str:
    """Return the Python of the deployed runtime if this machine has it, else the running one."""
    (minor,) = re.findall(r"--runtime=python3(\d+)", (ROOT / "deploy.sh").read_text("utf-8"))
    found = shutil.which(f"python3.{minor}")
    works = found and subprocess.run([found, "-c", ""], capture_output=True, check=False).returncode == 0  # noqa: S603
    return found if found and works else sys.executable
