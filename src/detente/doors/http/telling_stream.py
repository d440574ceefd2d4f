"""Server-sent events: one stream a client, all following one end of the record.

A stream reads on only when its client has taken what was sent, so that a slow one
makes nothing pile up; one that takes nothing is cut off by the server
(``write_timeout_s``) and comes back with the id of the last event that it saw.

Source: WHATWG HTML, server-sent events; docs/rules/R-08.md.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any
from weakref import WeakKeyDictionary

import msgspec

from detente.core.principal import Principal
from detente.errors import DetenteError, RateLimited
from detente.node.engine import Engine
from detente.node.telling import Telling
from detente.node.telling.disclosures import shown_by
from detente.node.telling.events import EventPage
from detente.node.telling.matching import Wanted

MEDIA_TYPE = "text/event-stream"

HEADERS = {"cache-control": "no-store", "x-accel-buffering": "no"}
"""No cache keeps it, and no proxy (nginx) collects it."""

HEARTBEAT_S = 15.0
"""The proxies that give up soonest do so after 30 s without a byte."""

EVENTS_AT_ONCE = 100
"""Events that go out together; between them it is seen whether the stream may go on."""

RETRY_MS = 1_000
"""After which a browser comes back."""

STREAMS_MAX = 100
"""Streams of one party and worker at a time: each desk with several screens."""

_open: WeakKeyDictionary[Engine, Counter[str]] = WeakKeyDictionary()


class Streaming:
    """One stream.

    Args:
        telling: Of the node.
        principal: Who listens.
        wish: Only what this subscription of his asks for; None is all that he may see.
    """

    def __init__(self, telling: Telling, principal: Principal, wish: Wanted | None) -> None:
        self._telling = telling
        self._principal = principal
        self._wish = wish
        self._streams = _open.setdefault(telling.engine, Counter())

    def enter(self) -> None:
        """Take a place, before anything is answered.

        Raises:
            RateLimited: The party has as many streams as it may.
        """
        if self._streams[self._principal.party] >= STREAMS_MAX:
            raise RateLimited(
                "stream", expected=f"at most {STREAMS_MAX} of a party", retry_after_s=60
            )

    async def frames(
        self, start: int | None, draining: asyncio.Event | None
    ) -> AsyncIterator[bytes]:
        """What goes out, until the client leaves, its proof expires, or the node stops.

        Args:
            start: The cursor; None is the end of the record.
            draining: Set when the server wants to stop.
        """
        party = self._principal.party
        self._streams[party] += 1
        draining = draining or asyncio.Event()
        stopping: asyncio.Task[Any] = asyncio.create_task(draining.wait())
        try:
            # A store that cannot be asked ends the stream; its client comes back.
            with suppress(DetenteError):
                async for frame in self._frames(start, stopping):
                    yield frame
        finally:
            stopping.cancel()
            self._streams[party] -= 1

    async def _frames(
        self, start: int | None, stopping: "asyncio.Task[Any]"
    ) -> AsyncIterator[bytes]:
        listening = self._telling.listening
        at = listening.size - 1 if start is None else start
        yield f"retry: {RETRY_MS}\n".encode() + _position(at)
        told = at
        while self._may_go_on() and not stopping.done():
            page = await self._page(at)
            if page.events:
                told = page.events[-1].sequence
                yield b"".join(
                    b"id: %d\ndata: %b\n\n" % (event.sequence, msgspec.json.encode(event))
                    for event in page.events
                )
            at = page.next
            if page.more:
                continue
            if await self._waits(at, stopping):
                continue
            # Nothing came: show that the connection lives, and how far it was told.
            yield _position(at) if at > told else b":\n\n"
            told = at

    async def _page(self, after: int) -> EventPage:
        party = self._principal.party
        page = await self._telling.events.read(
            party, after=after, limit=EVENTS_AT_ONCE, wish=self._current_wish()
        )
        await self._telling.disclosures.record(party, shown_by(party, page.events), "stream")
        return page

    def _current_wish(self) -> Wanted | None:
        """The subscription as it is now; one that has ended is told until it is noticed."""
        if self._wish is None:
            return None
        return self._telling.tail.subscriptions.get(self._wish.object_id, self._wish)

    def _may_go_on(self) -> bool:
        expires = self._principal.expires
        if self._telling.listening.closed:
            return False
        if self._wish is not None and self._wish.object_id not in self._telling.tail.subscriptions:
            return False
        return expires is None or self._telling.engine.clock() < expires

    async def _waits(self, at: int, stopping: "asyncio.Task[Any]") -> bool:
        """Whether there is something new, or the end, before it is time for a sign of life."""
        listening = self._telling.listening
        new: asyncio.Task[Any] = asyncio.create_task(
            listening.said_beyond(at + 1, timeout_s=HEARTBEAT_S)
        )
        await asyncio.wait({new, stopping}, return_when=asyncio.FIRST_COMPLETED)
        new.cancel()
        return listening.spoken > at + 1 or stopping.done() or listening.closed


def _position(at: int) -> bytes:
    """An event that only moves the cursor on."""
    return b'event: position\nid: %d\ndata: {"after":%d}\n\n' % (at, at)
