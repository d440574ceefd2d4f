"""One client: a connection over which events come in, and batches go out."""

import asyncio
import logging
import socket
import time
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, cast
from uuid import uuid4

from detente.core.principal import Principal, Scope
from detente.doors.asgi_log import say
from detente.doors.cot import writing
from detente.doors.cot.audience import Batch
from detente.doors.cot.event import Event, event_of
from detente.doors.cot.stream import Lost, Stream, read
from detente.doors.cot.writing import Out, Written
from detente.errors import DetenteError
from detente.node.metrics import COT_CUT_OFF

if TYPE_CHECKING:
    import ssl

    from detente.doors.cot.serving import Serving

HIGH_BYTES, LOW_BYTES = 256 * 1024, 64 * 1024
"""Bytes that may wait for a client before it counts as slow: a second at 2 Mbit/s."""

EVENTS_MAX = 2_000
"""Events a second from one connection: a gateway of as many units. More wait in the network."""

REFUSED_MAX = 100
"""One after another: whoever sends only what is refused is told so by the connection's end."""

VERSION = "1"
_log = logging.getLogger("detente.cot")


class Pace:
    """EVENTS_MAX in each second of the clock."""

    def __init__(self) -> None:
        self._second, self._count = 0, 0

    def take(self) -> bool:
        """Count one; whether it is within."""
        second = int(time.monotonic())
        if second != self._second:
            self._second, self._count = second, 0
        self._count += 1
        return self._count <= EVENTS_MAX


class Client(asyncio.Protocol):
    """A connection.

    Args:
        serving: Of which door.
        principal: Who speaks; None where its certificate tells.
    """

    def __init__(self, serving: "Serving", principal: Principal | None) -> None:
        self._serving = serving
        self.principal = principal
        self.certificate = b""
        self.uids: set[str] = set()
        self._stream = Stream()
        self._is_proto = False
        self._slow = False
        self._newest: dict[str, Written] = {}
        self._left = (0, 0.0)
        self._refused = 0
        self._pace = Pace()
        self._tasks: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Find out who it is."""
        self.transport = cast("asyncio.Transport", transport)
        self.transport.set_write_buffer_limits(high=HIGH_BYTES, low=LOW_BYTES)
        held: socket.socket = transport.get_extra_info("socket")
        held.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, HIGH_BYTES)
        if not self._serving.enter(self):
            self.transport.abort()
            return
        # Nothing is read before it is known whose it is.
        self.transport.pause_reading()
        encrypted: ssl.SSLObject | None = transport.get_extra_info("ssl_object")
        if encrypted is not None:
            self.certificate = encrypted.getpeercert(binary_form=True) or b""
        self._begin(self._enter)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's
        """Let go of it."""
        self._serving.leave(self)
        for one in self._tasks:
            one.cancel()

    def data_received(self, data: bytes) -> None:
        """Take events."""
        try:
            for is_proto, one in self._stream.feed(data):
                self._take(is_proto, one)
        except Lost as error:
            self._quarantine(error, error.size)
            self.transport.abort()

    def pause_writing(self) -> None:
        """From now on only the newest of each is kept for it."""
        self._slow = True
        self._left = self.transport.get_write_buffer_size(), time.monotonic()

    def resume_writing(self) -> None:
        """Send what was kept."""
        self._slow = False
        if self._newest:
            events, self._newest = list(self._newest.values()), {}
            self.show(Batch(events))

    def show(self, batch: Batch) -> None:
        """Send a batch, or keep the newest of each of it; its own units it knows."""
        if self.uids:
            batch = batch.without(self.uids)
        if self._slow:
            self._newest |= {one.out.uid: one for one in batch.events}
        elif batch.events:
            self.transport.write(batch.proto if self._is_proto else batch.xml)

    def is_stuck(self, timeout_s: float) -> bool:
        """Whether it has taken nothing for so long."""
        if not self._slow:
            return False
        left, now_s = self.transport.get_write_buffer_size(), time.monotonic()
        if left < self._left[0]:
            self._left = left, now_s
        return now_s - self._left[1] > timeout_s

    def cut_off(self) -> None:
        """End the connection of one that takes nothing."""
        COT_CUT_OFF.inc()
        say(_log, logging.WARNING, "cot client cut off", party=self._named()[0])
        self.transport.abort()

    def _begin(self, what: Callable[[], Coroutine[None, None, None]]) -> None:
        task = asyncio.get_running_loop().create_task(what())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _enter(self) -> None:
        try:
            if self.principal is None:
                self.principal = await self._serving.who(self.certificate)
            self._send(writing.offer(self._serving.now(), f"protouid.{uuid4()}"))
            self.transport.resume_reading()
            if Scope.READ in self.principal.scopes:
                await self._serving.join(self)
        except DetenteError as error:
            say(_log, logging.WARNING, "cot client refused", code=error.code)
            self.transport.abort()

    def _take(self, is_proto: bool, data: bytes) -> None:  # noqa: FBT001 - as Stream tells it
        if not self._pace.take():
            self.transport.pause_reading()
            asyncio.get_running_loop().call_later(1.0, self._go_on)
        try:
            self._act(event_of(read(is_proto, data), self._serving.now()))
            self._refused = 0
        except DetenteError as error:
            self._quarantine(error, len(data))
            self._refused += 1
            if self._refused >= REFUSED_MAX:
                self.transport.abort()

    def _act(self, event: Event) -> None:
        if event.type == "t-x-takp-q":
            agreed = event.version == VERSION
            self._send(writing.answer(self._serving.now(), event.uid, agreed=agreed))
            self._is_proto = self._is_proto or agreed
        elif event.type == "t-x-c-t":
            self._send(writing.pong(self._serving.now()))
        elif event.type == "t-x-d-d" or not event.type.startswith("t-x-"):
            assert self.principal is not None, "nothing is read before"  # noqa: S101
            self._serving.take(self.principal, event)
            self.uids.add(event.uid)

    def _go_on(self) -> None:
        if not self.transport.is_closing():
            self.transport.resume_reading()

    def _send(self, out: Out) -> None:
        written = Written(out)
        if not self._slow:
            self.transport.write(written.proto if self._is_proto else written.xml)

    def _quarantine(self, error: DetenteError, size: int) -> None:
        party, account = self._named()
        self._serving.refuse(party, account, error, size)

    def _named(self) -> tuple[str, str]:
        return (
            ("", "") if self.principal is None else (self.principal.party, self.principal.subject)
        )
