"""Verdicts out: one sentence, JSON lines, GeoJSON; detente.doors.answer_text has the table."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import msgspec

from detente.core.check import Source, Verdict, VerdictKind
from detente.core.plan import Plan
from detente.core.volume import E7_PER_DEG, MM_PER_M, Circle, Corridor, Polygon, Position, Shape

WORDS = {
    VerdictKind.NO_KNOWN_CONFLICT: "no known conflict",
    VerdictKind.COORDINATE: "coordinate",
    VerdictKind.CONFLICT: "conflict",
    VerdictKind.INCOMPLETE: "incomplete",
}


EXIT_STATUS = {
    VerdictKind.NO_KNOWN_CONFLICT: 0,
    VerdictKind.COORDINATE: 1,
    VerdictKind.CONFLICT: 1,
    VerdictKind.INCOMPLETE: 3,
}
"""How a process ends that gives this answer."""


def exit_status(verdicts: Iterable[Verdict]) -> int:
    """Of many answers, the gravest one's."""
    return max((EXIT_STATUS[verdict.verdict] for verdict in verdicts), default=0)


def utc(time: datetime | None) -> str:
    """As 2025-01-07T18:30:00Z, or a dash."""
    if time is None:
        return "-"
    return time.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def sentence(verdict: Verdict) -> str:
    """The answer in one line, which never permits.

    Such as: no known conflict, register version 4711, as of
    2025-01-07T12:03:07Z, 2 entries stale, 1 withheld.
    """
    parts = [WORDS[verdict.verdict]]
    if verdict.findings:
        parts.append(f"{len(verdict.findings)} {plural(len(verdict.findings), 'finding')}")
    parts.append(stands_on(verdict))
    parts += [source_problem(source) for source in verdict.sources]
    return ", ".join(parts)


def stands_on(verdict: Verdict) -> str:
    """On what an answer stands, in words."""
    version = f"register version {verdict.sequence}"
    stale = f"{verdict.counts.stale} {plural(verdict.counts.stale, 'entry')} stale"
    return ", ".join(
        [
            version if verdict.sequence else "from files, no register",
            f"as of {utc(verdict.as_of)}",
            stale,
            f"{verdict.counts.withheld} withheld",
        ]
    )


def source_problem(source: Source) -> str:
    """What was wrong with a source, in words."""
    problems = [source.problem] if source.problem else []
    if source.unplaced:
        rows = plural(source.unplaced, "row")
        problems.append(f"{source.unplaced} {rows} refused: where those places are is unknown")
    if source.lacks:
        problems.append(source.lacks)
    return f"{source.name}: {'; '.join(problems)}"


def plural(count: int, word: str) -> str:
    """The word as it stands after a count."""
    if count == 1:
        return word
    if word.endswith("y"):
        return word[:-1] + "ies"
    return word + ("es" if word.endswith("sh") else "s")


def json_line(verdict: Verdict) -> bytes:
    """One line of JSON, without the line's end."""
    return msgspec.json.encode(verdict)


def geojson(plans: Sequence[Plan], verdicts: Sequence[Verdict]) -> bytes:
    """A FeatureCollection: each volume of each plan with its plan's verdict."""
    features = []
    for plan, verdict in zip(plans, verdicts, strict=True):
        for volume in plan.volumes:
            geometries = [geometry(shape) for shape in volume.footprint]
            one = len(geometries) == 1
            features.append(
                {
                    "type": "Feature",
                    "geometry": geometries[0]
                    if one
                    else {"type": "GeometryCollection", "geometries": geometries},
                    "properties": {
                        **(_size(volume.footprint[0]) if one else {}),
                        "lower_m": None if volume.lower_mm is None else volume.lower_mm / MM_PER_M,
                        "upper_m": None if volume.upper_mm is None else volume.upper_mm / MM_PER_M,
                        "start": volume.start,
                        "end": volume.end,
                        "hazard_m": plan.hazard_mm / MM_PER_M,
                        **msgspec.to_builtins(verdict),
                    },
                }
            )
    return msgspec.json.encode({"type": "FeatureCollection", "features": features})


def geometry(shape: Shape) -> dict[str, object]:
    """The core of a shape as a GeoJSON geometry, degrees."""
    match shape:
        case Circle():
            return {"type": "Point", "coordinates": _degrees(shape.centre)}
        case Corridor():
            return {"type": "LineString", "coordinates": [_degrees(p) for p in shape.line]}
        case Polygon():
            rings = [[_degrees(p) for p in (*ring, ring[0])] for ring in shape.rings]
            return {"type": "Polygon", "coordinates": rings}


def _size(shape: Shape) -> dict[str, float]:
    match shape:
        case Circle():
            return {"radius_m": shape.radius_m}
        case Corridor():
            return {"width_m": shape.width_mm / MM_PER_M}
        case Polygon():
            return {"buffer_m": shape.radius_m} if shape.buffer_mm else {}


def _degrees(position: Position) -> list[float]:
    return [position[0] / E7_PER_DEG, position[1] / E7_PER_DEG]


def metres(value: float) -> str:
    """Metres below 10 km, kilometres from there."""
    if value < 10_000:  # noqa: PLR2004 - where metres stop being read as metres
        return f"{value:,.0f} m"
    return f"{value / 1000:,.1f} km"
