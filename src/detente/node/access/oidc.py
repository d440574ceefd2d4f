"""Signing in with an OpenID Connect provider: authorization code with PKCE.

Checks of what comes back, in order:

1. the state is the one that this browser was given, and the issuer, where the
   provider names it, is the one that was asked;
2. the provider gives an ID token for the code, to whoever has the verifier;
3. one of its keys signed that, by the key's own algorithm;
4. it is the provider's, for us, not expired, and bears the nonce of this sign-in;
5. its claims, or the provider's answer about this person, grant one party here.

Source: OpenID Connect Core 1.0 section 3.1.3.7; RFC 7636 (PKCE); RFC 9207; RFC 9700.
"""

import secrets
from collections.abc import Iterable, Mapping
from hashlib import sha256
from http import HTTPStatus
from typing import Any, TypeVar

import httpx
import msgspec
from authlib.oauth2.client import OAuth2Client
from authlib.oauth2.rfc6749.parameters import prepare_token_request
from msgspec import Struct

from detente.core.principal import Role
from detente.errors import MalformedInput, NotAuthentic, NotPermitted, Unavailable
from detente.node.access.accounts import Identity
from detente.node.access.keys import FetchedKeys, ask, header_of, verify
from detente.node.access.settings import LEEWAY_S, Grant, ProviderSettings, require_secure_url

DISCOVERY_FRESH_S = 3_600.0
"""How long a provider's addresses are believed: they change with a migration, not daily."""

SIGN_IN_S = 600
"""From the first click to the way back: a password, a second factor, a phone looked for."""

SUBJECT_LENGTH_MAX = 255
"""OpenID Connect Core section 2."""

_RANDOM_BYTES = 32

T = TypeVar("T")


