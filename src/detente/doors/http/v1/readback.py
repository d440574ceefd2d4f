"""Read back what was typed, drawn or dropped (detente.doors.readback)."""

import asyncio
from http import HTTPStatus
from typing import Annotated, Any

from msgspec import Meta, Struct

from detente.core.principal import Scope
from detente.doors.asgi_edge import Exchange
from detente.doors.asgi_hot import Answer
from detente.doors.asgi_query import query_of
from detente.doors.http.v1 import examples
from detente.doors.http.v1.desk import Desk
from detente.doors.http.v1.operation import JSON, READS, Body, Operation
from detente.doors.http.v1.request import converted, encode, require_media_type
from detente.doors.readback import Kind, Readings, readings

CSV = "text/csv"
GEOJSON = "application/geo+json"
TEXT = "text/plain"


class ReadingsQuery(Struct, frozen=True, kw_only=True):
    """What is to be read.

    Attributes:
        kind: What the rows are.
        name: What remarks call them.
    """

    kind: Kind
    name: Annotated[str, Meta(min_length=1, max_length=200)] = "input"


async def read_back(desk: Desk, exchange: Exchange) -> Answer:
    """What rows mean."""
    principal = await desk.caller(exchange, calls=False)
    principal.require(Scope.READ, Scope.CALL)
    require_media_type(exchange, *(one.encode() for one in (GEOJSON, CSV, TEXT, JSON)))
    asked = converted(query_of(exchange), ReadingsQuery)
    body = await exchange.body()
    found = await asyncio.to_thread(
        readings,
        asked.name,
        body,
        kind=asked.kind,
        party=principal.party,
        now=desk.engine.clock(),
    )
    return Answer(HTTPStatus.OK, encode(found))


OPERATIONS = (
    Operation(
        method="POST",
        path="/v1/readings",
        name="readBack",
        says="Read back what was typed, drawn or is in a file, as it would be stored.\n\n"
        "GeoJSON, geo-zones (ED-318), CSV or OpenAir, with the properties and columns that "
        "`detente import` takes. Nothing is stored: say the values as they come back.",
        tag="entries",
        act=read_back,
        body=Body(
            form=dict[str, Any],  # GeoJSON knows foreign members (RFC 7946 section 6.1).
            example=examples.BODIES["readBack"],
            media_types=(GEOJSON, CSV, TEXT, JSON),
        ),
        gives=Readings,
        scopes=(Scope.READ, Scope.CALL),
        refusals=(*READS, "malformed_input", "unsupported_media_type", "too_large"),
        query=ReadingsQuery,
    ),
)
