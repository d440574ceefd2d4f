"""What the store promises, on both databases: one head, one state, names, pages, what is beside."""

import threading
from collections.abc import Callable
from contextlib import nullcontext, suppress
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

from detente.core.agreement import Agreement
from detente.core.entry import EntryKind, unseal
from detente.core.notice import Notice
from detente.core.wire import Value
from detente.errors import Conflict, LogInconsistent, MalformedInput, Unavailable
from detente.node.audit import audit
from detente.node.author import Author
from detente.node.intake import take_in
from detente.node.keyring import Keyring
from detente.node.theatre import found
from detente.store import (
    Appended,
    Appender,
    Charge,
    Content,
    Name,
    Place,
    Record,
    Remembered,
    Store,
    parse_place,
)
from detente.store import record as record_module
from detente.store.database import Database
from detente.store.place import name_of
from world import NOW, site


class Writer:
    """Makes entries of party one that nothing has checked, as the store is given them."""

    def __init__(self, record: Record, keyring: Keyring) -> None:
        self._author = Author.following(record, "one", keyring.load("one"))

    def write(
        self,
        value: Value,
        *,
        object_id: str | None = None,
        version: int = 1,
        ended: bool = False,
    ) -> Appended:
        written = self._author.write(value, now=NOW, object_id=object_id, version=version)
        assert isinstance(value, Notice)
        return Appended(
            signed=unseal(written.envelope),
            content=written.content,
            source_id=value.source_id,
            received=NOW,
            chain="one",
            ended=ended,
        )


# Appending ---------------------------------------------------------------------------------


def test_the_tree_is_right_wherever_a_batch_ends(place: Place, keyring: Keyring) -> None:
    store = Store(place)
    number = 0
    for size in (250, 2, 1, 1, 1, 255, 256, 513, 3):
        values = [site(f"{number + n}") for n in range(size)]
        number += size
        take_in(store, "one", keyring.load("one"), values, now=NOW)
        found = audit(store)
        assert (found.problems, found.size) == ([], number + 3)


def test_several_appends_in_one_transaction_go_on_from_each_other(
    place: Place, keyring: Keyring
) -> None:
    store = Store(place)
    with store.appending() as record:
        writer = Writer(record, keyring)
        first = record.append([writer.write(site("A"))])
        assert record.append([]) == (4, 4, first[2])
        assert record.append([writer.write(site("B")), writer.write(site("C"))])[:2] == (4, 6)
        assert record.head()[1] == 6
    assert not audit(store).problems


def test_whoever_waited_for_the_head_sees_all_that_was_committed(
    place: Place, keyring: Keyring
) -> None:
    seen: list[tuple[int, int]] = []
    started = threading.Event()

    def append() -> None:
        other = Store(place)
        started.set()
        with other.appending() as record:
            size = record.head()[1]
            seen.append((size, len(record.called("A"))))
            record.append([Writer(record, keyring).write(site("B"))])
        other.close()

    store = Store(place)
    thread = threading.Thread(target=append)
    with store.appending() as record:
        thread.start()
        assert started.wait(30)
        thread.join(0.3)
        assert thread.is_alive(), "the head is held"
        record.append([Writer(record, keyring).write(site("A"))])
    thread.join()
    assert seen == [(4, 1)]
    found = audit(store)
    assert (found.problems, found.size) == ([], 5)


def test_a_refusal_in_the_transaction_leaves_nothing(place: Place, keyring: Keyring) -> None:
    store = Store(place)
    with pytest.raises(Conflict), store.appending() as record:  # noqa: PT012 - the block is tested
        record.append([Writer(record, keyring).write(site("A"))])
        raise Conflict("a command", got="refused")
    with store.reading() as record:
        assert record.head()[1] == 3
        assert not record.called("A")
        assert record.chain_head("one") is None


def test_a_failed_statement_that_somebody_caught_commits_nothing(
    place: Place, keyring: Keyring
) -> None:
    store = Store(place)
    failed = "a statement in it failed"
    with pytest.raises(Unavailable, match=failed), store.appending() as record:  # noqa: PT012
        entry = Writer(record, keyring).write(site("A"))
        record.append([entry])
        with suppress(IntegrityError):
            record.append([entry])
    with store.reading() as record:
        assert record.head()[1] == 3
    with store.appending() as record:
        record.append([Writer(record, keyring).write(site("A"))])
    assert not audit(store).problems


