"""What a scenario's desks are told, as lines and tables for people."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct
from rich.table import Table
from rich.text import Text

from detente.core.alerts import Level
from detente.core.party import Desk
from detente.doors.answer import metres
from detente.doors.scenario_toml import Account, Scenario
from detente.doors.scenario_tracks import Crossing, Point
from detente.node.alerted import AlertShown, TrackShown
from detente.node.rehearsing import Told


class Course(Struct, frozen=True, kw_only=True):
    """One account as it was played.

    Attributes:
        account: What was told.
        crossing: Its line, worked out anew.
        news: What its desks were told, in order of time.
    """

    account: Account
    crossing: Crossing
    news: Sequence[Told]

    @property
    def line(self) -> datetime:
        """When the line was crossed as the account has it; else as worked out, or nearest."""
        crossed = self.account.crossed
        return self.crossing.nearest.time if crossed is None else crossed.entered

    def first(self, party: str) -> Told | None:
        """What a desk was told first."""
        return next((one for one in self.news if one.party == party), None)


def clock(time: datetime) -> str:
    """Hours, minutes and seconds; tenths where there are any."""
    tenth = round(time.microsecond / 100_000)
    return f"{time:%H:%M:%S}{f'.{tenth}' if 0 < tenth < 10 else ''}Z"  # noqa: PLR2004


_WORDS = {
    Level.LOST: "not heard of",
    Level.WARNING: "warning",
    Level.VIOLATION: "may be within its distance",
}
"""An alert says what may be; that a line was violated is nothing that the watch can know."""


def alert_line(one: Told, desk: Desk | None) -> str:
    """What one desk was told, as a line without its time."""
    alert = one.alert
    name = "a desk" if desk is None else desk.name
    what = "over" if one.what == "ended" else _WORDS[alert.level]
    track = "a track that is not shown" if alert.track is None else _track(alert.track)
    if alert.entry is None:
        return f"{name}: {what}: {track} is not heard of any more"
    near = alert.entry.name or f"something of {alert.entry.party}"
    how = "" if one.what == "ended" else _how(alert, desk)
    return f"{name}: {what}: {track} - {near}{how}"


def _how(alert: AlertShown, own: Desk | None) -> str:
    """How far, how soon, whom to call; nobody calls himself."""
    parts = [""]
    if alert.distance_m is not None:
        parts.append(metres(alert.distance_m))
    if alert.time_s:
        parts.append(f"in {alert.time_s:.0f} s at the earliest")
    if alert.desk is not None and alert.desk != own:
        parts.append(f"call {alert.desk.name}")
    return ", ".join(parts)


def _track(track: TrackShown) -> str:
    return track.name or track.track


def side_by_side(scenario: Scenario, courses: Sequence[Course]) -> Table:
    """The accounts in equal columns: what each says, what was worked out, what desks were told."""
    out = Table(show_lines=True, header_style="bold")
    out.add_column("")
    for course in courses:
        out.add_column(course.account.title, ratio=1)
    out.add_row("said", *(_said(course.account) for course in courses))
    out.add_row("worked out on this line", *(_worked_out(course) for course in courses))
    for side in scenario.parties:
        told = (_first(course, side.id) for course in courses)
        out.add_row(f"first told to {side.desk.name}", *told)
    return out


def _said(account: Account) -> str:
    return "\n".join(
        f"- {text}" + (f" [{', '.join(sources)}]" if sources else "")
        for text, sources in account.told
    )


def _worked_out(course: Course) -> str:
    found = course.crossing
    if found.entered is None or found.left is None:
        return f"not crossed; nearest {found.nearest_m:,.0f} m from it, {_place(found.nearest)}"
    lasts = (found.left.time - found.entered.time).total_seconds()
    return (
        f"in at {_place(found.entered)}; out at {_place(found.left)}: "
        f"{lasts:.1f} s, {found.length_m:,.0f} m"
    )


def _place(at: Point) -> str:
    return f"{at.lon:.4f} E, {at.lat:.4f} N, {clock(at.time)}"


def _first(course: Course, party: str) -> str:
    first = course.first(party)
    if first is None:
        return "nothing"
    before = _before(course, first.time)
    return f"{clock(first.time)}: {first.alert.level}, {before:.0f} s before {_which(course)}"


def _before(course: Course, time: datetime) -> float:
    return (course.line - time).total_seconds()


def _which(course: Course) -> str:
    return "it was nearest" if course.account.crossed is None else "the line, as said"


def beside_the_seconds(scenario: Scenario, courses: Sequence[Course]) -> list[Text]:
    """How much earlier all desks were told than what an account has over the line began."""
    out = []
    for course in courses:
        firsts = [course.first(side.id) for side in scenario.parties]
        last = max((one.time for one in firsts if one is not None), default=None)
        if last is None or None in firsts:
            out.append(Text(f"{course.account.title}: not every desk was told."))
            continue
        words = f"{course.account.title}: both desks" if len(firsts) == 2 else "all desks"  # noqa: PLR2004
        words += f" were told {_before(course, last):.0f} s before {_which(course)}"
        crossed = course.account.crossed
        if crossed is not None:
            over = (crossed.left - crossed.entered).total_seconds()
            words += f", where it was for {over:.0f} s"
        out.append(Text(words + "."))
    return out
