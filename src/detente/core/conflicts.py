"""Conflicts among plans: every two that meet, and how far the answer can be relied on.

Which of two plans has to yield is for their authors: nothing here ranks them.
"""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from detente.core.check import (
    Finding,
    Known,
    Meeting,
    Source,
    VerdictKind,
    decide,
    finding,
    gravest_first,
)


class Pair(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Two plans that meet: one, and the other as a check of the first would find it."""

    plan: str
    name: str
    meets: Finding
    party: str | None = None
    desk: str | None = None
    object: str | None = None


class Conflicts(Struct, frozen=True, kw_only=True):
    """The answer; ``plans`` is how many were asked, ``sequence`` as of a Verdict."""

    verdict: VerdictKind
    as_of: datetime
    sequence: int
    plans: int
    pairs: tuple[Pair, ...]
    sources: tuple[Source, ...] = ()


def judge_pairs(
    found: Sequence[tuple[Known, Meeting]],
    sources: Sequence[Source],
    *,
    now: datetime,
    sequence: int,
    plans: int,
) -> Conflicts:
    """Say which plans meet, failing closed as ``judge`` does.

    Args:
        found: A plan and its meeting with another, each two once.
        sources: Everything that was asked, whole or not.
        now: UTC.
        sequence: Register version.
        plans: How many were asked.

    Source:
        docs/rules/R-01.md, docs/rules/R-18.md.
    """
    pairs = sorted((_pair(one, meeting, now) for one, meeting in found), key=_gravest_first)
    return Conflicts(
        verdict=decide([pair.meets.severity for pair in pairs], sources),
        as_of=now,
        sequence=sequence,
        plans=plans,
        pairs=tuple(pairs),
        sources=tuple(source for source in sources if source.problem or source.unplaced),
    )


def _pair(one: Known, meeting: Meeting, now: datetime) -> Pair:
    value = one.value
    return Pair(
        plan=value.source_id,
        name=value.name or value.source_id,
        meets=finding(meeting, now=now),
        party=value.party,
        desk=value.desk,
        object=one.object_id or None,
    )


def _gravest_first(pair: Pair) -> tuple[object, ...]:
    return (*gravest_first(pair.meets), pair.plan, pair.party or "", pair.object or "")
