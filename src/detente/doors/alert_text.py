"""Alerts and a replay's end, for people and for programs."""

from datetime import datetime

import msgspec

from detente.core.check import rule_of
from detente.doors.answer import metres, plural, utc
from detente.node.replaying import Played
from detente.node.watching import Watched


def line(word: str, one: Watched, now: datetime) -> str:
    """What an alert did, as one line."""
    alert, seen = one.alert, one.seen
    name = f"{seen.observed.track} {seen.name}".strip()
    doubted = f", doubted ({', '.join(seen.doubts)})" if seen.doubts else ""
    out = f"{utc(now)} {word} {alert.level}: {name}{doubted}"
    if one.known is not None:
        value = one.known.value
        _, kind, _ = rule_of(value)
        out += f" - {value.name or value.source_id} ({kind}, {value.category})"
    if alert.approach is not None:
        when = alert.approach.time_s
        out += f", {metres(alert.approach.distance_m)}, "
        out += f"in {when:.0f} s at the earliest" if when > 0 else "now"
    return out + "\n"


def json_line(word: str, one: Watched, now: datetime) -> str:
    """The same for programs."""
    alert, known = one.alert, one.known
    said = {
        "time": now,
        "what": word,
        "level": alert.level,
        "track": alert.track,
        "doubts": one.seen.doubts,
        "object": alert.entry,
        "name": None if known is None else known.value.name,
        "distance_m": None if alert.approach is None else alert.approach.distance_m,
        "time_s": None if alert.approach is None else alert.approach.time_s,
    }
    return msgspec.json.encode({"alert": said}).decode() + "\n"


def closing(done: Played, refused: int) -> str:
    """What was played, and what an alert is."""
    return (
        f"{done.read:,} {plural(done.read, 'position')} of {done.tracks:,} "
        f"{plural(done.tracks, 'track')}: {done.taken:,} taken, {done.doubted:,} of them doubted, "
        f"{done.late:,} late, {done.lost:,} lost; {refused:,} refused.\n"
        f"{done.begun:,} {plural(done.begun, 'alert')} in {done.looks:,} looks; "
        f"{done.wall_s:.1f} s, at most {done.behind_s:.1f} s behind.\n"
        "An alert informs; it permits nothing.\n"
    )


def json_closing(done: Played, refused: int) -> str:
    """The same for programs."""
    return (
        msgspec.json.encode(
            {"played": {**msgspec.structs.asdict(done), "refused": refused}}
        ).decode()
        + "\n"
    )
