"""Flame graphs: where the time goes of a signed entry by HTTP, of one check, and of checks in bulk.

``record.flame``, ``check.one_flame``: py-spy looks at the threads of a process 200 times a second
from outside, those that hold the interpreter's lock alone. It must be allowed to (root, or
``kernel.yama.ptrace_scope`` 0).

``check.flame``: perf looks at benchmarks/kernels.py.

Source: docs/performance.md.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
from live import ONE_S, one_by_one
from node import NodeBench
from plot import IMAGES

PY_SPY = Path(sys.executable).with_name("py-spy")
KERNELS = Path(__file__).with_name("kernels.py")
DEPTH_MAX, LEAST = 26, 0.004
"""Calls deep, and the least share of a bar that is drawn."""

CHARACTERS, LETTERS_MIN = 230, 3
"""That have room across, and fewer than say anything."""

COLOURS = ("#f0c27b", "#e8a65d")
SAMPLES_A_SECOND = 200
FOLLOWING = "Live._fold_in "
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


@contextmanager
def spied(process: int, stacks: Path, seconds: float, *more: str) -> Iterator[None]:
    """Let py-spy look at a process, and write what it saw."""
    spying = subprocess.Popen(
        [PY_SPY, "record", "--pid", str(process), "--gil", "--rate", str(SAMPLES_A_SECOND),
         "--duration", str(int(seconds)), "--format", "raw", "--output", stacks, *more],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    yield
    _, said = spying.communicate(timeout=60)
    if spying.returncode:
        sys.exit(f"py-spy: {said}")


def signed_entry(bench: NodeBench) -> dict[str, object]:
    """The graph, and how much was seen."""
    place = bench.folder / "record.flame.db"
    stacks = bench.folder / "stacks.txt"
    keyring, _ = bench.register(place, 0)
    with (
        bench.serving(str(place), keyring) as port,
        spied(child_that_serves(), stacks, SECONDS, "--subprocesses"),
    ):
        found = bench.signed_entries(port, place, keyring)
    drawn(stacks.read_text(encoding="utf-8").splitlines(), "signed-entry.png")
    return {
        "value": found.rate,
        "unit": "a second while looked at; docs/images/signed-entry.png",
        "bar": "none set",
    }


def one(_: NodeBench) -> dict[str, object]:
    """The graph of a process that checks one plan after another while others change the picture."""
    with tempfile.TemporaryDirectory() as folder:
        stacks = Path(folder) / "stacks.txt"
        one_by_one(spied(os.getpid(), stacks, ONE_S - 1))
        lines = stacks.read_text(encoding="utf-8").splitlines()
    drawn(lines, "one-check.png")
    seen = [int(line.rpartition(" ")[2]) for line in lines]
    following = sum(count for count, line in zip(seen, lines, strict=True) if FOLLOWING in line)
    return {
        "value": 100 * following / sum(seen),
        "unit": f"% of {sum(seen):,} samples follow the changes; docs/images/one-check.png",
        "bar": "none set",
    }


def bulk() -> dict[str, object]:
    """The graph of compiled code, and how much slower it is where it can be seen into."""
    with tempfile.TemporaryDirectory() as folder:
        stacks = Path(folder) / "stacks.txt"
        seen_us, used_us = (
            float(subprocess.run([sys.executable, KERNELS, *some], check=True, text=True,
                                 stdout=subprocess.PIPE).stdout)
            for some in ([stacks], [])
        )  # fmt: skip
        drawn(stacks.read_text(encoding="utf-8").splitlines(), "kernels.png")
    return {
        "value": seen_us / used_us,
        "unit": f"times the {used_us:.1f} us of processor time that a plan takes as compiled for "
        "use; docs/images/kernels.png",
        "bar": "none set",
    }


def drawn(stacks: list[str], name: str) -> None:
    """A bar a function, as wide as its share of the samples, under whoever called it."""
    spans: list[tuple[list[str], int]] = []
    for line in sorted(stacks):
        names, _, count = line.rpartition(" ")
        # The processes' own lines are full of this machine's paths; lines of code say too much.
        frames = [
            one.partition(" ")[0] for one in names.split(";") if not one.startswith("process")
        ]
        spans.append((frames, int(count)))
    total = sum(count for _, count in spans)
    figure, axis = plt.subplots(layout="tight")
    deep = _bars(axis, spans, 0.0, 0, total)
    figure.set_size_inches(14, 6 * deep / DEPTH_MAX)
    axis.set_xlim(0, total)
    axis.set_ylim(deep, 0)
    axis.set_axis_off()
    figure.savefig(IMAGES / name, dpi=90)
    plt.close(figure)


def _bars(
    axis: Any, spans: list[tuple[list[str], int]], left: float, depth: int, total: int
) -> int:
    """Draws them, and returns how deep they go."""
    deep = depth
    for name, group in groupby(spans, key=lambda one: one[0][depth] if depth < len(one[0]) else ""):
        inside = list(group)
        width = sum(count for _, count in inside)
        if name and depth < DEPTH_MAX and width >= total * LEAST:
            colour = COLOURS[depth % 2]
            axis.barh(depth + 0.5, width, 0.94, left, color=colour, edgecolor="white")
            room = int(width / total * CHARACTERS)
            text = name if len(name) <= room else name[: room - 2] + ".."
            shown = text if room > LETTERS_MIN else ""
            axis.text(left + total / 400, depth + 0.5, shown, va="center", fontsize=7, clip_on=True)
            deep = max(deep, _bars(axis, inside, left, depth + 1, total))
        left += width
    return deep


FIGURES = {"record.flame": signed_entry, "check.one_flame": one}
BULK_FIGURES = {"check.flame": bulk}
