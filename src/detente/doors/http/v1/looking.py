"""Looking: lists and searches, one object, its history."""

import asyncio
import math
from http import HTTPStatus
from typing import Annotated

from msgspec import Meta, Struct

from detente.core.entry import EntryKind
from detente.core.party import PartyId
from detente.core.principal import Scope
from detente.core.view import View
from detente.core.volume import E7_PER_DEG, UtcTime
from detente.doors.asgi_edge import Exchange
from detente.doors.asgi_hot import Answer
from detente.doors.asgi_query import query_of
from detente.doors.evidence_page import evidence_file
from detente.doors.http.v1.desk import Desk
from detente.doors.http.v1.operation import READS, Operation
from detente.doors.http.v1.request import converted, encode
from detente.errors import MalformedInput
from detente.node.account import Account
from detente.node.reading import VERSIONS_MAX, Page, Versions
from detente.node.standing import ObjectStanding, standing
from detente.node.telling.disclosures import disclose, disclose_evidence
from detente.node.wanted import LIMIT_DEFAULT, LIMIT_MAX, TEXT_MAX, Box, Wanted

HTML = "text/html; charset=utf-8"

_BBOX = r"^-?\d+(\.\d+)?(,-?\d+(\.\d+)?){3}$(?!\n)"


class SearchQuery(
    Struct,
    frozen=True,
    kw_only=True,
    rename={"start": "from", "end": "to"},
):
    """What may be asked of a search; what is left out restricts nothing.

    Attributes:
        kind: Of these kinds; may repeat.
        party: Of this party.
        bbox: West, south, east, north, in degrees; what has no place is in no box. West
            of east across the antimeridian.
        start: Not over before.
        end: Not begun after.
        text: In name, title, text, category and the like, whatever the case.
        changed_since: Taken in by the node at this time or later.
        after: Changed by a later entry than this one: ``after`` of the page before.
        limit: At most so many.
        ended: Also what has ended or was withdrawn.
    """

    kind: tuple[EntryKind, ...] = ()
    party: PartyId | None = None
    bbox: Annotated[str, Meta(pattern=_BBOX, max_length=100)] | None = None
    start: UtcTime | None = None
    end: UtcTime | None = None
    text: Annotated[str, Meta(min_length=1, max_length=TEXT_MAX)] | None = None
    changed_since: UtcTime | None = None
    after: Annotated[int, Meta(ge=-1, lt=1 << 53)] = -1
    limit: Annotated[int, Meta(ge=1, le=LIMIT_MAX)] = LIMIT_DEFAULT
    ended: bool = False


class VersionsQuery(Struct, frozen=True, kw_only=True):
    """Which versions.

    Attributes:
        after: Later ones than this.
        limit: At most so many.
    """

    after: Annotated[int, Meta(ge=0, lt=1 << 53)] = 0
    limit: Annotated[int, Meta(ge=1, le=VERSIONS_MAX)] = VERSIONS_MAX


async def search(desk: Desk, exchange: Exchange) -> Answer:
    """The next page of what is wanted and may be seen."""
    principal = await desk.enter(exchange)
    principal.require(Scope.READ)
    asked = converted(query_of(exchange, repeated=frozenset({"kind"})), SearchQuery)
    wanted = Wanted(
        kinds=frozenset(asked.kind),
        party=asked.party,
        box=None if asked.bbox is None else box_of(asked.bbox),
        start=asked.start,
        end=asked.end,
        text=asked.text,
        changed_since=asked.changed_since,
        after=asked.after,
        limit=asked.limit,
        ended=asked.ended,
    )
    page = await desk.reading.search(principal, wanted)
    await disclose(desk.engine, principal, page.objects)
    return Answer(HTTPStatus.OK, encode(page))


def box_of(text: str) -> Box:
    """A box from four numbers in degrees, rounded outwards.

    Raises:
        MalformedInput: A place that is none.
    """
    west, south, east, north = (float(part) for part in text.split(","))
    if not (-180 <= west <= 180 and -180 <= east <= 180 and -90 <= south <= north <= 90):  # noqa: PLR2004 - degrees
        raise MalformedInput(
            "bbox", expected="west,south,east,north in degrees, south at most north", got=text
        )
    return Box(
        west=math.floor(west * E7_PER_DEG),
        south=math.floor(south * E7_PER_DEG),
        east=math.ceil(east * E7_PER_DEG),
        north=math.ceil(north * E7_PER_DEG),
    )


async def look(desk: Desk, exchange: Exchange) -> Answer:
    """One object."""
    principal = await desk.enter(exchange)
    view = await desk.reading.object(principal, exchange.path_params["object"])
    await disclose(desk.engine, principal, [view])
    return Answer(HTTPStatus.OK, encode(view), headers=(etag(view),))