class Discovery(Struct, frozen=True):
    """What a provider publishes of itself; other members are not read."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    authorization_response_iss_parameter_supported: bool = False


class Begun(Struct, frozen=True, kw_only=True):
    """A sign-in that has begun: what its browser keeps until it comes back."""

    provider: str
    state: str
    nonce: str
    verifier: str
    until_s: float


class Returned(Struct, frozen=True, kw_only=True):
    """What the browser brought back from the provider."""

    code: str | None = None
    state: str | None = None
    iss: str | None = None
    error: str | None = None


class _Tokens(Struct, frozen=True):
    id_token: str
    access_token: str | None = None


class _IdClaims(Struct, frozen=True):
    iss: str
    sub: str
    aud: str | list[str]
    exp: float
    iat: float
    nonce: str
    azp: str | None = None


class Provider:
    """A provider through which people sign in.

    Args:
        settings: Which, and whom it lets in as what.
        web: Who asks it.
        callback: Where it sends browsers back to.
    """

    def __init__(self, settings: ProviderSettings, web: httpx.AsyncClient, callback: str) -> None:
        self.settings = settings
        self._web = web
        self._callback = callback
        self._found: Discovery | None = None
        self._keys: FetchedKeys | None = None
        self._found_s = float("-inf")

    async def begin(self, now_s: float) -> tuple[str, Begun]:
        """Begin a sign-in.

        Returns:
            Where to send the browser, and what it keeps.

        Raises:
            Unavailable: The provider cannot be asked.
        """
        found, _ = await self._discovered(now_s)
        begun = Begun(
            provider=self.settings.id,
            state=secrets.token_urlsafe(_RANDOM_BYTES),
            nonce=secrets.token_urlsafe(_RANDOM_BYTES),
            verifier=secrets.token_urlsafe(_RANDOM_BYTES),
            until_s=now_s + SIGN_IN_S,
        )
        url, _ = self._client(found).create_authorization_url(
            found.authorization_endpoint,
            state=begun.state,
            nonce=begun.nonce,
            code_verifier=begun.verifier,
        )
        return str(url), begun

    async def finish(self, begun: Begun, returned: Returned, now_s: float) -> Identity:
        """Who came back.

        Raises:
            NotAuthentic: One of the checks 1 to 4 fails.
            NotPermitted: Nothing is granted to whoever it is.
            Unavailable: The provider cannot be asked.
        """
        found, keys = await self._discovered(now_s)
        self._require_answer(found, begun, returned, now_s)
        tokens = await self._exchange(found, begun, str(returned.code))
        claims, all_claims = await self._id_token(keys, tokens.id_token, begun, now_s)
        told: Mapping[str, Any] = all_claims
        wanted = {grant.claim for grant in self.settings.grants}
        if not wanted <= told.keys() and found.userinfo_endpoint and tokens.access_token:
            more = await self._userinfo(found.userinfo_endpoint, tokens.access_token, claims.sub)
            told = {**more, **all_claims}
        party, roles = granted(self.settings.grants, told)
        return Identity(party=party, roles=roles, subject=claims.sub, issuer=claims.iss)

    def _client(self, found: Discovery) -> OAuth2Client:
        public = self.settings.client_secret is None
        post = "client_secret_basic" not in found.token_endpoint_auth_methods_supported
        method = "none" if public else "client_secret_post" if post else "client_secret_basic"
        return OAuth2Client(
            session=None,
            client_id=self.settings.client_id,
            client_secret=self.settings.client_secret,
            token_endpoint_auth_method=method,
            scope=self.settings.scopes,
            redirect_uri=self._callback,
            code_challenge_method="S256",
        )

    async def _discovered(self, now_s: float) -> tuple[Discovery, FetchedKeys]:
        if self._found is None or self._keys is None or now_s - self._found_s > DISCOVERY_FRESH_S:
            self._found = found = await self._discover()
            self._found_s = now_s
            self._keys = FetchedKeys(found.jwks_uri, self._web, algorithm=self.settings.algorithm)
        return self._found, self._keys

    async def _discover(self) -> Discovery:
        settings = self.settings
        what = f"provider {settings.id}"
        url = f"{settings.issuer.rstrip('/')}/.well-known/openid-configuration"
        found = await self._ask(url, Discovery)
        if found.issuer != settings.issuer:
            raise Unavailable(what, expected=f"issuer {settings.issuer}", got=found.issuer)
        addresses = [found.authorization_endpoint, found.token_endpoint, found.jwks_uri]
        addresses += [found.userinfo_endpoint] if found.userinfo_endpoint else []
        for address in addresses:
            try:
                require_secure_url(address, what=what)
            except MalformedInput as error:
                raise Unavailable(what, expected=error.expected, got=address) from None
        return found

    def _require_answer(
        self, found: Discovery, begun: Begun, returned: Returned, now_s: float
    ) -> None:
        what = "sign-in"
        given = (returned.state or "").encode("utf-8", "surrogatepass")
        same = secrets.compare_digest(given, begun.state.encode())
        if not same or begun.provider != self.settings.id or now_s >= begun.until_s:
            raise NotAuthentic(what, expected="the one that this browser began, within ten minutes")
        named = found.authorization_response_iss_parameter_supported or returned.iss is not None
        if named and returned.iss != found.issuer:
            raise NotAuthentic(what, expected="an answer of the provider that was asked")
        if returned.code is None or returned.error is not None:
            raise NotAuthentic(what, expected="a code from the provider")

    async def _exchange(self, found: Discovery, begun: Begun, code: str) -> _Tokens:
        body = prepare_token_request(
            "authorization_code",
            redirect_uri=self._callback,
            code=code,
            code_verifier=begun.verifier,
        )
        client = self._client(found)
        headers = {
            "Accept": "application/json",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        url, headers, body = client.client_auth(client.token_endpoint_auth_method).prepare(
            "POST", found.token_endpoint, headers, body
        )
        return await self._ask(url, _Tokens, headers=headers, content=body.encode())

    async def _id_token(
        self, source: FetchedKeys, token: str, begun: Begun, now_s: float
    ) -> tuple[_IdClaims, dict[str, Any]]:
        header = header_of(token)
        keys = await source.current(now_s)
        try:
            payload = verify(token, header, keys)
        except NotAuthentic:
            if not await source.refresh(now_s):
                raise
            payload = verify(token, header, source.keys)
        try:
            claims = msgspec.json.decode(payload, type=_IdClaims)
            all_claims = msgspec.json.decode(payload, type=dict[str, Any])
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            raise NotAuthentic("ID token", expected="the claims of OpenID Connect") from None
        self._require_for_us(claims, begun, now_s)
        return claims, all_claims

    def _require_for_us(self, claims: _IdClaims, begun: Begun, now_s: float) -> None:
        us = self.settings.client_id
        audiences = [claims.aud] if isinstance(claims.aud, str) else claims.aud
        what = "ID token"
        if claims.iss != self.settings.issuer:
            raise NotAuthentic(what, expected=f"issuer {self.settings.issuer}")
        if us not in audiences or (len(audiences) > 1 and claims.azp is None):
            raise NotAuthentic(what, expected="one for this node")
        if claims.azp is not None and claims.azp != us:
            raise NotAuthentic(what, expected="one that this node asked for")
        if not now_s < claims.exp or claims.iat > now_s + LEEWAY_S:
            raise NotAuthentic(what, expected="one that is valid now")
        if not secrets.compare_digest(
            sha256(claims.nonce.encode("utf-8", "surrogatepass")).digest(),
            sha256(begun.nonce.encode()).digest(),
        ):
            raise NotAuthentic(what, expected="the nonce of this sign-in")
        if not 0 < len(claims.sub) <= SUBJECT_LENGTH_MAX:
            raise NotAuthentic(what, expected=f"a subject of 1 to {SUBJECT_LENGTH_MAX} characters")

    async def _userinfo(self, url: str, token: str, subject: str) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        told = await self._ask(url, dict[str, Any], headers=headers)
        if told.get("sub") != subject:
            raise NotAuthentic("sign-in", expected="the provider's answer about the same person")
        return told

    async def _ask(self, url: str, type_: type[T], **request: Any) -> T:
        """What the provider answers, decoded.

        Raises:
            NotAuthentic: It refuses (4xx).
            Unavailable: It cannot be asked, or answers what nobody can read.
        """
        what = f"provider {self.settings.id}"
        try:
            status, data = await ask(self._web, url, **request)
        except (httpx.HTTPError, httpx.InvalidURL, MalformedInput) as error:
            raise Unavailable(what, got=type(error).__name__) from None
        if HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
            raise NotAuthentic("sign-in", expected="what the provider accepts")
        if status != httpx.codes.OK:
            raise Unavailable(what, got=f"status {status}")
        try:
            return msgspec.json.decode(data, type=type_)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            raise Unavailable(what, expected="what OpenID Connect asks of it") from None


def granted(grants: Iterable[Grant], claims: Mapping[str, Any]) -> tuple[str, frozenset[Role]]:
    """The party and the roles that claims grant.

    Raises:
        NotPermitted: None, or several parties: it must be clear for whom one speaks.
    """
    found: dict[str, set[Role]] = {}
    for grant in grants:
        value = claims.get(grant.claim)
        values = value if isinstance(value, list) else [value]
        if grant.value in [one for one in values if isinstance(one, str)]:
            found.setdefault(grant.party, set()).update(grant.roles)
    if len(found) != 1:
        raise NotPermitted(
            "sign-in",
            expected="claims that name one party",
            got=f"{len(found)} parties",
        )
    [(party, roles)] = found.items()
    return party, frozenset(roles)
