"""HTTP/1.1 as uvicorn speaks it, with the limits that it lacks.

uvicorn waits for a head, a body or a reader as long as the other side likes, and
reads heads of any length (docs/adr/0011). Here a connection is always in one
Phase, with a time by which it must leave it; Guard looks through all connections
every SWEEP_S and cuts off those that are late. When there are too many, the one
that has asked nothing for longest makes room, so that many idle connections keep
nobody out.
"""

import asyncio
import enum
import hashlib
import logging
import math
import ssl
import time
from collections.abc import Callable
from email.utils import formatdate
from typing import Any, NoReturn

from uvicorn import Config
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from detente.doors import asgi_limits as limits
from detente.doors import asgi_metrics
from detente.doors.asgi_log import say
from detente.doors.asgi_problem import problem, spoken
from detente.errors import DetenteError
from detente.settings import Settings

SWEEP_S = 0.25
"""How often connections are looked through: a thousand take half a millisecond."""

DRAIN_S = 0.5
"""While stopping, an idle connection may still ask so long: what was sent before its
client could know is answered, and not lost."""

CLOSING_S = 5.0
"""A connection that we closed goes when its last bytes are taken, or then."""

_LOG = logging.getLogger("detente.connections")


class Phase(enum.Enum):
    """What a connection waits for."""

    HEAD = "head"
    """The rest of a head; a connection just made waits for its first."""
    BODY = "body"
    WORK = "work"
    """Our own answer: no time is set here."""
    DISCARD = "discard"
    """The rest of a body that was refused."""
    IDLE = "idle"
    CLOSING = "closing"


class _Stopped(Exception):
    """Raised in a callback of the parser."""


class Guard:
    """All connections of a worker, and what they may do.

    Args:
        settings: Times and numbers.
        state: uvicorn's, which holds the connections.
        tick: Called at each look.

    ``waiting`` holds those that have asked nothing in full, in the order in which they
    began to wait: nothing is lost when one is closed.
    """

    def __init__(self, settings: Settings, state: ServerState, tick: Callable[[], object]) -> None:
        self._on_tick = tick
        self.settings = settings
        self.connections: set[Guarded] = state.connections  # type: ignore[assignment] # ours only
        self.draining = False
        self.waiting: dict[Guarded, None] = {}
        self._state = state
        self._tick()

    def admit(self, one: "Guarded") -> None:
        """Make room for a connection that was just made."""
        if len(self.connections) <= self.settings.connections_max:
            return
        oldest = next(iter(self.waiting))
        if oldest is one:
            one.refuse("unavailable", "connections", f"at most {self.settings.connections_max}")
        else:
            oldest.cut("no_room")

    async def sweep(self) -> None:
        """Look through the connections until cancelled."""
        while True:
            await asyncio.sleep(SWEEP_S)
            self._tick()
            now = time.monotonic()
            for one in tuple(self.connections):
                one.look(now)

    def drain(self) -> None:
        """Let connections go: at once where nothing is asked for a moment, else when answered."""
        self.draining = True
        for one in tuple(self.connections):
            one.shutdown()

    def _tick(self) -> None:
        asgi_metrics.flush(len(self.connections), len(self._state.tasks))
        self._on_tick()
        self._state.default_headers = [
            (b"date", formatdate(usegmt=True).encode()),
            (b"x-content-type-options", b"nosniff"),
        ]


