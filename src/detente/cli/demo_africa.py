"""Africa's health facilities, and invented plans checked against them.

The data is not shipped (its licence is stated by its publication alone): Maina
et al. 2019, 98,745 facilities, 2,350 of them without coordinates.
"""

import math
import random
import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from detente.cli.common import console, progress
from detente.core.agreement import Agreement
from detente.core.check import VerdictKind
from detente.core.edges import circle, corridor, polygon
from detente.core.party import Party
from detente.core.plan import Plan
from detente.core.volume import E7_PER_DEG, Circle, Shape, Volume
from detente.doors.answer import WORDS
from detente.doors.files import Imported, ReadOptions, read
from detente.node.check import check_plans
from detente.node.intake import take_in
from detente.node.keyring import Keyring
from detente.node.picture import load
from detente.node.theatre import admit, found
from detente.store import Store

SEED = 20190725
"""The day on which the data was published; the same plans each time."""

PARTY = Party(id="health", name="Health register")


def run(file: Path, folder: Path, plan_count: int) -> None:
    """Import, sign, check, and say how long each took."""
    out = console()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "africa.db"
    for left in folder.glob("africa.db*"):
        left.unlink()
    shutil.rmtree(Keyring(path).folder, ignore_errors=True)
    now = datetime.now(UTC)
    clock = time.monotonic()
    reading = read(
        file, ReadOptions(kind="notices", party=PARTY.id, category="medical", standoff_mm=500_000)
    )
    clock = _said(out.print, clock, f"{file.name}: {reading.rows_total:,} rows read")
    out.print(
        f"  {len(reading.refusals):,} refused by name, such as {reading.refusals[0]}"
        if reading.refusals
        else "  none refused"
    )
    out.print(f"  {len(reading.doubts):,} doubtful and kept")
    found(path, theatre="africa", agreement=Agreement(name="Africa (demo)"), now=now)
    store, keyring = Store(path), Keyring(path)
    admit(store, keyring, PARTY, now=now)
    with progress() as bar:
        task = bar.add_task("signing", total=len(reading.values))
        intake = take_in(
            store,
            PARTY.id,
            keyring.load(PARTY.id),
            reading.values,
            now=now,
            progress=lambda done: bar.advance(task, done),
        )
    store.close()
    clock = _said(out.print, clock, f"{intake.new:,} notices signed and on record")
    picture = load(path)
    plans = invented_plans(reading.values, plan_count)
    clock = _said(out.print, clock, f"register version {picture.sequence:,} loaded")
    verdicts = check_plans(plans, picture, now=now)
    _said(out.print, clock, f"{len(plans):,} invented plans checked")
    for kind in VerdictKind:
        count = sum(1 for verdict in verdicts if verdict.verdict is kind)
        if count:
            out.print(f"  {count:,} {WORDS[kind]}")
    out.print("A check informs; it never permits.")


def _said(say: Callable[[str], None], since: float, what: str) -> float:
    now = time.monotonic()
    say(f"{what} in {now - since:.1f} s")
    return now


def invented_plans(known: list[Imported], count: int) -> list[Plan]:
    """Plans of 0.5 to 5 km within some 10 km of known places, the same ones each time."""
    random_ = random.Random(SEED)  # noqa: S311 - plans to show, not secrets
    places = [
        value.volumes[0].footprint[0].centre
        for value in known
        if isinstance(value.volumes[0].footprint[0], Circle)
    ]
    plans = []
    for number in range(count):
        lon, lat = (axis / E7_PER_DEG for axis in random_.choice(places))
        lon += random_.uniform(-0.1, 0.1)
        lat += random_.uniform(-0.1, 0.1)
        plans.append(
            Plan(
                source_id=f"plan-{number}",
                hazard_mm=random_.choice([0, 100_000, 300_000]),
                volumes=(Volume(footprint=_shapes(random_, lon, lat)),),
            )
        )
    return plans


def _shapes(random_: random.Random, lon: float, lat: float) -> tuple[Shape, ...]:
    size_m = random_.uniform(500, 5_000)
    size_deg = size_m / 111_320
    match random_.randrange(3):
        case 0:
            return (circle(lon, lat, size_m),)
        case 1:
            turn = random_.uniform(0, 2 * math.pi)
            end = (lon + 4 * size_deg * math.cos(turn), lat + 4 * size_deg * math.sin(turn))
            return corridor([(lon, lat), end], 600)
        case _:
            corners = sorted(random_.uniform(0, 2 * math.pi) for _ in range(8))
            ring = [
                (lon + size_deg * math.cos(corner), lat + size_deg * math.sin(corner))
                for corner in corners
            ]
            return polygon([ring])
