"""Tablets join by a code; test_tablets.md tells it."""

import base64
import re
import ssl
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree as ET

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from certificates import Authority
from cli import DETENTE
from conftest import begin
from cot import Tablet, event, listening, named
from detente.core.principal import Role, scopes_of
from detente.errors import MalformedInput
from detente.node.access.enrolment import kept_of, request_of
from detente.node.keyring import Keyring
from detente.store import Client, Store
from served import Served, serving

CONFIG, SIGN = "/Marti/api/tls/config", "/Marti/api/tls/signClient/v2"
PROFILE = "/Marti/api/tls/profile/enrollment"
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


def detente(*arguments: object) -> str:
    command = [str(DETENTE), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


class Base:
    """A node that tablets may join, and its folder."""

    def __init__(self, served: Served, folder: Path) -> None:
        self.served, self.folder, self.place = served, folder, folder / "test.db"
        self.trust = ssl.create_default_context(cafile=folder / "authority.pem")

    def code(self, callsign: str, *arguments: object) -> dict[str, str]:
        """What the code of a new tablet says."""
        told = detente(
            "tablet", "new", callsign, "--party", "one", "--host", "localhost",
            "--store", self.place, *arguments,
        )  # fmt: skip
        found = re.search(r"tak://\S+", told)
        assert found is not None
        assert urlsplit(found[0]).path == "/enroll"
        return {name: part for name, [part] in parse_qs(urlsplit(found[0]).query).items()}

    def ask(self, path: str, name: str, token: str, body: bytes | None = None, **headers: str):  # type: ignore[no-untyped-def] # noqa: ANN201 - httpx's
        url = f"https://localhost:{self.served.port}{path}"
        with httpx.Client(verify=self.trust, auth=(name, token), headers=headers) as client:
            return client.get(url) if body is None else client.post(url, content=body)

    def shows(self, certificate: bytes, key: Key, name: str) -> Tablet:
        """A tablet that shows this certificate."""
        file = self.folder / f"{name}.pem"
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        pem = x509.load_der_x509_certificate(certificate).public_bytes(Encoding.PEM)
        file.write_bytes(private + pem)
        trust = ssl.create_default_context(cafile=self.folder / "authority.pem")
        trust.load_cert_chain(file)
        return Tablet(listening(self.served, "tls"), trust)


def asked(key: Key, name: str = "somebody else") -> bytes:
    """A request as ATAK sends it: base64 in lines, without its armour."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = x509.CertificateSigningRequestBuilder(subject).sign(key, hashes.SHA256())
    lines = made.public_bytes(Encoding.PEM).splitlines()
    return b"\n".join(lines[1:-1])


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Base]:
    folder = tmp_path_factory.mktemp("tablets")
    keyring = Keyring(folder / "test.db")
    begin(folder / "test.db", keyring)
    Authority(folder).issue("node")
    told = detente("tablet", "authority", folder)
    assert "cot_ca_key" in told
    assert (folder / "tablets.key").stat().st_mode & 0o777 == 0o600
    with serving(
        folder, "--database", folder / "test.db", keys=keyring.folder,
        tls_certificate=folder / "node.pem", tls_key=folder / "node.key",
        tls_client_ca=folder / "tablets.pem", cot_tls="127.0.0.1:0",
        cot_ca_certificate=folder / "tablets.pem", cot_ca_key=folder / "tablets.key",
    ) as served:  # fmt: skip
        yield Base(served, folder)


def test_joins(base: Base) -> None:
    """A tablet joins by its code, and speaks for its party by its certificate."""
    code = base.code("Alpha-7")
    assert (code["host"], code["username"]) == ("localhost", "alpha-7")
    told = base.ask(CONFIG, code["username"], code["token"])
    assert told.status_code == 200
    entries = ET.fromstring(told.content).iter("{http://bbn.com/marti/xml/config}nameEntry")  # noqa: S314 - of our own node
    assert [(one.get("name"), one.get("value")) for one in entries] == [("O", "test")]
    key = ec.generate_private_key(ec.SECP256R1())
    sent = {"accept": "application/xml", "content-type": "application/pkcs10"}
    told = base.ask(f"{SIGN}?clientUid=ANDROID-1", "alpha-7", code["token"], asked(key), **sent)
    assert (told.status_code, told.headers["cache-control"]) == (200, "no-store")
    answer = ET.fromstring(told.content)  # noqa: S314 - of our own node
    certificate = base64.b64decode(answer.findtext("signedCert") or "")
    authority = base64.b64decode(answer.findtext("ca") or "")
    made = x509.load_der_x509_certificate(certificate)
    made.verify_directly_issued_by(x509.load_der_x509_certificate(authority))
    # It names the client, whatever the tablet called itself.
    assert made.subject.rfc4514_string() == "CN=alpha-7"
    tablet = base.shows(certificate, key, "alpha-7")
    other = base.shows(certificate, key, "alpha-7")
    tablet.send(event("ANDROID-1", 38.3, 33.0, callsign="Alpha"))
    other.until(named("ANDROID-1"))
    tablet.close()
    other.close()


def test_once(base: Base) -> None:
    """A code serves once, and a request that cannot be signed does not spend it."""
    code = base.code("Bravo", "--role", "notifier")
    weak = rsa.generate_private_key(public_exponent=65_537, key_size=1_024)  # noqa: S505 - to be refused
    for bad in (b"nonsense", b"", asked(weak), b"x" * 30_000):
        assert base.ask(SIGN, "bravo", code["token"], bad).status_code == 400
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    told = base.ask(SIGN, "bravo", code["token"], asked(key), accept="text/plain")
    assert told.headers["content-type"].startswith("text/plain")
    assert set(told.json()) == {"signedCert", "ca0"}
    # ATAK asks for settings next, by the token that is spent: there are none.
    profile = base.ask(f"{PROFILE}?clientUid=ANDROID-2", "bravo", code["token"])
    assert (profile.status_code, profile.content) == (204, b"")
    again = base.ask(SIGN, "bravo", code["token"], asked(key))
    assert (again.status_code, again.headers["www-authenticate"][:5]) == (401, "Basic")
    # It is no secret for anything else either.
    assert base.ask("/taxii2/", "bravo", code["token"]).status_code == 401
    listed = detente("client", "list", "--json", "--store", base.place)
    assert '"client":"bravo","party":"one","by":"certificate"' in listed


def test_refused(base: Base) -> None:
    """Another's token, none, one that is too old, or a revoked tablet's, is refused."""
    code = base.code("Charlie", "--qr", base.folder / "charlie.svg")
    assert (base.folder / "charlie.svg").read_text().startswith("<?xml")
    assert '"client":"charlie","party":"one","by":"token, once"' in detente(
        "client", "list", "--json", "--store", base.place
    )
    key = ec.generate_private_key(ec.SECP256R1())
    assert base.ask(SIGN, "charlie", "x" * 43, asked(key)).status_code == 401
    assert base.ask(SIGN, "alpha-7", code["token"], asked(key)).status_code == 401
    assert base.ask("/taxii2/", "charlie", code["token"]).status_code == 401
    url = f"https://localhost:{base.served.port}{CONFIG}"
    assert httpx.get(url, verify=base.trust).status_code == 401
    detente("client", "revoke", "charlie", "--store", base.place)
    assert base.ask(SIGN, "charlie", code["token"], asked(key)).status_code == 401
    store, now = Store(base.place), datetime.now(UTC)
    old = Client(
        id="old", party="one", scopes=scopes_of([Role.WATCH]),
        secret_hash=kept_of("t" * 43, now - timedelta(days=1)),
    )  # fmt: skip
    store.access.add_client(old, now=now)
    store.close()
    assert base.ask(SIGN, "old", "t" * 43, asked(key)).status_code == 401


@pytest.mark.parametrize(
    ("callsign", "accept"),
    [
        ("delta", "application/json"),
        ("echo", "application/json, text/plain, */*"),
        ("foxtrot", "Text/Plain; q=0.9"),
    ],
)
def test_json(base: Base, callsign: str, accept: str) -> None:
    """Who accepts JSON first is answered in it, and armour around a request is no matter."""
    code, key = base.code(callsign), ec.generate_private_key(ec.SECP256R1())
    armoured = (
        b"-----BEGIN CERTIFICATE REQUEST-----\r\n"
        + asked(key).replace(b"\n", b"\r\n")
        + b"\r\n-----END CERTIFICATE REQUEST-----\r\n"
    )
    told = base.ask(SIGN, callsign, code["token"], armoured, accept=accept)
    assert (told.status_code, set(told.json())) == (200, {"signedCert", "ca0"}), told.text


def test_tampered() -> None:
    """A request that its own key did not sign is refused."""
    key = ec.generate_private_key(ec.SECP256R1())
    data = bytearray(base64.b64decode(asked(key)))
    data[-1] ^= 1
    with pytest.raises(MalformedInput):
        request_of(base64.b64encode(data))
    assert request_of(asked(key)).is_signature_valid
