"""24 November 2015, replayed: two published accounts of one flight, and neither is judged.

The scenario, its sources and what of it is reconstructed: src/detente/data/salient.toml.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from importlib import resources
from pathlib import Path

from rich.console import Console
from rich.rule import Rule

from detente.cli.common import console
from detente.cli.staging import fresh, play, prepare, stage
from detente.core.edges import corridor
from detente.core.plan import Plan
from detente.core.volume import Volume
from detente.core.zone import Zone
from detente.doors.files import Imported
from detente.doors.map_png import Scene, draw
from detente.doors.scenario_text import (
    Course,
    alert_line,
    beside_the_seconds,
    clock,
    side_by_side,
)
from detente.doors.scenario_toml import Account, Told, read_scenario
from detente.doors.scenario_tracks import crossing, heard, place_at
from detente.errors import MalformedInput
from detente.node.check import check_plans
from detente.node.picture import load
from detente.node.rehearsing import Told as News
from detente.node.replaying import check_speed

BOTH = "both"

DRAWN = timedelta(seconds=90)
"""Before and after where a way is nearest to the line."""


def run(folder: Path, *, speed: float, which: str, only_prepare: bool) -> None:
    """Found the register, play the accounts, and say who was told what, when.

    Raises:
        MalformedInput: No such speed or account.
    """
    check_speed(speed)
    out = console()
    with resources.as_file(resources.files("detente.data")) as data:
        told = read_scenario(data / "salient.toml")
        accounts = _chosen(told, which)
        path = fresh(folder, "salient")
        _introduce(out, told)
        places = stage(told, path, out.print)
    if only_prepare:
        _prepared(out, told, path)
        return
    news = _watch(out, told, path, accounts, speed)
    courses = [_course(account, places, news) for account in accounts]
    out.print()
    out.print(Rule("What each account says, and what its desks were told", align="left"))
    out.print(side_by_side(told.scenario, courses))
    for line in beside_the_seconds(told.scenario, courses):
        out.print(line)
    picture = path.with_suffix(".png")
    _draw(picture, courses, path)
    out.print(f"The same as a map: {picture}")
    out.print("An alert informs; it permits nothing. Neither account is judged here.")


def _chosen(told: Told, which: str) -> list[Account]:
    chosen = [one for one in told.scenario.accounts if which in {BOTH, one.id}]
    if not chosen:
        names = ", ".join(one.id for one in told.scenario.accounts)
        raise MalformedInput("account", expected=f"{names} or {BOTH}", got=which)
    return chosen


def _introduce(out: Console, told: Told) -> None:
    scenario = told.scenario
    out.print(Rule(f"{scenario.title} ({scenario.label})", align="left", style="bold"))
    for line in scenario.about:
        out.print(f"- {line}", markup=False)
    for source in scenario.sources:
        out.print(f"[{source.id}] {source.text} {source.url or ''}", markup=False)
    out.print()


def _watch(
    out: Console, told: Told, path: Path, accounts: Sequence[Account], speed: float
) -> list[News]:
    """Play, and print what happens as it does."""
    pace = "as fast as it goes" if speed == 0 else f"at {speed:g} times its speed"
    out.print()
    out.print(Rule(f"The watch, {pace}", align="left", style="bold"))
    desks = {side.id: side.desk for side in told.scenario.parties}
    titles = {one.id: one.title for one in accounts}
    coming = sorted(
        ((event.begin, one.title, event.text) for one in accounts for event in one.events),
        reverse=True,
    )
    kept: list[News] = []

    def tell(now: datetime, news: list[News]) -> None:
        while coming and coming[-1][0] <= now:
            begin, title, text = coming.pop()
            out.print(f"{clock(begin)}  {title}: {text}", markup=False)
        for one in news:
            line = alert_line(one, desks.get(one.party))
            out.print(f"{clock(now)}  {titles[one.stage]}: {line}", markup=False)
        kept.extend(news)

    behind_s = play(told, path, accounts, speed=speed, tell=tell)
    out.print(f"Played to its end; at most {behind_s:.1f} s behind.")
    return kept


def _course(account: Account, places: Sequence[Imported], news: Sequence[News]) -> Course:
    zone = next(
        one for one in places if isinstance(one, Zone) and one.source_id == account.boundary
    )
    return Course(
        account=account,
        crossing=crossing(account, zone),
        news=[one for one in news if one.stage == account.id],
    )


def _draw(picture: Path, courses: Sequence[Course], path: Path) -> None:
    """The ways about where they are nearest to the line, as if each had been a plan checked."""
    known = load(path)
    plans = [_plan(course) for course in courses]
    verdicts = check_plans(plans, known, now=courses[0].account.begin)
    title = "24 November 2015: accounts reconstructed, none judged"
    draw(picture, Scene(plans=plans, verdicts=verdicts, known=known.known, title=title))


def _plan(course: Course) -> Plan:
    account, nearest = course.account, course.crossing.nearest.time
    track = account.tracks[0]
    start, end = nearest - DRAWN, nearest + DRAWN
    width_m = 2 * heard(account)[0].observed.accuracy_mm / 1_000
    line = corridor([place_at(track, time) for time in (start, end)], width_m)
    return Plan(
        source_id=account.id,
        name=f"Way of the {account.title}",
        category="flight",
        volumes=(Volume(footprint=line, start=start, end=end),),
    )


def _prepared(out: Console, told: Told, path: Path) -> None:
    recordings = prepare(told, path)
    out.print()
    out.print(f"Ready in {path.parent}. To see it in a browser, there:")
    for side in told.scenario.parties:
        out.print(
            f"  detente account new {side.id} --party {side.id} --role watch --store {path.name}"
        )
    for recording in recordings:
        out.print(f"  detente replay {recording} &")
    out.print("  detente serve")
