"""The edge: what every request passes first, whichever door it is for.

Here it gets its id; a body that is too long is refused; a hot route is taken
(asgi_hot); what nobody caught becomes a problem without details; and what became
of it is counted and logged. All of it by the route's template: a path may hold
what the log must not.
"""

import contextlib
import itertools
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from http import HTTPStatus
from typing import Any

from detente.doors import asgi_metrics
from detente.doors.asgi_hot import Answer, Hot, HotTable, Streamed
from detente.doors.asgi_limits import body_bytes_max, content_length
from detente.doors.asgi_log import RequestLine, RequestLog, say, told_of
from detente.doors.asgi_problem import Refused, headers_of, members_of, problem_of, spoken
from detente.errors import NotFound

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

GONE = 499
"""Logged where the client left before it was answered; no such status is ever sent."""

_LOG = logging.getLogger("detente.http")
_NUMBER = itertools.count(1)
_WORKER = secrets.token_hex(5)


class ClientGone(Exception):
    """Whoever asked is no longer there."""


class Exchange:
    """One request and what became of it; ``scope["state"]["exchange"]`` in every layer.

    Doors set ``party`` once they know who asks, for the log.
    """

    __slots__ = ("bytes_in", "party", "path_params", "receive", "request_id", "scope", "status",
                 "template")  # fmt: skip

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self.scope = scope
        self.receive = receive
        self.request_id = f"{_WORKER}-{next(_NUMBER):x}"
        self.template: str | None = None
        self.path_params: Mapping[str, str] = {}
        self.party: str | None = None
        self.status = 0
        self.bytes_in = 0

    def header(self, name: bytes) -> bytes | None:
        """The first header of this name, which must be in lower case."""
        for found, value in self.scope["headers"]:
            if found == name:
                return bytes(value)
        return None

    def has(self, tag: bytes) -> bool:
        """Whether the client has what bears this tag (RFC 9110 section 13.1.2: weak, of a list).

        A proxy that packs an answer makes its tag a weak one, and the client gives that back.
        """
        given = (self.header(b"if-none-match") or b"").split(b",")
        return any(one.strip().removeprefix(b"W/") in {tag, b"*"} for one in given)

    async def body(self) -> bytes:
        """All of the request's body.

        Raises:
            Refused: It is longer than the route takes, or the client left.
        """
        message = await self.receive()
        if not message.get("more_body"):
            return bytes(message.get("body", b""))
        parts = [message["body"]]
        while message.get("more_body"):
            message = await self.receive()
            parts.append(message.get("body", b""))
        if message["type"] == "http.disconnect":
            raise Refused("too_slow", "body", got="a client that left")
        return b"".join(parts)


class Edge:
    """The outermost application.

    Args:
        app: What answers where no hot route does.
        hot: Routes that go past it.
        bytes_max: No body is longer than this, whatever its route.
        log: Where requests are told; None tells nobody.
    """

    def __init__(
        self, app: App, hot: Iterable[Hot], *, bytes_max: int, log: RequestLog | None = None
    ) -> None:
        self._log = log
        self._app = app
        self._hot = HotTable(hot)
        self._bytes_max = bytes_max

    def flush(self) -> None:
        """Write what was gathered of the log."""
        if self._log is not None:
            self._log.flush()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, whatever happens."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        exchange = Exchange(scope, receive)
        scope.setdefault("state", {})["exchange"] = exchange
        answer = _Answering(exchange, send)
        try:
            self._limit(exchange)
            await self._answer(exchange, answer)
        except ClientGone:
            pass
        except Exception as error:  # noqa: BLE001 - nothing may pass the edge
            await _fail(exchange, answer, error)
        finally:
            self._tell(exchange, time.perf_counter() - began)

    async def _answer(self, exchange: Exchange, answer: "_Answering") -> None:
        scope = exchange.scope
        # Decoded, it would part the path like any other slash (RFC 3986 section 2.2).
        if b"%2f" in scope.get("raw_path", b"").lower():
            raise NotFound("path", expected="one without an encoded slash")
        found = self._hot.find(scope["method"], scope["path"])
        if found is None:
            await self._app(scope, exchange.receive, answer)
            return
        route, exchange.path_params = found
        exchange.template = route.template
        await send_answer(answer, await route.handler(exchange))

    def _limit(self, exchange: Exchange) -> None:
        """Refuse a body by its stated length, or watch one that states none.

        Raises:
            Refused: It is longer than its route takes.
        """
        scope = exchange.scope
        most = body_bytes_max(scope["path"], most=self._bytes_max)
        for name, value in scope["headers"]:
            if name == b"content-length":
                exchange.bytes_in = content_length(value)
                if exchange.bytes_in > most:
                    raise _too_large(most)
                return
            if name == b"transfer-encoding":
                exchange.receive = _counted(exchange, most)
                return

    def _tell(self, exchange: Exchange, seconds: float) -> None:
        scope = exchange.scope
        # The framework has put its template where we look for it, if it found a route.
        route = exchange.template or scope.get("path_template") or asgi_metrics.NO_ROUTE
        status = exchange.status or GONE
        asgi_metrics.observe(scope["method"], route, status, seconds)
        if self._log is not None:
            self._log.add(
                RequestLine(
                    request_id=exchange.request_id,
                    method=scope["method"],
                    route=route,
                    status=status,
                    ms=round(seconds * 1_000, 2),
                    party=exchange.party,
                    bytes_in=exchange.bytes_in,
                )
            )