def test_the_store_itself_forks_no_chain_and_no_object(place: Place, keyring: Keyring) -> None:
    store = Store(place)
    with store.appending() as record:
        entry = Writer(record, keyring).write(site("A"))
        record.append([entry])
    with pytest.raises(Unavailable), store.appending() as record:
        record.append([entry])
    assert not audit(store).problems


# Founding ----------------------------------------------------------------------------------


def test_a_database_holds_one_theatre(new_place: Callable[[], Place], tmp_path: Path) -> None:
    where = new_place()
    for number in range(2):
        keyring = Keyring(tmp_path / f"keys{number}.db")
        with nullcontext() if number == 0 else pytest.raises(Conflict):
            found(where, theatre="x", agreement=Agreement(name="x"), now=NOW, keyring=keyring)
    store = Store(where)
    assert audit(store).size == 1
    with pytest.raises(Conflict, match="no theatre yet, got theatre x"), store.founding("y"):
        pytest.fail("nothing is founded beside it")


def test_a_theatre_is_there_with_its_agreement_or_not_at_all(
    new_place: Callable[[], Place], keyring: Keyring
) -> None:
    where = new_place()
    store = Store(where, create=True)
    with pytest.raises(MalformedInput), store.founding("x") as begun:  # noqa: PT012 - as above
        with begun.appending() as record:
            assert record.head()[:2] == ("x", 0)
        raise MalformedInput("agreement")
    with store.reading() as record, pytest.raises(LogInconsistent, match="detente init"):
        record.head()
    if not isinstance(where, Path):
        found(where, theatre="y", agreement=Agreement(name="y"), now=NOW, keyring=keyring)
        assert audit(store).size == 1


# Names, pages, reading ---------------------------------------------------------------------


def test_a_name_is_free_once_what_bore_it_has_ended(place: Place, keyring: Keyring) -> None:
    store = Store(place)
    ids = [f"{n:032x}" for n in range(4)]
    with store.appending() as record:
        writer = Writer(record, keyring)
        record.append([writer.write(site("A"), object_id=ids[0])])
        # In one batch: the name is given free, taken, given free and taken.
        record.append(
            [
                writer.write(site("A"), object_id=ids[0], version=2, ended=True),
                writer.write(site("A"), object_id=ids[1]),
                writer.write(site("A"), object_id=ids[1], version=2, ended=True),
                writer.write(site("A"), object_id=ids[2]),
            ]
        )
        named = record.named(EntryKind.NOTICE, "one", ["A"])
        assert {name: one.object_id for name, one in named.items()} == {"A": ids[2]}
        called = record.called("A")
        assert [(one.object_id, one.ended) for one in called] == [
            (ids[2], False), (ids[0], True), (ids[1], True),
        ]  # fmt: skip
        assert [one.ended for one in record.objects(EntryKind.NOTICE)] == [True, True, False]
    with pytest.raises(Unavailable), store.appending() as record:
        record.append([Writer(record, keyring).write(site("A"), object_id=ids[3])])


def test_names_of_many_parties_are_asked_at_once(place: Place, keyring: Keyring) -> None:
    store = Store(place)
    names: list[Name] = []
    with store.appending() as record:
        writer = Writer(record, keyring)
        record.append(
            [
                writer.write(site("A"), object_id=f"{1:032x}"),
                writer.write(site("B'\"\\"), object_id=f"{2:032x}"),
                writer.write(site("C"), object_id=f"{3:032x}", ended=True),
            ]
        )
        names = [
            (kind, party, name)
            for kind in (EntryKind.NOTICE, EntryKind.PLAN)
            for party in ("one", "two")
            for name in ("A", "B'\"\\", "C", "D")
        ]
        assert record.bearers(names) == {
            (EntryKind.NOTICE, "one", "A"): f"{1:032x}",
            (EntryKind.NOTICE, "one", "B'\"\\"): f"{2:032x}",
        }
        assert record.bearers([]) == {}


