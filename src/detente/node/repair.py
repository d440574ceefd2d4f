"""``detente log repair``: what is damaged is drawn again from what is whole; nothing is rewritten.

The head's root says how everything else must be. So, once hashes are found that come to
this root:

- a tile that is not that of those hashes is drawn again from them;
- an entry that does not hash to its place in the tree is damaged. It is told, and put
  back from a mirror only where the mirror's bytes hash to that place;
- the current objects are drawn again from the entries, where these all hold.

Never changed: an entry that is whole, a leaf hash, the head. What is damaged there, and
what a commitment covers, is told; it takes a backup.

Source: DESIGN section 4, 9; docs/rules/R-09.md; docs/adr/0005.
"""

from collections.abc import Callable, Iterator

from msgspec import Struct

from detente.core.checkpoint import parse_checkpoint
from detente.core.ledger import Held, is_erased
from detente.core.log_files import LogFile, decode_bundle, width_at
from detente.core.merkle import EMPTY_ROOT, HASH_BYTES, leaf_hash
from detente.core.note import NOTE_BYTES_MAX, parse_note
from detente.core.tiles import TILE_WIDTH, Tile, grow, root
from detente.errors import Conflict, DetenteError, NotFound
from detente.node.audit import audit_record
from detente.node.gathering import gathered_anew
from detente.node.log_source import CHECKPOINT, Source, read_bundle
from detente.store import GatheredRow, ObjectRow, Record, Store, Stored

_ENTRY_CHECKS = {1, 2, 3, 4}
"""Of detente.node.audit: those that say whether entries hold."""

Progress = Callable[[int, int], None]


class Repair(Struct, kw_only=True):
    """What is damaged, and what can be done.

    Attributes:
        size: Entries in the record.
        root: Over them, 32 bytes.
        tiles: To be drawn again.
        entries: Bytes to be put back, by the entry's number.
        objects: To be drawn again.
        dropped: Ids of current objects that are in no entry.
        ungathered: Entries whose objects are no longer to be in pictures as they are.
        gathered: What is to be in pictures as its content says.
        left: What is damaged and stays so, told one by one.
    """

    size: int
    root: bytes
    tiles: dict[Tile, bytes] = {}
    entries: dict[int, bytes] = {}
    objects: list[ObjectRow] = []
    dropped: list[str] = []
    ungathered: list[int] = []
    gathered: list[GatheredRow] = []
    left: list[str] = []

    def steps(self) -> Iterator[str]:
        """What would be done, one line each."""
        for level, number in self.tiles:
            yield f"tile {level}/{number}: drawn again from the entries"
        for sequence in self.entries:
            yield f"entry {sequence}: put back from the mirror, as the tree commits to it"
        for row in self.objects:
            yield f"object {row.id}: drawn again, version {row.version} of entry {row.sequence}"
        for object_id in self.dropped:
            yield f"object {object_id}: dropped, for no entry is about it"
        count = len({*self.ungathered, *(row[0] for row in self.gathered)})
        if count:
            yield f"what pictures are made of: of {count:,} objects, drawn again from what they say"


class _Leaves(Struct, kw_only=True):
    """The hashes of the leaves as three places have them; None where there is none."""

    said: list[bytes | None]
    """Of the bytes of the entries."""
    kept: list[bytes | None]
    """Beside the entries."""
    tiled: list[bytes | None]
    """In the tiles."""


def plan_repair(
    record: Record, mirror: Source | None, progress: Progress = lambda *_: None
) -> Repair:
    """Look for damage, and for what the record says how to put right; nothing is written.

    Args:
        record: One state of it.
        mirror: Of the same log, where damaged entries may be whole.
        progress: Told how many entries of how many are looked at.

    Raises:
        LogInconsistent: There is no head.
        Unavailable: The store cannot be read.
    """
    _, size, head_root = record.head()
    plan = Repair(size=size, root=head_root)
    leaves = _read_leaves(record, plan, progress)
    committed, tiles = _committed(leaves, plan)
    if committed is None:
        plan.left.append(
            "root: no hashes of entries or tiles come to it; nothing can be drawn again"
        )
        return plan
    plan.tiles = {at: hashes for at, hashes in tiles.items() if _tile(record, *at) != hashes}
    for sequence, leaf in enumerate(committed):
        _plan_entry(plan, leaves, sequence, leaf, mirror)
    if not plan.entries and not plan.left:
        _plan_objects(plan, record)
    return plan


def apply_repair(store: Store, plan: Repair) -> None:
    """Do what a plan says, all of it or nothing.

    Raises:
        Conflict: The record moved on since the plan was made.
        Unavailable: It could not be written; nothing was.
    """
    with store.repairing() as record:
        _, size, head_root = record.head()
        if (size, head_root) != (plan.size, plan.root):
            raise Conflict(
                "record", expected=f"{plan.size} entries, as it was looked at", got=f"{size}"
            )
        record.put_tiles(plan.tiles)
        record.put_envelopes(plan.entries)
        record.put_objects(plan.dropped, plan.objects)
        record.put_gathered(plan.ungathered, plan.gathered)


