"""The hotline of a node elsewhere, with the real command; test_calling_elsewhere.md tells it."""

import json
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, TypeVar

import httpx
import msgspec
import pytest
from nacl.signing import SigningKey
from test_hotline import LISTENERS, line, listen

from certificates import Authority
from cli import Ran, detente
from detente.cli.calling_elsewhere import _signed
from detente.cli.remote import Remote
from detente.core.incident import Code, Incident
from detente.core.party import key_id
from detente.core.principal import Role, Scope
from detente.core.volume import Circle, Volume
from detente.node.keyring import Keyring
from http_node import EVERY_ROLE, Node, bearer, node_at, token_of
from nodes import hospital
from ports import free_port

T = TypeVar("T")

WHERE = "50.0 10.0"
CALL = ("call", WHERE, "--code", "stop_hitting_us")


class Town:
    """A node, and a folder elsewhere in which commands run."""

    def __init__(self, node: Node, register: Path, elsewhere: Path) -> None:
        self.node, self.register, self.elsewhere = node, register, elsewhere

    def ask(
        self, *arguments: object, party: str = "", url: str = "", token: str | None = None
    ) -> Ran:
        """Run a command for a node elsewhere; with a token of a party, or this one."""
        if token is None and party:
            token = bearer(party, EVERY_ROLE)
        env = {"DETENTE_TOKEN": token or "", "DETENTE_NODE": url or self.node.url}
        return detente(*arguments, cwd=self.elsewhere, env=env)

    def keys(self, party: str) -> Path:
        """A folder with the key of one party alone, as it would be elsewhere."""
        folder = self.elsewhere / f"keys of {party}"
        folder.mkdir(exist_ok=True)
        shutil.copy(Keyring(self.register).path(party), folder)
        return folder


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    folder, elsewhere = tmp_path_factory.mktemp("node"), tmp_path_factory.mktemp("elsewhere")
    for arguments in (("init", "--theatre", "test"), *(("party", "new", one) for one in PARTIES)):
        assert detente(*arguments, cwd=folder).status == 0
    register = folder / "detente.db"
    with node_at(register, Keyring(register), folder) as node:
        for name, lon in (("two", 10.0), ("three", 20.0)):
            body = msgspec.to_builtins(hospital(f"secret of {name}", lon, 50.0))
            assert node.party(name).post("/v1/notices", body).status == 201
        yield Town(node, register, elsewhere)
    while LISTENERS:
        LISTENERS.pop().join()


PARTIES = ("one", "two", "three")


def only(done: Ran) -> Any:
    """The one call that a command shows."""
    assert done.status == 0, done.err
    [found] = json.loads(done.out)["lines"]
    return found


def receipt(said: Any) -> dict[str, str]:
    return {"object_id": said["incident"]["object"]}


def author(town: Town, said: Any) -> Any:
    path = f"/v1/objects/{said['object_id']}/history"
    return town.node.party("two").get(path).json["versions"][0]


def test_token(town: Town) -> None:
    """A token calls, while all is suspended, and the called one answers"""
    administrator = town.node.party("one", Role.ADMINISTRATOR)
    assert administrator.post("/v1/agreement/suspend").status == 201
    heard = listen(town.node, "two")
    said = only(town.ask(*CALL, "--words", "At the bridge", "--id", "17", "--json", party="one"))
    heard.wait(lambda it: any(event["kind"] == "call" for event in it.events))
    [event] = [event for event in heard.events if event["kind"] == "call"]
    assert event["shows"]["value"]["words"] == "At the bridge"
    # The node says for whom it took it in: the party did not sign.
    node_key = Keyring(town.register).load("node")
    assert author(town, receipt(said))["key"] == key_id(bytes(node_key.verify_key))
    short = said["incident"]["object"][:8]
    done = town.ask("step", short, "acting", "--words", "Aircraft told", party="two")
    assert done.status == 0, done.err
    assert "two acting: Aircraft told" in done.out
    mine = only(town.ask("calls", "--json", "--party", "two", party="two"))
    assert mine == json.loads(json.dumps(line(town.node.party("two"), receipt(said))))
    assert json.loads(town.ask("calls", "--json", party="three").out)["lines"] == []
    assert "one: STOP: you are hitting us" in town.ask("calls", party="one").out
    assert town.ask("step", short, "closed", party="one").status == 0
    assert town.ask("calls", party="one").out.strip() == "no call"
    assert "one closed" in town.ask("calls", "--all", party="one").out
    assert administrator.post("/v1/agreement/resume").status == 201


