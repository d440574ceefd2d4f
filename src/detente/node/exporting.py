"""Exports: what a reader may see at one time, to be taken away; on record before it goes out.

Of what was not released to the reader nothing is in it: no count, and not the size of the
record, which grows with what is hidden as well. So the bytes of an export change only with
what its reader may see, and with the time.

Source: docs/rules/R-02.md, docs/rules/R-08.md; docs/adr/0028.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

import numpy as np
from msgspec import Struct

from detente.core.agreement import Agreement
from detente.core.entry import EntryKind
from detente.core.feature import KINDS
from detente.core.pack import edition_of
from detente.core.principal import Principal
from detente.errors import Conflict, MalformedInput
from detente.node.engine import Engine
from detente.node.layers import Bounds, Item, Layers, Sight
from detente.node.telling.disclosures import disclose

OBJECTS_MAX = 50_000
"""Objects in one export: a country's hospitals several times over, and some 100 MB as values."""

VERTICES_MAX = 2_000_000
"""Vertices in one export: some 50 MB as text. One object may have 250,000."""

LASTS_MAX = timedelta(days=31)
"""A month: what lies in a drawer for longer is not what holds."""

LASTS_DEFAULT = timedelta(hours=24)
"""A day: the next briefing has a newer one."""

T = TypeVar("T")


class Wanted(Struct, frozen=True, kw_only=True):
    """What is to be exported; the boxes only sieve, ``takes`` decides.

    Attributes:
        kinds: Of what kinds.
        boxes: Whatever may meet one of them; none restrict nothing.
        takes: Whether an item is wanted.
        lasts: For how long it may be relied on.
        within: What was asked for by place, time and category, in words; empty for all.

    Raises:
        MalformedInput: It would last for no time, or for more than LASTS_MAX.
    """

    kinds: tuple[EntryKind, ...] = tuple(KINDS.values())
    boxes: tuple[Bounds, ...] = ()
    takes: Callable[[Item], bool] = lambda _: True
    lasts: timedelta = LASTS_DEFAULT
    within: str = ""

    def __post_init__(self) -> None:
        if not timedelta() < self.lasts <= LASTS_MAX:
            most = LASTS_MAX // timedelta(hours=1)
            got = f"{self.lasts / timedelta(hours=1):g}"
            raise MalformedInput("expires", expected=f"in at most {most} hours", got=got)


class Export(Struct, frozen=True, kw_only=True):
    """What one reader may see, as of one time.

    Attributes:
        theatre: Whose record.
        reader: For whom it was cut.
        as_of: UTC, whole seconds.
        expires: UTC; after it nobody may rely on it.
        edition: Names what is in it (``edition_of``): who holds the same holds the same.
        within: As in Wanted.
        agreement: The terms at that time.
        items: In the order of the record.
    """

    theatre: str
    reader: str
    as_of: datetime
    expires: datetime
    edition: str
    within: str
    agreement: Agreement
    items: tuple[Item, ...]


async def export(
    engine: Engine,
    layers: Layers,
    principal: Principal,
    wanted: Wanted,
    write: Callable[[Export], T],
    *,
    how: str = "export",
) -> T:
    """Write what a reader may see, and have it on record that it was shown.

    Args:
        engine: At work.
        layers: Of the same node.
        principal: For whom.
        wanted: What of it.
        write: Makes of it what goes out; in a thread.
        how: What the record says of the way.

    Raises:
        NotPermitted: Without the scope ``read``.
        Conflict: More than an export holds; nothing is left out unsaid.
        Unavailable: It cannot be recorded: then nothing goes out.
    """

    def act(sight: Sight) -> tuple[Export, T]:
        with engine.store.reading() as record:
            theatre = record.head()[0]
        found = _gathered(sight, theatre, wanted)
        return found, write(found)

    found, written = await layers.look(principal, act)
    await disclose(engine, principal, (item.view for item in found.items), how)
    return written


def _gathered(sight: Sight, theatre: str, wanted: Wanted) -> Export:
    found = sight.find(wanted.kinds, wanted.boxes)
    items: list[Item] = []
    vertices = 0
    for item in sight.items(found, np.arange(len(found))):
        if not wanted.takes(item):
            continue
        items.append(item)
        vertices += sum(one.vertex_count for part in item.volumes() for one in part.footprint)
        if len(items) > OBJECTS_MAX or vertices > VERTICES_MAX:
            raise Conflict(
                "export",
                expected=f"at most {OBJECTS_MAX} objects and {VERTICES_MAX} vertices; "
                "ask for fewer kinds, or a smaller area",
                got="more",
            )
    as_of = sight.reader.now.replace(microsecond=0)
    return Export(
        theatre=theatre,
        reader=sight.reader.party,
        as_of=as_of,
        expires=as_of + wanted.lasts,
        edition=edition_of(item.view for item in items),
        within=wanted.within,
        agreement=sight.reader.agreement,
        items=tuple(items),
    )
