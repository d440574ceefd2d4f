"""Repair: each kind of damage, what is done about it, and what is left alone."""

from pathlib import Path

import pytest

from behind import alter
from detente.core.merkle import leaf_hash
from detente.errors import Conflict
from detente.node.audit import audit
from detente.node.intake import take_in
from detente.node.keyring import Keyring
from detente.node.log import PublicLog, signer_of
from detente.node.log_folder import write_folder
from detente.node.log_source import Folder
from detente.node.lookup import current_agreement
from detente.node.repair import Repair, apply_repair, plan_repair
from detente.store import Place, Store
from world import NOW, site

COUNT = 300
DAMAGE_ENTRY = (
    "UPDATE entry SET envelope = as_bytes(replace(as_text(envelope), 'e', 'f')) WHERE sequence = {}"
)
CUT = "DELETE FROM entry WHERE sequence = 7"
ERASE = "DELETE FROM object WHERE sequence = 7; DELETE FROM content WHERE sequence = 7"
CUT_OUT = f"{ERASE}; {CUT}"
TILES = {
    "a tile of leaves": "UPDATE tile SET hashes = zeros(8192) WHERE level = 0 AND number = 0",
    "a tile above": "UPDATE tile SET hashes = zeros(32) WHERE level = 1",
    "a part of a tile": "UPDATE tile SET hashes = zeros(5) WHERE level = 0 AND number = 1",
    "no tiles": "DELETE FROM tile",
}
OBJECTS = {
    "an object hidden": "DELETE FROM object WHERE source_id = 'B'",
    "an old version": "UPDATE object SET sequence = 3, version = 1 WHERE source_id = 'B'",
    "another name": "UPDATE object SET source_id = 'C' WHERE source_id = 'B'",
    "two names swapped": (
        "UPDATE object SET source_id = 'x' WHERE source_id = 'A';"
        "UPDATE object SET source_id = 'A' WHERE source_id = 'B';"
        "UPDATE object SET source_id = 'B' WHERE source_id = 'x'"
    ),
    "an object that is over": "UPDATE object SET ended = (1 = 1) WHERE source_id = 'B'",
    "an object of no entry": (
        "INSERT INTO object SELECT '00000000000000000000000000000000', kind, party, 'Z', version,"
        " sequence, ended FROM object WHERE source_id = 'B'"
    ),
}


@pytest.fixture
def filled(place: Place, keyring: Keyring) -> Place:
    """A register with COUNT notices of party one, and A and B of party two."""
    store = Store(place)
    values = [site(f"{number}") for number in range(COUNT)]
    take_in(store, "one", keyring.load("one"), values, now=NOW)
    two = [site("A", party="two"), site("B", party="two")]
    take_in(store, "two", keyring.load("two"), two, now=NOW)
    store.close()
    return place


def mirror_of(place: Place, keyring: Keyring, folder: Path) -> Folder:
    """A copy of its log."""
    store = Store(place)
    with store.reading() as record:
        write_folder(record, PublicLog(signer_of(current_agreement(record), keyring)), folder)
    store.close()
    return Folder(folder)


def contents(place: Place) -> list[tuple[object, ...]]:
    """All that must never change: entries, leaves, head."""
    store = Store(place)
    with store.reading() as record:
        found: list[tuple[object, ...]] = [record.head(), *(row[:3] for row in record.rows())]
    store.close()
    return found


def planned(place: Place, mirror: Folder | None = None) -> Repair:
    store = Store(place)
    with store.reading() as record:
        plan = plan_repair(record, mirror)
    store.close()
    return plan


def repaired(place: Place, mirror: Folder | None = None) -> Repair:
    plan = planned(place, mirror)
    store = Store(place)
    apply_repair(store, plan)
    store.close()
    return plan


def holds(place: Place) -> bool:
    store = Store(place)
    found = audit(store)
    store.close()
    return not found.problems_total


def test_what_is_whole_is_left_alone(filled: Place) -> None:
    plan = planned(filled)
    assert (list(plan.steps()), plan.left) == ([], [])


@pytest.mark.parametrize("what", TILES)
def test_tiles_are_drawn_again_from_the_entries(filled: Place, what: str) -> None:
    before = contents(filled)
    alter(filled, TILES[what])
    assert not holds(filled)
    plan = repaired(filled)
    assert plan.tiles
    assert [plan.entries, plan.objects, plan.left] == [{}, [], []]
    assert holds(filled)
    assert contents(filled) == before


