"""The watch on a screen, as it happens: events once a second, or at once when it is taken in.

A stream reads on only when its client has taken what was sent, so a slow one skips what it
missed and gets the newest; one that takes nothing is cut off by the server
(``write_timeout_s``) and comes back to all of it.

Source: WHATWG HTML, server-sent events; docs/rules/R-08.md; docs/adr/0032.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from typing import Any
from weakref import WeakKeyDictionary

from litestar import Request, get
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import SkipValidation
from litestar.response import Stream

from detente.core.principal import Principal, Scope
from detente.doors.asgi_auth import ThePrincipal
from detente.doors.http.telling_stream import HEADERS, MEDIA_TYPE, RETRY_MS, STREAMS_MAX
from detente.errors import DetenteError, RateLimited
from detente.node.engine import Engine
from detente.node.onlooking import Onlooker
from detente.node.service import Service

TheService = NamedDependency[SkipValidation[Service]]

LOOK_EVERY_S = 0.2
"""How late a look of the watch, or a word of another party, may be noticed."""

SILENT_MAX_S = 15.0
"""The proxies that give up soonest do so after 30 s without a byte."""

_open: WeakKeyDictionary[Engine, Counter[str]] = WeakKeyDictionary()


class Watching:
    """One stream.

    Args:
        service: The node.
        principal: Who looks.
    """

    def __init__(self, service: Service, principal: Principal) -> None:
        self._service = service
        self._principal = principal
        self._streams = _open.setdefault(service.engine, Counter())

    def enter(self) -> None:
        """Take a place, before anything is answered.

        Raises:
            RateLimited: The party has as many streams as it may.
        """
        if self._streams[self._principal.party] >= STREAMS_MAX:
            raise RateLimited(
                "stream", expected=f"at most {STREAMS_MAX} of a party", retry_after_s=60
            )

    async def frames(self, draining: asyncio.Event | None) -> AsyncIterator[bytes]:
        """What goes out, until the client leaves, its proof expires, or the node stops.

        Args:
            draining: Set when the server wants to stop.
        """
        self._streams[self._principal.party] += 1
        try:
            # A store that cannot be asked ends the stream; its client comes back.
            with suppress(DetenteError):
                async for frame in self._frames(draining or asyncio.Event()):
                    yield frame
        finally:
            self._streams[self._principal.party] -= 1

    async def _frames(self, draining: asyncio.Event) -> AsyncIterator[bytes]:
        wall = self._service.wall
        onlooker = Onlooker(wall, self._principal)
        mark = wall.mark
        yield b"retry: %d\nevent: screen\ndata: %b\n\n" % (RETRY_MS, await onlooker.look())
        waited_s = 0.0
        while self._may_go_on() and not draining.is_set():
            await asyncio.sleep(LOOK_EVERY_S)
            waited_s += LOOK_EVERY_S
            if wall.mark != mark:
                mark, waited_s = wall.mark, 0.0
                yield b"event: change\ndata: %b\n\n" % await onlooker.look()
            elif waited_s >= SILENT_MAX_S:
                waited_s = 0.0
                yield b":\n\n"

    def _may_go_on(self) -> bool:
        expires = self._principal.expires
        if self._service.telling.listening.closed:
            return False
        return expires is None or self._service.engine.clock() < expires


@get("/v1/watch/stream", media_type=MEDIA_TYPE, tags=["watch"])
async def watch_stream(
    request: Request[Any, Any, Any], principal: ThePrincipal, service: TheService
) -> Stream:
    """The same as it changes, as server-sent events.

    An event `screen` holds all of it, as `/v1/watch` does; each `change` after it what changed
    since: once a second, and at once when alerts were put on record or acknowledged. Tracks and
    groups are replaced by their names (`party/feed/track`, `id`); tracks in `gone`, and groups
    that are not in `order`, are no more. A client that comes back gets all of it again.
    """
    principal.require(Scope.READ)
    streaming = Watching(service, principal)
    streaming.enter()
    draining = request.scope.get("state", {}).get("draining")
    return Stream(streaming.frames(draining), media_type=MEDIA_TYPE, headers=HEADERS)


def handlers() -> Sequence[HTTPRouteHandler]:
    """The routes of this module."""
    return [watch_stream]
