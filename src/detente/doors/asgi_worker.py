"""One worker: a node, its doors, and the connections handed to it.

Run as ``python -m detente.doors.asgi_worker`` by asgi_supervisor, which writes a
Task as JSON to its standard input and keeps that open: when it closes, the
supervisor is gone, and the worker stops as it does for SIGTERM. What the worker
has to say goes to its standard output, a line each: ``ready``, or ``refused`` and why.
"""

import asyncio
import contextlib
import logging
import os
import resource
import signal
import socket
import sys
from pathlib import Path
from typing import BinaryIO, Protocol

import msgspec
import uvloop
from msgspec import Struct
from uvicorn import Config
from uvicorn.server import ServerState

from detente.doors import asgi_log, asgi_tls
from detente.doors.app import create, peering
from detente.doors.asgi_accept import Turns
from detente.doors.asgi_edge import Edge
from detente.doors.asgi_node import Node
from detente.doors.asgi_protocol import Guard, Guarded
from detente.doors.asgi_witnesses import witnesses
from detente.doors.cot.relay import Hearing, Teller
from detente.doors.cot.serving import Serving
from detente.doors.feeds.connecting import Connecting
from detente.doors.feeds.settings import feeds_of
from detente.errors import DetenteError
from detente.node.access.settings import access_settings
from detente.node.service import Service
from detente.node.telling.address import Allowed
from detente.settings import Settings

BACKLOG = 2_048
"""Connections that wait to be accepted; the kernel takes the less of it and its own limit."""

HANDSHAKE_TIMEOUT_S = 10.0
"""TLS must be agreed within: ten round trips over two satellites."""

FILES_BESIDE = 200
"""Open files besides the connections: the database, libraries, logs."""

EXIT_REFUSED = 2

_LOG = logging.getLogger("detente.worker")


class Task(Struct, frozen=True, kw_only=True):
    """What a worker is told: its number, its settings, the sockets it inherits.

    ``units`` is the path of the socket on which workers tell each other of units.
    """

    worker: int
    settings: Settings
    sockets: tuple[int, ...]
    units: str


def main() -> None:
    """Serve until told to stop."""
    # The terminal's Ctrl-C reaches the supervisor, which says when.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    orders, words = sys.stdin.buffer, os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0)
    # Whatever a library prints must not be read as the worker's word.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    task = msgspec.json.decode(orders.readline(), type=Task)
    asgi_log.set_up(task.settings.log_level, task.settings.log_format)
    doors = 2 if speaks_cot(task.settings) else 1
    _raise_file_limit(doors * task.settings.connections_max + FILES_BESIDE)
    try:
        uvloop.run(_serve(task, orders, words))
    except DetenteError as error:
        words.write(b"refused " + msgspec.json.encode(str(error)) + b"\n")
        sys.exit(EXIT_REFUSED)


async def _serve(task: Task, orders: BinaryIO, words: BinaryIO) -> None:
    settings = task.settings
    node = open_node(settings)
    await node.start()
    doors: list[_Door] = []
    connecting = _connecting(node, settings)
    try:
        for door in _cot(node, task):
            await door.start()
            doors.append(door)
        server = Server(settings, create(settings, node))
        if connecting is not None:
            await connecting.start()
        await server.listen([socket.socket(fileno=number) for number in task.sockets])
        asgi_log.say(_LOG, logging.INFO, "worker ready", worker=task.worker, pid=os.getpid())
        words.write(b"ready\n")
        await _until_told(orders)
        await server.stop()
    finally:
        for door in reversed(doors):
            await door.stop()
        if connecting is not None:
            await connecting.stop()
        await node.stop()
    asgi_log.say(_LOG, logging.INFO, "worker stopped", worker=task.worker, pid=os.getpid())


