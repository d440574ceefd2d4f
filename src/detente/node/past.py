"""What protected when: every version of every notice, presence and zone, with its time.

A version protects from the start of its own time window until that ends, or until its
author replaced or withdrew it on the record, whichever is first. When it was put on record
stands beside it: before, it protected and could not be known (docs/adr/0022).
"""

from collections.abc import Container, Iterable, Sequence
from datetime import datetime, timedelta

import msgspec
import numpy as np
from msgspec import Struct

from detente.core.agreement import NOTHING_AGREED, Agreement, Separation
from detente.core.check import Known, protects
from detente.core.entry import EntryKind
from detente.core.notice import Notice
from detente.core.presence import TRACK_GROWTH_MAX_S, Presence
from detente.core.volume import EPOCH, microseconds
from detente.core.wire import read
from detente.core.zone import Zone
from detente.errors import LogInconsistent
from detente.picture.entries import Held
from detente.picture.gather import Gatherer
from detente.picture.legs import Ground
from detente.picture.segment import arranged, hashes_of
from detente.picture.tables import FOREVER_US, NEVER_US
from detente.store import Place, Record, Said, Store

PROTECTING = (EntryKind.NOTICE, EntryKind.PRESENCE, EntryKind.ZONE)
"""Not plans: those who filed them are among the tracks, and a plan is no one's protection."""


class Protected(Struct, frozen=True, kw_only=True):
    """One version and when it counted.

    Attributes:
        known: The value as its author said it, with object, version and entry.
        object: A number that all versions of an object have in common.
        since_us: When it was put on record; NEVER_US where nobody says.
        until_us: When it was replaced or withdrawn on the record; FOREVER_US if never.
    """

    known: Known
    object: int
    since_us: int = NEVER_US
    until_us: int = FOREVER_US

    @property
    def since(self) -> datetime | None:
        """When it was put on record; None where nobody says."""
        return None if self.since_us == NEVER_US else EPOCH + timedelta(microseconds=self.since_us)


class Erased(Struct, frozen=True, kw_only=True):
    """An object whose place nobody can say any more, and when its author had ended it."""

    object_id: str
    kind: EntryKind
    ended_us: int


class Past(Struct, frozen=True, kw_only=True):
    """Everything that a record says of what protected when.

    ``agreement`` asks for the most that any of its versions did; ``sequence`` is the
    register version, 0 for what is no register.
    """

    protected: tuple[Protected, ...]
    erased: tuple[Erased, ...] = ()
    agreement: Agreement | None = None
    sequence: int = 0


def load_past(where: Place) -> Past:
    """Read it from a register.

    Raises:
        NotFound: No such register.
        Unavailable: It cannot be read.
        LogInconsistent: It contradicts itself, or has lost what was not erased.
    """
    store = Store(where)
    try:
        with store.reading() as record:
            return past_of(record)
    finally:
        store.close()


def past_of(record: Record) -> Past:
    """Read it from one state of a record."""
    _, size, _ = record.head()
    ended = {one.object_id for one in record.objects(*PROTECTING, ended=True)}
    found: list[Protected] = []
    last: dict[str, int] = {}
    erased: dict[str, Erased] = {}
    for said in record.versions(*PROTECTING):
        if said.data is None:
            require_erased(said, ended)
            # Its last version is that by which its author ended it.
            erased[said.object_id] = Erased(
                object_id=said.object_id, kind=said.kind, ended_us=said.received_us
            )
            continue
        number = len(found)
        before = last.get(said.object_id)
        if before is not None:
            number = found[before].object
            found[before] = msgspec.structs.replace(found[before], until_us=said.received_us)
        last[said.object_id] = len(found)
        found.append(Protected(known=_known(said), object=number, since_us=said.received_us))
    return Past(
        protected=tuple(one for one in found if protects(one.known.value)),
        erased=tuple(erased.values()),
        agreement=most_asked(_agreements(record)),
        sequence=size,
    )


def require_erased(said: Said, ended: Container[str]) -> None:
    """Refuse a register that has lost what protected: nobody knows where.

    Raises:
        LogInconsistent: The content of a version is not there, and was not erased.
    """
    if said.object_id not in ended:
        raise LogInconsistent(
            f"content of object {said.object_id}",
            expected="what its entry commits to; it takes a backup (`detente log verify`)",
            got="none",
        )


def _known(said: Said) -> Known:
    value = None if said.data is None else read(said.data)
    if not isinstance(value, Notice | Presence | Zone):
        raise LogInconsistent(f"object {said.object_id}", expected=said.kind)
    return Known(
        value=value, object_id=said.object_id, sequence=said.sequence, version=said.version
    )


def past_of_values(values: Iterable[Notice | Presence | Zone]) -> Past:
    """Of a file: it does not say since when anybody knew."""
    return Past(
        protected=tuple(
            Protected(known=Known(value=value), object=number)
            for number, value in enumerate(values)
            if protects(value)
        )
    )


def most_asked(versions: Sequence[Agreement]) -> Agreement | None:
    """The last agreement, with the largest separation a category that any version asked."""
    if not versions:
        return None
    categories = dict.fromkeys(name for one in versions for name in one.separations)
    asked = {
        name: [one.separations.get("*", NOTHING_AGREED) if name == "*" else one.separation(name)
               for one in versions]
        for name in categories
    }  # fmt: skip
    separations = {
        name: Separation(
            horizontal_mm=max(one.horizontal_mm for one in some),
            vertical_mm=max(one.vertical_mm for one in some),
        )
        for name, some in asked.items()
    }
    return msgspec.structs.replace(versions[-1], separations=separations)


def _agreements(record: Record) -> list[Agreement]:
    values = (read(one.data) for one in record.versions(EntryKind.AGREEMENT) if one.data)
    return [value for value in values if isinstance(value, Agreement)]


def ground_of(past: Past, within_m: float) -> tuple[Ground, tuple[Protected, ...]]:
    """Lay it out to be measured against; whose versions its owners are, in their order.

    Raises:
        MalformedInput: A shape too wide to be measured (named).
    """
    gatherer = Gatherer()
    kept = []
    for one in past.protected:
        value = _begun(one)
        if value is not None:
            gatherer.add(value)
            kept.append(one)
    raw = gatherer.raw()
    until = np.array([one.until_us for one in kept], dtype=np.int64)
    rows = raw.rows.copy()
    rows["end_us"] = np.minimum(rows["end_us"], until[rows["owner"]])
    known = [one.known for one in kept]
    ids = hashes_of([one.object_id for one in known])
    segment = arranged(Held(known), ids, raw._replace(rows=rows), past.agreement)
    objects = np.array([one.object for one in kept], dtype=np.int64)
    return Ground(segment, objects, within_m), tuple(kept)


def _begun(one: Protected) -> Notice | Presence | Zone | None:
    """A version without what was replaced before it began; None if that is all of it."""
    value = one.known.value
    if isinstance(value, Presence) and value.track is not None:
        begins = microseconds(value.track.time) - TRACK_GROWTH_MAX_S * 1_000_000
        return value if begins <= one.until_us else None
    volumes = tuple(
        volume
        for volume in value.volumes
        if volume.start is None or microseconds(volume.start) <= one.until_us
    )
    if not volumes or not isinstance(value, Notice | Presence | Zone):
        return None
    return (
        value
        if len(volumes) == len(value.volumes)
        else msgspec.structs.replace(value, volumes=volumes)
    )
