"""What a reader sees of an entry: the event that it is to him, or nothing.

Of an object others see what its author released (detente.core.view); of what is
said about it, those whom it concerns see all. An older version is shown only as
far as the current one may be seen as well: what its author took back since is not
given out late. Whoever was shown a report learns that it was corrected or retracted,
whatever its release says by then.
"""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from detente.core.agreement import Agreement
from detente.core.entry import EntryKind
from detente.core.incident import Call
from detente.core.lead import begins_late
from detente.core.lifecycle import Standing
from detente.core.notice import Notice
from detente.core.plan import PLAN_FINAL, Plan
from detente.core.presence import Presence
from detente.core.release import Grade, Grant, Release
from detente.core.report import Report, ReportState
from detente.core.telling import Delivery, ReleaseDecision
from detente.core.view import Item, Reader, Released, View
from detente.core.volume import Volume
from detente.core.wire import Value
from detente.core.zone import Zone
from detente.node.telling.entries import Entry, Latest, Subject


class Change(StrEnum):
    """What an entry is to a reader.

    ``left`` is for a subscription with an area: the object is elsewhere now.
    ``gone``: the reader may no longer see it, or what the decision is about; what he
    holds is out of date, and a check still counts whatever it is now.
    """

    NEW = "new"
    CHANGED = "changed"
    LEFT = "left"
    ENDED = "ended"
    GONE = "gone"


