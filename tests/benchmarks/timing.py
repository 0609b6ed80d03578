"""Durations of peers that take turns, so that other work of the machine affects all of them alike."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from time import perf_counter


@dataclass(frozen=True)
class Measured:
    """What several runs took, in the caller's unit."""

    runs: tuple[float, ...]

    @property
    def median(self) -> float:
        """Return the median."""
        return median(self.runs)

    def text(self, digits: int = 2) -> str:
        """Return `median (least–greatest)`."""
        return f"{self.median:.{digits}f} ({min(self.runs):.{digits}f}–{max(self.runs):.{digits}f})"


def ratio(one: Measured, other: Measured) -> Measured:
    """Divide `one` by `other`, run by run: run n of both was measured at about the same time."""
    return Measured(tuple(mine / its for mine, its in zip(one.runs, other.runs, strict=True)))


def in_turn(peers: Mapping[str, Callable[[], object]], runs: int) -> dict[str, Measured]:
    """Measure the seconds of each peer, several times; each was warmed up before."""
    seconds: dict[str, list[float]] = {name: [] for name in peers}
    for run in range(runs):
        for name, peer in _turned(list(peers.items()), run):
            started = perf_counter()
            peer()
            seconds[name].append(perf_counter() - started)
    return {name: Measured(tuple(found)) for name, found in seconds.items()}


def _turned(peers: Sequence[tuple[str, Callable[[], object]]], run: int) -> Sequence[tuple[str, Callable[[], object]]]:
    """Let another peer start each round."""
    first = run % len(peers)
    return [*peers[first:], *peers[:first]]
