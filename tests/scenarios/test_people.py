"""A desk is told by mail; test_people.md tells it."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword

from conftest import begin
from detente.core.reach import Allowed
from detente.core.zone import Zone, ZoneRule
from detente.node.gateway import ANSWER, Order
from detente.node.keyring import Keyring
from http_node import Answered, Node, Party, node_at
from nodes import around
from ports import free_port
from receiver import Behaviour, Receiver

PASSWORD = "never-in-a-file"  # noqa: S105 - of a test


def written(data: bytes) -> str:
    """All that a mail says, its title too."""
    mail = message_from_bytes(data, policy=default)
    parts = [one.get_content() for one in mail.walk() if not one.is_multipart()]
    return "\n".join([str(mail["subject"]), *parts])


class Gateway(Receiver):
    """A web address that takes anything."""

    def came(self, path: str, _headers: dict[str, str], _body: bytes) -> Behaviour:
        self.attempts.append((path, 200))
        return 200


class Mail:
    """A mail server that takes mail from who knows the password."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.taken: list[str] = []
        self._server: Any = None

    async def handle_RCPT(  # noqa: N802
        self, _server: Any, _session: Any, envelope: Envelope, address: str, _options: Any
    ) -> str:
        """Know the desk alone."""
        if address != "desk@example.org":
            return "550 no such desk"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Envelope) -> str:  # noqa: N802
        """Take one."""
        assert isinstance(envelope.content, bytes)
        self.taken.append(written(envelope.content))
        return "250 OK"

    def start(self) -> None:
        def known(_server: Any, _session: Any, _envelope: Any, _how: str, data: Any) -> AuthResult:
            ok = isinstance(data, LoginPassword) and data.password == PASSWORD.encode()
            return AuthResult(success=ok)

        self._server = Controller(
            self, hostname="127.0.0.1", port=self.port, authenticator=known, auth_require_tls=False,
            ready_timeout=30,
        )  # fmt: skip
        self._server.start()

    def stop(self) -> None:
        self._server.stop()

    def wait(self, count: int) -> str:
        until(lambda: len(self.taken) >= count)
        return self.taken[count - 1]


