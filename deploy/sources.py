"""Print the datasets that the clients' events are read from, as `project.dataset`, one to a line. CLIENTS is the input.

    python3 -m deploy.sources ga4 my-project <clients.json

`any` in place of a source prints those of every tracking tool.
"""

import sys

from report.settings import SettingsError, read_settings


def datasets(clients: str, source: str, project: str) -> list[str]:
    """Return the datasets of the clients' tracking tools. Raises SettingsError if `clients` is not a JSON object."""
    found = set()
    for client in read_settings({"CLIENTS": clients}).clients.values():
        named = {"ga4": client.ga4_dataset, "segment": client.segment_dataset}
        found |= {dataset for tool, dataset in named.items() if dataset and source in (tool, "any")}
    return sorted(dataset if "." in dataset else f"{project}.{dataset}" for dataset in found)


if __name__ == "__main__":
    try:
        lines = datasets(sys.stdin.read(), *sys.argv[1:3])
    except SettingsError as error:
        sys.exit(f"deploy.sh: {error}")
    sys.stdout.write("".join(f"{line}\n" for line in lines))
