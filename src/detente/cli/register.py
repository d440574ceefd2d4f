"""``detente init``, ``party``, ``import``, ``list``, ``show``, ``withdraw``, ``erase``..."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from detente.cli.common import (
    STORE_DEFAULT,
    JsonOption,
    KeysOption,
    StoreOption,
    console,
    place_of,
    progress,
    utc_now,
)
from detente.core.zone_rule import ZoneRule
from detente.errors import MalformedInput

if TYPE_CHECKING:
    from nacl.signing import SigningKey

    from detente.core.agreement import Agreement
    from detente.doors.files import Reading
    from detente.node.intake import Intake
    from detente.store import Place

LogPrefixOption = Annotated[
    str | None,
    typer.Option(
        metavar="HOST/PATH",
        help="Where the log is found, for its name, which never changes; else one is made up.",
    ),
]

REMARKS_SHOWN = 10
"""Remarks of each sort on the screen; their number is always said, and --report writes all."""

LIST_LIMIT = 50


class What(StrEnum):
    """What the rows of a file are."""

    NOTICES = "notices"
    ZONES = "zones"
    PRESENCE = "presence"


def init(
    store: StoreOption = STORE_DEFAULT,
    theatre: Annotated[
        str | None, typer.Option(metavar="NAME", help="Whose record this is; else the file's name.")
    ] = None,
    agreement: Annotated[
        Path | None, typer.Option(metavar="FILE.toml", help="Members, separations, lead times.")
    ] = None,
    keys: KeysOption = None,
    log_prefix: LogPrefixOption = None,
) -> None:
    """Make a register. Its first entry is the agreement, which may be amended later.

    [bold]Examples[/bold]

        detente init

        detente init --store la.db --theatre los-angeles --agreement agreement.toml

        detente init --store postgresql://detente@db/la --keys /etc/detente/keys
    """
    from detente.core.agreement import Agreement  # noqa: PLC0415 - `--help` loads no core
    from detente.core.party import slug  # noqa: PLC0415
    from detente.doors.agreement_toml import read_agreement  # noqa: PLC0415
    from detente.node.keyring import Keyring  # noqa: PLC0415
    from detente.node.theatre import found  # noqa: PLC0415
    from detente.store import name_of  # noqa: PLC0415

    where = place_of(store)
    name = slug(theatre or Path(name_of(where)).stem, what="theatre")
    terms = Agreement(name=theatre or name) if agreement is None else read_agreement(agreement)
    keyring = Keyring(where, keys)
    receipt = found(
        where,
        theatre=name,
        agreement=terms,
        now=utc_now(),
        keyring=keyring,
        log_prefix=log_prefix,
    )
    sys.stdout.write(
        f"register {where} for theatre {name}: agreement {terms.name!r} is entry 0\n"
        f"root {receipt.root}\n"
        f"private keys are in {keyring.folder}: keep them, they are nowhere else\n"
        f"next: detente party new NAME, then detente import FILE --as notices --party ID\n"
    )


def party_new(
    name: Annotated[str, typer.Argument(help="As others know it.")],
    party_id: Annotated[
        str | None, typer.Option("--id", metavar="ID", help="Short id; else made from the name.")
    ] = None,
    desk: Annotated[
        str | None, typer.Option(metavar="NAME", help="Its duty desk: a role, never a person.")
    ] = None,
    contact: Annotated[
        list[str] | None, typer.Option(metavar="TEXT", help="How to reach the desk; repeatable.")
    ] = None,
    store: StoreOption = STORE_DEFAULT,
    keys: KeysOption = None,
) -> None:
    """Admit a party, with a new key pair.

    [bold]Example[/bold]

        detente party new "Medical air" --id med-air --desk "Air desk" --contact "+1 555 0100"
    """
    from detente.core.party import Desk, Party, slug  # noqa: PLC0415
    from detente.node.keyring import Keyring  # noqa: PLC0415
    from detente.node.theatre import admit  # noqa: PLC0415
    from detente.store import Store  # noqa: PLC0415

    identity = slug(party_id or name, what="party id")
    desks: tuple[Desk, ...] = ()
    if desk is not None:
        desks = (Desk(id=slug(desk, what="desk"), name=desk, contacts=tuple(contact or ())),)
    where = place_of(store)
    keyring = Keyring(where, keys)
    receipt = admit(
        Store(where), keyring, Party(id=identity, name=name, desks=desks), now=utc_now()
    )
    named = "".join(f", with the desk {one.id}" for one in desks)
    key = keyring.path(identity)
    sys.stdout.write(f"party {identity} is entry {receipt.sequence}{named}; its key is {key}\n")


def import_file(  # noqa: PLR0913, PLR0917 - one parameter an option
    file: Annotated[Path, typer.Argument(metavar="FILE", help="In any of the known formats.")],
    what: Annotated[What, typer.Option("--as", help="What its rows are.")],
    party: Annotated[str, typer.Option(metavar="ID", help="Who says this.")],
    category: Annotated[
        str | None, typer.Option(metavar="C", help="For rows that name none, such as medical.")
    ] = None,
    standoff: Annotated[
        float, typer.Option(metavar="METRES", help="Distance to keep, for rows that name none.")
    ] = 0.0,
    country: Annotated[
        str | None, typer.Option(metavar="ISO", help="Doubt rows that lie outside this country.")
    ] = None,
    desk: Annotated[
        str | None, typer.Option(metavar="ID", help="Whom to call, for rows that name none.")
    ] = None,
    rule: Annotated[
        ZoneRule | None,
        typer.Option(help="What zones ask that do not say; else no_activity, which asks most."),
    ] = None,
    release: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PARTY=GRADE",
            help="Who sees it: full, area or contact; * is every member. Else nobody does, and "
            "it protects all the same.",
        ),
    ] = None,
    column: Annotated[
        list[str] | None, typer.Option(metavar="FIELD=COLUMN", help="Where a name is not known.")
    ] = None,
    strict: Annotated[bool, typer.Option(help="Refuse the whole file for one bad row.")] = False,
    report: Annotated[
        Path | None, typer.Option(metavar="OUT.csv", help="Write every remark to a file.")
    ] = None,
    store: StoreOption = STORE_DEFAULT,
    keys: KeysOption = None,
    json: JsonOption = False,
) -> None:
    """Sign and register what a file holds: new versions only of what changed.

    GeoJSON, CSV, Excel workbooks, KML/KMZ, GeoPackage, Shapefile, GeoParquet,
    ED-318, ED-269, OpenAir. A bad row is refused by name and counted; the rest goes in.

    [bold]Examples[/bold]

        detente import hospitals.csv --as notices --category medical --standoff 500 --party who

        detente import sites.csv --as notices --party who --column lat=GPS_N --column lon=GPS_E

        detente import 'list.xlsx#Hospitals' --as notices --party who

        detente import camps.csv --as notices --party who --release '*=area'
    """
    import msgspec  # noqa: PLC0415

    from detente.cli.releasing import release_of  # noqa: PLC0415
    from detente.core.edges import length_mm  # noqa: PLC0415
    from detente.doors.files import ReadOptions, read  # noqa: PLC0415

    where = place_of(store)
    shown = release_of(release or [])
    party, key = _importer(where, keys, party)
    options = ReadOptions(
        kind=what.value,
        strict=strict,
        columns=_columns(column or []),
        category=category,
        standoff_mm=length_mm(standoff, what="--standoff"),
        party=party,
        country=country,
        desk=desk,
        rule=rule,
    )
    with progress() as bar:
        task = bar.add_task("reading", total=None)
        watched = msgspec.structs.replace(
            options, progress=lambda done, _: bar.update(task, completed=done)
        )
        reading = read(file, watched)
    if shown is not None:
        reading.values = [msgspec.structs.replace(value, release=shown) for value in reading.values]
    if report is not None:
        _write_report(report, reading)
    if not reading.values:
        first = reading.refusals[0] if reading.refusals else "no rows"
        raise MalformedInput(f"{file}", expected="at least one usable row", got=f"{first}")
    intake = _take_in(where, party, key, reading)
    if json:
        _import_json(reading, intake)
    else:
        _import_text(file, what, reading, intake)


def _columns(given: list[str]) -> dict[str, str]:
    pairs = [one.partition("=") for one in given]
    for field, equals, name in pairs:
        if not (field and equals and name):
            raise MalformedInput("--column", expected="FIELD=COLUMN", got=f"{field}{equals}{name}")
    return {field: name for field, _, name in pairs}


def _importer(where: "Place", keys: Path | None, party: str) -> "tuple[str, SigningKey]":
    """The party's id and key; refuses before the long work what would be refused after it."""
    from detente.node.keyring import Keyring  # noqa: PLC0415
    from detente.node.lookup import admitted_party  # noqa: PLC0415
    from detente.store import Store  # noqa: PLC0415

    with Store(where).reading() as record:
        found = admitted_party(record, party).id
    return found, Keyring(where, keys).load(found)


