"""A scenario: who takes part, what protects, and what moved, by one account or several.

::

    title = "24 November 2015: two published accounts of one flight"
    label = "reconstruction"                  # or "invented"
    about = ["what is published, what is not"]
    theatre = "salient"
    agreement = "salient_agreement.toml"      # beside it, as all its files are
    sources = [{ id = "SU-RT", text = "who published it", url = "https://..." }]
    parties = [{ id = "one", name = "One", desk = { id = "one-desk", name = "Duty desk" } }]
    places = [{ file = "border.geojson", kind = "zones", party = "one" }]

    [[accounts]]
    id = "first"
    title = "First account"
    party = "one"
    begin = 2015-11-24T07:16:00Z
    end = 2015-11-24T07:26:00Z
    boundary = "border"                       # the zone whose crossing is computed

    [[accounts.tracks]]
    address = "f00001"
    party = "one"
    release = { members = "full" }
    altitude_ft = 19000                       # of pressure, as a transponder says it
    fixes = [{ time = 2015-11-24T07:24:05Z, lon = 36.1789, lat = 35.8372 }]  # two at least

A track goes straight in degrees from fix to fix, at constant speed, and as before and after
them from the account's begin to its end.
"""

import tomllib
from collections.abc import Iterable
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from detente.core.agreement import Agreement
from detente.core.party import Desk, Name, PartyId
from detente.core.release import Release
from detente.core.volume import UtcTime, check_time
from detente.core.zone_rule import ZoneRule
from detente.doors.agreement_toml import read_agreement
from detente.errors import MalformedInput

BYTES_MAX = 1_000_000
"""Of a scenario: it is told, not recorded."""

LASTS_MAX = timedelta(hours=6)
"""Of an account: a position a second is made of it, 21,600 a track."""

TRACKS_MAX = 100
"""Of a scenario, for the same reason."""

Text = Annotated[str, Meta(min_length=1, max_length=1_000)]
Texts = Annotated[tuple[Text, ...], Meta(max_length=100)]
Degrees180 = Annotated[float, Meta(ge=-180, le=180)]
Degrees90 = Annotated[float, Meta(ge=-90, le=90)]


