"""Having the log mirrored: its entries go to the mirrors of a policy, which keep and cosign them.

A mirror is told the newest checkpoint; then it is sent what it lacks, a few megabytes at a
time. One process at a time does so.

Source: C2SP tlog-mirror; docs/adr/0021.
"""

import asyncio
import gzip
import logging
import ssl
from collections.abc import Callable

from detente.core.mirror import (
    PACKAGES_MAX,
    Package,
    Status,
    Upload,
    read_info,
    render_upload,
    spans,
)
from detente.core.policy import Policy
from detente.core.tiles import TILE_WIDTH, prove_subtree
from detente.core.witness import Outcome, Step
from detente.errors import DetenteError
from detente.node.cosigners import ASK_AGAIN_MAX, Asker, Cosigner, Head, cosigners, held
from detente.node.engine import Engine
from detente.node.log import PublicLog
from detente.node.metrics import MIRRORED_ENTRIES
from detente.node.telling.lease import Lease
from detente.node.telling.listening import Listening

ASK_EVERY_S = 0.5
IDLE_S = 2.0

UPLOAD_BYTES_MAX = 4_000_000
"""Of entries in one upload, unless one bundle alone has more: less than any mirror refuses."""

UPLOAD_TIMEOUT_S = 60.0
"""For one upload: as long as an audit waits for one file."""

LEASE = "mirrors"

_LOG = logging.getLogger("detente.witness")


class Mirroring:
    """Sends the log to its mirrors. One event loop's.

    Args:
        engine: At work.
        listening: To it.
        log_of: Gives the theatre's log.
        policy: Whose ``witness`` lines say which mirrors, and where.
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
        self._store = engine.store
        self._listening = listening
        self._log_of = log_of
        self._lease = Lease(engine, LEASE)
        self._asker = Asker(engine.store, lambda: listening.size, tls)
        self._peers = cosigners(policy)
        self._next: dict[str, int] = {}

    async def run(self) -> None:
        """Have what is new mirrored, until cancelled."""
        try:
            while self._peers and not self._listening.closed:
                try:
                    if await self._listening.beyond(self._least, timeout_s=IDLE_S) > self._least:
                        await self._lease.take()
                        await self._while_held()
                except DetenteError as error:
                    _LOG.warning("mirrors wait", extra={"fields": {"code": error.code}})
                    await asyncio.sleep(IDLE_S)
        finally:
            await self._asker.close()

    @property
    def _least(self) -> int:
        return min(self._mirrored(one) for one in self._peers)

    def _mirrored(self, peer: Cosigner) -> int:
        return self._next.get(peer.url, 0)

    async def _while_held(self) -> None:
        async with held(self._lease, self._peers):
            while self._lease.held and self._listening.size > self._least:
                free = [
                    one
                    for one in self._peers
                    if one.free and self._mirrored(one) < self._listening.size
                ]
                if free:
                    head = await asyncio.to_thread(self._asker.head, self._log_of())
                    for peer in free:
                        peer.task = asyncio.create_task(self._send(peer, head))
                await asyncio.sleep(ASK_EVERY_S)

    async def _send(self, peer: Cosigner, head: Head) -> None:
        """Bring one mirror up to a checkpoint."""
        outcome = await self._asker.ask(peer, head, cosigns=False)
        if outcome.step is Step.DONE:
            peer.has(head.size)
            outcome = await self._uploaded(peer, head)
        if outcome.step is not Step.DONE:
            peer.put_off(outcome, "mirror does not follow")
            return
        self._next[peer.url] = head.size
        MIRRORED_ENTRIES.set(self._least)

    async def _uploaded(self, peer: Cosigner, head: Head) -> Outcome:
        """Send a mirror what it lacks, until it cosigns."""
        # Where we do not know, an upload of nothing has it say how far it is.
        start, end, ticket = self._next.get(peer.url, 0), head.size, b""
        if peer.url not in self._next:
            end = 0
        conflicts = 0
        while conflicts < ASK_AGAIN_MAX:
            try:
                body = await asyncio.to_thread(self._upload, start, end, ticket)
                answer = await self._asker.post(
                    f"{peer.url}/add-entries",
                    gzip.compress(body, compresslevel=1),
                    headers={
                        "content-type": "application/octet-stream",
                        "content-encoding": "gzip",
                    },
                    seconds=UPLOAD_TIMEOUT_S,
                )
                if answer.status not in {Status.MORE, Status.CONFLICT}:
                    return self._asker.read(answer, head, peer, old_size=0)
                info = read_info(answer)
            except DetenteError as error:
                return Outcome(step=Step.WAIT, reason=str(error))
            if info.size != head.size:
                return Outcome(step=Step.WAIT, reason=f"the mirror is to reach {info.size}")
            if answer.status == Status.CONFLICT or info.next <= start:
                conflicts += 1
            start, end, ticket = min(info.next, head.size), head.size, info.ticket
        return Outcome(step=Step.ASK, reason="the mirror does not go on")

    def _upload(self, start: int, end: int, ticket: bytes) -> bytes:
        """As much as one upload takes; blocks."""
        origin = self._log_of().key.name
        packages: list[Package] = []
        size = 0
        with self._store.reading() as record:
            for first, stop in spans(start, end):
                entries = record.envelopes(first, stop)
                size += sum(map(len, entries))
                if packages and (size > UPLOAD_BYTES_MAX or len(packages) == PACKAGES_MAX):
                    break
                proof = prove_subtree(record.tile, first - first % TILE_WIDTH, stop, end)
                packages.append(Package(start=first, entries=tuple(entries), proof=tuple(proof)))
        return render_upload(Upload(origin=origin, start=start, end=end, ticket=ticket), packages)
