"""What PostgreSQL alone can do to a store: refuse, wait, vanish, come back."""

import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy.exc import InternalError, SQLAlchemyError

from conftest import begin
from detente.core.agreement import Agreement
from detente.core.entry import unseal
from detente.errors import Conflict, OutcomeUnknown, Unavailable
from detente.node.audit import audit
from detente.node.author import Author
from detente.node.intake import take_in
from detente.node.keyring import Keyring
from detente.node.submit import submit
from detente.node.theatre import found
from detente.store import Store, parse_place
from detente.store import postgres as module
from detente.store.database import Database
from detente.store.place import Server
from postgres import PASSWORD, TEMPLATE, USER, Cluster
from proxy import Cut, Proxy
from world import NOW, site


class Register:
    """A theatre in a database of its own, as ``tests`` write its URL."""

    def __init__(self, cluster: Cluster, keyring: Keyring) -> None:
        self.cluster = cluster
        self.keyring = keyring
        self.name = cluster.make(TEMPLATE)
        self.url = cluster.url(self.name)
        self.place = server(self.url)

    def at(self, port: int) -> Server:
        """The same, by another port."""
        return server(self.url.replace(f":{self.cluster.port}/", f":{port}/"))

    def say(self, store: Store, *names: str) -> None:
        """Append notices of party one."""
        values = [site(name) for name in names]
        take_in(store, "one", self.keyring.load("one"), values, now=NOW)

    def alter(self, setting: str) -> None:
        """Change a setting of the database, for connections to come."""
        with self.cluster.connect() as connection:
            connection.execute(f'ALTER DATABASE "{self.name}" {setting}'.encode())


def server(url: str) -> Server:
    where = parse_place(url)
    assert isinstance(where, Server)
    return where


def size(store: Store) -> int:
    with store.reading() as record:
        return record.head()[1]


@pytest.fixture
def theatre(cluster: Cluster, keyring: Keyring) -> Iterator[Register]:
    """A theatre with the parties one and two."""
    made = Register(cluster, keyring)
    begin(made.place, keyring)
    yield made
    cluster.drop(made.name)


@pytest.fixture(scope="module")
def fragile() -> Iterator[Cluster]:
    """A server that tests may stop and kill."""
    cluster = Cluster()
    try:
        cluster.start()
        with cluster.connect() as connection:
            connection.execute(f"CREATE DATABASE {TEMPLATE}".encode())
        Database(parse_place(cluster.url(TEMPLATE)), create=True).close()
        yield cluster
    finally:
        cluster.remove()


@pytest.fixture
def shaken(fragile: Cluster, keyring: Keyring) -> Register:
    """A theatre on the server that may be killed."""
    made = Register(fragile, keyring)
    begin(made.place, keyring)
    return made


# Refused in one line, without the password -------------------------------------------------


def assert_refused(url: str, match: str) -> None:
    with pytest.raises(Unavailable, match=match) as refused:
        Store(server(url))
    text = f"{refused.value} {refused.value.__cause__} {server(url)!r} {server(url)}"
    assert "\n" not in str(refused.value)
    assert PASSWORD not in text
    assert url.partition("@")[0].rpartition(":")[2] not in text


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ((r"@127.0.0.1:\d+", "@127.0.0.1:1"), "Connection refused"),
        ((r"127.0.0.1", "no.such.host.invalid"), "resolve host"),
        ((r"$", "x"), 'database "[0-9a-z]+x" does not exist'),
        ((f"//{USER}:", "//nobody:"), "authentication failed"),
        ((f"//{USER}:", f"//{USER}:x"), "authentication failed"),
        ((r"$", "?no_such_option=1"), 'invalid connection option "no_such_option"'),
        ((r"$", "?connect_timeout=soon"), "connect_timeout"),
        ((r"$", "?sslmode=verify-full"), "SSL"),
    ],
)
def test_a_server_that_does_not_let_us_in(
    theatre: Register, change: tuple[str, str], match: str
) -> None:
    assert_refused(re.sub(*change, theatre.url, count=1), match)


