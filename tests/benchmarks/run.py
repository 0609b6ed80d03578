"""Run all benchmarks one after the other, print the table of speeds and write RESULTS.md. Progress goes to standard error."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from local import bigquery
from tests.benchmarks import coldstart, machine, memory, pdf, pictures, profiling, results, speed, throughput
from tests.benchmarks.say import say

FOLDER = Path(__file__).parent
SIZES = (1_000, 10_000, 100_000)


def main(arguments: Sequence[str]) -> int:
    """Run the benchmarks; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.run", description=__doc__)
    parser.add_argument("--sizes", type=_sizes, default=SIZES)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=8, help="of each round of the throughput")
    options = parser.parse_args(arguments)
    sizes = sorted(options.sizes)
    with bigquery.running() as warehouse:
        described = machine.description()
        speeds, cold_starts = {}, {}
        for size in (0, *sizes):
            speeds[size] = speed.measure(warehouse, size, options.runs)
            if size == coldstart.CUSTOMERS:
                cold_starts = coldstart.measure(warehouse, options.runs)
        found = results.Results(described, options.runs, memory.capped(warehouse, sizes[-1]), speeds, cold_starts=cold_starts)
        found.pdf_ms = pdf.milliseconds()
        found.memory = memory.peaks(warehouse, sizes, options.runs)
        found.profile = profiling.measure(speed.settings_for(warehouse, sizes[-1]), sizes[-1])
        if throughput.CUSTOMERS in sizes:
            found.throughput = throughput.measure(speed.settings_for(warehouse, throughput.CUSTOMERS), options.seconds)
    pictures.growth(FOLDER / "growth.png", list(speeds.values()))
    (FOLDER / "RESULTS.md").write_text(results.text(found), "utf-8")
    sys.stdout.write(results.speeds(found) + "\n\n" + results.targets(found) + "\n")
    say("Written: tests/benchmarks/RESULTS.md")
    return 0


def _sizes(text: str) -> list[int]:
    return [int(size.replace("_", "")) for size in text.split(",")]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
