"""The worker that posts what subscriptions are to be told of, until it is taken.

One process at a time (detente.node.telling.lease), at least once, and in order for
each subscription: the next message goes out when the one before was taken. What
nobody takes waits, and is tried again with growing pauses, without end: a receiver
that comes back after a week is told of that week.

A subscription has a cursor of its own only while something waits for it. All others
are told up to one cursor that they share: so a start looks at what is new, and not
at every subscription's whole past.

Peers of F3548 are told by it as well (detente.node.telling.peers): what is owed to
them is looked up and not matched, and a cursor is an address's.
"""

import asyncio
import logging
import time
import traceback
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from msgspec.structs import replace

from detente.core.entry import EntryKind
from detente.core.volume import microseconds
from detente.errors import Conflict, DetenteError
from detente.node.asking import reader_of
from detente.node.engine import Engine
from detente.node.telling.cursors import ALL, Held, Keep, Move, read_cursors
from detente.node.telling.disclosures import disclosures_of
from detente.node.telling.entries import Chunk
from detente.node.telling.events import Events, desks_of, seen_by
from detente.node.telling.lease import Lease
from detente.node.telling.listening import Listening
from detente.node.telling.matching import Wanted, match
from detente.node.telling.messages import (
    EVENTS_MAX,
    Outgoing,
    Sending,
    Tried,
    after,
    message_of,
)
from detente.node.telling.peers import Peer, Peers, is_peer
from detente.node.telling.people import Note, People, without_words
from detente.node.telling.post import Attempt, Poster
from detente.node.telling.secret import WebhookSecrets
from detente.node.telling.tail import Tail
from detente.store import Cursor

LEASE = "webhooks"

PARTY_AT_ONCE_MAX = 4
"""Attempts of one party's subscriptions at a time: its slow receivers wait for each other,
and for nobody else's."""

AT_ONCE_MAX = 200
"""Attempts at a time in all: connections and memory of one worker."""

ROUND_ENTRIES_MAX = 5_000
"""Entries matched before what waits is kept and posted."""

KEPT_EVERY_ENTRIES = 1_000
KEPT_EVERY_S = 10.0
"""How far the shared cursor may lag behind: what a start looks at again."""

PAUSE_S = 1.0
"""After a fault, before all is tried anew."""

IDLE_S = 2.0
"""How often the worker looks around when nothing happens."""

_LOG = logging.getLogger("detente.telling")


