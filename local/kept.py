"""What takes long to make and stays the same: kept in .cache, made by whichever process comes first."""

import fcntl
import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

from local.programs import CACHE


def kept(name: str, made_of: bytes, make: Callable[[Path], None]) -> Path:
    """The folder that `make` fills, given where to; it is made anew, and the old one goes, when what it is made of changes."""
    folder = CACHE / f"{name}-{hashlib.sha256(made_of).hexdigest()[:16]}"
    CACHE.mkdir(exist_ok=True)
    with (CACHE / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            for old in CACHE.glob(f"{name}-*/"):
                shutil.rmtree(old)
            make(folder)
            (folder / "complete").touch()
    return folder
