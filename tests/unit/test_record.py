"""The store and the verbs on it: one transaction, one way in, versions, history, audit."""

import base64
import json
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from msgspec.structs import replace
from nacl.signing import SigningKey

from behind import alter
from detente.core.agreement import Agreement, Separation
from detente.core.entry import EntryKind
from detente.core.ledger import NODE
from detente.core.notice import Notice
from detente.core.party import Party
from detente.core.plan import Plan
from detente.core.volume import Circle, Volume
from detente.core.wire import encode, read
from detente.errors import (
    Conflict,
    DetenteError,
    LogInconsistent,
    MalformedInput,
    NotAuthentic,
    NotFound,
    NotPermitted,
    Unavailable,
)
from detente.node.audit import audit, iter_problems
from detente.node.author import Author
from detente.node.history import history
from detente.node.intake import BATCH_ROWS, take_in
from detente.node.keyring import Keyring, public_key
from detente.node.lookup import current_agreement
from detente.node.picture import load
from detente.node.submit import VERIFIED_TOGETHER_MIN, submit
from detente.node.theatre import admit, agree, found
from detente.node.values import Values
from detente.node.withdraw import withdraw
from detente.node.world import World
from detente.store import Place, Store
from detente.store.database import REVISION, Database
from world import NOW, site


def size(store: Store) -> int:
    with store.reading() as record:
        return record.head()[1]


# Founding and admitting --------------------------------------------------------------------


def test_a_register_begins_with_its_agreement(place: Place, keyring: Keyring) -> None:
    with Store(place).reading() as record:
        assert record.head()[:2] == ("test", 3)
        assert record.entry(0).statement.kind is EntryKind.AGREEMENT
        assert current_agreement(record).name == "test"
    assert not list(keyring.folder.parent.glob("*.unfinished*"))
    assert (keyring.path("one").stat().st_mode & 0o777) == 0o600


def test_no_file_is_founded_twice(register: Path, tmp_path: Path) -> None:
    with pytest.raises(Conflict, match="a name that is not taken"):
        found(register, theatre="test", agreement=Agreement(name="x"), now=NOW)
    register.rename(tmp_path / "moved.db")
    with pytest.raises(Conflict, match="key of node: expected none yet"):
        found(register, theatre="test", agreement=Agreement(name="x"), now=NOW)
    assert not register.exists()


