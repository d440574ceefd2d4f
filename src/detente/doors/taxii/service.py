"""One request of TAXII to one answer.

Refusals are raised; at this path they are told in TAXII's own form (detente.doors.asgi_problem).
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, Protocol

from msgspec import Struct

from detente.core.principal import Principal
from detente.doors.asgi_challenge import UnprovenToBasic
from detente.doors.asgi_edge import Exchange
from detente.doors.asgi_hot import Answer
from detente.doors.asgi_problem import TAXII_MEDIA_TYPE
from detente.doors.taxii import requests, wire
from detente.errors import NotAuthentic, NotFound
from detente.node.engine import Engine
from detente.node.taxii import adding, deleting
from detente.node.taxii.collections import Collection, collection, collections
from detente.node.taxii.filters import ALL, Filter
from detente.node.taxii.pages import Page, Pages

DESCRIPTION = "Détente: reports that were released to whoever asks. A read is on record."


class Who(Protocol):
    """Tells who asks, by the request's scope."""

    def __call__(self, scope: Mapping[str, Any], *, basic: bool) -> Awaitable[Principal]:
        """As detente.doors.asgi_auth.Authenticator.principal."""


class Call(Struct, frozen=True, kw_only=True):
    """One request, and who makes it."""

    exchange: Exchange
    principal: Principal
    params: Mapping[str, str]
    body: Callable[[], Awaitable[bytes]]


Act = Callable[["Service", Call], Awaitable[Answer]]


class Service:
    """TAXII's server, of one node.

    Args:
        engine: At work.
        pages: Reads collections.
        who: Tells who asks.
        url: The node's own; empty where it does not know by which it is reached.
        bytes_max: Of a body.
    """

    def __init__(self, engine: Engine, pages: Pages, who: Who, url: str, *, bytes_max: int) -> None:
        self.engine = engine
        self.pages = pages
        self.url = url
        self.bytes_max = bytes_max
        self._who = who
        self._theatre: str | None = None

    async def answer(
        self,
        act: Act,
        exchange: Exchange,
        params: Mapping[str, str],
        body: Callable[[], Awaitable[bytes]],
    ) -> Answer:
        """Answer one request.

        Raises:
            DetenteError: Any refusal.
        """
        try:
            principal = await self._who(exchange.scope, basic=True)
        except NotAuthentic as error:
            raise UnprovenToBasic(error) from None
        requests.require_acceptable(exchange)
        call = Call(exchange=exchange, principal=principal, params=params, body=body)
        root = params.get("root")
        if root is not None and root != await self.theatre():
            raise NotFound(f"API root {root}")
        return await act(self, call)

    async def theatre(self) -> str:
        """The theatre, which is the one API root."""
        if self._theatre is None:
            self._theatre = await asyncio.to_thread(self._read_theatre)
        return self._theatre

    def _read_theatre(self) -> str:
        with self.engine.store.reading() as record:
            return record.head()[0]

    async def collection(self, call: Call) -> Collection:
        """The collection that a path names."""
        return collection(
            self.engine.world.shown,
            await self.theatre(),
            call.principal,
            call.params["collection"],
        )


def _json(value: object, status: int = HTTPStatus.OK) -> Answer:
    return Answer(status, wire.encode(value), TAXII_MEDIA_TYPE.encode())


def _page(body: bytes, page: Page) -> Answer:
    return Answer(HTTPStatus.OK, body, TAXII_MEDIA_TYPE.encode(), wire.dates(page))


async def discover(service: Service, call: Call) -> Answer:
    """Which API roots there are."""
    requests.query_of(call.exchange, requests.NOTHING)
    path = f"/taxii2/{await service.theatre()}/"
    roots = (f"{service.url}{path}", path) if service.url else (path,)
    agreement = service.engine.world.shown.agreement
    return _json(
        wire.Discovery(
            title=agreement.name, description=DESCRIPTION, default=roots[0], api_roots=roots
        )
    )


