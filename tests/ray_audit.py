"""An audit of tracks on a local Ray cluster of which one worker is killed; prints what it said.

Run as ``python ray_audit.py FOLDER GROUND`` with files of positions and of places.
"""

import json
import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import cast

from detente.doors.files import ReadOptions, read
from detente.doors.track_files import Unit, files_of
from detente.doors.track_ray import LOCAL, connect, rows_on_ray, said_by
from detente.doors.track_run import Found, all_units, here
from detente.errors import Unavailable
from detente.node.past import ground_of, past_of_values
from detente.node.tracks import Joining, Measured, approaches

WORKERS = 2
STORE_BYTES = 150 << 20


class Fatal:
    """A unit that ends each worker that takes it."""

    def __reduce__(self) -> tuple[object, ...]:
        return os._exit, (1,)


def gone(pid: int) -> bool:
    """Whether a process ends within some seconds, by its number."""
    for _ in range(300):
        with suppress(ProcessLookupError):
            os.kill(pid, 0)
            time.sleep(0.1)
            continue
        return True
    return False


def main(tracks: Path, places: Path) -> None:
    """Measure here, then there with a worker killed after the first answer, and compare."""
    values = read(places, ReadOptions(kind="notices")).values
    ground, owners = ground_of(past_of_values(values), 500.0)  # type: ignore[arg-type] # notices
    units, _ = all_units(files_of([tracks]), {})
    gap_us = 60_000_000

    def joined(parts: list[list[Found]]) -> list[str]:
        joining = Joining(ground, gap_us)
        found = []
        for one in (one for part in parts for one in part):
            assert isinstance(one, Measured)
            over, _ = joining.add(one)
            found += approaches(over, joining.names, owners)
        found += approaches(joining.finish(), joining.names, owners)
        return [repr(one) for one in found]

    expected = joined(list(here(units, ground, gap_us)))
    ray = connect(LOCAL, cpus=WORKERS, store_bytes=STORE_BYTES)
    parts, pids = [], []
    for row in rows_on_ray(units, ground, gap_us):
        pids.append(row["pid"])
        if len(pids) == 1:
            os.kill(pids[0], signal.SIGKILL)
        parts.append(said_by(row))
    try:
        refused = f"{list(rows_on_ray([*units[:1], cast('Unit', Fatal())], ground, gap_us))}"
    except Unavailable as error:
        refused = f"{error}"
    ray.shutdown()
    print(json.dumps({  # noqa: T201 - for the test
        "units": len(units), "approaches": len(expected), "same": joined(parts) == expected,
        "killed": gone(pids[0]), "after": len(set(pids) - {pids[0]}), "refused": refused,
    }))  # fmt: skip


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