def test_pages_miss_nothing_whatever_happens_between_them(place: Place, keyring: Keyring) -> None:
    store = Store(place)
    key = keyring.load("one")
    take_in(store, "one", key, [site(f"{n}") for n in range(10)], now=NOW)
    take_in(store, "two", keyring.load("two"), [site("x", party="two")], now=NOW)
    seen: list[str] = []
    after = -1
    for turn in range(20):
        with store.reading() as record:
            page = list(record.objects(EntryKind.NOTICE, party="one", after=after, limit=3))
        if not page:
            break
        seen += [one.source_id for one in page]
        after = page[-1].sequence
        if turn == 1:
            take_in(store, "one", key, [site("0", standoff_mm=5), site("new")], now=NOW)
    assert seen == [*(f"{n}" for n in range(10)), "0", "new"]
    with store.reading() as record:
        assert [one.source_id for one in record.objects(after=after - 1)] == ["new"]
        assert len(list(record.objects(limit=4))) == 4


def test_an_object_is_called_by_its_beginning_as_well(place: Place, keyring: Keyring) -> None:
    store = Store(place)
    ids = ["abcdef" + "0" * 26, "abcdef" + "f" * 26, "abcdee" + "f" * 26, "abcdf0" + "0" * 26]
    with store.appending() as record:
        writer = Writer(record, keyring)
        record.append([writer.write(site(f"{n}"), object_id=id_) for n, id_ in enumerate(ids)])
        record.append([writer.write(site("ABCDEF"))])
        for name in ("abcdef", "ABCDEF"):
            assert [one.object_id for one in record.called(name)][:2] == ids[:2]
        assert [one.source_id for one in record.called("ABCDEF")] == ["0", "1", "ABCDEF"]
        assert [one.source_id for one in record.called(ids[3])] == ["3"]
        assert record.called("abcde") == []
        assert record.called("100%") == record.called("______") == []


def test_rows_are_fetched_as_they_are_read_and_others_may_be_asked_between(
    place: Place, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record_module, "PAGE_ROWS", 7)
    store = Store(place)
    take_in(store, "one", keyring.load("one"), [site(f"{n}") for n in range(40)], now=NOW)
    with store.reading() as record:
        for expected, (sequence, leaf, _, content) in enumerate(record.rows()):
            assert sequence == expected
            assert record.entry(sequence).leaf == leaf
            assert record.content(sequence) == content
        assert next(record.rows(5))[0] == 5
        assert [sequence for sequence, *_ in record.rows(41)] == [41, 42]
        assert list(record.rows(43)) == []
        assert len(list(record.objects())) == 43


def test_a_value_of_any_bytes_comes_back(place: Place, keyring: Keyring) -> None:
    store = Store(place)
    every = bytes(range(256))
    with store.appending() as record:
        entry = Writer(record, keyring).write(site("A"))
        record.append(
            [
                Appended(
                    signed=entry.signed,
                    content=Content(salt=every[:32], data=every),
                    source_id="ü\u2028'\"\\%s:x",
                    received=NOW,
                    chain="desk",
                )
            ]
        )
    with store.reading() as record:
        assert record.content(3) == Content(salt=every[:32], data=every)
        [stored] = record.objects(EntryKind.NOTICE)
        assert (stored.source_id, stored.data) == ("ü\u2028'\"\\%s:x", every)
        # The chain is what the store was told, as for what the node attests.
        assert record.chain_head("one") is None
        head = record.chain_head("desk")
        assert head is not None
        assert head.leaf == entry.signed.leaf


# Beside the record -------------------------------------------------------------------------


def test_an_answer_is_remembered_under_its_key_and_party(place: Place) -> None:
    store = Store(place)
    answer = Remembered(digest=b"d" * 32, status=201, body=b'{"a": 1}')
    with store.appending() as record:
        assert record.idempotent("one", "k") is None
        record.remember("one", "k", answer, received=NOW)
    with store.appending() as record:
        assert record.idempotent("one", "k") == answer
        assert record.idempotent("two", "k") is None
        record.remember("two", "k", answer, received=NOW + timedelta(days=1))
    with pytest.raises(Unavailable), store.appending() as record:
        record.remember("one", "k", answer, received=NOW)
    with store.appending() as record:
        assert record.forget_answers(NOW + timedelta(hours=1)) == 1
        assert record.idempotent("one", "k") is None
        assert record.idempotent("two", "k") == answer