def _take_in(where: "Place", party: str, key: "SigningKey", reading: "Reading") -> "Intake":
    from detente.node.intake import take_in  # noqa: PLC0415
    from detente.store import Store  # noqa: PLC0415

    with progress() as bar:
        task = bar.add_task("signing", total=len(reading.values))
        return take_in(
            Store(where),
            party,
            key,
            reading.values,
            now=utc_now(),
            progress=lambda done: bar.advance(task, done),
        )


def _import_json(reading: "Reading", intake: "Intake") -> None:
    import msgspec  # noqa: PLC0415

    answer = {
        "source": reading.source,
        "rows": reading.rows_total,
        "new": intake.new,
        "changed": intake.changed,
        "unchanged": intake.unchanged,
        "refused": reading.refusals,
        "doubtful": reading.doubts,
        "lessened": intake.lessened,
        "sequence": intake.sequence,
    }
    sys.stdout.write(msgspec.json.encode(answer).decode() + "\n")


def _import_text(file: Path, what: What, reading: "Reading", intake: "Intake") -> None:
    from detente.doors.answer import plural  # noqa: PLC0415

    out = sys.stdout.write
    for title, remarks in (("refused", reading.refusals), ("doubtful, kept", reading.doubts)):
        for remark in remarks[:REMARKS_SHOWN]:
            out(f"{title}: {remark}\n")
        if len(remarks) > REMARKS_SHOWN:
            out(f"{title}: {len(remarks) - REMARKS_SHOWN} more (--report OUT.csv writes all)\n")
    for line in intake.lessened[:REMARKS_SHOWN]:
        out(f"less than before: {line}\n")
    if len(intake.lessened) > REMARKS_SHOWN:
        out(f"less than before: {len(intake.lessened) - REMARKS_SHOWN} more (--json names all)\n")
    if intake.lessened:
        out("to have it as before, import again with --standoff, --desk and --release as then\n")
    out(
        f"{file.name}: {reading.rows_total} {plural(reading.rows_total, 'row')} "
        f"as {what.value}: {intake.new} new, "
        f"{intake.changed} changed, {intake.unchanged} unchanged, "
        f"{len(reading.refusals)} refused, {len(reading.doubts)} doubtful; "
        f"register version {intake.sequence}\n"
    )


