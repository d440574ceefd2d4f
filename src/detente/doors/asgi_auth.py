"""From an HTTP request to a principal: bearer token, session cookie, client certificate.

Exactly one of them, in this order: a token where there is an ``Authorization``
header, else a session where there is a cookie, else a certificate where the server
or a configured proxy passes one. What fails is refused and not tried otherwise.

401 says that nothing was proven, 403 that who it is may not do this; both carry the
challenge of RFC 6750.

Source: RFC 6750; RFC 6265bis (``__Host-``); RFC 9440 (``Client-Cert``); ASGI TLS
extension; OWASP on cross-site request forgery.
"""

import base64
import binascii
import ssl
import time
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from litestar.connection import ASGIConnection
from litestar.di import NamedDependency, Provide
from litestar.params import SkipValidation

from detente.core.principal import Principal
from detente.doors.asgi_challenge import NoCredentials
from detente.errors import NotAuthentic, NotPermitted
from detente.node.access.gate import Gate
from detente.node.access.settings import AccessSettings

COOKIE = "__Host-detente"
"""``__Host-``: a browser takes it only over TLS (or on localhost), from this very host,
for all paths; another host of the same domain cannot set it."""

TheGate = NamedDependency[SkipValidation[Gate]]
"""A handler's parameter ``gate``."""

ThePrincipal = NamedDependency[SkipValidation[Principal]]
"""A handler's parameter ``principal``: who asks, proven and counted."""

_UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})

Scope = Mapping[str, Any]
Headers = Iterable[tuple[bytes, bytes]]


class Authenticator:
    """Tells who asks.

    Args:
        gate: What proofs are worth.
    """

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self._origin = origin_of(gate.settings.url)

    async def principal(self, scope: Scope, *, basic: bool = False) -> Principal:
        """Who asks, counted against its party's limits.

        Args:
            scope: ASGI's, of a request.
            basic: Whether a client's id and secret are taken by HTTP Basic, where a standard
                asks for that.

        Raises:
            NotAuthentic: Nothing is proven.
            NotPermitted: It is, and the party is not admitted, or the request
                comes from a page of another origin.
            RateLimited: The party asks too often, or sends too much.
            Unavailable: Whoever vouches for it could not be asked.
        """
        now_s = clock_s()
        authorization, cookies, length = _read(scope["headers"])
        if basic and authorization is not None and authorization[:6].lower() == b"basic ":
            client_id, secret = basic_of(authorization)
            found = await self.gate.by_secret(
                client_id, secret, address=address_of(scope), now_s=now_s
            )
        elif authorization is not None:
            token = _bearer(authorization)
            recalled = self.gate.recall_token(token, now_s)
            found = recalled or await self.gate.by_token(token, now_s)
        else:
            session = session_of(cookies)
            found = await self._without_token(scope, session, now_s)
        exchange = scope.get("state", {}).get("exchange")
        if exchange is not None:
            exchange.party = found.party  # for the log
        self.gate.limits.take(found.party, now_s=now_s, data=length)
        return found

    async def _without_token(self, scope: Scope, session: bytes | None, now_s: float) -> Principal:
        if session is not None:
            require_same_origin(scope, self._origin)
            recalled = self.gate.recall_session(session, now_s)
            return recalled or await self.gate.by_session(session, now_s)
        certificate = client_certificate(scope, self.gate.settings)
        if certificate is None:
            raise NoCredentials
        return await self.gate.by_certificate(certificate, now_s)


def provide_principal(authenticator: Authenticator) -> Provide:
    """The dependency ``principal`` of Litestar's handlers."""

    async def principal(request: ASGIConnection[Any, Any, Any, Any]) -> Principal:
        return await authenticator.principal(request.scope)

    return Provide(principal)


def clock_s() -> float:
    """Seconds since 1970: the doors' clock of access."""
    return time.time()


def address_of(scope: Scope) -> str:
    """Where a request comes from, as far as the server knows."""
    client = scope.get("client")
    return str(client[0]) if client else ""


