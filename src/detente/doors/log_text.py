"""Entries of the record out: a table, JSON lines. They hold no places (R-10)."""

from collections.abc import Sequence

import msgspec
from rich.table import Table

from detente.core.entry import Signed
from detente.doors.answer import utc

_SHORT = 8


def table(first: int, entries: Sequence[Signed]) -> Table:
    """For people; ``first`` is the sequence number of the first entry."""
    out = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("entry", "time", "party", "no.", "kind", "object", "version", "key", "leaf"):
        numeric = name in {"entry", "no.", "version"}
        out.add_column(name, justify="right" if numeric else "left", no_wrap=True)
    for number, signed in enumerate(entries, start=first):
        said = signed.statement
        out.add_row(
            f"{number}",
            utc(said.time),
            said.party,
            f"{said.party_sequence}",
            said.kind,
            said.object[:_SHORT],
            f"{said.version}",
            said.key,
            signed.leaf.hex()[: 2 * _SHORT],
        )
    return out


def lines_json(first: int, entries: Sequence[Signed]) -> str:
    """A JSON object a line: sequence, leaf hash, and the statement."""
    return "".join(
        msgspec.json.encode(
            {"sequence": number, "leaf": signed.leaf.hex(), "statement": signed.statement}
        ).decode()
        + "\n"
        for number, signed in enumerate(entries, start=first)
    )
