"""Who may ask is said on the command line; the node that serves holds to it."""

import json
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from cli import Ran, detente
from detente.cli import EXIT_MALFORMED
from detente.cli.app import app
from detente.errors import DetenteError
from served import serving
from tokens import RSA, token

PASSWORD = "correct horse battery"  # noqa: S105 - of a test
READY_S = 60


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A register with the party med-air."""
    assert command(tmp_path, "init").status == 0
    assert command(tmp_path, "party", "new", "Medical air", "--id", "med-air").status == 0
    return tmp_path


@contextmanager
def served(folder: Path, *options: str) -> Iterator[str]:
    """``detente serve`` in a folder; gives its address once it is ready."""
    with serving(folder, *options) as node:
        url = f"http://127.0.0.1:{node.port}"
        until = time.monotonic() + READY_S
        while httpx.get(f"{url}/health/ready").status_code != 200:
            assert time.monotonic() < until, node.log()
            time.sleep(0.1)
        yield url


def command(folder: Path, *arguments: object, given: str = "") -> Ran:
    """A command, in this process: the programs start as often as they serve, and no oftener."""
    done = CliRunner().invoke(
        app,
        [str(one) for one in arguments],
        input=given,
        env={"DETENTE_STORE": str(folder / "detente.db"), "NO_COLOR": "1", "COLUMNS": "200"},
    )
    if done.exception is None or isinstance(done.exception, SystemExit):
        return Ran(done.exit_code, done.stdout, done.stderr)
    assert isinstance(done.exception, DetenteError), done.exception
    return Ran(EXIT_MALFORMED, done.stdout, str(done.exception))


def test_a_program_is_let_in_and_out(folder: Path) -> None:
    """A program gets a secret, a token for it, and is out when it is revoked."""
    made = command(folder, "client", "new", "uss-1", "--party", "med-air", "--role", "planner")
    assert made.status == 0, made.err
    secret = re.search(r"^secret (\S{43})$", made.out, re.MULTILINE)
    assert secret is not None
    for wrong, said in (
        (("uss-1", "--party", "med-air", "--role", "planner"), "not taken yet"),
        (("uss-2", "--party", "nobody", "--role", "planner"), "party nobody"),
        (("uss-2", "--party", "med-air"), "--scope or --role"),
        (("uss-2", "--party", "med-air", "--role", "pilot"), "notifier, planner"),
        (("uss-2", "--party", "med-air", "--scope", "all"), "detente.read"),
        (
            (
                "uss-2",
                "--party",
                "med-air",
                "--role",
                "planner",
                "--certificate",
                folder / "detente.db",
            ),
            "a certificate",
        ),
    ):
        refused = command(folder, "client", "new", *wrong)
        assert (refused.status, said in refused.err) == (2, True), refused
    listed = command(folder, "client", "list")
    assert "uss-1" in listed.out
    assert secret[1] not in listed.out
    assert secret[1].encode() not in (folder / "detente.db").read_bytes()
    with served(folder) as url:
        form = {"grant_type": "client_credentials", "scope": "detente.read"}
        answer = httpx.post(f"{url}/v1/token", data=form, auth=("uss-1", secret[1]))
        assert answer.status_code == 200, answer.text
        bearer = {"authorization": f"Bearer {answer.json()['access_token']}"}
        who = httpx.get(f"{url}/v1/session", headers=bearer)
        assert who.json()["party"] == "med-air"
        assert who.json()["scopes"] == ["detente.read"]
        nobody = httpx.get(f"{url}/v1/session")
        assert nobody.status_code == 401
        assert nobody.headers["www-authenticate"] == 'Bearer realm="detente"'
        assert nobody.json()["code"] == "not_authentic"
        assert command(folder, "client", "revoke", "uss-1").status == 0
        until = time.monotonic() + 30
        while httpx.get(f"{url}/v1/session", headers=bearer).status_code == 200:
            assert time.monotonic() < until, "a revoked client's token still holds"
            time.sleep(0.2)
        again = httpx.post(f"{url}/v1/token", data=form, auth=("uss-1", secret[1]))
        assert (again.status_code, again.json()["error"]) == (401, "invalid_client")
    assert "revoked" in command(folder, "client", "list").out
    listed_json = json.loads(command(folder, "client", "list", "--json").out)
    assert listed_json[0]["state"] == "revoked"
    assert command(folder, "client", "revoke", "uss-1").status == 2


def test_a_desk_is_let_in_and_out(folder: Path) -> None:
    """A desk gets an account, signs in, and is out when it is disabled."""
    new = ("account", "new", "Air desk", "--party", "med-air", "--role", "watch")
    short = command(folder, *new, given="short\n")
    assert (short.status, "12 to 1000 characters, got 5" in short.err) == (2, True)
    made = command(folder, *new, given=f"{PASSWORD}\n")
    assert made.status == 0, made.err
    assert PASSWORD not in made.out + made.err
    assert command(folder, *new, given=f"{PASSWORD}\n").status == 2
    assert command(folder, *new[:-2], given=f"{PASSWORD}\n").status == 2
    assert command(folder, "account", "list").out.count("Air desk") == 1
    operator = ("account", "new", "operator", "--party", "node", "--role", "administrator")
    assert command(folder, *operator, given=f"{PASSWORD}\n").status == 0
    with served(folder) as url:
        credentials = {"name": "Air desk", "password": PASSWORD}
        entered = httpx.post(f"{url}/v1/session", json=credentials)
        assert entered.status_code == 201, entered.text
        assert entered.json()["roles"] == ["watch"]
        cookie = {"cookie": entered.headers["set-cookie"].partition(";")[0]}
        assert httpx.get(f"{url}/v1/session", headers=cookie).status_code == 200
        other = command(folder, "account", "password", "Air desk", given=f"{PASSWORD}!\n")
        assert other.status == 0, other.err
        until = time.monotonic() + 30
        while httpx.get(f"{url}/v1/session", headers=cookie).status_code == 200:
            assert time.monotonic() < until, "a session outlives its account's password"
            time.sleep(0.2)
        credentials["password"] += "!"
        assert httpx.post(f"{url}/v1/session", json=credentials).status_code == 201
        assert command(folder, "account", "disable", "Air desk").status == 0
        assert httpx.post(f"{url}/v1/session", json=credentials).status_code == 401
        root = httpx.post(f"{url}/v1/session", json={"name": "operator", "password": PASSWORD})
        assert root.json()["party"] == "node"
        assert "detente.admin" in root.json()["scopes"]
    assert "disabled" in command(folder, "account", "list").out
    assert command(folder, "account", "disable", "nobody").status == 2


def test_an_issuer_is_configured(folder: Path) -> None:
    """An issuer in the settings file vouches for parties, and introduces them if it may."""
    (folder / "issuer.pem").write_bytes(RSA.as_pem(private=False))
    (folder / "detente.toml").write_text(
        'audiences = ["node.example"]\n'
        '[[issuers]]\nissuer = "https://issuer.example"\nkey_files = ["issuer.pem"]\n'
    )
    now_s = time.time()
    known = token(sub="med-air", exp=now_s + 600, nbf=None, scope="detente.read").decode()
    stranger = token(sub="uss_9", exp=now_s + 600, nbf=None, scope="detente.read").decode()

    def status(url: str, bearer: str) -> int:
        headers = {"authorization": f"Bearer {bearer}"}
        return httpx.get(f"{url}/v1/session", headers=headers).status_code

    with served(folder) as url:
        assert status(url, known) == 200
        assert status(url, stranger) == 403
        assert status(url, known[:-6]) == 401
    with (folder / "detente.toml").open("a") as file:
        file.write("introduces = true\n")
    with served(folder) as url:
        assert status(url, stranger) == 200
        assert status(url, stranger) == 200
    assert "uss_9" in command(folder, "list", "--kind", "party").out
    assert command(folder, "log", "verify").status == 0
    with (folder / "detente.toml").open("a") as file:
        file.write('algorithm = "none"\n')
    refused = detente("serve", "--port", "0", cwd=folder)
    assert refused.status != 0
    assert "algorithm" in refused.err


def test_a_partys_key_is_replaced_and_revoked(folder: Path) -> None:
    """A party's key is replaced, then revoked; what was signed before stays."""
    (folder / "sites.csv").write_text("id,name,lat,lon\na,A hospital,50.5678,10.1234\n")
    say = (
        "import",
        folder / "sites.csv",
        "--as",
        "notices",
        "--category",
        "medical",
        "--party",
        "med-air",
    )
    assert command(folder, *say).status == 0
    old = folder / "old.keys"
    shutil.copytree(folder / "detente.keys", old)
    rotated = command(folder, "party", "rotate", "med-air")
    assert rotated.status == 0, rotated.err
    key = re.search(r"key ([0-9a-f]{16})", rotated.out)
    assert key is not None
    (folder / "sites.csv").write_text("id,name,lat,lon\na,A hospital,50.5679,10.1234\n")
    assert command(folder, *say).status == 0
    # Whoever kept the old key can do nothing with it.
    stale = command(folder, "party", "rotate", "med-air", "--keys", old)
    assert (stale.status, "a key that the record gives" in stale.err) == (2, True), stale
    assert command(folder, "party", "revoke", "med-air", "0" * 16).status == 2
    revoked = command(folder, "party", "revoke", "med-air", key[1])
    assert revoked.status == 0, revoked.err
    (folder / "sites.csv").write_text("id,name,lat,lon\na,A hospital,50.5677,10.1234\n")
    assert command(folder, *say).status == 2
    verified = command(folder, "log", "verify")
    assert verified.status == 0, verified.out
