"""Passwords and client secrets: argon2id, off the event loop and few at a time.

A wrong name takes as long as a wrong password: where there is no hash, a hash of
nothing is verified.

Source: RFC 9106 section 4, second recommended option; OWASP password storage.
"""

import asyncio
import secrets
from base64 import b64encode
from collections import OrderedDict
from hashlib import blake2b

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import ARGON2_VERSION

from detente.errors import MalformedInput

PASSWORD_LENGTH_MIN = 12
"""Characters. NIST SP 800-63B asks for eight at least and for no rules of composition;
nobody but the throttle stands between a guesser and a desk, hence four more."""

PASSWORD_LENGTH_MAX = 1_000
"""Longer than any passphrase; argon2 would take any length, and time for it."""

SECRET_BYTES = 32
"""Of randomness in a client's secret and in a session's token."""

HASHING_AT_ONCE = 2
"""Verifications at a time and worker: each takes 64 MiB and some 50 ms of all cores."""

REMEMBERED_S = 300.0
"""How long a verified secret is remembered. Revocation asks the database each time, so
that this only spares the hashing."""

REMEMBERED_MAX = 10_000
"""Verified secrets per worker; 32 bytes each."""

_hasher = PasswordHasher()


def _of_nobody() -> str:
    """A hash of no password that anyone could find: verifying takes as long as any other."""
    salt, digest = (
        b64encode(secrets.token_bytes(size)).decode().rstrip("=")
        for size in (_hasher.salt_len, _hasher.hash_len)
    )
    costs = f"m={_hasher.memory_cost},t={_hasher.time_cost},p={_hasher.parallelism}"
    return f"$argon2id$v={ARGON2_VERSION}${costs}${salt}${digest}"


_NOBODY = _of_nobody()


def new_secret() -> str:
    """A secret that nobody can guess: 43 characters that any header or shell takes."""
    return secrets.token_urlsafe(SECRET_BYTES)


def hash_password(password: str) -> str:
    """What is kept of a password.

    Raises:
        MalformedInput: Too short or too long.
    """
    if not PASSWORD_LENGTH_MIN <= len(password) <= PASSWORD_LENGTH_MAX:
        raise MalformedInput(
            "password",
            expected=f"{PASSWORD_LENGTH_MIN} to {PASSWORD_LENGTH_MAX} characters",
            got=f"{len(password)}",
        )
    return _hasher.hash(password.encode("utf-8", "surrogatepass"))


def matches(kept: str | None, password: str) -> bool:
    """Whether this is the password of which that is kept; it blocks for some 50 ms.

    Args:
        kept: An argon2 hash; None, where there is nobody, takes as long and is False.
        password: What was given.
    """
    given = password[:PASSWORD_LENGTH_MAX].encode("utf-8", "surrogatepass")
    try:
        _hasher.verify(kept or _NOBODY, given)
    except (VerificationError, InvalidHashError):
        return False
    return kept is not None and len(password) <= PASSWORD_LENGTH_MAX


class Verifier:
    """Verifies secrets in threads, and remembers for a while which it verified.

    One event loop's. What is remembered is a keyed hash: a copy of the memory without
    the key says nothing, and the key is never written.
    """

    def __init__(self) -> None:
        self._turn = asyncio.Semaphore(HASHING_AT_ONCE)
        self._key = secrets.token_bytes(32)
        self._verified: OrderedDict[bytes, float] = OrderedDict()

    def recalls(self, kept: str | None, given: str, *, now_s: float) -> bool:
        """Whether this very pair was verified a short time ago."""
        until_s = self._verified.get(self._pair(kept or "", given))
        return until_s is not None and now_s < until_s

    async def verify(self, kept: str | None, given: str, *, now_s: float) -> bool:
        """Whether this is the secret of which that is kept."""
        async with self._turn:
            if not await asyncio.to_thread(matches, kept, given):
                return False
        pair = self._pair(kept or "", given)
        self._verified[pair] = now_s + REMEMBERED_S
        self._verified.move_to_end(pair)
        if len(self._verified) > REMEMBERED_MAX:
            self._verified.popitem(last=False)
        return True

    def _pair(self, kept: str, given: str) -> bytes:
        data = f"{len(kept)}:{kept}{given}".encode("utf-8", "surrogatepass")
        return blake2b(data, key=self._key, digest_size=32).digest()
