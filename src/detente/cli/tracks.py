"""``detente audit-tracks``: recorded positions against what protected at that time."""

import sys
from contextlib import ExitStack, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from detente.cli.common import console, place_of, progress, say_if_compiling
from detente.errors import MalformedInput

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import pyarrow as pa

    from detente.doors.track_run import Measuring
    from detente.doors.track_text import Answer, Kept
    from detente.node.past import Past
    from detente.node.tracks import Approach
    from detente.picture.tables import Record

GAP_MAX_S = 3_600
"""An hour: what a craft did in a longer time is not told by where it was before and after."""

_SQLITE = b"SQLite format 3\x00"
_HEADER_BYTES = 100
_APPLICATION = slice(68, 72)
_GEOPACKAGE = {b"GPKG", b"GP10", b"GP11"}
"""GeoPackage 1.3, requirement 2: the application id of SQLite's header."""


class Form(StrEnum):
    """How the answer is written."""

    TABLE = "table"
    JSONL = "jsonl"


class What(StrEnum):
    """What the rows of a file are."""

    NOTICES = "notices"
    ZONES = "zones"
    PRESENCE = "presence"


def audit_tracks(  # noqa: PLR0913, PLR0917 - one parameter an option
    tracks: Annotated[
        list[Path],
        typer.Argument(
            metavar="TRACKS",
            help="Parquet or GeoParquet files of positions, or folders of them.",
            show_default=False,
        ),
    ],
    against: Annotated[
        str,
        typer.Option(
            metavar="REGISTER|FILE", help="What protected: a register, or a file of places."
        ),
    ],
    what: Annotated[
        What, typer.Option("--as", help="What the rows are, where it is a file.")
    ] = What.NOTICES,
    within: Annotated[
        float,
        typer.Option(metavar="METRES", help="What counts as near; more where an entry asks more."),
    ] = 0.0,
    gap: Annotated[
        float,
        typer.Option(
            metavar="SECONDS", help="Positions further apart are a gap: not observed between them."
        ),
    ] = 60.0,
    column: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FIELD=COLUMN",
            help="Where a name is not known: track, time_s, lat, lon, geometry, altitude_ft_baro.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="All approaches: .parquet or .csv."),
    ] = None,
    gaps: Annotated[
        Path | None, typer.Option(metavar="FILE", help="All gaps: .parquet or .csv.")
    ] = None,
    form: Annotated[Form, typer.Option("--format", help="A table, or JSON lines.")] = Form.TABLE,
    ray: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="On a Ray cluster; local starts one here."),
    ] = None,
) -> None:
    """Find every approach of recorded positions to what protected at that time.

    Each version of an entry counts from the start of its own time window until
    it ended, was replaced or withdrawn; since when it was on record is said
    beside. Between two positions of a track the craft was somewhere between
    them. It informs and judges nobody.

    Exit status: 0 no known approach, 1 some, 3 incomplete (what could not be
    read, or was erased since), 2 wrong usage or malformed input.

    [bold]Examples[/bold]

        detente audit-tracks flights.parquet --against detente.db --within 500

        detente audit-tracks 2024/ --against hospitals.csv --within 1000 -o near.parquet

        detente audit-tracks 2024/ --against detente.db --ray head:6379
    """
    from detente.core.edges import length_mm  # noqa: PLC0415 - `--help` loads no geometry

    within_m = length_mm(within, what="--within") / 1_000
    if not 0 <= gap <= GAP_MAX_S:
        raise MalformedInput("--gap", expected=f"seconds from 0 to {GAP_MAX_S}", got=f"{gap}")
    given = _columns(column)
    for path in (output, gaps):
        _require_writable(path)
    from detente.doors import track_text  # noqa: PLC0415
    from detente.doors.track_files import Problem, files_of  # noqa: PLC0415
    from detente.doors.track_run import all_units  # noqa: PLC0415
    from detente.node.past import ground_of  # noqa: PLC0415
    from detente.node.tracks import Joining, approaches  # noqa: PLC0415

    units, problems = all_units(files_of(tracks), given)
    for name in dict.fromkeys(unit.layout.unused for unit in units if unit.layout.unused):
        sys.stderr.write(f"detente: column {name} names no unit: all altitudes count\n")
    say_if_compiling()
    past, unplaced = _past(against, what)
    with ExitStack() as stack:
        out = _Out(
            form,
            stack.enter_context(_kept(output, track_text.APPROACHES)),
            stack.enter_context(_kept(gaps, track_text.GAPS)),
        )
        measuring = stack.enter_context(_measuring(ray))
        ground, owners = ground_of(past, within_m)
        joining = Joining(ground, round(gap * 1e6))
        bar = stack.enter_context(progress())
        task = bar.add_task("positions", total=sum(unit.rows for unit in units))
        for unit, found in zip(units, measuring(units, ground, joining.gap_us), strict=True):
            for one in found:
                if isinstance(one, Problem):
                    problems.append(one)
                    continue
                near, unseen = joining.add(one)
                out.write(approaches(near, joining.names, owners), unseen, joining.names)
            bar.advance(task, unit.rows)
        out.write(approaches(joining.finish(), joining.names, owners), (), joining.names)
    answer = track_text.Answer(
        totals=joining.totals,
        problems=tuple(problems),
        erased=track_text.erased_then(past, joining.totals),
        unplaced=unplaced,
    )
    out.end(answer)
    if not answer.complete:
        raise typer.Exit(3)
    raise typer.Exit(1 if answer.totals.approaches else 0)


