"""What an audit of tracks found, for people and for programs."""

import csv
import heapq
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from detente.doors.answer import metres, plural, utc
from detente.doors.track_files import Problem
from detente.errors import MalformedInput
from detente.node.past import Erased, Past
from detente.node.tracks import Approach, Totals, time_of
from detente.picture.tables import Record

SHOWN_MAX = 50
"""Approaches that a table shows; how many there are in all is said."""

_SECOND_US = 1_000_000
_HOUR_S = 3_600

_TIME = pa.timestamp("us", tz="UTC")
_PLACE = [(name, pa.float64()) for name in ("lat", "lon", "end_lat", "end_lon")]
APPROACHES = pa.schema(
    [
        ("track", pa.string()), ("from", _TIME), ("to", _TIME),
        ("distance_m", pa.float64()), ("distance_error_m", pa.float64()),
        ("separation_m", pa.float64()), ("closest_from", _TIME), ("closest_to", _TIME), *_PLACE,
        ("kind", pa.string()), ("id", pa.string()), ("name", pa.string()),
        ("category", pa.string()), ("party", pa.string()), ("object", pa.string()),
        ("version", pa.int64()), ("entry", pa.int64()), ("known_since", _TIME),
        ("known_then", pa.bool_()),
    ]
)  # fmt: skip
GAPS = pa.schema([("track", pa.string()), ("from", _TIME), ("to", _TIME), *_PLACE])


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What is said once at the end.

    Attributes:
        totals: What was read.
        problems: Files that could not be read, or not to their end.
        erased: Objects that may have protected while tracks were recorded, and whose place
            nobody can say any more.
        unplaced: Rows of a file of what protects that could not be placed.
    """

    totals: Totals
    problems: tuple[Problem, ...]
    erased: tuple[Erased, ...]
    unplaced: int

    @property
    def complete(self) -> bool:
        """Whether all could be asked of all that was recorded."""
        return not (self.problems or self.erased or self.unplaced or self.totals.refused)


def erased_then(past: Past, totals: Totals) -> tuple[Erased, ...]:
    """What was erased since and had not ended when the first position was recorded."""
    return tuple(one for one in past.erased if one.ended_us >= totals.start_us)


class Kept:
    """Rows written to a file as they come: Parquet or CSV, by its name.

    The file bears its name once it is whole: what was broken off replaces nothing.

    Raises:
        MalformedInput: Another name.
    """

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._schema = schema
        self._path = path
        self._part = path.with_name(f".{path.name}.part")
        match path.suffix.lower():
            case ".parquet":
                self._parquet = pq.ParquetWriter(self._part, schema)
                self._csv = None
            case ".csv":
                self._parquet = None
                self._csv = self._part.open("w", newline="", encoding="utf-8")
                csv.writer(self._csv).writerow(schema.names)
            case _:
                raise MalformedInput(f"{path}", expected="a name that ends in .parquet or .csv")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for file in (self._parquet, self._csv):
            if file is not None:
                file.close()
        if kind is None:
            self._part.replace(self._path)
        else:
            self._part.unlink()

    def write(self, rows: Sequence[dict[str, Any]]) -> None:
        """Some rows."""
        if not rows:
            return
        if self._parquet is not None:
            self._parquet.write_table(pa.Table.from_pylist(list(rows), self._schema))
        if self._csv is not None:
            csv.writer(self._csv).writerows(
                [_cell(row[name]) for name in self._schema.names] for row in rows
            )


def _cell(value: Any) -> Any:
    return value.isoformat().replace("+00:00", "Z") if hasattr(value, "isoformat") else value


def row_of(one: Approach) -> dict[str, Any]:
    """An approach as a row of a file."""
    return {**msgspec.structs.asdict(one), "from": one.start, "to": one.end}


def gap_rows(gaps: Iterable[Record], names: Sequence[str]) -> list[dict[str, Any]]:
    """GAP as rows of a file."""
    return [
        {
            "track": names[one["track"]],
            "from": time_of(int(one["start_us"])),
            "to": time_of(int(one["end_us"])),
            **{name: float(one[name]) for name, _ in _PLACE},
        }
        for one in gaps
    ]


class Nearest:
    """The approaches that a table shows: those that came furthest into what was to be kept."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Approach]] = []
        self._count = 0

    def add(self, some: Iterable[Approach]) -> None:
        """More of them."""
        for one in some:
            self._count += 1
            # The first of equals stays: its number is the greater, so it is not the least.
            item = (one.separation_m - one.distance_m, -self._count, one)
            if len(self._heap) < SHOWN_MAX:
                heapq.heappush(self._heap, item)
            else:
                heapq.heappushpop(self._heap, item)

    def sorted(self) -> list[Approach]:
        """The gravest first."""
        return [one for _, _, one in sorted(self._heap, reverse=True)]


