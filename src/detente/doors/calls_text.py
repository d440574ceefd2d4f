"""Calls on the hotline, for people: each with its clock, its rung and its steps."""

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from detente.core.coordinates import spelt
from detente.core.incident import MESSAGES, Call, CallerTold, Incident, IncidentStep
from detente.core.volume import E7_PER_DEG, Circle, Volume
from detente.doors.answer import utc
from detente.node.hotline.lines import LinePage, LineView


def tables(page: LinePage) -> RenderableType:
    """One a call, in the order of the record."""
    if not page.lines:
        return Text("no call")
    return Group(*(part for one in page.lines for part in (_call(page, one), Text(""))))


def _call(page: LinePage, line: LineView) -> RenderableType:
    incident = line.incident.value
    assert isinstance(incident, Incident), "a call is seen whole or not at all"  # noqa: S101
    opened_s = (page.now - line.opened).total_seconds()
    table = Table(title_justify="left", box=None, show_header=False)
    table.title = Text(f"{incident.party}: {MESSAGES[incident.code]}")
    table.add_column(no_wrap=True)
    table.add_column()
    table.add_row("call", line.incident.object)
    table.add_row("opened", f"{utc(line.opened)}, {_clock(opened_s)} ago")
    table.add_row("where", Text("; ".join(_place(one) for one in incident.volumes)))
    if incident.words:
        table.add_row("words", plain(incident.words))
    table.add_row("state", _state(page, line))
    for name, said in _told(line):
        table.add_row(name, plain(said))
    for one in line.steps:
        step = one.view.value
        assert isinstance(step, IncidentStep), "steps are steps"  # noqa: S101
        said = f": {step.text}" if step.text else ""
        table.add_row(f"after {_clock(one.after_s)}", plain(f"{step.party} {step.act}{said}"))
    return table


def plain(text: str) -> Text:
    """What a party says, as a terminal may show it: one line, and no control characters."""
    shown = (one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)
    return Text("".join(shown))


def _state(page: LinePage, line: LineView) -> str:
    parts = [line.state]
    ladder = page.hotline.ladder
    if line.call is not None and ladder:
        parts.append(f"rung {line.rung} of {len(ladder)}")
    if line.next is not None:
        wait_s = max(0.0, (line.next - page.now).total_seconds())
        rings = ladder[line.rung].rings.replace("_", " ")
        parts.append(f"next in {_clock(wait_s)}: {rings}")
    return ", ".join(parts)


def _told(line: LineView) -> Iterator[tuple[str, str]]:
    """Whom the reader may know to be called."""
    call = None if line.call is None else line.call.value
    if not isinstance(call, Call):
        return
    if call.told is None:
        yield "called", f"{call.to}, {', '.join(call.desks) or 'no desk'}"
        return
    yield from (("called", one) for one in _desks(call.told))


def _desks(told: CallerTold) -> Iterator[str]:
    for one in told.desks:
        desk = "" if one.desk is None else ", ".join((one.desk.name, *one.desk.contacts))
        yield ": ".join(part for part in (one.party, desk) if part) or "a party that has no desk"
    if told.everyone:
        yield "all members"
    if not told.whole:
        yield "others may have been; today nothing more is told of it"


def _clock(seconds: float) -> str:
    """The clock of a call: to the second, for somebody waits."""
    minutes, rest = divmod(int(max(0.0, seconds)), 60)
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"


def _place(volume: Volume) -> str:
    first = volume.footprint[0]
    if isinstance(first, Circle):
        lon, lat = (part / E7_PER_DEG for part in first.centre)
        return f"{spelt(lat, lon)}, within {first.radius_mm / 1_000:g} m"
    return "an area; the page shows it"