def open_node(settings: Settings) -> Node:
    """The node that this worker serves."""
    scheme = "https" if settings.tls_certificate else "http"
    url = settings.base_url.rstrip("/") or f"{scheme}://{settings.host}:{settings.port}"
    return Service(
        settings.database,
        access_settings(settings, url=url),
        Path(settings.keys) if settings.keys else None,
        webhooks=Allowed(http=settings.webhook_http, private=settings.webhook_private),
        peering=peering(settings),
        witnesses=witnesses(settings),
        people_rest_s=settings.people_rest_s,
    )


def speaks_cot(settings: Settings) -> bool:
    """Whether clients of Cursor on Target are let in."""
    return bool(settings.cot_tcp or settings.cot_tls or settings.cot_udp)


class _Door(Protocol):
    """What begins and ends with a worker."""

    async def start(self) -> None: ...
    async def stop(self) -> None: ...


def _cot(node: Node, task: Task) -> tuple[_Door, ...]:
    """Cursor on Target in worker 0, where its clients meet; and how the others hear of units."""
    settings, path = task.settings, Path(task.units)
    if not isinstance(node, Service) or not speaks_cot(settings):
        return ()
    if task.worker:
        return (Hearing(node.tracks, path, node.engine.clock),)
    serving = Serving(settings, node)
    return (serving,) if settings.workers == 1 else (serving, Teller(node.tracks, path))


def _connecting(node: Node, settings: Settings) -> Connecting | None:
    """Its receivers; a node that holds no tracks has none."""
    if not isinstance(node, Service):
        return None
    return Connecting(node.feeding, feeds_of(settings), node.engine.clock)


async def _until_told(orders: BinaryIO) -> None:
    """Wait for SIGTERM, or for the supervisor's end."""
    loop, told = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, told.set)
    loop.add_reader(orders, told.set)
    await told.wait()
    loop.remove_reader(orders)


class Server:
    """The connections of one worker.

    Args:
        settings: Where the limits and certificates are.
        app: What answers.
    """

    def __init__(self, settings: Settings, app: Edge) -> None:
        self._settings = settings
        self._state = ServerState()
        self._flush = app.flush
        self._guard = Guard(settings, self._state, app.flush)
        self._servers: list[asyncio.Server | Turns] = []
        self.draining = asyncio.Event()
        # uvicorn reads its log level here, and would set up loggers of its own.
        self._config = Config(
            app,
            lifespan="off",
            ws="none",
            log_config=None,
            access_log=False,
            proxy_headers=False,
        )
        self._config.load()

    async def listen(self, sockets: list[socket.socket]) -> None:
        """Begin to accept."""
        loop = asyncio.get_running_loop()
        tls = asgi_tls.context(self._settings)
        self._sweeping = asyncio.create_task(self._guard.sweep())
        for one in sockets:
            if self._settings.workers > 1:
                self._servers.append(Turns(one, self._connection, tls, HANDSHAKE_TIMEOUT_S))
                continue
            self._servers.append(
                await loop.create_server(
                    self._connection,
                    sock=one,
                    ssl=tls,
                    ssl_handshake_timeout=HANDSHAKE_TIMEOUT_S if tls else None,
                    backlog=BACKLOG,
                )
            )

    async def stop(self) -> None:
        """Accept no more, let what is under way finish, then cut off what is left."""
        for server in self._servers:
            server.close()
        self.draining.set()
        self._guard.drain()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._settings.shutdown_grace_s):
                # uvicorn's sets tell nobody when they empty.
                while self._state.connections or self._state.tasks:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
        left = len(self._state.tasks)
        if left:
            asgi_log.say(_LOG, logging.WARNING, "requests cut off by the stop", count=left)
        for task in tuple(self._state.tasks):
            task.cancel()
        await asyncio.gather(*self._state.tasks, return_exceptions=True)
        for one in tuple(self._guard.connections):
            one.transport.abort()
        self._sweeping.cancel()
        self._flush()

    def _connection(self) -> Guarded:
        # Streams end early when this is set, and are not cut off.
        state = {"draining": self.draining}
        return Guarded(self._config, self._state, state, self._guard)


def _raise_file_limit(wanted: int) -> None:
    """Open files as the number of connections asks, as far as the system lets us."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


if __name__ == "__main__":
    main()
