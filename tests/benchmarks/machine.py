"""The machine and the programs that made the numbers."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from local import deployed

PACKAGES = ("google-cloud-bigquery", "xgboost-cpu", "functions-framework", "gunicorn", "bqemulator", "duckdb")


def description() -> str:
    """Describe both in one paragraph."""
    processor = _value("/proc/cpuinfo", "model name") or platform.processor()
    memory_gib = int(_value("/proc/meminfo", "MemTotal").split()[0]) / 2**20
    packages = ", ".join(f"{package} {version(package)}" for package in PACKAGES)
    return (
        f"{datetime.now(UTC):%Y-%m-%d}: {os.cpu_count()} processors ({processor}), {memory_gib:.0f} GiB of memory, "
        f"Linux {platform.release().split('-')[0]}, Python {platform.python_version()}; {packages}{_wrk()}. "
        f"Where the function is a process of its own, it has what it has where it is deployed: requirements.txt alone, "
        f"on {_deployed_python()}. "
        f"Load average when it began: {os.getloadavg()[0]:.1f}."
    )


def _deployed_python() -> str:
    return subprocess.run([deployed.python(), "--version"], capture_output=True, text=True, check=True).stdout.strip()


def _value(file: str, name: str) -> str:
    lines = Path(file).read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(name)), "")


def _wrk() -> str:
    try:
        said = subprocess.run(["wrk", "-v"], capture_output=True, text=True, check=False).stdout  # noqa: S607
    except OSError:
        return ""
    return ", " + " ".join(said.split()[:2])