class Deliverer:
    """Posts to webhooks and peers. One event loop's.

    Args:
        engine: At work.
        tail: Of its record.
        listening: To it.
        secrets: With which messages are signed.
        poster: Through which they go.
        people: Who tells those who read mail and chat.
        lease: Under which they go.
        peers: Of F3548; None where the node is no USS.
    """

    def __init__(  # noqa: PLR0913 - its parts
        self,
        engine: Engine,
        tail: Tail,
        listening: Listening,
        *,
        secrets: WebhookSecrets,
        poster: Poster,
        people: People,
        lease: Lease,
        peers: Peers | None,
    ) -> None:
        self._engine = engine
        self._tail = tail
        self._listening = listening
        self._secrets = secrets
        self._poster = poster
        self._people = people
        self._rests: dict[str, int] = {}
        self._urgent: set[str] = set()
        self._lease = lease
        self._peers = peers
        self._known_peers: dict[str, Peer] = {}
        self._drained = -1
        self._held = Held(lease.name, lease.holder)
        self._events = Events(engine, tail)
        self._rows: dict[str, Cursor] = {}
        self._position = -1
        self._kept = (-1, 0.0)
        self._sending: dict[str, Sending] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Deliver until cancelled."""
        while not self._listening.closed:
            try:
                await self._until_wanted()
                self._drained = -1
                await self._lease.take()
                await self._while_held()
            except Exception as error:  # noqa: BLE001 - whatever failed, the worker goes on
                _LOG.warning("webhooks wait: %s", fault(error))
                await asyncio.sleep(PAUSE_S)

    async def _until_wanted(self) -> None:
        """Wait until somebody wants to be posted to; until then nothing is read twice."""
        while not self._listening.closed:
            size = self._listening.size
            if self._owes(self._drained):
                return
            if self._engine.world.webhooks:
                await self._tail.follow(size)
                if self._webhooks():
                    return
            await self._listening.beyond(size, timeout_s=IDLE_S)

    def _webhooks(self) -> dict[str, Wanted]:
        found = self._tail.subscriptions.items()
        return {object_id: one for object_id, one in found if one.is_webhook}

    def _owes(self, upto: int) -> bool:
        """Whether a peer had to be told of something after an entry."""
        return self._peers is not None and self._peers.last_owed > upto

    def _is_wanted(self) -> bool:
        """Whether there is anybody to post to."""
        return bool(self._webhooks()) or self._owes(self._position) or self._has_peers()

    def _has_peers(self) -> bool:
        """Whether something waits for a peer."""
        return any(map(is_peer, self._rows))

    async def _while_held(self) -> None:
        """Deliver while the lease is ours and anyone wants it."""
        keeping = asyncio.create_task(self._lease.keep())
        try:
            self._rows = await self._tail.run(lambda: read_cursors(self._engine))
            shared = self._rows.pop(ALL, None)
            self._position = -1 if shared is None else shared.sequence
            self._kept = (self._position, time.monotonic())
            while self._lease.held and self._is_wanted():
                size = self._listening.size
                await self._round(size)
                self._begin()
                await self._wait(size)
            if self._lease.held:
                self._drained = self._position
        finally:
            keeping.cancel()
            await ended(keeping, *self._tasks.values())
            self._tasks = {}
            await asyncio.shield(self._lease.give_back())

    async def _round(self, size: int) -> None:
        """Match what is new; keep where something waits before the shared cursor moves on.

        A cursor of its own is dropped here alone, when it has reached the shared one
        and nothing new waits: what is under way cannot interfere.
        """
        await self._tail.follow(size)
        self._tasks = {one: task for one, task in self._tasks.items() if not task.done()}
        webhooks = self._webhooks()
        before = self._position
        if webhooks:
            # What came before the first of them was made is for none of them.
            before = max(before, min(one.since for one in webhooks.values()))
        first, end = await self._matched(webhooks, before + 1, size)
        first |= await self._owed(end)
        self._hurry()
        wishes: dict[str, Wanted | Peer] = {**webhooks, **self._known_peers}
        opened = {
            object_id: Cursor(sequence=sequence - 1)
            for object_id, sequence in first.items()
            if object_id not in self._rows
        }
        closed = [
            object_id
            for object_id, row in self._rows.items()
            if object_id not in self._tasks
            and (object_id not in wishes or self._is_done(row, object_id in first))
        ]
        if opened or closed or self._is_due(end - 1):
            put = {**opened, ALL: Cursor(sequence=end - 1)}
            moved: bool = await self._engine.act(Move(self._held, put, closed))
            if not moved:
                raise Conflict("lease", expected="to be held")
            self._kept = (end - 1, time.monotonic())
        self._rows.update(opened)
        for object_id in closed:
            del self._rows[object_id]
            self._sending.pop(object_id, None)
        now_us = microseconds(self._engine.clock())
        self._rests = {one: until for one, until in self._rests.items() if until > now_us}
        self._position = end - 1

    def _hurry(self) -> None:
        """A call of the hotline waits neither for people's rest nor for a pause after failures."""
        for object_id in self._urgent:
            self._rests.pop(object_id, None)
            row = self._rows.get(object_id)
            if row is not None and object_id not in self._tasks:
                self._rows[object_id] = replace(row, next_us=0)
        self._urgent.clear()

    async def _owed(self, end: int) -> dict[str, int]:
        """The first entry that is owed to each peer, of those not looked at before ``end``."""
        if self._peers is None or not (self._owes(self._position) or self._has_peers()):
            # Else each round would look at every intent's subscription.
            self._known_peers = {}
            return {}
        self._known_peers = self._peers.all()
        return await self._peers.first(self._known_peers, self._position + 1, end)

    def _is_done(self, row: Cursor, has_new: bool) -> bool:  # noqa: FBT001 - one caller
        return row.sequence >= self._position and not has_new

    def _is_due(self, position: int) -> bool:
        """Whether the shared cursor has moved enough to be kept."""
        kept, at = self._kept
        late = time.monotonic() - at >= KEPT_EVERY_S
        return position - kept >= KEPT_EVERY_ENTRIES or (position > kept and late)

    async def _matched(
        self, wishes: Mapping[str, Wanted], first: int, size: int
    ) -> tuple[dict[str, int], int]:
        """The first entry that waits for each subscription, and how far was looked."""
        found: dict[str, int] = {}
        if not wishes:
            return found, size
        at = first
        while at < size and at - first < ROUND_ENTRIES_MAX:
            chunk = await self._tail.chunk(at, size)
            matched = await self._tail.run(lambda: self._match(chunk, wishes.values()))  # noqa: B023
            for object_id, sequence in matched.items():
                found.setdefault(object_id, sequence)
            at = chunk.end
        return found, at

    def _match(self, chunk: Chunk, wishes: Iterable[Wanted]) -> dict[str, int]:
        by_party: defaultdict[str, list[Wanted]] = defaultdict(list)
        for wish in wishes:
            by_party[wish.party].append(wish)
        shown, now = self._engine.world.shown, self._engine.clock()
        found: dict[str, int] = {}
        for party, own in by_party.items():
            reader = reader_of(shown, party, now)
            seen = seen_by(reader, chunk)
            for object_id, events in match(seen, own, desks_of(reader)).items():
                found[object_id] = events[0].sequence
                if any(one.kind is EntryKind.CALL for one in events):
                    self._urgent.add(object_id)
        return found

    def _begin(self) -> None:
        """Start what is due, within the limits."""
        wishes: dict[str, Wanted | Peer] = {**self._webhooks(), **self._known_peers}
        busy = Counter(wishes[one].party for one in self._tasks if one in wishes)
        now_us = microseconds(self._engine.clock())
        # Those that fail come last, so that they take no place from those that do not.
        for object_id, row in sorted(self._rows.items(), key=lambda one: one[1].attempts):
            wish = wishes.get(object_id)
            if wish is None or object_id in self._tasks or row.next_us > now_us:
                continue
            if self._rests.get(object_id, 0) > now_us:
                continue  # People were told just now.
            if row.sequence >= self._position:
                continue  # Nothing waits; the next round drops its cursor.
            if len(self._tasks) >= AT_ONCE_MAX or busy[wish.party] >= PARTY_AT_ONCE_MAX:
                continue
            busy[wish.party] += 1
            self._tasks[object_id] = asyncio.create_task(self._deliver(object_id))

    async def _deliver(self, object_id: str) -> None:
        """Post what waits for a subscription until nothing does, or it is not taken."""
        try:
            while self._lease.held and await self._post_next(object_id):
                pass
        except Exception as error:  # noqa: BLE001 - its fault stops no other's messages
            _LOG.warning("a webhook waits: %s", fault(error))
            later_us = microseconds(self._engine.clock()) + int(PAUSE_S * 1_000_000)
            self._rows[object_id] = replace(self._rows[object_id], next_us=later_us)

    async def _post_next(self, object_id: str) -> bool:
        """Post the next message; whether there may be another."""
        row = self._rows[object_id]
        wish: Wanted | Peer | None = self._known_peers.get(object_id)
        if wish is None:
            wish = self._webhooks().get(object_id)
        if wish is None:
            return False
        sending = self._sending.get(object_id) or Sending(upto=self._position)
        out = await self._outgoing(wish, row.sequence, sending.upto)
        self._sending.pop(object_id, None)
        if out.message is None:
            self._rows[object_id] = Cursor(sequence=out.page.next)
            return out.page.next < self._position
        attempt = await self._send(wish, out, row.attempts)
        if isinstance(wish, Peer) and attempt.status == HTTPStatus.CONFLICT:
            # It was told of a later version already.
            attempt = replace(attempt, ok=True)
        tried = Tried(row, sending, out.page, out.sent)
        kept, again = after(wish, tried, attempt, now=self._engine.clock())
        if again is not None:
            self._sending[object_id] = again
        await self._engine.act(Keep(self._held, kept))
        disclosures_of(self._engine).remember(wish.party, kept.disclosed)
        self._rows[object_id] = kept.cursor
        return attempt.ok and object_id not in self._rests

    async def _send(self, wish: Wanted | Peer, out: Outgoing, turn: int) -> Attempt:
        now = self._engine.clock()
        assert out.message is not None, "somebody is to be told something"  # noqa: S101
        if not isinstance(out.message, Note):
            return await self._poster.post(out.url, out.message, now=now, turn=turn)
        self._rests[wish.object_id] = microseconds(now) + int(self._people.terms.rest_s * 1_000_000)
        return await self._people.post(out.url, wish.party, out.message)

    async def _outgoing(self, wish: Wanted | Peer, after: int, upto: int) -> Outgoing:
        """What is to be posted next."""
        if isinstance(wish, Peer):
            assert self._peers is not None  # noqa: S101 - it is one of them
            return await self._peers.outgoing(wish, after, upto)
        page = await self._events.read(
            wish.party, after=after, limit=EVENTS_MAX, wish=wish, upto=upto
        )
        if not page.events:
            return Outgoing(page=page)
        if wish.value.people is not None:
            sent = tuple(map(without_words, page.events))
            note = self._people.note_of(sent, wish.object_id)
            return Outgoing(page=page, sent=sent, url=wish.value.people, message=note)
        message, sent = message_of(wish.object_id, page, self._secrets)
        return Outgoing(page=page, sent=sent, url=wish.value.url or "", message=message)

    async def _wait(self, size: int) -> None:
        """Until something is new, done, or due."""
        now_us = microseconds(self._engine.clock())
        waits = [row.next_us - now_us for row in self._rows.values() if row.next_us > now_us]
        timeout_s = min([IDLE_S, *(one / 1_000_000 for one in waits)])
        new = asyncio.create_task(self._listening.beyond(size, timeout_s=timeout_s))
        await asyncio.wait([new, *self._tasks.values()], return_when=asyncio.FIRST_COMPLETED)
        await ended(new)


async def ended(*tasks: asyncio.Task[Any]) -> None:
    """Cancel tasks, and wait for their end."""
    for task in tasks:
        task.cancel()
    # Unlike a suppressed CancelledError, this does not swallow our own.
    await asyncio.gather(*tasks, return_exceptions=True)


def fault(error: Exception) -> str:
    """What a log may say of an error: a message of it may hold what others may not read."""
    if isinstance(error, DetenteError):
        return error.code
    frames = traceback.extract_tb(error.__traceback__)[-3:]
    return f"{type(error).__name__} at " + ", ".join(f"{one.name}:{one.lineno}" for one in frames)
