"""Print API_KEYS with the key for deploy.sh's own checks, and without a retired key.

Reads the key (line 1), the retired key (line 2, may be empty) and API_KEYS (the rest, may be empty) from standard input.
None of them is ever an argument: other users of the same machine can see command lines.
"""

import json
import sys

from report.api.access import ALL_CLIENTS, hash_of, parse_api_keys


def with_key(key: str, api_keys: str, retired: str = "") -> str:
    """Return API_KEYS with an entry for `key`: all clients, no personal data.

    Raises ValueError for a text that is not API_KEYS.
    """
    text = api_keys.strip() or "{}"
    parse_api_keys(text)
    entries = {key_hash: clients for key_hash, clients in json.loads(text).items() if key_hash.lower() != hash_of(retired)}
    return json.dumps({**entries, hash_of(key): {"clients": ALL_CLIENTS, "customers": False}})


if __name__ == "__main__":
    first, second, rest = sys.stdin.read().split("\n", 2)
    try:
        sys.stdout.write(with_key(first, rest, second) + "\n")
    except ValueError as error:
        sys.exit(f"deploy.sh: {error}")
