"""How often and how much a party may ask, and how often a stranger may guess.

Token buckets in memory, each worker its own: with n workers a party may do n
times as much, which the limits allow for. What a bucket refuses says when to
come back (``Retry-After``).

Source: docs/rules/R-11.md.
"""

import math
import secrets
from collections import OrderedDict
from hashlib import blake2b

from msgspec import Struct

from detente.errors import RateLimited

REQUESTS_PER_S = 4_000.0
"""Requests of one party a second: twice what one node is to answer in all, so that it
stops a client in a loop and never one at work."""

REQUESTS_BURST_S = 2.0
"""Seconds of it at once: what a client sends that reconnects."""

BYTES_PER_S = 20e6
"""Bytes of requests a second: an import of 60,000 notices of 300 bytes each."""

BYTES_BURST = 64e6
"""Bytes at once: several objects of the largest size (OBJECT_BYTES_MAX, 8 MiB)."""

GUESSES_PER_S = 1 / 10
"""Passwords or secrets that may be tried on one name: 8,640 a day. Of 2**40 equally
likely ones (a short passphrase), all of a year's tries find one in 348,000."""

GUESSES_BURST = 10.0
"""Tries before that pace begins: a person who is not sure which password it was."""

ADDRESS_GUESSES_PER_S = 1.0
"""Tries from one address, which may be a whole office behind one router."""

ADDRESS_GUESSES_BURST = 60.0

SLOTS = 65_536
"""Buckets for names that strangers choose: a fixed number, so that no flood of names
fills the memory or pushes a name's bucket out. Two that share one are throttled
together; which do is secret (a keyed hash)."""


class Pace(Struct, frozen=True):
    """How fast a bucket fills, a second, and how much it holds."""

    per_s: float
    burst: float


class Bucket:
    """A token bucket, full at first.

    Over any stretch of time, what it grants is at most its burst and what filled in.
    A clock that goes back fills nothing.
    """

    __slots__ = ("_at_s", "_level")

    def __init__(self, pace: Pace, now_s: float) -> None:
        self._level = pace.burst
        self._at_s = now_s

    def take(self, pace: Pace, amount: float, now_s: float) -> float:
        """Take some, or nothing.

        Args:
            pace: Always the same for one bucket.
            amount: More than the burst is taken once the bucket is full, and owed.
            now_s: Seconds, by any clock that only its owner uses.

        Returns:
            0 if it was taken, else in how many seconds it will be there.
        """
        if now_s > self._at_s:
            self._level = min(pace.burst, self._level + (now_s - self._at_s) * pace.per_s)
            self._at_s = now_s
        needed = min(amount, pace.burst)
        if self._level >= needed:
            self._level -= amount
            return 0.0
        return (needed - self._level) / pace.per_s

    def give(self, pace: Pace, amount: float) -> None:
        """Give back what was taken for nothing."""
        self._level = min(pace.burst, self._level + amount)


GUESSES = Pace(GUESSES_PER_S, GUESSES_BURST)
ADDRESS_GUESSES = Pace(ADDRESS_GUESSES_PER_S, ADDRESS_GUESSES_BURST)


class PartyLimits:
    """Requests and bytes of each party. Only admitted parties get a bucket.

    Args:
        requests_per_s: How often one may ask; 0 sets no limit.
        bytes_per_s: How much it may send; 0 sets no limit.
    """

    def __init__(
        self, requests_per_s: float = REQUESTS_PER_S, bytes_per_s: float = BYTES_PER_S
    ) -> None:
        requests_per_s = requests_per_s or math.inf
        bytes_per_s = bytes_per_s or math.inf
        self._requests = Pace(requests_per_s, max(1.0, requests_per_s * REQUESTS_BURST_S))
        self._data = Pace(bytes_per_s, max(BYTES_BURST, bytes_per_s))
        self._buckets: dict[str, tuple[Bucket, Bucket]] = {}

    def take(self, party: str, *, now_s: float, requests: int = 1, data: int = 0) -> None:
        """Count a request and its bytes.

        Raises:
            RateLimited: There were too many.
        """
        found = self._buckets.get(party)
        if found is None:
            found = (Bucket(self._requests, now_s), Bucket(self._data, now_s))
            self._buckets[party] = found
        wait_s = found[0].take(self._requests, requests, now_s)
        if wait_s:
            raise _limited(f"requests of {party}", f"{self._requests.per_s:g} a second", wait_s)
        wait_s = found[1].take(self._data, data, now_s) if data else 0.0
        if wait_s:
            raise _limited(f"bytes of {party}", f"{self._data.per_s:g} a second", wait_s)


Taken = tuple[tuple[str, int], tuple[str, int]]
"""The two buckets that a try was taken from: whose kind, and its place."""


class GuessLimits:
    """Tries of passwords and secrets, by name and by address, known or not.

    Somebody who guesses at a name must not keep its owner out: an address from which
    the owner came in before has a bucket of its own.
    """

    def __init__(self, name: Pace = GUESSES, address: Pace = ADDRESS_GUESSES) -> None:
        self._paces = {"name": name, "known": name, "address": address}
        self._key = secrets.token_bytes(16)
        self._buckets: dict[int, Bucket] = {}
        self._known: OrderedDict[int, None] = OrderedDict()

    def take(self, name: str, address: str, *, now_s: float) -> Taken:
        """Count a try; what it was taken from, for ``succeeded``.

        Raises:
            RateLimited: Too many on this name, or from this address.
        """
        slots = self._slots(name, address)
        for what, slot in slots:
            pace = self._paces[what]
            bucket = self._buckets.setdefault(slot, Bucket(pace, now_s))
            wait_s = bucket.take(pace, 1, now_s)
            if wait_s:
                thing = "address" if what == "address" else "name"
                raise _limited(f"tries on this {thing}", f"{pace.per_s:g} a second", wait_s)
        return slots

    def succeeded(self, name: str, address: str, taken: Taken) -> None:
        """It was no guess: give the try back, and know the owner's address from now on.

        The address may have come to be known since the try was taken, by one at the same time.
        """
        for what, slot in taken:
            self._buckets[slot].give(self._paces[what], 1)
        pair = self._slot("known", f"{address} {name}")
        self._known[pair] = None
        self._known.move_to_end(pair)
        if len(self._known) > SLOTS // 4:
            self._known.popitem(last=False)

    def _slots(self, name: str, address: str) -> Taken:
        pair = self._slot("known", f"{address} {name}")
        second = ("known", pair) if pair in self._known else ("name", self._slot("name", name))
        return ("address", self._slot("address", address)), second

    def _slot(self, what: str, value: str) -> int:
        data = value.encode("utf-8", "surrogatepass")
        digest = blake2b(data, key=self._key, digest_size=8, person=what.encode()).digest()
        return int.from_bytes(digest) % SLOTS + SLOTS * list(self._paces).index(what)


def _limited(what: str, expected: str, wait_s: float) -> RateLimited:
    return RateLimited(
        what, expected=f"at most {expected}", retry_after_s=max(1, math.ceil(wait_s))
    )
