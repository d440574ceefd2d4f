"""MISP's requests: manifest, hashes and events of a static feed out; an event in."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

import msgspec
from litestar import Request
from litestar.handlers import HTTPRouteHandler
from litestar.response import Response
from msgspec import Struct

from detente.core.principal import Principal, Scope
from detente.doors.asgi_challenge import UnprovenToBasic
from detente.doors.asgi_edge import Exchange
from detente.doors.misp.incoming import read_event, taken
from detente.doors.misp.outgoing import event, hashes, listed, manifest
from detente.errors import NotAuthentic, NotFound
from detente.node.engine import Engine
from detente.node.misp import MispFeed, take
from detente.node.taxii.adding import Outcome

Who = Callable[..., Awaitable[Principal]]
"""Tells who asks: detente.doors.asgi_auth.Authenticator.principal."""

_EVENT = re.compile(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.json", re.ASCII)


class TakenIn(Struct, frozen=True, kw_only=True):
    """What became of each object, in order, and the names of what was left out."""

    outcomes: tuple[Outcome, ...]
    left_out: tuple[str, ...]


class Desk:
    """What this door needs of a node.

    Args:
        engine: At work.
        feed: Gives feeds.
        who: Tells who asks.
    """

    def __init__(self, engine: Engine, feed: MispFeed, who: Who) -> None:
        self.engine = engine
        self.feed = feed
        self._who = who

    async def enter(self, exchange: Exchange) -> Principal:
        """Who asks, by any way that the node takes, HTTP Basic among them.

        Raises:
            NotAuthentic, NotPermitted, RateLimited: As of any door.
        """
        try:
            return await self._who(exchange.scope, basic=True)
        except NotAuthentic as error:
            raise UnprovenToBasic(error) from None

    async def file(self, principal: Principal, name: str) -> tuple[bytes, str]:
        """One file of the feed, and its media type.

        Raises:
            NotFound: No such file.
            Conflict: More events than a feed may hold.
        """
        theatre = await asyncio.to_thread(self.feed.theatre)
        if name == "manifest.json":
            parts = await self.feed.listing(principal, partial(listed, theatre), whole=False)
            return _json(manifest(parts))
        if name == "hashes.csv":
            return b"".join(await self.feed.listing(principal, hashes, whole=True)), "text/csv"
        found = _EVENT.fullmatch(name)
        if found is None:
            raise NotFound("file", expected="manifest.json, hashes.csv or an event's UUID.json")
        given = await self.feed.event(principal, found[1])
        return await asyncio.to_thread(lambda: _json(event(theatre, found[1], given)))


def handlers(desk: Desk) -> Sequence[HTTPRouteHandler]:
    """All, as routes of the framework."""

    async def get(request: Request[Any, Any, Any]) -> Response[bytes]:
        principal = await desk.enter(request.scope["state"]["exchange"])
        body, media_type = await desk.file(principal, str(request.path_params["name"]))
        headers = {"cache-control": "private, no-cache", "vary": "authorization, cookie"}
        return Response(body, media_type=media_type, headers=headers)

    async def post(request: Request[Any, Any, Any]) -> Response[bytes]:
        principal = await desk.enter(request.scope["state"]["exchange"])
        principal.require(Scope.WRITE_REPORTS)
        body = await request.body()
        made = await asyncio.to_thread(lambda: taken(read_event(body)))
        outcomes = await take(desk.engine, principal, made.given)
        told = TakenIn(outcomes=outcomes, left_out=made.left_out)
        return Response(msgspec.json.encode(told), media_type="application/json")

    return [
        HTTPRouteHandler(
            path,
            http_method=method,  # type: ignore[arg-type] # a method, by the table
            name=f"misp.{path}",
            include_in_schema=False,
            status_code=200,
        )(one)
        for method, path, one in (("GET", "/misp/{name:str}", get), ("POST", "/v1/misp", post))
    ]


def _json(value: object) -> tuple[bytes, str]:
    return json.dumps(value).encode(), "application/json"
