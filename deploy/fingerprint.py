"""Print a fingerprint of the arguments and of the files named on standard input. It changes only if they change.

`--secret` takes standard input itself instead, such as a secret or a text that is not a file.
"""

import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path


def fingerprint(arguments: Sequence[str], contents: Sequence[tuple[str, bytes]]) -> str:
    """Sixteen hex digits, which fit into a label."""
    parts = [*(argument.encode() for argument in arguments), *(part for name, data in contents for part in (name.encode(), data))]
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()[:16]


if __name__ == "__main__":
    if sys.argv[1:2] == ["--secret"]:
        told = fingerprint(sys.argv[2:], [("", sys.stdin.buffer.read())])
    else:
        paths = sorted(sys.stdin.read().splitlines())
        told = fingerprint(sys.argv[1:], [(path, Path(path).read_bytes()) for path in paths])
    sys.stdout.write(told + "\n")
