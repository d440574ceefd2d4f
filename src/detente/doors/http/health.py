"""Whether the node lives, whether it may be asked, and what it counts."""

from collections.abc import Sequence
from typing import Any, Literal

from litestar import Request, get
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import SkipValidation
from litestar.response import Response
from msgspec import Struct

from detente.doors.asgi_metrics import CONTENT_TYPE, exposition, is_from_here
from detente.doors.asgi_node import Node
from detente.errors import NotFound, Unavailable

TheNode = NamedDependency[SkipValidation[Node]]

_OPEN: list[dict[str, list[str]]] = [{}]
"""No token is asked for: whoever watches a node over HTTP has none."""


class Live(Struct, frozen=True, kw_only=True):
    """The process answers."""

    status: Literal["live"] = "live"


class Ready(Struct, frozen=True, kw_only=True):
    """Every condition is well."""

    status: Literal["ready"] = "ready"
    conditions: tuple[str, ...]


@get("/health/live", tags=["health"], security=_OPEN)
async def live() -> Live:
    """Whether the process answers at all.

    Restart it where this does not answer in time.
    """
    return Live()


@get("/health/ready", tags=["health"], security=_OPEN)
async def ready(node: TheNode) -> Ready:
    """Whether the node may be asked: database, picture, disk.

    503 names what is not well. Send nothing here meanwhile, and do not restart it:
    it recovers by itself.
    """
    status = node.status()
    if not status.ready:
        wrong = [f"{one.name}: {one.problem}" for one in status.conditions if one.problem]
        raise Unavailable("node", expected="to be ready", got="; ".join(wrong) or "starting")
    return Ready(conditions=tuple(one.name for one in status.conditions))


@get("/metrics", include_in_schema=False)
async def metrics(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Figures for Prometheus, to this machine only; to all others there is nothing here."""
    client = request.scope["client"]
    if not is_from_here(client[0] if client else None, request.scope["headers"]):
        raise NotFound("path")
    return Response(exposition(), media_type=CONTENT_TYPE)


def handlers(*, with_metrics: bool) -> Sequence[HTTPRouteHandler]:
    """The routes of this module."""
    return [live, ready, metrics] if with_metrics else [live, ready]
