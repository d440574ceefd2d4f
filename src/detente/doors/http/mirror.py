"""Copies of others' logs over HTTP: taken as C2SP tlog-mirror has it, shown as tlog-tiles has it.

No token is asked for: what is taken is signed by a log that the node knows, and anyone may
read it.
"""

import asyncio
import zlib
from collections.abc import Callable, Sequence
from typing import Annotated, Any

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import PathParameter, SkipValidation
from litestar.response import Response

from detente.core.log_files import parse_path
from detente.core.mirror import UPLOAD_BYTES_MAX
from detente.core.witness import Answer as Mirroring
from detente.core.witness import Refused, Status
from detente.core.witness import answer as refusal
from detente.doors.asgi_edge import Exchange
from detente.doors.asgi_hot import Answer, Hot
from detente.errors import MalformedInput, NotFound
from detente.node.mirror import Mirror
from detente.node.service import Service

TheService = NamedDependency[SkipValidation[Service]]
Log = Annotated[
    str,
    PathParameter(
        pattern=r"^[0-9a-f]{64}$(?!\n)",
        description="SHA-256 of the log's origin, in lower-case hex.",
    ),
]

ADD_CHECKPOINT = "/mirror/add-checkpoint"
ADD_ENTRIES = "/mirror/add-entries"

_OPEN: list[dict[str, list[str]]] = [{}]

_TEXT = "text/plain"
_BYTES = "application/octet-stream"

_MOVES = {"cache-control": "no-cache"}
_STAYS = {"cache-control": "public, max-age=31536000, immutable"}

_REFUSALS = {
    status: ResponseSpec(str, media_type=_TEXT, description=why, generate_examples=False)
    for status, why in (
        (400, "Not a request as tlog-mirror has it."),
        (403, "No key of the log signed it."),
        (404, "The log is not known, or the node is no mirror."),
        (409, "It does not begin where the copy ends, or leads to no checkpoint that is known."),
        (422, "It did not grow out of what is here, or the entries are not those of the log."),
    )
}
_MORE = {
    202: ResponseSpec(
        str, media_type=_TEXT, description="Kept, and more is wanted.", generate_examples=False
    )
}


@get("/mirror/{log:str}/checkpoint", media_type=_TEXT, tags=["log"], security=_OPEN)
async def mirror_checkpoint(log: Log, service: TheService) -> Response[bytes]:
    """The checkpoint under which the copy of another theatre's log is served, cosigned."""
    found = await asyncio.to_thread(_mirror(service).checkpoint, log)
    return Response(found, media_type=_TEXT, headers=_MOVES)


@get("/mirror/{log:str}/tile/{name:path}", media_type=_BYTES, tags=["log"], security=_OPEN)
async def mirror_tile(
    log: Log,
    name: Annotated[
        str, PathParameter(description="`LEVEL/INDEX`, or `entries/INDEX`; partial ones in `.p/`.")
    ],
    service: TheService,
) -> Response[bytes]:
    """Hashes of the tree, or entries, of the copy of another theatre's log: C2SP tlog-tiles."""
    try:
        file = parse_path(f"tile/{name.lstrip('/')}")
    except MalformedInput:
        raise NotFound("path", expected="tile/LEVEL/INDEX or tile/entries/INDEX") from None
    found = await asyncio.to_thread(_mirror(service).file, log, file)
    return Response(found, media_type=_BYTES, headers=_STAYS)


def _mirror(service: Service) -> Mirror:
    if service.mirror is None:
        raise NotFound("mirror")
    return service.mirror


@post(ADD_CHECKPOINT, status_code=200, media_type=_TEXT, tags=["log"], security=_OPEN,
      opt={"media_types": frozenset({b"*/*"})}, responses=_REFUSALS)  # fmt: skip
async def mirror_add_checkpoint(
    request: Request[Any, Any, Any], service: TheService
) -> Response[bytes]:
    """Tell this node, as a mirror, a checkpoint that its copy of a log is to reach.

    C2SP tlog-mirror. It is not cosigned yet; 409 and 422 as a witness answers.
    """
    given = await _told(service, await request.body())
    return Response(given.body, status_code=given.status, media_type=given.content_type)


@post(ADD_ENTRIES, status_code=200, media_type=_TEXT, tags=["log"], security=_OPEN,
      opt={"media_types": frozenset({b"*/*"})}, responses={**_REFUSALS, **_MORE})  # fmt: skip
async def mirror_add_entries(
    request: Request[Any, Any, Any], service: TheService
) -> Response[bytes]:
    """Send this node, as a mirror, entries of a log; once all are here, it cosigns.

    C2SP tlog-mirror. 202 and 409 say how far the copy is, 200 brings the cosignatures; what
    they say is on disk before.
    """
    packed = request.headers.get("content-encoding", "").encode()
    given = await _sent(service, await request.body(), packed)
    return Response(given.body, status_code=given.status, media_type=given.content_type)


async def _told(service: Service, body: bytes) -> Mirroring:
    return await _asked(service, body, b"", lambda mirror: mirror.add_checkpoint)


async def _sent(service: Service, body: bytes, packed: bytes) -> Mirroring:
    return await _asked(service, body, packed, lambda mirror: mirror.add_entries)


async def _asked(
    service: Service,
    body: bytes,
    packed: bytes,
    verb: Callable[[Mirror], Callable[[bytes], Mirroring]],
) -> Mirroring:
    if service.mirror is None:
        return refusal(Refused(status=Status.UNKNOWN_LOG, reason="this node is no mirror"))
    try:
        body = await asyncio.to_thread(_unpacked, body, packed)
    except MalformedInput as error:
        return refusal(Refused(status=Status.MALFORMED, reason=str(error)))
    return await asyncio.to_thread(verb(service.mirror), body)


def _unpacked(body: bytes, packed: bytes) -> bytes:
    """The body as it was before it was packed, if it was; never longer than an upload may be.

    Raises:
        MalformedInput: It is longer, or not packed as it says.
    """
    if packed in {b"", b"identity"}:
        return body
    if packed not in {b"gzip", b"x-gzip"}:
        raise MalformedInput("content-encoding", expected="gzip")
    unpacking = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        found = unpacking.decompress(body, UPLOAD_BYTES_MAX)
    except zlib.error as error:
        raise MalformedInput("body", expected="gzip", got=f"{error}") from None
    if unpacking.unconsumed_tail:
        raise MalformedInput("body", expected=f"at most {UPLOAD_BYTES_MAX} bytes, unpacked")
    return found


def hot(service: Service) -> Sequence[Hot]:
    """Both past the framework, which would write another media type than tlog-mirror has."""

    async def told(exchange: Exchange) -> Answer:
        return _as_is(await _told(service, await exchange.body()))

    async def sent(exchange: Exchange) -> Answer:
        packed = exchange.header(b"content-encoding") or b""
        return _as_is(await _sent(service, await exchange.body(), packed.strip().lower()))

    return [Hot("POST", ADD_CHECKPOINT, told), Hot("POST", ADD_ENTRIES, sent)]


def _as_is(given: Mirroring) -> Answer:
    headers = ((b"accept-encoding", b"gzip"),)
    return Answer(given.status, given.body, given.content_type.encode(), headers)


def handlers() -> Sequence[HTTPRouteHandler]:
    """The routes of this module."""
    return [mirror_checkpoint, mirror_tile, mirror_add_checkpoint, mirror_add_entries]
