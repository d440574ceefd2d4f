"""A node in one process: the engine, the checks, who may ask, and what goes on in between.

Several processes may serve one store; each follows what the others append, also
while nobody asks it anything, so that whoever listens is told.
"""

import asyncio
import contextlib
import gc
import os
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from nacl.signing import SigningKey

from detente.core.ledger import NODE
from detente.errors import DetenteError
from detente.node.access.devices import Devices
from detente.node.access.gate import Gate
from detente.node.access.parties import EngineParties
from detente.node.access.settings import AccessSettings
from detente.node.alerted import Alerting
from detente.node.asking import Asking, Follow
from detente.node.certificate import Certificate, own_certificate
from detente.node.engine import Engine
from detente.node.evidence import Notary
from detente.node.feeding import Feeding
from detente.node.forgetting import Forget
from detente.node.hotline.ladder import Ladder
from detente.node.keyring import Keyring
from detente.node.layers import Layers
from detente.node.log import PublicLog, signer_of
from detente.node.metrics import PICTURE_ENTRIES, PICTURE_SEGMENTS, QUEUE_COMMANDS, RECORD_ENTRIES
from detente.node.mirror import Mirror, mirror_signers
from detente.node.naming import naming_key
from detente.node.noted import Noted
from detente.node.onlooking import Wall
from detente.node.quarantine import Quarantine
from detente.node.reading import Reading
from detente.node.seen import LiveTracks
from detente.node.status import Condition, Status
from detente.node.taxii.pages import Pages
from detente.node.telling import Telling
from detente.node.telling.address import Allowed
from detente.node.telling.events import Events
from detente.node.telling.peers import Peering, Peers
from detente.node.telling.people import REST_S, PeopleTerms
from detente.node.telling.tail import Tail
from detente.node.warning import Warner
from detente.node.watching import Watching
from detente.node.witness import Witness, witness_signers
from detente.node.witnesses import Witnesses
from detente.node.witnessing import Witnessing
from detente.picture.warm import warm
from detente.store import Store, parse_place
from detente.store.beside import FORGET_MAX

if TYPE_CHECKING:
    from detente.core.agreement import Agreement

FOLLOW_EVERY_S = 0.5
"""How far behind another process a listener may be: below what a person notices."""

COMPACT_EVERY_S = 1.0
"""How often parts of the pictures are merged, if there is need, though nobody asks for it."""

COMPACT_REST_S = 0.005
"""Between two times, however much changes."""

FORGET_EVERY_S = 3_600.0
"""What is kept beside the record is kept for days."""

PROBE_EVERY_S = 1.0
"""How often the store is asked: a prober that asks every few seconds hears what is true."""

PROBE_TIMEOUT_S = 5.0
"""A store that does not answer within is away."""

GC_THRESHOLDS = (50_000, 20, 20)
"""Objects, and rounds, between collections: a request leaves no cycles, so looking for them
after each 700 new objects took a sixth of the time of a node at work."""

WATCH_EVERY_S = 1.0
"""As often as aircraft and radars tell where they are."""

DISK_FREE_MIN = 64 * 1024 * 1024
"""Bytes: below it a transaction and its log may not fit."""