@pytest.mark.parametrize("what", OBJECTS)
def test_current_objects_are_drawn_again_from_the_entries(filled: Place, what: str) -> None:
    before = contents(filled)
    alter(filled, OBJECTS[what])
    plan = repaired(filled)
    assert list(plan.steps())
    assert [plan.entries, plan.tiles, plan.left] == [{}, {}, []]
    assert holds(filled)
    assert list(planned(filled).steps()) == []
    assert contents(filled) == before


def test_a_damaged_entry_is_told_and_put_back_only_as_the_tree_commits_to_it(
    filled: Place, keyring: Keyring, tmp_path: Path
) -> None:
    before = contents(filled)
    mirror = mirror_of(filled, keyring, tmp_path / "mirror")
    for sequence in (7, 301):
        alter(filled, DAMAGE_ENTRY.format(sequence))
    damaged = contents(filled)
    plan = repaired(filled)
    assert [one.partition(":")[0] for one in plan.left] == ["entry 7", "entry 301"]
    assert contents(filled) == damaged, "without a mirror nothing is changed"
    bundle = tmp_path / "mirror/tile/entries/000"
    whole = bundle.read_bytes()
    bundle.write_bytes(whole.replace(b"payloadType", b"payloadtype"))
    plan = planned(filled, mirror)
    assert list(plan.entries) == [301]
    assert "entry 7: damaged; the mirror's is not the one of the tree" in plan.left
    bundle.write_bytes(whole)
    plan = repaired(filled, mirror)
    assert list(plan.entries) == [7, 301]
    assert not plan.left
    assert contents(filled) == before
    assert holds(filled)


def test_damage_of_entries_and_tiles_at_once(
    filled: Place, keyring: Keyring, tmp_path: Path
) -> None:
    before = contents(filled)
    mirror = mirror_of(filled, keyring, tmp_path / "mirror")
    alter(filled, DAMAGE_ENTRY.format(7))
    alter(filled, TILES["a tile of leaves"])
    assert not repaired(filled, mirror).left
    assert contents(filled) == before
    assert holds(filled)


def test_an_entry_altered_with_its_hash_is_found_by_the_tiles(
    filled: Place, keyring: Keyring, tmp_path: Path
) -> None:
    mirror = mirror_of(filled, keyring, tmp_path / "mirror")
    alter(filled, "UPDATE entry SET leaf = zeros(32) WHERE sequence = 7")
    alter(filled, DAMAGE_ENTRY.format(7))
    plan = repaired(filled, mirror)
    assert list(plan.entries) == [7]
    # A leaf hash is never changed: what is beside the entry takes a backup.
    assert plan.left == ["entry 7: the hash beside it is not the one that the tree commits to"]


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        ("UPDATE entry SET leaf = zeros(32) WHERE sequence = 7", "entry 7: the hash beside it"),
        ("UPDATE head SET root = zeros(32)", "root: no hashes"),
        ("UPDATE head SET size = size - 1", "record: 1 entries beyond"),
        ("UPDATE content SET salt = zeros(32) WHERE sequence = 304", "check 4, entry 304"),
        (
            CUT_OUT,
            "entry 7: is not there",
        ),
        (
            ERASE,
            "what it commits to is missing, and nothing erased it",
        ),
    ],
)  # fmt: skip
def test_what_takes_a_backup_is_told_and_nothing_is_changed(
    filled: Place, damage: str, told: str
) -> None:
    alter(filled, damage)
    damaged = contents(filled)
    plan = repaired(filled)
    assert any(told in one for one in plan.left), plan.left
    assert list(plan.steps()) == []
    assert contents(filled) == damaged


def test_a_mirror_that_has_nothing(filled: Place, keyring: Keyring, tmp_path: Path) -> None:
    mirror = mirror_of(filled, keyring, tmp_path / "mirror")
    alter(filled, DAMAGE_ENTRY.format(301))
    (tmp_path / "mirror/tile/entries/001.p/49").unlink()
    [left] = planned(filled, mirror).left
    assert "entry 301: damaged; from the mirror: " in left
    [left] = planned(filled, Folder(tmp_path)).left
    assert "checkpoint" in left


def test_a_plan_is_not_done_to_a_record_that_moved_on(filled: Place, keyring: Keyring) -> None:
    alter(filled, TILES["a tile above"])
    plan = planned(filled)
    store = Store(filled)
    take_in(store, "one", keyring.load("one"), [site("new")], now=NOW)
    with pytest.raises(Conflict, match="305 entries, as it was looked at"):
        apply_repair(store, plan)
    with store.reading() as record:
        [*_, (_, leaf, envelope, _)] = record.rows()
    assert leaf == leaf_hash(envelope)
    store.close()
