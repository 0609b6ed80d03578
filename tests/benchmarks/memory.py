"""Memory of the serving process after reports of small and of large shops, and a report of the largest shop under a cap."""

import resource
from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter

from local import deployed, function
from local.bigquery import LocalBigQuery
from tests.benchmarks import served
from tests.benchmarks.say import say
from tests.benchmarks.speed import dataset
from tests.benchmarks.timing import Measured

REPORTS = 3
CAP_MIB = 512
DEADLINE_SECONDS = 300


@dataclass(frozen=True)
class Capped:
    """A process under a cap: whether it served a report of this many customers, and its memory in MiB."""

    customers: int
    answered: bool
    seconds: float
    most_memory: float

    @property
    def served(self) -> bool:
        """Whether a report came while all memory of the process, libraries included, stayed below the cap."""
        return self.answered and self.most_memory <= CAP_MIB


def peaks(warehouse: LocalBigQuery, sizes: Sequence[int], runs: int) -> dict[int, Measured]:
    """Measure, for each size, the peak memory of fresh processes (MiB) after some reports, one at a time."""
    found: dict[int, list[float]] = {size: [] for size in sizes}
    for run in range(runs):
        say(f"Memory: round {run + 1} of {runs}")
        for size in sizes:
            with function.running(_settings(warehouse, size), python=deployed.python()) as reports:
                for _ in range(REPORTS):
                    served.ask(reports)
                found[size].append(served.most_memory(served.worker(reports)))
    return {size: Measured(tuple(mib)) for size, mib in found.items()}


def capped(warehouse: LocalBigQuery, size: int) -> Capped:
    """Ask for a report of that size from a process with limited data memory (RLIMIT_DATA, `ulimit -d`)."""
    say(f"Memory: {size:,} customers a week in {CAP_MIB} MiB")
    limit = CAP_MIB * served.MIB
    with function.running(_settings(warehouse, size), python=deployed.python()) as reports:
        for process in served.line(reports):
            resource.prlimit(process, resource.RLIMIT_DATA, (limit, limit))
        started = perf_counter()
        answer = reports.ask(served.PATH)
        seconds = perf_counter() - started
        if answer.status != 200:
            say(f"It answered {answer.status}: {answer.text}\n{reports.program.tail(5)}")
        return Capped(size, answer.status == 200, seconds, served.most_memory(served.worker(reports)))


def _settings(warehouse: LocalBigQuery, size: int) -> dict[str, str]:
    place = function.bigquery_settings(warehouse.address, dataset(size))
    return {**place, **served.AS_DEPLOYED, **served.NO_CACHE, "REQUEST_DEADLINE_SECONDS": str(DEADLINE_SECONDS)}
