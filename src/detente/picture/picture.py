"""The picture: what is known at one sequence number, as arrays, and the one query on it."""

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from detente.core.agreement import Agreement
from detente.core.check import Known, Meeting, protects
from detente.core.geodesy import IntArray
from detente.core.plan import Plan
from detente.core.volume import EPOCH, microseconds
from detente.picture.column import Numbers
from detente.picture.entries import all_of
from detente.picture.gone import ALL_STAND, Bits, alive_of, gone_of, less, standing_of, stands
from detente.picture.pairs import pairs_among
from detente.picture.question import Question
from detente.picture.segment import Label, Segment, build, hashes_of, merged
from detente.picture.tables import FOREVER_US, HIT, NEVER_US, BoolArray, Records

_OF_PLAN = (HIT.names or ()).index("of_plan")


class Part(NamedTuple):
    """A segment, which of its owners are gone, and how many stand."""

    segment: Segment
    gone: Bits
    standing: int

    @classmethod
    def whole(cls, segment: Segment) -> "Part":
        """All owners stand."""
        return cls(segment, ALL_STAND, len(segment.entries))

    @classmethod
    def of(cls, segment: Segment, alive: BoolArray) -> "Part":
        """Some owners stand, (o,)."""
        return cls(segment, gone_of(alive), int(alive.sum()))

    @property
    def alive(self) -> BoolArray:
        """Which owners stand, (o,): for whoever asks it of all."""
        return alive_of(self.gone, len(self.segment.entries))

    def some_alive(self, owners: IntArray | Numbers) -> BoolArray:
        """Which of some owners stand, in their order."""
        return standing_of(self.gone, owners)

    def less(self, owners: Sequence[int]) -> "Part":
        """The same once some that stand are gone."""
        gone = less(self.gone, len(self.segment.entries), owners)
        return self._replace(gone=gone, standing=self.standing - len(owners))

    def plans(self) -> "Part":
        """Only the plans of it stand."""
        tables, alive = self.segment.tables, self.alive
        of_plans = np.zeros_like(alive)
        of_plans[tables.rows["owner"][tables.terms["plan"][tables.rows["terms"]] == 1]] = True
        return Part.of(self.segment, alive & of_plans)


def merged_part(parts: Sequence[Part]) -> Part:
    """One part of all that stands in some, in their order."""
    some = [(part.segment, part.alive) for part in parts]
    if len(some) == 1:
        nothing = Part.whole(parts[0].segment.emptied())
        some.append((nothing.segment, nothing.alive))
    return Part.whole(merged(some))


