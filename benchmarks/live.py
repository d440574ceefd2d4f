"""The figures of the live picture: one check while the record goes on, how soon what was
appended counts, how long a start takes, and what a notice costs in memory."""

import ctypes
import gc
import json
import os
import resource
import statistics
import subprocess
import sys
import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex

import checks
import httpx
import numpy as np
from node import NodeBench, at, centres

from detente.core.check import Known
from detente.core.notice import Notice
from detente.core.plan import Plan
from detente.core.volume import Polygon, Volume
from detente.node.author import Author
from detente.node.check import check_plans
from detente.node.values import Values
from detente.node.world import World
from detente.picture.live import Live
from detente.picture.warm import warm
from detente.store import Store

NOTICES = 1_000_000
FEW = 100_000
UPDATES_S = 2_000
ONE_S = 20.0
"""How long single checks are asked, one after another."""

COMPACT_S = 1.0
"""As the node does (detente.node.service)."""

FRESH = 200
CLI_RUNS = 16
RUNS = 5
PAUSE_S = 0.001


class Updates:
    """So many changes a second: notices that move by a hand's breadth.

    Args:
        live: Where they are folded in.
        places: (n, 2) int64, lon/lat in 1e-7 degree, by object.
        crowded: Set when it is time to compact.
    """

    def __init__(self, live: Live, places: checks.IntArray, crowded: threading.Event) -> None:
        self._live = live
        self._crowded = crowded
        self._places = places
        self._over = threading.Event()
        self.count = 0

    @contextmanager
    def running(self) -> Iterator[None]:
        """In threads of their own until the block ends, as a node has them."""
        threads = [threading.Thread(target=one) for one in (self._update, self._compact)]
        for one in threads:
            one.start()
        try:
            yield
        finally:
            self._over.set()
            for one in threads:
                one.join()

    def _update(self) -> None:
        rng, began = np.random.default_rng(5), time.perf_counter()
        while not self._over.wait(PAUSE_S):
            due = int((time.perf_counter() - began) * UPDATES_S)
            which = rng.integers(0, len(self._places), due - self.count).tolist()
            self.count = due
            self._live.fold(map(self._moved, which), due)

    def _moved(self, number: int) -> tuple[str, Known]:
        lon, lat = self._places[number].tolist()
        return known(number, notice((lon + self.count % 7, lat)))

    def _compact(self) -> None:
        while not self._over.is_set():
            self._crowded.wait(COMPACT_S)
            self._crowded.clear()
            self._live.compact()


def notice(place: tuple[int, int]) -> Notice:
    return Notice(source_id="n", name="n", category="medical", party="one", volumes=at(place))


def known(number: int, value: Notice) -> tuple[str, Known]:
    object_id = f"{number:032x}"
    return object_id, Known(value=value, object_id=object_id)


def one_p99(_: NodeBench) -> dict[str, object]:
    """One plan at a time, in this process, while others change the picture."""
    return one_by_one(nullcontext())


def one_by_one(looked_at: AbstractContextManager[object]) -> dict[str, object]:
    """The same, with something around what is measured."""
    work = checks.Work(checks.clustered_places(NOTICES), 2_000)
    crowded = threading.Event()
    live = Live(
        (known(n, notice(tuple(place)))[1] for n, place in enumerate(work.places.tolist())),
        crowded=crowded.set,
    )
    plans = [
        Plan(source_id=f"p{n}", party="two", volumes=(Volume(footprint=(polygon(ring),)),))
        for n, ring in enumerate(work.rings[:, :-1])
    ]
    gc.collect()
    gc.freeze()
    updates, times, found = Updates(live, work.places, crowded), [], 0
    with updates.running(), looked_at:
        began = time.perf_counter()
        while time.perf_counter() - began < ONE_S:
            plan = plans[len(times) % len(plans)]
            asked = time.perf_counter()
            [met] = live.snapshot().meetings([plan], separation_mm=checks.SEPARATION_M * 1_000)
            times.append(time.perf_counter() - asked)
            found += len(met)
            time.sleep(PAUSE_S)
    p50, p99 = np.percentile(times, [50, 99]) * 1_000
    rate = updates.count / ONE_S
    return {
        "value": p99,
        "unit": f"ms (median {p50:.2f}; {found / len(times):.0f} findings; {rate:.0f} updates/s)",
        "bar": "at most 1",
    }


def polygon(ring: checks.FloatArray) -> Polygon:
    return Polygon(rings=(tuple((int(lon), int(lat)) for lon, lat in ring.tolist()),))


