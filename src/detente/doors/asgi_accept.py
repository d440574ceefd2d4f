"""Accepting connections where several workers share one socket.

Whoever wakes first takes what waits, and of workers that are idle it is mostly the
same one: its connections would wait for each other while another core does
nothing. So a worker takes one connection at a time, then rests, and lets the others
take the next.
"""

import asyncio
import errno
import socket
from collections.abc import Callable
from ssl import SSLContext

REST_S = 0.001
"""Between two connections of a worker: longer than another takes to wake, and a
thousand connections a second are more than a worker can shake hands with."""

FULL_REST_S = 0.1
"""When no file can be opened: until some connection has ended."""

_FULL = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}


class Turns:
    """Takes connections from a socket that other processes listen on as well.

    Args:
        listening: Bound, not blocking.
        connection: Makes the protocol of one connection.
        tls: For TLS.
        handshake_timeout_s: How long that may take to be agreed.
    """

    def __init__(
        self,
        listening: socket.socket,
        connection: Callable[[], asyncio.Protocol],
        tls: SSLContext | None,
        handshake_timeout_s: float,
    ) -> None:
        self._listening = listening
        self._connection = connection
        self._tls = tls
        self._handshake_timeout_s = handshake_timeout_s
        self._loop = asyncio.get_running_loop()
        self._resting: asyncio.TimerHandle | None = None
        self._handed: set[asyncio.Task[None]] = set()
        self._begin()

    def close(self) -> None:
        """Take no more."""
        if self._resting is not None:
            self._resting.cancel()
        self._loop.remove_reader(self._listening)
        self._listening.close()

    def _begin(self) -> None:
        self._resting = None
        self._loop.add_reader(self._listening, self._take)

    def _take(self) -> None:
        try:
            taken, _ = self._listening.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return  # Another worker had it, or it has gone.
        except OSError as error:
            if error.errno not in _FULL:
                raise
            self._rest(FULL_REST_S)
            return
        self._rest(REST_S)
        task = self._loop.create_task(self._hand(taken))
        self._handed.add(task)
        task.add_done_callback(self._handed.discard)

    def _rest(self, seconds: float) -> None:
        self._loop.remove_reader(self._listening)
        self._resting = self._loop.call_later(seconds, self._begin)

    async def _hand(self, taken: socket.socket) -> None:
        taken.setblocking(False)  # noqa: FBT003 - the standard library's own
        taken.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        timeout_s = None if self._tls is None else self._handshake_timeout_s
        try:
            await self._loop.connect_accepted_socket(
                self._connection, taken, ssl=self._tls, ssl_handshake_timeout=timeout_s
            )
        except (OSError, TimeoutError):
            taken.close()  # It broke off, or no TLS was agreed.
