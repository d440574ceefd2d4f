"""Public keys of an issuer, and whether one of them signed a token.

The algorithm belongs to the key: what a token says of it only has to agree.
A token can therefore neither choose ``none`` nor turn a public key into a
shared secret.

Source: RFC 7515 to 7518; RFC 8725 (JWT best practice) sections 3.1 and 3.2.
"""

import asyncio
import base64
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from cryptography.x509 import load_pem_x509_certificate
from joserfc import jws
from joserfc.errors import JoseError, UnsupportedAlgorithmError
from joserfc.jwk import ECKey, JWKRegistry, Key, OKPKey, RSAKey
from joserfc.jws import JWSRegistry
from msgspec import Struct

from detente.errors import MalformedInput, NotAuthentic, Unavailable
from detente.node.access.settings import Algorithm

KEYS_BYTES_MAX = 256 * 1024
"""Bytes of a key file or a JWKS: a hundred RSA keys with their certificates."""

KEYS_MAX = 100
"""Keys of one issuer. The largest providers publish under ten at a time."""

KEYS_TRIED_MAX = 8
"""Keys tried on a token that names none: each costs a signature check."""

RSA_BITS_MIN = 2_048
"""RFC 7518 section 3.3."""

_RSA_MODULUS_MIN = "A" * (RSA_BITS_MIN // 6)

FETCH_TIMEOUT_S = 5.0
"""A request waits for this; an issuer that takes longer is down for our purpose."""

KEYS_FRESH_S = 300.0
"""How long fetched keys stand before they are fetched anew: a key that its issuer
withdraws is refused here after five minutes."""

KEYS_KEPT_S = 86_400.0
"""How long they stand while the issuer does not answer: a day without its JWKS, and
then fail closed."""

REFRESH_EVERY_S = 60.0
"""A token that no known key signed makes us ask its issuer, at most once a minute:
whoever makes up tokens must not make us its load generator."""


class JoseHeader(Struct, frozen=True):
    """What a token says of itself before anything is proven."""

    alg: str
    kid: str | None = None
    typ: str | None = None
    crit: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class VerifyingKey(Struct, frozen=True):
    """A public key with the names of its one algorithm."""

    key: Key
    algorithms: tuple[str, ...]
    kid: str | None

    @property
    def identity(self) -> tuple[str, str | None]:
        """What tells it from others."""
        return self.key.thumbprint(), self.kid


class _Registry(JWSRegistry):
    """joserfc's checks, with the algorithm pinned to the key.

    Extra header parameters are ignored, as RFC 7515 section 4 asks; ``EdDSA`` is taken
    without the warning that RFC 9864 gave it a second name.
    """

    max_header_length = 4_096

    def __init__(self, allowed: Sequence[str]) -> None:
        super().__init__(algorithms=tuple(allowed), strict_check_header=False)

    def get_alg(self, name: str) -> Any:
        """The algorithm, if it is the key's."""
        if name not in (self.allowed or ()):
            raise UnsupportedAlgorithmError(name)
        return self.algorithms[name]


_REGISTRIES: Mapping[tuple[str, ...], _Registry] = {
    names: _Registry(names) for names in (("RS256",), ("ES256",), ("EdDSA", "Ed25519"))
}


def header_of(token: str) -> JoseHeader:
    """The header of a compact JWS, not yet proven.

    Raises:
        NotAuthentic: There is none, or it demands what we do not understand.
    """
    try:
        header = _headers.decode(_base64url(token.partition(".")[0]))
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise NotAuthentic("token", expected="a signed JWT") from None
    if header.crit is not msgspec.UNSET:
        raise NotAuthentic("token", expected="no critical header parameters")
    return header


def payload_of(token: str) -> bytes:
    """The payload of a compact JWS, not yet proven.

    Raises:
        ValueError: There is none.
    """
    return _base64url(token.partition(".")[2].partition(".")[0])


def sign(claims: object, key: OKPKey, *, kid: str, typ: str) -> str:
    """A token that this Ed25519 key signs."""
    registry = _REGISTRIES["EdDSA", "Ed25519"]
    header = {"alg": "EdDSA", "kid": kid, "typ": typ}
    return jws.serialize_compact(header, msgspec.json.encode(claims), key, registry=registry)


def verify(token: str, header: JoseHeader, keys: Iterable[VerifyingKey]) -> bytes:
    """The payload of a token that one of these keys signed.

    Raises:
        NotAuthentic: None did, by its own algorithm.
    """
    tried = 0
    for one in keys:
        if header.alg not in one.algorithms or not _may_be(header.kid, one.kid):
            continue
        tried += 1
        if tried > KEYS_TRIED_MAX:
            break
        try:
            signed = jws.deserialize_compact(token, one.key, registry=_REGISTRIES[one.algorithms])
        except (JoseError, ValueError, TypeError, RecursionError):
            continue
        return bytes(signed.payload)
    raise NotAuthentic("token", expected="a signature by a key of its issuer")


def _may_be(asked: str | None, kid: str | None) -> bool:
    """Whether a token that names a key may be by this one; a key from a PEM file has no name."""
    return asked is None or kid is None or asked == kid


def keys_from_bytes(
    data: bytes, *, what: str, algorithm: Algorithm | None = None
) -> tuple[VerifyingKey, ...]:
    """Public keys in a PEM (key or certificate), JWK or JWKS.

    Keys of other types, curves and uses than we verify with are passed over,
    symmetric ones among them; a private key is refused.

    Raises:
        MalformedInput: It holds no key that we can verify with.
    """
    if len(data) > KEYS_BYTES_MAX:
        raise MalformedInput(what, expected=f"at most {KEYS_BYTES_MAX} bytes", got=f"{len(data)}")
    try:
        found = [_pem(data)] if b"-----BEGIN" in data else _jwks(data, what=what)
    except (JoseError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise MalformedInput(what, expected="PEM, JWK or JWKS", got=str(error)) from None
    keys = tuple(
        one
        for one in found
        if one is not None and (algorithm is None or algorithm in one.algorithms)
    )
    if not keys:
        raise MalformedInput(
            what, expected=f"a public key for {algorithm or 'RS256, ES256, EdDSA'}"
        )
    return keys


def keys_from_files(
    files: Iterable[str], *, algorithm: Algorithm | None = None
) -> tuple[VerifyingKey, ...]:
    """Public keys that the operator gave in files.

    Raises:
        MalformedInput: A file cannot be read, or holds no key that we can verify with.
    """
    found: list[VerifyingKey] = []
    for name in files:
        try:
            data = Path(name).read_bytes()
        except OSError as error:
            raise MalformedInput(f"key file {name}", got=str(error)) from None
        found += keys_from_bytes(data, what=f"key file {name}", algorithm=algorithm)
    return tuple(found)


class HeldKeys:
    """Keys that are here, and stay."""

    def __init__(self, keys: tuple[VerifyingKey, ...]) -> None:
        self.keys = keys

    async def current(self, now_s: float) -> tuple[VerifyingKey, ...]:  # noqa: ARG002
        """The keys."""
        return self.keys

    async def refresh(self, now_s: float) -> bool:  # noqa: ARG002
        """They never change."""
        return False


class FetchedKeys:
    """Keys that an issuer publishes: fetched when needed, kept while they are fresh.

    ``keys`` stays the same object while the issuer's keys stay the same.

    Args:
        url: Its JWKS.
        client: Who fetches; its timeouts and trust are the node's.
        algorithm: The only one it signs with, if the operator says so.
    """

    def __init__(
        self, url: str, client: httpx.AsyncClient, *, algorithm: Algorithm | None = None
    ) -> None:
        self.keys: tuple[VerifyingKey, ...] = ()
        self._url = url
        self._client = client
        self._algorithm: Algorithm | None = algorithm
        self._lock = asyncio.Lock()
        self._fetched_s = float("-inf")
        self._tried_s = float("-inf")
        self._failure = ""

    async def current(self, now_s: float) -> tuple[VerifyingKey, ...]:
        """The keys, fetched before if there are none that may still be used.

        Raises:
            Unavailable: They could not be fetched for longer than KEYS_KEPT_S.
        """
        if now_s - self._fetched_s > KEYS_KEPT_S:
            await self.refresh(now_s)
        if now_s - self._fetched_s > KEYS_KEPT_S:
            self.keys = ()
            raise Unavailable(f"keys at {self._url}", got=self._failure)
        return self.keys

    async def refresh(self, now_s: float) -> bool:
        """Fetch the keys, unless that was tried within REFRESH_EVERY_S.

        Returns:
            Whether they are others than before.
        """
        before = self.keys
        async with self._lock:
            if now_s - self._tried_s >= REFRESH_EVERY_S:
                self._tried_s = now_s
                await self._fetch(now_s)
        return self.keys is not before

    async def _fetch(self, now_s: float) -> None:
        what = f"keys at {self._url}"
        try:
            status, data = await ask(self._client, self._url)
            if status != httpx.codes.OK:
                self._failure = f"status {status}"
                return
            found = keys_from_bytes(data, what=what, algorithm=self._algorithm)
        except (httpx.HTTPError, httpx.InvalidURL, MalformedInput) as error:
            self._failure = str(error) or type(error).__name__
            return
        self._fetched_s = now_s
        if [one.identity for one in found] != [one.identity for one in self.keys]:
            self.keys = found


KeySource = HeldKeys | FetchedKeys


async def ask(
    client: httpx.AsyncClient,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    content: bytes | None = None,
) -> tuple[int, bytes]:
    """Status and bytes at an address, up to KEYS_BYTES_MAX; no redirect is followed.

    Raises:
        httpx.HTTPError: It could not be asked.
        MalformedInput: It answered too much.
    """
    data = b""
    method = "GET" if content is None else "POST"
    given = headers or {"Accept": "application/json"}
    async with client.stream(method, url, headers=given, content=content) as answer:
        async for part in answer.aiter_bytes():
            data += part
            if len(data) > KEYS_BYTES_MAX:
                raise MalformedInput(url, expected=f"at most {KEYS_BYTES_MAX} bytes")
    return answer.status_code, data


def _pem(data: bytes) -> VerifyingKey | None:
    if b"PRIVATE KEY" in data:
        raise ValueError("a private key")
    if b"-----BEGIN CERTIFICATE" in data:
        public: object = load_pem_x509_certificate(data).public_key()
    else:
        public = load_pem_public_key(data)
    match public:
        case RSAPublicKey():
            return verifying(RSAKey(public, None))
        case EllipticCurvePublicKey():
            return verifying(ECKey(public, None))
        case Ed25519PublicKey():
            return verifying(OKPKey(public, None))
        case _:
            return None


def _jwks(data: bytes, *, what: str) -> list[VerifyingKey | None]:
    given = msgspec.json.decode(data)
    listed = given.get("keys", [given]) if isinstance(given, dict) else None
    if not isinstance(listed, list) or len(listed) > KEYS_MAX:
        raise MalformedInput(what, expected=f"a list of at most {KEYS_MAX} keys")
    return [_jwk(one) for one in listed]


def _jwk(given: object) -> VerifyingKey | None:
    """A key of a set; None for one that is for something else."""
    if not isinstance(given, dict) or given.get("kty") not in {"RSA", "EC", "OKP"}:
        return None
    if given.get("use", "sig") != "sig" or "verify" not in given.get("key_ops", ["verify"]):
        return None
    if "d" in given:
        raise ValueError("a private key")
    if len(str(given.get("n", _RSA_MODULUS_MIN))) < len(_RSA_MODULUS_MIN):
        return None  # joserfc would warn of it, and take it
    try:
        key = JWKRegistry.import_key(given)
    except (JoseError, ValueError, TypeError):
        return None
    found = verifying(key, kid=given.get("kid"))
    alg = given.get("alg")
    return found if found is None or alg is None or alg in found.algorithms else None


def verifying(key: Key, *, kid: object = None) -> VerifyingKey | None:
    """A key with its one algorithm; None where it is of none that we verify with."""
    algorithms: tuple[str, ...]
    match key.public_key:
        case RSAPublicKey() as rsa if rsa.key_size >= RSA_BITS_MIN:
            algorithms = ("RS256",)
        case EllipticCurvePublicKey() as curve if isinstance(curve.curve, SECP256R1):
            algorithms = ("ES256",)
        case Ed25519PublicKey():
            algorithms = ("EdDSA", "Ed25519")
        case _:
            return None
    return VerifyingKey(key, algorithms, kid if isinstance(kid, str) else None)


def _base64url(text: str) -> bytes:
    return base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))


_headers = msgspec.json.Decoder(JoseHeader)
