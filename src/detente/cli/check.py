"""``detente check``: plans against a store, or straight from files."""

import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from detente.errors import DetenteError, MalformedInput

if TYPE_CHECKING:
    from detente.core.agreement import Agreement
    from detente.core.check import Known, Source, Verdict
    from detente.core.plan import Plan

Kind = Literal["notices", "zones", "presence"]
FilesOption = Annotated[list[Path] | None, typer.Option(metavar="FILE", show_default=False)]


class Format(StrEnum):
    """How the answer is written."""

    TABLE = "table"
    JSONL = "jsonl"
    GEOJSON = "geojson"


@dataclass(kw_only=True)
class Asked:
    """What a check stands on: entries, and each source with what was wrong with it."""

    known: "list[Known]" = field(default_factory=list)
    sources: "list[Source]" = field(default_factory=list)
    agreement: "Agreement | None" = None
    sequence: int = 0


def check(  # noqa: PLR0913 - one parameter an option
    plans: Annotated[Path, typer.Argument(metavar="PLANS", help="GeoJSON, a feature a volume.")],
    store: Annotated[
        Path | None,
        typer.Option(envvar="DETENTE_STORE", metavar="FILE", help="The register to check against."),
    ] = None,
    notices: FilesOption = None,
    zones: FilesOption = None,
    presence: FilesOption = None,
    separation: Annotated[
        float, typer.Option(metavar="METRES", help="The least distance to keep from everything.")
    ] = 0.0,
    at: Annotated[
        str | None, typer.Option(metavar="TIME", help="Answer as of this time (RFC 3339), not now.")
    ] = None,
    max_age: Annotated[
        float | None,
        typer.Option(metavar="HOURS", help="A file older than this makes the answer incomplete."),
    ] = None,
    format: Annotated[Format, typer.Option(help="How to write the answer.")] = Format.TABLE,  # noqa: A002
    map: Annotated[  # noqa: A002
        Path | None, typer.Option(metavar="OUT.png", help="Draw plans and findings as a picture.")
    ] = None,
) -> None:
    """Check plans against everything known: notices, presence, zones, other plans.

    The answer informs and never permits. Exit status: 0 no known conflict in
    any plan, 1 a conflict or a need to coordinate, 3 incomplete (a source could
    not be asked in full), 2 wrong usage or malformed input.

    [bold]Examples[/bold]

        detente check plans.geojson --store detente.db

        detente check plans.geojson --notices hospitals.csv --separation 500

        detente check plans.geojson --notices hospitals.csv --format jsonl --map out.png
    """
    from detente.core.edges import length_mm  # noqa: PLC0415 - `--help` loads no geometry
    from detente.doors.answer import exit_status  # noqa: PLC0415
    from detente.node.check import check_plans  # noqa: PLC0415
    from detente.picture import Picture  # noqa: PLC0415

    now = parse_time(at) if at else datetime.now(UTC)
    separation_mm = length_mm(separation, what="--separation")
    if not any((store, notices, zones, presence)):
        raise MalformedInput(
            "check", expected="--store, --notices, --zones or --presence", got="nothing to ask"
        )
    questions = read_plans(plans)
    asked = Asked()
    if store is not None:
        ask_store(store, asked)
    for kind, paths in (("notices", notices), ("zones", zones), ("presence", presence)):
        for path in paths or ():
            ask_file(path, kind, asked, now=now, max_age_h=max_age)  # type: ignore[arg-type] # of Kind
    picture = Picture(asked.known, agreement=asked.agreement, sequence=asked.sequence)
    verdicts = check_plans(questions, picture, asked.sources, now=now, separation_mm=separation_mm)
    write(questions, verdicts, format)
    if map is not None:
        draw_map(map, questions, verdicts, asked)
    raise typer.Exit(exit_status(verdicts))


def parse_time(text: str) -> datetime:
    """A time with an offset, for options.

    Raises:
        MalformedInput: Not RFC 3339, or naive.
    """
    from detente.core.volume import check_time  # noqa: PLC0415

    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise MalformedInput("time", expected="such as 2025-01-07T18:30:00Z", got=text) from None
    check_time(time, what="time")
    return time.astimezone(UTC)


def read_plans(path: Path) -> "list[Plan]":
    """All plans of a file; a single bad volume refuses the file.

    Raises:
        MalformedInput: The file, or the first feature that is not a volume.
    """
    from detente.core.plan import Plan  # noqa: PLC0415
    from detente.doors.files import ReadOptions, read  # noqa: PLC0415

    reading = read(path, ReadOptions(kind="plans", strict=True))
    return [value for value in reading.values if isinstance(value, Plan)]


def ask_file(
    path: Path, kind: Kind, asked: Asked, *, now: datetime, max_age_h: float | None
) -> None:
    """Add what a file holds; what is wrong with the file is said, not raised."""
    from detente.core.check import Known, Source  # noqa: PLC0415
    from detente.doors.files import ReadOptions, read  # noqa: PLC0415

    try:
        reading = read(path, ReadOptions(kind=kind))
        modified = datetime.fromtimestamp(path.stat().st_mtime, tz=UTC)
    except (DetenteError, OSError) as error:
        asked.sources.append(Source(name=path.name, problem=f"could not be asked: {error}"))
        sys.stderr.write(f"detente: {path.name} could not be asked: {error}\n")
        return
    problem = None
    if max_age_h is not None and now - modified > timedelta(hours=max_age_h):
        problem = f"older than {max_age_h:g} h: last changed {modified:%Y-%m-%dT%H:%M:%SZ}"
    unplaced = len(reading.refusals)
    asked.known += [Known(value=value) for value in reading.values]  # type: ignore[arg-type] # no reports
    asked.sources.append(Source(name=path.name, problem=problem, unplaced=unplaced, as_of=modified))
    if unplaced:
        first = reading.refusals[0]
        sys.stderr.write(
            f"detente: {path.name}: {unplaced} of {reading.rows_total} rows refused, "
            f"the first: {first}; `detente import` lists them\n"
        )


def ask_store(path: Path, asked: Asked) -> None:
    """Add what a register holds; a register that cannot be read is said, not raised."""
    from detente.core.check import Source  # noqa: PLC0415
    from detente.node.picture import load  # noqa: PLC0415

    try:
        loaded = load(path)
    except DetenteError as error:
        asked.sources.append(Source(name=path.name, problem=f"could not be asked: {error}"))
        sys.stderr.write(f"detente: {path.name} could not be asked: {error}\n")
        return
    asked.known += loaded.known
    asked.agreement = loaded.agreement
    asked.sequence = loaded.sequence
    asked.sources.append(Source(name=path.name))


def write(plans: "list[Plan]", verdicts: "list[Verdict]", form: Format) -> None:
    """The answer on standard output."""
    from rich.console import Console  # noqa: PLC0415

    from detente.doors import answer  # noqa: PLC0415

    match form:
        case Format.TABLE:
            Console().print(answer.table(verdicts))
        case Format.JSONL:
            for verdict in verdicts:
                sys.stdout.write(answer.json_line(verdict).decode() + "\n")
        case Format.GEOJSON:
            sys.stdout.write(answer.geojson(plans, verdicts).decode() + "\n")


def draw_map(path: Path, plans: "list[Plan]", verdicts: "list[Verdict]", asked: Asked) -> None:
    """The picture of plans, findings and what is around them."""
    from detente.doors.map_png import Scene, draw  # noqa: PLC0415

    draw(path, Scene(plans=plans, verdicts=verdicts, known=asked.known))
    sys.stderr.write(f"detente: map written to {path}\n")