class Event(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An entry as it is told to one reader.

    Attributes:
        sequence: The cursor: whoever has seen it asks for what comes after.
        at: When the node took the entry in.
        kind: Of the object.
        object: Its id.
        version: Of the object.
        change: What it is to this reader.
        leaf: Leaf hash of the entry, which an acknowledgement names.
        token: Version token; none where nothing is shown.
        view: The entry's object, cut to the reader; None where nothing may be seen of it.
        about: The object that it is about.
        shows: For a decision, the object that the reader may see by it; for a call of the
            hotline, the incident.
        late: It came with less notice than the agreement asks (H6).
        relist: What the reader may see has changed beyond this one object:
            he lists anew.
    """

    sequence: int
    at: datetime
    kind: EntryKind
    object: str
    version: int
    change: Change
    leaf: str
    token: str | None = None
    view: View | None = None
    about: str | None = None
    shows: View | None = None
    late: bool = False
    relist: bool = False


class Place(Struct, frozen=True, kw_only=True):
    """Where an object is, as far as a reader may know: all of it, or an area.

    ``agreement`` is the one whose separations are kept from it.
    """

    of: Released | tuple[Volume, ...]
    agreement: Agreement


class Seen(Struct, frozen=True, kw_only=True):
    """An event, and where it is now and was before.

    ``now`` None is nowhere, for what is gone; ``everywhere`` is what has no place.
    """

    event: Event
    now: Place | None = None
    before: Place | None = None
    everywhere: bool = False


def see(reader: Reader, entry: Entry, latest: Latest) -> Seen | None:
    """What an entry is to a reader; None where it is nothing.

    Args:
        reader: At a state that holds the entry.
        entry: Of the record.
        latest: Later versions of its object.
    """
    match entry.value:
        case None | Delivery():
            return None
        case Notice() | Presence() | Zone() | Plan() | Report():
            return _object(reader, entry, entry.value, latest)
        case ReleaseDecision():
            return _decision(reader, entry, latest)
        case Call():
            return _call(reader, entry, latest)
        case _:
            return _said(reader, entry, latest)


def _object(reader: Reader, entry: Entry, value: Released, latest: Latest) -> Seen | None:
    former = entry.former if isinstance(entry.former, Released) else None
    before = None if former is None else _cut(reader, entry, former)
    view = _view(reader, entry, value, latest)
    if view is None:
        if reader.party in entry.recipients:
            # He holds what is wrong: wherever he listens, he learns that it is, and no more.
            change = Change.ENDED if is_over(value) else Change.GONE
            return Seen(event=_event(entry, change), everywhere=True)
        if before is None:
            return None
        return Seen(event=_event(entry, Change.GONE), before=_place(before, entry))
    change = Change.NEW if before is None else Change.CHANGED
    if is_over(value):
        change = Change.ENDED
    if change is not Change.ENDED and _is_late(entry, view):
        view = replace(view, late=True)
    return Seen(
        event=_event(entry, change, view),
        now=_place(view, entry),
        before=None if before is None else _place(before, entry),
        everywhere=not _has_place(view),
    )


def _decision(reader: Reader, entry: Entry, latest: Latest) -> Seen | None:
    """A decision on release: what it says, and what the reader may see by it or no longer."""
    about, said = entry.about, _said(reader, entry, latest)
    if about is None or about.subject is None or about.granted != reader.party:
        return said
    subject = about.subject
    shows = _view(reader, subject, subject.value, latest)
    if shows is not None:
        # Refused, and may be seen all the same: then nothing is new to him.
        return said and replace(said, event=replace(said.event, shows=shows))
    if not isinstance(entry.former, ReleaseDecision) or not entry.former.granted:
        return said
    # A decision that names no grade granted what was asked for: at most all of it.
    grant = Grant(grade=entry.former.grade or Grade.FULL, until=entry.former.until)
    granted = replace(reader, grants={subject.object_id: {reader.party: grant}})
    before = _view(granted, subject, subject.value, latest)
    if before is None:
        return said
    event = _event(entry, Change.GONE) if said is None else said.event
    event = replace(event, change=Change.GONE, about=subject.object_id)
    return Seen(event=event, before=_place(before, entry))


def _call(reader: Reader, entry: Entry, latest: Latest) -> Seen | None:
    """A call of the hotline: the first message holds what the caller says, as it is now."""
    said, about = _said(reader, entry, latest), entry.about
    subject = None if about is None else about.subject
    if said is None or subject is None or subject.value is None:
        return said
    shows = _cut(reader, subject, subject.value, frozenset({reader.party}))
    return replace(said, event=replace(said.event, shows=shows))


def _said(reader: Reader, entry: Entry, latest: Latest) -> Seen | None:
    """What is said about an object, or to the node: to its author and to whom it concerns."""
    about, value = entry.about, entry.value
    concerned = frozenset[str]() if about is None else about.concerns
    view = None if value is None else _cut(reader, entry, value, concerned)
    if view is None:
        return None
    event = _whole(entry, view)
    if _changes_members(entry, reader.party):
        event = replace(event, relist=True)
    if about is None or about.subject is None:
        return Seen(event=event, everywhere=True)
    event = replace(event, about=about.subject.object_id)
    # Where it is, is told by what of the object this reader sees, or else not at all.
    seen = _view(reader, about.subject, about.subject.value, latest)
    if seen is None:
        return Seen(event=event, everywhere=True)
    return Seen(event=event, now=_place(seen, entry), everywhere=not _has_place(seen))


def _whole(entry: Entry, view: View) -> Event:
    """The event of what has no release of its own."""
    over = entry.value is not None and is_over(entry.value)
    change = Change.ENDED if over else Change.NEW if entry.version == 1 else Change.CHANGED
    return _event(entry, change, view)


def _changes_members(entry: Entry, party: str) -> bool:
    """Whether a new version of the agreement takes a party in, or lets it go."""
    member = [
        not one.members or party in one.members
        for one in (entry.former, entry.value)
        if isinstance(one, Agreement)
    ]
    return len(set(member)) > 1


def _event(entry: Entry, change: Change, view: View | None = None) -> Event:
    return Event(
        sequence=entry.sequence,
        at=entry.at,
        kind=entry.kind,
        object=entry.object_id,
        version=entry.version,
        change=change,
        leaf=entry.leaf.hex(),
        token=None if view is None else view.token,
        view=view,
        late=view is not None and view.late,
    )


def _view(reader: Reader, of: Entry | Subject, value: Value | None, latest: Latest) -> View | None:
    """A version of an object, as far as it and the current version may be seen.

    None where that is less than an area.
    """
    if not isinstance(value, Released):
        return None
    view = _cut(reader, of, value)
    version, now = latest.get(of.object_id, (0, value))
    if view is None or (version <= of.version and now is not None):
        return view
    current = _cut(reader, of, now) if isinstance(now, Released) else None
    if current is None or not isinstance(now, Released):
        return None
    if current.grade is Grade.FULL:
        return view
    # An area of the older version, on the coarser of the two grids.
    release = value.release or Release()
    grid_mm = max(release.grid_mm, (now.release or release).grid_mm)
    only_area = {reader.party: Grade.AREA}
    release = replace(release, parties=only_area, members=None, until=None, grid_mm=grid_mm)
    return _cut(replace(reader, grants={}), of, replace(value, release=release))


def _cut(
    reader: Reader, of: Entry | Subject, value: Value, concerned: frozenset[str] = frozenset()
) -> View | None:
    return reader.cut(
        Item(
            value=value,
            party=of.party,
            object_id=of.object_id,
            version=of.version,
            sequence=of.sequence,
            token=of.token,
            concerned=concerned,
        )
    )


def _place(view: View, entry: Entry) -> Place:
    of = view.value if isinstance(view.value, Released) else view.area
    return Place(of=of, agreement=entry.agreement)


def _has_place(view: View) -> bool:
    return not isinstance(view.value, Report) or bool(view.value.volumes)


def _is_late(entry: Entry, view: View) -> bool:
    """By what this reader sees of when it begins."""
    value = view.value
    if view.grade is Grade.AREA:
        category = view.category
        return category is not None and begins_late(
            category, view.area, entry.agreement, at=entry.at
        )
    if not isinstance(value, Notice | Presence | Zone | Plan):
        return False
    return begins_late(value.category, value.volumes, entry.agreement, at=entry.at)


def is_over(value: Value) -> bool:
    """Whether its author ended it: nobody need reckon with it any more."""
    match value:
        case Plan():
            return value.state in PLAN_FINAL
        case Report():
            return value.state is ReportState.RETRACTED
        case _:
            return getattr(value, "standing", Standing.IN_FORCE) is Standing.WITHDRAWN
