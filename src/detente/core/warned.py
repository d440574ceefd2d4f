"""A warning on the record: what the node told one party of an alert, and that it is over.

An entry a party and alert, whose only reader beside the node is that party: so each is on
record as told just what it was, and no entry says more than its reader may see. Lengths are
whole millimetres, times whole seconds, both rounded so that neither is named too large.
A warning informs, and permits nothing; that one is over permits nothing either.

Source: DESIGN sections 1, 4.8 and 7; docs/adr/0032.
"""

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from detente.core.alerts import Level
from detente.core.notice import SourceId
from detente.core.party import PartyId
from detente.core.release import Grade
from detente.core.uss import ObjectId
from detente.core.volume import UtcTime, check_time
from detente.core.watch import HORIZON_MAX_S, TrackId
from detente.errors import MalformedInput

Count = Annotated[int, Meta(ge=0, lt=1 << 53)]
Word = Annotated[str, Meta(max_length=200)]


class WarnedState(StrEnum):
    """How a warning stands.

    ``unwatched`` says that the watch that gave it is no more, and what it warned of may
    still be so: what follows it watches anew.
    """

    STANDING = "standing"
    ENDED = "ended"
    UNWATCHED = "unwatched"


class TrackTold(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The track, for whoever is shown it. Where it was is not on the record."""

    party: PartyId
    feed: Word
    track: TrackId
    kind: Word
    name: Word = ""


class EntryTold(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The entry that is neared, as far as the party is shown it.

    Attributes:
        party: Whose it is.
        object: Its id; with all below None where no more than a desk is shown.
        sequence: Its place in the record.
        grade: How much of it is shown.
    """

    party: PartyId | None
    object: ObjectId | None = None
    sequence: Count | None = None
    grade: Grade | None = None
    kind: Word | None = None
    name: Word | None = None


class FeedTold(Struct, frozen=True, kw_only=True):
    """A feed that fell silent, for whoever is shown what it tells."""

    party: PartyId
    name: Word


class Warned(Struct, frozen=True, kw_only=True, tag="alert", omit_defaults=True):
    """What the node told a party of one alert.

    Attributes:
        source_id: Tells the node which track and entry it is, and nobody else
            (detente.node.naming).
        to: The party that is told, and may read it.
        level: The gravest so far; ``lost`` of a feed that is silent.
        state: Whether it stands.
        begun: When the alert began.
        track: None where the party is not shown it, and of a feed.
        entry: None where a track or a feed is lost.
        feed: Of a silent feed.
        doubted: Whether the track may be elsewhere than it is said to be.
        distance_mm, distance_error_mm, separation_mm: As an alert has them.
        time_s: Until it may be violated, at the earliest.
        unrecorded: Alerts of this party since its last entry that ended before there was
            room for them on the record.

    Raises:
        MalformedInput: A naive time, or neither a track, an entry nor a feed.
    """

    source_id: SourceId
    to: PartyId
    level: Level
    begun: UtcTime
    state: WarnedState = WarnedState.STANDING
    track: TrackTold | None = None
    entry: EntryTold | None = None
    feed: FeedTold | None = None
    doubted: bool = False
    distance_mm: Count | None = None
    distance_error_mm: Count | None = None
    separation_mm: Count | None = None
    time_s: Annotated[int, Meta(ge=0, le=HORIZON_MAX_S)] | None = None
    unrecorded: Count = 0

    def __post_init__(self) -> None:
        check_time(self.begun, what="begin of the alert")
        if self.track is None and self.entry is None and self.feed is None:
            raise MalformedInput("alert", expected="a track, an entry or a feed", got="none")
