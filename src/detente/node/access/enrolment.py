"""Enrolment: a tablet proves itself once, by a token, and from then on by a certificate.

An administrator makes a client for a party, with a token in place of its secret. The token is
good once and for a day; what is kept of it is a hash that no password verifies. The tablet
draws a key of its own and sends a request for a certificate (PKCS 10) with the token. What
the request says of its subject is left: the certificate names the client.

Source: RFC 2986 (PKCS 10); RFC 5280; what TAK clients ask at ``/Marti/api/tls``.
"""

import asyncio
import base64
import binascii
import hmac
import re
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from msgspec import Struct

from detente.core.volume import microseconds
from detente.errors import MalformedInput, NotAuthentic
from detente.node.access.limits import GuessLimits
from detente.store import AccessStore

TOKEN_LIFE = timedelta(days=1)
"""From the desk to the field and into the tablet."""

CERTIFICATE_LIFE = timedelta(days=365)
AUTHORITY_LIFE = timedelta(days=3_650)
BEFORE = timedelta(hours=1)
"""Valid from before now: a tablet's clock may be behind."""

REQUEST_BYTES_MAX = 20_000
"""A request with a key of 4096 bits: some 2 KB."""

RSA_BITS_MIN, RSA_BITS_MAX = 2_048, 8_192

_PREFIX = "enrol"
_ARMOUR = re.compile(r"-----(BEGIN|END)( NEW)? CERTIFICATE REQUEST-----")


class Issued(Struct, frozen=True, kw_only=True):
    """What a tablet gets: its certificate and the authority's, base64 of DER."""

    certificate: str
    authority: str


class Authority:
    """Signs the certificates of tablets.

    Args:
        certificate, key: PEM files.

    Raises:
        MalformedInput: They cannot be read, or do not belong together.
    """

    def __init__(self, certificate: Path, key: Path) -> None:
        try:
            self.certificate = x509.load_pem_x509_certificate(certificate.read_bytes())
            found = load_pem_private_key(key.read_bytes(), password=None)
        except (OSError, ValueError, TypeError, UnsupportedAlgorithm):
            raise MalformedInput(
                f"cot_ca_certificate {certificate} with cot_ca_key {key}",
                expected="an authority's certificate and its key, PEM, without a password",
            ) from None
        if (
            not isinstance(found, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey)
            or found.public_key() != self.certificate.public_key()
        ):
            raise MalformedInput(f"cot_ca_key {key}", expected=f"the key of {certificate}")
        self._key = found

    def sign(self, request: x509.CertificateSigningRequest, name: str, now: datetime) -> bytes:
        """A client's certificate, DER, under its name here."""
        builder = (
            x509.CertificateBuilder(subject_name=_named(name), issuer_name=self.certificate.subject)
            .public_key(request.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - BEFORE)
            .not_valid_after(now + CERTIFICATE_LIFE)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
            .add_extension(_issuer_of(self.certificate), critical=False)
        )
        return builder.sign(self._key, hashes.SHA256()).public_bytes(Encoding.DER)


class Enrolment:
    """Gives certificates for tokens.

    Args:
        store: Where clients are.
        authority: Signs.
        guesses: How often one may try.
    """

    def __init__(self, store: AccessStore, authority: Authority, guesses: GuessLimits) -> None:
        self._store = store
        self._authority = authority
        self._guesses = guesses

    async def require(self, client_id: str, token: str, *, address: str, now: datetime) -> None:
        """Refuse whoever has no token that is still good.

        Raises:
            NotAuthentic: It was never given, was used, or is too old; they look alike.
            RateLimited: Too many tries.
        """
        taken = self._guesses.take(client_id, address, now_s=now.timestamp())
        client = await asyncio.to_thread(self._store.client, client_id)
        kept = None if client is None or client.revoked else client.secret_hash
        if not _is_good(kept, token, now):
            raise NotAuthentic("enrolment", expected="a token that is good, and was not used")
        self._guesses.succeeded(client_id, address, taken)

    async def enrol(
        self, client_id: str, token: str, asked: bytes, *, address: str, now: datetime
    ) -> Issued:
        """A certificate for a request; the token is spent.

        Raises:
            NotAuthentic, RateLimited: As for ``require``.
            MalformedInput: It is no request that can be signed; the token stays good.
        """
        await self.require(client_id, token, address=address, now=now)
        request = request_of(asked)
        made = self._authority.sign(request, client_id, now)
        spent = await asyncio.to_thread(
            self._store.enrol_client, client_id, _digest(token), sha256(made).digest()
        )
        if not spent:
            raise NotAuthentic("enrolment", expected="a token that is good, and was not used")
        own = self._authority.certificate.public_bytes(Encoding.DER)
        return Issued(
            certificate=base64.b64encode(made).decode(), authority=base64.b64encode(own).decode()
        )


def kept_of(token: str, now: datetime) -> str:
    """What is kept of a token in place of a secret's hash."""
    return f"{_PREFIX}${_digest(token)}${microseconds(now + TOKEN_LIFE)}"


def is_pending(kept: str | None) -> bool:
    """Whether a client still has its token."""
    return kept is not None and kept.startswith(f"{_PREFIX}$")


def request_of(data: bytes) -> x509.CertificateSigningRequest:
    """A request for a certificate, PEM or its base64 alone, as TAK clients send it.

    Raises:
        MalformedInput: It is none, not signed by its key, or its key is too weak.
    """
    if len(data) > REQUEST_BYTES_MAX:
        raise MalformedInput("request", expected=f"at most {REQUEST_BYTES_MAX} bytes")
    try:
        text = _ARMOUR.sub("", data.decode("ascii"))
        found = x509.load_der_x509_csr(base64.b64decode("".join(text.split()), validate=True))
        key, is_signed = found.public_key(), found.is_signature_valid
    except (UnicodeDecodeError, binascii.Error, ValueError, UnsupportedAlgorithm):
        raise MalformedInput("request", expected="PKCS 10, in base64") from None
    strong = isinstance(key, ec.EllipticCurvePublicKey) or (
        isinstance(key, rsa.RSAPublicKey) and RSA_BITS_MIN <= key.key_size <= RSA_BITS_MAX
    )
    if not is_signed or not strong:
        raise MalformedInput("request", expected="one signed by its own key: EC, or RSA of 2048")
    return found


def make_authority(name: str, now: datetime) -> tuple[bytes, bytes]:
    """A new authority: its certificate and its key, PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    made = (
        x509.CertificateBuilder(subject_name=_named(name), issuer_name=_named(name))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BEFORE)
        .not_valid_after(now + AUTHORITY_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return made.public_bytes(Encoding.PEM), private


def _is_good(kept: str | None, token: str, now: datetime) -> bool:
    prefix, _, rest = (kept or f"{_PREFIX}$$0").partition("$")
    digest, _, until_us = rest.partition("$")
    if prefix != _PREFIX or not until_us.isdecimal():
        return False
    given = _digest(token)
    return hmac.compare_digest(digest, given) and microseconds(now) < int(until_us)


def _digest(token: str) -> str:
    return sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])


def _issuer_of(authority: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    try:
        own = authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    except x509.ExtensionNotFound:
        key = authority.public_key()
        return x509.AuthorityKeyIdentifier.from_issuer_public_key(key)  # type: ignore[arg-type] # EC or RSA
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own)


def now_utc() -> datetime:
    """The time."""
    return datetime.now(UTC)
