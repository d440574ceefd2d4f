"""Each request to its answer. What is shown is on record before it goes out (R-08)."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC
from hashlib import sha256
from typing import Any, NamedTuple
from urllib.parse import urlencode

import msgspec
from litestar import Request
from litestar.handlers import HTTPRouteHandler
from litestar.response import Response
from msgspec import Struct

from detente.core.entry import EntryKind
from detente.core.feature import KINDS
from detente.core.principal import Principal, Scope
from detente.core.view import View
from detente.doors.asgi_auth import Authenticator
from detente.doors.asgi_edge import Exchange
from detente.doors.asgi_hot import Answer
from detente.doors.asgi_query import query_of
from detente.doors.features.asking import Asked, asked_of, system_of
from detente.doors.features.formats import (
    GEOJSON,
    HTML,
    JSON,
    POLICY,
    SCHEMA,
    TILE,
    encode,
    feature,
    form_of,
    page,
)
from detente.doors.features.metadata import PATH, Metadata
from detente.doors.features.tiles import (
    NARROWING,
    TIMES,
    kinds_of,
    narrowing_of,
    tile_of,
    time_of,
    written,
)
from detente.errors import MalformedInput, NotFound
from detente.node.clusters import TileSight, look
from detente.node.engine import Engine
from detente.node.layers import Layers, Sight
from detente.node.looking_back import Frames, seeing
from detente.node.telling.disclosures import disclose, disclose_tile

PAGE_BYTES_MAX = 8 * 1024 * 1024
"""Bytes of features a page, but for its first."""

_OF_DOCUMENT = {"json": JSON, "html": HTML}
_OF_FEATURES = {"json": GEOJSON, "html": HTML}
_OF_SCHEMA = {"json": SCHEMA, "html": HTML}
_OF_TILESET = {"json": JSON, "tilejson": JSON, "html": HTML}
_OF_TILE = {"mvt": TILE}


_PRIVATE = ((b"cache-control", b"private, no-cache"), (b"vary", b"authorization, cookie"))
"""Of a tile, which a map may keep and ask whether it is still so."""


class Desk:
    """What this door needs of a node.

    Args:
        engine: At work.
        layers: Answers maps.
        who: Tells who asks.
        url: The node's address as others see it, without a slash at its end.
    """

    def __init__(self, engine: Engine, layers: Layers, who: Authenticator, url: str) -> None:
        self.engine = engine
        self.layers = layers
        self.frames = Frames(engine)
        self.metadata = Metadata(url)
        self._who = who

    async def enter(self, exchange: Exchange) -> Principal:
        """Who asks, who may read.

        By HTTP Basic as well, which GIS programs keep for as long as they like. None are asked for
        it: a browser would open a window of its own over the page whose session has ended.

        Raises:
            NotAuthentic, NotPermitted, RateLimited: As of any door.
        """
        principal = await self._who.principal(exchange.scope, basic=True)
        principal.require(Scope.READ)
        return principal


class Call(NamedTuple):
    """One request: who asks, at which desk, and what its path and query say."""

    desk: Desk
    exchange: Exchange
    principal: Principal
    params: Mapping[str, str]
    query: Mapping[str, Any]

    def form(self, forms: Mapping[str, str]) -> str:
        """Which form of answer it wants."""
        return form_of(self.query.get("f"), self.exchange.header(b"accept"), forms)

    def only(self, *names: str) -> None:
        """Refuse all other parameters.

        Raises:
            MalformedInput: There is one.
        """
        for name in self.query:
            if name not in names:
                raise MalformedInput(name, expected=f"in the query, one of {', '.join(names)}")

    @property
    def kind(self) -> EntryKind:
        """Of what kind the items of its collection are.

        Raises:
            NotFound: No such collection.
        """
        [kind] = kinds_of(self.name)
        return kind

    @property
    def name(self) -> str:
        """The collection.

        Raises:
            NotFound: No such collection.
        """
        name = self.params["collection"]
        if name not in KINDS:
            raise NotFound("collection", expected=" or ".join(KINDS))
        return name

    @property
    def below(self) -> str:
        """Where its tiles are: of all, or of one collection."""
        return f"/collections/{self.name}" if "collection" in self.params else ""


Act = Callable[[Call], Awaitable[Answer]]


class Route(Struct, frozen=True, kw_only=True):
    """A path below ``/ogc`` and what answers there."""

    path: str
    act: Act
    says: str
    forms: Mapping[str, str]
    refusals: tuple[str, ...] = ()


def _told(call: Call, document: Mapping[str, Any], title: str, forms: Mapping[str, str]) -> Answer:
    """A document in the form that was asked for."""
    form = call.form(forms)
    if form == "html":
        return Answer(
            200, page(title, document, call.desk.metadata.above), b"text/html", _PAGE_HEADERS
        )
    return Answer(200, encode(document), forms[form].encode())


_PAGE_HEADERS = (
    (b"content-security-policy", POLICY),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
)


async def _landing(call: Call) -> Answer:
    call.only("f")
    return _told(call, call.desk.metadata.landing(), "Layers", _OF_DOCUMENT)


async def _conformance(call: Call) -> Answer:
    call.only("f")
    return _told(call, call.desk.metadata.conformance(), "Conformance", _OF_DOCUMENT)


async def _collections(call: Call) -> Answer:
    call.only("f")
    return _told(call, call.desk.metadata.collections(), "Collections", _OF_DOCUMENT)


async def _collection(call: Call) -> Answer:
    call.only("f")
    document = call.desk.metadata.collection(call.name)
    return _told(call, document, document["title"], _OF_DOCUMENT)


async def _queryables(call: Call) -> Answer:
    call.only("f")
    document = call.desk.metadata.queryables(call.name)
    return _told(call, document, document["title"], _OF_SCHEMA)


class Page(NamedTuple):
    """Features as they go out, the views that they show, and where to go on."""

    features: tuple[bytes, ...]
    views: tuple[View, ...]
    after: int | None
    time: str


def features_of(sight: Sight, asked: Asked) -> Page:
    """The next page, as far as it has room."""
    found = sight.page(asked.wish)
    after, size = found.after, 0
    features: list[bytes] = []
    for item in found.items:
        made = feature(item, asked.crs)
        size += len(made)
        if features and size > PAGE_BYTES_MAX:
            after = found.items[len(features) - 1].view.sequence
            break
        features.append(made)
    views = tuple(item.view for item in found.items[: len(features)])
    time = sight.reader.now.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return Page(tuple(features), views, after, time)


async def _items(call: Call) -> Answer:
    asked = asked_of(call.query, call.kind)
    form = call.form(_OF_FEATURES)
    found = await call.desk.layers.look(call.principal, lambda sight: features_of(sight, asked))
    await disclose(call.desk.engine, call.principal, found.views)
    metadata, path = call.desk.metadata, f"/collections/{call.name}/items"
    links = _links(call, path, form)
    if found.after is not None:
        there = _with(path, {**call.query, "after": found.after})
        links.insert(0, metadata.link(there, "next", _OF_FEATURES[form], "the next page"))
    document = {
        "type": "FeatureCollection",
        "timeStamp": found.time,
        "numberReturned": len(found.features),
        "features": [msgspec.Raw(one) for one in found.features],
        "links": links,
    }
    if form == "html":
        document["features"] = [msgspec.json.decode(one) for one in found.features]
    given = _told(call, document, call.name, _OF_FEATURES)
    return _in_system(given, asked.crs)


def _links(call: Call, path: str, form: str) -> list[dict[str, str]]:
    """Links of features: to themselves as they were asked for, to their other form, and up."""
    metadata, other = call.desk.metadata, "json" if form == "html" else "html"
    return [
        metadata.link(_with(path, call.query), "self", _OF_FEATURES[form], "this"),
        metadata.link(_with(path, {**call.query, "f": other}), "alternate", _OF_FEATURES[other],
                      "this in another form"),
        metadata.link(f"/collections/{call.name}", "collection", JSON, call.name),
    ]  # fmt: skip


def _with(path: str, query: Mapping[str, Any]) -> str:
    return f"{path}?{urlencode(query)}" if query else path


def _in_system(given: Answer, crs: str) -> Answer:
    """An answer that says in which system its coordinates are (Part 2)."""
    named = (b"content-crs", f"<{crs}>".encode())
    return Answer(given.status, given.body, given.media_type, (*given.headers, named))


async def _item(call: Call) -> Answer:
    call.only("f", "crs", "as-of")
    crs, kind, form = system_of(call.query, "crs"), call.kind, call.form(_OF_FEATURES)
    object_id = call.params["object"]
    links = _links(call, f"/collections/{call.name}/items/{object_id}", form)
    see = seeing(call.desk.frames, as_of=time_of(call.query, "as-of"), at=None, only=object_id)

    def find(sight: Sight) -> tuple[View, bytes]:
        item = sight.one(kind, object_id)
        return item.view, feature(item, crs, links)

    view, made = await call.desk.layers.look(call.principal, find, see)
    await disclose(call.desk.engine, call.principal, [view])
    given = Answer(200, made, GEOJSON.encode())
    if form == "html":
        given = _told(call, msgspec.json.decode(made), call.name, _OF_FEATURES)
    return _in_system(given, crs)


async def _tilesets(call: Call) -> Answer:
    call.only("f")
    return _told(call, call.desk.metadata.tilesets(call.below), "Tiles", _OF_DOCUMENT)


async def _tileset(call: Call) -> Answer:
    call.only("f")
    metadata = call.desk.metadata
    if call.form(_OF_TILESET) == "tilejson":
        return Answer(200, encode(metadata.tilejson(call.below)))
    return _told(call, metadata.tileset(call.below), "Tiles", _OF_TILESET)


async def _tile(call: Call) -> Answer:
    call.only("f", "collections", *TIMES, *NARROWING)
    where = tile_of(*(call.params[name] for name in ("zoom", "row", "column")))
    call.form(_OF_TILE)
    if "collection" in call.params:
        call.only("f", *TIMES, *NARROWING)
    narrowing = narrowing_of(call.query)
    kinds = kinds_of(call.params.get("collection", call.query.get("collections")))

    def draw(sight: Sight) -> tuple[TileSight, bytes]:
        found = look(sight, where, kinds, narrowing)
        return found, written(where, found)

    as_of, at = (time_of(call.query, name) for name in TIMES)
    see = seeing(call.desk.frames, as_of=as_of, at=at)
    found, body = await call.desk.layers.look(call.principal, draw, see)
    await disclose_tile(call.desk.engine, call.principal, found.shown)
    # By what is in it, so that it does not change with what is not shown.
    tag = b'"' + sha256(body).hexdigest()[:32].encode() + b'"'
    headers = ((b"etag", tag), *_PRIVATE)
    if call.exchange.has(tag):
        return Answer(304, b"", TILE.encode(), headers)
    return Answer(200, body, TILE.encode(), headers)


_LOST = ("not_found",)
_OF_TILE_REFUSED = (*_LOST, "conflict")
_COLLECTION = "/collections/{collection}"
_QUAD = "/tiles/WebMercatorQuad"

ROUTES = (
    Route(path="", act=_landing, says="The layers, and where they are.", forms=_OF_DOCUMENT),
    Route(path="/conformance", act=_conformance, says="Of which standards this door is.",
          forms=_OF_DOCUMENT),
    Route(path="/collections", act=_collections, says="All collections.", forms=_OF_DOCUMENT),
    Route(path=_COLLECTION, act=_collection, says="One collection.", forms=_OF_DOCUMENT,
          refusals=_LOST),
    Route(path=f"{_COLLECTION}/queryables", act=_queryables,
          says="By what the items of a collection may be asked for.", forms=_OF_SCHEMA,
          refusals=_LOST),
    Route(path=f"{_COLLECTION}/items", act=_items, forms=_OF_FEATURES, refusals=_LOST,
          says="Items of a collection, page by page in the order of the record.\n\nAn object that "
          "changes moves to the end: whoever follows `next` misses nothing. What is not released "
          "to the party that asks is not here, and may be there all the same."),
    Route(path=f"{_COLLECTION}/items/{{object}}", act=_item, forms=_OF_FEATURES, refusals=_LOST,
          says="One item.\n\nWith `as-of`, in the version that stood then, as the party had been "
          "shown it by then and may still see it."),
    Route(path="/tiles", act=_tilesets, says="The sets of tiles.", forms=_OF_DOCUMENT),
    Route(path=_QUAD, act=_tileset, says="The set of vector tiles.", forms=_OF_TILESET),
    Route(path=f"{_QUAD}/{{zoom}}/{{row}}/{{column}}", act=_tile, forms=_OF_TILE,
          refusals=_OF_TILE_REFUSED,
          says="A vector tile: a layer a collection, and one of clusters where there is more than "
          "a tile can hold; a cluster says how many it stands for.\n\nWith `as-of`, as the party "
          "had been shown it by then, where it may still see it; with `datetime`, what is there at "
          "that time. No check is asked with either.\n\nWhat `no-party`, `no-category`, `low` and "
          "`high` leave out is neither drawn nor counted, and protects as before."),
    Route(path=f"{_COLLECTION}/tiles", act=_tilesets, says="The sets of tiles of a collection.",
          forms=_OF_DOCUMENT, refusals=_LOST),
    Route(path=f"{_COLLECTION}{_QUAD}", act=_tileset, says="The set of tiles of a collection.",
          forms=_OF_TILESET, refusals=_LOST),
    Route(path=f"{_COLLECTION}{_QUAD}/{{zoom}}/{{row}}/{{column}}", act=_tile, forms=_OF_TILE,
          says="A vector tile of one collection.", refusals=_OF_TILE_REFUSED),
)  # fmt: skip


def handlers(desk: Desk) -> Sequence[HTTPRouteHandler]:
    """All of them, as routes of the framework."""
    return [_handler(desk, one) for one in ROUTES]


def _handler(desk: Desk, route: Route) -> HTTPRouteHandler:
    async def handle(request: Request[Any, Any, Any]) -> Response[bytes]:
        exchange: Exchange = request.scope["state"]["exchange"]
        principal = await desk.enter(exchange)
        params = {name: str(value) for name, value in request.path_params.items()}
        given = await route.act(Call(desk, exchange, principal, params, query_of(exchange)))
        return Response(
            given.body,
            status_code=given.status,
            media_type=given.media_type.decode(),
            headers={name.decode(): value.decode() for name, value in given.headers},
        )

    path = (PATH + route.path).replace("}", ":str}")
    return HTTPRouteHandler(
        path, http_method="GET", name=path, include_in_schema=False, status_code=200
    )(handle)
