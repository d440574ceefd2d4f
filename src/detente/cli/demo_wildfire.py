"""The wildfires of January 2025 in Los Angeles, step by step.

Hospitals and fire perimeters are real (src/detente/data/README.md). The three
parties, their agreement, movements and plans are invented. Each step calls what
the commands of the same name call.
"""

import shutil
import sqlite3
import time
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path

from rich.console import Console
from rich.rule import Rule

from detente.cli.common import console
from detente.cli.log import verified_text
from detente.core.party import Desk, Party
from detente.core.plan import Plan
from detente.core.zone import ZoneRule
from detente.doors import answer
from detente.doors.agreement_toml import read_agreement
from detente.doors.files import Kind, ReadOptions, read
from detente.doors.map_png import Scene, draw
from detente.node.audit import audit
from detente.node.check import check_plans
from detente.node.intake import take_in
from detente.node.keyring import Keyring
from detente.node.picture import load
from detente.node.theatre import admit, found
from detente.store import Store

AS_OF = datetime(2025, 1, 9, 17, 0, tzinfo=UTC)
"""The check's "now": the morning of 9 January 2025 in Los Angeles."""

PARTIES = (
    Party(
        id="fire-air",
        name="Fire aviation command",
        desks=(Desk(id="fire-air-desk", name="Fire air desk"),),
    ),
    Party(
        id="med-air",
        name="Medical air operator",
        desks=(Desk(id="med-air-desk", name="Medical air desk"),),
    ),
    Party(
        id="drone-survey",
        name="Drone survey operator",
        desks=(Desk(id="drone-desk", name="Drone desk"),),
    ),
)

TAMPERED = "SANTA MONICA - UCLA MEDICAL CENTER"


def run(folder: Path) -> None:
    """Register, check, verify, tamper, draw; all in ``folder``."""
    began = time.monotonic()
    out = console()
    data = resources.files("detente.data")
    with resources.as_file(data) as files:
        path = _fresh(folder)
        _register(out, path, files)
        _ask(out, path, files)
        _verify(out, path)
    seconds = time.monotonic() - began
    out.print(Rule(style="dim"))
    out.print(f"Done in {seconds:.0f} s. All of it is in {folder}/. Try next:")
    out.print(f"  detente list --store {path}")
    out.print(f"  detente show 0074290404 --store {path}")
    out.print(f"  detente log verify --store {path}")


def _fresh(folder: Path) -> Path:
    """An empty place for the register; an earlier demo's is removed."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "los-angeles.db"
    for left in folder.glob("los-angeles*.db*"):
        left.unlink()
    shutil.rmtree(Keyring(path).folder, ignore_errors=True)
    return path


def _heading(out: Console, text: str) -> None:
    out.print()
    out.print(Rule(text, align="left", style="bold"))


def _register(out: Console, path: Path, files: Path) -> None:
    _heading(out, "1. Three parties agree, and say what must be spared")
    now = datetime.now(UTC)
    terms = read_agreement(files / "los_angeles_agreement.toml")
    found(path, theatre="los-angeles", agreement=terms, now=now)
    store, keyring = Store(path), Keyring(path)
    out.print(f"entry 0: agreement {terms.name!r}")
    for party in PARTIES:
        receipt = admit(store, keyring, party, now=now)
        out.print(f"entry {receipt.sequence}: party {party.id}, {party.name}, with its own key")
    _import(out, path, "med-air", files / "los_angeles_hospitals.csv", "notices")
    _import(out, path, "med-air", files / "los_angeles_movements.geojson", "notices")
    _import(out, path, "fire-air", files / "los_angeles_fire_perimeters.geojson", "zones")
    store.close()


def _import(out: Console, path: Path, party: str, file: Path, kind: Kind) -> None:
    desk = next(one.desks[0].id for one in PARTIES if one.id == party)
    options = ReadOptions(
        kind=kind,
        strict=True,
        party=party,
        desk=desk,
        category="medical" if kind == "notices" else None,
        rule=ZoneRule.COORDINATE_FIRST,
    )
    reading = read(file, options)
    store = Store(path)
    intake = take_in(store, party, Keyring(path).load(party), reading.values, now=datetime.now(UTC))
    store.close()
    first = intake.sequence - intake.new
    out.print(
        f"entries {first} to {intake.sequence - 1}: {intake.new} {kind} signed by {party}, "
        f"from {file.name}"
    )


def _ask(out: Console, path: Path, files: Path) -> None:
    _heading(out, "2. Eight plans are checked, against all that and against each other")
    reading = read(files / "los_angeles_plans.geojson", ReadOptions(kind="plans", strict=True))
    plans = [value for value in reading.values if isinstance(value, Plan)]
    picture = load(path)
    verdicts = check_plans(plans, picture, now=AS_OF, together=True)
    out.print(answer.table(verdicts))
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


def _verify(out: Console, path: Path) -> None:
    _heading(out, "3. The record is verified")
    store = Store(path)
    out.print(verified_text(audit(store)).rstrip())
    store.close()
    _heading(out, "4. Somebody alters one byte, and it is found")
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
