"""The wildfires of January 2025 in Los Angeles, step by step.

Hospitals and fire perimeters are real (src/detente/data/README.md). The three
parties, their agreement, movements, plans and flights are invented (los_angeles.toml).
Each step calls what the commands of the same name call.
"""

import shutil
import sqlite3
import time
from collections import Counter
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path

from rich.console import Console
from rich.rule import Rule

from detente.cli.common import console
from detente.cli.log import verified_text
from detente.cli.staging import fresh, play, stage
from detente.core.plan import Plan
from detente.doors.answer_text import table
from detente.doors.files import ReadOptions, read
from detente.doors.map_png import Scene, draw
from detente.doors.scenario_text import alert_line, clock
from detente.doors.scenario_toml import Told, read_scenario
from detente.node.audit import audit
from detente.node.check import check_plans
from detente.node.picture import load
from detente.node.rehearsing import Told as News
from detente.store import Store

AS_OF = datetime(2025, 1, 9, 17, 0, tzinfo=UTC)
"""The check's "now": the morning of 9 January 2025 in Los Angeles."""

HOSPITALS = "medical"

TAMPERED = "SANTA MONICA - UCLA MEDICAL CENTER"


def run(folder: Path) -> None:
    """Register, check, verify, tamper, draw; all in ``folder``."""
    began = time.monotonic()
    out = console()
    data = resources.files("detente.data")
    with resources.as_file(data) as files:
        path = fresh(folder, "los-angeles")
        told = _register(out, path, files)
        _ask(out, path, files)
        _watch(out, path, told)
        _verify(out, path)
    seconds = time.monotonic() - began
    out.print(Rule(style="dim"))
    out.print(f"Done in {seconds:.0f} s. All of it is in {folder}/. Try next:")
    out.print(f"  detente list --store {path}")
    out.print(f"  detente show 0074290404 --store {path}")
    out.print(f"  detente log verify --store {path}")


def _heading(out: Console, text: str) -> None:
    out.print()
    out.print(Rule(text, align="left", style="bold"))


def _register(out: Console, path: Path, files: Path) -> Told:
    _heading(out, "1. Three parties agree, and say what must be spared")
    told = read_scenario(files / "los_angeles.toml")
    stage(told, path, out.print)
    return told


def _ask(out: Console, path: Path, files: Path) -> None:
    _heading(out, "2. Eight plans are checked, against all that and against each other")
    reading = read(files / "los_angeles_plans.geojson", ReadOptions(kind="plans", strict=True))
    plans = [value for value in reading.values if isinstance(value, Plan)]
    picture = load(path)
    verdicts = check_plans(plans, picture, now=AS_OF, together=True)
    out.print(table(verdicts))
    picture_path = path.with_suffix(".png")
    draw(
        picture_path,
        Scene(
            plans=plans,
            verdicts=verdicts,
            known=picture.known,
            title="Los Angeles, 9 January 2025: invented plans over real fires and hospitals",
        ),
    )
    out.print()
    out.print(f"The same as a map: {picture_path}")


def _watch(out: Console, path: Path, told: Told) -> None:
    _heading(out, "3. A tanker, a drone and a medical flight move, and the watch tells the desks")
    desks = {side.id: side.desk for side in told.scenario.parties}
    others = Counter[str]()

    def tell(now: datetime, news: list[News]) -> None:
        for one in news:
            track, entry = one.alert.track, one.alert.entry
            if track is None or entry is None or track.party == entry.party:
                continue
            if entry.category == HOSPITALS:
                others[one.party] += one.what == "begun"
                continue
            line = alert_line(one, desks.get(one.party))
            out.print(f"{clock(now)}  {line}", markup=False)

    play(told, path, told.scenario.accounts, speed=0, tell=tell)
    for party, count in others.items():
        out.print(f"Besides, {desks[party].name} was warned {count} times of its hospitals.")
    out.print("To whom the hospitals were not released, nothing is told of them.")


def _verify(out: Console, path: Path) -> None:
    _heading(out, "4. The record is verified")
    store = Store(path)
    out.print(verified_text(audit(store)).rstrip())
    store.close()
    _heading(out, "5. Somebody alters one byte, and it is found")
    copy = path.with_name("los-angeles-altered.db")
    shutil.copyfile(path, copy)
    sequence = _alter(copy)
    out.print(
        f"In a copy, one digit of the latitude of {TAMPERED.title()} (entry {sequence}) is changed."
    )
    altered = Store(copy)
    out.print(verified_text(audit(altered)).rstrip())
    altered.close()
    for left in copy.parent.glob(copy.name + "*"):
        left.unlink()


def _alter(path: Path) -> int:
    """Move a hospital by 0.1 degree, as someone with the file in his hands could."""
    connection = sqlite3.connect(path)
    with connection:
        rows = connection.execute("SELECT sequence, data FROM content").fetchall()
        sequence, data = next(
            (sequence, data) for sequence, data in rows if TAMPERED.encode() in data
        )
        place = data.index(b"centre") + len(b'centre":[-1184868920,34')
        digit = b"9" if data[place : place + 1] != b"9" else b"8"
        connection.execute(
            "UPDATE content SET data = ? WHERE sequence = ?",
            (data[:place] + digit + data[place + 1 :], sequence),
        )
    connection.close()
    return int(sequence)