def table(shown: Sequence[Approach], answer: Answer) -> RenderableType:
    """For people."""
    out = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("track", "near from", "to", "what"):
        out.add_column(name, overflow="fold", ratio=1 if name == "what" else None)
    for name in ("distance", "to keep"):
        out.add_column(name, justify="right", no_wrap=True)
    out.add_column("on record since", no_wrap=True)
    for one in shown:
        out.add_row(
            Text(one.track),
            utc(one.start),
            utc(one.end),
            Text(f"{one.name} ({one.kind}, {one.category})"),
            "meets" if one.distance_m == 0 else metres(one.distance_m),
            metres(one.separation_m),
            _known(one),
        )
    return Group(out, Text(), *closing(answer, len(shown)))


def _known(one: Approach) -> Text:
    if one.known_since is None:
        return Text("-")
    said = Text(utc(one.known_since))
    if not one.known_then:
        said.append(" (later)", style="italic")
    return said


def closing(answer: Answer, shown: int) -> list[Text]:
    """What was found and read, what is not known, and what an answer is."""
    totals = answer.totals
    lines = []
    if shown < totals.approaches:
        more = totals.approaches - shown
        lines.append(Text(f"and {more:,} more (-o FILE or --format jsonl has all)", style="dim"))
    found = f"{totals.approaches:,} {'approach' if totals.approaches == 1 else 'approaches'}"
    word = found if totals.approaches else "no known approach"
    if not answer.complete:
        word = f"incomplete; {word}"
    lines.append(
        Text(f"{word}, in {totals.positions:,} {plural(totals.positions, 'position')} "
             f"of {totals.tracks:,} {plural(totals.tracks, 'track')}.", style="bold")
    )  # fmt: skip
    lines += [Text(problem, style="magenta") for problem in problems_of(answer)]
    if totals.gaps:
        hours = totals.gaps_us / _SECOND_US / _HOUR_S
        lines.append(
            Text(f"not observed: {totals.gaps:,} {plural(totals.gaps, 'gap')}, {hours:,.1f} h in "
                 "all, and all before and after each track; what came near then is not known")
        )  # fmt: skip
    return [*lines, Text("An audit informs; it judges nobody.", style="dim")]


def problems_of(answer: Answer) -> list[str]:
    """What makes an answer incomplete, in words."""
    lines = [f"{one.source} could not be read: {one.reason}" for one in answer.problems]
    lines += [
        f"{count:,} {plural(count, 'row')} refused: {reason}"
        for reason, count in sorted(answer.totals.refused.items())
    ]
    lines += [
        f"{one.kind} {one.object_id} was erased since; until {utc(time_of(one.ended_us))} it "
        "may have protected a place that nobody can say any more"
        for one in answer.erased
    ]
    if answer.unplaced:
        lines.append(
            f"{answer.unplaced:,} {plural(answer.unplaced, 'row')} of what protects refused: "
            "where those places are is unknown"
        )
    return lines


def json_line(one: Approach) -> str:
    """An approach as one line."""
    return msgspec.json.encode({"approach": one}).decode() + "\n"


def json_answer(answer: Answer) -> str:
    """What is said at the end, as one line."""
    totals = answer.totals
    said = {
        "positions": totals.positions,
        "tracks": totals.tracks,
        "approaches": totals.approaches,
        "complete": answer.complete,
        "gaps": totals.gaps,
        "gaps_s": totals.gaps_us / _SECOND_US,
        "refused": dict(sorted(totals.refused.items())),
        "problems": problems_of(answer),
    }
    return msgspec.json.encode({"answer": said}).decode() + "\n"
