"""Each request to its answer: the feed of alerts, and one alert."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from hashlib import sha256
from typing import Any

from litestar import Request
from litestar.handlers import HTTPRouteHandler
from litestar.response import Response

from detente.core.principal import Principal
from detente.doors.asgi_challenge import UnprovenToBasic
from detente.doors.asgi_edge import Exchange
from detente.doors.asgi_query import query_of
from detente.doors.cap.signing import signed
from detente.doors.cap.wire import (
    ATOM_TYPE,
    CAP_TYPE,
    Letterhead,
    alert_element,
    feed_element,
    written,
)
from detente.errors import MalformedInput, NotAuthentic, NotFound
from detente.node.certificate import Certificate
from detente.node.telling.alerts import LIMIT_MAX, AlertPage, Alerts
from detente.node.telling.events import START

PATH = "/v1/cap"

_NAME = re.compile(r"([0-9a-f]{32})\.([1-9][0-9]{0,8})\.xml", re.ASCII)
_NUMBER = re.compile(r"[0-9]{1,15}", re.ASCII)

Who = Callable[..., Awaitable[Principal]]
"""Tells who asks: detente.doors.asgi_auth.Authenticator.principal."""


class Desk:
    """What this door needs of a node.

    Args:
        alerts: Reads alerts.
        who: Tells who asks.
        certificate: With which alerts are signed; asked for once, when the first is.
        head: What they have in common.
    """

    def __init__(
        self, alerts: Alerts, who: Who, certificate: Callable[[], Certificate], head: Letterhead
    ) -> None:
        self.alerts = alerts
        self.head = head
        self._who = who
        self._make = certificate
        self._certificate: Certificate | None = None

    async def enter(self, exchange: Exchange) -> Principal:
        """Who asks, by any way that the node takes, HTTP Basic among them.

        Raises:
            NotAuthentic, NotPermitted, RateLimited: As of any door.
        """
        try:
            return await self._who(exchange.scope, basic=True)
        except NotAuthentic as error:
            raise UnprovenToBasic(error) from None

    def certificate(self) -> Certificate:
        """With which alerts are signed.

        Raises:
            NotFound, MalformedInput, Unavailable: There is none that would do.
        """
        if self._certificate is None:
            self._certificate = self._make()
        return self._certificate


def handlers(desk: Desk) -> Sequence[HTTPRouteHandler]:
    """Both, as routes of the framework."""

    async def feed(request: Request[Any, Any, Any]) -> Response[bytes]:
        exchange: Exchange = request.scope["state"]["exchange"]
        principal = await desk.enter(exchange)
        after, limit = asked_of(query_of(exchange))
        page = await desk.alerts.page(principal, after=after, limit=limit)
        body = await asyncio.to_thread(feed_of, page, desk.head, limit, after)
        return _answer(exchange, body, ATOM_TYPE)

    async def alert(request: Request[Any, Any, Any]) -> Response[bytes]:
        exchange: Exchange = request.scope["state"]["exchange"]
        principal = await desk.enter(exchange)
        asked_of(query_of(exchange), taken=())
        object_id, version = named(str(request.path_params["name"]))
        page = await desk.alerts.one(principal, object_id, version)
        body = await asyncio.to_thread(lambda: alert_of(page, desk.head, desk.certificate()))
        return _answer(exchange, body, CAP_TYPE)

    return [
        HTTPRouteHandler(path, http_method="GET", name=path, include_in_schema=False)(one)
        for path, one in ((PATH, feed), (f"{PATH}/{{name:str}}", alert))
    ]


def asked_of(
    query: Mapping[str, str], taken: Sequence[str] = ("after", "limit")
) -> tuple[int, int]:
    """After which entry, and how many at most.

    Raises:
        MalformedInput: Another parameter, or one that is no number.
    """
    for name, value in query.items():
        if name not in taken:
            expected = " or ".join(taken) or "none"
            raise MalformedInput("query parameter", expected=expected, got=name[:100])
        if not _NUMBER.fullmatch(value):
            raise MalformedInput(name, expected="a number", got=value[:100])
    limit = int(query.get("limit", LIMIT_MAX))
    if not 1 <= limit <= LIMIT_MAX:
        raise MalformedInput("limit", expected=f"1 to {LIMIT_MAX}", got=f"{limit}")
    return int(query.get("after", START)), limit


def named(name: str) -> tuple[str, int]:
    """The object and the version that a path names.

    Raises:
        NotFound: It names none.
    """
    found = _NAME.fullmatch(name)
    if found is None:
        raise NotFound("alert", expected=f"{PATH}/OBJECT.VERSION.xml")
    return found[1], int(found[2])


def feed_of(page: AlertPage, head: Letterhead, limit: int, after: int = START) -> bytes:
    """A page of the feed, as it is sent.

    Args:
        page: As its reader is given it.
        head: The node's.
        limit: Alerts a page, as was asked.
        after: After which entry, likewise.
    """
    feed = f"{head.url}{PATH}"
    this = "" if after == START else f"after={after}&"
    links = {"self": f"{feed}?{this}limit={limit}"}
    if page.after is not None:
        links["next"] = f"{feed}?after={page.after}&limit={limit}"
    return written(feed_element(page, head, links))


def alert_of(page: AlertPage, head: Letterhead, by: Certificate) -> bytes:
    """The one alert of a page, signed, as it is sent."""
    [one] = page.alerts
    return written(signed(alert_element(page, one, head), by))


def _answer(exchange: Exchange, body: bytes, media_type: str) -> Response[bytes]:
    """By what is in it, so that the tag does not change with what is not shown."""
    tag = f'"{sha256(body).hexdigest()[:32]}"'
    headers = {
        "etag": tag,
        "cache-control": "private, no-cache",
        "vary": "authorization, cookie",
    }
    if exchange.has(tag.encode()):
        return Response(b"", status_code=304, media_type=media_type, headers=headers)
    return Response(body, status_code=200, media_type=media_type, headers=headers)
