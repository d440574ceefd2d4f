"""A bearer token becomes a principal: who vouches for whom, for what, until when.

Checks, in the order in which a token that fails several is refused:

1. it is a compact JWS of bounded size, and demands nothing we do not understand;
2. it names an issuer that is configured;
3. a key of that issuer signed it, by that key's own algorithm;
4. it is for this node (``aud``);
5. it is valid now: ``exp`` ahead, but no further than the issuer may go, ``nbf`` and
   ``iat`` not ahead;
6. its subject is a party for which the issuer may speak: the one that the settings
   of the issuer or the record call so.

A token that passed is remembered by its SHA-256 until it expires or its issuer's
keys change, so that a request costs a look-up and not a signature check.

Source: RFC 7519; RFC 8725; RFC 9068; ASTM F3548-21 (``aud``, ``sub``, an hour).
"""

import math
import re
from collections import OrderedDict
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from hashlib import sha256

import msgspec
from msgspec import Struct

from detente.core.ledger import NODE
from detente.core.party import NAME_LENGTH_MAX, PartyId
from detente.core.principal import Method, Principal, known_scopes
from detente.errors import NotAuthentic
from detente.node.access.keys import (
    JoseHeader,
    KeySource,
    VerifyingKey,
    header_of,
    payload_of,
    verify,
)
from detente.node.access.settings import IssuerSettings

TOKEN_BYTES_MAX = 8_192
"""A header line that every proxy takes (nginx: 8 KiB); tokens of real issuers have
one to two."""

TOKENS_KEPT_MAX = 20_000
"""Verified tokens remembered per worker: a hundred parties with two hundred clients;
some 20 MB."""

_PARTY_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_DERIVED = re.compile(r".*-[0-9a-f]{16}")
_ID_HEAD_LENGTH = 46
"""With a hyphen and 16 digits, the 63 characters of an id."""


class Claims(Struct, frozen=True):
    """What a token says, once its signature is known to hold."""

    iss: str
    sub: str
    aud: str | list[str]
    exp: float
    nbf: float | None = None
    iat: float | None = None
    scope: str = ""
    client_id: str | None = None


class Vouched(Struct, frozen=True):
    """A principal, with what the doors need to know beside it.

    Attributes:
        principal: Who asks.
        expires_s: Until when, seconds since 1970.
        named: Whether its party is the one that the record calls by the token's
            subject; else the issuer's settings say which it is, or the node's own token.
        introduces: Whether its party may be admitted on first sight.
        client: The node's own client to which the token was given, if it is ours.
    """

    principal: Principal
    expires_s: float
    named: bool = False
    introduces: bool = False
    client: str | None = None


class Issuer:
    """One issuer: its settings and its keys.

    Args:
        settings: What it may say.
        source: Its keys.
        party_of: The party that the record calls by a subject.
        typ: What its tokens' ``typ`` must be; None does not ask.
        method: What its tokens prove: the node's own prove a client, and name the
            party by its id.
    """

    def __init__(
        self,
        settings: IssuerSettings,
        source: KeySource,
        *,
        party_of: Callable[[str], str | None],
        typ: str | None = None,
        method: Method = Method.TOKEN,
    ) -> None:
        self.settings = settings
        self.source = source
        self._party_of = party_of
        self._typ = typ
        self._method = method
        self._audiences = frozenset(settings.audiences)
        self._scopes = frozenset(settings.scopes)

    async def vouch(self, token: str, header: JoseHeader, now_s: float) -> Vouched:
        """Checks 3 to 6.

        Raises:
            NotAuthentic: One fails.
            Unavailable: The issuer's keys could not be had.
        """
        if self._typ is not None and (header.typ or "").lower() != self._typ:
            raise NotAuthentic("token", expected=f"type {self._typ}")
        keys = await self.source.current(now_s)
        try:
            payload = verify(token, header, keys)
        except NotAuthentic:
            # Its key may be one that the issuer made since we last asked.
            if not await self.source.refresh(now_s):
                raise
            payload = verify(token, header, self.source.keys)
        try:
            claims = _claims.decode(payload)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            raise NotAuthentic("token", expected="claims iss, sub, aud and exp") from None
        self._require_for_here(claims)
        self._require_now(claims, now_s)
        return self._vouched(claims)

    def _require_for_here(self, claims: Claims) -> None:
        if claims.iss != self.settings.issuer:
            raise NotAuthentic("token", expected="the issuer whose key signed it")
        named = [claims.aud] if isinstance(claims.aud, str) else claims.aud
        if self._audiences.isdisjoint(named):
            raise NotAuthentic("token", expected=f"audience {' or '.join(sorted(self._audiences))}")

    def _require_now(self, claims: Claims, now_s: float) -> None:
        leeway_s = self.settings.leeway_s
        ahead_s = self.settings.lifetime_max_s
        if not math.isfinite(claims.exp) or claims.exp <= now_s:
            raise NotAuthentic("token", expected="one that has not expired")
        if claims.exp > now_s + ahead_s + leeway_s:
            raise NotAuthentic("token", expected=f"exp at most {ahead_s} s ahead")
        for name, time_s in (("nbf", claims.nbf), ("iat", claims.iat)):
            if time_s is not None and not time_s <= now_s + leeway_s:
                raise NotAuthentic("token", expected=f"{name} that has come")

    def _vouched(self, claims: Claims) -> Vouched:
        settings = self.settings
        own = self._method is Method.CLIENT
        said = claims.sub if own else settings.subjects.get(claims.sub)
        party = said or self._party_of(claims.sub) or party_of_subject(claims.sub)
        if settings.parties and party not in settings.parties:
            raise NotAuthentic("token", expected="a party for which its issuer may speak")
        principal = Principal(
            party=party,
            method=self._method,
            subject=claims.sub,
            scopes=known_scopes(claims.scope.split(" ")) & self._scopes,
            issuer=settings.issuer,
            expires=datetime.fromtimestamp(claims.exp, UTC),
        )
        return Vouched(
            principal,
            claims.exp,
            named=said is None,
            introduces=settings.introduces,
            client=claims.client_id if own else None,
        )


