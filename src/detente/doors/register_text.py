"""Objects and histories out: tables, text, JSON."""

from collections.abc import Iterable
from datetime import datetime

import msgspec
from msgspec import Struct
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from detente.core.coordinates import spelt
from detente.core.entry import KEPT_BY_ASKER, EntryKind
from detente.core.lifecycle import Standing
from detente.core.plan import Plan
from detente.core.volume import (
    E7_PER_DEG,
    MM_PER_M,
    Circle,
    Corridor,
    Polygon,
    Position,
    Shape,
    Volume,
)
from detente.core.wire import Value, read
from detente.doors.answer import plural, utc
from detente.errors import MalformedInput
from detente.node.history import Erased, History
from detente.store import Stored

_SHORT_ID = 8


class Listed(Struct, frozen=True, kw_only=True):
    """One current object in a line."""

    object_id: str
    kind: str
    party: str
    id: str
    name: str
    category: str
    version: int
    sequence: int
    marks: tuple[str, ...]


class Listing(Struct, frozen=True, kw_only=True):
    """The first objects of a list, and how many there are."""

    total: int
    objects: list[Listed]


def entry_kind(text: str) -> EntryKind:
    """A kind by its name, singular or plural.

    Raises:
        MalformedInput: No such kind.
    """
    try:
        return EntryKind(text.lower().removesuffix("s"))
    except ValueError:
        raise MalformedInput("--kind", expected=", ".join(EntryKind), got=text) from None


def listed(objects: Iterable[Stored], limit: int, *, now: datetime) -> Listing:
    """The first ``limit`` objects; the others are counted."""
    first: list[Listed] = []
    total = 0
    for stored in objects:
        total += 1
        if len(first) < limit:
            first.append(_line(stored, now))
    return Listing(total=total, objects=first)


def _line(stored: Stored, now: datetime) -> Listed:
    value = None if stored.data is None else read(stored.data)
    return Listed(
        object_id=stored.object_id,
        kind=stored.kind,
        party=stored.party,
        id=stored.source_id,
        name=getattr(value, "name", None) or getattr(value, "title", "") or "",
        category=getattr(value, "category", ""),
        version=stored.version,
        sequence=stored.sequence,
        marks=tuple(_marks(stored.kind, value, now, ended=stored.ended)),
    )


def _marks(kind: str, value: Value | None, now: datetime, *, ended: bool) -> Iterable[str]:
    """What a reader must know before trusting a line."""
    if value is None and kind in KEPT_BY_ASKER:
        yield "kept by the asker"
        return
    if value is None:
        # What was erased has ended; of what has not, the content should be there.
        yield "erased" if ended else "LOST"
        return
    if getattr(value, "standing", None) is Standing.WITHDRAWN:
        yield "withdrawn"
    if getattr(value, "disputed", False):
        yield "disputed"
    stale = getattr(value, "is_stale", None)
    if stale is not None and stale(now):
        yield "stale"
    if isinstance(value, Plan):
        yield str(value.state)


def listed_json(found: Listing) -> str:
    """As one JSON object."""
    return msgspec.json.encode(found).decode()


def listed_table(found: Listing, size: int) -> RenderableType:
    """For people."""
    out = Table(box=None, pad_edge=False, header_style="bold")
    out.add_column("object", no_wrap=True)
    out.add_column("kind", no_wrap=True)
    out.add_column("party", no_wrap=True)
    out.add_column("id", overflow="fold")
    out.add_column("name", overflow="fold", ratio=1)
    out.add_column("category", no_wrap=True)
    out.add_column("version", justify="right")
    out.add_column("entry", justify="right")
    out.add_column("", no_wrap=True)
    for one in found.objects:
        out.add_row(
            one.object_id[:_SHORT_ID],
            one.kind,
            one.party,
            one.id,
            Text(one.name),
            one.category,
            f"{one.version}",
            f"{one.sequence}",
            ", ".join(one.marks),
        )
    shown = len(found.objects)
    cut = "" if shown == found.total else f", the first {shown} shown (--limit)"
    closing = f"{found.total:,} {plural(found.total, 'object')}{cut}; register version {size}."
    return Group(out, Text(), Text(closing))


