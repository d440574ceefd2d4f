"""``detente call``, ``calls``, ``step``: the hotline, of a register here or of a node elsewhere.

Here a party's own key speaks; elsewhere a token does, or the key.
"""

import asyncio
import secrets
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, TypeVar

import typer

from detente.cli.common import (
    STORE_DEFAULT,
    JsonOption,
    KeysOption,
    NodeOption,
    StoreOption,
    console,
    place_of,
    say_if_compiling,
    utc_now,
)
from detente.errors import MalformedInput

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from detente.core.incident import Incident, IncidentStep
    from detente.core.principal import Principal
    from detente.node.engine import Engine
    from detente.node.hotline.lines import LinePage
    from detente.node.reading import Reading
    from detente.node.submit import Receipt

T = TypeVar("T")

UNATTENDED = (
    "detente: nobody has taken a rung of the ladder that is due: does a node serve this register? "
    "Without one nobody hears a call\n"
)

PartyOption = Annotated[
    str | None,
    typer.Option("--party", metavar="ID", help="Who speaks; by a token, it is whose that is."),
]
WordsOption = Annotated[str, typer.Option(metavar="TEXT", help="In your own words.")]
LanguageOption = Annotated[str | None, typer.Option(metavar="TAG", help="Of the words: fr, ar.")]
DeskOption = Annotated[
    str | None, typer.Option(metavar="ID", help="Your desk that speaks, to be called back.")
]
NameOption = Annotated[
    str | None,
    typer.Option("--id", metavar="NAME", help="Your own id for it; saying it again is refused."),
]


def call(  # noqa: PLR0913, PLR0917 - one parameter an option
    place: Annotated[
        str, typer.Argument(metavar="PLACE", help="Where: latitude and longitude, or MGRS.")
    ],
    code: Annotated[
        str,
        typer.Option(
            metavar="CODE",
            help="What: stop_hitting_us, stop_hitting_protected, aircraft_will_cross, "
            "aircraft_in_distress, movement_in_distress, evacuation, contact_lost or other.",
        ),
    ],
    party: PartyOption = None,
    words: WordsOption = "",
    within: Annotated[
        float, typer.Option(min=0, metavar="METRES", help="How sure the place is.")
    ] = 200.0,
    language: LanguageOption = None,
    desk: DeskOption = None,
    about: Annotated[
        list[str] | None, typer.Option(metavar="OBJECT", help="What it is about; may be repeated.")
    ] = None,
    name: NameOption = None,
    store: StoreOption = STORE_DEFAULT,
    keys: KeysOption = None,
    node: NodeOption = None,
    json: JsonOption = False,
) -> None:
    """Call on the hotline. Whoever is near is called at once, hidden or not; else all members.

    The node that serves this register makes it heard, and calls again whoever does not answer.
    A call asks; it permits nothing. It works while the agreement is suspended.

    With --node, the node elsewhere is told: by the token in DETENTE_TOKEN, or with --keys by the
    party's own key, which needs no token.

    [bold]Examples[/bold]

        detente call "36.1 37.2" --code stop_hitting_us --party med-air --words "At the bridge"

        detente call "36.1 37.2" --code stop_hitting_us --node https://node.example.org
    """
    from detente.core.coordinates import place as place_at  # noqa: PLC0415 - `--help` loads no core
    from detente.core.incident import Code, Incident  # noqa: PLC0415
    from detente.core.volume import E7_PER_DEG, MM_PER_M, Circle, Volume  # noqa: PLC0415

    at = place_at(place)
    centre = round(at.lon_deg * E7_PER_DEG), round(at.lat_deg * E7_PER_DEG)
    circle = Circle(centre=centre, radius_mm=round(within * MM_PER_M))
    if code not in set(Code):
        raise MalformedInput("--code", expected=", ".join(Code), got=code)

    def said(who: str, _: "Callable[[str], str]") -> "Incident":
        return Incident(
            source_id=name or secrets.token_hex(8),
            party=who,
            code=Code(code),
            volumes=(Volume(footprint=(circle,)),),
            words=words,
            language=language,
            desk=desk,
            objects=tuple(about or ()),
        )

    _say(_Spoken(store, keys, party, node), said, json=json)


def step(  # noqa: PLR0913, PLR0917 - one parameter an option
    call_id: Annotated[
        str, typer.Argument(metavar="CALL", help="Its id, or the first 8 characters of it.")
    ],
    act: Annotated[
        str,
        typer.Argument(metavar="STEP", help="acknowledged, acting, stopped, stated or closed."),
    ],
    party: PartyOption = None,
    words: WordsOption = "",
    language: LanguageOption = None,
    desk: DeskOption = None,
    name: NameOption = None,
    store: StoreOption = STORE_DEFAULT,
    keys: KeysOption = None,
    node: NodeOption = None,
    json: JsonOption = False,
) -> None:
    """Say how far one is with a call, or make a statement in it; its caller closes it.

    Any of the first three ends the ladder for the party that was called. None approves anything.

    [bold]Examples[/bold]

        detente step 5f0c93aa acknowledged --party air-wing --desk watch

        detente step 5f0c93aa closed --node https://node.example.org
    """
    from detente.core.incident import Act, IncidentStep  # noqa: PLC0415

    if act not in set(Act):
        raise MalformedInput("step", expected=", ".join(Act), got=act)

    def said(who: str, find: "Callable[[str], str]") -> "IncidentStep":
        return IncidentStep(
            source_id=name or secrets.token_hex(8),
            party=who,
            incident=find(call_id),
            act=Act(act),
            text=words,
            language=language,
            desk=desk,
        )

    _say(_Spoken(store, keys, party, node), said, json=json)


