"""From the store to a picture: everything current that a plan may meet."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from msgspec import Struct

from detente import picture
from detente.core.agreement import Agreement
from detente.core.check import Known
from detente.core.entry import EntryKind
from detente.core.notice import Notice
from detente.core.plan import Plan
from detente.core.presence import Presence
from detente.core.volume import E7_PER_DEG, Circle, Corridor, Polygon, Shape
from detente.core.wire import Value, read
from detente.core.zone import Zone
from detente.errors import LogInconsistent
from detente.node.lookup import current_agreement
from detente.store import Place, Record, Store, Stored

MEETABLE = (EntryKind.NOTICE, EntryKind.PRESENCE, EntryKind.ZONE, EntryKind.PLAN)


def require_measurable(value: Value) -> None:
    """Refuse what no picture could hold: it would stand in the record, and no check could be made.

    Raises:
        MalformedInput: A shape that is too wide.
    """
    if isinstance(value, Notice | Presence | Zone | Plan):
        wide = [shape for v in value.volumes for shape in v.footprint if not _is_narrow(shape)]
        if wide:
            picture.require_measurable(wide)


def require_erased(stored: Stored) -> None:
    """Refuse a register that has lost what others must reckon with.

    What was erased has ended. Of what has not, nobody knows whether it protects.

    Raises:
        LogInconsistent: The content of an object that has not ended is not there.
    """
    if stored.kind in MEETABLE and not stored.ended:
        raise LogInconsistent(
            f"content of object {stored.object_id}",
            expected="what its entry commits to; it takes a backup (`detente log verify`)",
            got="none",
        )


NARROW_E7 = 30 * E7_PER_DEG
"""A shape within so many degrees is never too wide, and need not be laid out to be sure."""


def _is_narrow(shape: Shape) -> bool:
    match shape:
        case Circle():
            return True
        case Corridor():
            positions = shape.line
        case Polygon():
            positions = tuple(position for ring in shape.rings for position in ring)
    lon, lat = [p[0] for p in positions], [p[1] for p in positions]
    return max(lon) - min(lon) <= NARROW_E7 and max(lat) - min(lat) <= NARROW_E7


@contextmanager
def uncollected() -> Iterator[None]:
    """While much is made that stays, look for no cycles: it took a third of the time."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


class Loaded(Struct, frozen=True, kw_only=True):
    """What a register holds, at one version; ``sequence`` is its number of entries."""

    known: list[Known]
    agreement: Agreement
    sequence: int


def load(where: Place) -> Loaded:
    """Read everything current from a register.

    Raises:
        NotFound: No such register.
        Unavailable: It cannot be read.
        LogInconsistent: It contradicts itself.
    """
    store = Store(where)
    try:
        with store.reading() as record, uncollected():
            return load_from(record)
    finally:
        store.close()


def load_from(record: Record) -> Loaded:
    """Read everything current from one state of a record."""
    _, size, _ = record.head()
    known = []
    for stored in record.objects(*MEETABLE):
        if stored.data is None:
            require_erased(stored)
            continue
        value = read(stored.data)
        if not isinstance(value, Notice | Presence | Zone | Plan):
            raise LogInconsistent(f"object {stored.object_id}", expected=stored.kind)
        known.append(Known(value=value, object_id=stored.object_id, sequence=stored.sequence))
    return Loaded(known=known, agreement=current_agreement(record), sequence=size)
