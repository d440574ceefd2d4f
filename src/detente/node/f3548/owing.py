"""Owing: which peers' subscriptions the node must tell of what its parties say.

Of a plan or zone that a party files by another door the node is the USS, and so it
must tell whoever subscribed to where that is or was. Only whoever may see all of it
is told, and only of where it was as far as he could see that too: nothing that is
hidden from a peer changes what he is told or how it is numbered (docs/rules/R-02.md).

Decided once, in the transaction that takes the entry in, and kept beside it: so each
worker numbers alike, and what is owed outlives whoever was to send it.

Source: ASTM F3548-21 annex A2 (subscribers, SubscriptionState); docs/adr/0017.
"""

from collections import defaultdict
from collections.abc import Iterator

from detente.core.check import protects
from detente.core.plan import Plan
from detente.core.release import Grade
from detente.core.view import Reader
from detente.core.wire import Value, read
from detente.core.zone import Zone
from detente.node.f3548.airspace import Airspace, changed
from detente.node.f3548.entities import Wish, is_native
from detente.node.f3548.extent import Extent, extent_of
from detente.node.moment import Moment
from detente.node.world import Event
from detente.store import Owed


def owing(moment: Moment, event: Event) -> list[Owed]:
    """What is owed for an entry that is about to be folded in."""
    airspace, value = moment.world.airspace, event.value
    if not airspace.wishes or value is None or not is_native(value):
        return []
    object_id = event.statement.object
    stored = moment.before.stored(object_id) if event.statement.version > 1 else None
    former = None if stored is None or stored.data is None else read(stored.data)
    now, before = _extent(airspace, value), _extent(airspace, former)
    anywhere = changed(before, now)
    if anywhere is None:
        return []
    wanted: defaultdict[str, list[Wish]] = defaultdict(list)
    for wish in airspace.wishes_in(anywhere):
        if wish.plans if isinstance(value, Plan) else wish.zones:
            wanted[wish.party].append(wish)
    return [
        Owed(
            sequence=event.sequence,
            subscription=wish.object_id,
            party=party,
            told=airspace.told(wish.id) + 1,
        )
        for party, wishes in wanted.items()
        for wish in _told(moment.reader(party), airspace, wishes, (object_id, value, former))
    ]


def _told(
    reader: Reader, airspace: Airspace, wishes: list[Wish], said: tuple[str, Value, Value | None]
) -> Iterator[Wish]:
    """Those of a party's subscriptions that are told, by what it may see and could see."""
    object_id, value, former = said
    if reader.grade(value, object_id) is not Grade.FULL:
        return
    saw = former is not None and reader.grade(former, object_id) is Grade.FULL
    spread = changed(_extent(airspace, former) if saw else None, _extent(airspace, value))
    if spread is not None:
        there = {wish.id for wish in airspace.wishes_in(spread)}
        yield from (wish for wish in wishes if wish.id in there)


def _extent(airspace: Airspace, value: Value | None) -> Extent | None:
    """Where others must reckon with a plan or zone; None where with none."""
    if isinstance(value, Plan):
        return airspace.native_extent(value) if protects(value) else None
    if isinstance(value, Zone) and protects(value):
        return extent_of(value.volumes, widen_mm=value.standoff_mm + value.uncertainty_mm)
    return None
