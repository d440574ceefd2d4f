"""Having the log mirrored: its entries go to the mirrors of a policy, which keep and cosign them.

A mirror is told a checkpoint; then it is sent what it lacks, a few megabytes at a time. When it
holds all of it, it cosigns, as a witness does (detente.node.witnessing).

Source: C2SP tlog-mirror; docs/adr/0021.
"""

import asyncio
import gzip
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
from detente.core.tiles import TILE_WIDTH, prove_subtree
from detente.core.witness import Outcome, Step
from detente.errors import DetenteError
from detente.node.cosigners import ASK_AGAIN_MAX, Asker, Cosigner, Head
from detente.node.log import PublicLog
from detente.store import Store

UPLOAD_BYTES_MAX = 4_000_000
"""Of entries in one upload, unless one bundle alone has more: less than any mirror refuses."""

UPLOAD_TIMEOUT_S = 60.0
"""For one upload: as long as an audit waits for one file."""


class Mirroring:
    """Sends the log to its mirrors.

    Args:
        store: Where the record is.
        asker: Through whom.
        log_of: Gives the theatre's log.
    """

    def __init__(self, store: Store, asker: Asker, log_of: Callable[[], PublicLog]) -> None:
        self._store = store
        self._asker = asker
        self._log_of = log_of

    async def cosigned(self, peer: Cosigner, head: Head) -> Outcome:
        """Send a mirror what it lacks of a checkpoint, until it cosigns that."""
        taken = await self._asker.ask(peer, head, cosigns=False)
        if taken.step is not Step.DONE:
            return taken
        peer.size = head.size
        # Where we do not know, an upload of nothing has it say how far it is.
        start, end, ticket = peer.cosigned, head.size if peer.cosigned else 0, b""
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
