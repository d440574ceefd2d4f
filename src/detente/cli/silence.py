"""``detente silence``: who has not acknowledged what, and for how long."""

import re
import sys
from enum import StrEnum
from typing import Annotated

import typer

from detente.cli.common import STORE_DEFAULT, StoreOption, console, place_of, utc_now
from detente.errors import MalformedInput

_UNITS_S = {"s": 1, "m": 60, "min": 60, "h": 3_600, "d": 86_400}


class Form(StrEnum):
    """How it is shown."""

    TABLE = "table"
    JSON = "json"


def silence(
    party: Annotated[
        str | None, typer.Option(metavar="ID", help="Only this party's silence.")
    ] = None,
    longer_than: Annotated[
        str, typer.Option(metavar="TIME", help="Only what lasts so long: 90s, 30m, 2h, 3d.")
    ] = "0s",
    level: Annotated[
        str,
        typer.Option(
            metavar="LEVEL",
            help="What is awaited: delivered, received, passed_on or acted_on.",
        ),
    ] = "delivered",
    form: Annotated[Form, typer.Option("--format", help="A table, or JSON lines.")] = Form.TABLE,
    store: StoreOption = STORE_DEFAULT,
) -> None:
    """Show who has not acknowledged what, and for how long.

    Every party to which a current entry is released is asked for: whether it was
    told, how far it says that the entry has come, and since when it says nothing.

    [bold]Examples[/bold]

        detente silence

        detente silence --longer-than 2h --level passed_on

        detente silence --party ministry --format json
    """
    import msgspec  # noqa: PLC0415 - `--help` loads no store

    from detente.core.ledger import NODE  # noqa: PLC0415
    from detente.core.telling import Level  # noqa: PLC0415
    from detente.node.lookup import admitted_party, reader_at  # noqa: PLC0415
    from detente.node.telling.silence import Asked, draw, everything  # noqa: PLC0415
    from detente.store import Store  # noqa: PLC0415

    if level not in set(Level):
        raise MalformedInput("--level", expected=", ".join(Level), got=level)
    now, opened = utc_now(), Store(place_of(store))
    more = True
    while more:
        with opened.appending() as record:
            more = draw(record)
    with opened.reading() as record:
        asked = Asked(
            of=None,
            party=None if party is None else admitted_party(record, party).id,
            longer_than_s=seconds(longer_than),
            level=Level(level),
        )
        silences, parties = everything(record, reader_at(record, NODE, now=now), asked)
    opened.close()
    if form is Form.JSON:
        lines = [{"silence": one} for one in silences] + [{"party": one} for one in parties]
        sys.stdout.write("".join(msgspec.json.encode(one).decode() + "\n" for one in lines))
        return
    from detente.doors.silence_text import tables  # noqa: PLC0415

    console().print(tables(silences, parties, now=now))


def seconds(text: str) -> int:
    """A length of time, such as 2h.

    Raises:
        MalformedInput: It is none.
    """
    found = re.fullmatch(r"(\d{1,9})(s|m|min|h|d)", text.strip().lower())
    if found is None:
        raise MalformedInput("--longer-than", expected="such as 90s, 30m, 2h or 3d", got=text)
    return int(found[1]) * _UNITS_S[found[2]]
