"""What the operator says of who may ask: issuers of tokens, sign-in, proxies.

These are the tables of the settings file; a wrong one stops the start, named.
"""

from collections.abc import Mapping
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct

from detente.core.party import Name, PartyId
from detente.core.principal import PARTY_ROLES, Role, Scope, scopes_of
from detente.errors import MalformedInput
from detente.node.access.limits import BYTES_PER_S, REQUESTS_PER_S
from detente.settings import Settings

Algorithm = Literal["RS256", "ES256", "EdDSA"]

TOKEN_LIFETIME_MAX_S = 3_600
"""ASTM F3548-21 lets no token live longer than an hour."""

LEEWAY_S = 30
"""How far an issuer's clock may differ from ours: a machine without working NTP drifts
a few seconds a day."""

PARTY_SCOPES = tuple(sorted(scopes_of(PARTY_ROLES) | {Scope.UTM_AVAILABILITY_ARBITRATION}))
"""What an issuer may vouch for unless it says more: all that parties do, nothing of the node's."""

_Text = Annotated[str, Meta(min_length=1, max_length=2_000)]


class IssuerSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One issuer whose JWTs are accepted.

    Attributes:
        issuer: Its ``iss`` claim, to the letter.
        audiences: ``aud`` values that mean this node; for F3548, its host name.
        key_files: PEM, JWK or JWKS files with its public keys.
        jwks_url: Where it publishes them, if not in files.
        algorithm: The only one it signs with; None leaves one for each type of key.
        scopes: What it may vouch for; a token's other scopes are dropped.
        parties: For whom it may speak; none named is all.
        subjects: ``sub`` -> party, where the two differ.
        introduces: Whether parties that it names are admitted on first sight.
        lifetime_max_s: How far ahead ``exp`` may be.
        leeway_s: By how much its clock may run ahead of ours.
    """

    issuer: _Text
    audiences: Annotated[tuple[_Text, ...], Meta(min_length=1, max_length=100)]
    key_files: Annotated[tuple[_Text, ...], Meta(max_length=20)] = ()
    jwks_url: _Text | None = None
    algorithm: Algorithm | None = None
    scopes: tuple[Scope, ...] = PARTY_SCOPES
    parties: tuple[PartyId, ...] = ()
    subjects: Mapping[str, PartyId] = {}
    introduces: bool = False
    lifetime_max_s: Annotated[int, Meta(ge=1, le=86_400)] = TOKEN_LIFETIME_MAX_S
    leeway_s: Annotated[int, Meta(ge=0, le=300)] = LEEWAY_S

    def __post_init__(self) -> None:
        if bool(self.key_files) == bool(self.jwks_url):
            raise MalformedInput(
                f"issuer {self.issuer}", expected="key_files or jwks_url, not both"
            )
        if self.jwks_url is not None:
            require_secure_url(self.jwks_url, what=f"jwks_url of {self.issuer}")


class Grant(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whoever has this value in this claim works for this party, in these roles."""

    claim: _Text
    value: _Text
    party: PartyId
    roles: Annotated[tuple[Role, ...], Meta(min_length=1)]


class ProviderSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An OpenID Connect provider through which people sign in.

    Attributes:
        id: In the address of its sign-in page.
        name: On the button.
        issuer: Its address; discovery is below it.
        client_id: As the provider knows this node.
        client_secret: What the provider gave for it; none for a public client.
        scopes: Asked of the provider.
        grants: Who, by which claim, is what here; nobody else gets in.
        algorithm: The only one it signs with; None leaves one for each type of key.
    """

    id: PartyId
    name: Name
    issuer: _Text
    client_id: _Text
    client_secret: _Text | None = None
    scopes: _Text = "openid"
    grants: Annotated[tuple[Grant, ...], Meta(min_length=1, max_length=1_000)]
    algorithm: Algorithm | None = None

    def __post_init__(self) -> None:
        require_secure_url(self.issuer, what=f"issuer of provider {self.id}")
        if "openid" not in self.scopes.split():
            raise MalformedInput(f"scopes of provider {self.id}", expected="openid among them")


class AccessSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of it.

    Attributes:
        url: The node's own address as others see it; without a slash at its end.
        audiences: What its own tokens are for; none is the host name of ``url``.
        issuers: Whose tokens are accepted beside its own.
        providers: Where people may sign in.
        proxies: Addresses of reverse proxies whose ``Client-Cert`` header is believed.
        requests_per_s: How often a party may ask each worker; 0 sets no limit.
        bytes_per_s: How much it may send; 0 sets no limit.
    """

    url: _Text = "http://localhost"
    audiences: Annotated[tuple[_Text, ...], Meta(max_length=100)] = ()
    issuers: Annotated[tuple[IssuerSettings, ...], Meta(max_length=100)] = ()
    providers: Annotated[tuple[ProviderSettings, ...], Meta(max_length=20)] = ()
    proxies: Annotated[tuple[_Text, ...], Meta(max_length=100)] = ()
    requests_per_s: Annotated[float, Meta(ge=0)] = REQUESTS_PER_S
    bytes_per_s: Annotated[float, Meta(ge=0)] = BYTES_PER_S

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or self.url.endswith("/"):
            raise MalformedInput("url", expected="such as https://node.example", got=self.url)
        _require_distinct([self.url, *(one.issuer for one in self.issuers)], what="issuers")
        _require_distinct([one.id for one in self.providers], what="providers")

    @property
    def own_audiences(self) -> tuple[str, ...]:
        """What the node's own tokens are for: as F3548 has it, a host name."""
        return self.audiences or (urlsplit(self.url).hostname or "",)


def access_settings(settings: Settings, *, url: str) -> AccessSettings:
    """What the settings of a node say of who may ask.

    An issuer's table that names no audiences has the node's own.

    Args:
        settings: The node's.
        url: Where others reach it.

    Raises:
        MalformedInput: A table is wrong; it says which part of it.
    """
    own = AccessSettings(url=url, audiences=settings.audiences)
    tables = {
        "url": url,
        "audiences": settings.audiences,
        "proxies": settings.proxies,
        "providers": settings.providers,
        "issuers": [{"audiences": own.own_audiences, **one} for one in settings.issuers],
        "requests_per_s": settings.party_requests_per_s,
        "bytes_per_s": settings.party_bytes_per_s,
    }
    try:
        return msgspec.convert(tables, AccessSettings)
    except msgspec.ValidationError as error:
        raise MalformedInput("settings of access", got=str(error)) from None


def require_secure_url(url: str, *, what: str) -> None:
    """Refuse an address whose answer somebody on the way could change.

    Raises:
        MalformedInput: Neither https nor on this machine.
    """
    parts = urlsplit(url)
    here = parts.hostname in {"localhost", "127.0.0.1", "::1"}
    if parts.scheme != "https" and not (here and parts.scheme == "http"):
        raise MalformedInput(what, expected="https, or http on this machine", got=url)


def _require_distinct(names: list[str], *, what: str) -> None:
    if len(set(names)) != len(names):
        raise MalformedInput(what, expected="each named once")
