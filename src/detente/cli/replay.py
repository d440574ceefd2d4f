"""``detente replay``: recorded traffic again, with the watch on or as a receiver serves it."""

import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from detente.cli.common import (
    STORE_DEFAULT,
    JsonOption,
    StoreOption,
    place_of,
    say_if_compiling,
    utc_now,
)
from detente.errors import MalformedInput

if TYPE_CHECKING:
    from detente.core.heard import Heard
    from detente.node.watching import Looked

EXIT_ALERTS = 1
EXIT_INCOMPLETE = 3


def replay(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What was recorded.")],
    speed: Annotated[
        float, typer.Option(metavar="N", help="Times its own speed; 0 is as fast as it goes.")
    ] = 1.0,
    store: StoreOption = STORE_DEFAULT,
    sbs: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT", help="Serve it as BaseStation lines instead, from here on."
        ),
    ] = None,
    keep_times: Annotated[
        bool, typer.Option("--keep-times", help="Keep the times; else it begins now.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Play recorded aircraft and ships again, and say what nears what protects.

    FILE is of BaseStation lines, AIS with tag blocks, Mode S (Beast, AVR, JSON
    lines), a trace or an aircraft.json of readsb, or rows of positions as CSV or
    JSON; packed with gzip or xz too.
    Against a register it prints alerts as they begin, rise and end, and at the
    end how many positions were read, taken, doubted, late and lost.

    Exit status: 0 no alert, 1 some, 3 incomplete (something could not be read),
    2 wrong usage or malformed input.

    [bold]Examples[/bold]

        detente replay traffic.csv.xz --speed 60 --store detente.db

        detente replay night.sbs --speed 10 --sbs 127.0.0.1:30003
    """
    from detente.doors.feeds.recorded import recording  # noqa: PLC0415 - `--help` loads none
    from detente.node.replaying import shifted  # noqa: PLC0415

    found = recording(file)
    for reason, count in sorted(found.refused.items()):
        sys.stderr.write(f"detente: {count:,} refused: {reason}\n")
    heard = found.heard if keep_times else list(shifted(found.heard, utc_now()))
    if sbs is not None:
        _serve(heard, sbs, speed)
        return
    say_if_compiling()
    refused = sum(found.refused.values())
    _watch(heard, refused, store, speed, as_json=as_json)


def _serve(heard: "list[Heard]", address: str, speed: float) -> None:
    import asyncio  # noqa: PLC0415

    from detente.doors.feeds.serving import serve  # noqa: PLC0415
    from detente.doors.feeds.settings import host_and_port  # noqa: PLC0415

    where = host_and_port(address)
    if where is None:
        raise MalformedInput("--sbs", expected="HOST:PORT", got=address)
    sys.stderr.write(f"detente: waiting for a client on {address}\n")
    sent, cut = asyncio.run(serve(heard, *where, speed))
    sys.stdout.write(f"{sent:,} positions sent; {cut} clients cut off that were too slow\n")


def _watch(heard: "list[Heard]", refused: int, store: str, speed: float, *, as_json: bool) -> None:
    from detente.doors.alert_text import closing, json_closing, json_line, line  # noqa: PLC0415
    from detente.node.feeding import Feed  # noqa: PLC0415
    from detente.node.picture import load  # noqa: PLC0415
    from detente.node.replaying import play  # noqa: PLC0415

    picture = load(place_of(store))

    def tell(now: datetime, looked: "Looked") -> None:
        for word, some in (
            ("begun", looked.begun),
            ("raised", looked.raised),
            ("ended", looked.ended),
        ):
            for one in some:
                if one.known is not None:
                    make = json_line if as_json else line
                    sys.stdout.write(make(word, one, now))

    done = play(Feed(name="replay", party="replay"), heard, picture, speed=speed, tell=tell)
    sys.stdout.write(json_closing(done, refused) if as_json else closing(done, refused))
    if refused or done.lost:
        raise typer.Exit(EXIT_INCOMPLETE)
    if done.begun:
        raise typer.Exit(EXIT_ALERTS)
