"""Where STIX objects are that say it by others: by locations, and by `located-at` relationships.

An object names the locations to which it refers, but not the relationships that locate it: those
of everybody are found once, and followed. That one may be there is all that is kept of it. What
it says is read again as its reader sees it, so that what is hidden from him locates nothing
(docs/rules/R-02.md).
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

from detente.core.entry import EntryKind
from detente.core.report import Report
from detente.core.stix_where import LOCATED_AT, REFERENCES_MAX, Link, link
from detente.core.view import View
from detente.core.wire import read
from detente.node.wanted import Located, Name, link_in, place_in, referred
from detente.store import Record, Stored

CHUNK = 64
"""Relationships taken from the store at a time, so that large ones do not fill the memory."""

_SIGNS = (LOCATED_AT.encode(), rb"\\u")
"""One of them is in what says `located-at`: JSON may be spelt with escapes."""

Cut = Callable[[Stored], View | None]
"""What a reader sees of an object."""


class Locating:
    """Which relationships may say where an object is. Any thread's."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = -1
        self._found: dict[Name, dict[str, None]] = {}

    def located(self, record: Record, views: Sequence[View], cut: Cut) -> Located:
        """Where STIX objects are by others of their party.

        Args:
            record: One state of it.
            views: Of the objects, as their reader sees them.
            cut: What he sees of another.
        """
        self._follow(record)
        links = dict(self._links(record, views, cut))
        names = {party: dict.fromkeys(ids) for party, ids in referred(views).items()}
        for (party, _), some in links.items():
            names.setdefault(party, {}).update(dict.fromkeys(one.target for one in some))
        places = {}
        for party, ids in names.items():
            for name, stored in record.named(EntryKind.REPORT, party, list(ids)).items():
                view = cut(stored)
                place = None if view is None else place_in(view)
                if place is not None:
                    places[party, name] = place
        return Located(places=places, links=links)

    def _links(
        self, record: Record, views: Iterable[View], cut: Cut
    ) -> Iterator[tuple[Name, tuple[Link, ...]]]:
        """By object, what its reader sees of what locates it, at most REFERENCES_MAX."""
        for view in views:
            if not isinstance(view.value, Report) or not view.value.stix:
                continue
            name = view.value.party, view.value.source_id
            # What is hidden is not counted: it may not crowd out what is seen.
            seen = (one for one in self._told(record, name, cut) if one.source == name[1])
            if found := tuple(islice(seen, REFERENCES_MAX)):
                yield name, found

    def _told(self, record: Record, name: Name, cut: Cut) -> Iterator[Link]:
        with self._lock:
            called = list(self._found.get(name, ()))
        for start in range(0, len(called), CHUNK):
            part = called[start : start + CHUNK]
            for stored in record.named(EntryKind.REPORT, name[0], part).values():
                view = cut(stored)
                said = None if view is None else link_in(view)
                if said is not None:
                    yield said

    def _follow(self, record: Record) -> None:
        """Learn what came since. Another thread may have learnt more: its names are not there."""
        last = record.head()[1] - 1
        with self._lock:
            if last <= self._last:
                return
            if any(True for _ in record.objects(EntryKind.ERASURE, after=self._last, limit=1)):
                self._found, self._last = {}, -1  # What is erased leaves no name behind.
            for party, data in record.reported(self._last):
                self._learn(party, data)
            self._last = last

    def _learn(self, party: str, data: bytes) -> None:
        if not any(sign in data for sign in _SIGNS):
            return
        value = read(data)
        if not isinstance(value, Report) or not value.stix:
            return
        if (said := link(value.stix)) is not None:
            self._found.setdefault((party, said.source), {})[value.source_id] = None
