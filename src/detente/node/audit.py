"""``detente log verify``: every entry again, by the rules that let it in.

Checks, each of every entry:

1. entries are numbered from 0 without a gap;
2. an entry is a canonical envelope, and stands in the tree as its own hash;
3. it was for this theatre, by a key that the record gave to its party before,
   and was the next of its party's chain and of its object;
4. what stands beside it is what it commits to, and nothing where an erasure that is
   on record erased it, or where that is kept by whoever asked: what is missing
   without one is lost;
5. the tiles and the root are those of the entries;
6. the current objects are the last versions in the record, and what pictures are made
   of is what these say.

What this cannot show: that the operator's whole record, consistent in itself,
is the one that others were shown. That takes witnesses (docs/adr/0005).
"""

from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256

from msgspec import Struct

from detente.core.entry import KEPT_BY_ASKER, Signed, unseal
from detente.core.erasure import Erasure
from detente.core.ledger import (
    NODE,
    Act,
    Held,
    Ledger,
    Nothing,
    is_erased,
    opened,
    source_id,
    without_content,
)
from detente.core.merkle import EMPTY_ROOT
from detente.core.tiles import grow, root
from detente.errors import DetenteError
from detente.node.gathering import gathered_otherwise
from detente.node.lookup import public_keys
from detente.store import Content, Record, Store

PROBLEMS_SHOWN_MAX = 20
"""Problems told one by one; all are counted. One altered entry breaks every later
one of its party, so more would say less."""

_PROGRESS_STEP = 1_000


class Audit(Struct, kw_only=True):
    """What was found; ``problems`` holds the first, ``problems_total`` counts all.

    ``checks`` counts them by the number of the check.
    """

    theatre: str = ""
    size: int = 0
    root: str = ""
    node_key: str = ""
    erased: int = 0
    kept_by_askers: int = 0
    problems_total: int = 0
    problems: list[str] = []
    checks: dict[int, int] = {}

    def report(self, check: int, where: str, what: object) -> None:
        """Note a problem."""
        self.problems_total += 1
        self.checks[check] = self.checks.get(check, 0) + 1
        if len(self.problems) < PROBLEMS_SHOWN_MAX:
            self.problems.append(f"check {check}, {where}: {what}")


def audit(store: Store, *, progress: Callable[[int, int], None] = lambda *_: None) -> Audit:
    """Verify everything that a register holds.

    Args:
        store: The theatre's.
        progress: Told how many entries of how many are done, now and then.

    Returns:
        What was found; problems are values here, not exceptions.
    """
    found = Audit()
    try:
        with store.reading() as record:
            _audit(record, found, progress)
    except DetenteError as error:
        found.report(0, "register", error)
    return found


def audit_record(record: Record) -> tuple[Audit, Mapping[str, tuple[int, Held]]]:
    """Verify one state of a record.

    Returns:
        What was found; and the last version of each object by its id, with its entry.

    Raises:
        DetenteError: It cannot be read to its end.
    """
    found = Audit()
    return found, _audit(record, found, lambda *_: None)


def _audit(
    record: Record, found: Audit, progress: Callable[[int, int], None]
) -> Mapping[str, tuple[int, Held]]:
    found.theatre, found.size, head_root = record.head()
    found.root = head_root.hex()
    keys = public_keys(record, NODE)
    found.node_key = sha256(bytes.fromhex(keys[0].ed25519)).hexdigest() if keys else ""
    auditor = _Auditor(record, found, progress)
    auditor.run()
    return auditor.current