def test_a_budget_is_by_day_owner_and_asker_and_the_same_area_costs_once(place: Place) -> None:
    store = Store(place)

    def charge(record: Appender, area: int, **changes: object) -> None:
        given = {"day": 1, "owner": "one", "asker": "two", "digest": bytes([area]) * 32}
        record.charge(Charge(**{**given, **changes}, area_km2_milli=area))  # type: ignore[arg-type] # named above

    with store.appending() as record:
        assert record.budget_spent(1, "one", "two") == 0
        charge(record, 5)
        charge(record, 5)
        charge(record, 7)
        charge(record, 9, day=2)
        charge(record, 11, owner="two", asker="one")
    with store.appending() as record:
        assert record.budget_spent(1, "one", "two") == 12
        assert record.budget_spent(2, "one", "two") == 9
        assert record.budget_spent(1, "two", "one") == 11
        assert record.charged(1, "one", "two", bytes([7]) * 32)
        assert not record.charged(2, "one", "two", bytes([7]) * 32)
        assert record.forget_charges(2) == 3
        assert record.budget_spent(1, "one", "two") == 0


def test_who_has_gone_past_a_budget_stays_so_for_the_day_and_that_budget(place: Place) -> None:
    store = Store(place)
    with store.appending() as record:
        assert record.spent(1) == {}
        record.spend(1, "two", 500)
        record.spend(1, "two", 500)
        record.spend(1, "two", 300)
        record.spend(2, "one", 500)
    with store.appending() as record:
        # The largest: with more agreed, the day goes on.
        assert record.spent(1) == {"two": 500}
        assert record.spent(2) == {"one": 500}
        assert record.budget_spent(1, "one", "two") == 0
        assert record.forget_charges(2) == 2
        assert record.spent(1) == {}


def test_the_head_says_whether_somebody_has_gone_past_a_budget_since(place: Place) -> None:
    store, other = Store(place), Store(place)
    with store.appending() as record:
        before = record.overspent()
        record.charge(Charge(day=1, owner="one", asker="two", digest=b"x" * 32, area_km2_milli=1))

    def spend_and_fail() -> None:
        with store.appending() as record:
            record.spend(1, "two", 500)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        spend_and_fail()
    with store.reading() as read:
        assert read.overspent() == before
    with other.appending() as record:
        record.spend(1, "two", 500)
        assert record.append([]) == (3, 3, record.head()[2])
    with store.appending() as record:
        assert record.overspent() == before + 1
    with store.reading() as read:
        assert read.overspent() == before + 1


# Places ------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["x.db", "a b.db", "/a/x", "c:d"])
def test_what_is_no_url_is_a_path(text: str) -> None:
    assert parse_place(text) == Path(text)
    assert name_of(Path("/a/b.db")) == "b.db"


@pytest.mark.parametrize(
    "text",
    ["postgresql://u@h:5433/d", "postgres://u@h:5433/d", "postgresql+psycopg://u@h:5433/d"],
)
def test_a_url_is_a_server(text: str) -> None:
    where = parse_place(text)
    assert not isinstance(where, Path)
    assert str(where) == "postgresql://u@h:5433/d"
    assert name_of(where) == "d"
    assert Keyring(where).folder == Path("d.keys")
    assert Keyring(where, Path("k")).folder == Path("k")


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("", "a file, or postgresql"),
        ("mysql://u:SECRET@h/d", "another kind"),
        ("postgresql://u:SECRET@h:SECRET/d", "another form"),
        ("postgresql://u:SECRET@h", "without a database"),
        ("postgresql://u@h/d?password=SECRET", "USER:PASSWORD@HOST"),
        ("postgresql://u@h/d?sslpassword=SECRET", "USER:PASSWORD@HOST"),
    ],
)
def test_a_place_that_is_none_is_refused_without_being_shown(text: str, match: str) -> None:
    with pytest.raises(MalformedInput, match=match) as refused:
        parse_place(text)
    assert "SECRET" not in str(refused.value)


def test_the_names_that_are_taken_are_found_by_the_index(place: Place) -> None:
    database = Database(place)
    with database.reading() as connection:
        explain = "EXPLAIN QUERY PLAN"
        if not isinstance(place, Path):
            # It would rather read a small table whole.
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
            explain = "EXPLAIN"
        plan = connection.exec_driver_sql(
            f"{explain} SELECT 1 FROM object WHERE kind = 'notice' AND party = 'one'"  # noqa: S608
            " AND source_id IN ('a', 'b') AND NOT ended"
        )
        assert "object_name" in str(plan.all())
    database.close()
