"""Where a webhook may go: to servers of the public internet, unless the operator says more.

A subscriber names the address, and the node goes there from inside its own network:
so an address that is reached only from inside is refused. What is connected to is
the very address that was looked at, so that a name that resolves to another one a
moment later gains nothing.

Source: OWASP, Server-Side Request Forgery Prevention; RFC 6890 (special-purpose
addresses); RFC 6052 (addresses of IPv4 within IPv6).
"""

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address, ip_address
from urllib.parse import SplitResult, urlsplit

from msgspec import Struct

from detente.core.reach import Address, Allowed, require_public
from detente.errors import MalformedInput, NotPermitted, Unavailable

__all__ = ["Address", "Allowed", "Target", "require_public", "resolve", "target"]

_PORTS = {"http": 80, "https": 443}

_resolvers = ThreadPoolExecutor(max_workers=8, thread_name_prefix="resolver")
"""Of their own: a name server that does not answer keeps nobody else waiting."""


class Target(Struct, frozen=True, kw_only=True):
    """A web address, taken apart."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """Host and port as a Host header has them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    def url_at(self, address: Address) -> str:
        """The same place, by a number instead of a name."""
        host = f"[{address}]" if address.version == 6 else str(address)  # noqa: PLR2004
        return f"{self.scheme}://{host}:{self.port}{self.path}"


def target(url: str, allowed: Allowed) -> Target:
    """Where a webhook goes; asks no name server.

    Raises:
        MalformedInput: No web address, or one with a password or a fragment.
        NotPermitted: Without TLS, or a number that is not of the public internet.
    """
    what = "url"
    parts = _split(url)
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if parts.scheme not in _PORTS or not host:
        raise MalformedInput(what, expected="https://host/path")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise MalformedInput(what, expected="no password and no fragment")
    if parts.scheme == "http" and not allowed.http:
        raise NotPermitted(what, expected="https", got="http")
    found = Target(
        scheme=parts.scheme,
        host=_ascii(host),
        port=_PORTS[parts.scheme] if port is None else port,
        path=(parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
    )
    number = _number(found.host)
    if number is not None:
        require_public(number, allowed)
    return found


async def resolve(found: Target, allowed: Allowed) -> list[Address]:
    """The addresses of a target, all of which may be connected to.

    Raises:
        Unavailable: The name has none.
        NotPermitted: One of them is not of the public internet.
    """
    number = _number(found.host)
    addresses = [number] if number is not None else await _addresses(found)
    for address in addresses:
        require_public(address, allowed)
    return addresses


def _split(url: str) -> SplitResult:
    if any(character.isspace() or not character.isprintable() for character in url):
        raise MalformedInput("url", expected="no spaces")
    try:
        return urlsplit(url)
    except ValueError:
        raise MalformedInput("url", expected="https://host/path") from None


def _ascii(host: str) -> str:
    """A host's name as name servers know it."""
    try:
        return host.encode("idna").decode()
    except UnicodeError:
        raise MalformedInput("url", expected="a host's name") from None


def _number(host: str) -> Address | None:
    """The address that a host is written as; also as 127.1 or 0x7f000001, as resolvers take it."""
    try:
        return ip_address(host.partition("%")[0])
    except ValueError:
        pass
    try:
        return IPv4Address(socket.inet_aton(host))
    except OSError:
        return None


async def _addresses(found: Target) -> list[Address]:
    loop = asyncio.get_running_loop()
    try:
        rows = await loop.run_in_executor(
            _resolvers,
            lambda: socket.getaddrinfo(found.host, found.port, type=socket.SOCK_STREAM),
        )
    except OSError:
        raise Unavailable("url", got="a name without an address") from None
    numbers = dict.fromkeys(str(row[4][0]).partition("%")[0] for row in rows)
    return [ip_address(number) for number in numbers]