class _Auditor:
    """One pass over the record, in order."""

    def __init__(self, record: Record, found: Audit, progress: Callable[[int, int], None]) -> None:
        self._record = record
        self._found = found
        self._progress = progress
        self._ledger = Ledger(found.theatre, Nothing())
        self.current: dict[str, tuple[int, Held]] = {}
        self._missing: dict[int, str] = {}
        self._erased: set[str] = set()
        self._leaves: list[bytes] = []

    def run(self) -> None:
        expected = 0
        for sequence, leaf, envelope, content in self._record.rows():
            if sequence != expected:
                self._found.report(1, f"entry {expected}", "is missing")
            expected = sequence + 1
            self._entry(sequence, leaf, envelope, content)
            if expected % _PROGRESS_STEP == 0:
                self._progress(expected, self._found.size)
        if expected != self._found.size:
            self._found.report(1, "record", f"ends at {expected}, expected {self._found.size}")
        self._lost()
        self._tree()
        self._objects()
        self._progress(expected, self._found.size)

    def _entry(self, sequence: int, leaf: bytes, envelope: bytes, content: Content | None) -> None:
        where = f"entry {sequence}"
        try:
            signed = unseal(envelope)
        except DetenteError as error:
            self._leaves.append(leaf)
            self._found.report(2, where, error)
            return
        self._leaves.append(signed.leaf)
        if signed.leaf != leaf:
            self._found.report(2, where, "its hash is not the one in the record")
        value = None
        if signed.statement.kind in KEPT_BY_ASKER:
            self._found.kept_by_askers += 1
            if content is not None:
                self._found.report(4, where, "what it commits to is here, and is its asker's")
        elif content is None:
            self._missing[sequence] = signed.statement.object
        else:
            try:
                value = opened(signed, content.salt, content.data)
            except DetenteError as error:
                self._found.report(4, where, error)
        self._accept(sequence, signed, Act(signed=signed, value=value))

    def _accept(self, sequence: int, signed: Signed, act: Act) -> None:
        try:
            # Who was aware of what is not in the record; that the node asked is.
            held = self._ledger.accept(act, aware=True)
        except DetenteError as error:
            self._found.report(3, f"entry {sequence}", error)
            return
        self.current[signed.statement.object] = (sequence, held)
        if isinstance(act.value, Erasure):
            self._erasure(sequence, act.value.object)

    def _erasure(self, sequence: int, object_id: str) -> None:
        """What is erased must be gone, of every version."""
        self._erased.add(object_id)
        last, held = self.current[object_id]
        self.current[object_id] = (last, without_content(held))
        for version in self._record.history(object_id):
            if self._record.content(version) is not None:
                self._found.report(
                    4, f"entry {version}", f"still holds what entry {sequence} erased"
                )

    def _lost(self) -> None:
        """What is missing was erased by an entry of this record, or it is lost."""
        for sequence, object_id in self._missing.items():
            if object_id in self._erased:
                self._found.erased += 1
            else:
                self._found.report(
                    4, f"entry {sequence}", "what it commits to is missing, and nothing erased it"
                )

    def _tree(self) -> None:
        """Check 5, from the hashes of the entries themselves."""
        tiles = grow(lambda _level, _number: b"", 0, self._leaves)
        computed = EMPTY_ROOT
        if self._leaves:
            computed = root(lambda level, number: tiles[level, number], len(self._leaves))
        if computed.hex() != self._found.root:
            self._found.report(5, "root", f"expected {computed.hex()}, got {self._found.root}")
        for (level, number), hashes in tiles.items():
            try:
                kept = self._record.tile(level, number)
            except DetenteError as error:
                self._found.report(5, f"tile {level}/{number}", error)
                continue
            if kept != hashes:
                self._found.report(5, f"tile {level}/{number}", "is not that of the entries")

    def _objects(self) -> None:
        """Check 6."""
        left = dict(self.current)
        for stored in self._record.objects():
            sequence, held = left.pop(stored.object_id, (None, None))
            wrong = (
                held is None
                or (stored.sequence, stored.version) != (sequence, held.version)
                or (stored.kind, stored.party) != (held.kind, held.party)
                or (held.value is not None and stored.source_id != source_id(held.value))
                or (is_erased(held) and (stored.source_id, stored.ended) != ("", True))
            )
            if wrong:
                self._found.report(
                    6, f"object {stored.object_id}", "is not the last version in the record"
                )
        for object_id in left:
            self._found.report(6, f"object {object_id}", "is missing among the current objects")
        for sequence, object_id in gathered_otherwise(self._record, self.current):
            where = f"object {object_id}, entry {sequence}"
            self._found.report(6, where, "is in pictures otherwise than it says")


def iter_problems(found: Audit) -> Iterator[str]:
    """The problems told, and how many more there are."""
    yield from found.problems
    more = found.problems_total - len(found.problems)
    if more:
        yield f"and {more} more"
