"""The live picture: thousands of small changes a second over a million entries.

A snapshot is a Picture of a few segments, large ones first. A change masks what
it replaces, and what is new is laid out in a small segment, by whoever says it:
who asks waits for nobody. Segments are merged
by ``compact``, which whoever owns the picture calls in a thread of its own, now
and then and when he is told that small ones wait; what is answered does not
depend on when, or whether, it is called.

Readers hold a snapshot for as long as they like. It is never changed.
"""

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy

import numpy as np

from detente.core.agreement import Agreement, Separation
from detente.core.check import Known, first_position, protects
from detente.picture.entries import Held
from detente.picture.gone import stands
from detente.picture.picture import Part, Picture, merged_part
from detente.picture.segment import Keep, Label, build, hashes_of

GROWTH = 8
"""A segment stays as it is while it is this many times as large as all smaller ones:
then there are few segments, and each entry is copied few times."""

SMALL_VERTICES = 4_096
"""Segments up to this size in all are small: they are merged in a millisecond or less."""

TAIL_PARTS = 4
"""Small segments that may wait: asking one more takes a tenth of merging it."""

TAIL_PARTS_MAX = 16
"""If more wait, whoever asks merges them himself: nobody compacts, or not in time."""

BAND_SHIFT = 17
"""Bands of 2^17 units of 1e-7 degree, 1.5 km."""

ALIVE_MIN = 0.5
"""A segment of which less than this still stands is copied."""


class Live:
    """The current picture of a running node. Any method may be called from any thread.

    Args:
        known: What is known at ``sequence``, each with an ``object_id`` of its own.
        parts: What is known beside it and laid out already, under the same agreement.
        agreement: Whose separations apply.
        sequence: Register version.
        label: What stale entries are counted by (``Picture.stale_by_label``).
        keep: What is kept of the values themselves.
        crowded: Called, from any thread, when it is time to ``compact``.

    Raises:
        MalformedInput: A shape too wide to be measured (named).
    """

    def __init__(  # noqa: PLR0913 - all that a picture is made of
        self,
        known: Iterable[Known] = (),
        *,
        parts: Iterable[Part] = (),
        agreement: Agreement | None = None,
        sequence: int = 0,
        label: Label | None = None,
        keep: Keep = Held,
        crowded: Callable[[], None] = lambda: None,
    ) -> None:
        self._crowded = crowded
        self._is_crowded = False
        self._lock = threading.Lock()
        self._compacting = threading.Lock()
        self._label = label
        self._keep = keep
        self._agreement = agreement
        self._sequence = sequence
        self._pending: dict[str, Known | None] = {}
        """What could not be laid out: empty unless that failed."""
        self._forgotten: set[str] = set()
        self._picture = Picture.of(
            [*parts, *self._built(by_place(one for one in known if protects(one.value)))],
            agreement=agreement,
            sequence=sequence,
        )
        self._current: Picture | None = self._picture

    def fold(self, changes: Iterable[tuple[str, Known | None]], sequence: int) -> None:
        """Follow the record: each object's new version, or None where it is gone.

        Whoever asks meanwhile sees the picture before; whoever asks after, this one.

        Args:
            changes: In the order of the record: ``object_id`` and its entry, which
                is taken out if it does not protect.
            sequence: Register version after them.

        Raises:
            MalformedInput: An entry has a shape too wide to be measured (named); so
                does each ``snapshot`` from then on, until the entry is replaced.
                Refuse such a value before it enters the record
                (detente.picture.require_measurable).
        """
        new = {
            object_id: known if known is not None and protects(known.value) else None
            for object_id, known in changes
        }
        with self._lock:
            self._pending.update(new)
            self._sequence = sequence
            try:
                self._fold_in()
            except BaseException:
                self._current = None
                raise

    def agree(self, agreement: Agreement | None, sequence: int) -> None:
        """Follow the record: another agreement. All separations change at once.

        Args:
            agreement: Whose separations apply from now on.
            sequence: Register version with it.
        """
        with self._lock:
            self._fold_in()
            parts = self._picture.parts
            if _separations(agreement) != _separations(self._agreement):
                parts = tuple(
                    part._replace(segment=part.segment.under(agreement)) for part in parts
                )
            self._agreement, self._sequence = agreement, sequence
            self._show(parts)

    def snapshot(self) -> Picture:
        """Everything folded so far, as one picture that stays as it is.

        Raises:
            MalformedInput: As ``fold`` raised, if it did.
        """
        current = self._current
        if current is not None:
            return current
        with self._lock:
            self._fold_in()
            return self._picture

    def forget(self, object_id: str) -> None:
        """Keep no copy of an object that no longer stands, from the next ``compact`` on."""
        with self._lock:
            self._forgotten.add(object_id)

    def compact(self) -> bool:
        """Merge segments, if there are any to merge; readers and writers go on.

        Returns:
            Whether there were, so that a thread knows when to rest.
        """
        with self._compacting:
            with self._lock:
                self._is_crowded = False
                forgotten, self._forgotten = self._forgotten, set()
                parts = self._picture.parts
                first = min(first_to_merge(parts), first_holding(parts, sorted(forgotten)))
                before = parts[first:]
            if before:
                after = merged_part(before)
                with self._lock:
                    self._install(before, after)
            return bool(before)

    def _install(self, before: Sequence[Part], after: Part) -> None:
        """Put a part in the place of those it was merged from, less what went meanwhile."""
        parts = {id(part.segment): part for part in self._picture.parts}
        alive = []
        for part in before:
            # Of a segment that is not there any more nothing stands, or it stands in
            # another: of a merge that was quicker, or under another agreement.
            now = parts.pop(id(part.segment), None)
            alive.append(
                np.zeros(part.standing, dtype=np.bool_) if now is None else now.alive[part.alive]
            )
        still = np.concatenate(alive)
        after = Part.of(after.segment, still)
        picture = Picture.of(
            sorted([*parts.values(), after], key=vertices, reverse=True),
            agreement=self._picture.agreement,
            sequence=self._picture.sequence,
        )
        if self._current is not None:
            self._current = picture
        self._picture = picture

    def _fold_in(self) -> None:
        """Turn what is pending into parts. The lock is held."""
        if not self._pending:
            self._show(self._picture.parts)
            return
        parts = without(self._picture.parts, list(self._pending))
        parts += self._built(known for known in self._pending.values() if known is not None)
        parts.sort(key=vertices, reverse=True)
        first = first_to_merge(parts, vertices_max=SMALL_VERTICES)
        if len(parts) - first > TAIL_PARTS_MAX:
            parts[first:] = [merged_part(parts[first:])]
        self._pending = {}
        self._show(parts)
        if len(parts) - first > TAIL_PARTS and not self._is_crowded:
            self._is_crowded = True
            self._crowded()

    def _built(self, known: Iterable[Known]) -> list[Part]:
        """A part of all of these, if there are any."""
        new = list(known)
        return [Part.whole(build(new, self._agreement, self._label, self._keep))] if new else []

    def _show(self, parts: Iterable[Part]) -> None:
        self._picture = Picture.of(parts, agreement=self._agreement, sequence=self._sequence)
        self._current = self._picture


