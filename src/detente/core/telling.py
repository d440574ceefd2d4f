"""What is said about what was said: acknowledgements, objections, requests, deliveries.

None of these approves anything (H1). An acknowledgement says how far a message
has come; an objection asks for an answer by name; a request to pass on is
granted or refused by the author alone.

Source: DESIGN sections 4.8, 6 and 7; requirements H2 to H5, H11, H12.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from detente.core.notice import SourceId
from detente.core.party import FreeText, Name, PartyId
from detente.core.release import Grade, Grant
from detente.core.uss import ObjectId
from detente.core.volume import UtcTime, check_time
from detente.errors import MalformedInput

Leaf = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$(?!\n)")]
FeedName = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$(?!\n)")]


class Level(StrEnum):
    """How far a message has come, in rising order (H2, H3)."""

    DELIVERED = "delivered"
    RECEIVED = "received"
    PASSED_ON = "passed_on"
    ACTED_ON = "acted_on"


class Acknowledgement(Struct, frozen=True, kw_only=True, tag="acknowledgement", omit_defaults=True):
    """A recipient's word on one entry.

    Attributes:
        entry: Leaf hash of the entry: exactly these bytes, this version (H4).
        level: How far it has come.
        to: To which level of the recipient it was passed on; a unit, a crew.

    Raises:
        MalformedInput: Passed on without saying to whom.
    """

    source_id: SourceId
    party: PartyId
    entry: Leaf
    level: Level
    to: Name | None = None
    note: FreeText = ""

    def __post_init__(self) -> None:
        if self.level is Level.PASSED_ON and self.to is None:
            raise MalformedInput("to", expected="the level that it was passed on to", got="none")


class Contested(StrEnum):
    """Whether an objection stands; only its author takes it back."""

    RAISED = "raised"
    TAKEN_BACK = "taken_back"


class Objection(Struct, frozen=True, kw_only=True, tag="objection", omit_defaults=True):
    """A party's objection to an object of another: to a plan, or that a notice is wrong (H11)."""

    source_id: SourceId
    party: PartyId
    object: ObjectId
    text: FreeText
    state: Contested = Contested.RAISED


class Answer(Struct, frozen=True, kw_only=True, tag="answer", omit_defaults=True):
    """The author's answer to one objection, by its name."""

    source_id: SourceId
    party: PartyId
    objection: ObjectId
    text: FreeText


class ReleaseRequest(Struct, frozen=True, kw_only=True, tag="release_request", omit_defaults=True):
    """A reader asks the author whether it may pass an object on to another party."""

    source_id: SourceId
    party: PartyId
    object: ObjectId
    to: PartyId
    grade: Grade = Grade.FULL
    purpose: FreeText = ""


class ReleaseDecision(
    Struct, frozen=True, kw_only=True, tag="release_decision", omit_defaults=True
):
    """The author's answer to a request; a later version may change it.

    ``grade`` None is as much as was asked; the author may give another.
    """

    source_id: SourceId
    party: PartyId
    request: ObjectId
    granted: bool
    grade: Grade | None = None
    until: UtcTime | None = None
    condition: FreeText = ""

    def __post_init__(self) -> None:
        if self.until is not None:
            check_time(self.until, what="until")


def decided(
    grants: Mapping[str, Mapping[str, Grant]], request: ReleaseRequest, decision: ReleaseDecision
) -> Mapping[str, Mapping[str, Grant]]:
    """What authors granted, by object and party, after one more decision."""
    granted = dict(grants.get(request.object, {}))
    granted.pop(request.to, None)
    if decision.granted:
        grade = decision.grade or request.grade
        granted[request.to] = Grant(grade=grade, until=decision.until)
    return {**grants, request.object: granted}


class Outcome(StrEnum):
    """What became of an attempt to deliver."""

    DELIVERED = "delivered"
    FAILED = "failed"


class TracksOf(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a feed told within an hour, and nothing of where.

    Attributes:
        party: Who reports it.
        feed: Its name of it.
        hour: When it begins, UTC, by the node's clock.
    """

    party: PartyId
    feed: FeedName
    hour: UtcTime

    def __post_init__(self) -> None:
        check_time(self.hour, what="hour")
        if (self.hour.minute, self.hour.second, self.hour.microsecond) != (0, 0, 0):
            raise MalformedInput("hour", expected="a full one", got=self.hour.isoformat())


class Delivery(Struct, frozen=True, kw_only=True, tag="delivery", omit_defaults=True):
    """The node's word: these entries were sent to a recipient's endpoint, with this outcome.

    ``entries`` are leaf hashes. That an endpoint took the bytes proves no more
    than that; ``how`` is webhook, peer, stream, poll, read, tile, taxii, export, pack, cap, misp
    or people. ``grade`` is how much of them was shown.

    Tracks have no entries: of those it names the feed and the hour (docs/adr/0036).

    Raises:
        MalformedInput: Neither entries nor tracks, or both.
    """

    source_id: SourceId
    to: PartyId
    how: Annotated[str, Meta(pattern=r"^[a-z]{1,16}$(?!\n)")]
    outcome: Outcome
    entries: Annotated[tuple[Leaf, ...], Meta(max_length=1_000)] = ()
    attempt: Annotated[int, Meta(ge=1)] = 1
    status: Annotated[int, Meta(ge=0, le=999)] | None = None
    grade: Grade = Grade.FULL
    tracks: TracksOf | None = None

    def __post_init__(self) -> None:
        if bool(self.entries) == (self.tracks is not None):
            raise MalformedInput("delivery", expected="entries, or tracks of a feed")
