"""One row an operation: from it come its route, its hot route and its documentation."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from litestar import Request
from litestar.handlers import HTTPRouteHandler
from litestar.types import ASGIApp
from msgspec import Struct

from detente.core.principal import Scope
from detente.doors.asgi_edge import Exchange, send_answer
from detente.doors.asgi_edge import Scope as RequestScope
from detente.doors.asgi_hot import Answer, Hot, Streamed
from detente.doors.http.v1.desk import Desk

Act = Callable[[Desk, Exchange], Awaitable[Answer | Streamed]]

JSON = "application/json"
LINES = "application/x-ndjson"
"""JSON lines: one value a line."""
WORKBOOKS = (
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.ms-excel.sheet.macroenabled.12",
)
"""Excel's, without and with macros: bytes, of which no schema tells anything."""

READS = ("not_authentic", "not_permitted", "rate_limited", "unavailable")
"""What may refuse any operation that asks who it is."""

WRITES = (*READS, "malformed_input", "unsupported_media_type", "too_large", "conflict",
          "outcome_unknown")  # fmt: skip
"""What may refuse any operation that puts something on the record."""


class Body(Struct, frozen=True, kw_only=True):
    """What an operation reads; of JSON lines, each line.

    Attributes:
        form: As it is decoded.
        optional: Fields of it that may be left out though the type asks for them, by type.
        example: Shown in the documentation.
        media_types: In which it may come.
    """

    form: Any
    optional: Mapping[type, frozenset[str]] = {}
    example: Mapping[str, Any] | None = None
    media_types: tuple[str, ...] = (JSON,)


class Operation(Struct, frozen=True, kw_only=True):
    """An operation of the interface.

    Attributes:
        name: Its operation id.
        says: What it does: a summary, and below an empty line whatever else there is.
        scopes: Any of which is enough; none where no token is asked for.
        gives: What a success answers: its type, or the types a media type each.
        refusals: Codes by which it may be refused.
        query: Type of its query parameters.
        headers: Request headers that it reads, and whether each must be there.
        tells: Headers of the answer.
        hot: Whether it goes past the framework.
    """

    method: str
    path: str
    name: str
    says: str
    tag: str
    act: Act
    gives: Any
    status: HTTPStatus = HTTPStatus.OK
    scopes: tuple[Scope, ...] = ()
    refusals: tuple[str, ...] = READS
    body: Body | None = None
    query: Any = None
    headers: Mapping[str, bool] = {}
    tells: tuple[str, ...] = ()
    media_type: str = JSON
    is_open: bool = False
    hot: bool = False


class _Sent:
    """An answer as an application, which is what the framework takes it as."""

    def __init__(self, given: Answer | Streamed) -> None:
        self._given = given

    async def __call__(self, _scope: object, _receive: object, send: Any) -> None:
        await send_answer(send, self._given)


def hot_routes(desk: Desk, operations: Sequence[Operation]) -> list[Hot]:
    """Those that go past the framework."""
    return [
        Hot(method=one.method, template=one.path, handler=_bound(desk, one))
        for one in operations
        if one.hot
    ]


def handlers(desk: Desk, operations: Sequence[Operation]) -> list[HTTPRouteHandler]:
    """All of them as routes of the framework, which knows paths and methods by them."""
    by_path: dict[str, dict[str, Operation]] = {}
    for one in operations:
        by_path.setdefault(one.path, {})[one.method] = one
    return [_handler(desk, path, by_method) for path, by_method in by_path.items()]


def _bound(desk: Desk, one: Operation) -> Callable[[Exchange], Awaitable[Answer | Streamed]]:
    act = one.act

    async def answer(exchange: Exchange) -> Answer | Streamed:
        return await act(desk, exchange)

    return answer


def _handler(desk: Desk, path: str, by_method: Mapping[str, Operation]) -> HTTPRouteHandler:
    async def handle(request: Request[Any, Any, Any]) -> ASGIApp:
        exchange = _exchange_of(request.scope)
        exchange.path_params = request.path_params
        sent: Any = _Sent(await by_method[request.method].act(desk, exchange))
        return sent  # type: ignore[no-any-return] # an application by its shape

    bodies = [one.body for one in by_method.values() if one.body is not None]
    media_types = {name.encode() for body in bodies for name in body.media_types}
    return HTTPRouteHandler(
        path.replace("}", ":str}"),
        http_method=list(by_method),  # type: ignore[arg-type] # names of methods
        name=path,
        include_in_schema=False,
        # Each operation has its own; the framework's guess for DELETE would be 204.
        status_code=HTTPStatus.OK,
        # Which body is taken in which media type is for each operation to say.
        opt={"media_types": frozenset(media_types or {JSON.encode()})},
    )(handle)


def _exchange_of(scope: Any) -> Exchange:
    state: RequestScope = scope["state"]
    found: Exchange = state["exchange"]
    return found
