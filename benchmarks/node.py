"""The figures of a node that serves: intents, signed entries, checks, on both databases.

Everything goes over HTTP, from a generator on the same machine; tokens are RS256.
"""

import base64
import json
import os
import random
import secrets
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import numpy as np
from joserfc import jwt
from joserfc.jwk import RSAKey
from load import Each, Result, load, request
from msgspec import Struct

from detente.core.agreement import Agreement
from detente.core.notice import Notice
from detente.core.party import Party
from detente.core.release import Grade, Release
from detente.core.volume import Circle, Volume
from detente.node.author import Author
from detente.node.keyring import Keyring
from detente.node.submit import appended
from detente.node.theatre import admit, found
from detente.store import Place, Store, parse_place

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from postgres import Cluster

DETENTE = Path(sys.executable).with_name("detente")
CLIENTS = 64
INTENTS = 10_000
IN_ONE_CELL = 1_000
ENTRIES = 12_800
CHECKS = 20_000
NOTICES = 1_000_000
NOTICES_SHARED = 100_000
"""Notices of the comparison of databases: PostgreSQL is slow to fill."""
SCOPES = "utm.strategic_coordination detente.check"
START_S = 180
ESTABLISHED = "01"
"""As /proc/net/tcp spells it."""


class NodeBench:
    """Registers, tokens and servers in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key = RSAKey.generate_key(2048, private=True)
        (folder / "issuer.pem").write_bytes(self.key.as_pem(private=False))
        (folder / "detente.toml").write_text(
            '[[issuers]]\nissuer = "bench"\naudiences = ["localhost"]\nintroduces = true\n'
            f'key_files = ["{folder}/issuer.pem"]\nalgorithm = "RS256"\n'
        )

    def token(self, party: str) -> str:
        now = int(time.time())
        claims = {"iss": "bench", "aud": "localhost", "sub": party, "scope": SCOPES,
                  "iat": now, "exp": now + 3_500}  # fmt: skip
        return jwt.encode({"alg": "RS256"}, claims, self.key)

    def register(self, place: Place, notices: int) -> tuple[Keyring, list[str]]:
        """A theatre with parties that sign and notices in clusters."""
        keyring = Keyring(place, self.folder / f"keys-{secrets.token_hex(4)}")
        now = datetime.now(UTC)
        found(place, theatre="bench", agreement=Agreement(name="bench"), now=now, keyring=keyring)
        store = Store(place)
        parties = [f"p{number}" for number in range(CLIENTS)]
        for party in parties:
            admit(store, keyring, Party(id=party, name=party), now=now)
        fill(store, keyring, notices, now)
        store.close()
        return keyring, parties

    @contextmanager
    def serving(
        self, database: str, keyring: Keyring, workers: int = 1, **settings: str
    ) -> Iterator[int]:
        """A node, on a free port, with all its workers ready."""
        more = [part for name, value in settings.items() for part in ("--set", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                [DETENTE, "serve", "--database", database, "--port", "0", "--workers",
                 str(workers), "--set", f"keys={keyring.folder}", "--set", "log_level=warning",
                 *more],
                cwd=self.folder, stdout=subprocess.PIPE, stderr=log, text=True,
                env={**os.environ, "DETENTE_CONFIG": str(self.folder / "detente.toml")},
            )  # fmt: skip
        assert process.stdout
        line = process.stdout.readline()
        while line and "listening on" not in line:
            line = process.stdout.readline()
        try:
            port = int(line.partition("listening on ")[2].partition(",")[0].rpartition(":")[2])
            wait_for_workers(process.pid, port, workers)
            yield port
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)

    def intents_spread(self, port: int) -> Result:
        """Intent creations that share nothing, each with an implicit subscription."""
        headers = self.headers("uss1")
        first = request("PUT", intent_path(), "localhost", intent(80.0, 0.0, ()), headers)
        load("127.0.0.1", port, Each([first]), connections=1)
        south = random.Random(secrets.token_bytes(8)).uniform(0, 0.02)
        asked = [
            request("PUT", intent_path(), "localhost",
                    intent(-60 + south + number // 600 * 0.05, -150 + number % 600 * 0.5, ()),
                    headers)
            for number in range(INTENTS)
        ]  # fmt: skip
        return all_of(load("127.0.0.1", port, Each(asked), connections=CLIENTS), 201)

    def intents_one_cell(self, port: int) -> Result:
        """Each in the place of all before it, with the key that this takes."""
        source = Growing(self.headers("uss1"), random.Random().uniform(-50, 50))
        return all_of(load("127.0.0.1", port, source, connections=1), 201)

    def signed_entries(self, port: int, place: Place, keyring: Keyring) -> Result:
        """Notices that parties signed themselves, a chain a connection."""
        store = Store(place)
        now = datetime.now(UTC)
        chains = []
        with store.reading() as record:
            for number in range(CLIENTS):
                party = f"p{number}"
                author = Author.following(record, party, keyring.load(party))
                chains.append([signed(author, party, n, now) for n in range(ENTRIES // CLIENTS)])
        store.close()
        return all_of(load("127.0.0.1", port, Chains(chains), connections=CLIENTS), 201)

    def checks(self, port: int) -> Result:
        """Single checks of circles of 0.5 to 5 km near notices."""
        headers = self.headers("p0")
        rng = np.random.default_rng(11)
        near = centres(rng, CHECKS)
        radii = rng.uniform(500_000, 5_000_000, CHECKS).astype(np.int64).tolist()
        asked = [
            request("POST", "/v1/check", "localhost", question(spot, radius), headers)
            for spot, radius in zip(near, radii, strict=True)
        ]
        load("127.0.0.1", port, Each(asked[:500]), connections=16)
        return all_of(load("127.0.0.1", port, Each(asked), connections=16), 200)

    def headers(self, party: str) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token(party)}", "content-type": "application/json"}


def wait_for_workers(supervisor: int, port: int, workers: int) -> None:
    """Until each worker has taken a connection: the node listens once its first is ready."""
    with ExitStack() as opened:
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            opened.enter_context(socket.create_connection(("127.0.0.1", port)))
            time.sleep(0.1)
            here = f":{port:04X}"
            rows = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:]]
            taken = {f"socket:[{row[9]}]" for row in rows if row[1].endswith(here)
                     and row[3] == ESTABLISHED}  # fmt: skip
            children = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()
            shares = [taken & links(Path(f"/proc/{child}/fd")) for child in children]
            if sum(map(bool, shares)) == workers:
                return
    sys.exit(f"not all of {workers} workers took a connection within {START_S} s")


def links(folder: Path) -> set[str]:
    """What a process has open."""
    found = set()
    for one in folder.iterdir():
        with suppress(FileNotFoundError):
            found.add(str(one.readlink()))
    return found


class Growing:
    """Intents in one place: each brings the tokens of all before it."""

    def __init__(self, headers: dict[str, str], where: float) -> None:
        self._headers = headers
        self._before, self._after = intent(where, 170.0, ["KEY"]).split(b'"KEY"')
        self._key: list[bytes] = []

    def next(self, _connection: int) -> bytes | None:
        if len(self._key) >= IN_ONE_CELL:
            return None
        body = self._before + b", ".join(self._key) + self._after
        return request("PUT", intent_path(), "localhost", body, self._headers)

    def answered(self, _connection: int, _status: int, body: bytes) -> None:
        made = _made.decode(body).operational_intent_reference
        self._key.append(b'"%b"' % made.ovn.encode())


class Reference(Struct):
    """What is read of an answer: the generator is to cost less than what it measures."""

    ovn: str


class Made(Struct):
    """An intent that was made."""

    operational_intent_reference: Reference


_made = msgspec.json.Decoder(Made)


class Chains:
    """A party's entries in their order, a party a connection."""

    def __init__(self, chains: list[list[bytes]]) -> None:
        self._chains = [iter(chain) for chain in chains]

    def next(self, connection: int) -> bytes | None:
        return next(self._chains[connection], None)

    def answered(self, _connection: int, _status: int, _body: bytes) -> None:
        """The next was signed beforehand."""


