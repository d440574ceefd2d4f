"""Subscriptions of a party: making, ending and reading them."""

from datetime import datetime, timedelta

from msgspec import Struct

from detente.core.entry import EntryKind, token
from detente.core.principal import Principal, Scope
from detente.core.subscription import Subscription
from detente.core.volume import EPOCH
from detente.core.wire import read
from detente.errors import MalformedInput, NotFound
from detente.node.engine import Decision
from detente.node.moment import Moment
from detente.node.submit import Receipt, Touches
from detente.node.telling.address import Allowed, target
from detente.node.telling.cursors import ALL
from detente.node.telling.matching import check_wish
from detente.node.telling.people import People
from detente.node.verbs import End, Place, Speak
from detente.store import Record, Stored


async def sealed(
    people: People, principal: Principal, url: str | None, target: str | None
) -> str | None:
    """Where people are told, as it is kept; None where none are.

    Raises:
        NotPermitted: The asker lacks the scope, or as for ``People.sealed``.
        MalformedInput: Programs and people are to be told at once, or as there.
        Unavailable: As there.
    """
    principal.require(Scope.SUBSCRIBE)
    if target is None:
        return None
    if url is not None:
        raise MalformedInput("people", expected="no url beside it", got="both")
    return await people.sealed(principal.party, target)


class Subscribe:
    """Makes a subscription.

    Args:
        principal: Whose it is.
        value: What is wanted.
        allowed: Where webhooks may go.

    Raises:
        NotPermitted: The asker lacks the scope, or the address is not one to post to.
        MalformedInput: A wish that nothing could match, no address, or no desk of the party.
    """

    def __init__(self, principal: Principal, value: Subscription, allowed: Allowed) -> None:
        check_wish(value)
        if value.url is not None:
            target(value.url, allowed)
        self.principal = principal
        self._desk = value.desk
        self._speak = Speak(principal, value)

    @property
    def touches(self) -> Touches:
        """As for anything that is said."""
        return self._speak.touches

    def decide(self, moment: Moment) -> Decision[Receipt]:
        """One entry, unless the party has as many as it may (detente.node.rules)."""
        party = moment.world.parties.get(self.principal.party)
        desks = [] if party is None else [one.id for one in party.desks]
        if self._desk is not None and self._desk not in desks:
            known = ", ".join(desks) or "none: the party has no desk"
            raise MalformedInput("desk", expected=f"one of {known}", got=self._desk)
        return self._speak.decide(moment)


class Unsubscribe:
    """Ends a subscription, in whichever version it is: nobody else changes it meanwhile.

    Args:
        principal: Whose it is.
        object_id: Its id.
    """

    def __init__(self, principal: Principal, object_id: str) -> None:
        principal.require(Scope.SUBSCRIBE)
        self.principal = principal
        self.touches = Touches(objects=(object_id,))
        self._object_id = object_id

    def decide(self, moment: Moment) -> Decision[Receipt]:
        """A last version."""
        stored = moment.before.stored(self._object_id)
        own = (self.principal.party, EntryKind.SUBSCRIPTION)
        if stored is None or stored.salt is None or (stored.party, stored.kind) != own:
            raise NotFound(f"subscription {self._object_id}")
        place = Place(object_id=self._object_id, token=token(stored.salt, stored.leaf))
        return End(self.principal, place).decide(moment)


class Progress(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How delivery goes.

    Attributes:
        told: The last entry that was delivered or need not be.
        attempts: That failed in a row.
        next_attempt: When the next one is due.
        failing_since: Since when they fail.
    """

    told: int
    attempts: int = 0
    next_attempt: datetime | None = None
    failing_since: datetime | None = None


class Subscribed(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A subscription as its party sees it; ``progress`` of one with an address to post to."""

    object: str
    version: int
    sequence: int
    token: str
    value: Subscription
    progress: Progress | None = None


class SubscriptionPage(Struct, frozen=True, kw_only=True):
    """Some of a party's subscriptions; go on ``after`` where there are more."""

    subscriptions: tuple[Subscribed, ...]
    after: int
    more: bool


def subscription(record: Record, party: str, object_id: str) -> Subscribed:
    """One subscription of a party, ended or not.

    Raises:
        NotFound: There is none, or it is another party's: the two look alike.
    """
    stored = record.identified([object_id]).get(object_id)
    found = None if stored is None or stored.party != party else _subscribed(record, stored)
    if found is None:
        raise NotFound(f"subscription {object_id}")
    return found


def subscriptions(record: Record, party: str, *, after: int, limit: int) -> SubscriptionPage:
    """A party's subscriptions that have not ended, in the order of the record.

    Those of F3548 are among its own and not here.
    """
    rows = list(
        record.objects(EntryKind.SUBSCRIPTION, party=party, after=after, limit=limit, ended=False)
    )
    found = [one for row in rows if (one := _subscribed(record, row)) is not None]
    return SubscriptionPage(
        subscriptions=tuple(found),
        after=rows[-1].sequence if rows else after,
        more=len(rows) == limit,
    )


def _subscribed(record: Record, stored: Stored) -> Subscribed | None:
    value = None if stored.data is None else read(stored.data)
    if not isinstance(value, Subscription) or value.uss is not None or stored.salt is None:
        return None
    return Subscribed(
        object=stored.object_id,
        version=stored.version,
        sequence=stored.sequence,
        token=token(stored.salt, stored.leaf),
        value=value,
        progress=None if value.url is None else _progress(record, stored.object_id),
    )


def _progress(record: Record, object_id: str) -> Progress:
    """By its own cursor, or by the one that it shares with all for which nothing waits."""
    own, shared = record.cursor(object_id), record.cursor(ALL)
    first = record.history(object_id)[0]
    if own is None:
        return Progress(told=first if shared is None else max(first, shared.sequence))
    return Progress(
        told=own.sequence,
        attempts=own.attempts,
        next_attempt=_time(own.next_us) if own.attempts else None,
        failing_since=None if own.failing_since_us is None else _time(own.failing_since_us),
    )


def _time(us: int) -> datetime:
    return EPOCH + timedelta(microseconds=us)