def _write_report(path: Path, reading: "Reading") -> None:
    import csv  # noqa: PLC0415

    try:
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["outcome", "row", "name", "what", "expected", "got"])
            for outcome, remarks in (("refused", reading.refusals), ("doubtful", reading.doubts)):
                for one in remarks:
                    writer.writerow([outcome, one.row, one.name, one.what, one.expected, one.got])
    except OSError as error:
        raise MalformedInput(
            f"{path}", expected="a file that can be written", got=f"{error}"
        ) from None


def list_objects(
    kind: Annotated[
        str | None,
        typer.Option(metavar="KIND", help="notice, zone, presence, plan, party, report."),
    ] = None,
    party: Annotated[str | None, typer.Option(metavar="ID", help="Only this party's.")] = None,
    limit: Annotated[
        int, typer.Option(min=1, help="At most so many; how many there are is said.")
    ] = LIST_LIMIT,
    store: StoreOption = STORE_DEFAULT,
    json: JsonOption = False,
) -> None:
    """List what the register holds now.

    [bold]Example[/bold]

        detente list --kind notice --party who --limit 10
    """
    from detente.doors import register_text  # noqa: PLC0415
    from detente.node.lookup import admitted_party  # noqa: PLC0415
    from detente.store import Store  # noqa: PLC0415

    kinds = () if kind is None else (register_text.entry_kind(kind),)
    with Store(place_of(store)).reading() as record:
        party = None if party is None else admitted_party(record, party).id
        found = register_text.listed(record.objects(*kinds, party=party), limit, now=utc_now())
        _, size, _ = record.head()
    if json:
        sys.stdout.write(register_text.listed_json(found) + "\n")
        return
    console().print(register_text.listed_table(found, size))


def show(
    object_id: Annotated[str, typer.Argument(metavar="ID", help="Object id, or its author's id.")],
    store: StoreOption = STORE_DEFAULT,
    json: JsonOption = False,
) -> None:
    """Show an object: what it says, all its versions, and that the record holds it.

    [bold]Example[/bold]

        detente show 0011190023
    """
    from detente.doors import register_text  # noqa: PLC0415
    from detente.node.history import history  # noqa: PLC0415
    from detente.store import Store  # noqa: PLC0415

    with Store(place_of(store)).reading() as record:
        found = history(record, object_id)
    sys.stdout.write(
        register_text.shown_json(found) if json else register_text.shown_text(found, now=utc_now())
    )


