"""The picture: what is known at one sequence number, as arrays, and the one query on it."""

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import compress
from typing import NamedTuple

import numpy as np

from detente.core.agreement import Agreement
from detente.core.check import Known, Meeting, protects
from detente.core.plan import Plan
from detente.core.volume import EPOCH, microseconds
from detente.picture.question import Question
from detente.picture.segment import Label, Segment, build, hashes_of
from detente.picture.tables import FOREVER_US, NEVER_US, BoolArray, Records


class Part(NamedTuple):
    """A segment, which of its owners stand, and how many."""

    segment: Segment
    alive: BoolArray
    standing: int

    @classmethod
    def whole(cls, segment: Segment) -> "Part":
        """All owners stand."""
        count = len(segment.known)
        return cls(segment, np.ones(count, dtype=np.bool_), count)


class Picture:
    """Everything that a plan may meet, at one sequence number. Immutable.

    Args:
        known: Notices, presence, zones, and plans that protect.
        agreement: Whose separations apply; None asks for nothing by itself.
        sequence: Register version.
        label: What stale entries are counted by (``stale_by_label``).

    Raises:
        MalformedInput: A shape too wide to be measured (named).
    """

    def __init__(
        self,
        known: Iterable[Known],
        *,
        agreement: Agreement | None = None,
        sequence: int = 0,
        label: Label | None = None,
    ) -> None:
        protecting = [one for one in known if protects(one.value)]
        self.agreement = agreement
        self.sequence = sequence
        self.parts: tuple[Part, ...] = ()
        if protecting:
            self.parts = (Part.whole(build(protecting, agreement, label)),)

    @classmethod
    def of(cls, parts: Iterable[Part], *, agreement: Agreement | None, sequence: int) -> "Picture":
        """A picture of segments that are laid out already."""
        picture = cls((), agreement=agreement, sequence=sequence)
        picture.parts = tuple(part for part in parts if part.standing)
        return picture

    def __len__(self) -> int:
        """How many entries there are."""
        return sum(part.standing for part in self.parts)

    def __iter__(self) -> Iterator[Known]:
        """All entries."""
        for part in self.parts:
            yield from compress(part.segment.known, part.alive)

    @property
    def known(self) -> list[Known]:
        """All entries, in a list of the caller's own."""
        return list(self)

    def get(self, object_id: str) -> Known | None:
        """The entry of an object, if it protects."""
        hashes = hashes_of([object_id])
        for part in self.parts:
            for _, owner in part.segment.places([object_id], hashes):
                if part.alive[owner]:
                    return part.segment.known[owner]
        return None

    def stale_count(self, now: datetime) -> int:
        """How many entries are stale at ``now``; each protects as before (R-03)."""
        now_us = microseconds(now)
        return sum(int(part.alive[part.segment.stale(now_us)].sum()) for part in self.parts)

    def stale_by_label(self, now: datetime) -> Counter[Hashable]:
        """The same, by label: a reader is told of those whose label says that he may be."""
        now_us = microseconds(now)
        out: Counter[Hashable] = Counter()
        for segment, alive, _ in self.parts:
            owner = segment.stale(now_us)
            group = segment.owners["group"][owner[alive[owner]]]
            count = np.bincount(group, minlength=len(segment.groups))
            for number in np.flatnonzero(count).tolist():
                out[segment.groups[number].label] += int(count[number])
        return out

    def meetings(self, plans: Sequence[Plan], *, separation_mm: int = 0) -> list[list[Meeting]]:
        """What each plan meets, at most one meeting an entry: its nearest part.

        Args:
            plans: Any number; a plan does not meet itself.
            separation_mm: The least separation that the asker wants from all.

        Returns:
            One list a plan, in the order of the plans.

        Raises:
            MalformedInput: A shape of a plan is too wide to be measured (named).
        """
        out: list[list[Meeting]] = [[] for _ in plans]
        question = Question(plans, self.agreement, separation_mm)
        for segment, hits in self.met_by(question):
            known = segment.known
            for p, owner, distance, error, separation, start, end in hits.tolist():
                one = known[owner]
                if not _same_plan(plans[p], one):
                    out[p].append(
                        Meeting(
                            known=one,
                            distance_m=distance,
                            distance_error_m=error,
                            separation_m=separation,
                            start=_time(start),
                            end=_time(end),
                        )
                    )
        return out

    def met_by(self, question: Question) -> Iterator[tuple[Segment, Records]]:
        """What a question meets, as arrays: HIT, whose owners are numbers of the segment's.

        All of a plan's in one segment stand together. A plan that is asked meets itself, if
        it is in the picture.
        """
        for segment, alive, _ in self.parts:
            for hits in question.ask(segment, alive):
                yield segment, hits

    def met(self, plans: Sequence[Plan], *, separation_mm: int = 0) -> list[list[Known]]:
        """Only which entries each plan meets: for rules that ask nothing more of thousands.

        Args:
            plans: As of ``meetings``.
            separation_mm: As of ``meetings``.

        Returns:
            One list a plan, the very entries that ``meetings`` has.

        Raises:
            MalformedInput: A shape of a plan is too wide to be measured (named).
        """
        out: list[list[Known]] = [[] for _ in plans]
        question = Question(plans, self.agreement, separation_mm)
        for segment, hits in self.met_by(question):
            for p, owner in zip(hits["plan"].tolist(), hits["owner"].tolist(), strict=True):
                known = segment.known[owner]
                if not _same_plan(plans[p], known):
                    out[p].append(known)
        return out


def _same_plan(plan: Plan, known: Known) -> bool:
    """Whether the entry is the plan that asks, in this or another version."""
    other = known.value
    return (
        isinstance(other, Plan) and other.source_id == plan.source_id and other.party == plan.party
    )


def _time(us: int) -> datetime | None:
    """A time, or None for unbounded."""
    if us in (NEVER_US, FOREVER_US):
        return None
    return EPOCH + timedelta(microseconds=us)
