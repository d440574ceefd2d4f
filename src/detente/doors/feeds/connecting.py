"""Connections to receivers that begin again, each time a little later.

Each worker connects by itself (docs/adr/0027). What a receiver sends is parsed as it comes;
one that sends faster than it is parsed waits in TCP.
"""

import asyncio
import contextlib
import random
from collections.abc import Callable, Sequence
from datetime import datetime

import httpx

from detente.doors.feeds.lines import Parser
from detente.doors.feeds.readsb import BYTES_MAX
from detente.doors.feeds.settings import FeedSettings, Kind, host_and_port
from detente.errors import MalformedInput
from detente.node.feeding import Broken, Feeding

PIECE_BYTES = 65_536
"""Read at a time: some 500 lines, parsed in 10 ms."""

AGAIN_FIRST_S, AGAIN_MOST_S = 1.0, 60.0
"""A receiver that restarts is back in seconds; one that is gone is asked once a minute."""

CONNECT_TIMEOUT_S = 10.0


class Connecting:
    """The connections of one process.

    Args:
        feeding: Where what they tell goes.
        feeds: To which.
        clock: Gives the time, UTC.
    """

    def __init__(
        self, feeding: Feeding, feeds: Sequence[FeedSettings], clock: Callable[[], datetime]
    ) -> None:
        self._feeding = feeding
        self._feeds = feeds
        self._clock = clock
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin with all of them.

        Raises:
            Conflict: A party has two of one name.
        """
        for one in self._feeds:
            self._feeding.add(one.feed, self._clock())
            self._tasks.append(asyncio.create_task(self._keep(one)))

    async def stop(self) -> None:
        """End all of them."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _keep(self, one: FeedSettings) -> None:
        """Connect again and again, at a random part of a time that doubles."""
        wait_s = AGAIN_FIRST_S
        while True:
            before = self._clock()
            try:
                await (self._poll(one) if one.kind is Kind.READSB else self._listen(one))
                problem, code = "closed by the receiver", Broken.CLOSED
            except (OSError, TimeoutError, httpx.TransportError) as error:
                problem, code = type(error).__name__, Broken.UNREACHABLE
            except httpx.HTTPError as error:
                problem, code = type(error).__name__, Broken.UNREADABLE
            except MalformedInput as error:
                problem, code = f"{error}", Broken.UNREADABLE
            self._feeding.report(one.feed, problem, code)
            if (self._clock() - before).total_seconds() > AGAIN_MOST_S:
                wait_s = AGAIN_FIRST_S
            await asyncio.sleep(wait_s * random.uniform(0.5, 1))  # noqa: S311 - no secret
            wait_s = min(AGAIN_MOST_S, wait_s * 2)

    async def _listen(self, one: FeedSettings) -> None:
        """Read what it sends until it ends."""
        host, port = host_and_port(one.address) or ("", 0)
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            reader, writer = await asyncio.open_connection(host, port)
        try:
            self._feeding.report(one.feed)
            parser = one.parser()
            while data := await reader.read(PIECE_BYTES):
                self._take(one, parser, data)
                # Others have their turn, however fast it comes.
                await asyncio.sleep(0)
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _poll(self, one: FeedSettings) -> None:
        """Ask again and again, until it does not answer."""
        parser = one.parser()
        async with httpx.AsyncClient(timeout=CONNECT_TIMEOUT_S) as client:
            while True:
                self._take(one, parser, await _body(client, one.address))
                self._feeding.report(one.feed)
                await asyncio.sleep(one.poll_s)

    def _take(self, one: FeedSettings, parser: Parser, data: bytes) -> None:
        now = self._clock()
        try:
            heard = parser.read(data, now)
        finally:
            refused = dict(parser.refused)
            parser.refused.clear()
        self._feeding.take(one.feed, heard, now)
        if refused:
            self._feeding.refuse(one.feed, refused, now)


async def _body(client: httpx.AsyncClient, url: str) -> bytes:
    """An answer, of which no more is held than may be."""
    async with client.stream("GET", url) as answer:
        answer.raise_for_status()
        data = bytearray()
        async for piece in answer.aiter_bytes():
            data += piece
            if len(data) > BYTES_MAX:
                raise MalformedInput("aircraft.json", expected=f"at most {BYTES_MAX} bytes")
    return bytes(data)
