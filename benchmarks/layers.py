"""First views of a map of 100,000 notices: ``python benchmarks/layers.py``.

A register on SQLite, one process, a reader to whom all is released in full. Times are from asking
a node's verbs to the bytes, with the record of what was shown; HTTP is not in them.
"""

import asyncio
import secrets
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from conftest import begin
from detente.core.entry import EntryKind
from detente.core.feature import KINDS
from detente.core.notice import Notice
from detente.core.release import Grade, Release
from detente.core.volume import Circle, Volume
from detente.doors.features.asking import asked_of
from detente.doors.features.routes import features_of
from detente.doors.features.tiles import written
from detente.node.author import Author
from detente.node.clusters import Tile, look
from detente.node.engine import Engine
from detente.node.keyring import Keyring
from detente.node.layers import Layers
from detente.node.submit import appended
from detente.node.telling.disclosures import disclose, disclose_tile
from detente.store import Store
from nodes import desk_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

NOTICES = 100_000
EVERY = tuple(KINDS.values())


def fill(store: Store, keyring: Keyring) -> None:
    """Notices in towns, on the record."""
    rng = np.random.default_rng(1)
    towns = np.column_stack([rng.uniform(-170, 170, 500), rng.uniform(-60, 70, 500)])
    places = towns[rng.integers(0, 500, NOTICES)] + rng.normal(0, 0.3, (NOTICES, 2))
    e7 = np.rint(places * 1e7).astype(int).tolist()
    now = datetime.now(UTC)
    with store.reading() as record:
        author = Author.following(record, "one", keyring.load("one"))
    for first in range(0, NOTICES, 5_000):
        batch = [
            author.prepare(
                Notice(
                    source_id=str(n), name=f"Notice {n}", party="one",
                    category=("medical", "school", "water")[n % 3],
                    volumes=(Volume(footprint=(Circle(centre=centre, radius_mm=100_000),)),),
                    release=Release(members=Grade.FULL),
                ),
                now=now, place=(secrets.token_hex(16), 1),
            )
            for n, centre in enumerate(map(tuple, e7[first : first + 5_000]), first)
        ]  # fmt: skip
        with store.appending() as record:
            record.append(appended(one, now=now) for one in batch)


async def measure(engine: Engine) -> None:
    """Each view twice: as a reader's first, and again."""
    layers, two = Layers(engine), desk_of("two")

    async def tile(zoom: int, row: int, column: int) -> tuple[int, int, int]:
        where = Tile(zoom, row, column)

        def draw(sight: Any) -> Any:
            found = look(sight, where, EVERY)
            return found, written(where, found)

        found, body = await layers.look(two, draw)
        await disclose_tile(engine, two, found.shown)
        return len(body), len(found.items), len(found.clusters)

    async def page(**query: str) -> tuple[int, int]:
        asked = asked_of(query, EntryKind.NOTICE)
        found = await layers.look(two, lambda sight: features_of(sight, asked))
        await disclose(engine, two, found.views)
        return sum(map(len, found.features)), len(found.features)

    views: dict[str, Callable[[], Awaitable[tuple[int, ...]]]] = {
        "tile 6/20/30": lambda: tile(6, 20, 30),
        "tile 0/0/0": lambda: tile(0, 0, 0),
        "tile 3/3/4": lambda: tile(3, 3, 4),
        "items, 1000": lambda: page(limit="1000"),
        "items in a box": lambda: page(limit="1000", bbox="0,40,10,50"),
        "items by a filter": lambda: page(limit="100", filter="name LIKE '%9999'"),
    }
    for name, view in views.items():
        for turn in ("first", "again"):
            wall, used = time.perf_counter(), time.process_time()
            told = await view()
            wall, used = time.perf_counter() - wall, time.process_time() - used
            print(f"{name:18} {turn} {wall * 1e3:8.1f} ms, processor {used * 1e3:8.1f} ms, {told}")
    layers.close()


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "test.db"
        keyring = Keyring(path)
        begin(path, keyring)
        store = Store(path)
        fill(store, keyring)
        engine = Engine(store, keyring.load("node"))
        engine.start()
        asyncio.run(measure(engine))
        engine.stop()
        store.close()


if __name__ == "__main__":
    main()
