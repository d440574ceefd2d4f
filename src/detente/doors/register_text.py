"""Objects and histories out: tables, text, JSON."""

from collections.abc import Iterable
from datetime import datetime

import msgspec
from msgspec import Struct
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from detente.core.entry import EntryKind
from detente.core.lifecycle import Standing
from detente.core.plan import Plan
from detente.core.wire import Value, read
from detente.doors.answer import plural, utc
from detente.errors import MalformedInput
from detente.node.history import History
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
        marks=tuple(_marks(value, now)),
    )


def _marks(value: Value | None, now: datetime) -> Iterable[str]:
    """What a reader must know before trusting a line."""
    if value is None:
        yield "erased"
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
    marks = ", ".join(_marks(found.value, now))
    lines = [f"{found.kind} {found.object_id}{f' ({marks})' if marks else ''}"]
    for one in found.versions:
        erased = ", its content erased" if one.erased else ""
        lines.append(
            f"  version {one.version}: entry {one.sequence}, said by {one.party} (key {one.key}) "
            f"at {utc(one.claimed)}, taken in {utc(one.received)}{erased}"
        )
    proof = found.versions[-1].proof
    lines.append(
        f"  in the record of {found.size} entries under root {found.root}: "
        f"verified with {len(proof)} {plural(len(proof), 'hash')}"
    )
    if found.value is not None:
        text = msgspec.json.format(msgspec.json.encode(found.value), indent=2).decode()
        lines.append(text)
    return "\n".join(lines) + "\n"
