"""Positions out of files, measured on this machine, on all its cores."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from detente.doors.track_files import Problem, Unit, batches_of, units_of
from detente.node.tracks import Measured, measured
from detente.picture.legs import Ground

Found = Measured | Problem

AHEAD = 2
"""Units a thread that are measured, or wait to be joined, while one is: memory stays flat."""

Measuring = Callable[[Iterable[Unit], Ground, int], Iterator[list[Found]]]
"""Measures units, and gives what they say in their order."""


def all_units(paths: Sequence[Path], given: Mapping[str, str]) -> tuple[list[Unit], list[Problem]]:
    """Of all files, in their order; and the files that cannot be read at all.

    Raises:
        MalformedInput: A file lacks a column.
    """
    units: list[Unit] = []
    problems: list[Problem] = []
    for path in paths:
        found = units_of(path, given)
        if isinstance(found, Problem):
            problems.append(found)
        else:
            units += found
    return units, problems


def unit_measured(unit: Unit, ground: Ground, gap_us: int) -> list[Found]:
    """What one unit says.

    Raises:
        MalformedInput: A track goes back in time.
    """
    return [
        batch if isinstance(batch, Problem) else measured(batch, ground, gap_us)
        for batch in batches_of(unit)
    ]


def here(units: Iterable[Unit], ground: Ground, gap_us: int) -> Iterator[list[Found]]:
    """Measure units in threads of this process; kernels and readers run without its lock."""
    threads = os.cpu_count() or 1
    waiting: deque[Future[list[Found]]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            for unit in units:
                waiting.append(pool.submit(unit_measured, unit, ground, gap_us))
                if len(waiting) > AHEAD * threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for one in waiting:
                one.cancel()