class Service:
    """One worker's node.

    Args:
        database: An SQLite file, or a PostgreSQL URL.
        access: Who may ask.
        keys: Where the node's private keys are; None is beside the register.
        webhooks: Where they may go, and what peers of F3548 are told.
        peering: How those are told; None where the node is no USS.
        witnesses: Who cosigns its log, and whose it cosigns.
        people_rest_s: Between two messages to the same people.

    Attributes:
        tracks: What moves, as last seen; of this process.
        quarantine: What devices sent and nobody is shown; of this process.
        feeding: What receivers tell (detente.doors.feeds connects to them).
        watching: What nears what protects.
        alerting: What of all this is shown to whom.
        engine, asking, reading, layers, taxii, gate, devices, telling, wall: There once started.
        witness, mirror: Likewise; None where the node is none.
    """

    tracks: LiveTracks
    quarantine: Quarantine
    engine: Engine
    asking: Asking
    reading: Reading
    layers: Layers
    taxii: Pages
    gate: Gate
    devices: Devices
    telling: Telling
    wall: Wall
    witness: Witness | None
    mirror: Mirror | None

    def __init__(  # noqa: PLR0913 - its parts
        self,
        database: str,
        access: AccessSettings,
        keys: Path | None = None,
        *,
        webhooks: Allowed | None = None,
        peering: Peering | None = None,
        witnesses: Witnesses | None = None,
        people_rest_s: float = REST_S,
    ) -> None:
        self._people_rest_s = people_rest_s
        self._witnesses = witnesses or Witnesses()
        self._place = parse_place(database)
        self._access = access
        self._keyring = Keyring(self._place, keys)
        self._webhooks = webhooks or Allowed()
        self._peering = peering
        self._log: tuple[Agreement, PublicLog] | None = None
        self.tracks = LiveTracks()
        self.quarantine = Quarantine()
        self.feeding = Feeding(self.tracks)
        self.watching = Watching()
        self.alerting = Alerting(self.tracks, self.feeding, self.watching)
        self._status = Status()
        self._scrubbed = -1
        self._stack = contextlib.AsyncExitStack()
        self._crowded = asyncio.Event()

    async def start(self) -> None:
        """Open the store, read the record, and begin.

        Raises:
            NotFound: No such register, or no key of the node.
            Unavailable: It cannot be read.
        """
        self._loop = asyncio.get_running_loop()
        await asyncio.to_thread(self._open)
        self._stack.callback(self._store.close)
        self._stack.push_async_callback(asyncio.to_thread, self.engine.stop)
        self.asking = Asking(self.engine)
        self._stack.callback(self.asking.close)
        self.reading = Reading(self.engine)
        self._stack.callback(self.reading.close)
        self.layers = Layers(self.engine)
        self._stack.callback(self.layers.close)
        self.taxii = Pages(self.engine)
        self._stack.callback(self.taxii.close)
        self.gate = Gate(
            self._access, self._store.access, self._keyring, EngineParties(self.engine)
        )
        await self._stack.enter_async_context(self.gate.running())
        self.devices = Devices(self.gate, self._store.access)
        self.telling = Telling(
            self.engine,
            self._keyring,
            self._webhooks,
            peers=self._peers(),
            people=PeopleTerms(url=self._access.url, rest_s=self._people_rest_s),
        )
        await self.telling.start()
        self._stack.push_async_callback(self.telling.stop)
        ladder = Ladder(self.engine, self.telling.listening)
        self._stack.push_async_callback(_ended, asyncio.create_task(ladder.run()))
        self._begin_witnessing()
        self.alerting.noted = Noted(naming_key(self.key()))
        self.wall = Wall(self.engine, self.alerting)
        warning = asyncio.create_task(Warner(self.engine, self.alerting).run())
        self._stack.push_async_callback(_ended, warning)
        await self._probe()
        with contextlib.suppress(DetenteError):
            await self._forget()
        for every_s, what in (
            (FOLLOW_EVERY_S, self._follow),
            (COMPACT_REST_S, self._compact),
            (FORGET_EVERY_S, self._forget),
            (PROBE_EVERY_S, self._probe),
            (WATCH_EVERY_S, self._watch),
        ):
            task = asyncio.create_task(_every(every_s, what))
            self._stack.push_async_callback(_ended, task)

    async def stop(self) -> None:
        """Commit what waits, and let go of everything."""
        await self._stack.aclose()

    @property
    def log(self) -> PublicLog:
        """The log of its theatre, signed as the agreement says.

        Raises:
            NotFound: The agreement names no log, or its private key is not here.
            Conflict: The private key here is another.
        """
        return self._log_of(self.engine.world.agreement)

    def _log_of(self, agreement: "Agreement") -> PublicLog:
        known = self._log
        if known is None or known[0] is not agreement:
            known = self._log = agreement, PublicLog(signer_of(agreement, self._keyring))
        return known[1]

    def _log_if(self, agreement: "Agreement") -> PublicLog | None:
        """The log, where there is one: without it nothing is proven, and all is stored."""
        try:
            return self._log_of(agreement)
        except DetenteError:
            return None

    def notary(self) -> Notary:
        """With what evidence is made here.

        Raises:
            NotFound, Conflict: As for ``log``.
        """
        return Notary(key=self._keyring.load(NODE), log=self.log, policy=self._witnesses.counted)

    def key(self) -> SigningKey:
        """The node's own.

        Raises:
            NotFound: It is not here.
        """
        return self._keyring.load(NODE)

    def own_certificate(self) -> Certificate:
        """With which alerts are signed, where the operator gave none; made if there is none.

        Raises:
            MalformedInput, Unavailable: It cannot be read, or not be made.
        """
        name = f"Alerts of {self.engine.world.agreement.name}"
        return own_certificate(self._keyring.folder, name, self.engine.clock())

    def status(self) -> Status:
        """As of the last probe."""
        return self._status

    def _open(self) -> None:
        # The first question would otherwise load the kernels while others wait.
        warm()
        self._store = Store(self._place)
        self.engine = Engine(
            self._store, self._keyring.load(NODE), log_of=self._log_if, crowded=self._call_compact
        )
        self.engine.start()
        # What was read at the start stays: the collector need not look at it again.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*GC_THRESHOLDS)

    def _begin_witnessing(self) -> None:
        """Cosign and mirror, and have cosigned and mirrored, as far as each was asked for."""
        own, engine = self._witnesses, self.engine
        self.witness, self.mirror = None, None
        if own.name and own.logs is not None:
            signers = witness_signers(self._keyring, own.name)
            self.witness = Witness(self._store, signers, own.logs, engine.clock)
        if own.mirror_name and own.mirror_logs is not None:
            signers = mirror_signers(self._keyring, own.mirror_name)
            self.mirror = Mirror(self._store, signers, own.mirror_logs, engine.clock)
        if own.counted is not None:
            asking = Witnessing(engine, self.telling.listening, lambda: self.log, own)
            self._stack.push_async_callback(_ended, asyncio.create_task(asking.run()))

    def _peers(self) -> Callable[[Engine, Tail, Events], Peers] | None:
        if self._peering is None:
            return None
        return partial(Peers, peering=self._peering, tokens=self.gate.tokens)

    async def _follow(self) -> None:
        """Catch up with what other processes appended, and read anew what a failure spoilt.

        A node that is not ready may be asked nothing: it must not wait to be asked.
        """
        size = await asyncio.to_thread(self._store.size)
        if not self.engine.sound or size > self.engine.world.shown.sequence:
            await self.engine.act(Follow())

    async def _forget(self) -> None:
        gone = FORGET_MAX
        while gone == FORGET_MAX:
            gone = await self.engine.act(Forget())

    async def _watch(self) -> None:
        """Look once; where the record cannot be read, what stood stands, and it is said so."""
        now = self.engine.clock()
        self.feeding.look(now)
        self.tracks.forget(now)
        tracks = self.tracks.latest()
        if tracks or self.watching.watched:
            picture = self.engine.world.shown.protected
            await asyncio.to_thread(self.watching.look, picture, tracks, now)
        else:
            self.watching.idle(now)

    def _call_compact(self) -> None:
        with contextlib.suppress(RuntimeError):  # The loop is over: nobody asks any more.
            self._loop.call_soon_threadsafe(self._crowded.set)

    async def _compact(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._crowded.wait(), COMPACT_EVERY_S)
        self._crowded.clear()
        await asyncio.to_thread(self._tidy)

    def _tidy(self) -> None:
        self.engine.world.compact()
        self._scrub()

    def _scrub(self) -> None:
        """Let go of the bytes of what was erased; at the start too, for one that was killed."""
        erased = self.engine.world.erased
        if self._scrubbed != erased and self._store.scrub():
            self._scrubbed = erased

    async def _probe(self) -> None:
        problem, theatre = "", self._status.theatre
        try:
            async with asyncio.timeout(PROBE_TIMEOUT_S):
                theatre = await asyncio.to_thread(self._theatre)
        except TimeoutError:
            problem = f"no answer within {PROBE_TIMEOUT_S:g} s"
        except DetenteError as error:
            problem = error.got or "cannot be asked"
        shown = self.engine.world.shown
        pictures = shown.protected, shown.plans
        RECORD_ENTRIES.set(shown.sequence)
        PICTURE_ENTRIES.set(sum(map(len, pictures)))
        PICTURE_SEGMENTS.set(sum(len(one.parts) for one in pictures))
        QUEUE_COMMANDS.set(self.engine.waiting)
        self._status = Status(
            theatre=theatre,
            sequence=shown.sequence,
            conditions=(
                Condition(name="database", problem=problem),
                Condition(name="picture", problem="" if self.engine.sound else "is read anew"),
                Condition(name="disk", problem=self._disk()),
            ),
        )

    def _theatre(self) -> str:
        with self._store.reading() as record:
            return record.head()[0]

    def _disk(self) -> str:
        if not isinstance(self._place, Path):
            return ""  # The server's disk is the server's to watch.
        found = os.statvfs(self._place.parent)
        if found.f_bavail * found.f_frsize < DISK_FREE_MIN:
            return f"less than {DISK_FREE_MIN // 2**20} MiB free"
        return "" if os.access(self._place, os.W_OK) else "not writable"


async def _every(every_s: float, what: Callable[[], Awaitable[None]]) -> None:
    """Do something again and again; a store that cannot be asked now is asked again."""
    while True:
        await asyncio.sleep(every_s)
        with contextlib.suppress(DetenteError):
            await what()


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
