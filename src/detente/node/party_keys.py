"""A party's keys change: it replaces one itself, or the node revokes one.

Replacing is an entry of the party's own that the old key signs and the new one as
well. Revoking is an entry of the node. Either takes effect from the next entry on;
what a key signed before stays as it was (docs/adr/0013).
"""

from datetime import datetime

from msgspec.structs import replace

from detente.core.entry import EntryKind
from detente.core.ledger import NODE
from detente.core.party import Party
from detente.core.wire import read
from detente.errors import NotFound
from detente.node.author import Author
from detente.node.keyring import Keyring, public_key
from detente.node.submit import Receipt, submit
from detente.node.whole_file import sync_folder
from detente.store import Record, Store, Stored


def rotate(store: Store, keyring: Keyring, party: str, *, now: datetime) -> Receipt:
    """Replace the key with which a party signs by one that is made here.

    Killed in between, it is finished by calling it again.

    Raises:
        NotFound: No such party, or its key is not here.
        NotAuthentic: The key that is here no longer speaks for it.
    """
    coming = f"{party}.next"  # No party's: ids hold no dots.
    with store.reading() as record:
        stored, value = _party(record, party)
        if keyring.path(coming).exists() and public_key(keyring.load(coming)) in value.keys:
            _promote(keyring, party, coming)
        old = keyring.load(party)
        author = Author.following(record, party, old)
    new = keyring.own(coming)
    left = tuple(one for one in value.keys if one.id != public_key(old).id)
    changed = replace(value, keys=(*left, public_key(new)))
    written = author.write(
        changed, now=now, object_id=stored.object_id, version=stored.version + 1, also=(new,)
    )
    [receipt] = submit(store, [written], now=now)
    _promote(keyring, party, coming)
    return receipt


def revoke(store: Store, keyring: Keyring, party: str, key: str, *, now: datetime) -> Receipt:
    """Take a key away from a party, as the node.

    Args:
        store: The theatre's.
        keyring: Where the node's key is.
        party: Whose key it is.
        key: The key's id.
        now: UTC.

    Raises:
        NotFound: No such party, it has no such key, or the node's key is not here.
    """
    with store.reading() as record:
        stored, value = _party(record, party)
        author = Author.following(record, NODE, keyring.load(NODE))
    left = tuple(one for one in value.keys if one.id != key)
    if len(left) == len(value.keys):
        raise NotFound(f"key {key} of {party}", expected="the id of a key that it has")
    changed = replace(value, keys=left)
    written = author.write(changed, now=now, object_id=stored.object_id, version=stored.version + 1)
    [receipt] = submit(store, [written], now=now)
    return receipt


def _party(record: Record, party: str) -> tuple[Stored, Party]:
    stored = record.named(EntryKind.PARTY, NODE, [party]).get(party)
    value = None if stored is None or stored.data is None else read(stored.data)
    if stored is None or not isinstance(value, Party):
        raise NotFound(f"party {party}", expected="one that `detente party new` admitted")
    return stored, value


def _promote(keyring: Keyring, party: str, coming: str) -> None:
    """Let the new key be the party's; the old one, which speaks no more, is gone."""
    keyring.path(coming).replace(keyring.path(party))
    sync_folder(keyring.folder)
