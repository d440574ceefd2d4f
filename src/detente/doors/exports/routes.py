"""Exports over HTTP: a file in one of the forms, a pack, and what changed since a pack."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated

from litestar import get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import JSONBody, PathParameter, QueryParameter, SkipValidation
from litestar.response import Response

from detente.core.feature import KINDS
from detente.core.pack import State
from detente.doors.asgi_auth import ThePrincipal
from detente.doors.exports import FORMS
from detente.doors.exports.asking import wanted_of
from detente.errors import NotFound
from detente.node.exporting import LASTS_DEFAULT, LASTS_MAX, Export, export
from detente.node.packing import pack_of, update_for
from detente.node.service import Service

TheService = NamedDependency[SkipValidation[Service]]

PACK = "application/vnd.detente.pack"
DELTA = "application/vnd.detente.pack-delta"

_HOUR = timedelta(hours=1)

Kinds = Annotated[
    str | None,
    QueryParameter(
        pattern=r"^[a-z,]{1,60}$(?!\n)", description=f"Of {', '.join(KINDS)}; with commas."
    ),
]
Box = Annotated[
    str | None,
    QueryParameter(max_length=200, description="Only what may meet this box: `west,south,east,"
                   "north` in degrees, or six numbers with heights."),
]  # fmt: skip
Category = Annotated[
    str | None, QueryParameter(max_length=1_000, description="Only of these; with commas.")
]
Time = Annotated[
    str | None,
    QueryParameter(max_length=100, description="An instant, or an interval; an end may be `..`."),
]
Hours = Annotated[
    int,
    QueryParameter(
        ge=1, le=LASTS_MAX // _HOUR, description="For how many hours it may be relied on."
    ),
]
_HOURS_DEFAULT = LASTS_DEFAULT // _HOUR


def _whole(media: str, description: str) -> dict[int, ResponseSpec]:
    return {
        200: ResponseSpec(bytes, media_type=media, description=description, generate_examples=False)
    }


@get("/v1/exports/{form:str}", tags=["exports"], media_type="application/octet-stream",
     responses=_whole("*/*", "The file, in the form that was asked for."))  # fmt: skip
async def exports(  # noqa: PLR0913, PLR0917 - each is a parameter of the request
    form: Annotated[str, PathParameter(description=f"One of {', '.join(FORMS)}.")],
    principal: ThePrincipal,
    service: TheService,
    kinds: Kinds = None,
    bbox: Box = None,
    category: Category = None,
    datetime: Time = None,
    expires_h: Hours = _HOURS_DEFAULT,
) -> Response[bytes]:
    """What was released to the party, as a file to be taken away.

    What was not released to it is not there, and may be there all the same. That the party was
    shown what the file holds is on record before it goes out.
    """
    if form not in FORMS:
        raise NotFound("form", expected=" or ".join(FORMS))
    wanted = wanted_of(
        kinds=_names(kinds),
        bbox=bbox,
        time=datetime,
        categories=_names(category),
        lasts=expires_h * _HOUR,
    )

    def write(found: Export) -> tuple[bytes, str]:
        return FORMS[form].write(found), found.edition

    data, edition = await export(service.engine, service.layers, principal, wanted, write)
    return _file(data, FORMS[form].media_type, f"{edition}.{form}")


@get("/v1/pack", tags=["exports"], media_type=PACK,
     responses=_whole(PACK, "The pack, sealed by the node."))  # fmt: skip
async def pack(
    principal: ThePrincipal,
    service: TheService,
    kinds: Kinds = None,
    bbox: Box = None,
    expires_h: Hours = _HOURS_DEFAULT,
) -> Response[bytes]:
    """What was released to the party, in one sealed file that answers checks without a network.

    `detente check PLANS --pack FILE` asks it.
    """
    wanted = wanted_of(kinds=_names(kinds), bbox=bbox, lasts=expires_h * _HOUR)
    data = await export(
        service.engine, service.layers, principal, wanted, pack_of(service.key()), how="pack"
    )
    return _file(data, PACK, "pack.dtpack")


@post("/v1/pack/delta", status_code=200, tags=["exports"], media_type=DELTA,
      responses=_whole(DELTA, "What makes a new pack of the one that the party has."))  # fmt: skip
async def delta(
    data: JSONBody[State],
    principal: ThePrincipal,
    service: TheService,
    kinds: Kinds = None,
    bbox: Box = None,
    expires_h: Hours = _HOURS_DEFAULT,
) -> Response[bytes]:
    """What changed since a pack that the party has, cut in the same way.

    `pack` is the SHA-256 of the pack's canonical JSON, `has` for each of its objects the first
    16 digits of that of the object's. `detente pack --state` says both.
    """
    wanted = wanted_of(kinds=_names(kinds), bbox=bbox, lasts=expires_h * _HOUR)
    write = update_for(service.key(), data)
    made = await export(service.engine, service.layers, principal, wanted, write, how="pack")
    return _file(made, DELTA, "pack.dtdelta")


def _names(text: str | None) -> list[str]:
    return [] if text is None else [one for one in text.split(",") if one]


def _file(data: bytes, media_type: str, name: str) -> Response[bytes]:
    headers = {
        "content-disposition": f'attachment; filename="detente-{name}"',
        "cache-control": "no-store",
    }
    return Response(data, media_type=media_type, headers=headers)


def handlers() -> Sequence[HTTPRouteHandler]:
    """The routes of this module."""
    return [exports, pack, delta]
