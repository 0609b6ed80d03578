"""Ports of this machine for programs that a test starts."""

import random
import socket

BELOW_THOSE_OF_CLIENTS = range(20_000, 32_000)
"""Systems give each connection a port above these, so one of these is still free when a slow program takes it."""


def free_port() -> int:
    """Return a port that nobody uses."""
    for port in random.sample(BELOW_THOSE_OF_CLIENTS, 100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return port
    raise OSError("100 ports are all in use")