def require_same_origin(scope: Scope, own: str) -> None:
    """Refuse a request that a page of another origin makes with this one's cookie.

    A browser names the origin of every request that changes something. One that names
    none changes nothing here: whoever is no browser has tokens. Where the node is
    reached without TLS, it may go by several names: the one that was asked counts.

    Args:
        scope: ASGI's, of a request.
        own: The node's origin, as its settings have it.

    Raises:
        NotPermitted: Of another origin, or of none.
    """
    if scope["method"] not in _UNSAFE:
        return
    origins = _values(scope, b"origin")
    hosts = _values(scope, b"host")
    known = {own}
    if own.startswith("http:") and len(hosts) == 1:
        known.add(origin_of(f"http://{hosts[0]}"))
    if len(origins) != 1 or origins[0].lower() not in known:
        raise NotPermitted("request with a session", expected="one from this node's own pages")


def _values(scope: Scope, wanted: bytes) -> list[str]:
    return [value.decode("latin-1") for name, value in scope["headers"] if name == wanted]


def origin_of(url: str) -> str:
    """Scheme, host and port, as browsers write an origin; nothing of what is no address."""
    try:
        parts = urlsplit(url.lower())
        port = parts.port
    except ValueError:
        return ""
    default = {"http": 80, "https": 443}.get(parts.scheme)
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{host}" + ("" if port in {None, default} else f":{port}")


def session_of(cookies: Iterable[bytes]) -> bytes | None:
    """The session's token among the cookies; the first, where a browser sends two."""
    return cookie_of(cookies, COOKIE)


def cookie_of(cookies: Iterable[bytes], name: str) -> bytes | None:
    """The value of a cookie among all; the first, where a browser sends two."""
    wanted = name.encode() + b"="
    for line in cookies:
        for part in line.split(b";"):
            pair = part.strip()
            if pair.startswith(wanted):
                return pair[len(wanted) :]
    return None


def client_certificate(scope: Scope, settings: AccessSettings) -> bytes | None:
    """The client's certificate (DER) that the server verified, or a proxy we believe.

    Raises:
        NotAuthentic: There is something that is none.
    """
    tls = scope.get("extensions", {}).get("tls")
    try:
        if tls and tls.get("client_cert_chain") and not tls.get("client_cert_error"):
            return ssl.PEM_cert_to_DER_cert(next(iter(tls["client_cert_chain"])))
        peer = scope.get("client")
        if peer is None or peer[0] not in settings.proxies:
            return None
        named = [value for name, value in scope["headers"] if name == b"client-cert"]
        if not named:
            return None
        [value] = named
        if not (value.startswith(b":") and value.endswith(b":")):
            raise NotAuthentic("certificate", expected="as RFC 9440 writes it")
        return base64.b64decode(value[1:-1], validate=True)
    except (binascii.Error, ValueError):
        raise NotAuthentic("certificate", expected="one certificate") from None


def _read(headers: Headers) -> tuple[bytes | None, list[bytes], int]:
    """The authorization, the cookies, and the declared length of the body.

    Raises:
        NotAuthentic: There are two authorizations.
    """
    authorization: bytes | None = None
    cookies: list[bytes] = []
    length = 0
    for name, value in headers:
        if name == b"authorization":
            if authorization is not None:
                raise NotAuthentic("request", expected="one authorization")
            authorization = value
        elif name == b"cookie":
            cookies.append(value)
        elif name == b"content-length" and value.isdigit():
            length = int(value[:_LENGTH_DIGITS_MAX])
    return authorization, cookies, length


_LENGTH_DIGITS_MAX = 18


def basic_of(authorization: bytes) -> tuple[str, str]:
    """Id and secret of HTTP Basic (RFC 7617).

    Raises:
        NotAuthentic: Not as it is written.
    """
    try:
        text = base64.b64decode(authorization[6:].strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        text = ""
    client_id, colon, secret = text.partition(":")
    if not colon:
        raise NotAuthentic("authorization", expected="Basic, as RFC 7617 writes it")
    return client_id, secret


def _bearer(authorization: bytes) -> bytes:
    """The token of an ``Authorization`` header.

    Raises:
        NotAuthentic: It is by another scheme.
    """
    scheme, _, token = authorization.partition(b" ")
    if scheme.lower() != b"bearer":
        raise NotAuthentic("authorization", expected="Bearer")
    return token.strip()
