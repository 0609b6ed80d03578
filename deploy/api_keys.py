"""Reads a key (the first line) and API_KEYS (the rest, which may be empty), and prints API_KEYS with that key, for all clients.

Neither is ever an argument: command lines can be seen by others on the same machine.
"""

import json
import sys

from report.api.access import ALL_CLIENTS, hash_of, parse_api_keys


def with_key(key: str, api_keys: str) -> str:
    """API_KEYS with an entry for `key` that covers all clients. Raises ValueError where they are none."""
    entries = api_keys.strip() or "{}"
    parse_api_keys(entries)
    return json.dumps({**json.loads(entries), hash_of(key): ALL_CLIENTS})


if __name__ == "__main__":
    first_line, _, rest = sys.stdin.read().partition("\n")
    try:
        sys.stdout.write(with_key(first_line, rest) + "\n")
    except ValueError as error:
        sys.exit(f"deploy.sh: {error}")
