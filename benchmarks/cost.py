"""What work costs on a machine that others use as well: processor time and memory, not minutes."""

import ctypes
import re
import time
from collections.abc import Callable
from pathlib import Path

MEMORY = Path("/proc/self/status")
FORGET_PEAK = "5"
"""proc_pid_clear_refs(5): the peak is what is in memory now, from here on."""


def processor_s(work: Callable[[], object], runs: int) -> float:
    """Processor time of all threads, the least of some runs, seconds."""
    spent = []
    for _ in range(runs):
        began = time.process_time()
        work()
        spent.append(time.process_time() - began)
    return min(spent)


def resident_bytes() -> int:
    """Memory of this process, without what it let go of."""
    ctypes.CDLL(None).malloc_trim(0)
    return _kilobytes("VmRSS") * 1024


def peak_bytes(work: Callable[[], object]) -> int:
    """Memory of this process at most while it is at work."""
    Path("/proc/self/clear_refs").write_text(FORGET_PEAK)
    work()
    return _kilobytes("VmHWM") * 1024


def _kilobytes(name: str) -> int:
    return int(re.search(rf"{name}:\s+(\d+)", MEMORY.read_text())[1])  # type: ignore[index]
