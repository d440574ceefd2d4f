"""Having the log cosigned: checkpoints go to witnesses and mirrors, cosignatures come back.

One process at a time (detente.node.telling.lease). Each is asked by itself, so that one that
is away keeps no other waiting; a checkpoint is kept as soon as a quorum cosigned it, and again
when more did. A mirror cosigns later than a witness, for it must have the entries first: a
newer checkpoint is not asked about while the quorum of the last one is still to come from
whoever is being asked, or those of whom all are wanted might cosign different ones for ever.

Source: C2SP tlog-witness, tlog-mirror, tlog-policy; DESIGN section 7; docs/adr/0018, 0021.
"""

import asyncio
import logging
import ssl
from collections.abc import Callable

from msgspec import Struct, field
from msgspec.structs import replace

from detente.core.note import SignatureLine, parse_note, render_note, verify_signatures
from detente.core.note_key import VerifierKey
from detente.core.policy import NO_QUORUM, Policy, witnessed
from detente.core.witness import Outcome, Step
from detente.errors import DetenteError
from detente.node.cosigners import Asker, Cosigner, Head, cosigners, held
from detente.node.engine import Decision, Engine
from detente.node.log import PublicLog
from detente.node.metrics import MIRRORED_ENTRIES, WITNESSED_ENTRIES
from detente.node.mirroring import Mirroring
from detente.node.moment import Moment
from detente.node.submit import Receipt, Touches
from detente.node.telling.disclosures import THE_NODE
from detente.node.telling.lease import Lease
from detente.node.telling.listening import Listening
from detente.node.witnesses import Witnesses
from detente.store import Appender

ASK_EVERY_S = 0.5
"""A busy log is witnessed twice a second: an entry waits no longer than that to be asked for."""

IDLE_S = 2.0

LEASE = "witnesses"

_LOG = logging.getLogger("detente.witness")


class _Sought(Struct, kw_only=True):
    """A checkpoint that is being cosigned, and who has."""

    head: Head
    lines: dict[VerifierKey, SignatureLine] = field(default_factory=dict)


class Witnessing:
    """Asks the witnesses and mirrors. One event loop's.

    Args:
        engine: At work.
        listening: To it.
        log_of: Gives the theatre's log.
        asked: Which witnesses and mirrors, where, and whose cosignatures are enough. An
            address that is in both policies is asked as a mirror.
        tls: Whose certificates are believed; None is whom this machine believes.
    """

    def __init__(
        self,
        engine: Engine,
        listening: Listening,
        log_of: Callable[[], PublicLog],
        asked: Witnesses,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._engine = engine
        self._listening = listening
        self._log_of = log_of
        self._policy = asked.counted or Policy(logs=())
        self._lease = Lease(engine, LEASE)
        self._asker = Asker(engine.store, lambda: listening.size, tls)
        self._mirroring = Mirroring(engine.store, self._asker, log_of)
        self._mirrors = cosigners(asked.mirrors, mirrors=True)
        apart = {one.url for one in self._mirrors}
        found = cosigners(asked.policy, mirrors=False)
        self._peers = [*self._mirrors, *(one for one in found if one.url not in apart)]
        self._sought: _Sought | None = None
        self._witnessed = 0

    async def run(self) -> None:
        """Have what is new cosigned, until cancelled."""
        try:
            while self._peers and not self._listening.closed:
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
        """Wait until the log is longer than what was cosigned, whoever saw to that."""
        while not self._listening.closed:
            size = self._listening.size
            self._witnessed = await asyncio.to_thread(self._read_witnessed)
            if size > min(self._witnessed, self._mirrored):
                return
            await self._listening.beyond(size, timeout_s=IDLE_S)

    def _read_witnessed(self) -> int:
        with self._engine.store.reading() as record:
            found = record.witnessed()
        return 0 if found is None else found[0]

    @property
    def _mirrored(self) -> int:
        """How much all mirrors hold, as far as this process knows."""
        return min((one.cosigned for one in self._mirrors), default=self._listening.size)

    @property
    def _behind(self) -> bool:
        return self._listening.size > min(self._witnessed, self._mirrored) or any(
            one.busy for one in self._peers
        )

    async def _while_held(self) -> None:
        async with held(self._lease, self._peers):
            while self._lease.held and self._behind:
                await self._round()
                await asyncio.sleep(ASK_EVERY_S)

    async def _round(self) -> None:
        """Ask each that is not being asked, about the newest checkpoint."""
        free = [one for one in self._peers if one.free]
        if not free:
            return
        sought = self._sought
        if sought is None or not self._pending(sought):
            sought = await asyncio.to_thread(self._seek, sought)
            self._sought = sought
        for peer in free:
            if peer.cosigned < sought.head.size:
                peer.about = sought.head.size
                peer.task = asyncio.create_task(self._ask(peer, sought))

    def _pending(self, sought: _Sought) -> bool:
        """Whether somebody who is being asked may still make the quorum."""
        asked = any(one.busy and one.about == sought.head.size for one in self._peers)
        return asked and not self._enough(sought)

    def _seek(self, last: _Sought | None) -> _Sought:
        """The newest checkpoint, and who cosigned it before this process came to ask; blocks."""
        head = self._asker.head(self._log_of())
        if last is not None and last.head.size == head.size:
            return last
        with self._engine.store.reading() as record:
            kept = record.first_witnessed(head.size - 1)
        sought = _Sought(head=head)
        if kept is None or kept[0] != head.size:
            return sought
        keys = {key for one in self._peers for key in one.keys}
        signatures = parse_note(kept[1]).signatures
        for one in verify_signatures(head.note.text, signatures, keys):
            sought.lines[one.key] = one.line
        for peer in self._peers:
            if not sought.lines.keys().isdisjoint(peer.keys):
                peer.has(head.size)
        return sought

    async def _ask(self, peer: Cosigner, sought: _Sought) -> None:
        """Ask one, and do what its answer means."""
        ask = self._mirroring.cosigned if peer.mirrors else self._asker.ask
        try:
            outcome = await ask(peer, sought.head)
            sought.lines |= {one.key: one.line for one in outcome.cosignatures}
            if outcome.step is Step.DONE and self._enough(sought):
                await self._keep(sought)
        except DetenteError as error:
            outcome = Outcome(step=Step.WAIT, reason=str(error))
        if outcome.step is not Step.DONE:
            peer.put_off(outcome)
            return
        peer.has(sought.head.size)
        MIRRORED_ENTRIES.set(self._mirrored if self._mirrors else 0)

    def _enough(self, sought: _Sought) -> bool:
        """Whether a quorum cosigned; any one, where the policy asks for none."""
        if self._policy.quorum == NO_QUORUM:
            return bool(sought.lines)
        return self._policy.quorum in witnessed(self._policy, sought.lines.keys())

    async def _keep(self, sought: _Sought) -> None:
        size, note = sought.head.size, sought.head.note
        signed = replace(note, signatures=(*note.signatures, *sought.lines.values()))
        await self._engine.act(_Keep(size, render_note(signed)))
        self._witnessed = max(size, self._witnessed)
        WITNESSED_ENTRIES.set(self._witnessed)


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
