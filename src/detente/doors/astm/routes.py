"""Routes of F3548's DSS and USS for the web framework, made from the tables of operations.

What a handler declares is documentation; the answer is made before the framework
would read the request by its own rules (detente.doors.astm.service): F3548 has its
own bodies of errors, asks no media type, and wants the scope looked at first.
"""

from collections.abc import Awaitable, Callable, Sequence
from inspect import Parameter, Signature
from typing import Any

from litestar import Request
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import ResponseSpec
from litestar.params import FromPath, JSONBody
from litestar.response import Response

from detente.doors.astm import wire
from detente.doors.astm.operations import OPERATIONS, Operation
from detente.doors.astm.service import MEDIA_TYPE, Service
from detente.doors.astm.uss import USS_OPERATIONS

TAG = "ASTM F3548-21"

EVERY = (*OPERATIONS, *USS_OPERATIONS)
"""Both roles'."""

_REFUSALS = {
    400: "Not as the standard has it, or it does not serve.",
    401: "Nothing was proven.",
    403: "Another's, or the scope is not held.",
    404: "There is none.",
    409: "Of another version, or there already; for operational intents, what the key lacks.",
    412: "The USS was declared down, or there is no telemetry.",
    413: "Too large.",
    429: "Too much in too little time, or too many.",
    503: "The store could not be asked; ask again.",
}


_body: Any = JSONBody
"""Its parameter is known at run time alone."""


def handlers(service: Service) -> Sequence[HTTPRouteHandler]:
    """The routes of every operation."""
    return [_handler(one, service) for one in EVERY]


def _handler(operation: Operation, service: Service) -> HTTPRouteHandler:
    made = HTTPRouteHandler(
        path=_typed(operation.path),
        http_method=operation.method,  # type: ignore[arg-type] # a method, by the table
        name=f"f3548.{operation.name}",
        operation_id=operation.name,
        summary=operation.about,
        description=f"Scope: {' or '.join(operation.scopes)}.",
        tags=[TAG],
        status_code=operation.status,
        responses=_refusals(operation),
        include_in_schema=not operation.hidden,
        before_request=_answering(operation, service),
    )
    return made(_declared(operation))


def _answering(
    operation: Operation, service: Service
) -> Callable[[Request[Any, Any, Any]], Awaitable[Response[bytes]]]:
    async def answer(request: Request[Any, Any, Any]) -> Response[bytes]:
        given = await service.answer(
            operation, request.scope, request.scope["path_params"], request.body
        )
        return Response(
            given.body,
            status_code=given.status,
            media_type=MEDIA_TYPE,
            headers=dict(given.headers),
        )

    return answer


def _declared(operation: Operation) -> Callable[..., Awaitable[Any]]:
    """A function with the operation's parameters, for the documentation."""

    async def declared(**_: object) -> None:
        """Never called: the answer was given before."""

    types: dict[str, Any] = dict.fromkeys(_names(operation.path), FromPath[str])
    if operation.asks is not None:
        types["data"] = _body[operation.asks]
    declared.__name__ = operation.name
    declared.__signature__ = Signature(  # type: ignore[attr-defined] # read by inspect
        [Parameter(name, Parameter.KEYWORD_ONLY, annotation=one) for name, one in types.items()],
        return_annotation=operation.gives,
    )
    declared.__annotations__ = {**types, "return": operation.gives}
    return declared


def _refusals(operation: Operation) -> dict[int, ResponseSpec]:
    return {
        status: ResponseSpec(
            data_container=operation.conflict if status == 409 else wire.ErrorResponse,  # noqa: PLR2004
            description=why,
            generate_examples=False,
        )
        for status, why in _REFUSALS.items()
    }


def _names(path: str) -> list[str]:
    return [part[1:-1] for part in path.split("/") if part.startswith("{")]


def _typed(path: str) -> str:
    """The path as the framework writes it: each parameter with its type."""
    return path.replace("}", ":str}")
