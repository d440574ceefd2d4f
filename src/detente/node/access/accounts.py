"""People: accounts with a password, and the sessions of whoever signed in.

A session is a random token of which the database holds the hash. It ends when its
holder signs out, when its account is disabled or gets another password, and after a
watch's length at the latest.

Source: NIST SP 800-63B sections 5.1.1 and 7.1; OWASP session management.
"""

import asyncio
import secrets
from collections import OrderedDict
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from msgspec import Struct

from detente.core.principal import Method, Principal, Role, scopes_of
from detente.core.volume import microseconds
from detente.errors import NotAuthentic
from detente.node.access.limits import GuessLimits
from detente.node.access.secret import SECRET_BYTES, Verifier
from detente.store import AccessStore, Session

SESSION_LIFE_S = 12 * 3_600
"""The longest watch: after it the next one signs in for itself."""

SESSION_BELIEVED_S = 5.0
"""How long a worker believes what the database said of a session: it may be ended by
another worker, and is then refused everywhere within this."""

SESSIONS_KEPT_MAX = 10_000
"""Sessions remembered per worker."""

TOKEN_LENGTH_MAX = 100
"""A session's token has 43 characters; a longer one is nobody's."""


class Identity(Struct, frozen=True, kw_only=True):
    """Who somebody turned out to be, and by whom: None for an account of ours."""

    party: str
    roles: frozenset[Role]
    subject: str
    issuer: str | None = None


class Accounts:
    """Accounts with a password.

    Args:
        store: Where they are.
        verifier: Verifies passwords.
        guesses: How often one may try.
    """

    def __init__(self, store: AccessStore, verifier: Verifier, guesses: GuessLimits) -> None:
        self._store = store
        self._verifier = verifier
        self._guesses = guesses

    async def identify(self, name: str, password: str, *, address: str, now_s: float) -> Identity:
        """Who has this name and this password.

        Raises:
            NotAuthentic: Nobody: a name that does not exist looks the same, and
                takes as long.
            RateLimited: Too many tries on this name, or from this address.
        """
        taken = self._guesses.take(name, address, now_s=now_s)
        account = await asyncio.to_thread(self._store.account, name)
        kept = None if account is None else account.password_hash
        right = await self._verifier.verify(kept, password, now_s=now_s)
        if account is None or not right or account.disabled:
            raise NotAuthentic("sign-in", expected="a name and its password")
        self._guesses.succeeded(name, address, taken)
        return Identity(party=account.party, roles=account.roles, subject=account.name)


class Sessions:
    """Who is signed in. One event loop's.

    Args:
        store: Where sessions are.
    """

    def __init__(self, store: AccessStore) -> None:
        self._store = store
        self._kept: OrderedDict[bytes, tuple[Principal, float]] = OrderedDict()

    async def open(self, who: Identity, *, now: datetime) -> str:
        """A new session.

        Returns:
            Its token, which nobody but its holder has from now on.
        """
        token = secrets.token_urlsafe(SECRET_BYTES)
        session = Session(
            digest=_digest(token.encode()),
            party=who.party,
            roles=who.roles,
            subject=who.subject,
            issuer=who.issuer,
            expires_us=microseconds(now + timedelta(seconds=SESSION_LIFE_S)),
        )
        await asyncio.to_thread(self._store.add_session, session, now=now)
        return token

    def recall(self, token: bytes, now_s: float) -> Principal | None:
        """Whose session it is, if the database said so a moment ago."""
        kept = self._kept.get(_digest(token))
        return kept[0] if kept is not None and now_s < kept[1] else None

    async def principal(self, token: bytes, now_s: float) -> Principal:
        """Whose session it is.

        Raises:
            NotAuthentic: Nobody's, or over.
        """
        found = self.recall(token, now_s)
        if found is not None:
            return found
        digest = _digest(token)
        self._kept.pop(digest, None)
        session = None
        if len(token) <= TOKEN_LENGTH_MAX:
            session = await asyncio.to_thread(self._store.session, digest)
        if session is None or now_s * 1_000_000 >= session.expires_us:
            raise NotAuthentic("session", expected="one that is open; sign in again")
        principal = Principal(
            party=session.party,
            method=Method.SESSION,
            subject=session.subject,
            roles=session.roles,
            scopes=scopes_of(session.roles),
            issuer=session.issuer,
            expires=datetime.fromtimestamp(session.expires_us / 1_000_000, UTC),
        )
        believed_s = min(now_s + SESSION_BELIEVED_S, session.expires_us / 1_000_000)
        self._kept[digest] = (principal, believed_s)
        if len(self._kept) > SESSIONS_KEPT_MAX:
            self._kept.popitem(last=False)
        return principal

    async def end(self, token: bytes) -> None:
        """End a session, or none."""
        digest = _digest(token)
        self._kept.pop(digest, None)
        await asyncio.to_thread(self._store.end_session, digest)


def _digest(token: bytes) -> bytes:
    return sha256(token).digest()
