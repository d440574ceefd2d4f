"""The certificate with which alerts are signed: the operator's, or one that the node makes.

Alerts go to clients that know X.509 and RSA, and nothing of the record's own keys. Every
machine that serves the same record needs the same files.
"""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID
from msgspec import Struct

from detente.errors import MalformedInput, NotFound, Unavailable
from detente.node.whole_file import keep_new

FILE_BYTES_MAX = 100_000
"""A chain of certificates has some 10 KB."""

RSA_BITS, RSA_BITS_MIN = 3_072, 2_048
"""128 bits of security for what is made, 112 for what is given (NIST SP 800-57)."""

VALID = timedelta(days=3_650)
"""Ten years, for one that nobody renews: it is trusted because it was handed over."""

NAME_MAX = 64
"""Bytes of a common name; characters in RFC 5280 (ub-common-name), which is never less."""


class Certificate(Struct, frozen=True):
    """A private key, and its certificate with those above it, PEM."""

    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
    chain_pem: str

    @property
    def is_rsa(self) -> bool:
        """Whether its signatures are RSA's; else they are ECDSA's over P-256."""
        return isinstance(self.key, rsa.RSAPrivateKey)


def certificate(chain: Path, key: Path) -> Certificate:
    """What two PEM files hold.

    Raises:
        NotFound: One is not there.
        MalformedInput: They hold none, another kind of key, or two that do not belong together.
    """
    chain_pem, key_pem = _read(chain), _read(key)
    try:
        found = x509.load_pem_x509_certificates(chain_pem)
        private = load_pem_private_key(key_pem, password=None)
    except (ValueError, TypeError) as error:
        raise MalformedInput(f"{chain}, {key}", expected="PEM", got=str(error)[:200]) from None
    match private:
        case rsa.RSAPrivateKey() if private.key_size >= RSA_BITS_MIN:
            pass
        case ec.EllipticCurvePrivateKey() if isinstance(private.curve, ec.SECP256R1):
            pass
        case _:
            expected = f"an RSA key of {RSA_BITS_MIN} bits or more, or one of P-256"
            raise MalformedInput(f"{key}", expected=expected, got=type(private).__name__)
    if found[0].public_key() != private.public_key():
        raise MalformedInput(f"{key}", expected=f"the key of {chain}", got="another")
    # Of the file only its certificates: it may hold the key as well.
    return Certificate(private, "".join(one.public_bytes(Encoding.PEM).decode() for one in found))


def own_certificate(folder: Path, name: str, now: datetime) -> Certificate:
    """The node's own, in a folder of keys; made if there is none.

    Args:
        folder: Of private keys.
        name: Whose record it is, for people to read.
        now: UTC.

    Raises:
        MalformedInput: The file that is there holds none.
        Unavailable: The folder cannot be written.
    """
    path = folder / "cap.pem"  # Key and certificate in one file, so that there is never half.
    if not path.exists():
        try:
            with suppress(FileExistsError):  # Another process made it meanwhile.
                keep_new(path, _made(name, now.astimezone(UTC)))
        except OSError as error:
            raise Unavailable(f"certificate in {folder}", got=str(error)) from error
    return certificate(path, path)


def _made(name: str, now: datetime) -> bytes:
    key = rsa.generate_private_key(public_exponent=65_537, key_size=RSA_BITS)
    cut = name.encode()[:NAME_MAX].decode(errors="ignore")
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, cut)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + VALID)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_SIGNS_ONLY, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return pem + made.public_bytes(Encoding.PEM)


_SIGNS_ONLY = x509.KeyUsage(
    digital_signature=True,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=False,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()[:FILE_BYTES_MAX]
    except OSError:
        raise NotFound(f"{path}", expected="a PEM file") from None