async def history(desk: Desk, exchange: Exchange) -> Answer:
    """The versions of an object."""
    principal = await desk.enter(exchange)
    principal.require(Scope.READ)
    asked = converted(query_of(exchange), VersionsQuery)
    found = await desk.reading.history(
        principal, exchange.path_params["object"], after=asked.after, limit=asked.limit
    )
    return Answer(HTTPStatus.OK, encode(found))


async def told(desk: Desk, exchange: Exchange) -> Answer:
    """Who was told of an object."""
    principal = await desk.enter(exchange)
    found = await desk.reading.account(principal, exchange.path_params["object"])
    return Answer(HTTPStatus.OK, encode(found))


async def stands(desk: Desk, exchange: Exchange) -> Answer:
    """How an object stands."""
    principal = await desk.enter(exchange)
    object_id = exchange.path_params["object"]
    found = await standing(desk.engine, desk.reading, principal, object_id)
    return Answer(HTTPStatus.OK, encode(found))


async def evidence(desk: Desk, exchange: Exchange) -> Answer:
    """One file that proves an object; that its reader was shown it is on record before."""
    principal = await desk.enter(exchange)
    notary = await asyncio.to_thread(desk.notary)
    object_id = exchange.path_params["object"]
    found = await desk.reading.evidence(principal, object_id, notary)
    await disclose_evidence(desk.engine, principal, found)
    data = await asyncio.to_thread(evidence_file, found, notary.key)
    # What a browser opens as our own page could ask for anything in its reader's name.
    name = f'attachment; filename="{found.kind}-{object_id[:8]}.html"'.encode()
    headers = ((b"content-disposition", name), (b"cache-control", b"no-store"))
    return Answer(HTTPStatus.OK, data, HTML.encode(), headers)


def etag(view: View) -> tuple[bytes, bytes]:
    """The version token of what is shown."""
    return b"etag", b'"' + view.token.encode() + b'"'


_READS = (*READS, "malformed_input")

OPERATIONS = (
    Operation(
        method="GET",
        path="/v1/objects",
        name="search",
        says="List and search what the party may see, page by page in the order of the record.\n\n"
        "An object that changes moves to the end. So go on with `after` of the page before until "
        "`more` is false: nothing is missed, whatever changes meanwhile. Later, `after` again "
        "gives what changed since. A page may be short, or empty, and have `more`. What is "
        "released as an area is found by that area.",
        tag="objects",
        act=search,
        gives=Page,
        scopes=(Scope.READ,),
        refusals=_READS,
        query=SearchQuery,
    ),
    Operation(
        method="GET",
        path="/v1/objects/{object}",
        name="look",
        says="One object, as much of it as the party may see.\n\n"
        "An object that is absent and one that is not for the party give the same answer.",
        tag="objects",
        act=look,
        gives=View,
        scopes=(Scope.READ,),
        refusals=(*READS, "not_found"),
        tells=("etag",),
    ),
    Operation(
        method="GET",
        path="/v1/objects/{object}/history",
        name="history",
        says="The versions of an object, with the proof that the record holds each.\n\n"
        "For whoever may see all of it.",
        tag="objects",
        act=history,
        gives=Versions,
        scopes=(Scope.READ,),
        refusals=(*_READS, "not_found"),
        query=VersionsQuery,
    ),
    Operation(
        method="GET",
        path="/v1/objects/{object}/told",
        name="told",
        says="To whom one of the party's own objects was shown, how and when, and who acknowledged "
        "it.\n\nAll versions; the newest 1,000 lines. An acknowledgement approves nothing. The "
        "evidence of the object proves the same.",
        tag="objects",
        act=told,
        gives=Account,
        scopes=(Scope.READ,),
        refusals=(*READS, "not_found"),
    ),
    Operation(
        method="GET",
        path="/v1/objects/{object}/standing",
        name="standing",
        says="Who was told of an object and who is silent, what is objected to it, and, of a plan, "
        "which states may follow.\n\n"
        "For its author. Whoever else may see the object finds its own objections and the answers "
        "to them.",
        tag="objects",
        act=stands,
        gives=ObjectStanding,
        scopes=(Scope.READ,),
        refusals=(*READS, "not_found"),
    ),
    Operation(
        method="GET",
        path="/v1/objects/{object}/evidence",
        name="evidence",
        says="One file that proves an object and who was told of it, with no node and no network."
        "\n\nA page for people that holds what `detente verify` checks (docs/evidence.md). For the "
        "author of the object; and for auditors and administrators of a party that may see all of "
        "it; of an alert for whoever it was told. It shows what the party may see, and nothing "
        "of other objects.",
        tag="objects",
        act=evidence,
        gives={HTTPStatus.OK: {"text/html": str}},
        scopes=(Scope.READ, Scope.AUDIT, Scope.ADMIN),
        refusals=(*READS, "not_found", "conflict"),
        media_type="text/html",
    ),
)
