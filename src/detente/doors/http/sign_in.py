"""Sign-in for people: by name and password, or by an OpenID Connect provider.

Both end in a session, whose token is in a cookie that no script reads and no other
site's request carries along.
"""

import base64
import binascii
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from litestar import Request, delete, get, post
from litestar.datastructures import Cookie
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from litestar.response import Response
from litestar.response.redirect import Redirect
from msgspec import Meta, Struct

from detente.core.principal import Principal, Role, Scope
from detente.doors.asgi_auth import (
    COOKIE,
    TheGate,
    ThePrincipal,
    address_of,
    clock_s,
    origin_of,
    require_same_origin,
    session_of,
)
from detente.errors import MalformedInput, NotAuthentic, NotFound
from detente.node.access.accounts import SESSION_LIFE_S, Identity
from detente.node.access.gate import Gate
from detente.node.access.oidc import SIGN_IN_S, Begun, Provider, Returned

COOKIE_BEGUN = "__Host-detente-sign-in"
"""What a browser keeps between leaving for the provider and coming back."""

COOKIE_LENGTH_MAX = 2_000
"""Characters of it: three random values and a path take some 500."""

NEXT_LENGTH_MAX = 500
"""Characters of the path to which one returns after signing in."""

OPEN: list[dict[str, list[str]]] = [{}]
NO_STORE = {"cache-control": "no-store"}


