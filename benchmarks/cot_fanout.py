"""Cursor on Target: what 100 and 500 listeners receive, beside taky in the same run."""

import json
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from conftest import begin
from detente.node.keyring import Keyring
from served import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
LISTENERS, RATE, SECONDS = 100, 505, 10
MOST = 1_900
"""Events a second that show what is left: below what one connection may send."""

MANY = 500
"""Clients connected; with a tenth of the rate, as every tablet reports each ten seconds."""

PEER = "taky==0.10"
PEER_PORT = 18_087


def load(host: str, port: int, listeners: int, rate: int) -> dict[str, float]:
    """What a process of clients received."""
    command = [sys.executable, HERE / "cot_load.py", host, port, listeners, rate, SECONDS]
    told = subprocess.run([*map(str, command)], capture_output=True, check=True, text=True)
    found: dict[str, float] = json.loads(told.stdout)
    return found


@contextmanager
def node(folder: Path) -> "Iterator[tuple[str, int]]":
    """A node on SQLite, with all its records."""
    keyring = Keyring(folder / "bench.db")
    begin(folder / "bench.db", keyring)
    with serving(
        folder, "--database", folder / "bench.db", keys=keyring.folder, cot_tcp=0, cot_party="one"
    ) as served:
        address = served.wait_for("cot listening")[0]["address"]
        host, _, port = address.split()[1].rpartition(":")
        yield host, int(port)
        assert not served.events("cot client cut off"), "a listener was too slow"


@contextmanager
def taky(folder: Path) -> "Iterator[tuple[str, int]]":
    """The peer, in an environment of its own."""
    home = folder / "taky"
    subprocess.run([sys.executable, "-m", "venv", home], check=True)
    pip = [home / "bin" / "pip", "install", "-q", "setuptools", PEER]
    subprocess.run(pip, check=True, capture_output=True)
    (folder / "taky.conf").write_text(
        f"[taky]\nbind_ip = 127.0.0.1\nroot_dir = {folder}\n[cot_server]\nport = {PEER_PORT}\n"
    )
    command = [home / "bin" / "taky", "-l", "error", "-c", folder / "taky.conf"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        time.sleep(3)
        yield "127.0.0.1", PEER_PORT
    finally:
        process.terminate()
        process.wait(30)


def fanout() -> dict[str, object]:
    """Deliveries a second to 100 listeners, 500 events a second in, the load included."""
    with tempfile.TemporaryDirectory() as ours, tempfile.TemporaryDirectory() as theirs:
        with node(Path(ours)) as (host, port):
            found = load(host, port, LISTENERS, RATE)
            many = load(host, port, MANY, RATE // 10)
            most = load(host, port, LISTENERS, MOST)
        with taky(Path(theirs)) as (host, port):
            peer = load(host, port, LISTENERS, RATE)
            peer_most = load(host, port, LISTENERS, MOST)
    return {
        "value": found["deliveries_per_s"],
        "unit": f"deliveries/s at {found['sent_per_s']:.0f} events/s, the slowest of "
        f"{LISTENERS} listeners {found['least']:.0f}/s; {MANY} listeners at "
        f"{many['sent_per_s']:.0f} events/s: {many['deliveries_per_s']:,.0f}; "
        f"{MOST} events/s offered: {most['deliveries_per_s']:,.0f}",
        "bar": "at least 50,000, or ten times the peer's",
        "peer": f"taky 0.10, which took {peer['sent_per_s']:.0f} events/s; of {MOST} offered it "
        f"delivered {peer_most['deliveries_per_s']:,.0f}",
        "peer_value": peer["deliveries_per_s"],
        "ratio": found["deliveries_per_s"] / max(1.0, peer["deliveries_per_s"]),
    }


FIGURES = {"cot.fanout": fanout}

if __name__ == "__main__":
    for name, value in fanout().items():
        print(f"{name}: {value}")
