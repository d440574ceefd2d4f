"""``detente check``: plans against a store, or straight from files."""

import gc
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from detente.cli.common import (
    STORE_DEFAULT,
    STORE_HELP,
    KeysOption,
    console,
    parse_time,
    place_of,
    say_if_compiling,
    utc_now,
)
from detente.cli.export import KeyOption, read_file, trusted
from detente.errors import DetenteError, MalformedInput

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from detente.core.agreement import Agreement
    from detente.core.check import Known, Meeting, Source, Verdict, Withheld
    from detente.core.committed import Question
    from detente.core.plan import Plan
    from detente.doors.files import Kind
    from detente.picture import Picture
    from detente.store import Place

FilesOption = Annotated[
    list[Path] | None,
    typer.Option(metavar="FILE", help="Checked straight from a file; repeatable."),
]


class Format(StrEnum):
    """How the answer is written."""

    TABLE = "table"
    JSONL = "jsonl"
    GEOJSON = "geojson"


AGE_MAX_HOURS = 1_000_000
"""A century: a larger limit is none."""


@dataclass(kw_only=True)
class Asked:
    """What a check stands on: entries, and each source with what was wrong with it."""

    known: "list[Known]" = field(default_factory=list)
    sources: "list[Source]" = field(default_factory=list)
    register: "Picture | None" = None
    withhold: "Callable[[Meeting], Withheld | None] | None" = None

    @property
    def agreement(self) -> "Agreement | None":
        """Of the register."""
        return None if self.register is None else self.register.agreement

    def picture(self) -> "Picture":
        """All of it."""
        from detente.picture import Picture  # noqa: PLC0415

        if self.register is None:
            return Picture(self.known)
        return self.register.beside(self.known)


def check(  # noqa: PLR0913, PLR0917 - one parameter an option
    plans: Annotated[Path, typer.Argument(metavar="PLANS", help="GeoJSON, a feature a volume.")],
    store: Annotated[
        str | None,
        typer.Option(
            envvar="DETENTE_STORE",
            metavar="REGISTER",
            help=f"{STORE_HELP} {STORE_DEFAULT} here if nothing else is named.",
        ),
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
    together: Annotated[
        bool, typer.Option(help="Check the plans of the file against each other as well.")
    ] = False,
    format: Annotated[Format, typer.Option(help="How to write the answer.")] = Format.TABLE,  # noqa: A002
    map: Annotated[  # noqa: A002
        Path | None, typer.Option(metavar="OUT.png", help="Draw plans and findings as a picture.")
    ] = None,
    commit: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Put a commitment to the answer on the record, and what opens it here alone.",
        ),
    ] = None,
    pack: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Ask a pack, without a network (`detente pack`)."),
    ] = None,
    pack_key: KeyOption = None,
    keys: KeysOption = None,
) -> None:
    """Check plans against everything known: notices, presence, zones, other plans.

    The answer informs and never permits. Exit status: 0 no known conflict in
    any plan, 1 a conflict or a need to coordinate, 3 incomplete (a source could
    not be asked in full), 2 wrong usage or malformed input.

    [bold]Examples[/bold]

        detente check plans.geojson --store detente.db

        detente check plans.geojson --notices hospitals.csv --separation 500

        detente check plans.geojson --notices hospitals.csv --format jsonl --map out.png

        detente check plan.geojson --store detente.db --commit told.html

        detente check plan.geojson --pack monday.dtpack --pack-key 6f1c...
    """
    from detente.core.edges import length_mm  # noqa: PLC0415 - `--help` loads no geometry
    from detente.doors.answer import exit_status  # noqa: PLC0415

    # One answer and the process ends: collecting garbage among a register costs a fifth.
    gc.disable()
    require_png(map)
    now = parse_time(at) if at else utc_now()
    separation_mm = length_mm(separation, what="--separation")
    require_alone(pack, {"--store": store, "--at": at, "--commit": commit})
    if not any((store, pack, notices, zones, presence)):
        store = the_store_here()
    questions = read_plans(plans)
    others = {"--notices": notices, "--zones": zones, "--presence": presence, "--at": at}
    require_committable(commit, questions, {**others, "--together": together})
    # The kernels take a second to load: what is malformed is refused before.
    from detente.core.check import shows_all  # noqa: PLC0415
    from detente.core.committed import Question  # noqa: PLC0415
    from detente.core.ledger import NODE  # noqa: PLC0415
    from detente.node.check import check_plans  # noqa: PLC0415

    say_if_compiling()
    asked = Asked()
    if pack is not None:
        questions = ask_pack(pack, pack_key, questions, asked, now=now)
    if store is not None:
        ask_store(place_of(store), asked)
    limit = age_limit(max_age, asked)
    kinds: tuple[tuple[Kind, list[Path] | None], ...] = (
        ("notices", notices),
        ("zones", zones),
        ("presence", presence),
    )
    for kind, paths in kinds:
        for path in paths or ():
            ask_file(path, kind, asked, now=now, age_max=limit)
    picture = asked.picture()
    verdicts = check_plans(
        questions,
        picture,
        asked.sources,
        now=now,
        separation_mm=separation_mm,
        together=together,
        withhold=asked.withhold or shows_all,
    )
    if commit is not None:
        question = Question(party=NODE, plan=questions[0], separation_mm=separation_mm)
        commit_answer(commit, question, verdicts[0], place_of(store or STORE_DEFAULT), keys)
    write(questions, verdicts, format)
    if map is not None:
        draw_map(map, questions, verdicts, picture)
    raise typer.Exit(exit_status(verdicts))


