"""The verb by which an author ends a notice, zone or presence."""

from datetime import datetime

import msgspec
from nacl.signing import SigningKey

from detente.core.lifecycle import Standing
from detente.core.notice import Notice
from detente.core.presence import Presence
from detente.core.wire import read
from detente.core.zone import Zone
from detente.errors import NotFound, NotPermitted
from detente.node.author import Author
from detente.node.history import resolve
from detente.node.submit import Receipt, submit
from detente.store import Store


def withdraw(store: Store, party: str, key: SigningKey, name: str, *, now: datetime) -> Receipt:
    """Put a version on the record that no longer asks to be reckoned with.

    Raises:
        NotFound: No such object, or it was erased.
        NotPermitted: Another party's, or of a kind that has no standing.
        Conflict: Withdrawn already.
    """
    with store.reading() as record:
        stored = resolve(record, name)
        author = Author.following(record, party, key)
    if stored.party != party:
        raise NotPermitted(f"object {name}", expected=f"its author {stored.party}", got=party)
    if stored.data is None:
        raise NotFound(f"content of object {name}")
    value = read(stored.data)
    if not isinstance(value, Notice | Zone | Presence):
        raise NotPermitted(f"object {name}", expected="a notice, zone or presence", got=stored.kind)
    ended = msgspec.structs.replace(value, standing=Standing.WITHDRAWN)
    written = author.write(ended, now=now, object_id=stored.object_id, version=stored.version + 1)
    [receipt] = submit(store, [written], now=now)
    return receipt