class Guarded(HttpToolsProtocol):
    """One connection, within its limits."""

    def __init__(
        self, config: Config, state: ServerState, app_state: dict[str, Any], guard: Guard
    ) -> None:
        super().__init__(config, state, app_state, asyncio.get_running_loop())
        self.guard = guard
        # uvicorn's own, which it makes with the first request: one may be refused before.
        self.url = b""
        self.phase = Phase.HEAD
        self.since = time.monotonic()
        self._running: RequestResponseCycle | None = None
        self._in_head = self._in_body = False
        self._head_bytes = 0
        self._unparsed_bytes = 0
        self._body_bytes = 0
        self._stuck_since: float | None = None
        self._extensions: dict[str, Any] | None = None
        self._refusal: tuple[str, str, str] | None = None

    @property
    def is_closing(self) -> bool:
        """Whether nothing is read any more."""
        return self.phase is Phase.CLOSING

    # What the transport tells.

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a first head."""
        super().connection_made(transport)
        secured = transport.get_extra_info("ssl_object")
        if secured is not None:
            self._extensions = {"tls": _tls(secured)}
        self._enter(Phase.HEAD)
        self.guard.admit(self)

    def data_received(self, data: bytes) -> None:
        """Read on, within the limits."""
        if self.phase is Phase.CLOSING:
            return
        was_in_head = self._in_head
        super().data_received(data)
        if self._in_head and was_in_head:
            # The parser keeps what is not a whole header yet, and tells nobody how much it is.
            self._unparsed_bytes += len(data)
            if self._unparsed_bytes > limits.HEAD_BYTES_MAX and not self.is_closing:
                self.refuse("head_too_large", "head", _HEAD_EXPECTED)
        self._settle()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it; uvicorn tells the request under way."""
        self._enter(Phase.CLOSING)
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """The other side does not take its answer."""
        self._stuck_since = time.monotonic()
        super().pause_writing()

    def resume_writing(self) -> None:
        """It does again."""
        self._stuck_since = None
        super().resume_writing()

    # What the parser tells.

    def on_message_begin(self) -> None:
        """A next request: its head is counted anew."""
        if len(self.pipeline) >= limits.PIPELINED_MAX:
            self._stop("malformed_input", "requests sent ahead", f"at most {limits.PIPELINED_MAX}")
        super().on_message_begin()
        self._in_head = True
        self._head_bytes = self._unparsed_bytes = 0
        self.scope["state"]["connection"] = self
        if self._extensions is not None:
            self.scope["extensions"] = self._extensions

    def on_url(self, url: bytes) -> None:
        """The path and query, or a part of them."""
        self.url += url
        self._head_bytes += len(url)
        if self._head_bytes > limits.HEAD_BYTES_MAX:
            self._stop("head_too_large", "head", _HEAD_EXPECTED)

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header."""
        self._head_bytes += len(name) + len(value)
        if self._head_bytes > limits.HEAD_BYTES_MAX or len(self.headers) >= limits.HEADERS_MAX:
            self._stop("head_too_large", "head", _HEAD_EXPECTED)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is here; the request begins, or waits for those before it."""
        self._in_head, self._in_body, self._body_bytes = False, True, 0
        super().on_headers_complete()
        if self.guard.draining:
            self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        """A part of the body, or of one that nobody reads any more."""
        self._body_bytes += len(body)
        if self.phase is Phase.DISCARD and self._body_bytes > limits.DISCARDED_MAX:
            self.cut("too_large")
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """The whole request is here."""
        self._in_body = False
        super().on_message_complete()

    # What the request under way tells.

    def on_response_complete(self) -> None:
        """Go on with the next request that was sent ahead.

        As uvicorn does, less its timer of its own.
        """
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            self._enter(Phase.CLOSING)
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        self._settle()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def _settle(self) -> None:
        """The phase, from what is read and what is answered."""
        if self.phase is Phase.CLOSING:
            return
        running = self._running
        if running is not None and not running.response_complete:
            phase = Phase.BODY if running.more_body else Phase.WORK
        elif self._in_body:
            phase = Phase.DISCARD
        else:
            phase = Phase.HEAD if self._in_head else Phase.IDLE
        if phase is self.phase or (phase is Phase.IDLE and running is None):
            return
        if phase is Phase.DISCARD:
            self._body_bytes = 0
        self._enter(phase)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's words, not ours
        """What is not HTTP, or was refused inside the parser."""
        given, self._refusal = self._refusal, None
        if given is None:
            self.refuse("malformed_input", "request", "HTTP/1.1")
        else:
            self.refuse(*given)

    def shutdown(self) -> None:
        """Begin to go: the request under way is the last one."""
        if self.phase in {Phase.IDLE, Phase.HEAD}:
            self.since = time.monotonic()
        elif self.cycle is not None:
            self.cycle.keep_alive = False

    # What we do about it.

    def look(self, now: float) -> None:
        """Cut it off if it is late."""
        stuck_s = 0.0 if self._stuck_since is None else now - self._stuck_since
        if stuck_s > self.guard.settings.write_timeout_s:
            self.cut("too_slow")
            return
        allowed_s = self._allowed_s()
        if now - self.since <= allowed_s:
            return
        if self.phase is Phase.IDLE:
            self._close()
        elif self.phase is Phase.CLOSING:
            self.transport.abort()
        elif self.phase is Phase.DISCARD:
            self.cut("too_slow")
        else:
            self.refuse("too_slow", self.phase.value, f"within {allowed_s:.0f} s")

    def _allowed_s(self) -> float:
        """How long it may be in its phase."""
        settings = self.guard.settings
        if self.phase in {Phase.BODY, Phase.DISCARD}:
            # Where we do not read, the wait is ours.
            paused = self.flow.read_paused
            sent_s = self._body_bytes / limits.BODY_RATE_MIN
            return math.inf if paused else settings.body_timeout_s + sent_s
        times = {
            Phase.HEAD: settings.headers_timeout_s,
            Phase.IDLE: settings.idle_timeout_s,
            Phase.CLOSING: CLOSING_S,
        }
        allowed_s = times.get(self.phase, math.inf)
        draining = self.guard.draining and self.phase in {Phase.HEAD, Phase.IDLE}
        return DRAIN_S if draining else allowed_s

    def refuse(self, code: str, what: str, expected: str) -> None:
        """Say why, and close; without a word where it would be read as another's answer."""
        running = self._running
        if running is not None and not running.response_complete:
            if running.response_started or not running.more_body:
                self.cut(code)
                return
            # Nobody will hear its own answer; uvicorn tells it so when it asks.
            running.disconnected = True
            running.message_event.set()
        told = problem(code, error=DetenteError(what, expected=expected))
        content, media_type = spoken(self.url.decode("latin-1"), told)
        self.transport.write(
            b"HTTP/1.1 %d %s\r\ncontent-type: %s\r\ncontent-length: %d\r\n"
            b"connection: close\r\n\r\n%s"
            % (told.status, told.title.encode(), media_type, len(content), content)
        )
        asgi_metrics.CUT_OFF.labels(code).inc()
        say(_LOG, logging.INFO, "connection refused", code=code)
        self._close()

    def cut(self, code: str) -> None:
        """Close without a word: none would arrive."""
        asgi_metrics.CUT_OFF.labels(code).inc()
        say(_LOG, logging.INFO, "connection cut off", code=code)
        self._enter(Phase.CLOSING)
        self.transport.abort()

    def _close(self) -> None:
        self._enter(Phase.CLOSING)
        self.transport.close()

    def _enter(self, phase: Phase) -> None:
        self.phase = phase
        self.since = time.monotonic()
        self.guard.waiting.pop(self, None)
        if phase in _WAITING:
            self.guard.waiting[self] = None

    def _stop(self, code: str, what: str, expected: str) -> NoReturn:
        """Out of the parser, which stops for good."""
        self._refusal = (code, what, expected)
        raise _Stopped


_WAITING = frozenset({Phase.HEAD, Phase.IDLE, Phase.DISCARD})
_HEAD_EXPECTED = f"at most {limits.HEAD_BYTES_MAX} bytes and {limits.HEADERS_MAX} headers"


def _tls(secured: Any) -> dict[str, Any]:
    """Who is there, in the names of ASGI's TLS extension.

    ``client_cert_sha256`` is beside them: the thumbprint by which RFC 8705 binds a token
    to a certificate. The chain is only what TLS has verified: the client's own.
    """
    certificate = secured.getpeercert(binary_form=True)
    if certificate is None:
        return {"client_cert_chain": (), "client_cert_sha256": None}
    return {
        "client_cert_chain": (ssl.DER_cert_to_PEM_cert(certificate),),
        "client_cert_sha256": hashlib.sha256(certificate).digest(),
    }
