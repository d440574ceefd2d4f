"""The certificate that signs alerts: made once, read strictly, its key never handed out."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from detente.errors import MalformedInput, NotFound, Unavailable
from detente.node.certificate import certificate, own_certificate

NOW = datetime(2026, 11, 28, tzinfo=UTC)


def pem(key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    own_certificate(folder, "Alerts of test", NOW)
    return folder / "cap.pem"


def test_it_is_made_once_and_kept_from_others(own: Path) -> None:
    again = own_certificate(own.parent, "Another name", NOW)
    assert own.stat().st_mode & 0o077 == 0
    assert again.is_rsa
    assert "PRIVATE" not in again.chain_pem
    [made] = x509.load_pem_x509_certificates(again.chain_pem.encode())
    assert made.subject.rfc4514_string() == "CN=Alerts of test"
    assert made.not_valid_before_utc == NOW


def test_a_long_name_is_cut(tmp_path: Path) -> None:
    own = own_certificate(tmp_path, "x" + "é" * 60, NOW)
    [made] = x509.load_pem_x509_certificates(own.chain_pem.encode())
    assert made.subject.rfc4514_string() == "CN=x" + "é" * 31


def test_an_operators_chain_is_taken_and_given_whole(own: Path, tmp_path: Path) -> None:
    chain = tmp_path / "chain.pem"
    first = own_certificate(own.parent, "", NOW).chain_pem
    chain.write_text(first + first)
    assert certificate(chain, own).chain_pem == first + first


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (pem(ec.generate_private_key(ec.SECP256R1())), "the key of"),
        (pem(ec.generate_private_key(ec.SECP384R1())), "P-256"),
        (pem(ed25519.Ed25519PrivateKey.generate()), "P-256"),
        (pem(rsa.generate_private_key(public_exponent=65_537, key_size=1_024)), "2048 bits"),  # noqa: S505 - too weak
        (b"-----BEGIN PRIVATE KEY-----\n!\n-----END PRIVATE KEY-----\n", "PEM"),
        (b"", "PEM"),
    ],
)
def test_another_key_is_refused(key: bytes, expected: str, own: Path, tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(key)
    with pytest.raises(MalformedInput, match=expected):
        certificate(own, path)


def test_what_is_not_there_is_named(own: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"none\.pem"):
        certificate(own, tmp_path / "none.pem")
    blocked = tmp_path / "file"
    blocked.touch()
    with pytest.raises(Unavailable, match="certificate in"):
        own_certificate(blocked, "é" * 60, NOW)