async def root(service: Service, call: Call) -> Answer:
    """The API root."""
    requests.query_of(call.exchange, requests.NOTHING)
    return _json(
        wire.Root(
            title=service.engine.world.shown.agreement.name,
            versions=(TAXII_MEDIA_TYPE,),
            max_content_length=service.bytes_max,
        )
    )


async def list_collections(service: Service, call: Call) -> Answer:
    """All collections."""
    requests.query_of(call.exchange, requests.NOTHING)
    shown = service.engine.world.shown
    found = collections(shown, await service.theatre(), call.principal)
    return _json({"collections": [wire.CollectionResource.of(one) for one in found]})


async def get_collection(service: Service, call: Call) -> Answer:
    """One collection."""
    requests.query_of(call.exchange, requests.NOTHING)
    return _json(wire.CollectionResource.of(await service.collection(call)))


async def get_manifest(service: Service, call: Call) -> Answer:
    """Which objects there are."""
    where = await service.collection(call)
    wanted = requests.filter_of(requests.query_of(call.exchange, requests.ANY_OBJECT))
    page = await service.pages.manifest(call.principal, where, wanted)
    return _page(wire.manifest(page), page)


async def get_objects(service: Service, call: Call) -> Answer:
    """Objects."""
    where = await service.collection(call)
    wanted = requests.filter_of(requests.query_of(call.exchange, requests.ANY_OBJECT))
    page = await service.pages.objects(call.principal, where, wanted)
    return _page(wire.envelope(page), page)


async def get_object(service: Service, call: Call) -> Answer:
    """One object."""
    where = await service.collection(call)
    query = requests.query_of(call.exchange, requests.ONE_OBJECT)
    wanted = requests.filter_of(query, ids=_named(call))
    page = await service.pages.objects(call.principal, where, wanted)
    await _require_one(service, call, where, page)
    return _page(wire.envelope(page), page)


async def get_versions(service: Service, call: Call) -> Answer:
    """Versions of one object."""
    where = await service.collection(call)
    query = requests.query_of(call.exchange, requests.ONE_OBJECTS_VERSIONS)
    wanted = requests.filter_of(query, ids=_named(call), versions=frozenset({ALL}))
    page = await service.pages.manifest(call.principal, where, wanted)
    await _require_one(service, call, where, page)
    return _page(wire.versions(page), page)


async def _require_one(service: Service, call: Call, where: Collection, page: Page) -> None:
    """Refuse an object that is not there in any version; a filter may leave none of one that is.

    Raises:
        NotFound: There is none, or it is not for this reader.
    """
    if page.shown:
        return
    anything = Filter(ids=_named(call), limit=1)
    if not (await service.pages.look(call.principal, where, anything)).shown:
        raise NotFound("object", expected="one of this collection")


def _named(call: Call) -> frozenset[str]:
    return frozenset({call.params["object"]})


async def add_objects(service: Service, call: Call) -> Answer:
    """Take objects in; what became of each is in the answer already."""
    requests.query_of(call.exchange, requests.NOTHING)
    where = await service.collection(call)
    requests.require_taxii(call.exchange)
    texts = requests.envelope(await call.body())
    status = await adding.add(service.engine, service.pages, call.principal, where, texts)
    return _json(wire.StatusResource.of(status), HTTPStatus.ACCEPTED)


async def get_status(service: Service, call: Call) -> Answer:
    """What became of objects that were sent."""
    requests.query_of(call.exchange, requests.NOTHING)
    status = await adding.status(service.engine, call.principal, call.params["status"])
    return _json(wire.StatusResource.of(status))


async def delete_object(service: Service, call: Call) -> Answer:
    """Retract an object."""
    where = await service.collection(call)
    query = requests.query_of(call.exchange, requests.DELETED)
    versions = {} if "match[version]" in query else {"versions": frozenset({ALL})}
    # What is deleted is the object, in whatever specification its versions are.
    wanted = requests.filter_of(query, ids=_named(call), latest_specification=False, **versions)
    await deleting.delete(service.engine, service.pages, call.principal, where, wanted)
    return Answer(HTTPStatus.OK, b"", TAXII_MEDIA_TYPE.encode())