def by_place(known: Iterable[Known]) -> list[Known]:
    """Entries from south to north in bands, each from the west, and copied in that order.

    Those that a plan meets then lie in a few pages of memory. Where they lay anywhere among a
    million, to fetch them was the longest part of the slowest checks.
    """
    some = list(known)
    where = [first_position(one.value) for one in some]
    lon, lat = np.array(where, dtype=np.int64).reshape(-1, 2).T
    order = np.lexsort((lon, lat >> BAND_SHIFT))
    return [copy(some[number]) for number in order.tolist()]


def vertices(part: Part) -> int:
    """How large a part is: its rows, and the vertices of those that are more than a place."""
    return len(part.segment.tables.rows) + len(part.segment.tables.vertices)


def first_to_merge(parts: Sequence[Part], *, vertices_max: int | None = None) -> int:
    """Where those parts begin, up to the end, that should become one; at the end if none should.

    Args:
        parts: Large ones first.
        vertices_max: How large they may be in all.
    """
    first, size = len(parts), 0
    for place in range(len(parts) - 1, -1, -1):
        part = parts[place]
        own = vertices(part)
        if vertices_max is not None and size + own > vertices_max:
            break
        if own < GROWTH * size or part.standing < ALIVE_MIN * len(part.segment.entries):
            first = place
        size += own
    return first


def first_holding(parts: Sequence[Part], ids: Sequence[str]) -> int:
    """The first part that holds one of these objects, standing or not; at the end if none does."""
    hashes = hashes_of(ids)
    holding = (place for place, one in enumerate(parts) if list(one.segment.places(ids, hashes)))
    return next(holding, len(parts))


def without(parts: Iterable[Part], ids: Sequence[str]) -> list[Part]:
    """Parts in which objects no longer stand."""
    hashes = hashes_of(ids)
    out = []
    for part in parts:
        places = part.segment.places(ids, hashes)
        gone = [owner for _, owner in places if stands(part.gone, owner)]
        out.append(part.less(gone) if gone else part)
    return out


def _separations(agreement: Agreement | None) -> Mapping[str, Separation]:
    return {} if agreement is None else agreement.separations