def test_key(town: Town) -> None:
    """A party's own key calls without a token, and the record has its signature"""
    keys = town.keys("one")
    done = town.ask(*CALL, "--party", "one", "--keys", keys, "--json")
    assert done.status == 0, done.err
    said = json.loads(done.out)
    key = Keyring(town.register).load("one")
    assert author(town, said)["key"] == key_id(bytes(key.verify_key))
    assert line(town.node.party("two"), said)["state"] == "called"
    # Without a token nothing can be looked up: a step names its call whole.
    done = town.ask("step", said["object_id"][:8], "closed", "--party", "one", "--keys", keys)
    assert (done.status, "its whole id" in done.err) == (2, True), done.err
    done = town.ask("step", said["object_id"], "closed", "--party", "one", "--keys", keys)
    assert done.status == 0, done.err
    assert done.out.startswith("on record: entry ")
    # Nor does another's key speak for it.
    wrong = town.keys("two")
    (wrong / "two.pem").rename(wrong / "one.pem")
    done = town.ask(*CALL, "--party", "one", "--keys", wrong)
    assert (done.status, done.out) == (2, "")
    assert line(town.node.party("two"), said)["state"] == "closed"


def test_at_once(town: Town) -> None:
    """Two that speak at once for one party are both heard"""
    keys, ran = town.keys("three"), dict[str, Ran]()

    def speak(name: str) -> None:
        arguments = (*CALL, "--party", "three", "--keys", keys, "--id", name, "--json")
        ran[name] = town.ask(*arguments)

    threads = [threading.Thread(target=speak, args=[f"at once {n}"]) for n in range(3)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert {name: done.status for name, done in ran.items()} == dict.fromkeys(ran, 0), ran
    # However closely: here another entry comes just before the one that was signed.
    key = Keyring(keys, keys).load("three")
    with closing(Interrupted(town.node.url, key)) as node:
        told = _signed(node, "three", key, said_by("three", "interrupted"))
    versions = (
        town.node.party("three").get(f"/v1/objects/{told.object_id}/history").json["versions"]
    )
    assert [one["key"] for one in versions] == [key_id(bytes(key.verify_key))]
    # A name that is taken is refused, and not tried again for ever.
    done = town.ask(*CALL, "--party", "three", "--keys", keys, "--id", "at once 0")
    assert (done.status, "at once 0" in done.err) == (2, True), done.err
    for said in [json.loads(done.out)["object_id"] for done in ran.values()] + [told.object_id]:
        closed = town.ask("step", said, "closed", "--party", "three", "--keys", keys)
        assert closed.status == 0, closed.err


def said_by(party: str, name: str) -> Incident:
    """A call, somewhere where nobody is near."""
    circle = Circle(centre=(-300_000_000, 0), radius_mm=1)
    return Incident(
        source_id=name, party=party, code=Code.OTHER, volumes=(Volume(footprint=(circle,)),)
    )


class Interrupted(Remote):
    """A way to a node on which the same party says something else once its chain was read."""

    def __init__(self, url: str, key: SigningKey) -> None:
        super().__init__(url, None)
        self._other = (url, key)
        self._came = False

    def get(self, path: str, form: type[T], **query: str) -> T:
        found = super().get(path, form, **query)
        if not self._came:
            self._came = True
            with closing(Remote(self._other[0], None)) as node:
                _signed(node, "three", self._other[1], said_by("three", "in between"))
        return found


def test_refused(town: Town) -> None:
    """What the node refuses is refused in its words, and the token is not shown"""
    before = town.node.party("one").get("/v1/incidents").json["lines"]
    reads = token_of("one", Scope.READ.value)
    wrong = {
        "DETENTE_TOKEN: expected a token of the node": town.ask(*CALL),
        "one word": town.ask(*CALL, token="two words"),  # noqa: S106
        "token": town.ask(*CALL, token=bearer("one", EVERY_ROLE)[:-4] + "AAAA"),
        "detente.call": town.ask(*CALL, token=reads),
        "the party of the token, one": town.ask(*CALL, "--party", "two", party="one"),
        "call 0123abcd": town.ask("step", "0123abcd", "closed", party="one"),
        "centre": town.ask("call", "97.0 10.0", "--code", "other", party="one"),
    }
    for named, done in wrong.items():
        assert (done.status, done.out) == (2, ""), named
        assert named in done.err
        assert done.err.count("\n") == 1
        assert "eyJ" not in done.err
    after = town.node.party("one").get("/v1/incidents").json["lines"]
    assert [one["incident"] for one in after] == [one["incident"] for one in before]
    # On a register here somebody must be named: no token says who speaks.
    done = detente(*CALL, cwd=town.elsewhere, env={"DETENTE_NODE": ""})
    assert (done.status, "--party: expected who speaks" in done.err) == (2, True), done.err
    # One that may call and not read has called: how it stands it cannot see.
    blind = token_of("one", f"{Scope.CALL.value}")
    done = town.ask(*CALL, "--json", token=blind)
    assert done.status == 0, done.err
    assert "said, and on record" in done.err
    assert json.loads(done.out)["sequence"] > 0
    assert town.ask("step", json.loads(done.out)["object_id"], "closed", party="one").status == 0


def test_unreachable(town: Town) -> None:
    """Where no node answers, the command says so by the reason"""
    url = f"http://127.0.0.1:{free_port()}"
    done = town.ask("calls", party="one", url=url)
    assert (done.status, done.out) == (2, "")
    assert f"{url}: expected an answer of the node, got ConnectError" in done.err
    with web(lambda _: (200, {"content-type": "text/html"}, b"<html>")) as other:
        done = town.ask("calls", party="one", url=other)
    assert (done.status, "a Détente node, got status 200, text/html" in done.err) == (2, True)
    with web(lambda _: (404, {"content-type": "application/json"}, b"{}")) as other:
        done = town.ask("calls", party="one", url=other)
    assert (done.status, "a Détente node, got status 404" in done.err) == (2, True)
    with web(lambda _: (200, {"content-type": "application/json"}, b'{"party": 7}')) as other:
        done = town.ask("calls", party="one", url=other)
    assert (done.status, "a Détente node" in done.err) == (2, True)


def test_tls(town: Town, tmp_path: Path) -> None:
    """Over TLS the node's certificate must be trusted"""
    authority = Authority(tmp_path)
    authority.issue("node")
    for arguments in (("init", "--theatre", "test"), ("party", "new", "one")):
        assert detente(*arguments, cwd=tmp_path).status == 0
    register = tmp_path / "detente.db"
    settings = (f"tls_certificate={tmp_path / 'node.pem'}", f"tls_key={tmp_path / 'node.key'}")
    with node_at(register, Keyring(register), tmp_path, *settings) as node:
        url = node.url.replace("http:", "https:")
        done = town.ask("calls", party="one", url=url)
        assert (done.status, done.out) == (2, "")
        assert "a certificate that this machine trusts" in done.err
        trusting = {
            "SSL_CERT_FILE": f"{authority.path}", "DETENTE_NODE": url,
            "DETENTE_TOKEN": bearer("one", EVERY_ROLE),
        }  # fmt: skip
        done = detente("calls", cwd=town.elsewhere, env=trusting)
        assert (done.status, done.out.strip()) == (0, "no call"), done.err
    # TLS to a port that does not speak it.
    done = town.ask("calls", party="one", url=town.node.url.replace("http:", "https:"))
    assert (done.status, "expected TLS" in done.err) == (2, True), done.err


def test_no_detours(town: Town) -> None:
    """No redirection is followed, and nothing goes out in clear text"""
    asked: list[str] = []

    def elsewhere(path: str) -> tuple[int, dict[str, str], bytes]:
        asked.append(path)
        return 307, {"location": f"{town.node.url}{path}"}, b""

    with web(elsewhere) as other:
        done = town.ask(*CALL, party="one", url=other)
    assert (done.status, "got status 307" in done.err) == (2, True), done.err
    assert asked == ["/v1/me"]
    for url in ("http://192.0.2.1", "ftp://localhost", "node.example.org", "https://u:p@node"):
        done = town.ask(*CALL, party="one", url=url)
        assert (done.status, "--node: expected https://HOST" in done.err) == (2, True), done.err
        assert "u:p" not in done.err


def test_once(town: Town) -> None:
    """What got no answer is said again, and counts once"""
    keys = town.keys("one")
    ways: dict[str, dict[str, str]] = {"by token": {"party": "one"}, "by key": {}}
    for name, way in ways.items():
        also = () if way else ("--party", "one", "--keys", keys)
        with forgetful(town.node.url) as (url, lost):
            done = town.ask(*CALL, "--id", name, "--json", *also, url=url, **way)
        assert done.status == 0, done.err
        assert len(lost) == 1
        named = [
            one["incident"]["object"]
            for one in town.node.party("one").get("/v1/incidents?open=true").json["lines"]
            if one["incident"]["value"]["source_id"] == name
        ]
        assert len(named) == 1
        assert town.ask("step", named[0], "closed", party="one").status == 0


@contextmanager
def forgetful(url: str) -> Iterator[tuple[str, list[str]]]:
    """A way to a node that loses the answer to the first thing said."""
    lost: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._pass_on(b"")

        def do_POST(self) -> None:
            self._pass_on(self.rfile.read(int(self.headers["content-length"])))

        def _pass_on(self, body: bytes) -> None:
            headers = {
                name: value for name, value in self.headers.items() if name.lower() != "host"
            }
            told = httpx.request(
                self.command, url + self.path, content=body, headers=headers, timeout=60
            )
            if self.command == "POST" and not lost:
                lost.append(self.path)
                self.connection.close()
                return
            self.send_response(told.status_code)
            self.send_header("content-type", told.headers["content-type"])
            self.send_header("content-length", f"{len(told.content)}")
            self.end_headers()
            self.wfile.write(told.content)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with serving(Handler) as here:
        yield here, lost


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """A web server on loopback."""
    server = HTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


@contextmanager
def web(answer: Callable[[str], tuple[int, dict[str, str], bytes]]) -> Iterator[str]:
    """A web server on loopback that is no node."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, body = answer(self.path)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", f"{len(body)}")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing: a test reads what was asked."""

    with serving(Handler) as here:
        yield here
