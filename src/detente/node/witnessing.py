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

import httpx
from msgspec import Struct
from msgspec.structs import replace

from detente.core.checkpoint import parse_checkpoint
from detente.core.note import NOTE_BYTES_MAX, Note, SignatureLine, parse_note, render_note
from detente.core.note_key import VerifierKey
from detente.core.policy import NO_QUORUM, Policy, witnessed
from detente.core.tiles import prove_consistency
from detente.core.witness import (
    Answer,
    Outcome,
    Request,
    Step,
    read_answer,
    render_request,
    request_for,
)
from detente.errors import DetenteError
from detente.node.engine import Decision, Engine
from detente.node.log import PublicLog
from detente.node.metrics import WITNESS_ALARMS, WITNESSED_ENTRIES
from detente.node.moment import Moment
from detente.node.submit import Receipt, Touches
from detente.node.telling.disclosures import THE_NODE
from detente.node.telling.lease import Lease
from detente.node.telling.listening import Listening
from detente.store import Appender

ASK_EVERY_S = 0.5
"""A busy log is witnessed twice a second: an entry waits no longer than that to be asked for."""

IDLE_S = 2.0

ATTEMPT_TIMEOUT_S = 10.0

PAUSE_FIRST_S = 1.0
PAUSE_MAX_S = 60.0
"""Pauses double from one to the other for a witness that is away."""

ASK_AGAIN_MAX = 3
"""Times that a witness may say in one go that it saw another size."""

LEASE = "witnesses"

_LOG = logging.getLogger("detente.witness")


class Head(Struct, frozen=True, kw_only=True):
    """A head of the record, signed by the log."""

    size: int
    note: Note


class _Peer:
    """A witness, as far as we know it: its address, its keys, and what it saw last."""

    def __init__(self, name: str, url: str, keys: list[VerifierKey]) -> None:
        self.name = name
        self.url = url
        self.keys = keys
        self.size = 0
        self.pause_s = 0.0
        self.not_before = 0.0
        self.task: asyncio.Task[None] | None = None


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
        self._client = httpx.AsyncClient(
            verify=tls or ssl.create_default_context(),
            trust_env=False,
            follow_redirects=False,
            timeout=ATTEMPT_TIMEOUT_S,
        )
        self._peers = _peers(policy)
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
            await self._client.aclose()

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
        keeping = asyncio.create_task(self._lease.keep())
        try:
            while self._lease.held and self._listening.size > self._witnessed:
                await self._round()
                await asyncio.sleep(ASK_EVERY_S)
        finally:
            tasks = [keeping, *(one.task for one in self._peers if one.task is not None)]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for peer in self._peers:
                peer.task = None
            await asyncio.shield(self._lease.give_back())

    async def _round(self) -> None:
        """Ask each witness that is not being asked, about the newest checkpoint."""
        now = asyncio.get_running_loop().time()
        free = [
            one
            for one in self._peers
            if (one.task is None or one.task.done()) and one.not_before <= now
        ]
        if not free:
            return
        head = await asyncio.to_thread(self._head)
        self._notes[head.size] = head.note
        for peer in free:
            if not self._has_cosigned(peer, head.size):
                peer.task = asyncio.create_task(self._ask(peer, head))

    def _has_cosigned(self, peer: _Peer, size: int) -> bool:
        return any(key in self._lines[size] for key in peer.keys)

    def _head(self) -> Head:
        with self._engine.store.reading() as record:
            note = parse_note(self._log_of().head(record))
        return Head(size=parse_checkpoint(note.text).size, note=note)

    async def _ask(self, peer: _Peer, head: Head) -> None:
        """Ask one witness, and do what its answer means."""
        outcome = await self._asked(peer, head)
        if outcome.step is Step.DONE:
            peer.size, peer.pause_s = head.size, 0.0
            await self._take(head.size, outcome)
            return
        # What a person must look at is asked again all the same: he may have looked.
        longest = PAUSE_MAX_S if outcome.step is Step.WAIT else 10 * PAUSE_MAX_S
        peer.pause_s = min(longest, max(PAUSE_FIRST_S, 2 * peer.pause_s))
        peer.not_before = asyncio.get_running_loop().time() + peer.pause_s
        _LOG.log(
            logging.ERROR if outcome.step is Step.ALARM else logging.WARNING,
            "witness does not cosign",
            extra={"fields": {"witness": peer.name, "reason": outcome.reason}},
        )
        if outcome.step is Step.ALARM:
            WITNESS_ALARMS.inc()

    async def _asked(self, peer: _Peer, head: Head) -> Outcome:
        outcome = Outcome(step=Step.WAIT, reason="no answer")
        for _ in range(ASK_AGAIN_MAX):
            old_size = min(peer.size, head.size)
            proof = await asyncio.to_thread(self._proof, old_size, head.size)
            request = request_for(head.note, old_size=old_size, proof=proof)
            outcome = await self._sent(peer, request)
            if outcome.step is not Step.RESUBMIT or outcome.size is None:
                return outcome
            peer.size = outcome.size
            if outcome.size > head.size:
                # Cosigned by what we said before: the next round is about more.
                return Outcome(step=Step.WAIT, reason=outcome.reason)
        return Outcome(step=Step.WAIT, reason=outcome.reason)

    async def _sent(self, peer: _Peer, request: Request) -> Outcome:
        try:
            async with asyncio.timeout(ATTEMPT_TIMEOUT_S):
                async with self._client.stream(
                    "POST", f"{peer.url}/add-checkpoint", content=render_request(request)
                ) as response:
                    body = b""
                    async for part in response.aiter_bytes():
                        body += part
                        if len(body) > NOTE_BYTES_MAX:
                            return Outcome(step=Step.WAIT, reason="an answer without end")
        except (TimeoutError, httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            return Outcome(step=Step.WAIT, reason=type(error).__name__)
        found = Answer(
            status=response.status_code,
            content_type=response.headers.get("content-type", ""),
            body=body,
        )
        return read_answer(found, request, keys=peer.keys, newest=self._listening.size)

    def _proof(self, old_size: int, size: int) -> list[bytes]:
        if old_size in {0, size}:
            return []
        with self._engine.store.reading() as record:
            return prove_consistency(record.tile, old_size, size)

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


def _peers(policy: Policy) -> list[_Peer]:
    """The witnesses that have an address; one that has several keys is asked once."""
    keys: defaultdict[str, list[VerifierKey]] = defaultdict(list)
    names: dict[str, str] = {}
    for one in policy.witnesses:
        if one.url:
            keys[one.url].append(one.key)
            names.setdefault(one.url, one.name)
    return [_Peer(names[url], url.rstrip("/"), found) for url, found in keys.items()]
