"""Whom a log asks to cosign its checkpoints: witnesses and mirrors, each by itself.

One that is away keeps no other waiting, and is asked again ever later. Of several processes
one asks at a time (detente.node.telling.lease).

Source: C2SP tlog-witness, "add-checkpoint"; docs/adr/0018, 0021.
"""

import asyncio
import logging
import ssl
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager

import httpx
from msgspec import Struct

from detente.core.checkpoint import parse_checkpoint
from detente.core.note import NOTE_BYTES_MAX, Note, parse_note
from detente.core.note_key import VerifierKey
from detente.core.policy import Policy
from detente.core.tiles import prove_consistency
from detente.core.witness import (
    Answer,
    Outcome,
    Status,
    Step,
    read_answer,
    render_request,
    request_for,
)
from detente.errors import Unavailable
from detente.node.log import PublicLog
from detente.node.metrics import WITNESS_ALARMS
from detente.node.telling.lease import Lease
from detente.store import Store

ATTEMPT_TIMEOUT_S = 10.0

PAUSE_FIRST_S = 1.0
PAUSE_MAX_S = 60.0
"""Pauses double from one to the other for one that is away."""

ASK_AGAIN_MAX = 3
"""Times that one may say in one go that it saw another size."""

_LOG = logging.getLogger("detente.witness")


class Head(Struct, frozen=True, kw_only=True):
    """A head of the record, signed by the log."""

    size: int
    note: Note


class Cosigner:
    """A witness or mirror, as far as we know it.

    Attributes:
        name: In the policy.
        url: Its address.
        keys: Its own.
        mirrors: Whether it cosigns only what it holds a copy of.
        size: What it saw last, as it says.
        about: The size of the checkpoint that it is, or was last, asked about.
        cosigned: The size of the one that it cosigned last; 0 if we do not know.
    """

    def __init__(self, name: str, url: str, keys: list[VerifierKey], *, mirrors: bool) -> None:
        self.name = name
        self.url = url
        self.keys = keys
        self.mirrors = mirrors
        self.size = 0
        self.about = 0
        self.cosigned = 0
        self.pause_s = 0.0
        self.not_before = 0.0
        self.task: asyncio.Task[None] | None = None

    @property
    def busy(self) -> bool:
        """Whether it is being asked."""
        return self.task is not None and not self.task.done()

    @property
    def free(self) -> bool:
        """Whether it is not being asked, and may be asked now."""
        return not self.busy and self.not_before <= asyncio.get_running_loop().time()

    def has(self, size: int) -> None:
        """It cosigned a checkpoint of this size."""
        self.size = self.cosigned = size
        self.pause_s = 0.0

    def put_off(self, outcome: Outcome) -> None:
        """It did not: ask again later, and tell people."""
        # What a person must look at is asked again all the same: he may have looked.
        longest = PAUSE_MAX_S if outcome.step is Step.WAIT else 10 * PAUSE_MAX_S
        self.pause_s = min(longest, max(PAUSE_FIRST_S, 2 * self.pause_s))
        self.not_before = asyncio.get_running_loop().time() + self.pause_s
        _LOG.log(
            logging.ERROR if outcome.step is Step.ALARM else logging.WARNING,
            "mirror does not follow" if self.mirrors else "witness does not cosign",
            extra={"fields": {"witness": self.name, "reason": outcome.reason}},
        )
        if outcome.step is Step.ALARM:
            WITNESS_ALARMS.inc()


def cosigners(policy: Policy | None, *, mirrors: bool) -> list[Cosigner]:
    """Those of a policy that have an address; one that has several keys is asked once."""
    keys: defaultdict[str, list[VerifierKey]] = defaultdict(list)
    names: dict[str, str] = {}
    for one in () if policy is None else policy.witnesses:
        if one.url:
            url = one.url.rstrip("/")
            keys[url].append(one.key)
            names.setdefault(url, one.name)
    return [Cosigner(names[url], url, found, mirrors=mirrors) for url, found in keys.items()]


