"""Mutate the pure core, run its tests against each mutant, and print how many are killed and which survive.

mutmut changes the code in functions, `afresh` the code outside functions. `pyproject.toml` names the files and tests.
"""

import os
import re
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.benchmarks.say import say
from tests.mutants import afresh

MIN_KILLED = 0.9
ENDED = ("killed", "timeout")
MUTMUT = str(Path(sys.executable).with_name("mutmut"))


def main() -> int:
    settings = tomllib.loads(Path("pyproject.toml").read_text("utf-8"))["tool"]["mutmut"]
    tests = [argument for argument in settings["pytest_add_cli_args_test_selection"] if argument.endswith(".py")]
    options = [argument for argument in settings["pytest_add_cli_args_test_selection"] if argument not in tests]
    options += settings["pytest_add_cli_args"]
    os.environ["OMP_NUM_THREADS"] = "1"  # more do not survive a fork
    ((_, _, outcome),) = _afresh([afresh.Unchanged()], tests, options)
    if outcome != "survived":
        raise SystemExit("The tests fail with nothing changed.")
    at_import = [mutant for path in settings["only_mutate"] for mutant in afresh.at_import(path)]
    found = [*_in_functions(tests, options), *_afresh(at_import, tests, options)]
    files = sorted({path for path, _, _ in found})
    counts = {path: Counter(outcome for its_path, _, outcome in found if its_path == path) for path in files}
    total = sum(counts.values(), Counter[str]())
    share = 1 - _survived(total) / total.total()
    lines = [
        "| file | mutants | killed | timeout | survived |",
        "|---|--:|--:|--:|--:|",
        *(
            f"| {path} | {count.total()} | {count['killed']} | {count['timeout']} | {_survived(count)} |"
            for path, count in [*counts.items(), ("together", total)]
        ),
        "",
        "Survivors:",
        *(f"- {path} {name} ({outcome})" for path, name, outcome in found if outcome not in ENDED),
        "",
        f"Killed or timed out: {share:.1%}",
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    return int(share < MIN_KILLED)


def _survived(count: Counter[str]) -> int:
    return count.total() - sum(count[outcome] for outcome in ENDED)


def _in_functions(tests: list[str], options: list[str]) -> Iterator[tuple[str, str, str]]:
    """Yield mutmut's mutants: file, name, outcome."""
    subprocess.run([MUTMUT, "run", "--max-children", str(afresh.WORKERS)], check=True, stdout=sys.stderr)
    told = subprocess.run([MUTMUT, "results", "--all", "true"], check=True, capture_output=True, text=True).stdout
    again = []
    for module, name, outcome in re.findall(r"^\s*([\w.]+)\.((?:x_|xǁ)\S+): (.+)$", told, re.MULTILINE):
        path = f"{module.replace('.', '/')}.py"
        if outcome in ENDED:
            yield path, name, outcome
        else:
            again.append(afresh.OfMutmut(path, name))
    yield from _afresh(again, tests, options)


def _afresh(mutants: Sequence[afresh.Mutant], tests: list[str], options: list[str]) -> Iterator[tuple[str, str, str]]:
    for number, (mutant, outcome) in enumerate(afresh.outcomes(mutants, tests, options), 1):
        if outcome not in ENDED:
            say(f"{outcome}: {mutant.path} {mutant.name}")
        if number % 50 == 0 or number == len(mutants):
            say(f"{number} of {len(mutants)} mutants imported afresh")
        yield mutant.path, mutant.name, outcome


if __name__ == "__main__":
    sys.exit(main())
