"""A register whose log is published: notices that nobody sees, and the files of the log."""

from pathlib import Path

from cli import detente
from detente.core.notice import Notice
from detente.node.author import Author
from detente.node.keyring import Keyring
from detente.node.submit import submit
from detente.store import Place, Store
from detente.store.place import Server
from nodes import around
from world import NOW


def url_of(place: Place) -> str:
    """The register, as the command line takes it."""
    if isinstance(place, Server):
        url: str = place.url.set(drivername="postgresql").render_as_string(hide_password=False)
        return url
    return str(place)


def say(place: Place, keyring: Keyring, first: int, count: int) -> None:
    """Party one gives notice of places that nobody else knows."""
    store = Store(place)
    with store.reading() as record:
        author = Author.following(record, "one", keyring.load("one"))
    notices = [
        Notice(
            source_id=f"h{number}",
            party="one",
            name="A secret place",
            category="medical",
            volumes=around(-118.25, 34.0 + number / 1_000),
        )
        for number in range(first, first + count)
    ]
    submit(store, [author.write(one, now=NOW) for one in notices], now=NOW)
    store.close()


def exported(place: Place, keyring: Keyring, folder: Path) -> str:
    """Write the log's files; the key of the log."""
    register = ["--store", url_of(place), "--keys", keyring.folder]
    ran = detente("log", "export", folder / "log", *register, cwd=folder)
    assert ran.status == 0, ran.err
    return detente("log", "key", "--store", url_of(place), cwd=folder).out.strip()