def test_a_message_that_holds_the_password_is_not_shown() -> None:
    kind = module.Postgres(server(f"postgresql://u:{'SECRET'}@h/d").url)
    error = SQLAlchemyError("the server says SECRET")
    assert "SECRET" not in kind.explain(error)
    assert kind.explain(SQLAlchemyError("a\n b ")) == "a b"


def test_a_driver_that_is_missing_is_named(
    theatre: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    assert_refused(theatre.url, "the package psycopg")


def test_a_database_that_is_no_register(cluster: Cluster) -> None:
    name = cluster.make()
    assert_refused(cluster.url(name), "a database that `detente init` founded")
    with cluster.connect(name) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
        connection.execute("INSERT INTO alembic_version VALUES ('9999')")
    assert_refused(cluster.url(name), "or older, got 9999")
    cluster.drop(name)


def test_a_database_that_cannot_hold_every_name(cluster: Cluster) -> None:
    with cluster.connect() as connection:
        connection.execute("CREATE DATABASE ascii ENCODING 'SQL_ASCII' TEMPLATE template0")
    assert_refused(cluster.url("ascii"), "a database in UTF8, got SQL_ASCII")
    cluster.drop("ascii")


def test_a_user_without_rights(theatre: Register) -> None:
    with theatre.cluster.connect() as connection:
        connection.execute("CREATE ROLE guest LOGIN PASSWORD 'guest'")
    url = re.sub("//.*@", "//guest:guest@", theatre.url)
    with pytest.raises(Unavailable, match="the user may not do this"):
        Store(server(url))
    with theatre.cluster.connect() as connection:
        connection.execute("DROP ROLE guest")


# Durable -----------------------------------------------------------------------------------


def test_a_commit_is_on_disk_whatever_the_database_was_told(theatre: Register) -> None:
    for told, expected in (("off", "on"), ("on", "on"), ("remote_apply", "remote_apply")):
        theatre.alter(f"SET synchronous_commit = {told}")
        database = Database(theatre.place)
        with database.writing() as connection:
            got = connection.exec_driver_sql("SHOW synchronous_commit").scalar()
        assert got == expected
        database.close()


def test_a_server_that_does_not_sync_is_refused(shaken: Register) -> None:
    def sync(value: str) -> None:
        with shaken.cluster.connect() as connection:
            connection.execute(f"ALTER SYSTEM SET fsync = {value}".encode())
            connection.execute("SELECT pg_reload_conf()")
        # Each server process takes the new value between two of its statements.
        with shaken.cluster.connect() as connection:
            while connection.execute("SHOW fsync").fetchone() != (value,):
                pass

    sync("off")
    assert_refused(shaken.url, "fsync = on, got fsync = off")
    sync("on")
    assert size(Store(shaken.place)) == 3


def test_a_standby_is_asked_and_not_written(theatre: Register) -> None:
    theatre.alter("SET default_transaction_read_only = on")
    store = Store(theatre.place)
    assert size(store) == 3
    with pytest.raises(Unavailable, match="takes no writes"):
        theatre.say(store, "A")


def test_each_transaction_is_what_it_says_it_is(theatre: Register) -> None:
    theatre.alter("SET default_transaction_isolation = serializable")
    database = Database(theatre.place)
    show = (
        "SELECT current_setting('transaction_isolation'), current_setting('transaction_read_only')"
    )
    with database.reading() as connection:
        assert connection.exec_driver_sql(show).one() == ("repeatable read", "on")
        with pytest.raises(InternalError, match="read-only transaction"):
            connection.exec_driver_sql("DELETE FROM head")
    with database.writing() as connection:
        assert connection.exec_driver_sql(show).one() == ("read committed", "off")
    database.close()


# Waiting -----------------------------------------------------------------------------------


def test_a_register_that_grows_is_not_read_whole_under_the_lock(theatre: Register) -> None:
    """PostgreSQL knows nothing of tables that it has not looked at yet."""
    store = Store(theatre.place)
    for number in range(25):
        theatre.say(store, *(f"{number}-{n}" for n in range(20)))
    store.close()
    read = "SELECT sum(seq_tup_read) FROM pg_stat_user_tables WHERE relname = ANY(%s)"
    with theatre.cluster.connect(theatre.name) as connection:
        row = connection.execute(read, (["object", "entry", "content"],)).fetchone()
    # Once each 25 times would be 6,250.
    assert row is not None
    assert row[0] < 1_000


def test_nobody_waits_for_the_head_for_ever(
    theatre: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_CONFIGURE", module._CONFIGURE.replace("'30000'", "'200'"))
    store = Store(theatre.place)
    with theatre.cluster.connect(theatre.name) as other, other.transaction():
        other.execute("SELECT FROM head FOR UPDATE")
        with pytest.raises(Unavailable, match="another process held the head"):
            theatre.say(store, "A")
        assert size(store) == 3, "whoever reads waits for nobody"
    theatre.say(store, "A")
    assert size(store) == 4


def test_whoever_hangs_with_the_head_is_cut_off(
    theatre: Register, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold = {mode: text.replace("60000", "200") for mode, text in module._BEGIN.items()}
    monkeypatch.setattr(module, "_BEGIN", hold)
    store, other = Store(theatre.place), Store(theatre.place)
    with pytest.raises(Unavailable), store.appending() as record:  # noqa: PT012 - it is cut off
        record.head()
        theatre.say(other, "A")
        record.entry(0)
    assert size(store) == 4
    theatre.say(store, "B")
    assert not audit(store).problems


def until_one_waits(theatre: Register) -> None:
    """Until somebody waits for a lock in the theatre's database."""
    waits = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    deadline = time.monotonic() + 30
    with closing(theatre.cluster.connect(theatre.name)) as looking:
        while looking.execute(waits).fetchone() == (0,):
            assert time.monotonic() < deadline
            time.sleep(0.01)


def test_a_deadlock_is_said_so(theatre: Register) -> None:
    store = Store(theatre.place)
    with (  # noqa: PT012 - it needs both
        closing(theatre.cluster.connect(theatre.name)) as other,
        pytest.raises(Unavailable, match="a deadlock"),
        store.appending() as record,
    ):
        other.execute("SET deadlock_timeout = '1h'")
        other.execute("BEGIN")
        other.execute("LOCK TABLE tile")
        thread = threading.Thread(target=other.execute, args=("SELECT FROM head FOR UPDATE",))
        thread.start()
        # A deadlock is looked for once, a second after one began to wait: the other waits by then.
        until_one_waits(theatre)
        try:
            record.tile(0, 0)
        finally:
            record._connection.rollback()
            thread.join()
    assert size(store) == 3


def test_a_full_disk_is_said_so_and_nothing_is_kept(theatre: Register) -> None:
    store = Store(theatre.place)
    with theatre.cluster.connect(theatre.name) as connection:
        connection.execute(
            "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE 'no room for SECRET' USING ERRCODE = '53100'; END $$"
        )
        connection.execute("CREATE TRIGGER full_disk AFTER INSERT ON tile EXECUTE FUNCTION fail()")
        with pytest.raises(Unavailable, match="disk is full") as refused:
            theatre.say(store, "A")
        assert "SECRET" not in str(refused.value)
        assert size(store) == 3
        connection.execute("DROP TRIGGER full_disk ON tile")
    theatre.say(store, "A")
    assert not audit(store).problems


def test_what_was_written_is_not_quoted(theatre: Register) -> None:
    store = Store(theatre.place)
    with pytest.raises(Unavailable) as refused, store.appending() as record:
        record._connection.exec_driver_sql("SELECT CAST('SECRET' AS integer)")
    assert str(refused.value).endswith("got InvalidTextRepresentation (SQLSTATE 22P02)")
    told = r'relation "nothing" does not exist \(SQLSTATE 42P01\)'
    with pytest.raises(Unavailable, match=told), store.reading() as record:
        record._connection.exec_driver_sql("SELECT FROM nothing")


def test_one_of_two_that_found_at_once_is_refused(cluster: Cluster, tmp_path: Path) -> None:
    name = cluster.make()
    outcomes: list[str] = []

    def start(number: int) -> None:
        try:
            found(
                server(cluster.url(name)), theatre="x", agreement=Agreement(name="x"), now=NOW,
                keyring=Keyring(tmp_path / f"{number}.db"),
            )  # fmt: skip
            outcomes.append("founded")
        except Conflict:
            outcomes.append("refused")

    threads = [threading.Thread(target=start, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["founded", "refused", "refused", "refused"]
    assert audit(Store(server(cluster.url(name)))).size == 1
    cluster.drop(name)


# Vanishing and coming back -----------------------------------------------------------------


def test_a_pooled_connection_that_outlived_its_server_is_replaced(shaken: Register) -> None:
    store = Store(shaken.place)
    assert size(store) == 3
    for how in (signal.SIGINT, signal.SIGKILL):
        shaken.cluster.stop(how)
        for act in (lambda: size(store), lambda: shaken.say(store, "A")):
            with pytest.raises(Unavailable):
                act()
        shaken.cluster.start()
        # No one is told of a restart that happened while he asked nothing.
        assert size(store) >= 3
        shaken.cluster.stop()
        shaken.cluster.start()
        shaken.say(store, f"{how}")
    assert size(store) == 5
    assert not audit(store).problems


def test_a_server_that_dies_during_an_append_keeps_nothing_of_it(shaken: Register) -> None:
    store = Store(shaken.place)
    before = size(store)
    with pytest.raises(Unavailable) as failed, store.appending() as record:  # noqa: PT012
        shaken.cluster.stop(signal.SIGKILL)
        shaken.cluster.start()
        record.chain_head("A")
    assert not isinstance(failed.value, OutcomeUnknown)
    assert size(store) == before
    shaken.say(store, "A")
    assert size(store) == before + 1
    assert not audit(store).problems


@pytest.mark.parametrize("cut", [Cut.BEFORE_THE_COMMIT, Cut.AFTER_THE_COMMIT])
def test_a_commit_that_is_not_answered_is_unknown_until_one_looks(
    theatre: Register, cut: Cut
) -> None:
    with Proxy(theatre.cluster.port) as proxy:
        store = Store(theatre.at(proxy.port))
        with store.reading() as record:
            author = Author.following(record, "one", theatre.keyring.load("one"))
        written = author.write(site("A"), now=NOW)
        leaf = unseal(written.envelope).leaf
        proxy.cut = cut
        with pytest.raises(OutcomeUnknown, match="outcome unknown: expected an answer"):
            submit(store, [written], now=NOW)
        proxy.cut = Cut.NEVER
        # Whoever holds the head knows: the commit is over, one way or the other.
        kept = cut is Cut.AFTER_THE_COMMIT
        assert store.holds(leaf) is kept
        assert size(store) == 3 + kept
        theatre.say(store, "A", "B")
        assert size(store) == 5
        assert not audit(store).problems
        store.close()


def test_a_wire_that_was_cut_between_two_acts_is_laid_anew(theatre: Register) -> None:
    with Proxy(theatre.cluster.port) as proxy:
        store = Store(theatre.at(proxy.port))
        acts: list[Callable[[], object]] = [
            lambda: size(store),
            lambda: theatre.say(store, "A"),
            lambda: theatre.say(store, "B"),
        ]
        for act in acts:
            proxy.cut_all()
            act()
        assert size(store) == 5
        store.close()


def test_a_cancelled_statement_spoils_only_its_transaction(theatre: Register) -> None:
    store = Store(theatre.place)
    with pytest.raises(Unavailable, match="57014"), store.appending() as record:
        record._connection.exec_driver_sql("SET LOCAL statement_timeout = 50; SELECT pg_sleep(5)")
    assert size(store) == 3
    theatre.say(store, "A")
    assert not audit(store).problems
