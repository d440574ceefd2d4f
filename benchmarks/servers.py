"""uvicorn, granian and our own edge on uvicorn's parser, in turn, one worker each.

``python benchmarks/servers.py`` prints, for each: answers a second in a closed loop of
64 connections with the generator on the other core, latency, and the processor time
that server and generator take a request. docs/adr/0011 quotes it.
"""

import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from load import Each, load, processor_s, request

HERE = Path(__file__).parent
BIN = Path(sys.executable).parent
REQUESTS = 10_000
RUNS = 7
PLACE = {"centre": [123_456_789, -12_345_678], "radius_mm": 500_000}
BODY = json.dumps(
    {
        "source_id": "a" * 20, "party": "one", "name": "n" * 100,
        "volumes": [PLACE] * 8, "keys": ["k" * 43] * 8,
    }
).encode()  # fmt: skip
UVICORN = (BIN / "uvicorn", "--loop", "uvloop", "--http", "httptools", "--ws", "none",
           "--no-access-log", "--log-level", "warning")  # fmt: skip
GRANIAN = (BIN / "granian", "--loop", "uvloop", "--http", "1", "--no-ws", "--interface", "asgi",
           "--log-level", "warning")  # fmt: skip
OURS = (sys.executable, HERE / "server_app.py")
CASES = (
    ("uvicorn, bare", (*UVICORN, "server_app:bare", "--port"), "/"),
    ("granian, bare", (*GRANIAN, "server_app:bare", "--port"), "/"),
    ("uvicorn, typed route", (*UVICORN, "server_app:framework", "--port"), "/typed"),
    ("granian, typed route", (*GRANIAN, "server_app:framework", "--port"), "/typed"),
    ("uvicorn, bytes route", (*UVICORN, "server_app:framework", "--port"), "/bytes"),
    ("granian, bytes route", (*GRANIAN, "server_app:framework", "--port"), "/bytes"),
    ("ours, typed route", OURS, "/typed"),
    ("ours, hot route", OURS, "/hot"),
)  # fmt: skip


def started(command: tuple[object, ...], port: int) -> subprocess.Popen[bytes]:
    figures = tempfile.mkdtemp()
    process = subprocess.Popen(
        [*map(str, command), str(port)], cwd=HERE, stderr=subprocess.DEVNULL,
        env={**os.environ, "PROMETHEUS_MULTIPROC_DIR": figures, "PYTHONPATH": f"{HERE}:"
             + os.environ.get("PYTHONPATH", "")},
    )  # fmt: skip
    for _ in range(1_200):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.05)
        else:
            time.sleep(0.5)
            return process
    sys.exit(f"{command} does not listen")


def family(process: subprocess.Popen[bytes]) -> list[int]:
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return [process.pid, *map(int, children)]


def main() -> None:
    print(f"{len(BODY)} bytes in, {os.cpu_count()} cores, median of {RUNS} runs of {REQUESTS:,}")
    running = {}
    try:
        for number, (_, command, _) in enumerate(CASES):
            if command not in running:
                running[command] = (started(command, 9_400 + number), 9_400 + number)
        rows: dict[str, list[tuple[float, ...]]] = {name: [] for name, _, _ in CASES}
        for _ in range(RUNS):  # in turn, so that a slow minute meets all alike
            for name, command, path in CASES:
                process, port = running[command]
                one = request("POST", path, f"127.0.0.1:{port}", BODY,
                              {"content-type": "application/json"})  # fmt: skip
                load("127.0.0.1", port, Each(one for _ in range(1_000)))
                before = processor_s(family(process))
                result = load("127.0.0.1", port, Each(one for _ in range(REQUESTS)))
                if result.statuses != {200: REQUESTS}:
                    sys.exit(f"{name}: {result.summary()}")
                spent_us = (processor_s(family(process)) - before) / REQUESTS * 1e6
                rows[name].append((result.rate, result.percentile_ms(50), result.percentile_ms(99),
                                   spent_us, result.generator_us))  # fmt: skip
        print(
            f"{'':22} {'a second':>9} {'p50 ms':>7} {'p99 ms':>7} {'server us':>10} {'gen us':>7}"
        )
        for name, found in rows.items():
            rate, p50, p99, server, generator = (
                statistics.median(c) for c in zip(*found, strict=True)
            )
            print(f"{name:22} {rate:9.0f} {p50:7.2f} {p99:7.2f} {server:10.0f} {generator:7.0f}")
    finally:
        for process, _ in running.values():
            process.terminate()
            process.wait()


if __name__ == "__main__":
    main()
