"""A check in bulk that perf can see into: how its compiled functions call each other.

As compiled for use they cannot be seen into: what is asked of each pair is part of its loop, and
no frame says who called it. This process compiles them otherwise, for itself alone: each with a
frame pointer, none as part of another. That makes them slower (``check.flame`` says by how much).

``python benchmarks/kernels.py`` prints processor time a plan, microseconds, as for use;
``python benchmarks/kernels.py STACKS`` does so compiled otherwise, and writes what perf saw: a
line a way of calls, outermost first, and how often it was seen.

Source: docs/performance.md.
"""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby, takewhile
from pathlib import Path

from numba.core.codegen import CPUCodeLibrary
from numba.core.dispatcher import Dispatcher

NOTICES = 1_000_000
PLANS = 20_000
SECONDS = 12
SAMPLES_A_SECOND = 1_999
"""Of processor time. Not a round number, which might keep step with what it looks at."""

OURS = "7detente7picture"
"""As the names of compiled functions begin each part with its length."""

GAP_MAX = 65_536
"""Bytes: what lies farther behind the last function known is none of its code."""

ELSEWHERE = "Python,numpy"
FRAME = re.compile(r"\s+[0-9a-f]+ (.+) \((.*)\)$")


class Seen:
    """The code of this process, compiled so that perf can see into it."""

    def __init__(self) -> None:
        self._libraries: list[CPUCodeLibrary] = []

    def compile_so(self) -> None:
        """From now on; nothing is read from, or left in, the cache of the product."""
        added, done = CPUCodeLibrary.add_ir_module, CPUCodeLibrary._finalize_final_module  # noqa: SLF001

        def add(library: CPUCodeLibrary, module: object) -> None:
            for one in module.functions:  # type: ignore[attr-defined]
                if not one.is_declaration:
                    # llvmlite has a list of names that may be added, without this one.
                    set.add(one.attributes, '"frame-pointer"="all"')
                    if OURS in one.name:
                        one.attributes.discard("alwaysinline")
                        one.attributes.add("noinline")
            added(library, module)

        def keep(library: CPUCodeLibrary) -> None:
            done(library)
            self._libraries.append(library)

        CPUCodeLibrary.add_ir_module = add
        CPUCodeLibrary._finalize_final_module = keep  # noqa: SLF001
        Dispatcher.enable_caching = lambda _: None

    def write(self, path: Path) -> None:
        """perf's map: where each function begins, how long it is, and its name."""
        found: dict[int, str] = {}
        for library in self._libraries:
            engine = library.codegen._engine  # noqa: SLF001
            for one in library.get_defined_functions():
                if one.linkage.name not in {"internal", "private"}:
                    found[engine.get_function_address(one.name)] = short(one.name)
        starts = sorted(found)
        ends = [*starts[1:], starts[-1] + GAP_MAX]
        path.write_text("".join(
            f"{at:x} {min(end - at, GAP_MAX):x} {found[at]}\n"
            for at, end in zip(starts, ends, strict=True)
        ))  # fmt: skip


def short(name: str) -> str:
    """The function alone, of a name with its modules and all types of its arguments."""
    found, rest = name, name.removeprefix("_ZN")
    while length := "".join(takewhile(str.isdigit, rest)):
        end = len(length) + int(length)
        found, rest = rest[len(length) : end], rest[end:]
    return found


@contextlib.contextmanager
def recorded(data: Path) -> Iterator[None]:
    """Let perf look at this process until the block ends."""
    try:
        looking = subprocess.Popen(
            ["perf", "record", "-q", "-e", "cpu-clock", "-F", str(SAMPLES_A_SECOND),
             "--call-graph", "fp", "-p", str(os.getpid()), "-o", data],
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
    except FileNotFoundError:
        sys.exit("perf is not there. As root: apt-get install linux-perf")
    time.sleep(1)  # It does not say when it has begun.
    yield
    looking.send_signal(signal.SIGINT)
    _, said = looking.communicate(timeout=60)
    if not data.exists():
        sys.exit(f"perf: {said}")


def folded(lines: Iterable[str], names: str) -> Counter[str]:
    """Ways of calls, and how often each was seen.

    Args:
        lines: As ``perf script`` writes them: each sample ends with an empty line, innermost first.
        names: What it calls the file that compiled code is in.
    """
    found: Counter[str] = Counter()
    frames: list[tuple[str, str]] = []
    for line in lines:
        if match := FRAME.match(line):
            frames.append((match[1], match[2]))
        elif frames and not line.strip():
            found[way(frames, names)] += 1
            frames = []
    return found


def way(frames: list[tuple[str, str]], names: str) -> str:
    """One of them. Beyond compiled code frames are not to be trusted, and say nothing of it."""
    compiled = [place for place, (_, file) in enumerate(frames) if file == names]
    if not compiled:
        return ELSEWHERE
    # What it calls that is not ours: one frame, of the C library for instance.
    called = max(compiled[0] - 1, 0)
    some = [name for name, file in frames[called : compiled[-1] + 1] if not file.startswith("[")]
    # What Python calls is a wrapper of the same name.
    return ";".join(name for name, _ in groupby(reversed(some)))


def spent_us(work: Callable[[], object]) -> float:
    """Processor time a plan of what is done again and again for SECONDS, microseconds."""
    began, used, rounds = time.perf_counter(), time.process_time(), 0
    while time.perf_counter() - began < SECONDS:
        work()
        rounds += 1
    return (time.process_time() - used) / rounds / PLANS * 1e6


def main(stacks: Path | None) -> None:
    """See above."""
    seen = Seen()
    if stacks:
        seen.compile_so()
    from checks import Work, clustered_places, ours  # noqa: PLC0415 - compiled as said before it

    work = Work(clustered_places(NOTICES), PLANS)
    picture, raw = work.picture(), work.plans()
    ours(picture, raw)
    if not stacks:
        print(spent_us(lambda: ours(picture, raw)))
        return
    data = stacks.with_suffix(".data")
    with recorded(data):
        print(spent_us(lambda: ours(picture, raw)))
    names = Path(f"/tmp/perf-{os.getpid()}.map")
    seen.write(names)  # Where perf looks for it.
    try:
        told = subprocess.run(["perf", "script", "-i", data, "-F", "comm,ip,sym,dso"], check=True,
                              capture_output=True, text=True).stdout  # fmt: skip
    finally:
        names.unlink()
    ways = folded(told.splitlines(), str(names))
    stacks.write_text("".join(f"{one} {count}\n" for one, count in ways.items()))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