@asynccontextmanager
async def held(lease: Lease, peers: Iterable[Cosigner]) -> AsyncIterator[None]:
    """Keep a lease that was taken; at the end nobody is asked any more, and it is given back."""
    keeping = asyncio.create_task(lease.keep())
    try:
        yield
    finally:
        tasks = [keeping, *(one.task for one in peers if one.task is not None)]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for one in peers:
            one.task = None
        await asyncio.shield(lease.give_back())


class Asker:
    """Asks them over HTTP. One event loop's.

    Args:
        store: Where the record is.
        newest: Gives how many entries it has now.
        tls: Whose certificates are believed; None is whom this machine believes.
    """

    def __init__(
        self, store: Store, newest: Callable[[], int], tls: ssl.SSLContext | None = None
    ) -> None:
        self._store = store
        self._newest = newest
        self._client = httpx.AsyncClient(
            verify=tls or ssl.create_default_context(),
            trust_env=False,
            follow_redirects=False,
            timeout=ATTEMPT_TIMEOUT_S,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    def head(self, log: PublicLog) -> Head:
        """The head of the record; blocks."""
        with self._store.reading() as record:
            note = parse_note(log.head(record))
        return Head(size=parse_checkpoint(note.text).size, note=note)

    async def ask(self, peer: Cosigner, head: Head, *, cosigns: bool = True) -> Outcome:
        """Have a checkpoint cosigned; by a mirror, which does not cosign yet, only taken."""
        outcome = Outcome(step=Step.WAIT, reason="no answer")
        for _ in range(ASK_AGAIN_MAX):
            old_size = min(peer.size, head.size)
            proof = await asyncio.to_thread(self._proof, old_size, head.size)
            request = request_for(head.note, old_size=old_size, proof=proof)
            try:
                found = await self.post(f"{peer.url}/add-checkpoint", render_request(request))
            except Unavailable as error:
                return Outcome(step=Step.WAIT, reason=error.what)
            if found.status == Status.COSIGNED and not cosigns:
                return Outcome(step=Step.DONE, reason="taken")
            outcome = self.read(found, head, peer, old_size=old_size)
            if outcome.step is not Step.RESUBMIT or outcome.size is None:
                return outcome
            peer.size = outcome.size
            if outcome.size > head.size:
                # Cosigned by what we said before: the next round is about more.
                return Outcome(step=Step.WAIT, reason=outcome.reason)
        return Outcome(step=Step.WAIT, reason=outcome.reason)

    def read(self, found: Answer, head: Head, peer: Cosigner, *, old_size: int) -> Outcome:
        """What an answer about a checkpoint means."""
        sent = request_for(head.note, old_size=old_size, proof=())
        return read_answer(found, sent, keys=peer.keys, newest=self._newest())

    async def post(
        self,
        url: str,
        body: bytes,
        *,
        headers: Mapping[str, str] | None = None,
        seconds: float = ATTEMPT_TIMEOUT_S,
    ) -> Answer:
        """Send something, and have the answer, which is short.

        Raises:
            Unavailable: There is none, or one without end.
        """
        try:
            async with (
                asyncio.timeout(seconds),
                self._client.stream("POST", url, content=body, headers=headers) as response,
            ):
                data = b""
                async for part in response.aiter_bytes():
                    data += part
                    if len(data) > NOTE_BYTES_MAX:
                        raise Unavailable("an answer without end")
        except (TimeoutError, httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise Unavailable(type(error).__name__) from error
        return Answer(
            status=response.status_code,
            content_type=response.headers.get("content-type", ""),
            body=data,
        )

    def _proof(self, old_size: int, size: int) -> list[bytes]:
        if old_size in {0, size}:
            return []
        with self._store.reading() as record:
            return prove_consistency(record.tile, old_size, size)
