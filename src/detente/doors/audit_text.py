"""What an audit from outside found, for people and for programs."""

from datetime import UTC, datetime

import msgspec

from detente.doors.answer import utc
from detente.node.outside import Audited

UNSEEN = (
    "what an object says (the log holds commitments), which keys were taken away, and whether\n"
    "entries were withheld from everybody; that others are shown this log takes witnesses"
)

_SAID_LENGTH_MAX = 400
"""Characters of one problem: a log may say anything."""

_US_PER_S = 1_000_000


def text(found: Audited, where: str) -> str:
    """For people."""
    lines = [f"log {found.origin or '(unknown)'} at {where}"]
    if found.root:
        lines += _head(found)
    if found.speakers:
        lines += _speakers(found)
    if not found.consistent:
        lines += [f"NOT CONSISTENT, {_count(found.problems_total, 'problem')}:"]
        lines += [f"  {one.rule}, {one.where}: {_plain(one.what)}" for one in found.problems]
        more = found.problems_total - len(found.problems)
        lines += [f"  and {more} more"] if more else []
        lines += _evidence(found)
    else:
        lines += [
            f"consistent: {_what_holds(found)}",
            f"not seen from outside: {_signatures(found)}",
            UNSEEN,
        ]
    return "\n".join(lines) + "\n"


def json(found: Audited, where: str) -> str:
    """The same as one JSON object, with ``where`` and ``consistent``."""
    said = {"where": where, "consistent": found.consistent, **msgspec.to_builtins(found)}
    return msgspec.json.encode(said).decode() + "\n"


def _head(found: Audited) -> list[str]:
    lines = [f"{_count(found.size, 'entry')}, root {found.root}"]
    if found.cosigned:
        said = (
            one.witness if one.time_s is None else f"{one.witness} at {_utc_s(one.time_s)}"
            for one in found.cosigned
        )
        lines.append(f"cosigned by {', '.join(said)}")
    if found.before is None:
        lines.append("first audit: nothing is remembered of this log")
    else:
        lines.append(
            f"last audit: {_count(found.before, 'entry')}; {_count(found.read, 'entry')} read now"
        )
    return lines


def _speakers(found: Audited) -> list[str]:
    wide = max(len(one.party) for one in found.speakers)
    lines = [f"theatre {found.theatre}, who speaks:"]
    lines += [
        f"  {_plain(one.party):{wide}}  {_count(one.entries, 'entry')}, the last of "
        f"{_utc_s(one.time_us // _US_PER_S)}, key {one.key} since entry {one.since}"
        for one in found.speakers
    ]
    for one in found.key_changes:
        if one.before is not None:
            lines.append(
                f"  entry {one.entry}: {_plain(one.party)} changed its key from {one.before}"
                f" to {one.key}"
            )
        elif found.before is not None:
            lines.append(f"  entry {one.entry}: {_plain(one.party)} speaks for the first time")
    return lines


def _what_holds(found: Audited) -> str:
    if found.before is not None and found.before == found.size and not found.read:
        return "the checkpoint is that of the last audit"
    grown = "" if found.before is None else "the log only grew, and "
    return f"{grown}every entry read, its chain, version, tile and hash holds"


def _signatures(found: Audited) -> str:
    if found.signatures:
        return (
            f"signatures of entries by keys that were not given ({found.signatures} were verified),"
        )
    return "signatures of entries (no public key was given; the log holds ids of keys),"


def _evidence(found: Audited) -> list[str]:
    """The two checkpoints that contradict each other, whole: whoever keeps them can prove it."""
    forks = {"fork", "truncated"}
    contradicts = any(one.rule in forks for one in found.problems)
    if found.before_checkpoint is None or not contradicts:
        return []
    return [
        "Both checkpoints below are signed by the log. Keep them: others can verify that.",
        "",
        found.before_checkpoint,
        found.checkpoint,
    ]


def _plain(said: str) -> str:
    """What a log says, as a terminal may show it: no control characters, and not without end."""
    cut = said if len(said) <= _SAID_LENGTH_MAX else f"{said[:_SAID_LENGTH_MAX]}..."
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in cut)


def _count(number: int, noun: str) -> str:
    plural = {"entry": "entries"}.get(noun, f"{noun}s")
    return f"{number} {noun if number == 1 else plural}"


def _utc_s(seconds: int) -> str:
    try:
        return utc(datetime.fromtimestamp(seconds, UTC))
    except (ValueError, OverflowError, OSError):
        return f"{seconds} s after 1970"