def until(holds: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


class Town:
    """A node, parties one and two, and the mail server of two's desk."""

    def __init__(self, node: Node, mail: Mail, folder: Path) -> None:
        self.one, self.two = node.party("one"), node.party("two")
        self.mail = mail
        self.folder = folder
        self.url = node.url

    @property
    def address(self) -> str:
        return (
            f"mailto://desk:{PASSWORD}@127.0.0.1:{self.mail.port}"
            "?from=node@example.org&to=desk@example.org"
        )

    def file(self, name: str) -> Answered:
        zone = Zone(source_id=name, name=name, rule=ZoneRule.BOUNDARY, volumes=around(38.1234, 35))
        body = msgspec.json.decode(msgspec.json.encode(zone))
        body = {part: value for part, value in body.items() if part not in {"type", "party"}}
        told = self.one.post("/v1/zones", {**body, "release": {"members": "full"}})
        assert told.status == 201, told.body
        return told

    def told(self, leaf: str) -> list[tuple[str, str, str]]:
        """What the record says of an entry's deliveries to people."""
        rows = self.one.get("/v1/objects?kind=delivery&limit=1000").json["objects"]
        values = [one["value"] for one in rows if leaf in one["value"]["entries"]]
        return [
            (one["to"], one["outcome"], one.get("grade", "full"))
            for one in values
            if one["how"] == "people"
        ]


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    folder = tmp_path_factory.mktemp("people")
    keyring = Keyring(folder / "test.db")
    begin(folder / "test.db", keyring)
    mail = Mail(free_port())
    mail.start()
    allowed = ("webhook_http=true", "webhook_private=true", "people_rest_s=2")
    with node_at(folder / "test.db", keyring, folder, *allowed) as node:
        yield Town(node, mail, folder)
    mail.stop()


def subscribe(party: Party, people: str, **parts: Any) -> Answered:
    return party.post("/v1/subscriptions", {"kinds": ["zone"], "people": people, **parts})


def test_told(town: Town) -> None:
    """A desk gives an address, is sent a test, and is told that there is something to read."""
    made = subscribe(town.two, town.address)
    assert made.status == 201, made.body
    assert "a test" in town.mail.wait(1)
    zone = town.file("Secret ridge")
    text = town.mail.wait(2)
    assert "1 of zone" in text
    object_id = made.json["receipt"]["object_id"]
    assert f"&subscription={object_id}" in text.replace("&amp;", "&")
    assert not any(word in text for word in ("Secret", "ridge", "38.12", "boundary"))
    until(lambda: town.told(zone.json["leaf"]) == [("two", "delivered", "contact")])


def test_sealed(town: Town) -> None:
    """The address is in no file of the register."""
    found = town.two.get("/v1/subscriptions").body
    assert PASSWORD.encode() not in found
    assert b"example.org" not in found
    held = [path for path in town.folder.rglob("*") if path.is_file()]
    assert any(path.name.startswith("test.db") for path in held)
    assert not [path for path in held if PASSWORD.encode() in path.read_bytes()]


def test_again(town: Town) -> None:
    """What a mail server does not take is tried again, and the record says so."""
    before = len(town.mail.taken)
    town.mail.stop()
    zone = town.file("While it was away")
    # Not at once after the message before: people are not told of each entry by itself.
    until(lambda: ("two", "failed", "contact") in town.told(zone.json["leaf"]), seconds=90)
    town.mail.start()
    until(lambda: len(town.mail.taken) > before, seconds=90)
    until(lambda: town.told(zone.json["leaf"])[-1] == ("two", "delivered", "contact"))


def test_not_taken(town: Town) -> None:
    """Where no test message is taken, nothing is made."""
    count = len(town.two.get("/v1/subscriptions").json["subscriptions"])
    wrong = town.address.replace("to=desk", "to=wrong")
    refused = subscribe(town.two, wrong).refused(503, "unavailable")
    assert "wrong" not in str(refused)
    subscribe(town.two, f"json://127.0.0.1:{free_port()}/x").refused(503, "unavailable")
    assert len(town.two.get("/v1/subscriptions").json["subscriptions"]) == count


@pytest.mark.parametrize(
    "address",
    [
        "file:///etc/passwd", "syslog://", "dbus://", "windows://", "https://example.org",
        "mailto://a:hidden@example.org?verify=no", "mailto://a:hidden@example.org?attach=/etc/x",
        "slack://T1/A1/hidden?template=/etc/x", "mailto://a b", "", "exec://x",
        "apprise://example.org/hidden",
        "json://example.org/hidden,file:///etc/x", "matrix://a:hidden@example.org/#b?verify=no",
        "mailto://a:hidden@example.org?to=b@example.org;verify=no", "json://a/?to=b?verify=no",
        "json://a/?VERIFY=no", "json://a/?%76erify=no", "json://a/?+x=hidden",
        "mailto://example.org?mode=insecure&tor=hidden",
    ],
)  # fmt: skip
def test_refused(town: Town, address: str) -> None:
    """An address that does more than send is refused, and never repeated."""
    problem = subscribe(town.two, address).refused(400, "malformed_input")
    assert "hidden" not in str(problem)
    both = subscribe(town.two, town.address, url="https://example.org/").refused(
        400, "malformed_input"
    )
    assert "people" in both["detail"]


def test_inside() -> None:
    """A gateway connects nowhere that a webhook may not go."""
    receiver = Gateway()
    mail = Mail(free_port())
    mail.start()

    def sent(url: str, *, private: bool) -> bool:
        order = Order(url=url, title="t", body="b", allowed=Allowed(http=True, private=private))
        done = subprocess.run(
            [sys.executable, "-P", "-m", "detente.node.gateway"],
            input=msgspec.json.encode(order), capture_output=True, check=False, timeout=60,
        )  # fmt: skip
        return done.stdout.endswith(ANSWER)

    url = f"json://127.0.0.1:{receiver.port}/hook?desk=1"
    by_name = url.replace("127.0.0.1", "localhost")
    by_mail = (
        f"mailto://desk:{PASSWORD}@example.org:{mail.port}"
        "?smtp=127.0.0.1&from=a@example.org&to=desk@example.org"
    )
    assert [sent(one, private=False) for one in (url, by_name, by_mail)] == [False] * 3
    assert (receiver.attempts, mail.taken) == ([], [])
    assert sent(by_name, private=True)
    assert sent(by_mail, private=True)
    assert (len(receiver.attempts), len(mail.taken)) == (1, 1)
    receiver.stop()
    mail.stop()
