"""The gate: whatever proof a request brings, one principal comes out.

One per worker. What was proven a moment ago is recalled without waiting; all else
is asked of issuers, of the database, or of argon2 in a thread.
"""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import Protocol

import httpx

from detente.core.ledger import NODE
from detente.core.party import Party
from detente.core.principal import Method, Principal
from detente.errors import NotAuthentic, NotPermitted
from detente.node.access.accounts import Accounts, Sessions
from detente.node.access.issuers import Issuer, Issuers, Vouched
from detente.node.access.keys import (
    FETCH_TIMEOUT_S,
    KEYS_FRESH_S,
    FetchedKeys,
    HeldKeys,
    KeySource,
    keys_from_files,
)
from detente.node.access.limits import GuessLimits, PartyLimits
from detente.node.access.oidc import Provider
from detente.node.access.secret import Verifier
from detente.node.access.settings import AccessSettings, IssuerSettings
from detente.node.access.tokens import (
    TOKEN_LIFE_S,
    Granted,
    TokenIssuer,
    TokenKeys,
    TokenRefused,
    TokenRequest,
)
from detente.node.keyring import Keyring
from detente.store import AccessStore, Client

REVOKED_WITHIN_S = 5.0
"""A client that is revoked is refused by every worker within this, its tokens too."""

CERTIFICATES_KEPT_MAX = 1_000
"""Certificates remembered per worker for REVOKED_WITHIN_S."""

_log = logging.getLogger("detente.access")


class Parties(Protocol):
    """What the gate needs to know of the record."""

    def known(self, party: str) -> bool:
        """Whether a party is admitted."""

    def party_of(self, subject: str) -> str | None:
        """The id of the party that token issuers call so."""

    async def catch_up(self) -> None:
        """Learn whom other processes admitted."""

    async def introduce(self, party: Party) -> None:
        """Admit a party, without keys, as an entry of the node."""


