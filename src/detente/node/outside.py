"""``detente audit``: a log followed by whoever has nothing but what it publishes.

Checks, in their order:

1. the checkpoint is signed by the log's key, under its own origin, and cosigned by the
   quorum of the policy;
2. it is not shorter than the one remembered, nor of another past;
3. each entry is a canonical envelope, and stands in the tile of leaf hashes as its own
   hash;
4. each entry follows the rules that can be asked from outside (detente.core.outside);
5. the tiles above, and the root, are those of the entries.

The first time all entries are read, afterwards those that are new: the root is computed
from them and from the remembered edge of the tree, so a log with another past cannot
come to the root that it signs.

What this cannot show is said in ``detente.core.outside``. That everybody is shown this
same log takes witnesses, or auditors who compare.

Source: C2SP tlog-tiles, tlog-checkpoint, tlog-policy; RFC 9162 section 2.1.4;
DESIGN section 7; docs/adr/0018.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

from msgspec import Struct

from detente.core.log_files import LogFile, width_at
from detente.core.merkle import HASH_BYTES
from detente.core.note import NOTE_BYTES_MAX
from detente.core.outside import KeyChange, Known, Outside
from detente.core.policy import Policy, Witnessed, verify_checkpoint
from detente.core.shown import Shown
from detente.core.tiles import TILE_WIDTH, Tile, grow, right_edge, root
from detente.core.volume import microseconds
from detente.errors import DetenteError, LogInconsistent, NotFound, Unavailable
from detente.node.log_source import CHECKPOINT, Source, read_tile
from detente.node.outside_bundles import Examined, examined, tile_problem
from detente.node.outside_memory import Memory, edge_root

PROBLEMS_SHOWN_MAX = 20
"""Told one by one; all are counted."""

ENTRIES_MAX = 50_000_000
"""New entries in one audit: some 200 bytes of memory for each new object."""

Progress = Callable[[int, int], None]


class Problem(Struct, frozen=True, kw_only=True):
    """Something that does not hold.

    Attributes:
        rule: ``checkpoint``, ``truncated``, ``fork``, ``entry``, ``file``, ``tile``,
            ``root``, or a rule of detente.core.outside.
        where: Which entry or file.
        what: What is wrong.
    """

    rule: str
    where: str
    what: str


class Cosigned(Struct, frozen=True, kw_only=True):
    """A witness of the policy, and when it cosigned by its clock: seconds since 1970, UTC."""

    witness: str
    time_s: int | None


class Speaker(Struct, frozen=True, kw_only=True):
    """A party that speaks in the log: entries in its chain, its key, and their last time.

    ``since`` is the entry from which on it speaks with this key.
    """

    party: str
    entries: int
    key: str
    since: int
    time_us: int


class Audited(Struct, kw_only=True):
    """What an audit from outside found.

    Attributes:
        origin: The log's name.
        theatre: Whose record it is.
        size: Entries in the log.
        root: Over them, hex.
        checkpoint: The signed note.
        cosigned: By the witnesses of the policy.
        before: Size at the last audit; None if there was none.
        before_checkpoint: What was signed then.
        read: Entries that were read now.
        signatures: Signatures of entries that were verified, by keys that were given.
        speakers: Who speaks.
        key_changes: Keys that spoke for the first time among the entries read now.
        problems_total: All that do not hold.
        problems: The first of them.
    """

    origin: str = ""
    theatre: str = ""
    size: int = 0
    root: str = ""
    checkpoint: str = ""
    cosigned: list[Cosigned] = []
    before: int | None = None
    before_checkpoint: str | None = None
    read: int = 0
    signatures: int = 0
    speakers: list[Speaker] = []
    key_changes: list[KeyChange] = []
    problems_total: int = 0
    problems: list[Problem] = []

    @property
    def consistent(self) -> bool:
        """Whether everything holds that was asked."""
        return not self.problems_total

    def report(self, rule: str, where: str, what: object) -> None:
        """Note a problem."""
        self.problems_total += 1
        if len(self.problems) < PROBLEMS_SHOWN_MAX:
            self.problems.append(Problem(rule=rule, where=where, what=str(what)))


class Asked(Struct, frozen=True, kw_only=True):
    """What an audit is to be done with.

    Attributes:
        where: The log's address or folder.
        policy: Whose signatures make its checkpoint worth believing.
        now: UTC, by the auditor's clock.
        full: Read all entries again, though some are remembered.
        keys: Public keys that are known, 32 bytes each, by their ids.
    """

    where: str
    policy: Policy
    now: datetime
    full: bool = False
    keys: Mapping[str, bytes] = {}


def fetch_checkpoint(source: Source, policy: Policy, found: Audited) -> Witnessed | None:
    """Check 1: the checkpoint of a log, if it is to be believed.

    Raises:
        Unavailable: There is none, or it could not be asked for.
    """
    try:
        data = source.read(CHECKPOINT, NOTE_BYTES_MAX)
    except NotFound:
        raise Unavailable(CHECKPOINT, expected="one, at this address", got="none") from None
    except Unavailable:
        raise
    except DetenteError as error:
        found.report("checkpoint", CHECKPOINT, error)
        return None
    found.checkpoint = data.decode(errors="replace")
    try:
        believed = verify_checkpoint(data, policy)
    except DetenteError as error:
        found.report("checkpoint", CHECKPOINT, error)
        return None
    found.origin, found.size = believed.checkpoint.origin, believed.checkpoint.size
    found.root = believed.checkpoint.root.hex()
    found.cosigned = [
        Cosigned(witness=name, time_s=one.timestamp or None)
        for name, one in sorted(believed.cosignatures.items())
    ]
    return believed


def audit_entries(
    source: Source,
    asked: Asked,
    found: Audited,
    memory: Memory | None,
    progress: Progress = lambda *_: None,
) -> Memory | None:
    """Checks 2 to 5, of a log whose checkpoint is believed.

    Args:
        source: Where ``asked.where`` is.
        asked: What it is to be done with.
        found: From ``fetch_checkpoint``; problems are values, and put here.
        memory: What was remembered of this log.
        progress: Told how many entries of how many are done.

    Returns:
        What to remember; None where anything does not hold.

    Raises:
        Unavailable: A file could not be asked for, or there is more to read than
            ENTRIES_MAX.
    """
    if memory is not None:
        found.before, found.before_checkpoint = memory.size, memory.checkpoint
        _require_same_past(found, memory)
        if not found.consistent:
            return None
    new = found.size - (memory.size if memory is not None and not asked.full else 0)
    if new > ENTRIES_MAX:
        raise Unavailable("log", expected=f"at most {ENTRIES_MAX} new entries", got=f"{new}")
    walk = _Walk(source, asked, found, memory, progress)
    walk.run()
    if not found.consistent:
        return None
    return walk.remembered()


def _require_same_past(found: Audited, memory: Memory) -> None:
    """Check 2, as far as the two checkpoints tell."""
    if found.size < memory.size:
        found.report(
            "truncated",
            CHECKPOINT,
            f"expected at least the {memory.size} entries of the last audit, got {found.size}",
        )
    elif found.size == memory.size and found.root != memory.root.hex():
        found.report("fork", CHECKPOINT, f"two logs of {found.size} entries are signed")


class _Walk:
    """One pass over the entries, in order, from where the memory ends."""

    def __init__(
        self,
        source: Source,
        asked: Asked,
        found: Audited,
        memory: Memory | None,
        progress: Progress,
    ) -> None:
        self._source, self._asked, self._found = source, asked, found
        self._memory, self._progress = memory, progress
        from_start = memory is None or asked.full
        self._size = 0 if memory is None or from_start else memory.size
        self._edge: dict[Tile, bytes] = {} if memory is None or from_start else dict(memory.edge)
        known = Known() if memory is None or from_start else memory.known
        # A log of ours is named after its theatre (detente.core.checkpoint.log_origin).
        found.theatre = found.origin.rpartition("/")[2]
        self._rules = Outside(found.theatre, known, now_us=microseconds(asked.now))
        self._changes = len(known.changes)
        self._past_differs = False

    def run(self) -> None:
        """Walk, and compare what comes out with what is signed."""
        found, known = self._found, self._rules.known
        try:
            self._compare_edge(leaves=True)
            self._entries()
        except LogInconsistent as error:
            # Without these entries nothing after them can be put in its place.
            found.report("file", error.what, error)
        else:
            self._compare_edge(leaves=False)
            self._root()
        since = {one.party: one.entry for one in known.changes}
        found.speakers = [
            Speaker(
                party=party,
                entries=one.entries,
                key=one.key,
                since=since[party],
                time_us=one.time_us,
            )
            for party, one in sorted(known.chains.items())
        ]
        found.key_changes = known.changes[self._changes :]

    def _root(self) -> None:
        """Check 5 for the root; and whether the log has another past than the remembered one."""
        found = self._found
        computed = edge_root(self._edge, self._size).hex()
        other_past = self._past_differs
        if computed != found.root:
            what = f"expected {computed}, as the entries have it, got {found.root}"
            found.report("root", CHECKPOINT, what)
            # What was read is not what is signed: it says nothing of what that was.
            other_past = self._tiles_tell_another_past()
        if other_past:
            found.report("fork", CHECKPOINT, "another past than that of the last audit is signed")

    def _tiles_tell_another_past(self) -> bool:
        """Whether the tiles come to the root that is signed, and not to the one remembered.

        That alone proves it: where they do not come to what is signed, they may be damaged.
        """
        memory, found = self._memory, self._found
        if memory is None or not memory.size:
            return False

        def read(level: int, index: int) -> bytes:
            width = width_at(found.size, level, index)
            return read_tile(self._source, LogFile(level=level, index=index, width=width))

        try:
            return (
                root(read, found.size).hex() == found.root
                and root(read, memory.size) != memory.root
            )
        except DetenteError:
            return False

    def remembered(self) -> Memory:
        """What to know the next time."""
        found = self._found
        return Memory(
            origin=found.origin,
            checkpoint=found.checkpoint,
            size=found.size,
            root=bytes.fromhex(found.root),
            edge=self._edge,
            theatre=found.theatre,
            known=self._rules.known,
        )

    def _entries(self) -> None:
        """Checks 3 and 4, and 5 for the tiles that become full."""
        total, skip = self._found.size, self._size % TILE_WIDTH
        first = self._size // TILE_WIDTH
        count = 0 if self._size == total else -(-total // TILE_WIDTH) - first
        files = self._files(first, count)
        for one in examined(self._asked.where, self._source, files, count, self._asked.keys):
            self._bundle(one, skip)
            skip = 0
            self._progress(self._size, total)

    def _files(self, first: int, count: int) -> Iterator[LogFile]:
        for index in range(first, first + count):
            width = width_at(self._found.size, None, index)
            yield LogFile(level=None, index=index, width=width)

    def _bundle(self, one: Examined, skip: int) -> None:
        """Take the entries of a bundle, but the first ``skip``, which are remembered."""
        found, begin = self._found, self._size - skip
        where = LogFile(level=0, index=begin // TILE_WIDTH, width=len(one.entries)).path
        if one.tile is not None:
            found.report("tile", where, one.tile)
        if skip and one.leaves[: skip * HASH_BYTES] != self._edge[0, begin // TILE_WIDTH]:
            found.report("entry", where, "holds entries that are not those of the last audit")
        for index, entry in enumerate(one.entries[skip:], start=self._size):
            if isinstance(entry, Shown):
                for breach in self._rules.follow(index, entry):
                    found.report(breach.rule, f"entry {index}", breach.what)
            else:
                found.report("entry", f"entry {index}", entry)
        found.read += len(one.entries) - skip
        found.signatures += one.signatures
        leaves = [
            one.leaves[at : at + HASH_BYTES]
            for at in range(skip * HASH_BYTES, len(one.leaves), HASH_BYTES)
        ]
        self._grow(leaves)

    def _grow(self, leaves: list[bytes]) -> None:
        memory, until = self._memory, 0
        if memory is not None and self._size < memory.size <= self._size + len(leaves):
            # All is read again: on the way, the log must be what it was then.
            until = memory.size - self._size
            self._append(leaves[:until])
            self._past_differs = edge_root(self._edge, self._size) != memory.root
        self._append(leaves[until:])

    def _append(self, leaves: list[bytes]) -> None:
        edge = self._edge
        changed = grow(lambda *at: edge[at], self._size, leaves)
        self._size += len(leaves)
        for (level, index), hashes in changed.items():
            if level and len(hashes) == TILE_WIDTH * HASH_BYTES:
                self._compare(level, index, hashes)
        edge |= changed
        self._edge = {at: edge[at] for at in right_edge(self._size)}

    def _compare_edge(self, *, leaves: bool) -> None:
        """Check 5 for the tiles that are not full; of the leaves, those that no bundle is."""
        for (level, index), hashes in self._edge.items():
            if level or leaves:
                self._compare(level, index, hashes)

    def _compare(self, level: int, index: int, hashes: bytes) -> None:
        """A tile as it is served now must begin with these hashes."""
        # A partial tile of an earlier size need not be served any more (tlog-tiles).
        width = width_at(self._found.size, level, index)
        file = LogFile(level=level, index=index, width=width)
        wrong = tile_problem(self._source, file, hashes)
        if wrong is not None:
            self._found.report("tile", file.path, wrong)