class Picture:
    """Everything that a plan may meet, at one sequence number. Immutable.

    Args:
        known: Notices, presence, zones, and plans that protect.
        parts: What is known beside them and laid out already, under the same agreement.
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
        parts: Iterable[Part] = (),
        agreement: Agreement | None = None,
        sequence: int = 0,
        label: Label | None = None,
    ) -> None:
        protecting = [one for one in known if protects(one.value)]
        self.agreement = agreement
        self.sequence = sequence
        self.parts = tuple(part for part in parts if part.standing)
        if protecting:
            self.parts += (Part.whole(build(protecting, agreement, label)),)

    @classmethod
    def of(cls, parts: Iterable[Part], *, agreement: Agreement | None, sequence: int) -> "Picture":
        """A picture of segments that are laid out already."""
        return cls((), parts=parts, agreement=agreement, sequence=sequence)

    def beside(self, known: Iterable[Known]) -> "Picture":
        """The same with more that is known, under the same agreement.

        Raises:
            MalformedInput: A shape too wide to be measured (named).
        """
        parts, agreement = self.parts, self.agreement
        return Picture(known, parts=parts, agreement=agreement, sequence=self.sequence)

    def __len__(self) -> int:
        """How many entries there are."""
        return sum(part.standing for part in self.parts)

    def __iter__(self) -> Iterator[Known]:
        """All entries."""
        for part in self.parts:
            yield from all_of(part.segment.entries, part.alive)

    @property
    def known(self) -> list[Known]:
        """All entries, in a list of the caller's own."""
        return list(self)

    @property
    def plan_count(self) -> int:
        """How many of the entries are plans."""
        return sum(part.plans().standing for part in self.parts)

    def get(self, object_id: str) -> Known | None:
        """The entry of an object, if it protects."""
        return next(iter(self.some([object_id])), None)

    def some(self, object_ids: Sequence[str]) -> list[Known]:
        """The entries of those of some objects that protect, in any order."""
        hashes, out = hashes_of(object_ids), list[Known]()
        for segment, gone, _ in self.parts:
            places = segment.places(object_ids, hashes)
            out += segment.entries.take([owner for _, owner in places if stands(gone, owner)])
        return out

    def stale_count(self, now: datetime) -> int:
        """How many entries are stale at ``now``; each protects as before (R-03)."""
        now_us = microseconds(now)
        stale = ((part, part.segment.stale(now_us)) for part in self.parts)
        return sum(int(part.some_alive(owners).sum()) for part, owners in stale)

    def stale_by_label(self, now: datetime) -> Counter[Hashable]:
        """The same, by label: a reader is told of those whose label says that he may be."""
        now_us = microseconds(now)
        out: Counter[Hashable] = Counter()
        for part in self.parts:
            segment, owner = part.segment, part.segment.stale(now_us)
            group = segment.kinds["group"][segment.kind[owner[part.some_alive(owner)]]]
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
        question = Question.of(plans, self.agreement, separation_mm)
        for segment, hits in self.met_by(question):
            met = segment.entries.take(hits["owner"])
            for known, hit in zip(met, hits.tolist(), strict=True):
                if not (hit[_OF_PLAN] and _same_plan(plans[hit[0]], known)):
                    out[hit[0]].append(_meeting(known, hit))
        return out

    def conflicts(self, *, separation_mm: int = 0) -> list[tuple[Known, Meeting]]:
        """Every two plans of the picture that meet, once: a plan, and its meeting with another.

        Each meeting is what ``meetings`` would say of the first plan and the other. A plan
        meets no version of itself. ``pairs`` has the same as arrays.

        Args:
            separation_mm: The least separation that is wanted between any two.

        Returns:
            In the order of the picture's entries.
        """
        known, hits = self.pairs(separation_mm=separation_mm)
        return [(known[hit[0]], _meeting(known[hit[1]], hit)) for hit in hits.tolist()]

    def pairs(self, *, separation_mm: int = 0) -> tuple[list[Known], Records]:
        """The same as arrays, without a Python object a pair.

        Args:
            separation_mm: As of ``conflicts``.

        Returns:
            Entries, and HIT, whose ``plan`` and ``owner`` are numbers of theirs: ``plan`` the
            lower one, and in that order.
        """
        parts = [part for part in (part.plans() for part in self.parts) if part.standing]
        if not parts:
            return [], np.empty(0, dtype=HIT)
        [*others, part] = parts
        if others or len(part.gone):
            part = merged_part(parts)
        known = list(all_of(part.segment.entries, part.alive))
        return known, pairs_among(part.segment, part.alive, lambda: _who(known), separation_mm)

    def met_by(self, question: Question) -> Iterator[tuple[Segment, Records]]:
        """What a question meets, as arrays: HIT, whose owners are numbers of the segment's.

        All of a plan's in one segment stand together. A plan that is asked meets itself, if
        it is in the picture.
        """
        some = question.ask([(part.segment, part.gone) for part in self.parts])
        return ((segment, hits) for segment, hits in some if len(hits))

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
        question = Question.of(plans, self.agreement, separation_mm)
        for segment, hits in self.met_by(question):
            met = segment.entries.take(hits["owner"])
            for p, known in zip(hits["plan"].tolist(), met, strict=True):
                if not _same_plan(plans[p], known):
                    out[p].append(known)
        return out


def _same_plan(plan: Plan, known: Known) -> bool:
    """Whether the entry is the plan that asks, in this or another version."""
    other = known.value
    return (
        isinstance(other, Plan) and other.source_id == plan.source_id and other.party == plan.party
    )


def _who(known: Iterable[Known]) -> IntArray:
    """Which plan each entry is, (o,) int64, as ``_same_plan`` tells them apart."""
    numbers: dict[tuple[str | None, str], int] = {}
    names = ((one.value.party, one.value.source_id) for one in known)
    return np.array([numbers.setdefault(name, len(numbers)) for name in names], dtype=np.int64)


def _meeting(known: Known, hit: Sequence[Any]) -> Meeting:
    """The meeting with an entry that a HIT is."""
    _, _, distance, error, separation, start, end, _ = hit
    return Meeting(known, distance, error, separation, _time(start), _time(end))


@lru_cache(4_096)
def _time(us: int) -> datetime | None:
    """A time, or None for unbounded; most findings of a check share theirs."""
    if us in (NEVER_US, FOREVER_US):
        return None
    return EPOCH + timedelta(microseconds=us)