@pytest.mark.parametrize("name", ["a?b.db", "c#d%41.db", "[e].db", "f g.db"])
def test_any_file_name_is_taken_as_it_is(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    found(path, theatre="test", agreement=Agreement(name="x"), now=NOW)
    assert not audit(Store(path)).problems
    assert {one.name for one in tmp_path.iterdir()} >= {name}
    assert not list(tmp_path.glob("*unfinished*"))


def test_a_key_that_is_left_over_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "n.db"
    Keyring(path).make(NODE)
    with pytest.raises(Conflict, match="key of node"):
        found(path, theatre="test", agreement=Agreement(name="x"), now=NOW)
    assert [one.name for one in tmp_path.iterdir()] == ["n.keys"]


def test_a_party_is_admitted_once_and_not_as_the_node(place: Place, keyring: Keyring) -> None:
    store = Store(place)
    for party, match in (("one", "not taken"), (NODE, "the node's own")):
        with pytest.raises(Conflict, match=match):
            admit(store, keyring, Party(id=party, name="X"), now=NOW)
    assert size(store) == 3


def test_an_admission_that_was_killed_after_its_key_goes_on_with_that_key(
    place: Place, keyring: Keyring
) -> None:
    store = Store(place)
    made = keyring.make("three")
    admit(store, keyring, Party(id="three", name="Three"), now=NOW)
    assert bytes(keyring.load("three")) == bytes(made)
    assert not audit(store).problems


def test_an_agreement_is_amended_in_a_new_version(place: Place, keyring: Keyring) -> None:
    store = Store(place)
    terms = Agreement(name="amended", separations={"medical": Separation(horizontal_mm=5)})
    receipt = agree(store, keyring, terms, now=NOW)
    assert (receipt.version, receipt.sequence) == (2, 3)
    agreement = load(place).agreement
    assert agreement is not None
    assert agreement.separation("medical").horizontal_mm == 5
    assert not audit(store).problems


@pytest.mark.parametrize(
    ("content", "match"),
    [(b"not a key", "an Ed25519 key"), (b"", "an Ed25519 key")],
)
def test_a_key_file_that_holds_no_key_is_refused(
    register: Path, content: bytes, match: str
) -> None:
    keyring = Keyring(register)
    keyring.path("one").write_bytes(content)
    with pytest.raises(MalformedInput, match=match):
        keyring.load("one")
    with pytest.raises(NotFound, match="private key of three"):
        keyring.load("three")


# Submitting --------------------------------------------------------------------------------


def test_what_is_submitted_is_found_with_its_proof(place: Place, keyring: Keyring) -> None:
    store = Store(place)
    intake = take_in(store, "one", keyring.load("one"), [site("A"), site("B")], now=NOW)
    assert (intake.new, intake.changed, intake.unchanged, intake.sequence) == (2, 0, 0, 5)
    with store.reading() as record:
        shown = history(record, "A")
    assert isinstance(shown.value, Notice)
    assert [one.sequence for one in shown.versions] == [3]
    assert len(shown.versions[0].proof) == 3


def test_the_same_again_makes_new_versions_only_of_what_changed(
    place: Place, keyring: Keyring
) -> None:
    store = Store(place)
    take_in(store, "one", keyring.load("one"), [site("A"), site("B")], now=NOW)
    again = take_in(
        store, "one", keyring.load("one"), [site("A"), site("B", standoff_mm=5)], now=NOW
    )
    assert (again.new, again.changed, again.unchanged, again.sequence) == (0, 1, 1, 6)
    with store.reading() as record:
        assert [one.version for one in history(record, "B").versions] == [1, 2]
        assert {one.party for one in record.objects(EntryKind.NOTICE)} == {"one"}
        assert list(record.objects(party="two")) == []


def test_a_batch_is_taken_whole_or_not_at_all(place: Place, keyring: Keyring) -> None:
    store = Store(place)
    with store.reading() as record:
        author = Author.following(record, "one", keyring.load("one"))
    good = author.write(site("A"), now=NOW)
    bad = author.write(site("B"), now=NOW, version=2)
    with pytest.raises(Conflict, match="version 1, got 2"):
        submit(store, [good, bad], now=NOW)
    assert size(store) == 3
    with store.reading() as record:
        assert not record.called("A")
        assert record.chain_head("one") is None
    assert submit(store, [], now=NOW) == []
    assert submit(store, [good], now=NOW)[0].sequence == 3


def test_signatures_of_a_large_batch_are_verified_each(place: Place, keyring: Keyring) -> None:
    store = Store(place)
    with store.reading() as record:
        author = Author.following(record, "one", keyring.load("one"))
    count = 2 * VERIFIED_TOGETHER_MIN + 1
    batch = [author.write(site(f"{number}"), now=NOW) for number in range(count)]
    for which in (0, VERIFIED_TOGETHER_MIN, count - 1):
        envelope = json.loads(batch[which].envelope)
        envelope["signatures"][0]["sig"] = base64.b64encode(bytes(64)).decode()
        forged = replace(batch[which], envelope=encode(envelope))
        with pytest.raises(NotAuthentic, match="a signature that verifies"):
            submit(store, [*batch[:which], forged, *batch[which + 1 :]], now=NOW)
        assert size(store) == 3
    receipts = submit(store, batch, now=NOW)
    assert [one.sequence for one in receipts] == list(range(3, 3 + count))
    assert not audit(store).problems


def test_a_key_that_goes_within_a_large_batch_signs_nothing_after_it(
    place: Place, keyring: Keyring
) -> None:
    store, old, new = Store(place), keyring.load("one"), SigningKey(b"n" * 32)
    with store.reading() as record:
        author = Author.following(record, "one", old)
        [party] = [one for one in record.objects(EntryKind.PARTY) if one.source_id == "one"]
    value = read(party.data or b"")
    assert isinstance(value, Party)
    changed = author.write(
        replace(value, keys=(public_key(new),)),
        now=NOW, object_id=party.object_id, version=party.version + 1, also=(new,),
    )  # fmt: skip
    after = Author(theatre="test", party="one", key=old, head=author.head)
    batch = [after.write(site(f"{n}"), now=NOW) for n in range(VERIFIED_TOGETHER_MIN)]
    with pytest.raises(NotAuthentic, match="a key that the record gives"):
        submit(store, [changed, *batch], now=NOW)
    assert size(store) == 3
    after = Author(theatre="test", party="one", key=new, head=author.head)
    batch = [after.write(site(f"{n}"), now=NOW) for n in range(VERIFIED_TOGETHER_MIN)]
    assert len(submit(store, [changed, *batch], now=NOW)) == 1 + VERIFIED_TOGETHER_MIN
    assert not audit(store).problems


def test_nobody_speaks_for_another(place: Place, keyring: Keyring) -> None:
    store = Store(place)
    with pytest.raises(NotAuthentic):
        take_in(store, "one", keyring.load("two"), [site()], now=NOW)
    with pytest.raises(NotFound, match="party three"):
        take_in(store, "three", keyring.load("one"), [site(party="three")], now=NOW)
    with pytest.raises(NotPermitted, match="its own name"):
        take_in(store, "one", keyring.load("one"), [site(party="two")], now=NOW)
    assert size(store) == 3


def test_two_that_speak_for_one_party_at_once_both_get_through(
    place: Place, keyring: Keyring
) -> None:
    failures: list[Exception] = []

    def speak(prefix: str) -> None:
        try:
            values = [site(f"{prefix}{number}") for number in range(40)]
            for value in values:
                take_in(Store(place), "one", keyring.load("one"), [value], now=NOW)
        except DetenteError as error:
            failures.append(error)

    threads = [threading.Thread(target=speak, args=(prefix,)) for prefix in "AB"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    store = Store(place)
    assert not audit(store).problems
    # A party that is outrun five times in a row is told so; nothing is lost or doubled.
    assert all(isinstance(error, Conflict) for error in failures)
    if not failures:
        assert size(store) == 83


def test_more_than_a_batch(place: Place, keyring: Keyring) -> None:
    store = Store(place)
    done: list[int] = []
    values = [site(f"{number}") for number in range(BATCH_ROWS + 5)]
    intake = take_in(store, "one", keyring.load("one"), values, now=NOW, progress=done.append)
    assert (intake.new, done) == (BATCH_ROWS + 5, [BATCH_ROWS, 5])
    assert len(load(place)) == BATCH_ROWS + 5
    steps: list[tuple[int, int]] = []
    assert not audit(store, progress=lambda d, n: steps.append((d, n))).problems
    assert steps[-1] == (BATCH_ROWS + 8, BATCH_ROWS + 8)


# Withdrawing and finding -------------------------------------------------------------------


def test_an_author_withdraws_and_the_record_keeps_what_was_said(
    place: Place, keyring: Keyring
) -> None:
    store = Store(place)
    take_in(store, "one", keyring.load("one"), [site("A")], now=NOW)
    with pytest.raises(NotPermitted, match="its author one, got two"):
        withdraw(store, "two", keyring.load("two"), "A", now=NOW)
    assert withdraw(store, "one", keyring.load("one"), "A", now=NOW).version == 2
    with pytest.raises(NotPermitted, match="a notice, zone or presence"):
        withdraw(store, NODE, keyring.load(NODE), "two", now=NOW)
    with store.reading() as record:
        assert len(history(record, "A").versions) == 2
    assert not audit(store).problems


def test_names_that_mean_nothing_or_too_much(place: Place, keyring: Keyring) -> None:
    store = Store(place)
    take_in(store, "one", keyring.load("one"), [site("A")], now=NOW)
    take_in(store, "two", keyring.load("two"), [site("A", party="two")], now=NOW)
    with store.reading() as record:
        with pytest.raises(NotFound, match="object nothing"):
            history(record, "nothing")
        with pytest.raises(Conflict, match=r"notice of one.*notice of two"):
            history(record, "A")
        unique = record.called("A")[0].object_id
        assert history(record, unique[:12]).object_id == unique
        with pytest.raises(NotFound, match="entry 99"):
            record.entry(99)


def world_of(store: Store) -> World:
    with store.reading() as record:
        return World.load(record, Values(store))


def plan_at(lon_e7: int) -> Plan:
    disc = Circle(centre=(lon_e7, 0), radius_mm=1_000)
    return Plan(source_id="p", volumes=(Volume(footprint=(disc,)),))


def test_content_that_is_lost_is_damage_and_still_protects(place: Place, keyring: Keyring) -> None:
    store = Store(place)
    take_in(store, "one", keyring.load("one"), [site("A")], now=NOW)
    alter(place, "DELETE FROM content WHERE sequence = 3")
    found_now = audit(store)
    assert found_now.erased == 0
    assert found_now.problems == [
        "check 4, entry 3: what it commits to is missing, and nothing erased it"
    ]
    for picture in (load(place), world_of(store).shown.protected):
        assert picture.meetings([plan_at(50_000_000)]) == [[]]
        with pytest.raises(LogInconsistent, match="it takes a backup"):
            picture.meetings([plan_at(0)])
    # Without what was gathered of it, nobody knows where it protects.
    alter(place, "DELETE FROM gathered")
    with pytest.raises(LogInconsistent, match="it takes a backup"):
        load(place)
    with pytest.raises(LogInconsistent, match="it takes a backup"):
        world_of(store)
    with store.reading() as record:
        shown = history(record, "A")
        assert shown.value is None
        assert shown.versions[0].erased
    with pytest.raises(NotFound, match="content of object A"):
        withdraw(store, "one", keyring.load("one"), "A", now=NOW)


# Damage ------------------------------------------------------------------------------------

SQL = str
COPY_ENTRY = """
UPDATE entry SET (envelope, leaf) = (SELECT envelope, leaf FROM entry WHERE sequence = 3)
WHERE sequence = 4"""
COPY_CONTENT = """
UPDATE content SET (salt, data) = (SELECT salt, data FROM content WHERE sequence = 3)
WHERE sequence = 4"""
MOVE_PLACE = """
UPDATE content SET data = as_bytes(replace(as_text(data), '[0,0]', '[0,1]'))
WHERE sequence = 4"""
CUT_THE_END = """
DELETE FROM object WHERE sequence = 4; DELETE FROM content WHERE sequence = 4;
DELETE FROM entry WHERE sequence = 4"""

CHANGE_ENVELOPES = "UPDATE entry SET envelope = as_bytes(replace(as_text(envelope), 'a', 'b'))"

DAMAGE: list[tuple[str, SQL, int]] = [
    (
        "a byte of an envelope",
        "UPDATE entry SET envelope = as_bytes(replace(as_text(envelope), 'a', 'b'))",
        2,
    ),
    ("a leaf hash", "UPDATE entry SET leaf = zeros(32) WHERE sequence = 4", 2),
    ("an entry replayed over another", COPY_ENTRY, 3),
    ("a salt", "UPDATE content SET salt = zeros(32) WHERE sequence = 4", 4),
    ("a hospital moved", MOVE_PLACE, 4),
    ("a content copied over another", COPY_CONTENT, 4),
    ("the root", "UPDATE head SET root = zeros(32)", 5),
    ("the size", "UPDATE head SET size = size - 1", 1),
    ("a tile", "UPDATE tile SET hashes = zeros(160)", 5),
    ("no tiles", "DELETE FROM tile", 5),
    ("an old version made current", "UPDATE object SET sequence = 3 WHERE source_id = 'B'", 6),
    ("a name changed", "UPDATE object SET source_id = 'C' WHERE source_id = 'B'", 6),
    ("an object hidden", "DELETE FROM object WHERE source_id = 'B'", 6),
    ("the last entry cut off", CUT_THE_END, 1),
    ("an entry cut out", CUT_THE_END.replace("4", "3"), 1),
    ("no head", "DELETE FROM head", 0),
]


@pytest.mark.parametrize(("what", "damage", "check"), DAMAGE, ids=[one[0] for one in DAMAGE])
def test_what_is_altered_behind_the_nodes_back_is_found(
    place: Place, keyring: Keyring, what: str, damage: SQL, check: int
) -> None:
    store = Store(place)
    take_in(store, "one", keyring.load("one"), [site("A"), site("B")], now=NOW)
    assert not audit(store).problems_total
    store.close()
    alter(place, damage)
    found_now = audit(Store(place))
    assert found_now.problems_total, what
    assert any(problem.startswith(f"check {check}") for problem in found_now.problems), (
        found_now.problems
    )
    # No problem tells a place.
    for problem in found_now.problems:
        assert "centre" not in problem


def test_a_history_is_not_told_from_a_damaged_record(place: Place, keyring: Keyring) -> None:
    store = Store(place)
    take_in(store, "one", keyring.load("one"), [site("A")], now=NOW)
    alter(place, "UPDATE content SET salt = zeros(32) WHERE sequence = 3")
    with store.reading() as record, pytest.raises(LogInconsistent, match="content of entry 3"):
        history(record, "A")
    alter(place, "UPDATE head SET root = zeros(32)")
    with store.reading() as record, pytest.raises(LogInconsistent, match="inclusion proof"):
        history(record, "A")


def test_problems_are_told_up_to_a_number_and_all_counted(place: Place, keyring: Keyring) -> None:
    store = Store(place)
    take_in(store, "one", keyring.load("one"), [site(f"{n}") for n in range(50)], now=NOW)
    store.close()
    alter(place, "UPDATE content SET salt = zeros(32)")
    found_now = audit(Store(place))
    lines = list(iter_problems(found_now))
    assert len(lines) == 21
    assert lines[-1] == f"and {found_now.problems_total - 20} more"


# The database ------------------------------------------------------------------------------


def test_what_is_no_register_of_ours(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="detente init"):
        Store(tmp_path / "nothing.db")
    garbage = tmp_path / "garbage.db"
    garbage.write_bytes(b"x" * 10_000)
    with pytest.raises(Unavailable, match="not a database"):
        Store(garbage)
    other = tmp_path / "other.db"
    with closing(sqlite3.connect(other)) as connection, connection:
        connection.execute("CREATE TABLE x (y)")
    with pytest.raises(Unavailable, match="detente init"):
        Store(other)
    newer = tmp_path / "newer.db"
    with closing(sqlite3.connect(newer)) as connection, connection:
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
        connection.execute("INSERT INTO alembic_version VALUES ('9999')")
    with pytest.raises(Unavailable, match=f"version {REVISION} or older, got 9999"):
        Store(newer)


def test_durability_is_set_on_every_connection_to_a_file(register: Path) -> None:
    with Database(register).reading() as connection:
        for pragma, value in (("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1)):
            assert connection.execute(sa.text(f"PRAGMA {pragma}")).scalar() == value


def test_a_reader_sees_one_state_while_others_write(place: Place, keyring: Keyring) -> None:
    store = Store(place)
    with store.reading() as record:
        before = record.head()
        take_in(Store(place), "one", keyring.load("one"), [site("A")], now=NOW)
        assert record.head() == before
        assert not record.called("A")
    assert size(store) == 4


def test_a_value_survives_the_store(place: Place, keyring: Keyring) -> None:
    store = Store(place)
    value = site('Ünïcode "quoted" \n 🏥')
    take_in(store, "one", keyring.load("one"), [value], now=NOW)
    with store.reading() as record:
        [stored] = record.objects(EntryKind.NOTICE)
        assert stored.data is not None
        assert read(stored.data) == value


Verb = Callable[[Path], object]


@pytest.mark.parametrize(
    "verb",
    [
        load,
        lambda path: Store(path).reading().__enter__().head(),
    ],
)
def test_a_register_that_cannot_be_read_is_said_so(register: Path, verb: Verb) -> None:
    data = bytearray(register.read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    register.write_bytes(bytes(data))
    with pytest.raises(Unavailable):
        verb(register)
