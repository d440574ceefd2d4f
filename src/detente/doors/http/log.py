"""The log over HTTP, as C2SP tlog-tiles has it: for witnesses, monitors and anyone else.

No token is asked for. What is here commits to objects and shows nothing of them
(docs/rules/R-09.md).
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Annotated, Any

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import PathParameter, SkipValidation
from litestar.response import Response

from detente.core.log_files import parse_path
from detente.core.party import PartyId
from detente.core.witness import Answer as Cosigning
from detente.core.witness import Refused, Status
from detente.core.witness import answer as refusal
from detente.doors.asgi_edge import Exchange
from detente.doors.asgi_hot import Answer, Hot
from detente.errors import MalformedInput, NotFound
from detente.node.log import read_file
from detente.node.service import Service
from detente.store import Record

TheService = NamedDependency[SkipValidation[Service]]
Theatre = Annotated[PartyId, PathParameter(description="The theatre's id.")]

ADD_CHECKPOINT = "/witness/add-checkpoint"

_OPEN: list[dict[str, list[str]]] = [{}]

_TEXT = "text/plain"
_BYTES = "application/octet-stream"

_REFUSALS = {
    status: ResponseSpec(str, media_type=_TEXT, description=why, generate_examples=False)
    for status, why in (
        (400, "Not a request as tlog-witness has it."),
        (403, "No key of the log signed it."),
        (404, "The log is not known, or the node is no witness."),
        (409, "The old size is not the one that was cosigned last, which is the answer."),
        (422, "It did not grow out of what was cosigned last."),
    )
}

_MOVES = {"cache-control": "no-cache"}
_STAYS = {"cache-control": "public, max-age=31536000, immutable"}
"""What a file of the log holds never changes; a longer one has another name."""


@get("/log/{theatre:str}/checkpoint", media_type=_TEXT, tags=["log"], security=_OPEN)
async def checkpoint(theatre: Theatre, service: TheService) -> Response[bytes]:
    """The newest checkpoint: origin, size and root, as a signed note.

    C2SP tlog-checkpoint. The key is in the agreement; `detente log key` prints it.
    """
    found = await _read(service, theatre, service.log.checkpoint)
    return Response(found, media_type=_TEXT, headers=_MOVES)


@get("/log/{theatre:str}/tile/{name:path}", media_type=_BYTES, tags=["log"], security=_OPEN)
async def tile(
    theatre: Theatre,
    name: Annotated[
        str, PathParameter(description="`LEVEL/INDEX`, or `entries/INDEX`; partial ones in `.p/`.")
    ],
    service: TheService,
) -> Response[bytes]:
    """Hashes of the tree, 256 a tile, or the entries themselves.

    C2SP tlog-tiles: `tile/0/x001/234` is tile 1234 of leaf hashes, `tile/1/000.p/5` the first
    five hashes a level up, `tile/entries/000.p/17` the first 17 entries, each behind its length
    in 16 bits. Leaf hashes are SHA-256(0x00 || entry), as RFC 6962 has them.
    """
    try:
        file = parse_path(f"tile/{name.lstrip('/')}")
    except MalformedInput:
        # No such file: what is not spelt as the log spells it is nowhere.
        raise NotFound("path", expected="tile/LEVEL/INDEX or tile/entries/INDEX") from None
    found = await _read(service, theatre, lambda record: read_file(record, file))
    return Response(found, media_type=_BYTES, headers=_STAYS)


@get("/log/{theatre:str}/proof/{leaf:str}", media_type=_TEXT, tags=["log"], security=_OPEN)
async def proof(
    theatre: Theatre,
    leaf: Annotated[
        str, PathParameter(pattern=r"^[0-9a-f]{64}$(?!\n)", description="Leaf hash of the entry.")
    ],
    service: TheService,
) -> Response[bytes]:
    """That an entry is in the log, under the newest checkpoint: C2SP tlog-proof."""
    found = await _read(
        service, theatre, lambda record: service.log.proof(record, bytes.fromhex(leaf))
    )
    return Response(found, media_type=_TEXT, headers=_MOVES)


async def _read(service: Service, theatre: str, look_up: Callable[[Record], bytes]) -> bytes:
    """Something of this theatre's log, at one state of the record."""

    def once() -> bytes:
        with service.engine.store.reading() as record:
            if record.head()[0] != theatre:
                raise NotFound(f"log {theatre}")
            return look_up(record)

    return await asyncio.to_thread(once)


@post(ADD_CHECKPOINT, status_code=200, media_type=_TEXT, tags=["log"], security=_OPEN,
      opt={"media_types": frozenset({b"*/*"})}, responses=_REFUSALS)  # fmt: skip
async def add_checkpoint(request: Request[Any, Any, Any], service: TheService) -> Response[bytes]:
    """Have this node, as a witness, cosign a checkpoint of a log that it knows.

    C2SP tlog-witness. What it cosigned last it remembers, before it answers: 409 with that
    size where the log is wrong about it, 422 where this did not grow out of that.
    """
    given = await _cosigned(service, await request.body())
    return Response(given.body, status_code=given.status, media_type=given.content_type)


async def _cosigned(service: Service, body: bytes) -> Cosigning:
    if service.witness is None:
        return refusal(Refused(status=Status.UNKNOWN_LOG, reason="this node is no witness"))
    return await asyncio.to_thread(service.witness.add_checkpoint, body)


def hot(service: Service) -> Sequence[Hot]:
    """The same past the framework, which would write another media type than tlog-witness has."""

    async def handler(exchange: Exchange) -> Answer:
        given = await _cosigned(service, await exchange.body())
        return Answer(given.status, given.body, given.content_type.encode())

    return [Hot("POST", ADD_CHECKPOINT, handler)]


def handlers() -> Sequence[HTTPRouteHandler]:
    """The routes of this module."""
    return [checkpoint, tile, proof, add_checkpoint]
