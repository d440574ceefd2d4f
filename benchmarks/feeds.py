"""A TAXII collection of 100,000 objects: the first page, and what a process does before it."""

import asyncio
import json
import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from detente.core.agreement import Agreement
from detente.core.party import Party
from detente.core.principal import Method, Principal, Role, scopes_of
from detente.core.release import Grade, Release
from detente.core.report import Report
from detente.node.author import Author
from detente.node.engine import Engine
from detente.node.keyring import Keyring
from detente.node.submit import submit
from detente.node.taxii.collections import collection
from detente.node.taxii.filters import Filter
from detente.node.taxii.pages import Pages
from detente.node.theatre import admit, found
from detente.store import Store

OBJECTS = 100_000
BATCH = 5_000
RUNS = 20
TWO = Principal(party="two", method=Method.TOKEN, subject="two", scopes=scopes_of([Role.LIAISON]))


def report(number: int) -> Report:
    """An indicator of some 450 bytes, released to all members."""
    name = f"indicator--{UUID(int=number, version=4)}"
    spelt = "2026-01-01T00:00:00.000Z"
    text = json.dumps({
        "type": "indicator", "spec_version": "2.1", "id": name, "created": spelt,
        "modified": spelt, "name": f"Loader {number}", "pattern_type": "stix",
        "pattern": f"[file:hashes.'SHA-256' = '{number:064x}']", "valid_from": spelt,
        "description": "x" * 100,
    })  # fmt: skip
    return Report(
        source_id=name, party="one", title=f"Loader {number}", text="", stix=text,
        release=Release(members=Grade.FULL),
    )  # fmt: skip


def fill(place: Path, keyring: Keyring, objects: int) -> Store:
    """A register whose party one gave so many."""
    now = datetime.now(UTC)
    found(place, theatre="bench", agreement=Agreement(name="bench"), now=now, keyring=keyring)
    store = Store(place)
    for party in ("one", "two"):
        admit(store, keyring, Party(id=party, name=party), now=now)
    with store.reading() as record:
        author = Author.following(record, "one", keyring.load("one"))
    for start in range(0, objects, BATCH):
        submit(store, [author.write(report(start + n), now=now) for n in range(BATCH)], now=now)
    return store


async def measure(store: Store, keyring: Keyring, objects: int) -> dict[str, float]:
    """Seconds, but the last: what each takes."""
    engine = Engine(store, keyring.load("node"))
    engine.start()
    pages = Pages(engine)
    where = collection(engine.world.shown, "bench", TWO, "agreement")

    async def timed(wanted: Filter, *, look: bool = False) -> float:
        began = time.perf_counter()
        read = pages.look if look else pages.objects
        page = await read(TWO, where, wanted)
        assert page.shown
        return time.perf_counter() - began

    async def median(wanted: Filter) -> float:
        return statistics.median([await timed(wanted) for _ in range(RUNS)])

    first = await timed(Filter(), look=True)
    anew = await timed(Filter(limit=1_000))
    middle = Filter(after_us=(await pages.look(TWO, where, Filter())).upto_us + objects // 2)
    name = json.loads(report(objects - 7).stix)["id"]
    figures = {
        "taxii first question of a process": first,
        "taxii page of 1,000, put on record": anew,
        "taxii first page of 100": await median(Filter()),
        "taxii first page of 1,000": await median(Filter(limit=1_000)),
        "taxii page of 100 in the middle": await median(middle),
        "taxii one object by its id": await median(Filter(ids=frozenset({name}))),
    }
    pages.close()
    engine.stop()
    return figures


def run(objects: int = OBJECTS) -> dict[str, float]:
    """All of it, in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "bench.db"
        keyring = Keyring(place)
        store = fill(place, keyring, objects)
        figures = asyncio.run(measure(store, keyring, objects))
        store.close()
    return figures


def first_page() -> dict[str, object]:
    """The first page of 100 of a collection of 100,000, in process, disclosures on record."""
    found = run()
    page, whole = (1_000 * found[f"taxii first page of {n}"] for n in ("100", "1,000"))
    began = 1_000 * found["taxii first question of a process"]
    return {
        "value": page,
        "unit": f"ms for 100 (1,000: {whole:.0f}; a process's first question: {began:,.0f})",
        "bar": "at most 50",
    }


FIGURES = {"taxii.first_page": first_page}

if __name__ == "__main__":
    for named, seconds in run().items():
        print(f"{named}: {seconds * 1_000:.1f} ms")