class Issuers:
    """All issuers, and the tokens of theirs that were verified already.

    Used by one event loop; each worker has its own.
    """

    def __init__(self, issuers: Iterable[Issuer]) -> None:
        self._by_name = {one.settings.issuer: one for one in issuers}
        self._kept: OrderedDict[bytes, tuple[Vouched, Issuer, tuple[VerifyingKey, ...]]] = (
            OrderedDict()
        )

    def recall(self, token: bytes, now_s: float) -> Vouched | None:
        """Who a token is of, if it was verified before and still holds."""
        digest = sha256(token).digest()
        kept = self._kept.get(digest)
        if kept is None:
            return None
        vouched, issuer, keys = kept
        if now_s >= vouched.expires_s or issuer.source.keys is not keys:
            del self._kept[digest]
            return None
        self._kept.move_to_end(digest)
        return vouched

    async def vouch(self, token: bytes, now_s: float) -> Vouched:
        """Who a token is of.

        Args:
            token: As it came after ``Bearer``.
            now_s: Seconds since 1970.

        Raises:
            NotAuthentic: It fails one of the checks.
            Unavailable: Its issuer's keys could not be had.
        """
        if len(token) > TOKEN_BYTES_MAX or not token.isascii():
            raise NotAuthentic("token", expected=f"at most {TOKEN_BYTES_MAX} ASCII characters")
        found = self.recall(token, now_s)
        if found is not None:
            return found
        text = token.decode("ascii")
        header = header_of(text)
        issuer = self._by_name.get(_named_issuer(text))
        if issuer is None:
            raise NotAuthentic("token", expected="an issuer that is configured here")
        vouched = await issuer.vouch(text, header, now_s)
        self._kept[sha256(token).digest()] = (vouched, issuer, issuer.source.keys)
        if len(self._kept) > TOKENS_KEPT_MAX:
            self._kept.popitem(last=False)
        return vouched

    async def refresh(self, now_s: float) -> None:
        """Fetch all issuers' keys anew, so that a key withdrawn is soon refused."""
        for one in self._by_name.values():
            await one.source.refresh(now_s)


class _Named(Struct, frozen=True):
    iss: str


def _named_issuer(token: str) -> str:
    """The issuer that a token names: which keys to try, and nothing more.

    Raises:
        NotAuthentic: None, or no JWT.
    """
    try:
        return _named.decode(payload_of(token)).iss
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise NotAuthentic("token", expected="a signed JWT with an issuer") from None


def party_of_subject(subject: str) -> PartyId:
    """The id for a party that comes by this subject: the subject where it can be an id.

    Otherwise one made from it, with 16 digits of its SHA-256. A subject that looks
    like such an id is not taken as it stands either, so that no subject can be
    chosen to give another's party; nor can one give the node's own name.

    Raises:
        NotAuthentic: Empty, or longer than a name may be.
    """
    if not 0 < len(subject) <= NAME_LENGTH_MAX:
        raise NotAuthentic("subject", expected=f"1 to {NAME_LENGTH_MAX} characters")
    plain = _PARTY_ID.fullmatch(subject) and not _DERIVED.fullmatch(subject)
    if plain and subject != NODE:
        return subject
    head = re.sub(r"[^a-z0-9]+", "-", subject.lower())[:_ID_HEAD_LENGTH].strip("-") or "party"
    return f"{head}-{sha256(subject.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"


_claims = msgspec.json.Decoder(Claims)
_named = msgspec.json.Decoder(_Named)