class _Out:
    """Where what is found goes, as it is found: nothing is held but what a table shows."""

    def __init__(self, form: Form, approaches: "Kept | None", gaps: "Kept | None") -> None:
        from detente.doors.track_text import Nearest  # noqa: PLC0415

        self._form = form
        self._approaches = approaches
        self._gaps = gaps
        self._nearest = Nearest()

    def write(self, found: "list[Approach]", gaps: "Iterable[Record]", names: list[str]) -> None:
        """Approaches that are over, and gaps."""
        from detente.doors import track_text  # noqa: PLC0415

        if self._approaches is not None:
            self._approaches.write([track_text.row_of(one) for one in found])
        if self._gaps is not None:
            self._gaps.write(track_text.gap_rows(gaps, names))
        if self._form is Form.JSONL:
            sys.stdout.write("".join(map(track_text.json_line, found)))
        else:
            self._nearest.add(found)

    def end(self, answer: "Answer") -> None:
        """What is said once."""
        from detente.doors import track_text  # noqa: PLC0415

        if self._form is Form.JSONL:
            sys.stdout.write(track_text.json_answer(answer))
        else:
            console().print(track_text.table(self._nearest.sorted(), answer))


def _columns(given: list[str] | None) -> dict[str, str]:
    """Field to column."""
    out = {}
    for one in given or ():
        field, equals, name = one.partition("=")
        if not (field and equals and name):
            raise MalformedInput("--column", expected="FIELD=COLUMN", got=one)
        out[field] = name
    return out


def _require_writable(path: Path | None) -> None:
    """Refuse a file that could not be written, before the work is done.

    Raises:
        MalformedInput: It could not.
    """
    if path is not None and (
        path.suffix.lower() not in {".parquet", ".csv"} or not path.parent.is_dir()
    ):
        raise MalformedInput(
            "-o", expected="a .parquet or .csv in a folder that is there", got=f"{path}"
        )


@contextmanager
def _kept(path: Path | None, schema: "pa.Schema") -> "Iterator[Kept | None]":
    """A file that rows are written to, if one is wanted."""
    from detente.doors.track_text import Kept  # noqa: PLC0415

    if path is None:
        yield None
        return
    with Kept(path, schema) as kept:
        yield kept


@contextmanager
def _measuring(address: str | None) -> "Iterator[Measuring]":
    """Who measures: this process, or a cluster while it is asked."""
    if address is None:
        from detente.doors.track_run import here  # noqa: PLC0415

        yield here
        return
    from detente.doors.track_ray import connect, on_ray  # noqa: PLC0415

    ray = connect(address)
    try:
        yield on_ray
    finally:
        ray.shutdown()


def _past(against: str, what: What) -> "tuple[Past, int]":
    """What protected when, and how many rows of a file could not be placed."""
    from detente.core.plan import Plan  # noqa: PLC0415
    from detente.doors.files import ReadOptions, divided, read  # noqa: PLC0415
    from detente.node.past import load_past, past_of_values  # noqa: PLC0415

    path = Path(against)
    if "://" in against or not divided(path)[0].exists() or _is_register(path):
        return load_past(place_of(against)), 0
    reading = read(path, ReadOptions(kind=what.value, question_country=False))
    if reading.refusals:
        sys.stderr.write(
            f"detente: {path.name}: {len(reading.refusals)} of {reading.rows_total} rows refused, "
            f"the first: {reading.refusals[0]}\n"
        )
    values = [value for value in reading.values if not isinstance(value, Plan)]
    return past_of_values(values), len(reading.refusals)


def _is_register(path: Path) -> bool:
    """Whether a file is SQLite's, but no GeoPackage, which says so in its header."""
    with path.open("rb") as file:
        head = file.read(_HEADER_BYTES)
    return head.startswith(_SQLITE) and head[_APPLICATION] not in _GEOPACKAGE
