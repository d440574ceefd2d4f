"""Peers: the USSs of F3548 that the node, as a USS itself, tells of what its parties filed.

To whom it owes what was decided when that was filed (detente.node.f3548.owing). A
message tells of one entry, to one address of a party, for all of the party's
subscriptions there that ask for it. It goes the way of a webhook's: in order, at
least once, until it is taken or the last of those subscriptions is over.

What a peer may no longer see whole when its turn comes is passed over.

Source: ASTM F3548-21 annex A2 (PutOperationalIntentDetailsParameters,
PutConstraintDetailsParameters, aud of access tokens).
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import datetime
from hashlib import sha256
from typing import ClassVar
from urllib.parse import urlsplit

from msgspec import Struct

from detente.core.check import Known, Protected
from detente.core.entry import EntryKind
from detente.core.principal import Scope
from detente.core.release import Grade
from detente.node.access.tokens import TokenIssuer
from detente.node.engine import Engine
from detente.node.f3548.details import Notification, details_of, is_ours
from detente.node.f3548.entities import id_of_object
from detente.node.f3548.references import SubscriptionState
from detente.node.f3548.terms import Terms
from detente.node.telling.events import EventPage, Events
from detente.node.telling.messages import Outgoing
from detente.node.telling.sight import Event
from detente.node.telling.tail import Tail
from detente.store import Owed

PREFIX = "peer-"
"""Of the names of peers' cursors: no subscription's id begins so."""

_ABOUT = {
    EntryKind.PLAN: ("operational_intents", Scope.UTM_STRATEGIC_COORDINATION),
    EntryKind.ZONE: ("constraints", Scope.UTM_CONSTRAINT_MANAGEMENT),
}
"""Where a peer is told of a kind, and with which scope."""


class Peering(Struct, frozen=True, kw_only=True):
    """What a door brings, so that peers can be told: the node's terms, and their words."""

    terms: Terms
    encode: Callable[[Notification], bytes]


class Peer(Struct, frozen=True, kw_only=True):
    """One address of a party, and its subscriptions there.

    Attributes:
        object_id: The name of its cursor.
        names: What F3548 calls its subscriptions, by their object ids.
    """

    object_id: str
    party: str
    base_url: str
    names: Mapping[str, str]

    how: ClassVar[str] = "peer"


class PeerMessage(Struct, frozen=True, kw_only=True):
    """What is posted to a peer, and the token that goes with it."""

    body: bytes
    token: str

    def headers(self, now: datetime) -> dict[str, str]:
        """Of the request."""
        del now
        return {"authorization": f"Bearer {self.token}"}


class Peers:
    """Tells peers. One event loop's.

    Args:
        engine: At work.
        tail: Of its record.
        events: Of it.
        peering: The door's.
        tokens: The node as an issuer.
    """

    def __init__(
        self,
        engine: Engine,
        tail: Tail,
        events: Events,
        *,
        peering: Peering,
        tokens: TokenIssuer,
    ) -> None:
        self._engine = engine
        self._tail = tail
        self._events = events
        self._peering = peering
        self._tokens = tokens

    @property
    def last_owed(self) -> int:
        """The last entry of which a peer had to be told."""
        return self._engine.world.airspace.last_owed

    def all(self) -> dict[str, Peer]:
        """Whoever may have to be told something: addresses with subscriptions not yet over."""
        now = self._engine.clock()
        there: defaultdict[tuple[str, str], dict[str, str]] = defaultdict(dict)
        for one in self._tail.subscriptions.values():
            if one.value.uss is not None and not one.is_over(now):
                at = one.party, one.value.uss.base_url
                there[at][one.object_id] = one.value.source_id
        peers = [
            Peer(object_id=_name(party, url), party=party, base_url=url, names=names)
            for (party, url), names in there.items()
        ]
        return {peer.object_id: peer for peer in peers}

    async def first(self, peers: Mapping[str, Peer], first: int, end: int) -> dict[str, int]:
        """For each peer, the first entry in a range that is owed to it.

        Raises:
            Unavailable: The record cannot be read.
        """
        of = {name: peer.object_id for peer in peers.values() for name in peer.names}
        found: dict[str, int] = {}
        for row in await self._tail.run(lambda: self._owed(first, end)):
            if row.subscription in of:
                found.setdefault(of[row.subscription], row.sequence)
        return found

    async def outgoing(self, peer: Peer, after: int, upto: int) -> Outgoing:
        """The next message to a peer after an entry, of none later than ``upto``.

        Raises:
            Unavailable: The record cannot be read.
        """
        rows = await self._tail.run(lambda: self._next_owed(peer.party, after, upto))
        if not rows:
            return Outgoing(page=EventPage(events=(), next=upto, more=False))
        sequence = rows[0].sequence
        page = await self._events.read(peer.party, after=sequence - 1, limit=1, upto=sequence)
        for event in page.events:
            states = self._states(peer, rows, event.at)
            if states and event.view is not None and event.view.grade is Grade.FULL:
                return self._message(peer, page, event, states)
        return Outgoing(page=EventPage(events=(), next=sequence, more=True))

    def _states(self, peer: Peer, rows: list[Owed], at: datetime) -> tuple[SubscriptionState, ...]:
        return tuple(
            SubscriptionState(peer.names[row.subscription], self._peering.terms.index(row.told, at))
            for row in rows
            if row.subscription in peer.names
        )

    def _message(
        self, peer: Peer, page: EventPage, event: Event, states: tuple[SubscriptionState, ...]
    ) -> Outgoing:
        value = None if event.view is None else event.view.value
        assert isinstance(value, Protected)  # noqa: S101 - plans and zones alone are owed
        path, scope = _ABOUT[event.kind]
        airspace, now = self._engine.world.airspace, self._engine.clock()
        known = Known(
            value=value, object_id=event.object, version=event.version, token=event.token or ""
        )
        details = details_of(airspace, known, self._peering.terms, now) if is_ours(value) else None
        told = Notification(
            id=id_of_object(event.object),
            is_intent=event.kind is EntryKind.PLAN,
            now=details,
            states=states,
        )
        token = self._tokens.for_peer(
            airspace.manager(value.party or ""), _host(peer.base_url), scope, now_s=now.timestamp()
        )
        if token is None:  # It would be the node that is told.
            return Outgoing(page=EventPage(events=(), next=event.sequence, more=True))
        return Outgoing(
            page=page,
            sent=(event,),
            url=f"{peer.base_url.rstrip('/')}/uss/v1/{path}",
            message=PeerMessage(body=self._peering.encode(told), token=token),
        )

    def _owed(self, first: int, end: int) -> list[Owed]:
        with self._engine.store.reading() as record:
            return record.owed(first, end)

    def _next_owed(self, party: str, after: int, upto: int) -> list[Owed]:
        with self._engine.store.reading() as record:
            return record.next_owed(party, after, upto)


def _name(party: str, base_url: str) -> str:
    """Of a peer's cursor."""
    return PREFIX + sha256(f"{party} {base_url}".encode()).hexdigest()[:32]


def _host(base_url: str) -> str:
    """For whom a token is; an address that has no host is refused when it is posted to."""
    try:
        return urlsplit(base_url).hostname or ""
    except ValueError:
        return ""


def is_peer(name: str) -> bool:
    """Whether a cursor is a peer's."""
    return name.startswith(PREFIX)
