"""Positions out of files, measured on a cluster by Ray Data.

The picture's arrays are put into the cluster's object store once, and every worker of a
machine reads them there. Each unit of a file is measured by itself and may be measured
again where a worker is lost; what it says is joined here, in the order of the files. So
the answer is that of one machine.

Workers read the files themselves: their paths must lead to the same files everywhere.
"""

import logging
import os
import pickle
import socket
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from detente.core.geodesy import IntArray
from detente.doors.track_files import Unit
from detente.doors.track_run import Found, unit_measured
from detente.errors import DetenteError, MalformedInput, Unavailable
from detente.picture.column import Column, Numbers
from detente.picture.cover import Cover
from detente.picture.entries import Held
from detente.picture.legs import Ground
from detente.picture.segment import Segment
from detente.picture.tables import Index, Packed, Records

LOCAL = "local"
"""In place of an address: a cluster on this machine, for this audit alone."""

OBJECT_STORE_BYTES = 1 << 30
"""Of a local cluster: a picture of three million points, and what units say."""

LOST_MAX = 3
"""Workers that may be lost with one unit before it is given up: by itself Ray never does, and a
file that ends whoever reads it would be read for ever."""

CONNECT_S = 10.0


class Sent(NamedTuple):
    """A ground as arrays alone: nothing that a party said leaves this machine but where."""

    kind: Numbers
    kinds: Records
    tables: Packed
    indexed: Index
    objects: IntArray
    cover: Cover
    within_m: float


def connect(address: str, *, cpus: int | None = None, store_bytes: int = OBJECT_STORE_BYTES) -> Any:
    """Ray itself, connected; it tells nobody that it is used.

    Args:
        address: Of a cluster, or LOCAL.
        cpus: How many tasks a local cluster runs at a time; else one a core.
        store_bytes: Of a local cluster's object store.

    Raises:
        MalformedInput: Ray is not installed.
        Unavailable: There is no such cluster.
    """
    # Before it is imported: it reads them then.
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ.setdefault("RAY_DATA_DISABLE_PROGRESS_BARS", "1")
    if address == LOCAL:
        # Ray takes the machine's own address, open to its network, but where it thinks that
        # no cluster can be had: there it keeps to the loopback interface.
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
    try:
        import ray  # noqa: PLC0415 - an extra, and seconds to load
        import ray.data  # noqa: PLC0415
    except ImportError:
        raise MalformedInput(
            "--ray", expected="detente[ray] to be installed", got="no Ray"
        ) from None
    try:
        if address == LOCAL:
            ray.init(
                num_cpus=cpus or os.cpu_count(),
                include_dashboard=False,
                object_store_memory=store_bytes,
                log_to_driver=False,
                logging_level=logging.ERROR,
            )
        else:
            _require_listening(address)
            ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except (OSError, ValueError, RuntimeError) as error:
        raise Unavailable("--ray", expected="a cluster at this address", got=f"{error}") from None
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.execution_options.preserve_order = True
    return ray


def _require_listening(address: str) -> None:
    """Refuse at once where nobody answers: Ray itself would ask again for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdigit():
        return  # Ray's own words, such as "auto".
    with socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT_S):
        pass


def on_ray(units: Iterable[Unit], ground: Ground, gap_us: int) -> Iterator[list[Found]]:
    """Measure units on the cluster that ``connect`` found."""
    return map(said_by, rows_on_ray(units, ground, gap_us))


def rows_on_ray(units: Iterable[Unit], ground: Ground, gap_us: int) -> Iterator[dict[str, Any]]:
    """The same as rows: what each unit says, for ``said_by``, and the process that measured it.

    Raises:
        Unavailable: Workers were lost with the same unit, one after another.
    """
    import ray  # noqa: PLC0415
    import ray.data  # noqa: PLC0415

    sent = ray.put(_sent(ground))
    rows = [{"unit": pickle.dumps(unit)} for unit in units]
    if rows:
        found = ray.data.from_items(rows, override_num_blocks=len(rows))
        said = found.map(_measured, fn_args=(sent, gap_us), max_retries=LOST_MAX)  # type: ignore[arg-type] # its stub knows no arguments
        try:
            yield from said.iter_rows()
        except ray.exceptions.RayError as error:
            raise Unavailable(
                "--ray",
                expected=f"no part that ends its worker {LOST_MAX + 1} times",
                got=f"{error}".strip().partition("\n")[0],
            ) from None


def said_by(row: dict[str, Any]) -> list[Found]:
    """What a unit says.

    Raises:
        MalformedInput: A track goes back in time.
    """
    # Made by our own workers, of this cluster.
    said: list[Found] | DetenteError = pickle.loads(row["said"])  # noqa: S301
    if isinstance(said, DetenteError):
        raise said
    return said


def _sent(ground: Ground) -> Sent:
    segment = ground.segment
    return Sent(
        kind=segment.kind,
        kinds=segment.kinds,
        tables=segment.tables,
        indexed=segment.indexed,
        objects=ground.objects,
        cover=ground.cover,
        within_m=ground.within_m,
    )


def _measured(row: dict[str, Any], sent: Any, gap_us: int) -> dict[str, Any]:
    """In a worker: what one unit says. A refusal is an answer: it is not tried again."""
    if not isinstance(sent, Sent):
        import ray  # noqa: PLC0415

        sent = ray.get(sent)
    unit = pickle.loads(row["unit"])  # noqa: S301 - ours
    try:
        said: object = unit_measured(unit, _ground(sent), gap_us)
    except DetenteError as error:
        said = error
    return {"said": pickle.dumps(said), "pid": os.getpid()}


def _ground(sent: Sent) -> Ground:
    """What was sent, as the kernels take it, without a copy."""
    none = np.empty(0, dtype=np.int64)
    segment = Segment(
        entries=Held(()),
        kind=_writable(sent.kind),
        kinds=_writable(sent.kinds),
        groups=(),
        tables=Packed._make(_writable(table) for table in sent.tables),
        indexed=Index._make(_writable(column) for column in sent.indexed),
        ids=Column(none, none.astype(np.int32)),
        due=Column(none, none.astype(np.int32)),
    )
    cover = Cover._make(_writable(part) for part in sent.cover)
    return Ground(segment, _writable(sent.objects), sent.within_m, cover)


class _Held:
    """Shares an array's memory by numpy's array interface, and keeps it alive."""

    def __init__(self, array: Any) -> None:
        self.array = array
        address, _ = array.__array_interface__["data"]
        self.__array_interface__ = {
            "shape": array.shape, "typestr": "|u1", "data": (address, False), "version": 3,
        }  # fmt: skip


def _writable(array: Any) -> Any:
    """The same memory as an array that is not marked as read-only: nobody writes to it.

    Kernels that take read-only arrays would be others, to be compiled for half a minute.
    """
    if array.flags.writeable or not array.size:
        return array.copy() if not array.size else array
    flat = np.asarray(_Held(array.reshape(-1).view(np.uint8)))
    return flat.view(array.dtype).reshape(array.shape)
