"""The watch: what moves, what nears what protects, and which feeds are silent."""

from datetime import datetime
from http import HTTPStatus

from msgspec import Struct

from detente.core.principal import Scope
from detente.doors.asgi_edge import Exchange
from detente.doors.asgi_hot import Answer
from detente.doors.http.v1.desk import Desk
from detente.doors.http.v1.operation import READS, Operation
from detente.doors.http.v1.request import encode
from detente.node.alerted import AlertShown, TrackShown
from detente.node.asking import reader_of
from detente.node.feeding import FeedState
from detente.node.onlooking import Onlooker, Screen, Wall
from detente.node.telling.disclosures import disclose_tile
from detente.node.telling.tracks import disclose_tracks, feeds_in


class Tracks(Struct, frozen=True, kw_only=True):
    """What moves, as last seen."""

    as_of: datetime
    tracks: tuple[TrackShown, ...]


class Alerts(Struct, frozen=True, kw_only=True):
    """What stands.

    Attributes:
        as_of: When the watch last looked; None before it did.
        problem: Why it could not look since; empty where it could.
        problem_code: The same, as the refusal's code, or ``not_yet``.
        alerts: That stand.
        feeds: How each is.
    """

    as_of: datetime | None
    problem: str
    problem_code: str
    alerts: tuple[AlertShown, ...]
    feeds: tuple[FeedState, ...]


async def tracks(desk: Desk, exchange: Exchange) -> Answer:
    """What moves, of what the party is shown; that it saw each feed is on record before."""
    principal = await desk.enter(exchange)
    principal.require(Scope.READ)
    now = desk.engine.clock()
    shown = desk.alerting.tracks(reader_of(desk.engine.world.shown, principal.party, now))
    feeds = ((one.party, one.feed) for one in shown)
    await disclose_tracks(desk.engine, principal.party, feeds, "read")
    return Answer(HTTPStatus.OK, encode(Tracks(as_of=now, tracks=tuple(shown))))


async def alerts(desk: Desk, exchange: Exchange) -> Answer:
    """What stands, of what the party may see; that it saw entries is on record before."""
    principal = await desk.enter(exchange)
    principal.require(Scope.READ)
    now = desk.engine.clock()
    shown = desk.engine.world.shown
    reader = reader_of(shown, principal.party, now)
    recorded = desk.alerting.on_record(shown.warned)
    found = desk.alerting.alerts(reader, recorded)
    await disclose_tile(desk.engine, principal, found.shown, "read")
    await disclose_tracks(desk.engine, principal.party, feeds_in(found.alerts), "read")
    answer = Alerts(
        as_of=desk.alerting.watching.as_of,
        problem=desk.alerting.watching.problem,
        problem_code=desk.alerting.watching.problem_code,
        alerts=found.alerts,
        feeds=tuple(desk.alerting.feeds(reader)),
    )
    return Answer(HTTPStatus.OK, encode(answer))


async def watch(desk: Desk, exchange: Exchange) -> Answer:
    """The watch as one screen; that entries are shown is on record before."""
    principal = await desk.enter(exchange)
    principal.require(Scope.READ)
    body = await Onlooker(Wall(desk.engine, desk.alerting), principal).look()
    return Answer(HTTPStatus.OK, body)


OPERATIONS = (
    Operation(
        method="GET",
        path="/v1/tracks",
        name="tracks",
        says="What moves, as last seen: aircraft, ships and whatever else feeds tell of.\n\n"
        "Those of the party's own feeds, and those that others show it. A track with `doubts` "
        "may not be where it is said to be. Degrees, metres above the ellipsoid, metres a second.",
        tag="watch",
        act=tracks,
        gives=Tracks,
        scopes=(Scope.READ,),
        refusals=READS,
    ),
    Operation(
        method="GET",
        path="/v1/alerts",
        name="alerts",
        says="Tracks that may soon violate what protects, tracks that are lost, and feeds.\n\n"
        "An alert is there before a line is crossed (`time_s`), stays while it lasts, and "
        "permits nothing. A party sees of it what it may see of the track and of the entry; "
        "that somebody's track nears its own entry, it is told in any case, with the desk to "
        "call.",
        tag="watch",
        act=alerts,
        gives=Alerts,
        scopes=(Scope.READ,),
        refusals=READS,
    ),
    Operation(
        method="GET",
        path="/v1/watch",
        name="watch",
        says="The watch as one screen: alerts by track, gravest first, what moves, and feeds.\n\n"
        "A party sees what `/v1/tracks` and `/v1/alerts` show it; `/v1/watch/stream` tells it as "
        "it changes. `leaf` names the entry of an alert, for an acknowledgement; `object` "
        "its object, for evidence.",
        tag="watch",
        act=watch,
        gives=Screen,
        scopes=(Scope.READ,),
        refusals=READS,
    ),
)
