"""Which addresses a node may be made to connect to: those of the public internet, or more.

Source: RFC 6890 (special-purpose addresses); RFC 6052 (addresses of IPv4 within IPv6); OWASP,
Server-Side Request Forgery Prevention.
"""

from ipaddress import IPv4Address, IPv6Address, IPv6Network

from msgspec import Struct

from detente.errors import NotPermitted

Address = IPv4Address | IPv6Address

_NAT64 = IPv6Network("64:ff9b::/96")


class Allowed(Struct, frozen=True, kw_only=True):
    """What the operator allows beyond https to the public internet.

    Attributes:
        http: Also without TLS.
        private: Also to loopback, link-local and private addresses.
    """

    http: bool = False
    private: bool = False


def require_public(address: Address, allowed: Allowed) -> None:
    """Refuse what is reached only from inside.

    Raises:
        NotPermitted: Loopback, link-local, private, reserved, or a group.
    """
    if allowed.private:
        return
    one = _meant(address)
    tunnelled = isinstance(one, IPv6Address) and (one.sixtofour or one.teredo)
    if tunnelled or not one.is_global or one.is_multicast or one.is_reserved:
        raise NotPermitted("url", expected="an address of the public internet")


def _meant(address: Address) -> Address:
    """The address of IPv4 that one of IPv6 stands for, where it does."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address
