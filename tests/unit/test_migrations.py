"""From every earlier version, with its data, on both databases."""

import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from detente.core.entry import EntryKind
from detente.errors import Unavailable
from detente.node.audit import audit
from detente.node.intake import take_in
from detente.store import Place, Store, parse_place, tables
from detente.store.database import MIGRATIONS, REVISION, Database
from detente.store.mode import Mode
from world import NOW, key_of, site

OLD = Path(__file__).parents[1] / "vectors" / "store"
VERSIONS = ("0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008")

ROWS_IN_ORDER = ("entry", "content", "object", "gathered", "tile", "head")
"""Tables with rows, those first to which others refer."""

BOOLEANS = {"ended"}
"""Columns that SQLite keeps as 0 and 1."""


def config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


EMPTIED = ["check 4, entry 6: what it commits to is missing, and nothing erased it"]
"""What is said of these registers, and nothing else: the content of one entry was emptied by
hand, before an erasure was an entry (docs/adr/0019)."""


@pytest.fixture(params=VERSIONS)
def old(
    request: pytest.FixtureRequest, database: str, tmp_path: Path
) -> Iterator[tuple[Place, Path]]:
    """A register as an earlier version left it, and that version's own file."""
    version: str = request.param
    file = OLD / f"{version}.db"
    if database == "sqlite":
        copy = tmp_path / "old.db"
        shutil.copy(file, copy)
        yield copy, file
        return
    cluster = request.getfixturevalue("cluster")
    name = cluster.make()
    where = parse_place(cluster.url(name))
    assert not isinstance(where, Path)
    engine = sa.create_engine(where.url)
    with engine.begin() as connection, closing(sqlite3.connect(file)) as source:
        with_connection = config()
        with_connection.attributes["connection"] = connection
        command.upgrade(with_connection, version)
        for table in ROWS_IN_ORDER:
            if not sa.inspect(connection).has_table(table):
                continue
            rows = source.execute(f"SELECT * FROM {table}")  # noqa: S608 - our own names
            columns = [column[0] for column in rows.description]
            insert = sa.text(
                f"INSERT INTO {table} ({', '.join(columns)})"  # noqa: S608
                f" VALUES ({', '.join(':' + column for column in columns)})"
            )
            for row in rows:
                named = zip(columns, row, strict=True)
                values = {name: bool(v) if name in BOOLEANS else v for name, v in named}
                connection.execute(insert, values)
    engine.dispose()
    yield where, file
    cluster.drop(name)


def test_the_code_expects_the_last_migration() -> None:
    assert ScriptDirectory.from_config(config()).get_current_head() == REVISION
    assert set(VERSIONS) | {REVISION} == {
        one.revision for one in ScriptDirectory.from_config(config()).walk_revisions()
    }, "each earlier version needs a register in tests/vectors/store"


def test_an_earlier_register_is_upgraded_where_it_is(old: tuple[Place, Path]) -> None:
    where, file = old
    with closing(sqlite3.connect(file)) as source:
        entries = source.execute("SELECT sequence, leaf, envelope FROM entry ORDER BY 1").fetchall()
        objects = source.execute("SELECT id, sequence FROM object ORDER BY 2").fetchall()
        [root] = source.execute("SELECT root FROM head").fetchone()
    store = Store(where)
    found = audit(store)
    assert (found.problems, found.size, found.erased) == (EMPTIED, len(entries), 0)
    assert found.root == root.hex()
    with store.reading() as record:
        assert [row[:3] for row in record.rows()] == entries
        assert [(one.object_id, one.sequence) for one in record.objects()] == objects
        assert {one.source_id for one in record.objects(ended=True)} == {"P"}
        assert {one.source_id for one in record.objects(EntryKind.PLAN, ended=False)} == {"Q"}
        assert record.named(EntryKind.PLAN, "one", ["P", "Q"]).keys() == {"Q"}
        assert record.chain_head("one") is not None
    more = take_in(store, "one", key_of("one"), [site("A0"), site("A1"), site("new")], now=NOW)
    assert (more.new, more.changed, more.unchanged) == (1, 1, 1)
    assert audit(store).problems == EMPTIED
    store.close()
    assert audit(Store(where)).problems == EMPTIED


def test_the_migrations_make_the_tables_that_the_code_uses(
    old: tuple[Place, Path], new_place: Callable[[], Place]
) -> None:
    for where in (old[0], new_place()):
        database = Database(where, create=True)
        with database.reading() as connection:
            context = MigrationContext.configure(connection)
            assert compare_metadata(context, tables.metadata) == []
        database.close()


def test_of_several_that_start_at_once_one_migrates(old: tuple[Place, Path]) -> None:
    failures: list[Exception] = []

    def start() -> None:
        try:
            Store(old[0]).close()
        except Exception as error:  # noqa: BLE001 - whatever it is, the test shows it
            failures.append(error)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert audit(Store(old[0])).problems == EMPTIED


def test_a_migration_that_fails_leaves_the_register_as_it_was(
    old: tuple[Place, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    where, file = old
    with closing(sqlite3.connect(file)) as source:
        [size] = source.execute("SELECT size FROM head").fetchone()

    def fail(*_: object) -> None:
        raise Unavailable("disk", got="full")

    with monkeypatch.context() as patch:
        patch.setattr("detente.store.sqlite.Sqlite.require_whole", fail)
        patch.setattr("detente.store.postgres.Postgres.require_whole", fail)
        with pytest.raises(Unavailable, match="disk: got full"):
            Database(where)
    found = audit(Store(where))
    assert (found.problems, found.size) == (EMPTIED, size)


def test_a_migration_waits_for_whoever_appends(old: tuple[Place, Path]) -> None:
    where, _ = old
    database = Database(where)
    done = threading.Event()

    def migrate() -> None:
        with database.writing(Mode.MIGRATE):
            done.set()

    with database.writing():
        thread = threading.Thread(target=migrate)
        thread.start()
        assert not done.wait(0.3)
    thread.join()
    assert done.is_set()
    database.close()
