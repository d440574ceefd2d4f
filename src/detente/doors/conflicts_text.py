"""Conflicts among plans out: JSON lines, and a table for people."""

import msgspec
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from detente.core.conflicts import Conflicts, Pair
from detente.doors.answer import WORDS, metres, plural, source_problem, utc


def json_lines(answer: Conflicts) -> bytes:
    """The answer with the number of pairs, so that whoever has fewer knows it; a line a pair."""
    whole = {
        name: len(answer.pairs) if name == "pairs" else getattr(answer, name)
        for name in answer.__struct_fields__
    }
    return b"".join(msgspec.json.encode(line) + b"\n" for line in [whole, *answer.pairs])


def table(answer: Conflicts) -> RenderableType:
    """A row a pair, the gravest first and all of them; then what the answer stands on."""
    out = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("plan", "meets"):
        out.add_column(name, overflow="fold", ratio=1)
    for name in ("distance", "to keep"):
        out.add_column(name, justify="right", no_wrap=True)
    for name in ("from", "to"):
        out.add_column(name, no_wrap=True)
    out.add_column("call", overflow="fold")
    for pair in answer.pairs:
        # As they are: what a party calls its plan is no markup.
        out.add_row(*map(Text, _cells(pair)))
    problems = [Text(source_problem(source), style="magenta") for source in answer.sources]
    closing = [
        Text(sentence(answer), style="bold"),
        *problems,
        Text("A check informs; it never permits.", style="dim"),
    ]
    return Group(out, Text(), *closing) if answer.pairs else Group(*closing)


def sentence(answer: Conflicts) -> str:
    """The answer in one line, which never permits."""
    version = f"register version {answer.sequence}"
    pairs = len(answer.pairs)
    return (
        f"{WORDS[answer.verdict]}, {pairs:,} {plural(pairs, 'pair')} among {answer.plans:,} "
        f"{plural(answer.plans, 'plan')}, "
        f"{version if answer.sequence else 'from files, no register'}, as of {utc(answer.as_of)}."
    )


def _cells(pair: Pair) -> tuple[str, ...]:
    found = pair.meets
    desks = [pair.desk or pair.party, found.desk or found.party]
    return (
        pair.name,
        found.name,
        "meets" if found.distance_m == 0 else metres(found.distance_m),
        metres(found.separation_m),
        utc(found.start),
        utc(found.end),
        ", ".join(dict.fromkeys(desk for desk in desks if desk)),
    )
