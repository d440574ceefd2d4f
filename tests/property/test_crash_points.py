"""Killed, or without power, between any two writes: what is left goes on (R-04, R-09).

Files are written to a disk that forgets (tests/disk.py). ``CRASH_POINTS=100000 pytest
tests/property/test_crash_points.py`` tries more; a failure names its seed, and
``CRASH_SEED`` begins there.
"""

import random
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from crash import POINTS, SEED, SIZE_MAX, TREE, at, memory
from detente.core.checkpoint import parse_checkpoint
from detente.core.log_files import width_at
from detente.core.note import parse_note, render_note, sign_note, verify_note
from detente.core.outside import Known
from detente.core.tiles import right_edge
from detente.node.keyring import Keyring
from detente.node.log import PublicLog, files_of
from detente.node.log_folder import write_folder
from detente.node.outside_memory import Memory, load, save
from detente.node.telling.secret import WebhookSecrets
from detente.store import Record
from disk import Died, Disk
from logs import LOG
from outsider import file_of

CRASHES = 4
"""In one life of a folder, so that what one leaves is what the next begins with."""

CALLS_MAX = 50
"""What writing a log makes, more or less, so that it may die at any."""

PUBLIC = PublicLog(LOG)


class Grown(Record):
    """The record of so many entries of the tree."""

    def __init__(self, size: int) -> None:
        self._size = size

    def witnessed(self) -> None:
        return None

    def head(self) -> tuple[str, int, bytes]:
        return "levant", self._size, at(self._size).root

    def tile(self, level: int, number: int) -> bytes:
        return TREE.read(level, number)[: 32 * width_at(self._size, level, number)]

    def envelopes(self, first: int, end: int) -> list[bytes]:
        return TREE.entries[first : min(end, self._size)]


Life = Callable[[Disk, random.Random], None]


def crashed(
    disk: Disk, chance: random.Random, work: Callable[[], object], calls_max: int = 10
) -> bool:
    """Do some work that is killed somewhere, or right after it; whether it was done."""
    done = False
    try:
        with disk.followed(dies_at=chance.randrange(calls_max)):
            work()
            done = True
    except Died:
        pass
    chance.choice((disk.killed, disk.powerless))()
    return done


def shown(folder: Path) -> int:
    """How long the log in a folder is; all that its checkpoint stands for must be there."""
    path = folder / "checkpoint"
    if not path.exists():
        return 0
    note = parse_note(path.read_bytes())
    verify_note(note, [LOG.verifier])
    found = parse_checkpoint(note.text)
    assert found == at(found.size)
    for file in files_of(found.size):
        place = folder / file.path
        whole = folder / file.path.partition(".p/")[0]
        data = (place if place.exists() else whole).read_bytes()
        assert data.startswith(file_of(TREE, file)), file
    return found.size


def a_log(disk: Disk, chance: random.Random) -> None:
    """Written again and again as it grows, into folders that are not there."""
    folder = disk.folder / "www" / "log"
    size = said = 0

    def write() -> None:
        write_folder(Grown(size), PUBLIC, folder)

    for _ in range(CRASHES):
        size = min(SIZE_MAX, size + chance.choice((0, 1, 5, 60, 200)))
        said = size if crashed(disk, chance, write, CALLS_MAX) else said
        assert said <= shown(folder) <= size
    with disk.followed():
        write()
    disk.powerless()
    assert shown(folder) == size


def an_auditor(disk: Disk, chance: random.Random) -> None:
    """He never forgets what he was said to remember."""
    path = disk.folder / "state" / "audit" / "log.json"
    size = said = 0
    for _ in range(CRASHES):
        size += chance.randrange(100)
        memory = remembered(size)
        said = size if crashed(disk, chance, lambda: save(path, memory)) else said  # noqa: B023
        found = load(path)
        assert said <= (0 if found is None else found.size) <= size


def remembered(size: int) -> Memory:
    found = at(size)
    return Memory(
        origin=found.origin,
        checkpoint=render_note(sign_note(found.text, [LOG])).decode(),
        size=size,
        root=found.root,
        edge={place: Grown(size).tile(*place) for place in right_edge(size)},
        theatre="levant",
        known=Known(),
    )


def keys(disk: Disk, chance: random.Random) -> None:
    """A key that was given out is there for ever, and never half of one."""
    keyring = Keyring(disk.folder / "test.db")
    known: dict[str, object] = {}
    ways: Mapping[str, Callable[[], object]] = {
        "own": lambda: bytes(keyring.own("+log")),
        "ml-dsa": lambda: keyring.ml_dsa("+witness").private_bytes_raw(),
        "secret": lambda: WebhookSecrets.load(keyring).of("s"),
    }

    def give(name: str) -> None:
        given = ways[name]()
        assert known.setdefault(name, given) == given

    for _ in range(CRASHES):
        name = chance.choice(list(ways))
        crashed(disk, chance, lambda: give(name))  # noqa: B023
    with disk.followed():
        for name in ways:
            give(name)


LIVES: Mapping[str, tuple[Life, float]] = {
    "log": (a_log, 0.75),
    "auditor": (an_auditor, 0.1),
    "keys": (keys, 0.1),
}
"""Each with its share of the crash points: a log has more files, and more to lose."""


@pytest.mark.parametrize("life", LIVES)
def test_what_is_left_goes_on(life: str) -> None:
    live, share = LIVES[life]
    with memory() as folder:
        for number in range(int(POINTS * share / CRASHES)):
            seed = SEED + number
            chance = random.Random(seed)
            try:
                live(Disk(folder / "disk", chance), chance)
            except Exception as error:
                raise AssertionError(f"CRASH_SEED={seed}") from error