def fresh(bench: NodeBench) -> dict[str, object]:
    """From one process's answer to an append to the answer of another that counts it, by HTTP."""
    place = bench.folder / "fresh.db"
    keyring, _ = bench.register(place, FEW)
    spots = centres(np.random.default_rng(17), FRESH)
    headers = bench.headers("p0")
    waits = []
    with (
        bench.serving(str(place), keyring) as first,
        bench.serving(str(place), keyring) as second,
        httpx.Client(base_url=f"http://127.0.0.1:{first}", headers=headers) as says,
        httpx.Client(base_url=f"http://127.0.0.1:{second}", headers=headers) as asks,
    ):
        store = Store(place)
        with store.reading() as record:
            author = Author.following(record, "p0", keyring.load("p0"))
        store.close()
        for number, spot in enumerate(spots):
            value = Notice(source_id=f"new{number}", name="new", category="medical", party="p0",
                           volumes=at(spot))  # fmt: skip
            body = submitted(author, value)
            plan = {"source_id": "p", "volumes": [{"footprint": [
                {"type": "circle", "centre": spot, "radius_mm": 1_000}]}]}  # fmt: skip
            assert says.post("/v1/entries", content=body).status_code == 201
            began = time.perf_counter()
            while True:
                answer = asks.post("/v1/check", content=json.dumps({"plan": plan}))
                if f"new{number}" in answer.text:
                    break
            waits.append((time.perf_counter() - began) * 1_000)
    p50, p99 = np.percentile(waits, [50, 99])
    return {
        "value": p50,
        "unit": f"ms, p99 {p99:.1f}: the whole check, by HTTP, of another process",
        "bar": "at most 5",
    }


def submitted(author: Author, value: Notice) -> bytes:
    """One notice, signed, as it is submitted."""
    made = author.prepare(value, now=datetime.now(UTC), place=(token_hex(16), 1))
    return json.dumps(
        {
            "envelope": made.signed.data.decode(),
            "object": made.content.data.decode(),
            "salt": b64encode(made.content.salt).decode(),
        }
    ).encode()


def start(bench: NodeBench) -> dict[str, object]:
    """From a register of a million notices to the first answer."""
    seconds = statistics.median(started(million(bench))[0] for _ in range(3))
    return {"value": seconds, "unit": "s", "bar": "at most 5"}


def memory(bench: NodeBench) -> dict[str, object]:
    """What a point notice costs in the picture of a node, with all that it holds."""
    return {"value": started(million(bench))[1], "unit": "bytes a notice", "bar": "at most 150"}


def million(bench: NodeBench) -> Path:
    """A register of a million notices, made once."""
    place = bench.folder / "million.db"
    if not place.exists():
        bench.register(place, NOTICES)
    return place


def started(place: Path) -> tuple[float, float]:
    """Seconds to the first answer and bytes a notice, of a process that has done nothing else."""
    done = subprocess.run(
        [sys.executable, __file__, str(place)], check=True, capture_output=True, text=True
    )
    seconds, size = done.stdout.split()
    return float(seconds), float(size)


def first_answer(place: Path) -> None:
    """Prints seconds and bytes a notice; the kernels' own code is loaded before."""
    warm()
    spot = centres(np.random.default_rng(3), NOTICES)[0]
    gc.collect()
    before, began = resident(), time.perf_counter()
    store = Store(place)
    with store.reading() as record:
        world = World.load(record, Values(store))
    shown = world.shown
    plan = Plan(source_id="p", volumes=at(spot))
    [verdict] = check_plans([plan], shown.protected, now=datetime.now(UTC))
    seconds = time.perf_counter() - began
    assert verdict.findings
    gc.collect()
    # What was let go of while it was read is the system's again.
    ctypes.CDLL(None).malloc_trim(0)
    print(seconds, (resident() - before) / len(shown.protected))


def resident() -> int:
    """Bytes of this process in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def cli_start(bench: NodeBench) -> dict[str, object]:
    """`detente check` of one plan against a register of 100,000 notices, the whole process.

    As an administrator installs it: where the tools of the tests lie beside it, numba loads
    coverage as well, some 30 ms; and where Python may keep no bytecode, it compiles what is new of
    ours in each run, some 50 ms.
    """
    python = installed(bench.folder / "installed")
    place = bench.folder / "cli.db"
    bench.register(place, FEW)
    lon, lat = (axis / 1e7 for axis in centres(np.random.default_rng(3), FEW)[0])
    plan = bench.folder / "plan.geojson"
    plan.write_text(json.dumps(
        {"type": "Feature", "properties": {"plan": "p", "radius_m": 100},
         "geometry": {"type": "Point", "coordinates": [lon, lat]}}
    ))  # fmt: skip
    command = [python, "-c", "from detente.cli import main; main()", "check", plan,
               "--store", place, "--format", "jsonl"]  # fmt: skip
    env = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    times = []
    for _ in range(CLI_RUNS):
        began = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
        times.append(time.perf_counter() - began)
        assert done.returncode == 1, done.stderr
    # The first one reads from the disk what the others find in memory.
    return {"value": statistics.median(times[1:]), "unit": "s", "bar": "at most 1"}


def installed(folder: Path) -> Path:
    """A Python that has what is locked for use, no more, and what stands in this checkout."""
    root = Path(__file__).parents[1]
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    subprocess.run(
        [folder / "bin/pip", "install", "--quiet", "--require-hashes", "-r",
         root / "requirements.txt"],
        check=True,
    )  # fmt: skip
    [packages] = folder.glob("lib/*/site-packages")
    (packages / "detente.pth").write_text(f"{root / 'src'}\n")
    return folder / "bin/python"


FIGURES = {
    "check.one_p99": one_p99,
    "check.fresh": fresh,
    "picture.start": start,
    "picture.memory": memory,
    "cli.start": cli_start,
}

if __name__ == "__main__":
    first_answer(Path(sys.argv[1]))
