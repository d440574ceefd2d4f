"""The hotline: from a call to the stream of whoever is called, with 1,000 clients connected.

``python benchmarks/hotline.py`` runs it alone. No peer: no program that we know of does this.
"""

import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path

import msgspec
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from conftest import begin
from detente.core.principal import Role
from detente.node.keyring import Keyring
from http_node import EVERY_ROLE, Node, Party, bearer, node_at
from nodes import around, hospital

PARTIES = [f"p{number}" for number in range(10)]
STREAMS = 100
"""Of each party: as many as a worker lets it have."""

CALLS = 200
APART_S = 0.05
WAIT_S = 30.0


class Streams:
    """All clients that listen, and when each first heard of each call."""

    def __init__(self) -> None:
        self.heard: dict[str, dict[str, float]] = {party: {} for party in PARTIES}
        self.open = 0
        self._writers: list[asyncio.StreamWriter] = []

    async def listen(self, port: int, party: str, token: str, first: bool) -> None:  # noqa: FBT001
        """One client; the first of a party is the one that is timed."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
        self._writers.append(writer)
        asked = f"GET /v1/events/stream HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}"
        writer.write(f"{asked}\r\n\r\n".encode())
        status = await reader.readline()
        assert b" 200 " in status, status
        self.open += 1
        while line := await reader.readline():
            if line.startswith(b"data: ") and b'"kind":"call"' in line:
                at = time.perf_counter()
                about = json.loads(line[6:])["shows"]["value"]["source_id"]
                if first:
                    self.heard[party].setdefault(about, at)

    def close(self) -> None:
        for one in self._writers:
            one.close()


async def waits(node: Node, near: str) -> dict[str, list[float]]:
    """Seconds from the call to the stream that is timed, where one is near and where nobody is."""
    caller = node.party("one")
    streams = Streams()
    tokens = {party: bearer(party, EVERY_ROLE) for party in PARTIES}
    tasks = [
        asyncio.create_task(streams.listen(node.served.port, party, tokens[party], number == 0))
        for party in PARTIES
        for number in range(STREAMS)
    ]
    while streams.open < len(tasks):  # noqa: ASYNC110 - once, before anything is timed
        await asyncio.sleep(0.05)
    found: dict[str, list[float]] = {}
    for name, lon in (("near", 10.0), ("everyone", -60.0)):
        taken = []
        for number in range(CALLS):
            source_id = f"{name} {number}"
            began = time.perf_counter()
            receipt = await asyncio.to_thread(call, caller, source_id, lon)
            until = time.perf_counter() + WAIT_S
            while source_id not in streams.heard[near]:
                assert time.perf_counter() < until, "the call was not heard"
                await asyncio.sleep(0.005)
            taken.append(streams.heard[near][source_id] - began)
            await asyncio.to_thread(close, caller, receipt)
            await asyncio.sleep(APART_S)
        found[name] = taken
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    streams.close()
    return found


def call(caller: Party, source_id: str, lon: float) -> str:
    volumes = msgspec.to_builtins(around(lon, 50.0, 200.0))
    said = {"source_id": source_id, "code": "stop_hitting_us", "volumes": volumes, "words": "x"}
    answer = caller.post("/v1/incidents", said)
    assert answer.status == 201, answer.body
    return str(answer.json["object_id"])


def close(caller: Party, incident: str) -> None:
    step = {"source_id": f"close {incident}", "act": "closed"}
    answer = caller.post(f"/v1/incidents/{incident}/steps", step)
    assert answer.status == 201, answer.body


def hotline() -> dict[str, object]:
    """p99 of the time from a call to the other party's stream."""
    with tempfile.TemporaryDirectory() as folder:
        database, keyring = Path(folder) / "bench.db", Keyring(Path(folder) / "bench.db")
        begin(database, keyring)
        with node_at(database, keyring, Path(folder), "connections_max=2000") as node:
            administrator = node.party("one", Role.ADMINISTRATOR)
            for name in PARTIES:
                assert administrator.post("/v1/parties", {"id": name, "name": name}).status < 300
            near = PARTIES[0]
            place = msgspec.to_builtins(hospital("hidden", 10.0, 50.0))
            assert node.party(near).post("/v1/notices", place).status == 201
            found = asyncio.run(waits(node, near))
    p50, p99 = (np.percentile(found["near"], share) for share in (50, 99))
    wide = np.percentile(found["everyone"], 99)
    return {
        "value": float(p99),
        "unit": f"s at p99 of {CALLS} calls, {len(PARTIES) * STREAMS:,} clients connected; median "
        f"{p50:.3f} s; where all members are called, p99 {wide:.3f} s",
        "bar": "at most 1 s",
    }


FIGURES = {"hotline.call": hotline}

if __name__ == "__main__":
    for name, value in hotline().items():
        print(f"{name}: {value}")
