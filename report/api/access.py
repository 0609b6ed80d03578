"""API keys, and the clients that they cover. Only the SHA-256 of a key is stored, never the key.

`python -m report.api.access 1 2` makes a key for the clients 1 and 2 (without ids: for all clients) and says what to store.
"""

import hashlib
import hmac
import json
import re
import secrets
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

ALL_CLIENTS = "*"


@dataclass(frozen=True)
class SchedulerSettings:
    """The service account whose OIDC token may start the weekly run, and the audience of that token."""

    email: str
    audience: str


@dataclass(frozen=True)
class Grant:
    """What a key covers."""

    clients: frozenset[int] | None
    """None means all clients."""
    customers: bool = True
    """Whether the key may read customers' personal data."""

    def covers(self, client_id: int) -> bool:
        """Tell whether the key covers this client."""
        return self.clients is None or client_id in self.clients


Grants = Mapping[str, Grant]
"""The SHA-256 of a key, in hex → what the key covers."""


def parse_api_keys(text: str) -> Grants:
    """Read the setting `API_KEYS`: a JSON object from the SHA-256 hex of a key to a list of client ids, or to "*".

    An entry may also be an object: {"clients": [1, 2], "customers": false} is a key that reads no personal data.
    Raises ValueError for anything else; the message never quotes the setting.
    """
    try:
        entries = json.loads(text)
    except (ValueError, RecursionError):  # RecursionError: it is nested too deeply
        raise ValueError("API_KEYS is not JSON") from None
    if not isinstance(entries, dict):
        raise ValueError('API_KEYS is not a JSON object, such as {"<SHA-256 of the key>": [1, 2]}')
    return {key_hash.lower(): _grant(key_hash, entry) for key_hash, entry in entries.items()}


def _grant(key_hash: str, entry: object) -> Grant:
    if not re.fullmatch(r"[0-9a-fA-F]{64}", key_hash):
        raise ValueError("API_KEYS has a name that is not the SHA-256 of a key (64 hex digits)")
    if not isinstance(entry, dict):
        return Grant(_clients(entry))
    if not {"clients"} <= entry.keys() <= {"clients", "customers"} or not isinstance(entry.get("customers", True), bool):
        raise ValueError('API_KEYS has an object that is not like {"clients": [1, 2], "customers": false}')
    return Grant(_clients(entry["clients"]), entry.get("customers", True))


def _clients(clients: object) -> frozenset[int] | None:
    if clients == ALL_CLIENTS:
        return None
    if isinstance(clients, list) and all(type(client) is int and client >= 1 for client in clients):
        return frozenset(clients)
    raise ValueError('API_KEYS has a value that is neither a list of client ids, such as [1, 2], nor "*"')


def grant_of(key: str, grants: Grants) -> Grant | None:
    """Return what `key` covers; None for an unknown key. Takes the same time for every key."""
    presented = hash_of(key)
    found = None
    for key_hash, grant in grants.items():
        if hmac.compare_digest(key_hash, presented):
            found = grant
    return found


def names_a_key(name: str) -> bool:
    """Tell whether a query parameter with this name is meant to be an API key."""
    return name.lower().replace("-", "_") in ("key", "api_key", "apikey", "x_api_key")


def hash_of(key: str) -> str:
    """Return the SHA-256 of a key, in hex, as `API_KEYS` stores it."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def main(arguments: Sequence[str]) -> str:
    """Make a key for the clients in `arguments`. Return a text with the key and its entry for `API_KEYS`."""
    key = secrets.token_urlsafe(32)
    clients = [int(argument) for argument in arguments] or ALL_CLIENTS
    entry = json.dumps({hash_of(key): clients})
    parse_api_keys(entry)
    return f"The key, shown only now, for the header X-API-Key:\n{key}\n\nThe entry to add to API_KEYS:\n{entry}\n"


if __name__ == "__main__":
    sys.stdout.write(main(sys.argv[1:]))
