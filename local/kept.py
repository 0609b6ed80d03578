"""Keep folders that take long to make and do not change in .cache. The first process that needs one makes it."""

import fcntl
import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

from local.programs import CACHE


def kept(name: str, made_of: bytes, make: Callable[[Path], None]) -> Path:
    """Return the folder that `make` has filled. If `made_of` has changed since, delete the old folder and make a new one."""
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
