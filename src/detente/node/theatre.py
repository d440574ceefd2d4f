"""Founding a theatre and admitting parties: what the node itself says.

Leaf 0 is the agreement, with the node's key. A party is admitted by an entry of
the node that the party's own key signs as well, so that nobody is given a key
which he does not hold (docs/adr/0006).
"""

from datetime import datetime
from pathlib import Path

import msgspec
from msgspec import Struct

from detente.core.agreement import Agreement
from detente.core.checkpoint import log_origin
from detente.core.entry import EntryKind
from detente.core.ledger import AGREEMENT_SOURCE_ID, NODE
from detente.core.note_key import parse_vkey
from detente.core.party import Party
from detente.core.wire import read
from detente.errors import Conflict
from detente.node.author import Author
from detente.node.keyring import Keyring, public_key
from detente.node.log import new_log_key
from detente.node.submit import Receipt, submit
from detente.node.whole_file import sync_folder
from detente.store import Place, Store, Stored


def found(
    where: Place,
    *,
    theatre: str,
    agreement: Agreement,
    now: datetime,
    keyring: Keyring | None = None,
    log_prefix: str | None = None,
) -> Receipt:
    """Make a register for a theatre, whose first entry is the agreement.

    A register without its agreement is never seen: in a database both come in one
    transaction; a file is made beside its place and moved there whole.

    Args:
        where: A file that is not there yet, or a database without a theatre.
        theatre: Whose record it is.
        agreement: The terms with which it begins.
        now: UTC.
        keyring: Where the keys of the node and of its log go; else where ``Keyring`` says.
        log_prefix: Of the log's origin (``log_origin``); None makes up one of its own.

    Raises:
        MalformedInput: The prefix is no name of a log.
        Conflict: There is a register, or a key of a node, already.
        Unavailable: It cannot be written.
    """
    keyring = keyring or Keyring(where)
    founding = _Founding(
        theatre=theatre, agreement=agreement, keyring=keyring, now=now, log_prefix=log_prefix
    )
    if isinstance(where, Path):
        return _found_file(where, founding)
    return _found_in(where, founding)


class _Founding(Struct, frozen=True, kw_only=True):
    theatre: str
    agreement: Agreement
    keyring: Keyring
    now: datetime
    log_prefix: str | None


def _found_file(path: Path, founding: _Founding) -> Receipt:
    if path.exists():
        raise Conflict(f"register {path.name}", expected="a name that is not taken yet")
    founding.keyring.require_none(NODE)
    unfinished = path.with_name(path.name + ".unfinished")
    for leftover in (unfinished, *(Path(f"{unfinished}-{part}") for part in ("wal", "shm"))):
        leftover.unlink(missing_ok=True)
    receipt = _found_in(unfinished, founding)
    unfinished.rename(path)
    sync_folder(path.parent)
    return receipt


def _found_in(where: Place, founding: _Founding) -> Receipt:
    """The theatre and its first entry, in one transaction."""
    store = Store(where, create=True)
    now = founding.now
    try:
        with store.founding(founding.theatre) as begun:
            key = founding.keyring.make(NODE)
            author = Author(theatre=founding.theatre, party=NODE, key=key, head=None)
            log_key = new_log_key(founding.keyring, founding.theatre, founding.log_prefix)
            terms = msgspec.structs.replace(
                founding.agreement, node_keys=(public_key(key),), log_keys=(log_key,)
            )
            [receipt] = submit(begun, [author.write(terms, now=now)], now=now)
    finally:
        store.close()
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


def agree(
    store: Store,
    keyring: Keyring,
    agreement: Agreement,
    *,
    now: datetime,
    log_prefix: str | None = None,
) -> Receipt:
    """Put a new version of the agreement on the record.

    The log keeps its name; a theatre that was founded before logs had keys is given one.

    Raises:
        MalformedInput: The prefix is no name of a log.
        Conflict: The log has another name already.
        NotFound: The node's key is not here.
    """
    key = keyring.load(NODE)
    with store.reading() as record:
        author = Author.following(record, NODE, key)
        names = record.named(EntryKind.AGREEMENT, NODE, [AGREEMENT_SOURCE_ID])
        theatre, _, _ = record.head()
    current = names[AGREEMENT_SOURCE_ID]
    terms = msgspec.structs.replace(
        agreement,
        node_keys=(public_key(key),),
        log_keys=_log_keys(current, keyring, theatre, log_prefix),
    )
    written = author.write(terms, now=now, object_id=current.object_id, version=current.version + 1)
    [receipt] = submit(store, [written], now=now)
    return receipt


def _log_keys(
    current: Stored, keyring: Keyring, theatre: str, prefix: str | None
) -> tuple[str, ...]:
    before = None if current.data is None else read(current.data)
    known = before.log_keys if isinstance(before, Agreement) else ()
    if not known:
        return (new_log_key(keyring, theatre, prefix),)
    if prefix is not None and parse_vkey(known[-1]).name != log_origin(prefix, theatre):
        raise Conflict("log", expected="the name that it has", got=prefix)
    return known
