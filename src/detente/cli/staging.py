"""A scenario at work: its register in a folder, played there or prepared for a node."""

import asyncio
import shutil
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from msgspec.structs import replace

from detente.cli.common import utc_now
from detente.core.ledger import NODE
from detente.core.party import Party
from detente.core.release import Release
from detente.doors.feeds.sbs import lines_of
from detente.doors.files import Imported, ReadOptions, read
from detente.doors.scenario_toml import Account, Place, Told, Track
from detente.doors.scenario_tracks import heard
from detente.node.engine import Engine
from detente.node.feeding import Feed
from detente.node.intake import take_in
from detente.node.keyring import Keyring
from detente.node.rehearsing import Stage, perform
from detente.node.rehearsing import Told as News
from detente.node.theatre import admit, found
from detente.store import Store


def fresh(folder: Path, name: str) -> Path:
    """An empty place for a register; that of an earlier run is removed.

    Raises:
        OSError: The folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.db"
    for left in folder.glob(f"{name}*.db*"):
        left.unlink()
    shutil.rmtree(Keyring(path).folder, ignore_errors=True)
    return path


def stage(told: Told, path: Path, say: Callable[[str], None] = lambda _: None) -> list[Imported]:
    """Found a scenario's theatre at a place, and put on record what it begins with.

    Args:
        told: The scenario.
        path: Of the register; nothing may be there yet.
        say: Told of each part that is done.

    Returns:
        What protects, as it was read.

    Raises:
        MalformedInput: A file that it names cannot be read, or a row of it.
        Conflict: There is a register already.
    """
    scenario = told.scenario
    found(path, theatre=scenario.theatre, agreement=told.agreement, now=utc_now())
    say(f"entry 0: agreement {told.agreement.name!r}")
    store, keyring = Store(path), Keyring(path)
    try:
        for side in scenario.parties:
            party = Party(id=side.id, name=side.name, desks=(side.desk,))
            receipt = admit(store, keyring, party, now=utc_now())
            say(f"entry {receipt.sequence}: party {party.id}, {party.name}, with its own key")
        return [
            value for place in scenario.places for value in _put(told, place, store, keyring, say)
        ]
    finally:
        store.close()


def _put(
    told: Told, place: Place, store: Store, keyring: Keyring, say: Callable[[str], None]
) -> list[Imported]:
    desk = next(side.desk.id for side in told.scenario.parties if side.id == place.party)
    options = ReadOptions(
        kind=place.kind,
        strict=True,
        party=place.party,
        desk=desk,
        category=place.category,
        rule=place.rule,
    )
    values = read(told.folder / place.file, options).values
    if place.release is not None:
        values = [replace(value, release=place.release) for value in values]
    intake = take_in(store, place.party, keyring.load(place.party), values, now=utc_now())
    first = intake.sequence - intake.new
    many = f"entries {first} to {intake.sequence - 1}" if intake.new > 1 else f"entry {first}"
    say(f"{many}: {intake.new} {place.kind} signed by {place.party}, from {place.file}")
    return values


def play(
    told: Told,
    path: Path,
    accounts: Sequence[Account],
    *,
    speed: float,
    tell: Callable[[datetime, list[News]], None],
) -> float:
    """Play accounts of a scenario side by side on its register; each desk is told of each.

    Returns:
        How far behind its speed it was at most, in seconds.

    Raises:
        MalformedInput: No such speed, or a track that cannot be flown.
        Unavailable: The register cannot be read or written.
    """
    store = Store(path)
    engine = Engine(store, Keyring(path).load(NODE))
    engine.start()
    parties = [side.id for side in told.scenario.parties]
    stages = [
        Stage(account.id, engine, _feeds(account), parties, account.begin) for account in accounts
    ]
    positions = [one for account in accounts for one in heard(account)]
    positions.sort(key=lambda one: one.observed.time)
    try:
        return asyncio.run(perform(stages, positions, speed=speed, tell=tell))
    finally:
        engine.stop()
        store.close()


def _feeds(account: Account) -> dict[str, Feed]:
    """One a track: each is released by itself."""
    return {
        track.address: Feed(name=track.address, party=track.party, release=track.release)
        for track in account.tracks
    }


def prepare(told: Told, path: Path, port: int = 30_003) -> list[str]:
    """Write what a node needs that is to hear a scenario: a recording an account, settings.

    Args:
        told: The scenario.
        path: Of its register, whose folder this goes to.
        port: Of the first recording, as it will be served; each has the next.

    Returns:
        The recordings' names, each with its address.

    Raises:
        MalformedInput: A track that cannot be flown.
    """
    feeds, out = [f'database = "{path.name}"\n'], []
    for number, track in enumerate(_tracks(told)):
        account, one = track
        name, address = f"{account.id}-{one.address}.sbs", f"127.0.0.1:{port + number}"
        said = (at for at in heard(account) if at.observed.track == one.address)
        (path.parent / name).write_bytes(b"".join(map(lines_of, said)))
        release = "" if one.release is None else f"release = {_toml(one.release)}\n"
        feeds.append(
            f'\n[[feeds]]\nname = "{account.id}-{one.address}"\nparty = "{one.party}"\n'
            f'kind = "sbs"\naddress = "{address}"\n{release}'
        )
        out.append(f"{name} --sbs {address}")
    (path.parent / "detente.toml").write_text("".join(feeds))
    return out


def _tracks(told: Told) -> list[tuple[Account, Track]]:
    return [(account, track) for account in told.scenario.accounts for track in account.tracks]


def _toml(release: Release) -> str:
    """A release as an inline table."""
    parts = ", ".join(f'{party} = "{grade}"' for party, grade in release.parties.items())
    said = [f"parties = {{ {parts} }}"] if release.parties else []
    said += [] if release.members is None else [f'members = "{release.members}"']
    return f"{{ {', '.join(said)} }}"
