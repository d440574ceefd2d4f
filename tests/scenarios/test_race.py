"""A race for one place (R-04, R-05); test_race.md tells it.

``RACE_ROUNDS=1000 RACE_KILL_EVERY=25 pytest -s tests/scenarios/test_race.py -k "test_race["``
runs a thousand rounds.
"""

import itertools
import json
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from conftest import KINDS
from detente.core.agreement import Agreement
from detente.core.party import Party
from detente.core.principal import Role
from detente.node.keyring import Keyring
from detente.node.theatre import admit, found
from detente.store import Place, Store, parse_place
from http_node import Node, bearer, node_at
from postgres import Cluster
from race import UNAVAILABLE, Drawn, Race, assert_on_record, native_plan
from served import Served
from world import NOW

CLIENTS = 200
PARTIES = [f"p{number}" for number in range(10)]
ROUNDS = int(os.environ.get("RACE_ROUNDS", "12"))
SEED = int(os.environ.get("RACE_SEED", "20151124"))
KILL_EVERY = int(os.environ.get("RACE_KILL_EVERY", "4"))
"""Rounds from one kill to the next."""

READY_S = 20
"""After the last kill a node is ready within this time, though nobody asks it anything."""

Kill = Callable[[], None]


@pytest.fixture(params=KINDS)
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Place, list[Kill]]]:
    """A register, and ways to kill what keeps it."""
    if request.param == "sqlite":
        yield tmp_path / "test.db", []
        return
    server = Cluster()

    def restart(kill: Kill) -> None:
        kill()
        server.start()

    try:
        server.start()
        yield (
            parse_place(server.url(server.make())),
            [
                lambda: restart(server.crash),
                lambda: restart(lambda: server.stop(signal.SIGKILL)),
                lambda: server.kill_a_session("detente"),
            ],
        )
    finally:
        server.remove()


def kill_a_worker(served: Served, chance: random.Random) -> None:
    os.kill(chance.choice(served.workers()), signal.SIGKILL)


def found_with_parties(place: Place, keyring: Keyring) -> None:
    terms = Agreement(name="test", budget_km2_day=1_000_000)
    found(place, theatre="test", agreement=terms, now=NOW, keyring=keyring)
    store = Store(place)
    for party in PARTIES:
        admit(store, keyring, Party(id=party, name=party), now=NOW)
    store.close()


def test_race(where: tuple[Place, list[Kill]], tmp_path: Path) -> None:
    """Two hundred race for one place, and what serves them is killed."""
    place, kills = where
    keyring = Keyring(tmp_path / "test.db")
    found_with_parties(place, keyring)
    chance = random.Random(SEED)
    with node_at(place, keyring, tmp_path, "log_level=warning", workers=2) as node:
        race = Race(
            node.served.port, lambda party: bearer(party, tuple(Role)), PARTIES, CLIENTS, SEED
        )
        ways = itertools.cycle([lambda: kill_a_worker(node.served, chance), *kills])
        begun = threading.Semaphore(0)
        began = time.monotonic()
        # The kills come from this thread: a server ends with the thread that started it.
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(race.run, ROUNDS, lambda _: begun.release())
            for number in range(ROUNDS):
                while not begun.acquire(timeout=1):
                    if running.done():
                        running.result()
                if number % KILL_EVERY == KILL_EVERY - 1:
                    time.sleep(chance.uniform(0, 0.4))
                    race.killed_at = time.monotonic()
                    next(ways)()
                    race.killed_at = time.monotonic()
                    race.counts["kills"] += 1
            running.result()
        seconds = time.monotonic() - began
        wait_until_ready(node)
        assert node.served.events("internal error") == []
    store = Store(place)
    assert_on_record(store, race)
    tell(race, seconds, store.size())
    store.close()
    assert race.counts["accepted"] >= ROUNDS
    assert race.counts["unaware"] > ROUNDS * CLIENTS


def wait_until_ready(node: Node) -> None:
    until = time.monotonic() + READY_S
    # Each time on a new connection, which any worker may take.
    while any(node.served.ask("GET", "/health/ready").status != 200 for _ in range(20)):
        assert time.monotonic() < until
        time.sleep(0.1)


def test_ready_again(tmp_path: Path) -> None:
    """A node that could not keep something is ready again, though nobody asks it anything."""
    server, keyring = Cluster(), Keyring(tmp_path / "test.db")
    try:
        server.start()
        place = parse_place(server.url(server.make()))
        found_with_parties(place, keyring)
        with node_at(place, keyring, tmp_path, workers=2) as node:
            wait_until_ready(node)
            server.stop(signal.SIGKILL)
            plan = {"plan": native_plan("a", Drawn.of("a", datetime.now(UTC), 0))}
            for _ in range(20):
                told = node.party("p0").post("/v1/plans", plan)
                assert told.status == 503
                assert told.json["code"] in UNAVAILABLE
            server.start()
            wait_until_ready(node)
    finally:
        server.remove()


def tell(race: Race, seconds: float, size: int) -> None:
    """The figures of a run."""
    print(json.dumps({  # noqa: T201 - what a long run is for
        "rounds": ROUNDS, "clients": CLIENTS, "seconds": round(seconds), "entries": size,
        "slowest_ms": round(max(race.latencies_ms)), **dict(sorted(race.counts.items())),
    }))  # fmt: skip
