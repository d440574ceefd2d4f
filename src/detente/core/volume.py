"""Where and when: footprint x altitude band x time window.

Values hold the integers that are signed (docs/adr/0003): coordinates in 1e-7
degree, lengths and altitudes in millimetres, times in UTC. So what is checked
is, to the last bit, what stands in the record. Properties give metres.

A footprint is a union of shapes. Every shape is a core (points, a line, rings)
and a radius around it, so circles and corridors are exact and never polygons.
"""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from msgspec import Meta, Struct

from detente.errors import MalformedInput

E7_PER_DEG = 10_000_000
MM_PER_M = 1_000

VERTICES_MAX = 250_000
"""Vertices in one footprint. The most detailed country of Natural Earth 1:10m,
Canada, has 165,208 with both readings of its edges (detente.core.edges)."""

SHAPES_MAX = 10_000
"""Shapes in one footprint. Indonesia or Canada as a MultiPolygon stay under 1,000."""

RADIUS_MAX_MM = 1_000_000 * MM_PER_M
"""1,000 km: beyond any hazard radius, standoff or corridor; a larger one is a unit mistake."""

ALTITUDE_MIN_MM = -12_000 * MM_PER_M
"""12 km below the ellipsoid: deeper than any sea floor (10.9 km) or mine."""

ALTITUDE_MAX_MM = 100_000_000 * MM_PER_M
"""100,000 km above the ellipsoid: beyond geostationary orbit (35,786 km)."""

YEAR_MIN, YEAR_MAX = 1900, 2200
"""A time outside these years is a mistake of format, not a plan."""

LongitudeE7 = Annotated[int, Meta(ge=-180 * E7_PER_DEG, le=180 * E7_PER_DEG)]
LatitudeE7 = Annotated[int, Meta(ge=-90 * E7_PER_DEG, le=90 * E7_PER_DEG)]
RadiusMm = Annotated[int, Meta(ge=0, le=RADIUS_MAX_MM)]
AltitudeMm = Annotated[int, Meta(ge=ALTITUDE_MIN_MM, le=ALTITUDE_MAX_MM)]
UtcTime = Annotated[datetime, Meta(tz=True)]

# A position is (longitude, latitude), in the order of GeoJSON.
Position = tuple[LongitudeE7, LatitudeE7]
Line = Annotated[tuple[Position, ...], Meta(min_length=1, max_length=VERTICES_MAX)]
Ring = Annotated[tuple[Position, ...], Meta(min_length=1, max_length=VERTICES_MAX)]


class Circle(Struct, frozen=True, kw_only=True, tag="circle", omit_defaults=True, gc=False):
    """All places within ``radius_mm`` of ``centre``; radius 0 is a point."""

    centre: Position
    radius_mm: RadiusMm = 0

    @property
    def radius_m(self) -> float:
        """Radius in metres."""
        return self.radius_mm / MM_PER_M

    @property
    def vertex_count(self) -> int:
        """One: the centre."""
        return 1


class Corridor(Struct, frozen=True, kw_only=True, tag="corridor", omit_defaults=True, gc=False):
    """All places within half of ``width_mm`` of a line of geodesics.

    ``edge_error_mm`` bounds how far the geodesics may lie from the line that
    the source meant (detente.core.edges).
    """

    line: Line
    width_mm: RadiusMm = 0
    edge_error_mm: RadiusMm = 0

    @property
    def radius_m(self) -> float:
        """Half the width, in metres."""
        return self.width_mm / (2 * MM_PER_M)

    @property
    def vertex_count(self) -> int:
        """Number of vertices of the line."""
        return len(self.line)


