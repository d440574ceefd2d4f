"""A browser as a device that may call on the hotline while nobody is signed in at it.

What it holds is in a cookie that no script reads, and that a browser sends to this node alone.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from litestar import Request, delete, get, post
from litestar.datastructures import Cookie
from litestar.handlers import HTTPRouteHandler
from litestar.response import Response
from msgspec import Struct

from detente.core.principal import Principal
from detente.doors.asgi_auth import (
    TheGate,
    ThePrincipal,
    address_of,
    clock_s,
    cookie_of,
    origin_of,
    require_same_origin,
)
from detente.errors import NotAuthentic
from detente.node.access.devices import Devices

COOKIE_DEVICE = "__Host-detente-device"

COOKIE_LIFE_S = 400 * 86_400
"""As long as browsers keep any (RFC 6265bis section 5.5); the device is revoked here."""

OPEN: list[dict[str, list[str]]] = [{}]
NO_STORE = {"cache-control": "no-store"}


class Device(Struct, frozen=True, kw_only=True):
    """For which party a device may call, and its name, by which it is revoked."""

    party: str
    device: str


async def caller(devices: Devices, own: str, scope: Any, calls: bool) -> Principal:  # noqa: FBT001
    """Whose device asks to call, or asks what leads to a call.

    Raises:
        NotAuthentic: No device of a party.
        NotPermitted: Its party is not admitted, or a page of another origin asks.
        RateLimited: It calls too often, or somebody guesses.
    """
    found = await _identified(devices, scope)
    require_same_origin(scope, own)
    if calls:
        devices.count(found, now_s=clock_s())
    return found


@post("/v1/device", tags=["access"], status_code=201)
async def enrol(principal: ThePrincipal, devices: Devices) -> Response[Device]:
    """Make this browser a device that may call on the hotline while nobody is signed in.

    It may do nothing else; its name is in the answer, and an administrator revokes it by that.
    """
    name, held = await devices.enrol(principal, now=datetime.now(UTC))
    known = Device(party=principal.party, device=name)
    return Response(
        known, status_code=201, cookies=[_cookie(held, COOKIE_LIFE_S)], headers=NO_STORE
    )


@get("/v1/device", tags=["access"], security=OPEN)
async def known_device(request: Request[Any, Any, Any], devices: Devices) -> Response[Device]:
    """Say for which party this browser may call, signed in or not."""
    found = await _identified(devices, request.scope)
    return Response(Device(party=found.party, device=found.subject), headers=NO_STORE)


@delete("/v1/device", tags=["access"], security=OPEN, status_code=204)
async def forget(
    request: Request[Any, Any, Any], gate: TheGate, devices: Devices
) -> Response[None]:
    """Let this browser call no more; it is revoked, wherever a copy of it may be."""
    require_same_origin(request.scope, origin_of(gate.settings.url))
    found = await _identified(devices, request.scope)
    await devices.revoke(found, now=datetime.now(UTC))
    return Response(None, status_code=204, cookies=[_cookie("", 0)])


def handlers() -> Sequence[HTTPRouteHandler]:
    """The routes of this module."""
    return [enrol, known_device, forget]


async def _identified(devices: Devices, scope: Any) -> Principal:
    held = cookie_of(
        (value for name, value in scope["headers"] if name == b"cookie"), COOKIE_DEVICE
    )
    if held is None:
        raise NotAuthentic("device", expected="one that its party enrolled")
    return await devices.identify(
        held.decode("latin-1"), address=address_of(scope), now_s=clock_s()
    )


def _cookie(value: str, age_s: int) -> Cookie:
    return Cookie(
        key=COOKIE_DEVICE, value=value, max_age=age_s, path="/",
        secure=True, httponly=True, samesite="strict",
    )  # fmt: skip
