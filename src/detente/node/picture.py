"""From the store to a picture: everything current that a plan may meet."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain

from detente.core.check import Known, Protected
from detente.core.notice import Notice
from detente.core.plan import Plan
from detente.core.presence import Presence
from detente.core.volume import E7_PER_DEG, Circle, Corridor, Polygon, Shape
from detente.core.wire import Value, read
from detente.core.zone import Zone
from detente.errors import LogInconsistent
from detente.node.gathering import GATHERED, Gathering
from detente.node.lookup import current_agreement
from detente.node.values import MEETABLE, Values, require_erased
from detente.picture import Picture
from detente.picture import require_measurable as require_shapes
from detente.store import Place, Store, Stored


def require_measurable(value: Value) -> None:
    """Refuse what no picture could hold: it would stand in the record, and no check could be made.

    Raises:
        MalformedInput: A shape that is too wide.
    """
    if isinstance(value, Notice | Presence | Zone | Plan):
        wide = [shape for v in value.volumes for shape in v.footprint if not _is_narrow(shape)]
        if wide:
            require_shapes(wide)


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


def load(where: Place) -> Picture:
    """A picture of everything current in a register; its values are read when they are wanted.

    Raises:
        NotFound: No such register.
        Unavailable: It cannot be read.
        LogInconsistent: It contradicts itself.
    """
    store = Store(where)
    with store.reading() as record, uncollected():
        agreement, gathering = current_agreement(record), Gathering(record)
        others = [kind for kind in MEETABLE if kind not in GATHERED]
        known = [
            Known(value=value, object_id=stored.object_id, sequence=stored.sequence)
            for stored in chain(record.objects(*others), record.current_at(gathering.left))
            if (value := _meetable(stored)) is not None
        ]
        parts = gathering.parts(agreement, Values(store).read)
        return Picture(known, parts=parts, agreement=agreement, sequence=record.head()[1])


def _meetable(stored: Stored) -> Protected | None:
    """The value of an object that a plan may meet; None where it was erased."""
    if stored.data is None:
        require_erased(stored)
        return None
    value = read(stored.data)
    if not isinstance(value, Protected):
        raise LogInconsistent(f"object {stored.object_id}", expected=stored.kind)
    return value
