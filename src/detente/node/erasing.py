"""The verb by which an object's content is destroyed.

Source: docs/rules/R-19.md; docs/adr/0019.
"""

from datetime import datetime
from functools import partial

from nacl.signing import SigningKey

from detente.core.erasure import Erasure
from detente.core.ledger import NODE
from detente.core.principal import Principal, Scope
from detente.errors import NotFound
from detente.node.author import Author
from detente.node.engine import Decision, Said
from detente.node.history import resolve
from detente.node.moment import Moment
from detente.node.submit import Receipt, Touches, submit
from detente.node.values import Values
from detente.node.world import World
from detente.store import Appender, Store, Stored


class Erase:
    """Erases an object that is over: its author's own, or for an administrator anybody's.

    Args:
        principal: Who asks.
        object_id: The object's id.
        order: By whose order and under which heading.

    Raises:
        NotPermitted: The asker has neither scope.
    """

    def __init__(self, principal: Principal, object_id: str, order: str) -> None:
        principal.require(Scope.ERASE, Scope.ADMIN)
        self.principal = principal
        self.touches = Touches(objects=(object_id,))
        self._object_id = object_id
        self._order = order

    def decide(self, moment: Moment) -> Decision[Receipt]:
        """The author's erasure, or the node's."""
        stored = moment.before.stored(self._object_id)
        party, scopes = self.principal.party, self.principal.scopes
        own = stored is not None and stored.party == party and Scope.ERASE in scopes
        if stored is None or not (own or Scope.ADMIN in scopes):
            raise NotFound(f"object {self._object_id}")
        asked = None if own else party
        value = _erasure(stored, party if own else NODE, self._order, asked=asked)
        said = Said(value=value, of_node=not own)
        return Decision(says=(said,), answer=lambda receipts: receipts[0])


def erase(
    store: Store, party: str, key: SigningKey, name: str, order: str, *, now: datetime
) -> Receipt:
    """Erase an object of a register on this machine.

    Args:
        store: The theatre's.
        party: Who says it: the object's author, or the node.
        key: That one's.
        name: Of the object.
        order: By whose order and under which heading.
        now: UTC.

    Raises:
        NotFound: No such object.
        InForce: It still counts.
        NotPermitted: Of a kind that is never erased.
        MalformedInput: The order is empty, too long, or repeats the object's name.
        Conflict: Another party's, or erased already.
    """
    with store.reading() as record:
        stored = resolve(record, name)
        author = Author.following(record, party, key)
    written = author.write(_erasure(stored, party, order), now=now)
    keep_counts = partial(_keep_counts, Values(store))
    [receipt] = submit(store, [written], now=now, first_of_all=keep_counts)
    return receipt


def _erasure(stored: Stored, party: str, order: str, *, asked: str | None = None) -> Erasure:
    return Erasure(
        party=party,
        object=stored.object_id,
        kind=stored.kind.value,
        version=stored.version,
        order=order,
        asked=asked,
    )


def _keep_counts(values: Values, record: Appender) -> None:
    """How often F3548's subscriptions were told cannot be counted from what is erased."""
    world = World.load(record, values)
    record.keep_notified(world.sequence, world.airspace.indices)