def shown_json(found: History) -> str:
    """As one JSON object."""
    return msgspec.json.encode(found).decode() + "\n"


def shown_text(found: History, *, now: datetime) -> str:
    """For people: versions and proof first, then the value as it stands in the record."""
    marks = ", ".join(_marks(found.kind, found.value, now, ended=found.erasure is not None))
    lines = [f"{found.kind} {found.object_id}{f' ({marks})' if marks else ''}"]
    for one in found.versions:
        gone = "erased" if found.erasure is not None else "LOST (detente log verify)"
        erased = f", its content {gone}" if one.erased else ""
        lines.append(
            f"  version {one.version}: entry {one.sequence}, said by {one.party} (key {one.key}) "
            f"at {utc(one.claimed)}, taken in {utc(one.received)}{erased}"
        )
    proof = found.versions[-1].proof
    lines.append(
        f"  in the record of {found.size} entries under root {found.root}: "
        f"verified with {len(proof)} {plural(len(proof), 'hash')}"
    )
    if found.erasure is not None:
        lines.append(f"  {erased_line(found.erasure)}")
    if found.value is not None:
        lines += value_lines(found.value)
    return "\n".join(lines) + "\n"


def erased_line(erased: Erased) -> str:
    """When an object was erased, by whom and by whose order."""
    asked = "" if erased.asked is None else f" for {erased.asked}"
    return (
        f"erased at {utc(erased.at)} by {erased.party}{asked}, entry {erased.sequence}, "
        f"by order of: {erased.order}"
    )


def value_lines(value: Value) -> list[str]:
    """What a value says, read back: every place in three spellings (H9)."""
    lines = []
    for name in value.__struct_fields__:
        content = getattr(value, name)
        if name == "volumes":
            continue
        if content is not None and content not in ((), "", False, 0):
            lines.append(f"  {name}: {_plain(content)}")
    for number, volume in enumerate(getattr(value, "volumes", ()), start=1):
        lines.append(f"  volume {number}: {_band(volume)}, {_window(volume)}")
        lines += [f"    {line}" for shape in volume.footprint for line in _shape_lines(shape)]
    return lines


def _plain(content: object) -> str:
    """A field as text: lengths in metres are in the JSON as millimetres."""
    if isinstance(content, str):
        return str(content)
    return msgspec.json.encode(content).decode()


def _band(volume: Volume) -> str:
    if volume.lower_mm is None and volume.upper_mm is None:
        return "all altitudes"
    low = "any depth" if volume.lower_mm is None else f"{volume.lower_mm / MM_PER_M:,.0f} m"
    high = "without end" if volume.upper_mm is None else f"{volume.upper_mm / MM_PER_M:,.0f} m"
    return f"{low} to {high} above the ellipsoid"


def _window(volume: Volume) -> str:
    if volume.start is None and volume.end is None:
        return "always"
    until = "until further notice" if volume.end is None else f"to {utc(volume.end)}"
    return f"from {utc(volume.start)} {until}"


def _shape_lines(shape: Shape) -> list[str]:
    match shape:
        case Circle():
            around = f"circle of {shape.radius_m:,.1f} m around" if shape.radius_mm else "point"
            return [f"{around} {_spelt(shape.centre)}"]
        case Corridor():
            width = f"corridor {2 * shape.radius_m:,.1f} m wide along {len(shape.line)} positions"
            return [f"{width}, from {_spelt(shape.line[0])}", f"  to {_spelt(shape.line[-1])}"]
        case Polygon():
            count = shape.vertex_count
            return [f"polygon of {count} vertices, the first {_spelt(shape.rings[0][0])}"]


def _spelt(position: Position) -> str:
    lon, lat = position
    return spelt(lat / E7_PER_DEG, lon / E7_PER_DEG)
