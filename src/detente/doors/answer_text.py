"""Verdicts as a table for people."""

from collections import Counter
from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from detente.core.check import Finding, Verdict, VerdictKind
from detente.doors.answer import WORDS, metres, sentence, source_problem, stands_on

FINDINGS_SHOWN = 5
"""Findings a plan in the table; the count of the others is always said, and
the other formats hold all."""

_NOTHING = {True: "nothing known", False: "nothing found, and not all could be asked"}

_STYLES = {
    VerdictKind.NO_KNOWN_CONFLICT: "cyan",
    VerdictKind.COORDINATE: "yellow",
    VerdictKind.CONFLICT: "bold red",
    VerdictKind.INCOMPLETE: "bold magenta",
}


def table(verdicts: Sequence[Verdict]) -> RenderableType:
    """For people: a row a finding, then what all the answers stand on."""
    out = Table(box=None, pad_edge=False, header_style="bold")
    out.add_column("plan", overflow="fold")
    out.add_column("verdict", no_wrap=True)
    out.add_column("rule", no_wrap=True)
    out.add_column("what it meets", overflow="fold", ratio=1)
    out.add_column("distance", justify="right", no_wrap=True)
    out.add_column("to keep", justify="right", no_wrap=True)
    out.add_column("call", overflow="fold")
    for verdict in verdicts:
        word = Text(WORDS[verdict.verdict], style=_STYLES[verdict.verdict])
        shown = verdict.findings[:FINDINGS_SHOWN]
        if not shown:
            complete = verdict.verdict is not VerdictKind.INCOMPLETE
            out.add_row(verdict.plan, word, "", Text(_NOTHING[complete], style="dim"), "", "", "")
        for number, found in enumerate(shown):
            out.add_row(*_head(verdict.plan, word, first=number == 0), *_cells(found))
        more = len(verdict.findings) - len(shown)
        if more:
            note = f"and {more} more, further away or less grave (--format jsonl has all)"
            out.add_row("", "", "", Text(note, style="dim"), "", "", "")
    return Group(out, Text(), *_closing(verdicts))


def _head(plan: str, word: Text, *, first: bool) -> tuple[RenderableType, RenderableType]:
    return (plan, word) if first else ("", "")


def _cells(found: Finding) -> tuple[RenderableType, ...]:
    marks = [name for name in ("stale", "disputed") if getattr(found, name)]
    kind = found.kind if found.category == found.kind else f"{found.kind}, {found.category}"
    what = Text(f"{found.name} ({kind})")
    if marks:
        what.append(f" {' and '.join(marks)}, protects as before", style="italic")
    distance = "meets" if found.distance_m == 0 else metres(found.distance_m)
    return (
        found.rule,
        what,
        distance,
        metres(found.separation_m),
        found.desk or found.party or "",
    )


def _closing(verdicts: Sequence[Verdict]) -> list[Text]:
    """What the answers stand on, what could not be asked, and what an answer is."""
    informs = Text("A check informs; it never permits.", style="dim")
    if len(verdicts) == 1:
        return [Text(sentence(verdicts[0]) + ".", style="bold"), informs]
    counts = Counter(verdict.verdict for verdict in verdicts)
    parts = [f"{counts[kind]} {WORDS[kind]}" for kind in VerdictKind if counts[kind]]
    lines = [Text(f"{len(verdicts)} plans: {', '.join(parts)}.", style="bold")]
    if verdicts:
        last = verdicts[-1]
        lines += [Text(source_problem(source), style="magenta") for source in last.sources]
        lines.append(Text(f"{stands_on(last)}."))
    return [*lines, informs]
