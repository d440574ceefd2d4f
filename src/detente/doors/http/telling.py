"""Telling over HTTP: subscriptions, events by polling and as a stream, and who is silent."""

import asyncio
import secrets
from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from litestar import Request, delete, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import (
    FromQuery,
    HeaderParameter,
    JSONBody,
    PathParameter,
    QueryParameter,
    SkipValidation,
)
from litestar.response import Response, Stream
from msgspec import Meta, Struct

from detente.core.notice import SourceId, VolumesIfAny
from detente.core.party import PartyId
from detente.core.principal import Principal, Scope
from detente.core.subscription import KindName, Subscription
from detente.core.telling import Level
from detente.core.uss import BaseUrl
from detente.doors.asgi_auth import ThePrincipal
from detente.doors.http.telling_stream import HEADERS, MEDIA_TYPE, Streaming
from detente.doors.readback import Area, area_of
from detente.errors import MalformedInput, NotFound
from detente.node.asking import reader_of
from detente.node.engine import Once
from detente.node.submit import Receipt
from detente.node.telling import Telling
from detente.node.telling.disclosures import shown_by
from detente.node.telling.events import LIMIT_MAX, START, EventPage
from detente.node.telling.matching import Wanted
from detente.node.telling.people import TARGET_LENGTH_MAX
from detente.node.telling.silence import Asked, Draw, SilencePage, Whom, silences, undrawn
from detente.node.telling.subscribing import (
    Subscribe,
    Subscribed,
    SubscriptionPage,
    Unsubscribe,
    sealed,
    subscription,
    subscriptions,
)

TheTelling = NamedDependency[SkipValidation[Telling]]

After = Annotated[
    int,
    QueryParameter(
        ge=START, lt=1 << 53, description="The last entry that was seen; -1 before any."
    ),
]
Limit = Annotated[int, QueryParameter(ge=1, le=LIMIT_MAX, description="At most so many.")]
ObjectIdText = Annotated[str, PathParameter(pattern=r"^[0-9a-f]{32}$(?!\n)", description="Its id.")]
OfSubscription = Annotated[
    str | None,
    QueryParameter(
        pattern=r"^[0-9a-f]{32}$(?!\n)",
        description="Only what this subscription of the party asks for.",
    ),
]

LONGEST_S = 100 * 366 * 86_400
"""A century: no record is older."""


