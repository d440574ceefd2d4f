"""Tracks that are shown: that a party sees what a feed tells is on record before it does.

Tracks move too often for an entry each, and are not on the record. What is put there, once an hour
for each feed and reader, is that the reader was shown what that feed told within that hour: never
a place, and not how much. Every door calls ``disclose_tracks`` before the bytes go out.

Source: docs/rules/R-08.md; docs/adr/0036.
"""

from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256
from weakref import WeakKeyDictionary

from detente.core.entry import EntryKind
from detente.core.ledger import NODE
from detente.core.telling import Delivery, Outcome, TracksOf
from detente.node.alerted import AlertShown
from detente.node.engine import Decision, Engine, Said
from detente.node.moment import Moment
from detente.node.submit import Touches
from detente.node.telling.disclosures import THE_NODE

FeedKey = tuple[str, str]
"""Whose a feed is, and its name."""

_NAME_DIGITS = 32


class _Said:
    """What this process knows to be on record of the hour that runs, by reader and feed."""

    def __init__(self) -> None:
        self.hour: datetime | None = None
        self.known: set[tuple[str, FeedKey]] = set()

    def of(self, hour: datetime) -> set[tuple[str, FeedKey]]:
        """What is known of an hour; of another nothing is kept."""
        if hour != self.hour:
            self.hour, self.known = hour, set()
        return self.known


_OF: WeakKeyDictionary[Engine, _Said] = WeakKeyDictionary()


async def disclose_tracks(engine: Engine, party: str, feeds: Iterable[FeedKey], how: str) -> None:
    """Have it on record that a party is shown tracks, before it is.

    Args:
        engine: At work.
        party: To whom.
        feeds: Of which feeds; the party's own disclose nothing to it.
        how: read or stream.

    Raises:
        Unavailable: It cannot be recorded: then nothing may be shown.
    """
    if party == NODE:
        return
    hour = engine.clock().replace(minute=0, second=0, microsecond=0)
    known = _OF.setdefault(engine, _Said()).of(hour)
    new = {feed for feed in feeds if feed[0] != party and (party, feed) not in known}
    if new:
        await engine.act(_Show([_delivery(party, feed, hour, how) for feed in sorted(new)]))
        known.update((party, feed) for feed in new)


def feeds_in(alerts: Iterable[AlertShown]) -> set[FeedKey]:
    """The feeds whose tracks alerts show."""
    return {(one.track.party, one.track.feed) for one in alerts if one.track is not None}


class _Show:
    """Puts on record what is not there: another process may have been first."""

    principal = THE_NODE

    def __init__(self, deliveries: list[Delivery]) -> None:
        self._deliveries = deliveries
        names = ((EntryKind.DELIVERY, NODE, one.source_id) for one in deliveries)
        self.touches = Touches(names=tuple(names))

    def decide(self, moment: Moment) -> Decision[None]:
        """Those that are new."""
        new = (
            one
            for one in self._deliveries
            if moment.before.named(EntryKind.DELIVERY, NODE, one.source_id) is None
        )
        says = [Said(value=one, of_node=True) for one in new]
        return Decision(says=says, answer=lambda _: None)


def _delivery(to: str, feed: FeedKey, hour: datetime, how: str) -> Delivery:
    """Of one name in every process of the node, so that it is said once."""
    named = "\n".join(("tracks", to, *feed, hour.isoformat()))
    return Delivery(
        source_id=sha256(named.encode()).hexdigest()[:_NAME_DIGITS],
        to=to,
        how=how,
        outcome=Outcome.DELIVERED,
        tracks=TracksOf(party=feed[0], feed=feed[1], hour=hour),
    )
