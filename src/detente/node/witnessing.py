"""Having the log witnessed: checkpoints go to the witnesses of the policy, cosignatures come back.

One process at a time (detente.node.telling.lease). Each witness is asked by itself, so that
one that is away keeps no other waiting; a checkpoint is kept as soon as a quorum cosigned
it, and again when more did.

Source: C2SP tlog-witness, tlog-policy; DESIGN section 7; docs/adr/0018.
"""

import asyncio
import logging
import ssl
from collections import defaultdict
from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec.structs import replace

from detente.core.note import Note, SignatureLine, render_note
from detente.core.policy import NO_QUORUM, Policy, witnessed
from detente.core.witness import Outcome, Step
from detente.errors import DetenteError
from detente.node.cosigners import Asker, Cosigner, Head, cosigners, held
from detente.node.engine import Decision, Engine
from detente.node.log import PublicLog
from detente.node.metrics import WITNESSED_ENTRIES
from detente.node.moment import Moment
from detente.node.submit import Receipt, Touches
from detente.node.telling.disclosures import THE_NODE
from detente.node.telling.lease import Lease
from detente.node.telling.listening import Listening
from detente.store import Appender

if TYPE_CHECKING:
    from detente.core.note_key import VerifierKey

ASK_EVERY_S = 0.5
"""A busy log is witnessed twice a second: an entry waits no longer than that to be asked for."""

IDLE_S = 2.0

LEASE = "witnesses"

_LOG = logging.getLogger("detente.witness")


class Witnessing:
    """Asks the witnesses. One event loop's.

    Args:
        engine: At work.
        listening: To it.
        log_of: Gives the theatre's log.
        policy: Which witnesses, where, and how many must have cosigned.
        tls: Whose certificates are believed; None is whom this machine believes.
    """

    def __init__(
        self,
        engine: Engine,
        listening: Listening,
        log_of: Callable[[], PublicLog],
        policy: Policy,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._engine = engine
        self._listening = listening
        self._log_of = log_of
        self._policy = policy
        self._lease = Lease(engine, LEASE)
        self._asker = Asker(engine.store, lambda: listening.size, tls)
        self._peers = cosigners(policy)
        self._lines: defaultdict[int, dict[VerifierKey, SignatureLine]] = defaultdict(dict)
        self._notes: dict[int, Note] = {}
        self._witnessed = 0

    async def run(self) -> None:
        """Have what is new witnessed, until cancelled."""
        try:
            while not self._listening.closed:
                try:
                    await self._until_news()
                    await self._lease.take()
                    await self._while_held()
                except DetenteError as error:
                    _LOG.warning("witnesses wait", extra={"fields": {"code": error.code}})
                    await asyncio.sleep(IDLE_S)
        finally:
            await self._asker.close()

    async def _until_news(self) -> None:
        """Wait until the log is longer than what was witnessed, whoever saw to that."""
        while not self._listening.closed:
            size = self._listening.size
            self._witnessed = await asyncio.to_thread(self._read_witnessed)
            if size > self._witnessed:
                return
            await self._listening.beyond(size, timeout_s=IDLE_S)

    def _read_witnessed(self) -> int:
        with self._engine.store.reading() as record:
            found = record.witnessed()
        return 0 if found is None else found[0]

    async def _while_held(self) -> None:
        async with held(self._lease, self._peers):
            while self._lease.held and self._listening.size > self._witnessed:
                await self._round()
                await asyncio.sleep(ASK_EVERY_S)

    async def _round(self) -> None:
        """Ask each witness that is not being asked, about the newest checkpoint."""
        free = [one for one in self._peers if one.free]
        if not free:
            return
        head = await asyncio.to_thread(self._asker.head, self._log_of())
        self._notes[head.size] = head.note
        for peer in free:
            if not self._has_cosigned(peer, head.size):
                peer.task = asyncio.create_task(self._ask(peer, head))

    def _has_cosigned(self, peer: Cosigner, size: int) -> bool:
        return any(key in self._lines[size] for key in peer.keys)

    async def _ask(self, peer: Cosigner, head: Head) -> None:
        """Ask one witness, and do what its answer means."""
        outcome = await self._asker.ask(peer, head)
        if outcome.step is Step.DONE:
            peer.has(head.size)
            await self._take(head.size, outcome)
        else:
            peer.put_off(outcome, "witness does not cosign")

    async def _take(self, size: int, outcome: Outcome) -> None:
        """Keep cosignatures; with a quorum of them the checkpoint is witnessed."""
        lines = self._lines[size]
        lines |= {one.key: one.line for one in outcome.cosignatures}
        enough = self._policy.quorum == NO_QUORUM or self._policy.quorum in witnessed(
            self._policy, lines.keys()
        )
        if not enough or size < self._witnessed:
            return
        note = self._notes[size]
        await self._engine.act(
            _Keep(size, render_note(replace(note, signatures=(*note.signatures, *lines.values()))))
        )
        self._witnessed = size
        WITNESSED_ENTRIES.set(size)
        for known in [one for one in self._notes if one < size]:
            del self._notes[known]
            self._lines.pop(known, None)


class _Keep:
    """Keeps a witnessed checkpoint."""

    principal = THE_NODE
    touches = Touches()

    def __init__(self, size: int, note: bytes) -> None:
        self._size = size
        self._note = note

    def decide(self, _: Moment) -> Decision[None]:
        """Nothing that the record says."""
        return Decision(says=(), answer=lambda _: None, effects=self._put)

    def _put(self, record: Appender, _: list[Receipt]) -> None:
        record.put_witnessed(self._size, self._note)