class NewSubscription(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A wish to be told.

    Attributes:
        source_id: The party's own name for it; made up where it is left out.
        kinds: Of the objects wanted; none is all.
        volumes: Where and when; none is everywhere, always.
        url: Where to post what happens; none for a party that polls or listens.
        desk: With `kinds` of `call` alone: one of the party's desks, by id. It is told of a call
            of the hotline when that calls this desk.
        people: Instead of `url`: where to tell people that there is something to read, as an
            address of apprise, such as mailtos://user:password@example.org?to=desk@example.org.
    """

    source_id: SourceId | None = None
    kinds: Annotated[tuple[KindName, ...], Meta(max_length=20)] = ()
    volumes: VolumesIfAny = ()
    url: BaseUrl | None = None
    people: Annotated[str, Meta(max_length=TARGET_LENGTH_MAX)] | None = None
    desk: PartyId | None = None


class NewlySubscribed(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The receipt of a subscription; ``secret`` signs what is posted (Standard Webhooks)."""

    receipt: Receipt
    secret: str | None = None


class SubscribedWithSecret(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A subscription, how delivery goes, and the secret that signs what is posted.

    ``area`` is where it is of, to be drawn and read back; none where that is everywhere.
    """

    subscription: Subscribed
    secret: str | None = None
    area: Area | None = None


@post("/v1/subscriptions", status_code=201, tags=["telling"])
async def subscribe(
    data: JSONBody[NewSubscription],
    principal: ThePrincipal,
    telling: TheTelling,
    idempotency_key: Annotated[
        str | None, HeaderParameter(name="Idempotency-Key", min_length=1, max_length=200)
    ] = None,
) -> NewlySubscribed:
    """Be told of changes: by kind, and by where and when.

    A change is told of if a check over that area and time would name the object, or
    would have before it changed. With a `url`, changes are posted there, in order and
    signed (Standard Webhooks), again and again until one answers 2xx; without one,
    poll `/v1/events` or listen to `/v1/events/stream`. To `people` goes a test message first:
    503 where their gateway does not take it, and then nothing is made.
    """
    people = await sealed(telling.people, principal, data.url, data.people)
    value = Subscription(
        source_id=data.source_id or secrets.token_hex(8),
        party=principal.party,
        kinds=data.kinds,
        volumes=data.volumes,
        url=data.url,
        people=people,
        desk=data.desk,
    )
    command = Subscribe(principal, value, telling.allowed)
    if idempotency_key is None:
        receipt: Receipt = await telling.engine.act(command, proven=True)
    else:
        once = Once.of(idempotency_key, b"subscribe" + msgspec.json.encode(data))
        kept = await telling.engine.act(command, once=once, proven=True)
        receipt = msgspec.json.decode(kept.body, type=Receipt)
    return NewlySubscribed(receipt=receipt, secret=_secret(telling, receipt.object_id, data.url))


@get("/v1/subscriptions", tags=["telling"])
async def list_subscriptions(
    principal: ThePrincipal, telling: TheTelling, after: After = START, limit: Limit = 100
) -> SubscriptionPage:
    """The party's own subscriptions that have not ended."""
    principal.require(Scope.SUBSCRIBE)
    return await telling.read(
        lambda record: subscriptions(record, principal.party, after=after, limit=limit)
    )


@get("/v1/subscriptions/{object_id:str}", tags=["telling"])
async def one_subscription(
    object_id: ObjectIdText, principal: ThePrincipal, telling: TheTelling
) -> SubscribedWithSecret:
    """One subscription of the party: how delivery goes, its secret, and its area as it is drawn."""
    principal.require(Scope.SUBSCRIBE)
    found = await telling.read(lambda record: subscription(record, principal.party, object_id))
    volumes = found.value.volumes
    return SubscribedWithSecret(
        subscription=found,
        secret=_secret(telling, object_id, found.value.url),
        area=await asyncio.to_thread(area_of, volumes) if volumes else None,
    )


@delete("/v1/subscriptions/{object_id:str}", status_code=200, tags=["telling"])
async def unsubscribe(
    object_id: ObjectIdText, principal: ThePrincipal, telling: TheTelling
) -> Receipt:
    """Be told no more. What waits to be delivered is dropped."""
    return await telling.engine.act(Unsubscribe(principal, object_id), proven=True)


@get("/v1/events", tags=["telling"])
async def events(
    principal: ThePrincipal,
    telling: TheTelling,
    after: After = START,
    limit: Limit = 100,
    subscription: OfSubscription = None,
) -> Response[EventPage]:
    """What happened after an entry: of all that the party may see, or of a subscription.

    Go on with `next`. A page may be empty and still lead on (`more`): entries that are
    not for the party were passed over. What is shown here is on record as told.
    """
    principal.require(Scope.READ)
    await telling.catch_up()
    wish = await wish_of(telling, principal, subscription)
    page = await telling.events.read(principal.party, after=after, limit=limit, wish=wish)
    shown = shown_by(principal.party, page.events)
    await telling.disclosures.record(principal.party, shown, "poll")
    return Response(page)


@get("/v1/events/stream", media_type=MEDIA_TYPE, tags=["telling"])
async def stream(
    request: Request[Any, Any, Any],
    principal: ThePrincipal,
    telling: TheTelling,
    after: Annotated[int | None, QueryParameter(ge=START, lt=1 << 53)] = None,
    subscription: OfSubscription = None,
    last_event_id: Annotated[
        str | None, HeaderParameter(name="Last-Event-ID", max_length=20)
    ] = None,
) -> Stream:
    """The same as they happen, as server-sent events.

    `id` is the cursor: a client that comes back with it, in the header `Last-Event-ID`
    or as `after`, misses nothing; without either it hears what happens from now on.
    A comment every 15 seconds shows that the connection lives; an event `position`
    moves the cursor on where nothing was for this party.
    """
    principal.require(Scope.READ)
    await telling.catch_up()
    wish = await wish_of(telling, principal, subscription)
    start = after if last_event_id is None else _cursor(last_event_id)
    streaming = Streaming(telling, principal, wish)
    streaming.enter()
    draining = request.scope.get("state", {}).get("draining")
    return Stream(streaming.frames(start, draining), media_type=MEDIA_TYPE, headers=HEADERS)


@get("/v1/silence", tags=["telling"])
async def silence(  # noqa: PLR0913, PLR0917 - each is a parameter of the request
    principal: ThePrincipal,
    telling: TheTelling,
    party: FromQuery[PartyId | None] = None,
    longer_than_s: Annotated[int, QueryParameter(ge=0, le=LONGEST_S)] = 0,
    level: FromQuery[Level] = Level.DELIVERED,
    whom: FromQuery[Whom] = Whom.SILENT,
    after: After = START,
    limit: Limit = 100,
) -> SilencePage:
    """Who has not acknowledged what, and for how long; with `whom=everyone`, also who has.

    An author sees whoever is silent about the current version of what it released;
    auditors and administrators see all. With the first page comes, for everyone, how
    each party stands with acknowledging at all, to the minute.
    """
    principal.require(Scope.READ)
    sees_all = not principal.scopes.isdisjoint({Scope.AUDIT, Scope.ADMIN})
    asked = Asked(
        of=None if sees_all else principal.party,
        asker=principal.party,
        party=party,
        longer_than_s=longer_than_s,
        level=level,
        whom=whom,
        after=after,
        limit=limit,
    )
    await telling.catch_up()
    while await telling.read(undrawn):
        await telling.engine.act(Draw())
    shown, now = telling.engine.world.shown, telling.engine.clock()
    everyone = reader_of(shown, principal.party, now)
    return await telling.read(lambda record: silences(record, everyone, asked))


async def wish_of(telling: Telling, principal: Principal, object_id: str | None) -> Wanted | None:
    """A subscription of the party that asks.

    Raises:
        NotFound: There is none in force, or it is another's: the two look alike.
    """
    if object_id is None:
        return None
    await telling.tail.follow(telling.listening.size)
    found = telling.tail.subscriptions.get(object_id)
    if found is None or found.party != principal.party:
        raise NotFound(f"subscription {object_id}")
    return found


def _secret(telling: Telling, object_id: str, url: str | None) -> str | None:
    return None if url is None else telling.secrets.shown(object_id)


def _cursor(text: str) -> int:
    if not text.isascii() or not text.removeprefix("-").isdigit():
        raise MalformedInput("Last-Event-ID", expected="the id of an event", got=text)
    return max(START, int(text))


def handlers() -> Sequence[HTTPRouteHandler]:
    """The routes of this module."""
    return [subscribe, list_subscriptions, one_subscription, unsubscribe, events, stream, silence]
