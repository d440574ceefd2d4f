"""Read back what was typed, drawn or dropped (detente.doors.readback)."""

import asyncio
from http import HTTPStatus
from typing import Annotated, Any

from msgspec import Meta, Struct

from detente.core.measured import Measured, measured
from detente.core.principal import Scope
from detente.core.volume import Position
from detente.doors.asgi_edge import Exchange
from detente.doors.asgi_hot import Answer
from detente.doors.asgi_query import query_of
from detente.doors.http.v1 import examples
from detente.doors.http.v1.desk import Desk
from detente.doors.http.v1.operation import JSON, READS, WORKBOOKS, Body, Operation
from detente.doors.http.v1.request import (
    Form,
    converted,
    encode,
    json_body,
    require_media_type,
)
from detente.doors.readback import Kind, Readings, readings

CSV = "text/csv"
GEOJSON = "application/geo+json"
TEXT = "text/plain"

MEDIA_TYPES = (GEOJSON, CSV, TEXT, JSON, *WORKBOOKS)
"""What is declared; what came is told by its bytes."""

LINE_MAX = 1_000
"""Positions of a line: more than anyone draws by hand; each is written in five forms."""


class ReadingsQuery(Struct, frozen=True, kw_only=True):
    """What is to be read.

    Attributes:
        kind: What the rows are.
        name: What remarks call them.
        sheet: Of a workbook, the sheet to read; needless where one alone has rows.
    """

    kind: Kind
    name: Annotated[str, Meta(min_length=1, max_length=200)] = "input"
    sheet: Annotated[str, Meta(min_length=1, max_length=200)] | None = None


async def read_back(desk: Desk, exchange: Exchange) -> Answer:
    """What rows mean."""
    principal = await desk.caller(exchange, calls=False)
    principal.require(Scope.READ, Scope.CALL)
    require_media_type(exchange, *(one.encode() for one in MEDIA_TYPES))
    asked = converted(query_of(exchange), ReadingsQuery)
    body = await exchange.body()
    found = await asyncio.to_thread(
        readings,
        asked.name,
        body,
        kind=asked.kind,
        party=principal.party,
        now=desk.engine.clock(),
        sheet=asked.sheet,
    )
    return Answer(HTTPStatus.OK, encode(found))


class PlaceLine(Struct, frozen=True, kw_only=True):
    """Positions, longitude first, in 1e-7 degree."""

    line: Annotated[tuple[Position, ...], Meta(min_length=1, max_length=LINE_MAX)]


_line: Form[PlaceLine] = Form(PlaceLine)


async def measure(desk: Desk, exchange: Exchange) -> Answer:
    """How far, which way, and where; nothing is looked up."""
    principal = await desk.enter(exchange)
    principal.require(Scope.READ)
    line = _line.read(await json_body(exchange), principal.party).line
    return Answer(HTTPStatus.OK, encode(await asyncio.to_thread(measured, line)))


OPERATIONS = (
    Operation(
        method="POST",
        path="/v1/measurements",
        name="measure",
        says="Measure a line along geodesics, and write its positions in every form.\n\n"
        "Of one position, its forms: degrees, minutes, seconds, MGRS, UTM. Nothing is stored, "
        "and nothing of the register is looked at.",
        tag="entries",
        act=measure,
        body=Body(form=PlaceLine, example=examples.BODIES["measure"]),
        gives=Measured,
        scopes=(Scope.READ,),
        refusals=(*READS, "malformed_input", "unsupported_media_type", "too_large"),
    ),
    Operation(
        method="POST",
        path="/v1/readings",
        name="readBack",
        says="Read back what was typed, drawn or is in a file, as it would be stored.\n\n"
        "GeoJSON, geo-zones (ED-318), CSV, an Excel workbook or OpenAir, with the properties and "
        "columns that `detente import` takes. Nothing is stored: say the values as they come back.",
        tag="entries",
        act=read_back,
        body=Body(
            form=dict[str, Any],  # GeoJSON knows foreign members (RFC 7946 section 6.1).
            example=examples.BODIES["readBack"],
            media_types=MEDIA_TYPES,
        ),
        gives=Readings,
        scopes=(Scope.READ, Scope.CALL),
        refusals=(*READS, "malformed_input", "unsupported_media_type", "too_large"),
        query=ReadingsQuery,
    ),
)
