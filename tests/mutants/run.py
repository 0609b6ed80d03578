"""Mutate the pure core, run its tests against each mutant, and print how many they kill and which survive.

mutmut changes what stands in functions, `constants` what stands outside of them. `pyproject.toml` says which files and tests.
"""

import re
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

from tests.benchmarks.say import say
from tests.mutants import constants

LEAST_KILLED = 0.9
ENDED = ("killed", "timeout")
MUTMUT = str(Path(sys.executable).with_name("mutmut"))


def main() -> int:
    settings = tomllib.loads(Path("pyproject.toml").read_text("utf-8"))["tool"]["mutmut"]
    found: list[tuple[str, str, str]] = [*_in_functions(), *_outside_of_functions(settings)]
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
    return int(share < LEAST_KILLED)


def _survived(count: Counter[str]) -> int:
    return count.total() - sum(count[outcome] for outcome in ENDED)


def _in_functions() -> list[tuple[str, str, str]]:
    """mutmut's mutants: file, name, outcome."""
    subprocess.run([MUTMUT, "run", "--max-children", str(constants.WORKERS)], check=True, stdout=sys.stderr)
    told = subprocess.run([MUTMUT, "results", "--all", "true"], check=True, capture_output=True, text=True).stdout
    mutants = re.findall(r"^\s*([\w.]+)\.((?:x_|xǁ)\S+): (.+)$", told, re.MULTILINE)
    return [(f"{module.replace('.', '/')}.py", name, outcome) for module, name, outcome in mutants]


def _outside_of_functions(settings: dict[str, list[str]]) -> list[tuple[str, str, str]]:
    """The other mutants."""
    made = [mutant for path in settings["only_mutate"] for mutant in constants.mutants(path)]
    arguments = [*settings["pytest_add_cli_args"], *settings["pytest_add_cli_args_test_selection"]]
    found = []
    for number, (mutant, outcome) in enumerate(constants.outcomes(made, arguments), 1):
        if number % 50 == 0:
            say(f"{number} of {len(made)} mutants outside of functions")
        found.append((mutant.path, f"line {mutant.line}: {mutant.change}", outcome))
    return found


if __name__ == "__main__":
    sys.exit(main())