def all_of(result: Result, status: int) -> Result:
    """The result, if every answer had this status."""
    if set(result.statuses) != {status} or result.dropped or result.unsent:
        sys.exit(f"expected {status} for all, got {result.statuses}, {result.dropped} dropped")
    return result


def centres(rng: np.random.Generator, count: int) -> list[tuple[int, int]]:
    """Places in 2,000 clusters, in units of 1e-7 degree."""
    of = np.random.default_rng(7)
    middle = np.column_stack([of.uniform(-10, 40, 2_000), of.uniform(-30, 60, 2_000)])
    places = middle[rng.integers(0, 2_000, count)] + rng.normal(0, 0.3, (count, 2))
    return [tuple(one) for one in np.round(places * 1e7).astype(np.int64).tolist()]


def fill(store: Store, keyring: Keyring, notices: int, now: datetime) -> None:
    """Notices of one party that all members may see, 5,000 a transaction."""
    admit(store, keyring, Party(id="one", name="One"), now=now)
    with store.reading() as record:
        author = Author.following(record, "one", keyring.load("one"))
    places = centres(np.random.default_rng(3), notices)
    release = Release(members=Grade.FULL)
    for start in range(0, notices, 5_000):
        batch = [
            author.prepare(
                Notice(source_id=f"n{start + n}", name=f"Site {start + n}", category="medical",
                       party="one", volumes=at(place), release=release),
                now=now, place=(secrets.token_hex(16), 1),
            )
            for n, place in enumerate(places[start : start + 5_000])
        ]  # fmt: skip
        with store.appending() as record:
            record.append(appended(one, now=now) for one in batch)


