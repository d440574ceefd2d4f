"""``detente serve`` with a few routes more, so that tests can watch requests under way.

Run as the command line is: ``echo_node.py serve --port 0``. The routes stand in for
verbs: they read bodies, take their time, and fail in every way.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from typing import Any

from litestar import Request, get, post
from litestar.response import Response, Stream
from msgspec import Struct

from detente.doors import app, asgi_supervisor, asgi_worker
from detente.doors.app import Door
from detente.doors.asgi_edge import Exchange
from detente.doors.asgi_hot import Answer, Hot
from detente.doors.asgi_node import Node
from detente.doors.asgi_problem import decode
from detente.errors import Conflict
from detente.node.status import Condition, Status
from detente.settings import Settings

PLACE = "52.516275,13.377704"


class Asked(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something typed."""

    number: int
    parts: tuple["Asked", ...] = ()


@post(["/echo", "/dss/v1/echo"], status_code=200, include_in_schema=False)
async def echo(request: Request[Any, Any, Any]) -> Response[bytes]:
    """How long the body was."""
    exchange: Exchange = request.scope["state"]["exchange"]
    return Response(b"%d" % len(await exchange.body()), media_type="application/json")


@post("/typed", status_code=200)
async def typed(data: Asked) -> Asked:
    """The body, read and written by the framework."""
    return data


@get("/slow")
async def slow(seconds: float) -> float:
    """Answers after a while."""
    await asyncio.sleep(seconds)
    return seconds


@get("/flood")
async def flood() -> Stream:
    """More than anyone wants to read."""

    async def parts() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 65_536

    return Stream(parts(), media_type="application/octet-stream")


@get("/boom")
async def boom() -> None:
    """A mistake of ours, whose text holds what nobody may read."""
    raise RuntimeError(PLACE)


@get("/conflict")
async def conflict() -> None:
    """A refusal of ours."""
    raise Conflict("plan p1", expected="version 2", got="version 1")


@get("/places/{place:str}")
async def place(place: str) -> str:
    """A place in the path."""
    return place


@get("/certificate")
async def certificate(request: Request[Any, Any, Any]) -> str:
    """The thumbprint of the client's certificate."""
    extensions: dict[str, Any] = request.scope.get("extensions") or {}
    found: bytes | None = extensions.get("tls", {}).get("client_cert_sha256")
    return found.hex() if found else "none"


async def hot_typed(exchange: Exchange) -> Answer:
    """The body, past the framework."""
    return Answer(200, _ENCODER.encode(decode(_DECODER, await exchange.body())))


async def hot_boom(_exchange: Exchange) -> Answer:
    """As boom, past the framework."""
    raise RuntimeError(PLACE)


def doors(settings: Settings, node: Node) -> list[Door]:
    """All that the node has, and these."""
    return [
        *DOORS(settings, node),
        Door(
            handlers=[echo, typed, slow, flood, boom, conflict, place, certificate],
            hot=[Hot("POST", "/hot/{number}", hot_typed), Hot("GET", "/hot-boom", hot_boom)],
        ),
    ]


class Resting:
    """A node with nothing to do: so that several workers need no database."""

    async def start(self) -> None:
        """Nothing to open."""

    async def stop(self) -> None:
        """Nothing to close."""

    def status(self) -> Status:
        """Always well."""
        return Status(conditions=(Condition(name="test"),))


if __name__ == "__main__":
    import msgspec

    _DECODER, _ENCODER = msgspec.json.Decoder(Asked), msgspec.json.Encoder()
    DOORS = app._doors
    app._doors = doors
    asgi_worker.open_node = lambda settings: Resting()  # noqa: ARG005 - of the same form
    if "--worker" in sys.argv:
        asgi_worker.main()
    else:
        asgi_supervisor.WORKER = (sys.executable, __file__, "--worker")
        from detente.cli import main

        main()