def withdraw(
    object_id: Annotated[str, typer.Argument(metavar="ID", help="Object id, or its author's id.")],
    party: Annotated[str, typer.Option(metavar="ID", help="Its author.")],
    store: StoreOption = STORE_DEFAULT,
    keys: KeysOption = None,
) -> None:
    """Withdraw a notice, zone or presence. The record keeps what was said.

    [bold]Example[/bold]

        detente withdraw 0011190023 --party med-air
    """
    from detente.node.keyring import Keyring  # noqa: PLC0415
    from detente.node.lookup import admitted_party  # noqa: PLC0415
    from detente.node.withdraw import withdraw as withdraw_verb  # noqa: PLC0415
    from detente.store import Store  # noqa: PLC0415

    where = place_of(store)
    register = Store(where)
    with register.reading() as record:
        party = admitted_party(record, party).id
    key = Keyring(where, keys).load(party)
    receipt = withdraw_verb(register, party, key, object_id, now=utc_now())
    sys.stdout.write(
        f"object {receipt.object_id} is withdrawn: version {receipt.version}, "
        f"entry {receipt.sequence}\n"
    )


def erase(
    object_id: Annotated[str, typer.Argument(metavar="ID", help="Object id, or its author's id.")],
    order: Annotated[
        str, typer.Option(metavar="TEXT", help="By whose order and under which heading.")
    ],
    party: Annotated[
        str | None, typer.Option(metavar="ID", help="Its author; without, the node says it.")
    ] = None,
    store: StoreOption = STORE_DEFAULT,
    keys: KeysOption = None,
) -> None:
    """Destroy what an object says, once it is withdrawn. It cannot be undone.

    Salt and content of all its versions go; the entries stay, the log still verifies, and
    that it was erased, when and by whose order is an entry. Backups are not reached.

    [bold]Example[/bold]

        detente erase 0011190023 --order "Court of X, file 12/34, data protection"
    """
    from detente.core.ledger import NODE  # noqa: PLC0415
    from detente.node.erasing import erase as erase_verb  # noqa: PLC0415
    from detente.node.keyring import Keyring  # noqa: PLC0415
    from detente.node.lookup import admitted_party  # noqa: PLC0415
    from detente.store import Store  # noqa: PLC0415

    where = place_of(store)
    register = Store(where)
    author = NODE
    if party is not None:
        with register.reading() as record:
            author = admitted_party(record, party).id
    key = Keyring(where, keys).load(author)
    receipt = erase_verb(register, author, key, object_id, order, now=utc_now())
    done = register.scrub()
    sys.stdout.write(f"erased: entry {receipt.sequence} says so, object {receipt.object_id}\n")
    if not done:
        sys.stdout.write("the database's log still holds it until those who read it now are done\n")


def agreement(
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE.toml]", help="New terms; none shows today's.")
    ] = None,
    store: StoreOption = STORE_DEFAULT,
    keys: KeysOption = None,
    log_prefix: LogPrefixOption = None,
) -> None:
    """Show the agreement, or put a new version of it on the record.

    [bold]Example[/bold]

        detente agreement agreement.toml
    """
    from detente.doors.agreement_toml import read_agreement  # noqa: PLC0415
    from detente.node.keyring import Keyring  # noqa: PLC0415
    from detente.node.lookup import current_agreement  # noqa: PLC0415
    from detente.node.theatre import agree  # noqa: PLC0415
    from detente.store import Store  # noqa: PLC0415

    where = place_of(store)
    register = Store(where)
    if file is not None:
        receipt = agree(
            register,
            Keyring(where, keys),
            read_agreement(file),
            now=utc_now(),
            log_prefix=log_prefix,
        )
        sys.stdout.write(f"agreement version {receipt.version} is entry {receipt.sequence}\n")
        return
    with register.reading() as record:
        _agreement_text(current_agreement(record))


def _agreement_text(terms: "Agreement") -> None:
    from detente.core.volume import MM_PER_M  # noqa: PLC0415

    out = sys.stdout.write
    out(f"{terms.name} ({terms.state})\n")
    out(f"members: {', '.join(terms.members) or 'not named'}\n")
    for key in terms.log_keys:
        out(f"log: {key}\n")
    for category, one in sorted(terms.separations.items()):
        out(
            f"separation from {category}: {one.horizontal_mm / MM_PER_M:,.0f} m, "
            f"{one.vertical_mm / MM_PER_M:,.0f} m in height\n"
        )
    if terms.source_age_max_s is not None:
        out(f"a source older than {terms.source_age_max_s / 3_600:g} h makes a check incomplete\n")
