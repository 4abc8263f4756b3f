"""Free ports on loopback; leaves taking them to the servers."""

from __future__ import annotations

import random
import socket
from pathlib import Path

LOOPBACK = "127.0.0.1"
# Below the range that the kernel hands to outgoing connections: a server that is down for a moment in a fault test must
# find its port free when it comes back, and any client on the machine could have got one from that range meanwhile.
PORT_FIRST = 15_000
PORT_LAST = 31_999
ATTEMPTS_MAX = 200


def find_free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on now. Somebody else may take it before the caller does.

    Raises `OSError` when `ATTEMPTS_MAX` ports in a row are taken.
    """
    last = min(PORT_LAST, _read_ephemeral_first() - 1)
    for _ in range(ATTEMPTS_MAX):
        port = random.randint(PORT_FIRST, last)  # noqa: S311  spreads concurrent stacks over the range, hides nothing
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a connection in TIME_WAIT is in nobody's way
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
            return port
    raise OSError(f"no free port in {PORT_FIRST}-{last} on {LOOPBACK} after {ATTEMPTS_MAX} attempts")


def _read_ephemeral_first() -> int:
    """Return the first port of the kernel's range for outgoing connections; a range that leaves no room is ignored."""
    try:
        first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    except OSError:
        return PORT_LAST + 1
    return first if first > PORT_FIRST + ATTEMPTS_MAX else PORT_LAST + 1
