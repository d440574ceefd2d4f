"""MISP's feed in two worlds that differ only in what is hidden from its reader (R-02, R-10).

As test_noninterference has it, for the files that MISP pulls: a script says what happens in both
worlds, and what one and three keep from two in each of them. All files that two may ask for are
compared to the byte, and what it is told of those that it may not.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from msgspec import json
from test_noninterference import SETTINGS, TWO

from detente.core.release import Grade, Release
from detente.doors.misp.routes import Desk
from detente.errors import DetenteError
from detente.node.misp import MispFeed, take
from detente.node.taxii.adding import Terms
from detente.node.taxii.pages import Pages
from nodes import desk_of, run
from theatre import Theatre

KINDS = ("indicator", "location", "sighting")
NUMBERS = 4
"""Ids of each kind, which all parties use: whose an object is, its id does not say."""

TO_TWO = (Release(parties={"two": Grade.FULL}), Release(members=Grade.FULL))
HIDDEN = {
    by: (None, Release(parties={other: Grade.FULL}), Release(members=Grade.CONTACT))
    for by, other in (("one", "three"), ("three", "one"))
}


class Told(NamedTuple):
    """One object that a party gives: which, of what if it is a sighting, and to whom."""

    by: str
    kind: str
    number: int
    of: int
    to: int
    revoked: bool

    @property
    def key(self) -> tuple[str, str, int]:
        return self.by, self.kind, self.number


class Step(NamedTuple):
    """What happens; ``one`` and ``other`` are what is hidden in each world, None for nothing."""

    act: str
    told: Told
    one: Told | None = None
    other: Told | None = None


told = st.builds(
    Told,
    by=st.sampled_from(["one", "three"]),
    kind=st.sampled_from(KINDS),
    number=st.integers(0, NUMBERS - 1),
    of=st.integers(0, NUMBERS - 1),
    to=st.integers(0, 2),
    revoked=st.integers(0, 5).map(lambda drawn: drawn == 0),
)
steps = st.builds(
    Step,
    act=st.sampled_from(["show", "show", "take back", "hide", "hide", "hide", "own", "read"]),
    told=told,
    one=st.none() | told,
    other=st.none() | told,
)
scripts = st.lists(steps, min_size=6, max_size=20)


def id_of(kind: str, number: int) -> str:
    return f"{kind}--{UUID(int=number, version=4)}"


def stix(told: Told, version: int) -> str:
    at = f"2026-01-01T00:00:{version:02}.000Z"
    made: dict[str, Any] = {
        "type": told.kind, "spec_version": "2.1", "id": id_of(told.kind, told.number),
        "created": "2026-01-01T00:00:00.000Z", "modified": at, "revoked": told.revoked,
    }  # fmt: skip
    said: dict[str, dict[str, Any]] = {
        "indicator": {"pattern": f"[mutex:name = '{told.by} {version}']", "pattern_type": "stix",
                      "valid_from": at, "name": f"{told.by} {version}"},
        "location": {"latitude": version, "longitude": 36.5, "name": f"{told.by} {version}"},
        "sighting": {"last_seen": at, "sighting_of_ref": id_of("indicator", told.of)},
    }  # fmt: skip
    return json.encode(made | said[told.kind]).decode()


class World:
    """One of the two worlds, played step by step."""

    def __init__(self, town: Theatre, side: str) -> None:
        self.town = town
        self.side = side
        self.feed = MispFeed(town.engine, Pages(town.engine))
        self.shown: set[tuple[str, str, int]] = set()
        self.secret: set[tuple[str, str, int]] = set()
        self.version = 0

    async def play(self, script: list[Step]) -> list[str]:
        """All files, as two reads them meanwhile, at the end, and after a start."""
        heard = []
        for step in script:
            self.version += 1
            self.town.now += timedelta(seconds=1)
            if step.act == "read":
                heard += await self.read(self.feed)
            else:
                await self.act(step)
        heard += await self.read(self.feed)
        return heard + await self.read(MispFeed(self.town.engine, Pages(self.town.engine)))

    async def act(self, step: Step) -> None:
        told = step.told
        match step.act:
            case "own":
                await self.give(told._replace(by="two"), None)
            case "hide":
                hidden = {"one": step.one, "other": step.other}[self.side]
                if hidden is not None and is_secret(hidden.key, self.secret):
                    await self.give(hidden, HIDDEN[hidden.by][hidden.to])
            case "take back" if told.key in self.shown:
                self.shown.discard(told.key)
                self.secret.add(told.key)
                await self.give(told, HIDDEN[told.by][1])
            case "show" if not is_secret(told.key, self.secret):
                self.shown.add(told.key)
                await self.give(told, TO_TWO[told.to % 2])

    async def give(self, told: Told, release: Release | None) -> None:
        # What is revoked without a release would keep the one that it had.
        told = told._replace(revoked=told.revoked and release is not None)
        given = [(Terms(release=release), stix(told, self.version))]
        [outcome] = await take(self.town.engine, desk_of(told.by), given)
        # What was revoked stays so.
        assert not outcome.message or "final" in outcome.message, outcome

    async def read(self, feed: MispFeed) -> list[str]:
        desk = Desk(self.town.engine, feed, desk_of)  # type: ignore[arg-type] # not asked who
        return [await file(desk, name) for name in names()]


def is_secret(key: tuple[str, str, int], taken_back: set[tuple[str, str, int]]) -> bool:
    """Half of what each party may say is never shown; and what was taken back, no more."""
    by, _, number = key
    return number % 2 == (by == "three") or key in taken_back


def names() -> Iterator[str]:
    yield from ("manifest.json", "hashes.csv")
    for number in range(NUMBERS):
        yield f"{UUID(int=number, version=4)}.json"


async def file(desk: Desk, name: str) -> str:
    try:
        body, _ = await desk.file(TWO, name)
    except DetenteError as error:
        return f"{name}: {error.code} {error}"
    return f"{name}: {body.decode()}"


@given(script=scripts)
@settings(SETTINGS, phases=[Phase.explicit, Phase.generate])
def test_the_feed_does_not_change_with_what_is_hidden_from_its_reader(script: list[Step]) -> None:
    async def story(side: str) -> list[str]:
        with Theatre() as town:
            return await World(town, side).play(script)

    assert run(story("one")) == run(story("other"))


def test_the_feed_changes_with_what_is_shown() -> None:
    """So that what is compared is there to be compared."""

    async def story() -> list[str]:
        with Theatre() as town:
            world = World(town, "one")
            shown = [Told("one", kind, 1, 1, 0, revoked=False) for kind in KINDS]
            return await world.play([Step("show", one) for one in shown])

    manifest, hashes, _, event, *_ = run(story())
    assert str(UUID(int=1, version=4)) in manifest
    assert hashes.count("\n") == 3
    assert '"Sighting"' in event
    assert "geolocation" in event
