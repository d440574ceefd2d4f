"""Routes of TAXII for the web framework, and past it.

They are left out of the interface's description: TAXII is described by its standard.
"""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

from litestar import Request
from litestar.handlers import HTTPRouteHandler
from litestar.response import Response

from detente.doors.asgi_edge import Exchange
from detente.doors.asgi_hot import Answer, Hot
from detente.doors.taxii import service as acts
from detente.doors.taxii.service import Act, Service

_ROOT = "/taxii2/{root}"
_COLLECTION = f"{_ROOT}/collections/{{collection}}"
_OBJECTS = f"{_COLLECTION}/objects"
_OBJECT = f"{_OBJECTS}/{{object}}"

ROUTES: tuple[tuple[str, str, Act], ...] = (
    ("GET", "/taxii2", acts.discover),
    ("GET", _ROOT, acts.root),
    ("GET", f"{_ROOT}/status/{{status}}", acts.get_status),
    ("GET", f"{_ROOT}/collections", acts.list_collections),
    ("GET", _COLLECTION, acts.get_collection),
    ("GET", f"{_COLLECTION}/manifest", acts.get_manifest),
    ("GET", _OBJECTS, acts.get_objects),
    ("POST", _OBJECTS, acts.add_objects),
    ("GET", _OBJECT, acts.get_object),
    ("DELETE", _OBJECT, acts.delete_object),
    ("GET", f"{_OBJECT}/versions", acts.get_versions),
)
"""Method, path without the slash at its end, what it does."""


def handlers(service: Service) -> Sequence[HTTPRouteHandler]:
    """All routes; the framework answers with and without the slash at the end."""
    return [_handler(service, *one) for one in ROUTES]


def hot(service: Service) -> Sequence[Hot]:
    """The same, as the standard writes them, past the framework."""
    return [Hot(method, f"{path}/", partial(_past, service, act)) for method, path, act in ROUTES]


async def _past(service: Service, act: Act, exchange: Exchange) -> Answer:
    return await service.answer(act, exchange, exchange.path_params, exchange.body)


def _handler(service: Service, method: str, path: str, act: Act) -> HTTPRouteHandler:
    made = HTTPRouteHandler(
        path=path.replace("}", ":str}"),
        http_method=method,  # type: ignore[arg-type] # a method, by the table
        name=f"taxii.{act.__name__}",
        status_code=200,
        include_in_schema=False,
        before_request=_answering(service, act),
    )
    return made(_never)


async def _never() -> None:
    """Never called: the answer was given before."""


def _answering(
    service: Service, act: Act
) -> Callable[[Request[Any, Any, Any]], Awaitable[Response[bytes]]]:
    async def answer(request: Request[Any, Any, Any]) -> Response[bytes]:
        exchange: Exchange = request.scope["state"]["exchange"]
        given = await service.answer(act, exchange, request.scope["path_params"], request.body)
        headers = {name.decode(): value.decode() for name, value in given.headers}
        return Response(
            given.body,
            status_code=given.status,
            media_type=given.media_type.decode(),
            headers=headers,
        )

    return answer
