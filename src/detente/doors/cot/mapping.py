"""From events to units, and from what a party may see to events; the tables of docs/cot.md.

Shapes: a circle is ``u-d-c-c``, anything else a closed ``u-d-f`` whose corners enclose it
(detente.core.drawn). A unit keeps the type that its device gave it.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from detente.core.drawn import drawing_of, rounded
from detente.core.entry import EntryKind
from detente.core.heard import Craft
from detente.core.plan import Plan
from detente.core.presence import Presence
from detente.core.volume import E7_PER_DEG, MM_PER_M, RADIUS_MAX_MM, Circle, Position, Shape, Volume
from detente.core.watch import Observed
from detente.core.zone import Zone
from detente.doors.cot.event import UNKNOWN_M, Event
from detente.doors.cot.writing import Out, element, remarks
from detente.errors import MalformedInput
from detente.node.hotline.pressing import Press
from detente.node.layers import Item
from detente.node.presencing import ACCURACY_UNKNOWN_MM, Unit, uid_of
from detente.node.seen import Seen

if TYPE_CHECKING:
    from detente.core.view import View

FEED = "cot"

SHAPE_LIFE = timedelta(hours=24)
"""How long a shape is vouched for; it is sent again before that, as long as it is in force."""

UNIT_LIFE = timedelta(seconds=75)
"""Of a position that only the record holds: as ATAK's own default."""

OWN = "a-f-"
"""One's own people, in CoT's types. What others are is never taken, nor passed on."""

PRESSED: Mapping[str, str] = {
    "b-a-o-tbl": "911 Alert", "b-a-o-pan": "Ring The Bell", "b-a-o-opn": "In Contact",
}  # fmt: skip
"""What a TAK client offers whoever needs help, in its own words; each is a call."""

TAKEN_BACK = "b-a-o-can"

_DOMAINS: Mapping[str, str] = {"G": "ground", "S": "sea", "U": "sea", "A": "air", "F": "ground"}
_TRACKS: Mapping[str, str] = {
    Craft.AIRCRAFT: "a-u-A", Craft.RESCUE: "a-u-A", Craft.SHIP: "a-u-S",
    Craft.DISTRESS: "a-u-S", Craft.DISTRESS_TEST: "a-u-S",
    Craft.AID: "b-m-p-s-m", Craft.VIRTUAL_AID: "b-m-p-s-m",
}  # fmt: skip
_SAYS: Mapping[str, str] = {
    Craft.RESCUE: "search and rescue",
    Craft.DISTRESS: "DISTRESS",
    Craft.DISTRESS_TEST: "distress beacon, said to be a test",
    Craft.VIRTUAL_AID: "virtual aid to navigation: nothing is there but its signal",
}
"""What a TAK client shows of no type, in an event's remarks."""

_COLOURS: Mapping[EntryKind, str] = {
    EntryKind.NOTICE: "-16711936",
    EntryKind.ZONE: "-65536",
    EntryKind.PLAN: "-256",
    EntryKind.PRESENCE: "-16776961",
}
"""ARGB as a signed integer, as TAK writes it: green, red, yellow, blue."""

_CIRCLE, _FORM = "u-d-c-c", "u-d-f"


def unit_of(event: Event, now: datetime) -> Unit:
    """The unit of which an event speaks.

    Raises:
        MalformedInput: It is none of the sender's own people, or was stale before it came.
    """
    if not event.type.startswith(OWN):
        raise MalformedInput("type", expected=f"{OWN}...: one's own people, and nobody else")
    if event.stale <= now:
        raise MalformedInput("stale", expected="later than now, by the node's clock")
    if not event.has_fix:
        raise MalformedInput("point", expected="a place: 0, 0 without ce is that of no fix")
    accuracy_mm = ACCURACY_UNKNOWN_MM if event.accuracy_mm is None else event.accuracy_mm
    height = event.height_mm
    observed = Observed(
        track=event.uid,
        time=event.time,
        position=event.position,
        accuracy_mm=accuracy_mm,
        drift_mm_s=0,
        speed_mm_s=event.speed_mm_s,
        course_mdeg=event.course_mdeg,
        lower_mm=None if height is None else height[0] - height[1],
        upper_mm=None if height is None else height[0] + height[1],
    )
    return Unit(
        uid=event.uid,
        type=event.type,
        domain=_DOMAINS.get(event.type[len(OWN) : len(OWN) + 1], ""),
        callsign=event.callsign,
        observed=observed,
        stale=event.stale,
    )


def press_of(event: Event, disc_of: Callable[[str], Circle | None]) -> Press:
    """What was pressed for help.

    Args:
        event: Of a type of PRESSED.
        disc_of: Where a unit of the sender's was last, by its uid.

    Raises:
        MalformedInput: Nothing is known of where.
    """
    if event.has_fix:
        error_mm = ACCURACY_UNKNOWN_MM if event.accuracy_mm is None else event.accuracy_mm
        reach_mm = min(error_mm, RADIUS_MAX_MM)
        place: Circle | None = Circle(centre=event.position, radius_mm=reach_mm)
    else:
        # Without a fix: where the device that it names was last.
        place = next(filter(None, map(disc_of, event.links)), None)
    if place is None:
        raise MalformedInput("point", expected="a place, or a link to a unit that had one")
    words = f"{event.callsign or event.uid}: {PRESSED[event.type]}, pressed on a tablet"
    return Press(uid=event.uid, place=place, words=words)