class Polygon(Struct, frozen=True, kw_only=True, tag="polygon", omit_defaults=True, gc=False):
    """Places around which an odd number of rings wind: a shell and its holes.

    Edges are geodesics. A ring need not repeat its first vertex. It winds
    around a place in either direction, on the side away from the antipode; so a
    self-crossing ring encloses all its loops, a ring outside the shell is a
    part of its own, and nothing enclosed is lost. All edges belong to the
    polygon.

    ``buffer_mm`` widens the polygon on all sides. ``edge_error_mm`` as for
    Corridor.
    """

    rings: Annotated[tuple[Ring, ...], Meta(min_length=1, max_length=VERTICES_MAX)]
    buffer_mm: RadiusMm = 0
    edge_error_mm: RadiusMm = 0

    @property
    def radius_m(self) -> float:
        """The buffer, in metres."""
        return self.buffer_mm / MM_PER_M

    @property
    def vertex_count(self) -> int:
        """Number of vertices in all rings."""
        return sum(len(ring) for ring in self.rings)


Shape = Circle | Corridor | Polygon
Footprint = Annotated[tuple[Shape, ...], Meta(min_length=1, max_length=SHAPES_MAX)]


class Volume(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """A footprint, an altitude band and a time window, all closed: touching is meeting.

    ``lower_mm`` and ``upper_mm`` are above the WGS 84 ellipsoid; None is
    unbounded on that side. ``start`` None is "always has been", ``end`` None
    is "until further notice".

    Raises:
        MalformedInput: Lower above upper, end before start, a naive time, or
            more shapes than SHAPES_MAX or vertices than VERTICES_MAX.

    Source:
        ASTM F3548-21 Volume4D; docs/rules/R-06.md.
    """

    footprint: Footprint
    lower_mm: AltitudeMm | None = None
    upper_mm: AltitudeMm | None = None
    start: UtcTime | None = None
    end: UtcTime | None = None

    def __post_init__(self) -> None:
        if (
            self.lower_mm is not None
            and self.upper_mm is not None
            and self.lower_mm > self.upper_mm
        ):
            raise MalformedInput(
                "altitude band",
                expected="lower at most upper",
                got=f"lower {self.lower_mm / MM_PER_M} m above upper {self.upper_mm / MM_PER_M} m",
            )
        check_window(self.start, self.end)
        if len(self.footprint) > SHAPES_MAX:
            raise MalformedInput(
                "footprint", expected=f"at most {SHAPES_MAX} shapes", got=f"{len(self.footprint)}"
            )
        if len(self.footprint) > 1 or not isinstance(self.footprint[0], Circle):
            vertices = sum(shape.vertex_count for shape in self.footprint)
            if vertices > VERTICES_MAX:
                raise MalformedInput(
                    "footprint", expected=f"at most {VERTICES_MAX} vertices", got=f"{vertices}"
                )


def check_window(start: datetime | None, end: datetime | None) -> None:
    """Refuse a naive time, one outside YEAR_MIN..YEAR_MAX, and an end before its start.

    Raises:
        MalformedInput: As said.
    """
    for name, time in (("start", start), ("end", end)):
        if time is not None:
            check_time(time, what=name)
    if start is not None and end is not None and end < start:
        raise MalformedInput(
            "time window",
            expected="end at or after start",
            got=f"end {end.isoformat()} before start {start.isoformat()}",
        )


def check_time(time: datetime, *, what: str) -> None:
    """Refuse a time that is naive or absurd.

    Raises:
        MalformedInput: No offset from UTC, or a year outside YEAR_MIN..YEAR_MAX.
    """
    if time.tzinfo is None:
        raise MalformedInput(
            what, expected="a time with Z or an offset from UTC", got=f"{time.isoformat()} (naive)"
        )
    if not YEAR_MIN <= time.year <= YEAR_MAX:
        raise MalformedInput(
            what, expected=f"a year from {YEAR_MIN} to {YEAR_MAX}", got=f"{time.isoformat()}"
        )


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def microseconds(time: datetime) -> int:
    """Microseconds since 1970-01-01T00:00:00Z, exact."""
    return (time - EPOCH) // _MICROSECOND
