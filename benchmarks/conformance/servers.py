"""What is checked: a node of ours, and its peers, each as its makers start it.

Each has a collection for each pair of rights, and two who ask. Where a server leaves a limit
open, it is set to one that can be reached in a moment.
"""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from conformance.suite import TAXII, Server, made

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))

from conftest import begin
from detente.core.principal import Scope
from detente.node.access.secret import hash_password
from detente.node.keyring import Keyring
from detente.store import Client, Store
from http_node import node_at
from taxii import SECRET, let_in

MEDALLION = ("medallion==3.0.0", "Flask==3.1.3")
OPENTAXII = ("opentaxii==0.9.3", "Flask==3.1.3", "SQLAlchemy==1.4.54", "marshmallow==3.26.1")
LENGTH = 1 << 20
"""Octets that a peer takes, as ours says its own."""

ONE, TWO, NOBODY = ("one", "first"), ("two", "second"), ("three", "third")
IDS = {
    "both": "91a7b528-80eb-42ed-a74d-c6fbd5a26116",
    "read_only": "52892447-4d7e-4f70-b94d-d7f22742ff63",
    "write_only": "2c1d1ba4-1f0d-4a3e-8f6b-6b3a1b1c9f10",
    "neither": "472c94ae-3113-4e3e-a4dd-a9f4ac7471d4",
}
RIGHTS = {
    "both": (True, True), "read_only": (True, False), "write_only": (False, True),
    "neither": (False, False),
}  # fmt: skip


@contextmanager
def detente(folder: Path) -> Iterator[Server]:
    """A node on SQLite: the agreement's collection, and the inboxes of two parties."""
    keyring, place = Keyring(folder / "test.db"), folder / "test.db"
    begin(place, keyring)
    let_in(place, "one", "two")
    store = Store(place)
    reading = frozenset({Scope.READ})
    store.access.add_client(
        Client(id="one-reads", party="one", scopes=reading, secret_hash=hash_password(SECRET)),
        now=datetime.now(UTC),
    )
    store.close()
    one, two = ("one-taxii", SECRET), ("two-taxii", SECRET)
    with node_at(place, keyring, folder) as node:
        root = f"{node.url}/taxii2/test/"
        listed = httpx.get(f"{root}collections/", auth=one, headers={"accept": TAXII}).json()
        ids = {each["alias"]: each["id"] for each in listed["collections"]}
        seeded = made("tool")
        given = httpx.post(
            f"{root}collections/{ids['inbox:one']}/objects/", auth=two, json={"objects": [seeded]},
            headers={"accept": TAXII, "content-type": TAXII},
        )  # fmt: skip
        given.raise_for_status()
        yield Server(
            name="Détente", url=node.url, root="/taxii2/test/", login=one, reader=two,
            both=ids["agreement"], read_only=ids["inbox:one"], seeded=seeded["id"],
            write_only=ids["inbox:two"], neither=(("one-reads", SECRET), ids["inbox:two"]),
        )  # fmt: skip


@contextmanager
def medallion(folder: Path) -> Iterator[Server]:
    """OASIS's own server, on its memory; one user's rights are all users' there."""
    seeded, date = made("tool"), "2026-01-01T00:00:00.000000Z"
    entry = {"id": seeded["id"], "date_added": date, "version": seeded["modified"],
             "media_type": "application/stix+json;version=2.1"}  # fmt: skip
    root = {
        "information": {"title": "Root", "versions": [TAXII], "max_content_length": LENGTH},
        "status": [],
        "collections": [
            {
                "id": IDS[name], "title": name, "can_read": read, "can_write": write,
                "media_types": ["application/stix+json;version=2.1"],
                "objects": [seeded] if name == "read_only" else [],
                "manifest": [entry] if name == "read_only" else [],
            }
            for name, (read, write) in RIGHTS.items()
        ],
    }  # fmt: skip
    found = {"title": "medallion", "default": "/root/", "api_roots": ["/root/"]}
    (folder / "data.json").write_text(json.dumps({"/discovery": found, "root": root}))
    backend = {"module": "medallion.backends.memory_backend", "module_class": "MemoryBackend",
               "filename": str(folder / "data.json")}  # fmt: skip
    config = {"users": dict([ONE, TWO]), "backend": backend, "taxii": {"max_page_size": 100}}
    (folder / "config.json").write_text(json.dumps(config))
    port = free_port()
    command = [bin_of(folder, MEDALLION) / "medallion", "--port", port, folder / "config.json"]
    with running(command, port, folder) as url:
        yield Server(name="medallion 3.0.0", url=url, root="/root/", login=ONE, reader=TWO,
                     seeded=seeded["id"], neither=(ONE, IDS["neither"]), **three())  # fmt: skip