class _Answering:
    """Sends, and remembers the status; adds what every answer carries."""

    __slots__ = ("_send", "exchange")

    def __init__(self, exchange: Exchange, send: Send) -> None:
        self.exchange = exchange
        self._send = send

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.exchange.status = message["status"]
            headers = list(message.get("headers", ()))
            headers.append((b"x-request-id", self.exchange.request_id.encode()))
            # What one party may see is nobody else's, caches on the way included.
            if not any(name == b"cache-control" for name, _ in headers):
                headers.append((b"cache-control", b"no-store"))
            message["headers"] = headers
        elif message.get("more_body"):
            self._go_on()
        await self._send(message)

    def _go_on(self) -> None:
        """End a stream that nobody hears: the server would take its parts for ever, unsent.

        Raises:
            ClientGone: The connection is closed.
        """
        connection = self.exchange.scope["state"].get("connection")
        if connection is not None and connection.is_closing:
            raise ClientGone


async def send_answer(send: Send, given: Answer | Streamed) -> None:
    """Send an answer, whole or in parts."""
    if isinstance(given, Streamed):
        await _stream(send, given)
        return
    await send(
        {
            "type": "http.response.start",
            "status": given.status,
            "headers": [*_content_headers(given), *given.headers],
        }
    )
    await send({"type": "http.response.body", "body": given.body})


def _content_headers(given: Answer) -> list[tuple[bytes, bytes]]:
    """Of what is sent; nothing is with 204, not even its length (RFC 9110 section 8.6)."""
    if given.status == HTTPStatus.NO_CONTENT:
        return []
    return [(b"content-type", given.media_type), (b"content-length", b"%d" % len(given.body))]


async def _stream(send: Send, given: Streamed) -> None:
    headers = [(b"content-type", given.media_type), *given.headers]
    await send({"type": "http.response.start", "status": given.status, "headers": headers})
    async with contextlib.aclosing(given.parts) as parts:
        async for part in parts:
            await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def refusal(error: BaseException, exchange: Exchange) -> Answer:
    """An exception as the answer that tells of it; one that nobody expects is logged."""
    told = problem_of(error, exchange.request_id)
    if told.code == "internal":
        fields = told_of(error) | {"request_id": exchange.request_id, "route": exchange.template}
        say(_LOG, logging.ERROR, "internal error", **fields)
    content, media_type = spoken(exchange.scope["path"], told, members_of(error))
    headers = headers_of(told.code, error)
    return Answer(
        told.status,
        content,
        media_type,
        tuple((name.encode(), value.encode()) for name, value in headers),
    )


async def _fail(exchange: Exchange, answer: _Answering, error: Exception) -> None:
    """Tell the caller; where an answer has begun, the connection is cut instead."""
    if isinstance(error, ExceptionGroup) and error.subgroup(ClientGone) is not None:
        return
    told = refusal(error, exchange)
    if not exchange.status:
        await send_answer(answer, told)


def _counted(exchange: Exchange, most: int) -> Receive:
    """Receive a body whose length was not stated, and stop at the limit."""
    receive = exchange.receive

    async def counting() -> Message:
        message = await receive()
        exchange.bytes_in += len(message.get("body", b""))
        if exchange.bytes_in > most:
            raise _too_large(most)
        return message

    return counting


def _too_large(most: int) -> Refused:
    return Refused("too_large", "body", expected=f"at most {most} bytes", got="more")