class _Part(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all parts of a scenario are."""


class Source(_Part, frozen=True, kw_only=True):
    """Where something was published."""

    id: Text
    text: Text
    url: Text | None = None


class Side(_Part, frozen=True, kw_only=True):
    """A party and its duty desk."""

    id: PartyId
    name: Name
    desk: Desk


class Place(_Part, frozen=True, kw_only=True):
    """A file of what protects (detente.doors.files), and who says it."""

    file: Text
    kind: Literal["notices", "zones", "presence"]
    party: PartyId
    category: Name | None = None
    rule: ZoneRule | None = None
    release: Release | None = None


class Fix(_Part, frozen=True, kw_only=True):
    """Where a track was."""

    time: UtcTime
    lon: Degrees180
    lat: Degrees90


class Track(_Part, frozen=True, kw_only=True):
    """What moved, and who reports it to whom."""

    address: Annotated[str, Meta(pattern=r"^[0-9a-f]{6}$(?!\n)")]
    party: PartyId
    fixes: Annotated[tuple[Fix, ...], Meta(min_length=2, max_length=1_000)]
    name: Annotated[str, Meta(max_length=8)] = ""
    release: Release | None = None
    altitude_ft: Annotated[float, Meta(ge=-1_500, le=60_000)] | None = None


class Event(_Part, frozen=True, kw_only=True):
    """What is told of a time, or from one to another."""

    begin: UtcTime
    text: Text
    end: UtcTime | None = None
    sources: Texts = ()


class Said(_Part, frozen=True, kw_only=True):
    """What an account says, to be shown beside what is computed."""

    text: Text
    sources: Texts = ()


class Span(_Part, frozen=True, kw_only=True):
    """From when to when an account has the first track over the boundary."""

    entered: UtcTime
    left: UtcTime


class Account(_Part, frozen=True, kw_only=True):
    """What happened, as one party has it.

    Attributes:
        id: Its name in commands.
        title: Its name to people.
        party: Whose.
        begin: Of its tracks.
        end: Likewise.
        tracks: What moved.
        boundary: ``source_id`` of the zone whose crossing by the first track is computed.
        crossed: When it was crossed, as the account has it; None where it says that it was not.
        said: What it says.
        events: What happened when.
    """

    id: PartyId
    title: Name
    party: PartyId
    begin: UtcTime
    end: UtcTime
    tracks: Annotated[tuple[Track, ...], Meta(min_length=1)]
    boundary: Text | None = None
    crossed: Span | None = None
    said: tuple[Said, ...] = ()
    events: tuple[Event, ...] = ()

    @property
    def told(self) -> tuple[tuple[str, Texts], ...]:
        """What it says and what happened, each with its sources."""
        said = tuple((one.text, one.sources) for one in self.said)
        return said + tuple((one.text, one.sources) for one in self.events)


class Scenario(_Part, frozen=True, kw_only=True):
    """All of it; ``agreement`` is the file's name, ``terms`` what it says."""

    title: Text
    label: Literal["reconstruction", "invented"]
    about: Texts
    theatre: PartyId
    agreement: Text
    parties: Annotated[tuple[Side, ...], Meta(min_length=1, max_length=100)]
    accounts: Annotated[tuple[Account, ...], Meta(min_length=1, max_length=10)]
    sources: tuple[Source, ...] = ()
    places: tuple[Place, ...] = ()


class Told(Struct, frozen=True, kw_only=True):
    """A scenario that was read.

    Attributes:
        scenario: What its file says.
        folder: Where the files lie that it names.
        agreement: As the file that it names has it.
    """

    scenario: Scenario
    folder: Path
    agreement: Agreement


def read_scenario(path: Path) -> Told:
    """The scenario in a TOML file.

    Raises:
        MalformedInput: Not there, not TOML, an unknown field, out of a limit, or it names
            what it does not have: a party, a source, a file beside it.
    """
    try:
        with path.open("rb") as file:
            text = file.read(BYTES_MAX + 1)
        if len(text) > BYTES_MAX:
            raise MalformedInput(f"{path}", expected=f"at most {BYTES_MAX} bytes")
        scenario = msgspec.convert(tomllib.loads(text.decode()), Scenario)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise MalformedInput(f"{path}", expected="a scenario in TOML", got=f"{error}") from None
    _require_named(scenario)
    for account in scenario.accounts:
        _require_times(account)
    for name in (scenario.agreement, *(place.file for place in scenario.places)):
        if Path(name).name != name or not (path.parent / name).is_file():
            raise MalformedInput(f"{path}", expected="a file beside the scenario", got=name)
    terms = read_agreement(path.parent / scenario.agreement)
    return Told(scenario=scenario, folder=path.parent, agreement=terms)


def _require_named(scenario: Scenario) -> None:
    """Refuse a party or source that nobody introduced, and an id that stands for two."""
    accounts = scenario.accounts
    tracks = [track for one in accounts for track in one.tracks]
    if len(tracks) > TRACKS_MAX:
        raise MalformedInput("tracks", expected=f"at most {TRACKS_MAX}", got=f"{len(tracks)}")
    parties = _once("party", (one.id for one in scenario.parties))
    sources = _once("source", (one.id for one in scenario.sources))
    _once("account", (one.id for one in accounts))
    _once("track", (one.address for one in tracks))
    for party in (one.party for some in (scenario.places, accounts, tracks) for one in some):
        _require("party", party, parties)
    cited = (source for account in accounts for _, some in account.told for source in some)
    for source in cited:
        _require("source", source, sources)


def _once(what: str, ids: Iterable[str]) -> set[str]:
    seen = set[str]()
    for one in ids:
        if one in seen:
            raise MalformedInput(what, expected="each once", got=one)
        seen.add(one)
    return seen


def _require(what: str, name: str, known: set[str]) -> None:
    if name not in known:
        raise MalformedInput(what, expected=f"one of {', '.join(sorted(known))}", got=name)


def _require_times(account: Account) -> None:
    for time in (account.begin, account.end):
        check_time(time, what=f"account {account.id}")
    if not account.begin < account.end <= account.begin + LASTS_MAX:
        raise MalformedInput(f"account {account.id}", expected=f"an end within {LASTS_MAX}")
    told = [time for event in account.events for time in (event.begin, event.end)]
    told += [] if account.crossed is None else [account.crossed.entered, account.crossed.left]
    for time in filter(None, told):
        check_time(time, what=f"an event of account {account.id}")
    for track in account.tracks:
        for fix in track.fixes:
            check_time(fix.time, what=f"a fix of track {track.address}")
        if any(later.time <= fix.time for fix, later in pairwise(track.fixes)):
            raise MalformedInput(f"track {track.address}", expected="fixes in order of time")