OPENTAXII_APP = """
import json, os, sys
sys.path.insert(0, os.path.dirname(__file__))
os.environ["OPENTAXII_CONFIG"] = os.path.join(os.path.dirname(__file__), "config.json")
json.JSONEncoder.default = lambda self, value: str(value)  # Its ids are no text to its own JSON.
from opentaxii.http import app
from opentaxii.persistence.sqldb import taxii2models as models
given = json.load(open(os.path.join(os.path.dirname(__file__), "given.json")))
with app.app_context():
    api = app.taxii_server.servers.taxii2.persistence.api
    root = api.add_api_root(title="Root", description="", default=True)
    for name, id in given["ids"].items():
        api.db.session.add(models.Collection(
            id=id, api_root_id=root.id, title=name, is_public=False, is_public_write=False))
    api.db.session.commit()
    print(root.id, flush=True)
app.debug = False
app.run(port=given["port"], threaded=True)
"""

OPENTAXII_AUTH = '''
import json, os, uuid
from opentaxii.auth import OpenTAXIIAuthAPI
from opentaxii.entities import Account
given = json.load(open(os.path.join(os.path.dirname(__file__), "given.json")))
class Auth(OpenTAXIIAuthAPI):
    """Whom it lets do what: its own keeps no rights of TAXII 2."""
    def init_app(self, app): pass
    def authenticate(self, username, password):
        return username if given["logins"].get(username) == password else None
    def get_account(self, token):
        if token not in given["logins"]: return None
        rights = {uuid.UUID(id): words for id, words in given["rights"][token].items()}
        return Account(id=token, username=token, permissions=rights)
'''


@contextmanager
def opentaxii(folder: Path) -> Iterator[Server]:
    """EclecticIQ's server, on SQLite."""
    words = {name: [w for w, has in zip(("read", "write"), pair, strict=True) if has]
             for name, pair in RIGHTS.items()}  # fmt: skip
    one = {IDS[name]: said for name, said in words.items()}
    port = free_port()
    given = {
        "ids": IDS, "port": port, "logins": dict([ONE, TWO]),
        "rights": {"one": one, "two": {IDS["both"]: ["read"], IDS["read_only"]: ["write"]}},
    }  # fmt: skip
    database = {"class": "opentaxii.persistence.sqldb.Taxii2SQLDatabaseAPI",
                "parameters": {"db_connection": f"sqlite:///{folder}/data.db",
                               "create_tables": True}}  # fmt: skip
    config = {
        "domain": f"127.0.0.1:{port}", "support_basic_auth": True, "taxii1": None,
        "taxii2": {"title": "OpenTAXII", "max_content_length": LENGTH, "public_discovery": False,
                   "allow_custom_properties": True, "persistence_api": database},
        "auth_api": {"class": "conformance_auth.Auth", "parameters": {}},
    }  # fmt: skip
    for name, content in {
        "config.json": json.dumps(config), "given.json": json.dumps(given),
        "conformance_auth.py": OPENTAXII_AUTH, "conformance_app.py": OPENTAXII_APP,
    }.items():  # fmt: skip
        (folder / name).write_text(content)
    command = [bin_of(folder, OPENTAXII) / "python", folder / "conformance_app.py"]
    seeded = made("tool")
    with running(command, port, folder) as url:
        root = f"/taxii2/{(folder / 'out').read_text().split()[0]}/"
        httpx.post(
            f"{url}{root}collections/{IDS['read_only']}/objects/", auth=TWO,
            json={"objects": [seeded]}, headers={"accept": TAXII, "content-type": TAXII},
        ).raise_for_status()  # fmt: skip
        yield Server(name="OpenTAXII 0.9.3", url=url, root=root, login=ONE, reader=TWO,
                     seeded=seeded["id"], neither=(ONE, IDS["neither"]), **three())  # fmt: skip


def three() -> dict[str, str]:
    return {name: IDS[name] for name in ("both", "read_only", "write_only")}


def bin_of(folder: Path, packages: tuple[str, ...]) -> Path:
    """Programs of these packages, in an environment of their own."""
    home = folder / "peer"
    subprocess.run([sys.executable, "-m", "venv", home], check=True)
    pip = [home / "bin" / "pip", "install", "-q", "setuptools<80", *packages]
    subprocess.run(pip, check=True, capture_output=True)
    return home / "bin"


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def running(command: list[Any], port: int, folder: Path) -> Iterator[str]:
    """A peer's process until the block ends."""
    with (folder / "out").open("w") as out, (folder / "log").open("w") as log:
        process = subprocess.Popen([*map(str, command)], stdout=out, stderr=log, cwd=folder)
    try:
        for _ in range(100):
            with socket.socket() as line:
                if line.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)
