"""Devices that may call on the hotline while nobody is signed in at them.

A desk enrols the browser at which it is signed in; the browser then holds a secret that opens
the hotline and nothing else, for its party, until it is revoked: a session ends in the middle
of a night, and whoever is hit must not look for a password first. A device is a client with one
scope (detente.store.access), so it is listed and revoked as all clients are.

Whoever steals one can make a false call in its party's name, which everybody called sees to
come from a device, and which its party closes; it can read nothing and change nothing.

Source: docs/hotline.md; docs/adr/0031.
"""

import asyncio
import secrets
from collections import OrderedDict
from datetime import datetime

from detente.core.principal import Principal, Scope
from detente.errors import Conflict, NotAuthentic, RateLimited
from detente.node.access.gate import Gate
from detente.node.access.limits import Bucket, Pace
from detente.node.access.secret import hash_password, new_secret
from detente.store import AccessStore, Client

PREFIX = "device-"

DEVICES_MAX = 200
"""Devices of one party that are not revoked: its desks, with several screens each."""

CALLS = Pace(per_s=1 / 60, burst=5.0)
"""Calls of one device and worker: five at once, then one a minute. More is a device in wrong
hands, or broken."""

BUCKETS_MAX = 10_000

TOKEN_LENGTH_MAX = 200
"""Characters of what a device holds: its name and its secret have some 65."""


class Devices:
    """Devices, and how often each may call. One event loop's.

    Args:
        gate: What proofs are worth.
        store: Where clients are.
    """

    def __init__(self, gate: Gate, store: AccessStore) -> None:
        self._gate = gate
        self._store = store
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    async def enrol(self, principal: Principal, *, now: datetime) -> tuple[str, str]:
        """A device for the asker's party: its name, and what it is to hold.

        Raises:
            NotPermitted: The asker may not call himself.
            Conflict: The party has as many as it may.
        """
        principal.require(Scope.CALL)
        secret = new_secret()
        client = Client(
            id=f"{PREFIX}{secrets.token_hex(6)}",
            party=principal.party,
            scopes=frozenset({Scope.CALL}),
            secret_hash=await asyncio.to_thread(hash_password, secret),
        )
        await asyncio.to_thread(self._keep, client, now)
        return client.id, f"{client.id}.{secret}"

    async def identify(self, held: str, *, address: str, now_s: float) -> Principal:
        """Whose device holds this.

        Raises:
            NotAuthentic: Nobody's, or it was revoked.
            NotPermitted: Its party is not admitted.
            RateLimited: Too many tries.
        """
        name, _, secret = held[:TOKEN_LENGTH_MAX].partition(".")
        if not name.startswith(PREFIX):
            raise NotAuthentic("device", expected="one that its party enrolled")
        return await self._gate.by_secret(name, secret, address=address, now_s=now_s)

    def count(self, principal: Principal, *, now_s: float) -> None:
        """Count a call of a device.

        Raises:
            RateLimited: It calls too often.
        """
        bucket = self._buckets.setdefault(principal.subject, Bucket(CALLS, now_s))
        self._buckets.move_to_end(principal.subject)
        if len(self._buckets) > BUCKETS_MAX:
            self._buckets.popitem(last=False)
        wait_s = bucket.take(CALLS, 1, now_s)
        if wait_s:
            raise RateLimited(
                "calls of this device", expected="one a minute", retry_after_s=int(wait_s) + 1
            )

    async def revoke(self, principal: Principal, *, now: datetime) -> None:
        """Let a device call no more.

        Raises:
            NotFound: It was revoked meanwhile.
        """
        await asyncio.to_thread(self._store.revoke_client, principal.subject, now=now)

    def _keep(self, client: Client, now: datetime) -> None:
        held = sum(
            one.party == client.party and one.id.startswith(PREFIX) and not one.revoked
            for one in self._store.clients()
        )
        if held >= DEVICES_MAX:
            raise Conflict("device", expected=f"at most {DEVICES_MAX} of a party: revoke one")
        self._store.add_client(client, now=now)
