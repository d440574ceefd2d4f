"""A node elsewhere, asked by HTTP: for commands that have no register on this machine.

The token comes from the environment: what stands on a command line, every user of the machine
can read. Nothing is sent to a network in clear text, and no redirection is followed: each would
hand the token and what is said to others. What the node refuses is refused here in its own words.
"""

import os
import ssl
import time
from collections.abc import Mapping
from http import HTTPMethod, HTTPStatus
from ipaddress import ip_address
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx
import msgspec

from detente.doors.asgi_problem import MEDIA_TYPE, Problem, Refused
from detente.errors import MalformedInput, Unavailable

T = TypeVar("T")

TOKEN = "DETENTE_TOKEN"  # noqa: S105 - the name of a variable
"""Where the token is, in the environment."""

TIMEOUT_S = 10.0
"""For a connection, and between two pieces of an answer; a node answers within a second."""

TRIES = 3
"""A node that starts again is back within some seconds."""

PAUSE_S = 1.0
"""Before the second try; twice as long before the third."""

ANSWER_BYTES_MAX = 64 * 1024 * 1024
"""A page of a hundred calls, each with hundreds of steps."""

_BUSY = frozenset({
    HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT
})  # fmt: skip


class Remote:
    """A node, asked for as long as one command runs.

    Args:
        url: Its own address, as https://node.example.org.
        token: Who asks; None where what is said proves itself.

    Raises:
        MalformedInput: No address of the web, or one in clear text beyond this machine.
    """

    def __init__(self, url: str, token: str | None) -> None:
        self.url = _checked(url)
        headers = {"user-agent": "detente", "accept-encoding": "identity"}
        if token is not None:
            headers["authorization"] = f"Bearer {token}"
        self._client = httpx.Client(timeout=TIMEOUT_S, follow_redirects=False, headers=headers)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def get(self, path: str, form: type[T], **query: str) -> T:
        """What the node has at a path.

        Raises:
            DetenteError: As the node refused it.
            MalformedInput: It answers as no node does.
            Unavailable: It cannot be reached, or its certificate is not trusted.
        """
        return self._ask(HTTPMethod.GET, path, form, params=query)

    def post(self, path: str, body: object, form: type[T], *, once: str | None = None) -> T:
        """Say something to the node; ``once`` is the key by which trying again says it once.

        Raises:
            DetenteError: As for ``get``.
        """
        headers = {"content-type": "application/json"}
        if once is not None:
            headers["idempotency-key"] = once
        content = msgspec.json.encode(body)
        return self._ask(HTTPMethod.POST, path, form, content=content, headers=headers)

    def _ask(self, method: HTTPMethod, path: str, form: type[T], **parts: Any) -> T:
        where = f"{self.url}{path}"
        for number in range(1, TRIES + 1):
            try:
                status, media_type, body = self._once(method, where, parts)
            except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
                _require_trusted(error, self.url)
                got = f"{type(error).__name__} {error}".strip()
            else:
                if status not in _BUSY or number == TRIES:
                    return _answered(where, status, media_type, body, form)
                got = f"status {status}"
            if number < TRIES:
                time.sleep(PAUSE_S * number)
        raise Unavailable(self.url, expected="an answer of the node", got=got)

    def _once(
        self, method: HTTPMethod, where: str, parts: Mapping[str, Any]
    ) -> tuple[int, str, bytes]:
        data = bytearray()
        with self._client.stream(method, where, **parts) as response:
            for part in response.iter_raw():
                data += part
                if len(data) > ANSWER_BYTES_MAX:
                    raise MalformedInput(
                        where, expected=f"at most {ANSWER_BYTES_MAX} bytes", got="more"
                    )
            media_type = response.headers.get("content-type", "").partition(";")[0].strip()
            return response.status_code, media_type, bytes(data)


def token_here() -> str:
    """The token in the environment.

    Raises:
        MalformedInput: There is none, or it cannot be one.
    """
    token = token_or_none()
    if token is None:
        raise MalformedInput(TOKEN, expected="a token of the node, in the environment", got="none")
    return token


def token_or_none() -> str | None:
    """The same, where one can do without.

    Raises:
        MalformedInput: It cannot be a token.
    """
    token = os.environ.get(TOKEN, "").strip()
    if not token:
        return None
    if not token.isascii() or not token.isprintable() or " " in token:
        raise MalformedInput(TOKEN, expected="a token: one word of ASCII")
    return token


def _checked(url: str) -> str:
    """An address without the slash at its end."""
    expected = "https://HOST, or http:// of this machine alone"
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host, parts = None, urlsplit("")
    if not host or parts.username is not None or parts.query or parts.fragment:
        raise MalformedInput("--node", expected=expected, got=url.rpartition("@")[2])
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_here(host)):
        raise MalformedInput("--node", expected=expected, got=url)
    return url.rstrip("/")


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _require_trusted(error: Exception, url: str) -> None:
    """Say at once where TLS fails: to try again changes nothing.

    Raises:
        Unavailable: The certificate is not trusted, or nobody speaks TLS there.
    """
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            reason = getattr(cause, "verify_message", "") or cause.reason or f"{cause}"
            raise Unavailable(
                url,
                expected="TLS, by a certificate that this machine trusts (SSL_CERT_FILE)",
                got=str(reason),
            ) from error
        cause = cause.__cause__ or cause.__context__


def _answered(where: str, status: int, media_type: str, body: bytes, form: type[T]) -> T:
    """What the node says.

    Raises:
        Refused: A refusal of the node's.
        MalformedInput: No node speaks so.
    """
    try:
        if media_type == MEDIA_TYPE:
            problem = msgspec.json.decode(body, type=Problem)
            what = problem.what or problem.detail or problem.title
            raise Refused(problem.code, what, expected=problem.expected, got=problem.got)
        if status in {HTTPStatus.OK, HTTPStatus.CREATED} and media_type == "application/json":
            return msgspec.json.decode(body, type=form)
    except msgspec.MsgspecError:
        pass  # No node's: said below.
    raise MalformedInput(
        where, expected="a Détente node", got=f"status {status}, {media_type[:100] or 'no type'}"
    )