def of_seen(seen: Seen) -> Out:
    """A live track."""
    observed = seen.observed
    lower, upper = observed.lower_mm, observed.upper_mm
    height_m = error_m = UNKNOWN_M
    if lower is not None and upper is not None:
        height_m, error_m = (lower + upper) / 2 / MM_PER_M, (upper - lower) / 2 / MM_PER_M
    motion = None
    if observed.speed_mm_s is not None and observed.course_mdeg is not None:
        motion = observed.speed_mm_s / MM_PER_M, observed.course_mdeg / 1_000
    return Out(
        uid=observed.track if seen.own else f"{seen.feed}.{observed.track}",
        type=seen.kind if seen.own else _TRACKS.get(seen.kind, "a-u-G"),
        how="m-g",
        time=observed.time,
        stale=seen.stale or observed.time + UNIT_LIFE,
        position=observed.position,
        ce_m=observed.accuracy_mm / MM_PER_M,
        callsign=seen.name,
        motion=motion,
        hae_m=height_m,
        le_m=error_m,
        detail=remarks(_SAYS[seen.kind]) if seen.kind in _SAYS else "",
    )


def of_item(item: Item) -> list[Out]:
    """What the picture holds, as its reader sees it; nothing of what is over."""
    value = item.view.value
    if isinstance(value, Presence) and value.track is not None:
        track = value.track
        uid = uid_of(value, FEED) or f"detente.{item.view.object}"
        return [
            Out(
                uid=uid, type="a-f-G", how="m-g", time=track.time,
                stale=track.time + UNIT_LIFE, position=track.position,
                ce_m=track.accuracy_mm / MM_PER_M, callsign=value.name,
            )
        ]  # fmt: skip
    shapes = [
        (volume, shape)
        for volume in item.volumes()
        if volume.end is None or volume.end > item.now
        for shape in volume.footprint
    ]
    return [
        out
        for number, (volume, shape) in enumerate(shapes)
        for out in _shape(item, volume, shape, number)
    ]


def _shape(item: Item, volume: Volume, shape: Shape, number: int) -> Iterator[Out]:
    stale = item.now + SHAPE_LIFE
    if volume.end is not None:
        stale = min(stale, volume.end)
    colour = _COLOURS[item.view.kind]
    style = (
        element("strokeColor", {"value": colour})
        + element("strokeWeight", {"value": "3.0"})
        + remarks(_remarks(item.view, volume))
    )
    for part, (kind, position, detail) in enumerate(drawn(shape)):
        yield Out(
            uid=f"detente.{item.view.object}.{number}.{part}",
            type=kind,
            time=item.now,
            stale=stale,
            position=position,
            callsign=_name(item.view),
            detail=detail + style,
        )


def drawn(shape: Shape) -> Iterator[tuple[str, Position, str]]:
    """A shape as the type, centre and elements of one event or more."""
    if isinstance(shape, Circle) and shape.radius_mm:
        ellipse = {"major": f"{shape.radius_m:.3f}", "minor": f"{shape.radius_m:.3f}", "angle": "0"}
        yield _CIRCLE, shape.centre, f"<shape>{element('ellipse', ellipse)}</shape>"
        return
    drawing: Any = rounded(drawing_of([Volume(footprint=(shape,))]))
    for geometry in getattr(drawing, "geoms", [drawing]):
        line = geometry if geometry.geom_type != "Polygon" else geometry.exterior
        corners = [(float(lon), float(lat)) for lon, lat in line.coords]
        centre = (geometry.centroid.x, geometry.centroid.y)
        links = [element("link", {"point": f"{lat:.7f},{lon:.7f}"}) for lon, lat in corners]
        lon_e7, lat_e7 = (round(one * E7_PER_DEG) for one in centre)
        kind = _FORM if len(corners) > 1 else "b-m-p-s-m"
        yield kind, (lon_e7, lat_e7), "".join(links) if len(corners) > 1 else ""


def _name(view: "View") -> str:
    return getattr(view.value, "name", None) or view.category or view.kind.value


def _remarks(view: "View", volume: Volume) -> str:
    """What a reader needs beside the shape. That a shape is there permits nothing."""
    said = [f"{view.kind} of {view.party}"]
    if isinstance(view.value, Zone):
        said.append(f"rule {view.value.rule}")
    if isinstance(view.value, Plan):
        said.append(f"state {view.value.state}")
    times = {"start": volume.start, "end": volume.end}
    said += [f"{name} {time.isoformat()}" for name, time in times.items() if time is not None]
    heights = {"lower": volume.lower_mm, "upper": volume.upper_mm}
    said += [
        f"{name} {height / MM_PER_M:.0f} m above the ellipsoid"
        for name, height in heights.items()
        if height is not None
    ]
    standoff = getattr(view.value, "standoff_mm", 0)
    if standoff:
        said.append(f"standoff {standoff / MM_PER_M:.0f} m")
    if view.desk is not None:
        said.append(f"call {view.desk.name}")
    return "; ".join(said)
