"""The engine: one committer a process, through which everything said goes in order.

Commands that wait are decided together: one transaction that holds the head of
the record, one fsync, then all are answered. The world is never behind the head
on which it decides: the transaction first folds in what other processes
appended. What fails leaves no trace: the command is refused, or, where the
database failed, all of the batch are, and the world is read anew.

Source: DESIGN sections 3, 4.4, 4.5 and 8; docs/rules/R-04.md, docs/rules/R-05.md;
docs/adr/0016.
"""

import asyncio
import contextlib
import logging
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Generic, Protocol, TypeVar, overload

import msgspec
from msgspec import Struct
from nacl.signing import SigningKey

from detente.core.agreement import Agreement
from detente.core.erasure import Erasure
from detente.core.ledger import NODE, Act, Ledger
from detente.core.principal import Principal
from detente.core.wire import Value
from detente.errors import Conflict, DetenteError, Unavailable
from detente.node.author import Author, Prepared
from detente.node.budget import Budget
from detente.node.f3548.owing import owing
from detente.node.log import PublicLog
from detente.node.metrics import COMMIT_ENTRIES, COMMIT_SECONDS, COMMITS_FAILED
from detente.node.moment import Before, Moment
from detente.node.picture import require_measurable
from detente.node.submit import Receipt, Touches, appended, receipt
from detente.node.values import Values
from detente.node.world import Event, World
from detente.store import Appender, Owed, Remembered, Store

BATCH_MAX = 256
"""Commands a transaction: at 1 ms each they wait a quarter of a second at most."""

WAITING_MAX = 10_000
"""Commands that may wait: ten seconds of work. One more is told to come back."""

_log = logging.getLogger("detente.node")

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Said(Struct, frozen=True, kw_only=True):
    """One value to put on the record for the party that asks.

    ``object_id`` None makes a new object. ``of_node`` is for what the node itself says.
    ``salt`` is there where the command gives it to somebody; else one is drawn.
    """

    value: Value
    object_id: str | None = None
    version: int = 1
    of_node: bool = False
    salt: bytes | None = None


class Decision(Struct, Generic[T], frozen=True, kw_only=True):
    """What a command leads to: entries, and the answer once they are on disk.

    ``effects`` is called within the transaction, for tables beside the record.
    ``aware`` says that docs/rules/R-05.md was asked and holds.
    """

    says: Sequence[Said | Prepared]
    answer: Callable[[list[Receipt]], T]
    aware: bool = False
    late: bool = False
    effects: Callable[[Appender, list[Receipt]], None] | None = None


class Command(Protocol[T_co]):
    """An act that is decided when its turn comes, at the head of the record."""

    principal: Principal

    @property
    def touches(self) -> Touches:
        """What it will ask the record about."""

    def decide(self, moment: Moment) -> Decision[Any]:
        """What it leads to.

        Raises:
            DetenteError: It is refused; nothing of it is kept.
        """


class Once(Struct, frozen=True, kw_only=True):
    """An idempotency key, and the digest of what was asked with it."""

    key: str
    digest: bytes

    @classmethod
    def of(cls, key: str, asked: bytes) -> "Once":
        """For a request's body and whatever else decides what it asks."""
        return cls(key=key, digest=sha256(asked).digest())


class Kept(Struct, frozen=True):
    """The JSON of an answer that is kept under an idempotency key.

    ``again`` is whether it was given before, and nothing was done now.
    """

    body: bytes
    again: bool = False


class _Waiting(Struct, eq=False):
    """A command, and where its answer goes."""

    command: Command[Any]
    once: Once | None
    proven: bool
    future: asyncio.Future[Any]
    answer: Any = None
    error: DetenteError | None = None