def require_png(path: Path | None) -> None:
    """Refuse a picture that could not be written, before the work is done.

    Raises:
        MalformedInput: It could not.
    """
    if path is not None and (path.suffix.lower() != ".png" or not path.parent.is_dir()):
        raise MalformedInput("--map", expected="a .png in a folder that is there", got=f"{path}")


def the_store_here() -> str:
    """The register that is asked where nothing else is named.

    Raises:
        MalformedInput: There is none here.
    """
    if not Path(STORE_DEFAULT).exists():
        raise MalformedInput(
            "check",
            expected="--store, --pack, --notices, --zones or --presence",
            got="nothing to ask",
        )
    return STORE_DEFAULT


def require_alone(pack: Path | None, given: "Mapping[str, object]") -> None:
    """Refuse what a pack cannot be asked together with.

    An answer as of another time could make an expired pack look fresh.

    Raises:
        MalformedInput: One of them is given.
    """
    for name, value in given.items():
        if pack is not None and value:
            raise MalformedInput("--pack", expected="no --store, --at or --commit", got=name)


def require_committable(
    path: Path | None, plans: "list[Plan]", given: "Mapping[str, object]"
) -> None:
    """Refuse to commit to what does not stand on the record alone, as of now, for one plan.

    Raises:
        MalformedInput: It does not, or what opens it could not be written.
    """
    if path is None:
        return
    if not path.parent.is_dir():
        raise MalformedInput("--commit", expected="a file in a folder that is there", got=f"{path}")
    if path.exists():
        # It may be all that opens another check.
        raise MalformedInput("--commit", expected="a file that is not there yet", got=f"{path}")
    if len(plans) != 1:
        raise MalformedInput("--commit", expected="one plan: it is one entry", got=f"{len(plans)}")
    for name, value in given.items():
        if value:
            raise MalformedInput("--commit", expected="the register alone, now", got=name)


def commit_answer(
    path: Path, question: "Question", verdict: "Verdict", where: "Place", keys: Path | None
) -> None:
    """Put a commitment on the record, and what opens it into a file."""
    from detente.core.ledger import NODE  # noqa: PLC0415
    from detente.doors.evidence_page import evidence_file  # noqa: PLC0415
    from detente.node.committing import commit  # noqa: PLC0415
    from detente.node.evidence import Notary, gather  # noqa: PLC0415
    from detente.node.keyring import Keyring  # noqa: PLC0415
    from detente.node.log import PublicLog, signer_of  # noqa: PLC0415
    from detente.node.lookup import current_agreement, reader_at  # noqa: PLC0415
    from detente.node.whole_file import keep_new  # noqa: PLC0415
    from detente.store import Store  # noqa: PLC0415

    keyring, store, now = Keyring(where, keys), Store(where), utc_now()
    with store.reading() as record:
        log = PublicLog(signer_of(current_agreement(record), keyring))
    notary = Notary(key=keyring.load(NODE), log=log)
    made = commit(store, notary.key, question, verdict, now=now)
    with store.reading() as record:
        stored = record.identified([made.receipt.object_id])[made.receipt.object_id]
        reader = reader_at(record, NODE, now=now)
        found = gather(record, reader, stored, notary, now=now, opening=made.content)
    # What opens it is nowhere else, and nobody else's to read.
    keep_new(path, evidence_file(found, notary.key))
    sys.stderr.write(
        f"detente: entry {made.receipt.sequence} commits to this answer; {path} alone opens it, "
        f"and `detente verify {path}` checks it\n"
    )