class Gate:
    """Everything by which a request becomes a principal.

    Args:
        settings: What the operator configured.
        store: Clients, accounts, sessions.
        keyring: Where the key of the node's tokens is.
        parties: Who is admitted.
    """

    def __init__(
        self, settings: AccessSettings, store: AccessStore, keyring: Keyring, parties: Parties
    ) -> None:
        self.settings = settings
        self.web = httpx.AsyncClient(timeout=FETCH_TIMEOUT_S, follow_redirects=False)
        self.tokens = TokenIssuer(settings, TokenKeys(keyring))
        self.limits = PartyLimits(settings.requests_per_s, settings.bytes_per_s)
        self.sessions = Sessions(store)
        self.guesses = GuessLimits()
        self._verifier = Verifier()
        self.accounts = Accounts(store, self._verifier, self.guesses)
        self._store = store
        self._parties = parties
        self._issuers = Issuers(
            [self.tokens.issuer(), *(self._issuer(one) for one in settings.issuers)]
        )
        self.providers = {
            one.id: Provider(one, self.web, f"{settings.url}/v1/sign-in/{one.id}/callback")
            for one in settings.providers
        }
        self._revoked: frozenset[str] = frozenset()
        self._certificates: OrderedDict[bytes, tuple[Principal, float]] = OrderedDict()

    def _issuer(self, settings: IssuerSettings) -> Issuer:
        if settings.jwks_url is not None:
            source: KeySource = FetchedKeys(
                settings.jwks_url, self.web, algorithm=settings.algorithm
            )
        else:
            source = HeldKeys(keys_from_files(settings.key_files, algorithm=settings.algorithm))
        return Issuer(settings, source, party_of=self._parties.party_of)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Gate"]:
        """Follow revocations and issuers' keys while the block lasts."""
        await self.catch_up(time.time())
        following = asyncio.create_task(self._follow())
        try:
            yield self
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
            await self.web.aclose()

    async def catch_up(self, now_s: float) -> None:
        """Learn who was revoked since; a token lives no longer than that list goes back."""
        since_us = int((now_s - 2 * TOKEN_LIFE_S) * 1_000_000)
        self._revoked = await asyncio.to_thread(self._store.revoked_clients, since_us=since_us)

    async def _follow(self) -> None:
        keys_s = time.time()
        while True:
            await asyncio.sleep(REVOKED_WITHIN_S)
            now_s = time.time()
            try:
                await self.catch_up(now_s)
                if now_s - keys_s >= KEYS_FRESH_S:
                    keys_s = now_s
                    await self._issuers.refresh(now_s)
            except Exception:  # noqa: BLE001 - see below
                # Whatever it was, those revoked next must still be learnt of.
                _log.exception("access could not catch up")

    def recall_token(self, token: bytes, now_s: float) -> Principal | None:
        """Who a bearer token is of, if it was verified before and still holds."""
        found = self._issuers.recall(token, now_s)
        if found is None or found.client in self._revoked:
            return None
        return found.principal if self._holds(found) else None

    async def by_token(self, token: bytes, now_s: float) -> Principal:
        """Who a bearer token is of.

        Raises:
            NotAuthentic: It does not hold, or its client is revoked.
            NotPermitted: Its party is not admitted.
            Unavailable: Its issuer's keys could not be had.
        """
        found = await self._issuers.vouch(token, now_s)
        if found.client in self._revoked:
            raise NotAuthentic("token", expected="a client that is not revoked")
        await self._require_admitted(found)
        return found.principal

    def recall_session(self, token: bytes, now_s: float) -> Principal | None:
        """Whose session it is, if that was asked a moment ago."""
        found = self.sessions.recall(token, now_s)
        return found if found is not None and self._holds(Vouched(found, now_s)) else None

    async def by_session(self, token: bytes, now_s: float) -> Principal:
        """Whose session it is.

        Raises:
            NotAuthentic: Nobody's, or over.
            NotPermitted: Its party is not admitted.
        """
        principal = await self.sessions.principal(token, now_s)
        await self._require_admitted(Vouched(principal, now_s))
        return principal

    async def by_certificate(self, certificate: bytes, now_s: float) -> Principal:
        """Who connected with a TLS client certificate (DER) that the server verified.

        Raises:
            NotAuthentic: No client of ours.
            NotPermitted: Its party is not admitted.
        """
        digest = sha256(certificate).digest()
        kept = self._certificates.get(digest)
        if kept is not None and now_s < kept[1]:
            return kept[0]
        client = await asyncio.to_thread(self._store.client_with, digest)
        if client is None or client.revoked:
            self._certificates.pop(digest, None)
            raise NotAuthentic("certificate", expected="one that a client here has")
        principal = Principal(
            party=client.party, method=Method.CLIENT, subject=client.id, scopes=client.scopes
        )
        await self._require_admitted(Vouched(principal, now_s))
        self._certificates[digest] = (principal, now_s + REVOKED_WITHIN_S)
        if len(self._certificates) > CERTIFICATES_KEPT_MAX:
            self._certificates.popitem(last=False)
        return principal

    async def by_secret(
        self, client_id: str, secret: str, *, address: str, now_s: float
    ) -> Principal:
        """Who a client with its secret is, where a door's clients know no tokens (RFC 7617).

        Raises:
            NotAuthentic: Another secret, or no such client.
            NotPermitted: Its party is not admitted.
            RateLimited: As for ``grant``.
        """
        client = await self._client(client_id, secret, address=address, now_s=now_s)
        if client is None:
            raise NotAuthentic("client", expected="a client and its secret")
        principal = Principal(
            party=client.party, method=Method.CLIENT, subject=client.id, scopes=client.scopes
        )
        await self._require_admitted(Vouched(principal, now_s))
        return principal

    async def grant(self, asked: TokenRequest, *, address: str, now_s: float) -> Granted:
        """A token for a client with the right secret.

        Raises:
            TokenRefused: Another secret, no such client, or scopes that it may not have.
            RateLimited: Too many tries with this client's name, or from this address.
        """
        client = await self._client(asked.client_id, asked.secret, address=address, now_s=now_s)
        if client is None:
            raise TokenRefused("invalid_client", "client", expected="a client and its secret")
        return self.tokens.grant(client, asked.scopes, now_s=now_s)

    async def _client(
        self, client_id: str, secret: str, *, address: str, now_s: float
    ) -> Client | None:
        """The client that has this secret; None where there is none, or it is revoked."""
        client = await asyncio.to_thread(self._store.client, client_id)
        kept = None if client is None else client.secret_hash
        if not self._verifier.recalls(kept, secret, now_s=now_s):
            taken = self.guesses.take(client_id, address, now_s=now_s)
            if not await self._verifier.verify(kept, secret, now_s=now_s):
                return None
            self.guesses.succeeded(client_id, address, taken)
        return None if client is None or client.revoked else client

    def _holds(self, found: Vouched) -> bool:
        """Whether the party is admitted, and the record still calls it by this subject."""
        principal = found.principal
        if found.named:
            return self._parties.party_of(principal.subject) == principal.party
        return principal.party == NODE or self._parties.known(principal.party)

    async def _require_admitted(self, found: Vouched) -> None:
        if self._holds(found):
            return
        # Another process may have admitted it a moment ago.
        await self._parties.catch_up()
        if self._holds(found):
            return
        party, subject = found.principal.party, found.principal.subject
        if not found.introduces or self._parties.known(party):
            raise NotPermitted(f"party {subject}", expected="one that was admitted")
        await self._parties.introduce(
            Party(id=party, name=subject, subject=None if subject == party else subject)
        )