class Engine:
    """A node at work on one store.

    Args:
        store: The theatre's.
        key: The node's.
        clock: Gives the time, UTC.
        log_of: Gives the log of a theatre with this agreement; None where it has none.
        crowded: Called, from any thread, when it is time for the world to ``compact``.
    """

    def __init__(
        self,
        store: Store,
        key: SigningKey,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        log_of: Callable[[Agreement], PublicLog | None] = lambda _: None,
        crowded: Callable[[], None] = lambda: None,
    ) -> None:
        self.store = store
        self.clock = clock
        self._values = Values(store)
        self._log_of = log_of
        self._crowded = crowded
        self._key = key
        self._world: World | None = None
        self._readable: World | None = None
        self._waiting: deque[_Waiting] = deque()
        self._wake = threading.Condition()
        self._stopping = False
        self._thread: threading.Thread | None = None

    @property
    def world(self) -> World:
        """What the record says, as last read; what it shows is on disk, whatever failed since.

        Raises:
            Unavailable: The record has not been read yet.
        """
        if self._readable is None:
            raise Unavailable("record", expected="to be read from the database")
        return self._readable

    @property
    def sound(self) -> bool:
        """Whether the last transaction left the world as it should be."""
        return self._world is not None

    @property
    def waiting(self) -> int:
        """Commands that wait."""
        return len(self._waiting)

    def start(self) -> None:
        """Read the record, and begin.

        Raises:
            Unavailable: It cannot be read.
        """
        with self.store.reading() as record:
            self._world = self._readable = World.load(record, self._values, self._crowded)
        self._thread = threading.Thread(target=self._run, name="committer", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Commit what waits, then end."""
        with self._wake:
            self._stopping = True
            self._wake.notify()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    @overload
    async def act(self, command: Command[T], *, proven: bool = False) -> T: ...

    @overload
    async def act(self, command: Command[Any], *, once: Once, proven: bool = False) -> Kept: ...

    async def act(
        self, command: Command[Any], *, once: Once | None = None, proven: bool = False
    ) -> Any:
        """Have a command decided, and wait until what it says is on disk.

        With ``proven``, its receipts come with proofs under a signed checkpoint.

        With ``once``, the answer comes as ``Kept``, and is the same for whoever
        asks again with the same key. A refusal is not kept: the key stays free.

        Raises:
            DetenteError: It was refused, and nothing of it kept.
            Conflict: The key came before with something else.
            Unavailable: The store could not be written, or too much waits.
        """
        one = _Waiting(command, once, proven, asyncio.get_running_loop().create_future())
        with self._wake:
            if self._stopping or self._thread is None:
                raise Unavailable("node", expected="to be at work", got="it is stopping")
            if len(self._waiting) >= WAITING_MAX:
                raise Unavailable("node", got=f"{WAITING_MAX} acts wait already; ask again")
            self._waiting.append(one)
            self._wake.notify()
        return await one.future

    def _run(self) -> None:
        while True:
            with self._wake:
                self._wake.wait_for(lambda: self._waiting or self._stopping)
                if not self._waiting:
                    return
            self._commit()

    def _taken(self) -> list[_Waiting]:
        return [self._waiting.popleft() for _ in range(min(len(self._waiting), BATCH_MAX))]

    def _commit(self) -> None:
        batch: list[_Waiting] = []
        try:
            self._transact(batch)
        except Exception as error:  # noqa: BLE001 - whatever failed, nobody waits for ever
            # What was decided stands on a state that was not kept: read it anew.
            self._world = None
            batch = batch or self._taken()
            if isinstance(error, DetenteError):
                failed = error
                _log.warning("transaction not kept: %s", error)
            else:
                failed = Unavailable("node", got="a fault")
                failed.__cause__ = error
                _note_fault(error)
            COMMITS_FAILED.inc()
            for one in batch:
                one.error = failed
        by_loop: dict[asyncio.AbstractEventLoop, list[_Waiting]] = {}
        for one in batch:
            by_loop.setdefault(one.future.get_loop(), []).append(one)
        for loop, answered in by_loop.items():
            # A loop that has ended has nobody left to tell.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(_tell, answered)

    def _transact(self, batch: list[_Waiting]) -> None:
        with self.store.appending() as record:
            began = time.perf_counter()
            if self._world is None:
                self._world = World.load(record, self._values, self._crowded)
            turn = _Turn(self._world, record, self._key, self.clock())
            batch += self._taken()  # Not before: more came while another process had the head.
            turn.expect(batch)
            for number, one in enumerate(batch):
                turn.take(one)
                if turn.closed:
                    # What follows is to be measured by the new agreement.
                    later = batch[number + 1 :]
                    del batch[number + 1 :]
                    self._waiting.extendleft(reversed(later))
                    break
            turn.append(self._log_of(self._world.agreement))
        COMMIT_SECONDS.observe(time.perf_counter() - began)
        COMMIT_ENTRIES.observe(turn.entries)
        try:
            self._world.show()
        except Exception as error:  # noqa: BLE001 - it is on disk: what was before it is not shown
            self._world = None
            _note_fault(error)
        self._readable = self._world


def _tell(batch: list[_Waiting]) -> None:
    for one in batch:
        if one.future.done():
            continue  # Whoever asked has gone; what was said stays said.
        if one.error is not None:
            one.future.set_exception(one.error)
        else:
            one.future.set_result(one.answer)


class _Turn:
    """One transaction: a batch of commands decided in order, then appended."""

    def __init__(self, world: World, record: Appender, key: SigningKey, now: datetime) -> None:
        self._theatre, self._first, _ = record.head()
        world.follow(record, self._first)
        self._world = world
        self._record = record
        self._now = now
        self._before = Before(world, record)
        self._ledger = Ledger(self._theatre, self._before)
        self._author = Author(
            theatre=self._theatre, party=NODE, key=key, head=world.head(NODE, record)
        )
        self._prepared: list[Prepared] = []
        self._keys: set[tuple[str, str]] = set()
        self._owed: list[Owed] = []
        self._decided: list[tuple[_Waiting, Decision[Any], slice]] = []
        self.moment = Moment(
            world=world,
            record=record,
            before=self._before,
            budget=Budget(record, world.agreement, now, key, world.overspent),
            now=now,
        )

    @property
    def entries(self) -> int:
        """How many were accepted."""
        return len(self._prepared)

    def expect(self, batch: Sequence[_Waiting]) -> None:
        """Ask the record once for what the whole batch will need."""
        touches = [one.command.touches for one in batch]
        self._before.expect(touches)
        self.moment.measure_ahead([plan for one in touches for plan in one.plans])

    def take(self, one: _Waiting) -> None:
        """Decide one command, or note why it is refused."""
        start = len(self._prepared)
        try:
            if one.once is not None and self._answered_before(one):
                return
            decision = _decided(one.command, self.moment)
            self._accept(one, decision)
        except DetenteError as error:
            one.error = error
            return
        if one.once is not None:
            self._keys.add((one.command.principal.party, one.once.key))
        self._decided.append((one, decision, slice(start, len(self._prepared))))

    @property
    def closed(self) -> bool:
        """Whether the agreement changed, by which the pictures are measured."""
        return self._world.agreement is not self.moment.agreement

    def _answered_before(self, one: _Waiting) -> bool:
        once = one.once
        assert once is not None  # noqa: S101 - the caller looked
        found = self._record.idempotent(one.command.principal.party, once.key)
        if found is None:
            if (one.command.principal.party, once.key) in self._keys:
                raise Conflict("idempotency key", expected="one request at a time with it")
            return False
        if found.digest != once.digest:
            raise Conflict("idempotency key", expected="the request that it came with before")
        one.answer = Kept(found.body, again=True)
        return True

    def _accept(self, one: _Waiting, decision: Decision[Any]) -> None:
        """Ask the rules of each entry; all or none of a command's stay."""
        mark = self._ledger.mark() if len(decision.says) > 1 else None
        head = self._author.head
        taken: list[Prepared] = []
        try:
            for said in decision.says:
                prepared = said if isinstance(said, Prepared) else self._write(one, said)
                require_measurable(prepared.value)
                act = Act(
                    signed=prepared.signed,
                    value=prepared.value,
                    made_here=prepared.made_here,
                    verified=prepared.verified,
                )
                self._ledger.accept(act, aware=decision.aware)
                taken.append(prepared)
        except DetenteError:
            self._author.head = head
            if mark is not None:
                self._ledger.back(mark)
            raise
        for number, prepared in enumerate(taken):
            event = _event(prepared, self._first + len(self._prepared) + number)
            owed = owing(self.moment, event)
            self._world.fold((event,))
            self._world.airspace.owe(owed)
            self._owed += owed
        self._before.note(taken, self._first + len(self._prepared), now=self._now)
        self._prepared += taken

    def _write(self, one: _Waiting, said: Said) -> Prepared:
        principal = one.command.principal
        object_id = said.object_id
        if object_id is None:
            object_id = self._author.draw(16).hex()
            self._before.is_new(object_id)
        return self._author.prepare(
            said.value,
            now=self._now,
            place=(object_id, said.version),
            received=None if said.of_node else (principal.party, principal.method.value),
            salt=said.salt,
        )

    def append(self, log: PublicLog | None) -> None:
        """Append all that was accepted, and make the answers; one checkpoint signs them all."""
        if not self._prepared and not self._decided:
            return
        size, root = self._first, b""
        if self._prepared:
            _, size, root = self._record.append(
                appended(one, now=self._now) for one in self._prepared
            )
            self._record.owe(self._owed)
            if any(isinstance(one.value, Erasure) for one in self._prepared):
                # What is erased can no longer be counted (detente.node.f3548.recount).
                self._record.keep_notified(size, self._world.airspace.indices)
                self._world.airspace.counts_kept = size
        for one, decision, part in self._decided:
            receipts = [
                receipt(
                    prepared,
                    sequence=self._first + part.start + number,
                    size=size,
                    root=root,
                    late=decision.late,
                    proof=self._proof(log, part.start + number) if one.proven else None,
                )
                for number, prepared in enumerate(self._prepared[part])
            ]
            if decision.effects is not None:
                decision.effects(self._record, receipts)
            one.answer = decision.answer(receipts)
            if one.once is not None:
                one.answer = Kept(msgspec.json.encode(one.answer))
                kept = Remembered(digest=one.once.digest, status=0, body=one.answer.body)
                self._record.remember(
                    one.command.principal.party, one.once.key, kept, received=self._now
                )

    def _proof(self, log: PublicLog | None, number: int) -> str | None:
        """That an entry of this turn is in the log, under the checkpoint that first holds it."""
        if log is None:
            return None
        return log.proof_of(self._record, self._first + number).decode()


def _decided(command: Command[Any], moment: Moment) -> Decision[Any]:
    """What a command leads to; one that fails by a fault of ours fails alone."""
    try:
        return command.decide(moment)
    except DetenteError:
        raise
    except Exception as fault:
        _note_fault(fault)
        raise Unavailable("node", got="a fault") from fault


def _note_fault(fault: Exception) -> None:
    """Log where it was, and of what type: a message might quote what was to be kept."""
    frames = reversed(traceback.extract_tb(fault.__traceback__))
    where = " < ".join(f"{one.filename}:{one.lineno} {one.name}" for one in frames)
    _log.error("transaction failed: %s at %s", type(fault).__name__, where)


def _event(one: Prepared, sequence: int) -> Event:
    return Event(
        sequence=sequence,
        statement=one.signed.statement,
        leaf=one.signed.leaf,
        value=one.value,
        token=one.token,
    )
