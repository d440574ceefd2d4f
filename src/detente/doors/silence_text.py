"""Who is silent, for people: a table of entries, and one of parties."""

from collections.abc import Sequence
from datetime import datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from detente.doors.answer import plural, utc
from detente.node.telling.silence import PartySilence, Silence

_SHORT_ID = 8
_MINUTE_S, _HOUR_S, _DAY_S = 60, 3_600, 86_400


def tables(
    silences: Sequence[Silence], parties: Sequence[PartySilence], *, now: datetime
) -> RenderableType:
    """Both tables, the longest silence first."""
    if not silences:
        return Group(Text("no silence about any entry\n"), _parties(parties, now))
    return Group(_silences(silences), Text(""), _parties(parties, now))


def _silences(silences: Sequence[Silence]) -> Table:
    table = Table(
        title=f"{len(silences)} {plural(len(silences), 'silence')}", title_justify="left", box=None
    )
    for name in ("silent for", "party", "kind", "object", "version", "of", "told", "level"):
        table.add_column(name)
    for one in sorted(silences, key=lambda one: (-one.silent_s, one.sequence, one.party)):
        table.add_row(
            lasting(one.silent_s),
            one.party,
            one.kind,
            one.name or one.object[:_SHORT_ID],
            str(one.version),
            one.author,
            "never" if one.told is None else utc(one.told),
            "nothing" if one.level is None else _level(one),
        )
    return table


def _level(one: Silence) -> str:
    to = f" to {', '.join(one.passed_on)}" if one.passed_on else ""
    return f"{one.level}{to}"


def _parties(parties: Sequence[PartySilence], now: datetime) -> Table:
    table = Table(
        title=f"{len(parties)} {plural(len(parties), 'party')}", title_justify="left", box=None
    )
    for name in ("party", "not acknowledging", "last acknowledged", "last told", "unreachable"):
        table.add_column(name)
    for one in parties:
        table.add_row(
            one.party,
            _for(one.not_acknowledging_since, now),
            "never" if one.last_acknowledged is None else utc(one.last_acknowledged),
            "never" if one.last_told is None else utc(one.last_told),
            _for(one.unreachable_since, now),
        )
    return table


def _for(since: datetime | None, now: datetime) -> str:
    return "" if since is None else f"for {lasting(int((now - since).total_seconds()))}"


def lasting(seconds: int) -> str:
    """A length of time in its two largest units."""
    days, rest = divmod(max(0, seconds), _DAY_S)
    hours, rest = divmod(rest, _HOUR_S)
    minutes = rest // _MINUTE_S
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
