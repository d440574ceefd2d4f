"""The table ``feeds`` of the settings: which receivers the node hears.

::

    [[feeds]]
    name = "roof"
    party = "coast-guard"
    kind = "sbs"
    address = "192.0.2.7:30003"
    release = { members = "full" }
    receiver = { lat = 35.19, lon = 35.95, range_m = 400000 }
"""

from enum import StrEnum
from typing import Annotated
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct

from detente.core.doubts import Receiver
from detente.core.party import PartyId
from detente.core.release import Release
from detente.core.telling import FeedName
from detente.core.volume import E7_PER_DEG, MM_PER_M
from detente.doors.feeds.ais import Ais
from detente.doors.feeds.lines import Parser
from detente.doors.feeds.modes import Avr, Beast
from detente.doors.feeds.readsb import Readsb
from detente.doors.feeds.sbs import Sbs
from detente.errors import MalformedInput
from detente.node.feeding import FEEDS_MAX, Feed
from detente.settings import Settings

RANGE_DEFAULT_M = 500_000.0
"""Beyond the radio horizon of an aircraft at 15 km seen from the ground (some 440 km)."""


class Kind(StrEnum):
    """What a receiver speaks."""

    SBS = "sbs"
    READSB = "readsb"
    BEAST = "beast"
    AVR = "avr"
    AIS = "ais"


class Place(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a receiver stands, in degrees, and how far it hears."""

    lat: Annotated[float, Meta(ge=-90, le=90)]
    lon: Annotated[float, Meta(ge=-180, le=180)]
    range_m: Annotated[float, Meta(gt=0, le=20_000_000)] = RANGE_DEFAULT_M

    @property
    def receiver(self) -> Receiver:
        """As doubts have it."""
        position = round(self.lon * E7_PER_DEG), round(self.lat * E7_PER_DEG)
        return Receiver(position=position, range_mm=round(self.range_m * MM_PER_M))


class FeedSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One row.

    Attributes:
        address: HOST:PORT of TCP; of readsb the URL of its ``aircraft.json``, polled.
        poll_s: How often that is asked for.
        silent_after_s: After so long without a position it counts as lost.
    """

    name: FeedName
    party: PartyId
    kind: Kind
    address: Annotated[str, Meta(min_length=3, max_length=2_000)]
    release: Release | None = None
    receiver: Place | None = None
    silent_after_s: Annotated[float, Meta(ge=1, le=86_400)] = 60.0
    poll_s: Annotated[float, Meta(ge=0.1, le=3_600)] = 1.0

    def __post_init__(self) -> None:
        if self.kind is Kind.READSB:
            parts = urlsplit(self.address)
            good = parts.scheme in {"http", "https"} and bool(parts.hostname)
            expected = "the URL of aircraft.json"
        else:
            good, expected = host_and_port(self.address) is not None, "HOST:PORT"
        if not good:
            raise MalformedInput(f"address of feed {self.name}", expected=expected)

    @property
    def feed(self) -> Feed:
        """As the node has it."""
        place = self.receiver
        return Feed(
            name=self.name,
            party=self.party,
            release=self.release,
            receiver=None if place is None else place.receiver,
            silent_after_s=self.silent_after_s,
        )

    def parser(self) -> Parser:
        """A new one of its kind."""
        place = None if self.receiver is None else (self.receiver.lat, self.receiver.lon)
        match self.kind:
            case Kind.SBS:
                return Sbs()
            case Kind.READSB:
                return Readsb()
            case Kind.AIS:
                return Ais(None if self.receiver is None else self.receiver.receiver)
            case Kind.BEAST:
                return Beast(place)
            case Kind.AVR:  # pragma: no branch - mypy knows that these are all
                return Avr(place)


def host_and_port(address: str) -> tuple[str, int] | None:
    """The two parts of HOST:PORT, or of [IPv6]:PORT; None where it is neither."""
    host, colon, port = address.rpartition(":")
    if not colon or not host or not port.isascii() or not port.isdigit():
        return None
    return (host.strip("[]"), int(port)) if 0 < int(port) < 1 << 16 else None


def feeds_of(settings: Settings) -> tuple[FeedSettings, ...]:
    """The table.

    Raises:
        MalformedInput: A row is wrong, there are more than FEEDS_MAX, or a party has two of
            one name.
    """
    try:
        found = msgspec.convert(settings.feeds, tuple[FeedSettings, ...])
    except msgspec.ValidationError as error:
        raise MalformedInput("feeds", got=str(error)) from None
    if len({(one.party, one.name) for one in found}) != len(found) or len(found) > FEEDS_MAX:
        raise MalformedInput("feeds", expected=f"each named once, at most {FEEDS_MAX}")
    return found
