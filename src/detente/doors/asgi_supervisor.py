"""Workers kept alive: started, started again, and stopped in peace.

The supervisor binds the address, so that a port in use is known at once and no
connection is lost between workers: what waits in the socket when a worker is
killed is accepted by another, or by its successor. It serves nothing itself.
"""

import asyncio
import contextlib
import errno
import logging
import os
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from detente.doors import asgi_log, asgi_tls
from detente.doors.asgi_witnesses import witnesses
from detente.doors.feeds.settings import feeds_of
from detente.errors import MalformedInput, Unavailable
from detente.settings import Settings

BACKOFF_S = (0.0, 0.2, 1.0, 2.0, 5.0, 10.0)
"""Before each next start of a worker that ends: at once after an accident, then at a pace
that neither floods the log nor leaves a node down for long after its database is back."""

STEADY_S = 30.0
"""A worker that lived so long ended by accident, not by what it was told."""

KILL_AFTER_S = 2.0
"""Beyond the grace: a worker that is not gone by then is stuck."""

BACKLOG = 2_048

FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""Where the workers' figures meet."""

WORKER = (sys.executable, "-m", "detente.doors.asgi_worker")
"""The program of a worker."""

_LOG = logging.getLogger("detente.supervisor")


def bind(host: str, port: int) -> socket.socket:
    """The socket that all workers share.

    Raises:
        MalformedInput: No such address here, or in use.
    """
    what = f"address {host}:{port}"
    try:
        [(family, kind, protocol, _, address), *_] = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except OSError as error:
        raise MalformedInput(what, expected="a host", got=f"{error.strerror}") from None
    made = socket.socket(family, kind, protocol)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
        made.listen(BACKLOG)
    except OSError as error:
        made.close()
        in_use = error.errno == errno.EADDRINUSE
        got = "in use by another program" if in_use else f"{error.strerror}"
        raise MalformedInput(what, expected="one to listen on", got=got) from None
    made.setblocking(False)  # noqa: FBT003 - the standard library's own
    return made


class Supervisor:
    """Some workers on one socket.

    Args:
        settings: For every worker.
        listening: From ``bind``.
        ready: Called once, when the first worker serves.
    """

    def __init__(
        self, settings: Settings, listening: socket.socket, ready: Callable[[], None]
    ) -> None:
        self._settings = settings
        self._socket = listening
        self._ready: Callable[[], None] | None = ready
        self._stopping = asyncio.Event()
        self._refused: str | None = None
        self._workers: dict[int, asyncio.subprocess.Process] = {}
        self._figures = tempfile.mkdtemp(prefix="detente-metrics-")

    async def run(self) -> None:
        """Serve until SIGTERM or SIGINT.

        Raises:
            Unavailable: The first worker refused to start, and why.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        try:
            if ":" in self._settings.metrics:
                expose(self._settings.metrics, self._figures)
            slots = [asyncio.create_task(self._keep(n)) for n in range(self._settings.workers)]
            await self._stopping.wait()
            await self._stop()
            await asyncio.gather(*slots)
        finally:
            shutil.rmtree(self._figures, ignore_errors=True)
        if self._refused is not None:
            raise Unavailable(self._refused)

    async def _keep(self, number: int) -> None:
        """Keep one worker running."""
        failures = 0
        while not self._stopping.is_set():
            began = time.monotonic()
            status = await self._one(number)
            if self._ready is not None:
                # Nothing has ever been served: starting again would end alike.
                self._refused = self._refused or f"worker ended while starting (status {status})"
                self._stopping.set()
            if self._stopping.is_set():
                return
            failures = 1 if time.monotonic() - began > STEADY_S else failures + 1
            wait_s = BACKOFF_S[min(failures, len(BACKOFF_S)) - 1]
            asgi_log.say(
                _LOG, logging.ERROR, "worker ended, another starts",
                worker=number, status=status, seconds=wait_s,
            )  # fmt: skip
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), wait_s)

    async def _one(self, number: int) -> int:
        """Start a worker and wait for its end."""
        process = await asyncio.create_subprocess_exec(
            *WORKER,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            pass_fds=[self._socket.fileno()],
            env={**os.environ, FOLDER_VARIABLE: self._figures},
            # A Ctrl-C at the terminal is for the supervisor alone.
            start_new_session=True,
        )  # fmt: skip
        self._workers[number] = process
        try:
            await self._instruct(process, number)
            return await process.wait()
        finally:
            del self._workers[number]
            self._forget_figures(process.pid)

    async def _instruct(self, process: asyncio.subprocess.Process, number: int) -> None:
        task = {
            "worker": number, "settings": self._settings, "sockets": [self._socket.fileno()],
            "units": str(Path(self._figures) / "units"),
        }  # fmt: skip
        if process.stdin is None or process.stdout is None:
            return
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            process.stdin.write(msgspec.json.encode(task) + b"\n")
            await process.stdin.drain()
        if self._stopping.is_set():
            process.terminate()
        word, _, why = (await process.stdout.readline()).rstrip(b"\n").partition(b" ")
        if word == b"ready" and self._ready is not None:
            self._ready()
            self._ready = None
        elif word == b"refused":
            if self._ready is not None:
                self._refused = msgspec.json.decode(why, type=str)
            else:
                asgi_log.say(_LOG, logging.ERROR, "worker refused to start", worker=number)

    async def _stop(self) -> None:
        """Let the workers finish, and end those that do not."""
        processes = list(self._workers.values())
        for one in processes:
            with contextlib.suppress(ProcessLookupError):
                one.terminate()
        if not processes:
            return
        waiting = [asyncio.create_task(one.wait()) for one in processes]
        _, late = await asyncio.wait(
            waiting, timeout=self._settings.shutdown_grace_s + KILL_AFTER_S
        )
        for one in processes if late else []:
            with contextlib.suppress(ProcessLookupError):
                one.kill()

    def _forget_figures(self, pid: int) -> None:
        """A worker that is gone counts in totals, and no more in what is now."""
        for path in Path(self._figures).glob(f"gauge_live*_{pid}.db"):
            path.unlink(missing_ok=True)


def expose(address: str, folder: str) -> None:
    """Answer Prometheus on an address of its own, for all workers.

    Raises:
        MalformedInput: No such address, or in use.
    """
    host, _, port = address.rpartition(":")
    # Its modules look for the folder when they are imported.
    os.environ[FOLDER_VARIABLE] = folder
    from prometheus_client import CollectorRegistry, start_http_server  # noqa: PLC0415
    from prometheus_client.multiprocess import MultiProcessCollector  # noqa: PLC0415

    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call] # the library's own lack
    try:
        start_http_server(int(port), host.strip("[]"), registry)
    except OSError as error:
        raise MalformedInput(
            f"metrics {address}", expected="an address to listen on", got=f"{error.strerror}"
        ) from None


def check(settings: Settings) -> None:
    """Refuse before any process starts what every worker would refuse.

    Raises:
        MalformedInput: A certificate, key, policy or feed that is missing or wrong.
    """
    asgi_tls.context(settings)
    witnesses(settings)
    feeds_of(settings)


def serve(settings: Settings, listening: socket.socket, ready: Callable[[], None]) -> None:
    """Run workers until told to stop.

    Raises:
        Unavailable: No worker could start.
    """
    asgi_log.set_up(settings.log_level, settings.log_format)

    async def run() -> None:
        await Supervisor(settings, listening, ready).run()

    asyncio.run(run())
