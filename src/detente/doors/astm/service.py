"""One request to one answer: who asks, whether he may, what comes of it, and how it is refused.

Nothing here knows a web framework, so that routes may go through one or past it.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from msgspec import Struct

from detente.core.principal import Principal
from detente.doors.asgi_problem import told_of
from detente.doors.astm import answers
from detente.doors.astm.operations import Call, Operation
from detente.errors import (
    Conflict,
    DetenteError,
    MalformedInput,
    NotAuthentic,
    NotFound,
    NotPermitted,
    Stale,
    Unavailable,
)
from detente.node.engine import Engine
from detente.node.f3548.refusals import DeclaredDown, NoTelemetry, TooMany, Unaware
from detente.node.f3548.terms import Terms

Headers = tuple[tuple[str, str], ...]
Authenticate = Callable[[Mapping[str, Any]], Awaitable[Principal]]
"""From an ASGI scope to who asks; raises NotAuthentic or NotPermitted."""

MEDIA_TYPE = "application/json"

STATUSES: tuple[tuple[type[DetenteError], int, Headers], ...] = (
    (TooMany, 429, (("retry-after", "60"),)),
    (DeclaredDown, 412, ()),
    (NoTelemetry, 412, ()),
    (MalformedInput, 400, ()),
    (NotAuthentic, 401, (("www-authenticate", "Bearer"),)),
    (NotPermitted, 403, ()),
    (NotFound, 404, ()),
    (Conflict, 409, ()),
    (Stale, 409, ()),
    (Unavailable, 503, (("retry-after", "1"),)),
)
"""How each error is told here, the first that fits. F3548 calls 409 what is elsewhere 412."""

_BY_CODE: dict[str, tuple[int, Headers]] = {
    "rate_limited": (429, (("retry-after", "1"),)),
    "too_large": (413, ()),
}
"""What doors share, and raise with a code alone."""


class Answered(Struct, frozen=True, kw_only=True):
    """A whole answer."""

    status: int
    body: bytes
    headers: Headers = ()


class Service:
    """F3548's DSS and USS, of one node.

    Args:
        engine: At work.
        authenticate: Tells who asks.
        terms: How this node keeps the service.
    """

    def __init__(self, engine: Engine, authenticate: Authenticate, terms: Terms) -> None:
        self._engine = engine
        self._authenticate = authenticate
        self._terms = terms

    async def answer(
        self,
        operation: Operation,
        scope: Mapping[str, Any],
        params: Mapping[str, str],
        read: Callable[[], Awaitable[bytes]],
    ) -> Answered:
        """Answer one request.

        Args:
            operation: What is asked.
            scope: ASGI's, of the request.
            params: Of its path.
            read: Reads its body.

        Raises:
            DetenteError: One for which F3548 has no words, such as a broken record.
        """
        try:
            principal = await self._authenticate(scope)
            principal.require(*operation.scopes)
            body = await operation.run(
                Call(
                    engine=self._engine,
                    principal=principal,
                    terms=self._terms,
                    params=params,
                    body=b"" if operation.asks is None else await read(),
                )
            )
        except DetenteError as error:
            return refusal(error)
        return Answered(status=operation.status, body=body)


def refusal(error: DetenteError) -> Answered:
    """An error in F3548's words.

    Raises:
        DetenteError: It has none.
    """
    status, headers = _status(error)
    if isinstance(error, Unaware):
        return Answered(status=status, body=answers.unaware(error), headers=headers)
    return Answered(status=status, body=answers.refusal(told_of(error)), headers=headers)


def _status(error: DetenteError) -> tuple[int, Headers]:
    if error.code in _BY_CODE:
        return _BY_CODE[error.code]
    for kind, status, headers in STATUSES:
        if isinstance(error, kind):
            return status, headers
    raise error
