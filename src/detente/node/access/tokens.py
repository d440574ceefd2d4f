"""The node's own tokens: a client with a secret asks, and gets a short-lived JWT.

OAuth 2.0 client credentials and nothing else: no refresh tokens, no consent, no
browser. The key that signs is the node's for this purpose alone; it never signs
entries, and the node's key never signs tokens.

Source: RFC 6749 sections 2.3.1, 4.4 and 5; RFC 8414 (metadata); RFC 9068 (claims).
"""

import base64
import binascii
import math
import secrets
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc.jwk import OKPKey
from msgspec import Struct

from detente.core.principal import Method, Scope
from detente.errors import Conflict, DetenteError
from detente.node.access.issuers import Issuer
from detente.node.access.keys import HeldKeys, VerifyingKey, sign
from detente.node.access.settings import AccessSettings, IssuerSettings
from detente.node.keyring import Keyring
from detente.store import Client

TOKEN_LIFE_S = 600
"""Ten minutes: a stolen token is of little use, and a client asks six times an hour."""

TOKEN_TYPE = "at+jwt"  # noqa: S105 - RFC 9068's media type

FORM_BYTES_MAX = 8_192
"""Bytes of a token request: an id, a secret and every scope take some 800."""

_FIELDS_MAX = 20

_KEY = "_tokens"
"""Name of the key in the keyring; no party's, for those hold no underscore."""


class TokenRefused(DetenteError):
    """A token request that is not granted.

    Args:
        error: RFC 6749 section 5.2's word for it.
        what: As in DetenteError.
        expected: As in DetenteError.
    """

    code = "token_refused"

    def __init__(self, error: str, what: str, *, expected: str) -> None:
        super().__init__(what, expected=expected)
        self.error = error


class TokenRequest(Struct, frozen=True, kw_only=True):
    """Who asks for a token, by what, for what; ``scopes`` None asks for all that it may."""

    client_id: str
    secret: str
    scopes: tuple[str, ...] | None


class Granted(Struct, frozen=True, kw_only=True):
    """The answer of RFC 6749 section 5.1."""

    access_token: str
    token_type: str
    expires_in: int
    scope: str


class TokenKeys:
    """The keys that sign and verify the node's own tokens.

    ``_tokens.pem`` signs. Others named ``_tokens-….pem`` verify, so that a key is
    replaced by renaming it, starting again, and removing it an hour later.

    Args:
        keyring: Where they are; the first start makes one.
    """

    def __init__(self, keyring: Keyring) -> None:
        with suppress(Conflict):  # It is there already, or another worker was quicker.
            keyring.make(_KEY)
        names = [path.stem for path in sorted(keyring.folder.glob(f"{_KEY}-*.pem"))]
        keys = [_token_key(keyring, name) for name in (_KEY, *names)]
        self._key = keys[0]
        self.kid = self._key.thumbprint()
        self.public: tuple[VerifyingKey, ...] = tuple(
            VerifyingKey(_public(one), ("EdDSA", "Ed25519"), one.thumbprint()) for one in keys
        )

    def sign(self, claims: object) -> str:
        """A token."""
        return sign(claims, self._key, kid=self.kid, typ=TOKEN_TYPE)

    def jwks(self) -> dict[str, Any]:
        """What others verify the node's tokens with (RFC 7517)."""
        return {
            "keys": [
                {**one.key.as_dict(private=False), "kid": one.kid, "use": "sig", "alg": "EdDSA"}
                for one in self.public
            ]
        }


