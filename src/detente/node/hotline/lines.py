"""Lines: what a reader sees of calls on the hotline, with the clock that both sides see.

The caller sees the incident, what it may know of who was called, and what those say who speak.
Whoever was called sees the incident, its own call, its own steps and the caller's; of the others
that were called it sees nothing (detente.node.hotline.called).

Source: requirement M3; docs/hotline.md; docs/rules/R-02.md.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from detente.core.agreement import Hotline, Rung
from detente.core.entry import EntryKind, token
from detente.core.incident import Act, IncidentStep, Line, call_name
from detente.core.ledger import NODE
from detente.core.view import Item, Reader, View
from detente.core.volume import EPOCH, RadiusMm
from detente.core.wire import read
from detente.errors import NotFound
from detente.node.hotline.called import concerned_by
from detente.store import Record, Stored

LIMIT_MAX = 100
"""Calls a page: each with its steps."""

STEPS_MAX = 1_000
"""Steps of one call that are shown: the latest."""


class StepSeen(Struct, frozen=True, kw_only=True):
    """A step, when the node took it in, and how long after the call."""

    view: View
    at: datetime
    after_s: float


class LineView(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One call, as a reader sees it.

    Attributes:
        incident: What its caller says, in its last version.
        opened: When the node took it in: the clock runs from here, on both sides.
        state: The furthest that anybody who was called says; `called` where nobody says anything.
        own: Whether the reader is its caller.
        call: The node's call of this reader; to the caller, what it may know of who was called.
        rung: How far the ladder has been climbed, for all that this reader knows.
        next: When it is climbed further, if nobody says anything; none where it is not.
        steps: What was said, in the order of the record.
    """

    incident: View
    opened: datetime
    state: str
    own: bool
    call: View | None = None
    rung: int = 0
    next: datetime | None = None
    steps: tuple[StepSeen, ...] = ()

    @property
    def views(self) -> Iterator[View]:
        """All of which it is to be on record that they were shown."""
        yield self.incident
        if self.call is not None:
            yield self.call
        yield from (one.view for one in self.steps)


class HotlineTold(Struct, frozen=True, kw_only=True):
    """The hotline's terms in force: all of them, those that nobody changed as well."""

    near_mm: RadiusMm
    ladder: tuple[Rung, ...]


class LinePage(Struct, frozen=True, kw_only=True):
    """Calls in the order of the record; ``now`` is the node's clock, ``hotline`` its ladder.

    ``more`` says that there are others: later ones; where the newest were asked for, earlier ones.
    """

    lines: tuple[LineView, ...]
    after: int
    more: bool
    now: datetime
    hotline: HotlineTold


class Asked(Struct, frozen=True, kw_only=True):
    """Which calls are wanted.

    Attributes:
        after: Only those whose incident changed after this entry.
        limit: At most so many.
        open: Only those that are open, or only those that are closed; None for both.
        newest: The last of them, not the first.
    """

    after: int = -1
    limit: int = LIMIT_MAX
    open: bool | None = None
    newest: bool = False


def page_of(record: Record, reader: Reader, lines: Mapping[str, Line], asked: Asked) -> LinePage:
    """A page of the calls that a reader may see."""
    seen = [
        one
        for one in lines.values()
        if _sees(reader, one) and asked.open in {None, not one.is_closed}
    ]
    stored = record.identified([one.incident for one in seen])
    rows = sorted(
        (one for one in stored.values() if one.sequence > asked.after), key=lambda one: one.sequence
    )
    shown = rows[-asked.limit :] if asked.newest else rows[: asked.limit]
    return LinePage(
        lines=tuple(_line(record, reader, lines[one.object_id], one) for one in shown),
        after=shown[-1].sequence if shown else asked.after,
        more=len(rows) > asked.limit,
        now=reader.now,
        hotline=HotlineTold(
            near_mm=reader.agreement.hotline.near_mm, ladder=reader.agreement.hotline.ladder
        ),
    )


def line_of(record: Record, reader: Reader, lines: Mapping[str, Line], object_id: str) -> LinePage:
    """One call, as a page of one.

    Raises:
        NotFound: There is none, or it is not for this reader: the two look alike.
    """
    line = lines.get(object_id)
    if line is None or not _sees(reader, line):
        raise NotFound(f"incident {object_id}")
    return page_of(record, reader, {object_id: line}, Asked(limit=1))


def _sees(reader: Reader, line: Line) -> bool:
    return reader.party in {NODE, line.party, *line.calls}


def _line(record: Record, reader: Reader, line: Line, stored: Stored) -> LineView:
    incident = _view(record, reader, stored)
    assert incident is not None, "whoever is on the line sees the incident"  # noqa: S101
    opened = _time(record.received(record.history(line.incident)[0]))
    steps = _steps(record, reader, line, opened)
    name = call_name(line.incident, reader.party)
    call = record.named(EntryKind.CALL, NODE, [name]).get(name)
    rung, coming = _rung(line, reader, opened)
    return LineView(
        incident=incident,
        opened=opened,
        state=_state(line, steps),
        own=reader.party == line.party,
        call=None if call is None else _view(record, reader, call),
        rung=rung,
        next=coming,
        steps=steps,
    )


def _steps(record: Record, reader: Reader, line: Line, opened: datetime) -> tuple[StepSeen, ...]:
    found = record.identified([one.object_id for one in line.steps[-STEPS_MAX:]])
    rows = sorted(found.values(), key=lambda one: one.sequence)
    return tuple(
        StepSeen(view=view, at=at, after_s=max(0.0, (at - opened).total_seconds()))
        for one in rows
        if (view := _view(record, reader, one)) is not None
        for at in (_time(record.received(record.history(one.object_id)[0])),)
    )


def _state(line: Line, steps: Sequence[StepSeen]) -> str:
    """As the reader may know it: what it does not see changes nothing."""
    if line.is_closed:
        return Act.CLOSED.value
    said = {
        one.view.value.act
        for one in steps
        if isinstance(one.view.value, IncidentStep) and one.view.party != line.party
    }
    rising = (Act.STOPPED, Act.ACTING, Act.ACKNOWLEDGED)
    return next((act.value for act in rising if act in said), "called")


def _rung(line: Line, reader: Reader, opened: datetime) -> tuple[int, datetime | None]:
    """How far the ladder was climbed and when it goes on, as the reader may know."""
    hotline = reader.agreement.hotline
    answered = line.answered if reader.party == line.party else line.answered & {reader.party}
    own = line.calls.get(reader.party)
    if own is None or line.is_closed:
        return 0, None
    rung, since = own.rung, own.since
    if reader.party == line.party:
        # By the clock alone: who is called by it, and how far, is not the caller's to know.
        rung, since = own.rung if answered else _passed(hotline, opened, reader.now), opened
    if answered or rung >= len(hotline.ladder):
        return rung, None
    return rung, since + timedelta(seconds=hotline.ladder[rung].after_s)


def _passed(hotline: Hotline, since: datetime, now: datetime) -> int:
    return sum(since + timedelta(seconds=one.after_s) <= now for one in hotline.ladder)


def _view(record: Record, reader: Reader, stored: Stored) -> View | None:
    if stored.data is None or stored.salt is None:
        return None
    value = read(stored.data)
    return reader.cut(
        Item(
            value=value,
            party=stored.party,
            object_id=stored.object_id,
            version=stored.version,
            sequence=stored.sequence,
            token=token(stored.salt, stored.leaf),
            concerned=concerned_by(record, value, stored.object_id, stored.party) or frozenset(),
        )
    )


def _time(us: int) -> datetime:
    return EPOCH + timedelta(microseconds=us)