def calls(
    party: Annotated[
        str | None, typer.Option(metavar="ID", help="As this party sees them; else as the node.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Closed ones as well.")] = False,
    store: StoreOption = STORE_DEFAULT,
    keys: KeysOption = None,
    node: NodeOption = None,
    json: JsonOption = False,
) -> None:
    """Show the open calls: since when, how far the ladder was climbed, and who said what.

    Exit status 1 where a rung that is due was not taken: then no node serves this register.

    [bold]Example[/bold]

        detente calls --party air-wing
    """
    if node is not None:
        from detente.cli.calling_elsewhere import Elsewhere, lines  # noqa: PLC0415

        where = Elsewhere(url=node, party=party)
        _show((lines(where, only_open=not every), False), json=json)
        return

    async def act(engine: "Engine", reading: "Reading", principal: "Principal") -> "LinePage":
        return await _lines(engine, reading, principal, only_open=not every)

    _show(_at_work(store, keys, party, act), json=json)


class _Spoken(NamedTuple):
    """Where something is said, and by whom."""

    store: str
    keys: Path | None
    party: str | None
    node: str | None


def _say(
    spoken: _Spoken,
    value: "Callable[[str, Callable[[str], str]], Incident | IncidentStep]",
    *,
    json: bool,
) -> None:
    """Say something, and show the call that it is, as its author sees it."""
    if spoken.node is not None:
        _say_elsewhere(spoken.node, spoken, value, json=json)
        return
    from detente.node.hotline.saying import SayOwn, named_call  # noqa: PLC0415
    from detente.node.keyring import Keyring  # noqa: PLC0415
    from detente.node.telling.disclosures import disclose  # noqa: PLC0415

    if spoken.party is None:
        raise MalformedInput("--party", expected="who speaks", got="none")
    say_if_compiling()

    async def act(engine: "Engine", reading: "Reading", principal: "Principal") -> "LinePage":
        who = principal.party
        lines = engine.world.shown.lines
        said = value(who, lambda name: named_call(lines.values(), who, name))
        key = Keyring(place_of(spoken.store), spoken.keys).load(who)
        receipt: Receipt = await engine.act(SayOwn(who, key, said))
        if not json:
            sys.stdout.write(f"on record: entry {receipt.sequence}\n")
        call_id = getattr(said, "incident", receipt.object_id)
        page = await reading.line(principal, call_id)
        await disclose(engine, principal, [view for one in page.lines for view in one.views])
        return page

    _show(_at_work(spoken.store, spoken.keys, spoken.party, act), json=json)


def _say_elsewhere(
    node: str,
    spoken: _Spoken,
    value: "Callable[[str, Callable[[str], str]], Incident | IncidentStep]",
    *,
    json: bool,
) -> None:
    import msgspec  # noqa: PLC0415

    from detente.cli.calling_elsewhere import Elsewhere, say  # noqa: PLC0415

    receipt, page = say(Elsewhere(url=node, party=spoken.party, keys=spoken.keys), value)
    if page is None and json:
        sys.stdout.write(msgspec.json.encode(receipt).decode() + "\n")
    if not json:
        sys.stdout.write(f"on record: entry {receipt.sequence}, object {receipt.object_id}\n")
    if page is not None:
        _show((page, False), json=json)


def _show(found: "tuple[LinePage, bool]", *, json: bool) -> None:
    import msgspec  # noqa: PLC0415

    from detente.doors.calls_text import tables  # noqa: PLC0415

    page, unattended = found
    if json:
        sys.stdout.write(msgspec.json.encode(page).decode() + "\n")
    else:
        console().print(tables(page))
    if unattended:
        sys.stderr.write(UNATTENDED)
        raise typer.Exit(1)


async def _lines(
    engine: "Engine", reading: "Reading", principal: "Principal", *, only_open: bool
) -> "LinePage":
    """All that a party may see, from the first to the last; that it is shown goes on record."""
    from msgspec.structs import replace  # noqa: PLC0415

    from detente.node.hotline.lines import Asked  # noqa: PLC0415
    from detente.node.telling.disclosures import disclose  # noqa: PLC0415

    page = await reading.lines(principal, Asked(open=only_open))
    found = list(page.lines)
    while page.more:
        page = await reading.lines(principal, Asked(after=page.after, open=only_open))
        found += page.lines
    await disclose(engine, principal, [view for one in found for view in one.views])
    return replace(page, lines=tuple(found))


def _at_work(
    store: str,
    keys: Path | None,
    party: str | None,
    act: "Callable[[Engine, Reading, Principal], Awaitable[T]]",
) -> tuple[T, bool]:
    """Do something with a node at work on a register; and whether a rung is late there."""
    from detente.core.ledger import NODE  # noqa: PLC0415
    from detente.core.principal import Method, Principal, Scope  # noqa: PLC0415
    from detente.node.engine import Engine  # noqa: PLC0415
    from detente.node.hotline.saying import is_unattended  # noqa: PLC0415
    from detente.node.keyring import Keyring  # noqa: PLC0415
    from detente.node.lookup import admitted_party  # noqa: PLC0415
    from detente.node.reading import Reading  # noqa: PLC0415
    from detente.store import Store  # noqa: PLC0415

    where = place_of(store)
    with closing(Store(where)) as register:
        with register.reading() as record:
            who = NODE if party is None else admitted_party(record, party).id
        principal = Principal(
            party=who, method=Method.SIGNED, subject=NODE, scopes=frozenset({Scope.READ})
        )
        engine = Engine(register, Keyring(where, keys).load(NODE))
        engine.start()
        reading = Reading(engine)

        async def run() -> tuple[Any, bool]:
            found = await act(engine, reading, principal)
            return found, is_unattended(engine.world.shown, utc_now())

        try:
            return asyncio.run(run())
        finally:
            reading.close()
            engine.stop()
