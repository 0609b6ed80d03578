"""The memory, threads and open files of the serving process, and whether any of them grows."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

MOST_MEMORY_SHARE, MOST_MEMORY_MIB = 0.10, 16.0
"""Memory may grow by the greater of these, which is the allocator's noise."""
MOST_MORE = 24
"""Threads and open files may differ by this: eight requests at once, each with up to three queries or connections."""


@dataclass(frozen=True)
class Held:
    """What a process holds at one instant, or medians of several instants."""

    memory_mib: float
    threads: float
    files: float


def held(process: int) -> Held:
    """Return what the process holds now."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    numbers = {name: value.split()[0] for name, _, value in (line.partition(":") for line in lines) if value.strip()}
    files = len(list(Path(f"/proc/{process}/fd").iterdir()))
    return Held(int(numbers["VmRSS"]) / 1024, int(numbers["Threads"]), files)


def early_and_late(notes: Sequence[Held]) -> tuple[Held, Held]:
    """Return the medians of the second fifth, after the warm-up, and of the last fifth."""
    fifth = len(notes) // 5
    return _median(notes[fifth : 2 * fifth]), _median(notes[-fifth:])


def grown(early: Held, late: Held) -> list[str]:
    """List what has grown by more than it may."""
    most_memory = early.memory_mib + max(early.memory_mib * MOST_MEMORY_SHARE, MOST_MEMORY_MIB)
    limits = {
        "memory": (late.memory_mib, most_memory),
        "threads": (late.threads, early.threads + MOST_MORE),
        "files": (late.files, early.files + MOST_MORE),
    }
    return [f"{name} grew to {now:.0f}, more than {most:.0f}" for name, (now, most) in limits.items() if now > most]


def _median(notes: Sequence[Held]) -> Held:
    return Held(*(median(getattr(note, name) for note in notes) for name in ("memory_mib", "threads", "files")))
