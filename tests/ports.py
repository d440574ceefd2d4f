"""Ports that are chosen before somebody listens on them.

The system gives ports of its own range to whoever asks for any, and to each connection that
goes out. A port of that range that is free now may be taken before a server that is told of it
has started: here it is one below, which is only for whoever names it.
"""

import random
import socket
from pathlib import Path

FIRST = 16_384
"""Below are the ports of known services."""

_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_CHANCE = random.SystemRandom()


def free_port(count: int = 1) -> int:
    """A port of this machine on which nobody listens; so are the next, ``count`` in all."""
    end = int(_RANGE.read_text().split()[0])
    while True:
        port = _CHANCE.randrange(FIRST, end - count)
        if all(_is_free(one) for one in range(port, port + count)):
            return port


def _is_free(port: int) -> bool:
    with socket.socket() as one:
        try:
            one.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
