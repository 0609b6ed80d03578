"""Durations measured in turn: the peers take turns, so that whatever else the machine does falls on all of them alike."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from time import perf_counter


@dataclass(frozen=True)
class Measured:
    """What several runs took; in which unit, its user knows."""

    runs: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle one."""
        return median(self.runs)

    def text(self, digits: int = 2) -> str:
        """`median (least–greatest)`."""
        return f"{self.median:.{digits}f} ({min(self.runs):.{digits}f}–{max(self.runs):.{digits}f})"


def ratio(one: Measured, other: Measured) -> Measured:
    """How many times `other` goes into `one`, run by run: run n of both stood beside each other in time."""
    return Measured(tuple(mine / its for mine, its in zip(one.runs, other.runs, strict=True)))


def in_turn(peers: Mapping[str, Callable[[], object]], runs: int) -> dict[str, Measured]:
    """The seconds that each peer takes, so many times; each has been warmed up before."""
    seconds: dict[str, list[float]] = {name: [] for name in peers}
    for run in range(runs):
        for name, peer in _turned(list(peers.items()), run):
            started = perf_counter()
            peer()
            seconds[name].append(perf_counter() - started)
    return {name: Measured(tuple(found)) for name, found in seconds.items()}


def _turned(peers: Sequence[tuple[str, Callable[[], object]]], run: int) -> Sequence[tuple[str, Callable[[], object]]]:
    """Another one begins each time."""
    first = run % len(peers)
    return [*peers[first:], *peers[:first]]
