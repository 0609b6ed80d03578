"""Mutate the pure core, run its tests against each mutant, and print how many are killed and which survive.

It tries a random sample of the mutants, since all of them would take a day.
"""

import argparse
import random
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.say import say
from tests.mutants.forks import Outcome, load_libraries, outcomes, tests_of
from tests.mutants.mutant import Mutant, mutants_of

MIN_KILLED = 0.75
"""What is usual, less the error of a sample. Half of the mutants are in the number check: see docs/mutants.md."""
CORE = (
    "model/calibration.py",
    "model/churn.py",
    "report/analysis/*.py",
    "report/api/access.py",
    "report/api/parameters.py",
    "report/api/sharing.py",
    "report/assemble.py",
    "report/formatting.py",
    "report/rules.py",
    "report/summary/[!g]*.py",  # all but gemini.py
    "report/text.py",
    "report/week.py",
)
OF_OTHER_THINGS = ("test_architecture", "test_documents", "test_pdf", "test_training")
TESTS = sorted(str(path) for path in Path("tests/core").glob("test_*.py") if path.stem not in OF_OTHER_THINGS)
SELECTED = "not set_in_the_pdf"


def main(arguments: Sequence[str]) -> int:
    """Try the mutants; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants.run", description=__doc__)
    parser.add_argument("--files", nargs="*", help="mutate these files alone")
    parser.add_argument("--sample", type=int, default=1_000, help="how many mutants to try at most")
    parser.add_argument("--seed", type=int, default=0, help="of the sample")
    options = parser.parse_args(arguments)
    paths = options.files or sorted(str(path) for pattern in CORE for path in Path().glob(pattern))
    mutants = [mutant for path in paths for mutant in mutants_of(path)]
    there = len(mutants)
    mutants = random.Random(options.seed).sample(mutants, min(options.sample, there))  # noqa: S311
    load_libraries()
    tests = tests_of(TESTS, SELECTED)
    say(f"{len(tests.names)} tests, {len(mutants):,} mutants")
    found: list[tuple[Mutant, Outcome]] = []
    for mutant, outcome in outcomes(mutants, tests):
        found.append((mutant, outcome))
        if outcome == "survived":
            say(f"survived: {mutant}")
        if len(found) % 50 == 0 or len(found) == len(mutants):
            say(f"{len(found)} of {len(mutants)} mutants")
    files = sorted({mutant.path for mutant, _ in found})
    counts = {path: Counter(outcome for mutant, outcome in found if mutant.path == path) for path in files}
    total = Counter(outcome for _, outcome in found)
    killed = 1 - total["survived"] / len(found)
    lines = [
        "| file | mutants | killed | timeout | survived |",
        "|---|--:|--:|--:|--:|",
        *(
            f"| {path} | {count.total()} | {count['killed']} | {count['timeout']} | {count['survived']} |"
            for path, count in [*counts.items(), ("together", total)]
        ),
        "",
        "Survivors:",
        *sorted(f"- {mutant}" for mutant, outcome in found if outcome == "survived"),
        "",
        f"Killed or timed out: {killed:.1%} of {len(found):,} mutants; there are {there:,} in these files.",
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    return int(killed < MIN_KILLED)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
