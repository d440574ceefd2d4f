"""One message to people, by apprise, in a process of its own.

So that nothing of what apprise does reaches the node: a gateway that does not answer is killed
with the process, and each connection that it makes goes where a webhook may go
(detente.core.reach), whatever a redirect, a parameter or a name server says: the hook
sees the very address that is connected to.

Source: PEP 578 (audit hooks); OWASP, Server-Side Request Forgery Prevention.
"""

import socket
import sys
from ipaddress import ip_address
from typing import Any

import msgspec
from msgspec import Struct

from detente.core.reach import Allowed, require_public

ANSWER = b"sent"
"""What is written where the gateway took the message."""


class Order(Struct, frozen=True, kw_only=True):
    """What is to be sent where, and where it may go."""

    url: str
    title: str
    body: str
    allowed: Allowed


def watch(allowed: Allowed) -> None:
    """Refuse, from now on and for ever in this process, connections to anywhere else."""

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event not in {"socket.connect", "socket.sendto"}:
            return
        connection, where = arguments
        if connection.family not in {socket.AF_INET, socket.AF_INET6}:
            raise PermissionError("no such socket")
        require_public(ip_address(where[0].partition("%")[0]), allowed)

    sys.addaudithook(hook)


def send(order: Order) -> bool:
    """Hand a message to the gateway that an address names; whether it took it."""
    import apprise  # noqa: PLC0415 - 0.2 s that only this process needs

    watch(order.allowed)
    # Without a configuration, plugins or attachments of its own: the address is all it knows.
    asset = apprise.AppriseAsset(plugin_paths=[], storage_mode="memory")
    # One address, whole: ``add`` would take a text for a list of them.
    gateway = apprise.Apprise.instantiate(order.url, asset=asset, suppress_exceptions=True)
    return bool(gateway and gateway.notify(title=order.title, body=order.body))


def main() -> None:
    """Read an order, and answer."""
    order = msgspec.json.decode(sys.stdin.buffer.read(), type=Order)
    if send(order):
        sys.stdout.buffer.write(ANSWER)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