def at(place: tuple[int, int], radius_mm: int = 0) -> tuple[Volume, ...]:
    return (Volume(footprint=(Circle(centre=place, radius_mm=radius_mm),)),)


def intent_path() -> str:
    return f"/dss/v1/operational_intent_references/{uuid.uuid4()}"


def intent(lat: float, lng: float, key: object) -> bytes:
    """An operational intent of 100 m for an hour."""
    start = datetime.now(UTC) + timedelta(minutes=5)
    times = [
        {"value": time.strftime("%Y-%m-%dT%H:%M:%SZ"), "format": "RFC3339"}
        for time in (start, start + timedelta(hours=1))
    ]
    low, high = ({"value": metres, "reference": "W84", "units": "M"} for metres in (50, 120))
    volume = {
        "outline_circle": {"center": {"lat": lat, "lng": lng},
                           "radius": {"value": 100, "units": "M"}},
        "altitude_lower": low, "altitude_upper": high,
    }  # fmt: skip
    url = "https://uss.example/utm"
    return json.dumps(
        {"extents": [{"volume": volume, "time_start": times[0], "time_end": times[1]}],
         "key": list(key), "state": "Accepted", "uss_base_url": url,
         "new_subscription": {"uss_base_url": url}}
    ).encode()  # fmt: skip


def question(place: tuple[int, int], radius_mm: int) -> bytes:
    circle = {"type": "circle", "centre": place, "radius_mm": radius_mm}
    plan = {"source_id": "p", "volumes": [{"footprint": [circle]}]}
    return json.dumps({"plan": plan}).encode()


def signed(author: Author, party: str, number: int, now: datetime) -> bytes:
    """A request with one notice, signed."""
    headers = {"content-type": "application/json"}
    body = entry(author, party, number, now)
    return request("POST", "/v1/entries", "localhost", body, headers)


def entry(author: Author, party: str, number: int, now: datetime) -> bytes:
    """One notice, signed, as it is submitted."""
    name = f"{party}-{secrets.token_hex(4)}-{number}"
    place = (random.randrange(-1_700_000_000, 1_700_000_000),
             random.randrange(-800_000_000, 800_000_000))  # fmt: skip
    value = Notice(source_id=name, name=name, category="medical", party=party, volumes=at(place))
    made = author.prepare(value, now=now, place=(secrets.token_hex(16), 1))
    body = {
        "envelope": made.signed.data.decode(),
        "object": made.content.data.decode(),
        "salt": base64.b64encode(made.content.salt).decode(),
    }
    return json.dumps(body).encode()


def row(result: Result, bar: str) -> dict[str, object]:
    return {
        "value": result.rate, "unit": f"a second, p99 {result.percentile_ms(99):.0f} ms",
        "bar": bar,
    }  # fmt: skip


def on_sqlite(bench: NodeBench, name: str) -> dict[str, object]:
    """One figure of the embedded store."""
    place = bench.folder / f"{name}.db"
    keyring, _ = bench.register(place, NOTICES if name == "node.checks" else 0)
    # Checks go on side by side; writing is in turn.
    with bench.serving(str(place), keyring, 2 if name == "node.checks" else 1) as port:
        match name:
            case "node.intents_spread":
                return row(bench.intents_spread(port), "at least 1,000, p99 at most 100 ms")
            case "node.intents_one_cell":
                return row(bench.intents_one_cell(port), "at least 300")
            case "node.signed_entries":
                got = bench.signed_entries(port, place, keyring)
                return row(got, "at least 1,500, p99 at most 250 ms")
            case _:
                return row(bench.checks(port), "at least 2,000, p99 at most 20 ms")


def postgres_share(bench: NodeBench) -> dict[str, object]:
    """PostgreSQL with two workers over SQLite: the least of the four."""
    cluster = Cluster()
    cluster.start()
    try:
        database = cluster.url(cluster.make())
        rates = []
        for place_text, workers in ((str(bench.folder / "share.db"), 1), (database, 2)):
            place = parse_place(place_text)
            keyring, _ = bench.register(place, NOTICES_SHARED)
            with bench.serving(place_text, keyring, workers) as port:
                rates.append([
                    bench.intents_spread(port).rate,
                    bench.intents_one_cell(port).rate,
                    bench.signed_entries(port, place, keyring).rate,
                    bench.checks(port).rate,
                ])  # fmt: skip
    finally:
        cluster.remove()
    shares = [theirs / ours for ours, theirs in zip(*rates, strict=True)]
    each = ", ".join(f"{share:.2f}" for share in shares)
    return {"value": min(shares), "unit": f"of SQLite ({each})", "bar": "at least 0.7 of each"}
