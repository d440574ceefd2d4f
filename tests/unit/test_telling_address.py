"""Where webhooks may go, and what becomes of an attempt, against real servers."""

import asyncio
import base64
import ssl
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from certificates import Authority
from detente.errors import DetenteError, MalformedInput, NotPermitted, Unavailable
from detente.node.telling import post
from detente.node.telling.address import Allowed, require_public, resolve, target
from detente.node.telling.messages import pause_s
from detente.node.telling.post import Attempt, Message, Poster
from receiver import Receiver

ANYWHERE = Allowed(http=True, private=True)
SECRET = b"s" * 32


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0",  # noqa: S104
        "100.64.0.1", "224.0.0.1", "255.255.255.255", "240.0.0.1", "192.0.2.1", "198.18.0.1",
        "::1", "::", "fe80::1", "fc00::1", "ff02::1", "2001:db8::1", "::ffff:127.0.0.1",
        "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "::7f00:1",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    ],
)  # fmt: skip
def test_an_address_that_is_reached_only_from_inside_is_refused(address: str) -> None:
    with pytest.raises(NotPermitted):
        require_public(ip_address(address), Allowed())
    require_public(ip_address(address), Allowed(private=True))
    host = f"[{address}]" if ":" in address else address
    with pytest.raises(NotPermitted):
        target(f"https://{host}/", Allowed())


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8"]
)
def test_an_address_of_the_public_internet_is_taken(address: str) -> None:
    require_public(ip_address(address), Allowed())


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("http://example.org/", NotPermitted),
        ("ftp://example.org/", MalformedInput),
        ("example.org", MalformedInput),
        ("https://", MalformedInput),
        ("https://user@example.org/", MalformedInput),
        ("https://user:secret@example.org/", MalformedInput),
        ("https://example.org/#part", MalformedInput),
        ("https://example.org:99999/", MalformedInput),
        ("https://exam ple.org/", MalformedInput),
        ("https://example.org/\r\nhost: x", MalformedInput),
        ("https://[::1/", MalformedInput),
        ("https://a..b/", MalformedInput),
        ("https://127.1/", NotPermitted),
        ("https://0x7f000001/", NotPermitted),
        ("https://2130706433/", NotPermitted),
        ("https://017700000001/", NotPermitted),
    ],
)
def test_an_address_is_refused_before_any_name_server_is_asked(
    url: str, error: type[DetenteError]
) -> None:
    with pytest.raises(error):
        target(url, Allowed())


def test_an_address_is_taken_apart() -> None:
    found = target("https://Example.org:8443/a/b?c=d", Allowed())
    assert (found.host, found.port, found.path) == ("example.org", 8443, "/a/b?c=d")
    assert found.authority == "example.org:8443"
    assert found.url_at(ip_address("2606:4700::1")) == "https://[2606:4700::1]:8443/a/b?c=d"
    assert target("https://example.org", Allowed()).authority == "example.org"
    assert target("https://b\xfccher.example/", Allowed()).host == "xn--bcher-kva.example"


def test_a_name_that_resolves_inwards_is_refused_and_one_that_does_not_resolve_waits() -> None:
    inwards = target("https://localhost/", Allowed())
    with pytest.raises(NotPermitted):
        asyncio.run(resolve(inwards, Allowed()))
    assert asyncio.run(resolve(inwards, ANYWHERE))
    with pytest.raises(Unavailable):
        asyncio.run(resolve(target("https://nowhere.invalid/", Allowed()), Allowed()))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    made.secret = "whsec_" + base64.b64encode(SECRET).decode()
    yield made
    made.stop()


def attempt(
    url: str, *, allowed: Allowed = ANYWHERE, tls: ssl.SSLContext | None = None, turn: int = 0
) -> Attempt:
    async def story() -> Attempt:
        poster = Poster(allowed, tls)
        message = Message(id="m-1", body=b'{"type":"t"}', secret=SECRET)
        try:
            return await poster.post(url, message, now=datetime.now(UTC), turn=turn)
        finally:
            await poster.close()

    return asyncio.run(story())


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        (200, Attempt(ok=True, status=200)),
        (204, Attempt(ok=True, status=204)),
        (500, Attempt(ok=False, status=500)),
        (410, Attempt(ok=False, status=410)),
        ("redirect", Attempt(ok=False, status=307)),
        ("drop", Attempt(ok=False)),
    ],
)
def test_what_an_answer_means(receiver: Receiver, how: Any, expected: Attempt) -> None:
    receiver.how = how
    assert attempt(receiver.url) == expected
    assert len(receiver.attempts) == 1, "no redirect is followed"
    assert not receiver.problems


def test_an_answer_without_end_is_left(receiver: Receiver) -> None:
    receiver.how = "flood"
    began = time.monotonic()
    assert attempt(receiver.url) == Attempt(ok=True, status=200)
    assert time.monotonic() - began < 30


def test_a_receiver_that_stalls_is_left(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(post, "ATTEMPT_TIMEOUT_S", 0.5)
    receiver.how = "stall"
    began = time.monotonic()
    assert attempt(receiver.url) == Attempt(ok=False)
    assert time.monotonic() - began < 30, "half a second by itself"


def test_nothing_is_sent_where_it_may_not_go(receiver: Receiver) -> None:
    for allowed in (Allowed(), Allowed(http=True), Allowed(private=True)):
        assert attempt(receiver.url, allowed=allowed) == Attempt(ok=False)
    by_name = receiver.url.replace("127.0.0.1", "localhost")
    assert attempt(by_name, allowed=Allowed(http=True)) == Attempt(ok=False)
    assert receiver.attempts == []
    assert attempt("http://127.0.0.1:1/") == Attempt(ok=False)


def test_a_certificate_must_be_that_of_the_name(
    receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority(tmp_path)
    authority.issue("here")
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(tmp_path / "here.pem", tmp_path / "here.key")
    receiver._server.socket = server.wrap_socket(
        receiver._server.socket, server_side=True, do_handshake_on_connect=False
    )
    trusting = ssl.create_default_context(cafile=str(authority.path))
    url = f"https://localhost:{receiver.port}/hook?desk=1"
    assert attempt(url, tls=trusting) == Attempt(ok=True, status=200)
    assert attempt(url) == Attempt(ok=False), "an authority that this machine does not know"

    async def here(*_: object) -> list[Any]:
        return [ip_address("127.0.0.1")]

    monkeypatch.setattr(post, "resolve", here)
    assert attempt(url, tls=trusting) == Attempt(ok=True, status=200)
    other = url.replace("localhost", "other.example")
    assert attempt(other, tls=trusting) == Attempt(ok=False), "a certificate of another name"
    assert len(receiver.attempts) == 2


def test_pauses_grow_to_a_limit() -> None:
    for number, longest in (
        (1, 1.0),
        (2, 2.0),
        (5, 16.0),
        (9, 256.0),
        (10, 300.0),
        (10_000, 300.0),
    ):
        assert {longest / 2 <= pause_s(number) <= longest for _ in range(50)} == {True}
    assert len({pause_s(3) for _ in range(20)}) > 1