class TokenIssuer:
    """The node as an issuer of tokens.

    Args:
        settings: Its address and audiences.
        keys: Its keys.
    """

    def __init__(self, settings: AccessSettings, keys: TokenKeys) -> None:
        self._settings = settings
        self.keys = keys

    def issuer(self) -> Issuer:
        """The node among the issuers whose tokens it accepts."""
        own = IssuerSettings(
            issuer=self._settings.url,
            audiences=self._settings.own_audiences,
            key_files=(_KEY,),
            scopes=tuple(Scope),
            lifetime_max_s=TOKEN_LIFE_S,
        )
        return Issuer(
            own,
            HeldKeys(self.keys.public),
            party_of=lambda party: party,
            typ=TOKEN_TYPE,
            method=Method.CLIENT,
        )

    def grant(self, client: Client, scopes: tuple[str, ...] | None, *, now_s: float) -> Granted:
        """A token for a client that proved itself.

        Raises:
            TokenRefused: It asks for what it may not have.
        """
        given = client.scopes
        if scopes is not None:
            beyond = sorted(set(scopes) - {scope.value for scope in given})
            if beyond:
                raise TokenRefused(
                    "invalid_scope", f"scopes of {client.id}", expected="only those given to it"
                )
            given = frozenset(Scope(name) for name in scopes)
        scope = " ".join(sorted(given))
        audiences = self._settings.own_audiences
        claims = {
            "iss": self._settings.url,
            "sub": client.party,
            "client_id": client.id,
            "aud": audiences[0] if len(audiences) == 1 else audiences,
            "iat": math.floor(now_s),
            "exp": math.floor(now_s) + TOKEN_LIFE_S,
            "jti": secrets.token_hex(16),
            "scope": scope,
        }
        return Granted(
            access_token=self.keys.sign(claims),
            token_type="Bearer",  # noqa: S106 - RFC 6750's word
            expires_in=TOKEN_LIFE_S,
            scope=scope,
        )

    def for_peer(self, party: str, host: str, scope: Scope, *, now_s: float) -> str | None:
        """A token by which the node speaks for a party to one peer, as ASTM F3548-21 has it.

        Args:
            party: What issuers and F3548 call it.
            host: The peer's: the token is good there alone.
            scope: The one thing that it is for.
            now_s: Seconds since 1970.

        Returns:
            The token; None where it would be good here, for whoever got hold of it.
        """
        if host in {one.lower() for one in self._settings.own_audiences}:
            return None
        claims = {
            "iss": self._settings.url,
            "sub": party,
            "client_id": party,
            "aud": host,
            "iat": math.floor(now_s),
            "exp": math.floor(now_s) + TOKEN_LIFE_S,
            "jti": secrets.token_hex(16),
            "scope": scope.value,
        }
        return self.keys.sign(claims)

    def metadata(self) -> dict[str, Any]:
        """What a client finds below ``/.well-known/oauth-authorization-server`` (RFC 8414)."""
        url = self._settings.url
        return {
            "issuer": url,
            "token_endpoint": f"{url}/v1/token",
            "jwks_uri": f"{url}/v1/keys",
            "scopes_supported": [scope.value for scope in Scope],
            "response_types_supported": [],
            "grant_types_supported": ["client_credentials"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        }


def read_request(authorization: str | None, content_type: str, body: bytes) -> TokenRequest:
    """A token request, taken apart.

    Args:
        authorization: The header, if there is one.
        content_type: The header.
        body: At most FORM_BYTES_MAX.

    Raises:
        TokenRefused: Not a request for client credentials, or without any.
    """
    form = _form(content_type, body)
    if form.get("grant_type") != "client_credentials":
        error = "unsupported_grant_type" if form.get("grant_type") else "invalid_request"
        raise TokenRefused(error, "grant_type", expected="client_credentials")
    scopes = tuple(form["scope"].split()) if form.get("scope") else None
    if authorization is None:
        client_id, secret = form.get("client_id", ""), form.get("client_secret", "")
    else:
        client_id, secret = _basic(authorization)
        if "client_secret" in form or form.get("client_id", client_id) != client_id:
            raise TokenRefused(
                "invalid_request", "credentials", expected="by header or by body, not both"
            )
    if not client_id or not secret:
        raise TokenRefused("invalid_client", "client", expected="client_id and client_secret")
    return TokenRequest(client_id=client_id, secret=secret, scopes=scopes)


def _form(content_type: str, body: bytes) -> dict[str, str]:
    what = "token request"
    if content_type.partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        raise TokenRefused(
            "invalid_request", what, expected="type application/x-www-form-urlencoded"
        )
    if len(body) > FORM_BYTES_MAX:
        raise TokenRefused("invalid_request", what, expected=f"at most {FORM_BYTES_MAX} bytes")
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            strict_parsing=bool(body),
            keep_blank_values=True,
            max_num_fields=_FIELDS_MAX,
            errors="strict",
        )
    except ValueError:
        raise TokenRefused("invalid_request", what, expected="a form") from None
    form = {name: value for name, value in pairs if value}
    if len({name for name, _ in pairs}) != len(pairs):
        raise TokenRefused("invalid_request", what, expected="each parameter once")
    return form


def _basic(authorization: str) -> tuple[str, str]:
    """Id and secret of HTTP Basic, each form-encoded (RFC 6749 section 2.3.1); or nothing."""
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        text = base64.b64decode(value.strip(), validate=True).decode("utf-8")
        client_id, _, secret = text.partition(":")
        return unquote_plus(client_id, errors="strict"), unquote_plus(secret, errors="strict")
    except (binascii.Error, ValueError):
        return "", ""


def _token_key(keyring: Keyring, name: str) -> OKPKey:
    return OKPKey(Ed25519PrivateKey.from_private_bytes(bytes(keyring.load(name))), None)


def _public(key: OKPKey) -> OKPKey:
    return OKPKey.import_key(key.as_dict(private=False))


def answer_of(refused: TokenRefused) -> dict[str, str]:
    """The body of RFC 6749 section 5.2, whose description takes ASCII without quotes only."""
    described = str(refused).encode("ascii", "replace").decode().translate(_UNQUOTED)
    return {"error": refused.error, "error_description": described}


_UNQUOTED = str.maketrans({'"': "'", "\\": "/"})