class Credentials(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A name and its password."""

    name: Annotated[str, Meta(min_length=1, max_length=200)]
    password: Annotated[str, Meta(min_length=1, max_length=1_000)]


class WhoAmI(Struct, frozen=True, kw_only=True):
    """For whom one speaks here, as what, until when."""

    party: str
    subject: str
    method: str
    roles: tuple[Role, ...]
    scopes: tuple[Scope, ...]
    issuer: str | None = None
    expires: datetime | None = None


class SignInWay(Struct, frozen=True, kw_only=True):
    """A provider through which one may sign in, and where that begins."""

    id: str
    name: str
    url: str


class _Kept(Struct, frozen=True, kw_only=True):
    begun: Begun
    next: str


@post("/v1/session", tags=["access"], security=OPEN, status_code=201)
async def sign_in(
    request: Request[Any, Any, Any], gate: TheGate, data: JSONBody[Credentials]
) -> Response[WhoAmI]:
    """Sign in by name and password; the answer sets the session's cookie.

    A wrong name and a wrong password look alike. Too many tries are told to wait (429).
    """
    if "origin" in request.headers:
        require_same_origin(request.scope, origin_of(gate.settings.url))
    who = await gate.accounts.identify(
        data.name, data.password, address=address_of(request.scope), now_s=clock_s()
    )
    token = await gate.sessions.open(who, now=datetime.now(UTC))
    principal = await gate.by_session(token.encode(), clock_s())
    return Response(
        _who(principal), status_code=201, cookies=[_session_cookie(token)], headers=NO_STORE
    )


@get("/v1/session", tags=["access"])
async def who_am_i(principal: ThePrincipal) -> WhoAmI:
    """Say for whom the caller speaks, whatever it proved itself by."""
    return _who(principal)


@delete("/v1/session", tags=["access"], status_code=204)
async def sign_out(
    request: Request[Any, Any, Any], gate: TheGate, principal: ThePrincipal
) -> Response[None]:
    """Sign out: the session ends at once here, and within seconds on every worker."""
    del principal  # It proves that the request is the session's own.
    token = session_of(_cookies(request))
    if token is not None:
        await gate.sessions.end(token)
    return Response(None, status_code=204, cookies=[_cookie(COOKIE, "", age_s=0)])


@get("/v1/sign-in", tags=["access"], security=OPEN)
async def ways(gate: TheGate) -> list[SignInWay]:
    """List the providers through which one may sign in here."""
    return [
        SignInWay(id=one.id, name=one.name, url=f"/v1/sign-in/{one.id}")
        for one in gate.settings.providers
    ]


@get("/v1/sign-in/{provider:str}", tags=["access"], security=OPEN, status_code=303)
async def leave(
    gate: TheGate,
    provider: FromPath[str],
    next_: Annotated[str, QueryParameter(name="next", max_length=NEXT_LENGTH_MAX)] = "/",
) -> Redirect:
    """Go to a provider to sign in; ``next`` is the path to return to afterwards."""
    url, begun = await _provider(gate, provider).begin(clock_s())
    kept = _Kept(begun=begun, next=_local_path(next_))
    value = base64.urlsafe_b64encode(msgspec.json.encode(kept)).decode().rstrip("=")
    cookie = _cookie(COOKIE_BEGUN, value, age_s=SIGN_IN_S)
    return Redirect(url, status_code=303, cookies=[cookie], headers=NO_STORE)


@get("/v1/sign-in/{provider:str}/callback", tags=["access"], security=OPEN, status_code=303)
async def come_back(  # noqa: PLR0913, PLR0917 - one parameter for each of the provider's
    request: Request[Any, Any, Any],
    gate: TheGate,
    provider: FromPath[str],
    code: FromQuery[str | None] = None,
    state_: Annotated[str | None, QueryParameter(name="state")] = None,
    iss: FromQuery[str | None] = None,
    error: FromQuery[str | None] = None,
) -> Redirect:
    """Come back from a provider, and have a session."""
    kept = _kept(request.cookies.get(COOKIE_BEGUN))
    returned = Returned(code=code, state=state_, iss=iss, error=error)
    chosen = _provider(gate, provider)
    who: Identity = await chosen.finish(kept.begun, returned, clock_s())
    token = await gate.sessions.open(who, now=datetime.now(UTC))
    await gate.by_session(token.encode(), clock_s())
    return Redirect(
        _local_path(kept.next),
        status_code=303,
        cookies=[_session_cookie(token), _cookie(COOKIE_BEGUN, "", age_s=0)],
        headers=NO_STORE,
    )


def handlers() -> Sequence[HTTPRouteHandler]:
    """The routes of this module."""
    return [sign_in, who_am_i, sign_out, ways, leave, come_back]


def _provider(gate: Gate, name: str) -> Provider:
    found = gate.providers.get(name)
    if found is None:
        raise NotFound(f"provider {name}")
    return found


def _who(principal: Principal) -> WhoAmI:
    return WhoAmI(
        party=principal.party,
        subject=principal.subject,
        method=principal.method.value,
        roles=tuple(sorted(principal.roles)),
        scopes=tuple(sorted(principal.scopes)),
        issuer=principal.issuer,
        expires=principal.expires,
    )


def _session_cookie(token: str) -> Cookie:
    return _cookie(COOKIE, token, age_s=SESSION_LIFE_S)


def _cookie(name: str, value: str, *, age_s: int) -> Cookie:
    return Cookie(
        key=name, value=value, max_age=age_s, path="/", secure=True, httponly=True, samesite="lax"
    )


def _cookies(request: Request[Any, Any, Any]) -> list[bytes]:
    return [value for name, value in request.scope["headers"] if name == b"cookie"]


def _kept(value: str | None) -> _Kept:
    """What the browser kept; it is its own, and lying about it only spoils its own sign-in.

    Raises:
        NotAuthentic: Nothing, or something else.
    """
    try:
        text = (value or "")[:COOKIE_LENGTH_MAX].encode("ascii")
        data = base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4))
        return msgspec.json.decode(data, type=_Kept)
    except (UnicodeEncodeError, binascii.Error, msgspec.MsgspecError, UnicodeDecodeError):
        raise NotAuthentic(
            "sign-in", expected="the one that this browser began, within ten minutes"
        ) from None


def _local_path(path: str) -> str:
    """A path on this node; an address elsewhere would make sign-in a way to send people off.

    Raises:
        MalformedInput: It is none.
    """
    plain = path.isascii() and path.isprintable() and "\\" not in path and " " not in path
    if not (plain and path.startswith("/") and not path.startswith("//")):
        raise MalformedInput("next", expected="a path on this node, such as /map")
    return path
