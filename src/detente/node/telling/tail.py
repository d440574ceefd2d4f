"""The tail of the record, opened once for everyone who tells of it.

The last entries are kept in memory; what is older is read from the store, a chunk
at a time. Subscriptions are followed along the way.
"""

import asyncio
from bisect import bisect_left
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from detente.core.entry import EntryKind
from detente.core.erasure import Erasure
from detente.core.wire import Value, read
from detente.node.engine import Engine
from detente.node.telling.entries import (
    CHUNK_ENTRIES,
    Chunk,
    Entry,
    Terms,
    read_chunk,
    with_recipients,
    without,
)
from detente.node.telling.matching import Wanted, wanted

TAIL_ENTRIES = 5_000
"""Entries kept: those of some ten seconds at full load, which is what streams lag behind."""

TAIL_BYTES = 64 * 1024 * 1024
"""And no more than this of objects."""

T = TypeVar("T")


class Tail:
    """The end of the record as it grows. One event loop's.

    Args:
        engine: At work.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        # Its own threads: whoever tells does not wait for what others do in theirs.
        self._pool = ThreadPoolExecutor(max_workers=2, thread_name_prefix="telling")
        self._lock = asyncio.Lock()
        self._entries: list[Entry] = []
        self._bytes = 0
        self._latest: dict[str, tuple[int, Value | None]] = {}
        self._terms: Terms | None = None
        self._first = 0
        self.end = 0
        self.subscriptions: dict[str, Wanted] = {}

    async def start(self) -> None:
        """Stand at the end of the record.

        Raises:
            Unavailable: It cannot be read.
        """
        await self.run(self._load)

    def stop(self) -> None:
        """Let go of the threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def run(self, work: Callable[[], T]) -> T:
        """Do something that takes a while in a thread for telling."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

    async def follow(self, end: int) -> None:
        """Read what was added, to before entry ``end``.

        Raises:
            Unavailable: The record cannot be read.
        """
        if self.end >= end:
            return
        async with self._lock:
            if end - self.end > TAIL_ENTRIES:
                # Nobody has listened for long: what lies between is read if it is asked for.
                await self.run(self._load)
            while self.end < end:
                first = self.end
                chunk = await self.run(lambda: self._read(first, end))  # noqa: B023 - awaited
                for entry in chunk.entries:
                    self._add(entry)
                self.end = chunk.end
                self._trim()

    async def chunk(self, first: int, end: int) -> Chunk:
        """Entries from ``first`` to before ``end``, or as many as are read at a time.

        Raises:
            Unavailable: The record cannot be read.
        """
        await self.follow(end)
        if first < self._first:
            return await self.run(lambda: self._read(first, end))
        start, stop = self._number(first), self._number(end)
        entries = self._entries[start : min(stop, start + CHUNK_ENTRIES)]
        if start + CHUNK_ENTRIES < stop:
            end = entries[-1].sequence + 1
        if any(entry.corrects for entry in entries):
            # Somebody may have been shown what is corrected since it was read.
            entries = await self.run(lambda: self._with_recipients(entries))
        return Chunk(entries, max(first, end), self._latest)

    def _with_recipients(self, entries: list[Entry]) -> list[Entry]:
        with self._engine.store.reading() as record:
            return with_recipients(record, entries)

    def _number(self, sequence: int) -> int:
        """Where in the tail the entries from this one on begin."""
        return bisect_left(self._entries, sequence, key=lambda one: one.sequence)

    def _load(self) -> None:
        with self._engine.store.reading() as record:
            self._terms = Terms.load(record)
            self._first = self.end = record.head()[1]
            self._entries, self._latest, self._bytes = [], {}, 0
            self.subscriptions = {}
            for row in record.subscriptions():
                value = None if row.data is None else read(row.data)
                self._subscribe(row.object_id, row.party, row.since, value)

    def _read(self, first: int, end: int) -> Chunk:
        assert self._terms is not None  # noqa: S101 - started before
        with self._engine.store.reading() as record:
            return read_chunk(record, first, end, self._terms)

    def _add(self, entry: Entry) -> None:
        self._entries.append(entry)
        self._bytes += entry.size
        self._latest[entry.object_id] = (entry.version, entry.value)
        if entry.kind is EntryKind.SUBSCRIPTION:
            known = self.subscriptions.pop(entry.object_id, None)
            since = entry.sequence if known is None else known.since
            self._subscribe(entry.object_id, entry.party, since, entry.value)

        if isinstance(entry.value, Erasure):
            self._erase(entry.value.object)

    def _erase(self, object_id: str) -> None:
        """Keep nothing of what was erased."""
        self._bytes -= sum(one.size for one in self._entries if one.object_id == object_id)
        self._entries = [without(one, object_id) for one in self._entries]
        if object_id in self._latest:
            self._latest[object_id] = (self._latest[object_id][0], None)

    def _subscribe(self, object_id: str, party: str, since: int, value: Value | None) -> None:
        one = wanted(object_id, party, since, value)
        if one is not None:
            self.subscriptions[object_id] = one

    def _trim(self) -> None:
        """Keep no more than the limits say."""
        over = 0
        for oldest in self._entries:
            if len(self._entries) - over <= TAIL_ENTRIES and self._bytes <= TAIL_BYTES:
                break
            over += 1
            self._first = oldest.sequence + 1
            self._bytes -= oldest.size
            if self._latest[oldest.object_id][0] == oldest.version:
                del self._latest[oldest.object_id]
        del self._entries[:over]