def age_limit(hours: float | None, asked: Asked) -> timedelta | None:
    """How old a file may be: what the command line says, else the agreement."""
    if hours is not None:
        if not 0 <= hours < AGE_MAX_HOURS:
            raise MalformedInput("--max-age", expected="hours, 0 or more", got=f"{hours}")
        return timedelta(hours=hours)
    agreed = None if asked.agreement is None else asked.agreement.source_age_max_s
    return None if agreed is None else timedelta(seconds=agreed)


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
    path: Path, kind: "Kind", asked: Asked, *, now: datetime, age_max: timedelta | None
) -> None:
    """Add what a file holds; what is wrong with the file is said, not raised."""
    from detente.core.check import Known, Source  # noqa: PLC0415
    from detente.doors.files import ReadOptions, divided, read  # noqa: PLC0415

    try:
        reading = read(path, ReadOptions(kind=kind, question_country=False))
        modified = datetime.fromtimestamp(divided(path)[0].stat().st_mtime, tz=UTC)
    except (DetenteError, OSError) as error:
        could_not_ask(path.name, str(error).removeprefix(f"{path}: "), asked)
        return
    problem = None
    if age_max is not None and now - modified > age_max:
        hours = age_max.total_seconds() / 3_600
        problem = f"older than {hours:g} h: last changed {modified:%Y-%m-%dT%H:%M:%SZ}"
    unplaced = len(reading.refusals)
    asked.known += [Known(value=value) for value in reading.values]
    asked.sources.append(Source(name=path.name, problem=problem, unplaced=unplaced, as_of=modified))
    if unplaced:
        sys.stderr.write(
            f"detente: {path.name}: {unplaced} of {reading.rows_total} rows refused, "
            f"the first: {reading.refusals[0]}\n"
        )


def could_not_ask(name: str, reason: str, asked: Asked) -> None:
    """Note a source that is missing or unreadable; every verdict is then incomplete."""
    from detente.core.check import Source  # noqa: PLC0415

    asked.sources.append(Source(name=name, problem=f"could not be asked: {reason}"))
    sys.stderr.write(f"detente: {name} could not be asked: {reason}\n")


def ask_store(where: "Place", asked: Asked) -> None:
    """Add what a register holds; a register that cannot be read is said, not raised."""
    from detente.core.check import Source  # noqa: PLC0415
    from detente.node.picture import load  # noqa: PLC0415
    from detente.store import name_of  # noqa: PLC0415

    try:
        asked.register = load(where)
    except DetenteError as error:
        could_not_ask(name_of(where), str(error), asked)
        return
    asked.sources.append(Source(name=name_of(where)))


def ask_pack(
    path: Path, key: str | None, plans: "list[Plan]", asked: Asked, *, now: datetime
) -> "list[Plan]":
    """Add what a pack holds; one that is not what its node sealed is refused.

    Returns:
        The plans, as of the party for which the pack was made: its own do not meet themselves.
    """
    from msgspec.structs import replace  # noqa: PLC0415

    from detente.core.pack import read_pack  # noqa: PLC0415
    from detente.node.packing import ask  # noqa: PLC0415

    found = read_pack(read_file(path), trusted(key))
    answering = ask(found, name=path.name, now=now)
    asked.register, asked.withhold = answering.picture, answering.withhold
    asked.sources.append(answering.source)
    return [replace(plan, party=found.reader) for plan in plans]


def write(plans: "list[Plan]", verdicts: "list[Verdict]", form: Format) -> None:
    """The answer on standard output."""
    from detente.doors import answer  # noqa: PLC0415

    match form:
        case Format.TABLE:
            from detente.doors.answer_text import table  # noqa: PLC0415 - rich takes 15 ms

            console().print(table(verdicts))
        case Format.JSONL:
            for verdict in verdicts:
                sys.stdout.write(answer.json_line(verdict).decode() + "\n")
        case Format.GEOJSON:
            sys.stdout.write(answer.geojson(plans, verdicts).decode() + "\n")


def draw_map(
    path: Path, plans: "list[Plan]", verdicts: "list[Verdict]", picture: "Picture"
) -> None:
    """The map of plans, findings and what is around them."""
    from detente.doors.map_png import Scene, draw  # noqa: PLC0415

    draw(path, Scene(plans=plans, verdicts=verdicts, known=picture.known))
    sys.stderr.write(f"detente: map written to {path}\n")
