"""What an evidence file's page says of an alert: what one party was told of it.

Source: docs/adr/0032.
"""

from collections.abc import Iterator

from detente.core.volume import MM_PER_M
from detente.core.warned import EntryTold, Warned
from detente.core.wire import Value

NO_MORE_THAN_A_DESK = "something of which the party sees no more than a desk"


def warning(value: Value | None) -> list[tuple[str, str]]:
    """What was told, as names and texts; nothing of what is no alert."""
    return [] if not isinstance(value, Warned) else list(_parts(value))


def _parts(told: Warned) -> Iterator[tuple[str, str]]:
    yield "Told to", told.to
    yield "Level", f"{told.level}, {told.state}"
    yield "Begun", told.begun.isoformat(timespec="seconds").replace("+00:00", "Z")
    if told.track is not None:
        name = f" ({told.track.name})" if told.track.name else ""
        doubted = ", perhaps elsewhere than it was said to be" if told.doubted else ""
        by = f"reported by {told.track.party}, feed {told.track.feed}"
        yield "Track", f"{told.track.kind} {told.track.track}{name}, {by}{doubted}"
    if told.feed is not None:
        yield "Silent feed", f"{told.feed.name} of {told.feed.party}"
    if told.entry is not None:
        yield "Nears", _entry(told.entry)
    if told.distance_mm is not None:
        error = (told.distance_error_mm or 0) / MM_PER_M
        yield "Distance", f"{told.distance_mm / MM_PER_M:g} m (within {error:g} m)"
    if told.separation_mm is not None:
        yield "To keep", f"{told.separation_mm / MM_PER_M:g} m"
    if told.time_s is not None:
        yield "Violated at the earliest in", f"{told.time_s} s"
    if told.unrecorded:
        yield "Ended before there was room on the record", f"{told.unrecorded} alerts"


def _entry(entry: EntryTold) -> str:
    if entry.object is None:
        return NO_MORE_THAN_A_DESK
    name = f" {entry.name}" if entry.name else ""
    return f"{entry.kind or 'entry'}{name} of {entry.party}, entry {entry.sequence}"
