"""Where the time of a signed entry goes, by HTTP: a flame graph of the node at work.

py-spy looks at its threads 200 times a second from outside, those that hold the interpreter's
lock alone, and draws docs/images/signed-entry.svg. It must be allowed to (root, or
``kernel.yama.ptrace_scope`` 0).

Source: docs/performance.md.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

from node import NodeBench

PY_SPY = Path(sys.executable).with_name("py-spy")
IMAGE = Path(__file__).parents[1] / "docs/images/signed-entry.svg"
SAMPLES_A_SECOND = 200
SECONDS = 6
"""As long as the load lasts on two cores, and not longer."""


def child_that_serves() -> int:
    """The node that this process started."""
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            after_name = (folder / "stat").read_text().rpartition(")")[2].split()
            said = (folder / "cmdline").read_bytes()
        except OSError:
            continue  # It is gone.
        if int(after_name[1]) == os.getpid() and b"\0serve\0" in said:
            return int(folder.name)
    raise LookupError("no node serves")


def signed_entry(bench: NodeBench) -> dict[str, object]:
    """The graph, and how much was seen."""
    place = bench.folder / "record.flame.db"
    keyring, _ = bench.register(place, 0)
    with bench.serving(str(place), keyring) as port:
        spying = subprocess.Popen(
            [PY_SPY, "record", "--pid", str(child_that_serves()), "--subprocesses", "--gil",
             "--rate", str(SAMPLES_A_SECOND), "--duration", str(SECONDS), "--format", "flamegraph",
             "--output", IMAGE],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        found = bench.signed_entries(port, place, keyring)
        _, said = spying.communicate(timeout=60)
    if spying.returncode:
        sys.exit(f"py-spy: {said}")
    drawn = IMAGE.read_text(encoding="utf-8")
    # What a process was started with is full of this machine's paths.
    named = re.sub(r"(process \d+):[^<(]*", r"\1 ", drawn)
    IMAGE.write_text(re.sub(r">[^<]*py-spy record[^<]*<", ">A signed entry, by HTTP<", named))
    return {
        "value": found.rate,
        "unit": "a second while looked at; docs/images/signed-entry.svg",
        "bar": "none set",
    }


FIGURES = {"record.flame": signed_entry}