def _read_leaves(record: Record, plan: Repair, progress: Progress) -> _Leaves:
    size = plan.size
    leaves = _Leaves(said=[None] * size, kept=[None] * size, tiled=[None] * size)
    beyond = 0
    for sequence, leaf, envelope, _ in record.rows():
        if sequence >= size:
            beyond += 1
            continue
        leaves.said[sequence], leaves.kept[sequence] = leaf_hash(envelope), leaf
        if sequence % TILE_WIDTH == 0:
            progress(sequence, size)
    if beyond:
        plan.left.append(f"record: {beyond} entries beyond the {size} of the head")
    for first in range(0, size, TILE_WIDTH):
        hashes = _tile(record, 0, first // TILE_WIDTH) or b""
        for at in range(min(len(hashes) // HASH_BYTES, TILE_WIDTH, size - first)):
            leaves.tiled[first + at] = hashes[at * HASH_BYTES : (at + 1) * HASH_BYTES]
    progress(size, size)
    return leaves


def _committed(leaves: _Leaves, plan: Repair) -> tuple[list[bytes] | None, dict[Tile, bytes]]:
    """The leaf hashes that come to the head's root, and the tiles over them; else None."""
    likely = [
        said if said in {kept, tiled} else kept or tiled
        for said, kept, tiled in zip(leaves.said, leaves.kept, leaves.tiled, strict=True)
    ]
    for candidate in (leaves.said, likely, leaves.kept, leaves.tiled):
        hashes = [one for one in candidate if one is not None and len(one) == HASH_BYTES]
        if len(hashes) != plan.size:
            continue
        tiles = grow(lambda _level, _number: b"", 0, hashes)
        computed = EMPTY_ROOT
        if hashes:
            computed = root(lambda level, number: tiles[level, number], len(hashes))  # noqa: B023
        if computed == plan.root:
            return hashes, tiles
    return None, {}


def _tile(record: Record, level: int, number: int) -> bytes | None:
    try:
        return record.tile(level, number)
    except DetenteError:
        return None


def _plan_entry(
    plan: Repair, leaves: _Leaves, sequence: int, leaf: bytes, mirror: Source | None
) -> None:
    said, kept = leaves.said[sequence], leaves.kept[sequence]
    if said is None:
        plan.left.append(f"entry {sequence}: is not there; it takes a backup")
        return
    if kept != leaf:
        plan.left.append(
            f"entry {sequence}: the hash beside it is not the one that the tree commits to"
        )
    if said == leaf:
        return
    if mirror is None:
        plan.left.append(f"entry {sequence}: damaged; it may be fetched with --from a mirror")
        return
    try:
        found = _fetch(mirror, sequence)
    except DetenteError as error:
        plan.left.append(f"entry {sequence}: damaged; from the mirror: {error}")
        return
    if leaf_hash(found) == leaf:
        plan.entries[sequence] = found
    else:
        plan.left.append(f"entry {sequence}: damaged; the mirror's is not the one of the tree")


def _fetch(mirror: Source, sequence: int) -> bytes:
    """The bytes of an entry; whether they are the right ones, their hash tells.

    Raises:
        DetenteError: The mirror has none.
    """
    note = parse_note(mirror.read(CHECKPOINT, NOTE_BYTES_MAX))
    index, place = divmod(sequence, TILE_WIDTH)
    width = width_at(parse_checkpoint(note.text).size, None, index)
    file = LogFile(level=None, index=index, width=max(width, place + 1))
    entries = decode_bundle(read_bundle(mirror, file))
    if len(entries) <= place:
        raise NotFound(f"entry {sequence}")
    return entries[place]


def _plan_objects(plan: Repair, record: Record) -> None:
    """Draw the current objects from the entries, if these leave no doubt."""
    found, current = audit_record(record)
    if _ENTRY_CHECKS & found.checks.keys():
        plan.left += [f"{problem}; it takes a backup" for problem in found.problems]
        return
    left = dict(current)
    for stored in record.objects():
        sequence, held = left.pop(stored.object_id, (-1, None))
        if held is None:
            plan.dropped.append(stored.object_id)
        elif not _is(stored, sequence, held):
            _plan_object(plan, sequence, held)
    for sequence, held in left.values():
        _plan_object(plan, sequence, held)
    plan.ungathered, plan.gathered = gathered_anew(record, current)


def _is(stored: Stored, sequence: int, held: Held) -> bool:
    place = (stored.sequence, stored.version, stored.kind, stored.party)
    named = (stored.source_id, stored.ended) == (held.source_id or "", held.ended)
    # What was lost no longer says how it was called; what was erased is called nothing.
    lost = held.value is None and not is_erased(held)
    return place == (sequence, held.version, held.kind, held.party) and (lost or named)


def _plan_object(plan: Repair, sequence: int, held: Held) -> None:
    if held.source_id is None and not is_erased(held):
        plan.left.append(f"object {held.object_id}: lost, so that no entry says its name")
        return
    plan.objects.append(
        ObjectRow(
            id=held.object_id,
            kind=held.kind.value,
            party=held.party,
            source_id=held.source_id or "",
            version=held.version,
            sequence=sequence,
            ended=held.ended,
        )
    )
