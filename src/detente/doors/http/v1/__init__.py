"""The native interface, under ``/v1``.

::

    operation    one row an operation: what it takes and gives, what may refuse it
    desk         what operations need of a node: engine, checks, reading, who asks
    request      out of a request: values, tokens, keys; and into an answer
    speaking     notices, plans, objections...: a value in, a receipt out
    readback     what was typed or drawn, as it would be stored
    bundling     a STIX bundle, split into reports
    entries      what a party signed itself
    checking     one plan, or lines of them
    lines        JSON lines in and out, in bounded memory
    calling      the hotline: calls, steps, who is on the line
    looking      lists, searches, one object, its history
    devices      what the party's devices sent in vain
    watching     what moves, what nears what protects, which feeds are silent
    governing    the agreement, parties, oneself
    describing   the same rows, as OpenAPI

Each operation is a function of a desk and a request. It parses, calls one verb of
the node, and formats the answer.
"""

from collections.abc import Sequence
from typing import Any

from litestar.handlers import HTTPRouteHandler

from detente.doors.asgi_hot import Hot
from detente.doors.http.v1 import (
    bundling,
    calling,
    checking,
    devices,
    entries,
    governing,
    looking,
    readback,
    speaking,
    watching,
)
from detente.doors.http.v1.describing import described
from detente.doors.http.v1.desk import Desk
from detente.doors.http.v1.operation import handlers as _handlers
from detente.doors.http.v1.operation import hot_routes

OPERATIONS = (
    *speaking.OPERATIONS,
    *readback.OPERATIONS,
    *bundling.OPERATIONS,
    *entries.OPERATIONS,
    *checking.OPERATIONS,
    *calling.OPERATIONS,
    *looking.OPERATIONS,
    *devices.OPERATIONS,
    *watching.OPERATIONS,
    *governing.OPERATIONS,
)


def handlers(desk: Desk) -> Sequence[HTTPRouteHandler]:
    """All operations, as routes of the framework."""
    return _handlers(desk, OPERATIONS)


def hot(desk: Desk) -> Sequence[Hot]:
    """Those that go past the framework."""
    return hot_routes(desk, OPERATIONS)


def description() -> dict[str, Any]:
    """What OpenAPI says of them."""
    return described(OPERATIONS)


__all__ = ["OPERATIONS", "Desk", "description", "handlers", "hot"]
