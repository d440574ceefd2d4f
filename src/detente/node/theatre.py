"""Founding a theatre and admitting parties: what the node itself says.

Leaf 0 is the agreement, with the node's key. A party is admitted by an entry of
the node that the party's own key signs as well, so that nobody is given a key
which he does not hold (docs/adr/0006).
"""

import os
from datetime import datetime
from pathlib import Path

import msgspec

from detente.core.agreement import Agreement
from detente.core.entry import EntryKind
from detente.core.ledger import AGREEMENT_SOURCE_ID, NODE
from detente.core.party import Party
from detente.errors import Conflict
from detente.node.author import Author
from detente.node.keyring import Keyring, public_key
from detente.node.submit import Receipt, submit
from detente.store import Store


def found(path: Path, *, theatre: str, agreement: Agreement, now: datetime) -> Receipt:
    """Make a register for a theatre, whose first entry is the agreement.

    It is made beside its place and moved there whole, so that a register
    without its agreement is never seen.

    Raises:
        Conflict: There is a register, or a key of a node, already.
        Unavailable: It cannot be written.
    """
    if path.exists():
        raise Conflict(f"register {path.name}", expected="a name that is not taken yet")
    keyring = Keyring(path)
    keyring.require_none(NODE)
    unfinished = path.with_name(path.name + ".unfinished")
    for leftover in (unfinished, *(Path(f"{unfinished}-{part}") for part in ("wal", "shm"))):
        leftover.unlink(missing_ok=True)
    store = Store(unfinished, create=theatre)
    key = keyring.make(NODE)
    author = Author(theatre=theatre, party=NODE, key=key, head=None)
    terms = msgspec.structs.replace(agreement, node_keys=(public_key(key),))
    [receipt] = submit(store, [author.write(terms, now=now)], now=now)
    store.close()
    unfinished.rename(path)
    _sync_folder(path.parent)
    return receipt


def admit(store: Store, keyring: Keyring, party: Party, *, now: datetime) -> Receipt:
    """Admit a party with a key made for it here.

    Raises:
        Conflict: It is admitted already, or takes the node's own id.
        NotFound: The node's key is not here.
    """
    if party.id == NODE:
        raise Conflict(f"party {NODE}", expected="another id: this one is the node's own")
    node_key = keyring.load(NODE)
    with store.reading() as record:
        author = Author.following(record, NODE, node_key)
        if record.named(EntryKind.PARTY, NODE, [party.id]):
            raise Conflict(f"party {party.id}", expected="an id that is not taken yet")
    # A key without an entry was left by a run that was killed in between.
    left = keyring.path(party.id).exists()
    key = keyring.load(party.id) if left else keyring.make(party.id)
    value = msgspec.structs.replace(party, keys=(public_key(key),))
    [receipt] = submit(store, [author.write(value, now=now, also=(key,))], now=now)
    return receipt


def agree(store: Store, keyring: Keyring, agreement: Agreement, *, now: datetime) -> Receipt:
    """Put a new version of the agreement on the record.

    Raises:
        NotFound: The node's key is not here.
    """
    key = keyring.load(NODE)
    with store.reading() as record:
        author = Author.following(record, NODE, key)
        names = record.named(EntryKind.AGREEMENT, NODE, [AGREEMENT_SOURCE_ID])
    current = names[AGREEMENT_SOURCE_ID]
    terms = msgspec.structs.replace(agreement, node_keys=(public_key(key),))
    written = author.write(terms, now=now, object_id=current.object_id, version=current.version + 1)
    [receipt] = submit(store, [written], now=now)
    return receipt


def _sync_folder(folder: Path) -> None:
    """Make a rename last (POSIX: a folder is synced through a handle of its own)."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
