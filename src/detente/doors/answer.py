"""Verdicts out: one sentence, JSON lines, GeoJSON, a table for people."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import msgspec
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from detente.core.check import Finding, Source, Verdict, VerdictKind
from detente.core.plan import Plan
from detente.core.volume import E7_PER_DEG, MM_PER_M, Circle, Corridor, Polygon, Position, Shape

FINDINGS_SHOWN = 5
"""Findings a plan in the table; the count of the others is always said, and
the other formats hold all."""

WORDS = {
    VerdictKind.NO_KNOWN_CONFLICT: "no known conflict",
    VerdictKind.COORDINATE: "coordinate",
    VerdictKind.CONFLICT: "conflict",
    VerdictKind.INCOMPLETE: "incomplete",
}

_NOTHING = {True: "nothing known", False: "nothing found, and not all could be asked"}

_STYLES = {
    VerdictKind.NO_KNOWN_CONFLICT: "cyan",
    VerdictKind.COORDINATE: "yellow",
    VerdictKind.CONFLICT: "bold red",
    VerdictKind.INCOMPLETE: "bold magenta",
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
    parts.append(_stands_on(verdict))
    parts += [source_problem(source) for source in verdict.sources]
    return ", ".join(parts)


def _stands_on(verdict: Verdict) -> str:
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


def table(verdicts: Sequence[Verdict]) -> RenderableType:
    """For people: a row a finding, then what all the answers stand on."""
    out = Table(box=None, pad_edge=False, header_style="bold")
    out.add_column("plan", overflow="fold")
    out.add_column("verdict", no_wrap=True)
    out.add_column("rule", no_wrap=True)
    out.add_column("what it meets", overflow="fold", ratio=1)
    out.add_column("distance", justify="right", no_wrap=True)
    out.add_column("to keep", justify="right", no_wrap=True)
    out.add_column("call", overflow="fold")
    for verdict in verdicts:
        word = Text(WORDS[verdict.verdict], style=_STYLES[verdict.verdict])
        shown = verdict.findings[:FINDINGS_SHOWN]
        if not shown:
            complete = verdict.verdict is not VerdictKind.INCOMPLETE
            out.add_row(verdict.plan, word, "", Text(_NOTHING[complete], style="dim"), "", "", "")
        for number, found in enumerate(shown):
            out.add_row(*_head(verdict.plan, word, first=number == 0), *_cells(found))
        more = len(verdict.findings) - len(shown)
        if more:
            note = f"and {more} more, further away or less grave (--format jsonl has all)"
            out.add_row("", "", "", Text(note, style="dim"), "", "", "")
    return Group(out, Text(), *_closing(verdicts))


def _head(plan: str, word: Text, *, first: bool) -> tuple[RenderableType, RenderableType]:
    return (plan, word) if first else ("", "")


def _cells(found: Finding) -> tuple[RenderableType, ...]:
    marks = [name for name in ("stale", "disputed") if getattr(found, name)]
    kind = found.kind if found.category == found.kind else f"{found.kind}, {found.category}"
    what = Text(f"{found.name} ({kind})")
    if marks:
        what.append(f" {' and '.join(marks)}, protects as before", style="italic")
    distance = "meets" if found.distance_m == 0 else metres(found.distance_m)
    return (
        found.rule,
        what,
        distance,
        metres(found.separation_m),
        found.desk or found.party or "",
    )


def metres(value: float) -> str:
    """Metres below 10 km, kilometres from there."""
    if value < 10_000:  # noqa: PLR2004 - where metres stop being read as metres
        return f"{value:,.0f} m"
    return f"{value / 1000:,.1f} km"


def _closing(verdicts: Sequence[Verdict]) -> list[Text]:
    """What the answers stand on, what could not be asked, and what an answer is."""
    informs = Text("A check informs; it never permits.", style="dim")
    if len(verdicts) == 1:
        return [Text(sentence(verdicts[0]) + ".", style="bold"), informs]
    counts = Counter(verdict.verdict for verdict in verdicts)
    parts = [f"{counts[kind]} {WORDS[kind]}" for kind in VerdictKind if counts[kind]]
    lines = [Text(f"{len(verdicts)} plans: {', '.join(parts)}.", style="bold")]
    if verdicts:
        last = verdicts[-1]
        lines += [Text(source_problem(source), style="magenta") for source in last.sources]
        lines.append(Text(f"{_stands_on(last)}."))
    return [*lines, informs]
