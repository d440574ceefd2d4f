"""Presence: one's own people are here, as an area or a live track.

Absence of presence is unknown, not empty (M7). A track grows with age: where
the people may have got to since they were last seen.
"""

from datetime import datetime, timedelta
from typing import Annotated

from msgspec import Meta, Struct

from detente.core.lifecycle import Standing
from detente.core.notice import SourceId, VolumesIfAny, check_legs
from detente.core.party import Category, Name, PartyId
from detente.core.release import Release
from detente.core.volume import AltitudeMm, Position, RadiusMm, UtcTime, check_time
from detente.errors import MalformedInput

SPEED_MAX_MM_S = 12_000_000
"""12 km/s, above orbital speed: a faster "track" is a fault of the sensor."""

TRACK_GROWTH_MAX_S = 6 * 3_600
"""A track grows for six hours and then keeps its size, marked stale: a car at
120 km/h could by then be 720 km away, and a disc that size tells nobody anything."""


class Track(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A last known position and how fast it may have moved since.

    ``accuracy_mm`` is the radius of uncertainty at ``time``.
    """

    position: Position
    time: UtcTime
    speed_max_mm_s: Annotated[int, Meta(ge=0, le=SPEED_MAX_MM_S)]
    accuracy_mm: RadiusMm = 0
    lower_mm: AltitudeMm | None = None
    upper_mm: AltitudeMm | None = None

    def __post_init__(self) -> None:
        check_time(self.time, what="track time")

    def is_stale(self, now: datetime) -> bool:
        """Whether the track has stopped growing, so its disc may be too small."""
        return now - self.time > timedelta(seconds=TRACK_GROWTH_MAX_S)


class Presence(Struct, frozen=True, kw_only=True, tag="presence", omit_defaults=True):
    """One's own or a partner's people: an area in ``volumes``, or a ``track``.

    Raises:
        MalformedInput: Neither or both of volumes and track, or too many volumes.
    """

    source_id: SourceId
    name: Name
    party: PartyId | None = None
    category: Category = "presence"
    volumes: VolumesIfAny = ()
    track: Track | None = None
    standoff_mm: RadiusMm = 0
    review_due: UtcTime | None = None
    disputed: bool = False
    standing: Standing = Standing.IN_FORCE
    confidence_percent: Annotated[int, Meta(ge=0, le=100)] | None = None
    desk: PartyId | None = None
    release: Release | None = None

    def __post_init__(self) -> None:
        check_legs(self.volumes)
        if bool(self.volumes) == (self.track is not None):
            raise MalformedInput("presence", expected="either volumes or a track")

    def is_stale(self, now: datetime) -> bool:
        """Whether the review is overdue, or the track no longer grows."""
        if self.track is not None and self.track.is_stale(now):
            return True
        return self.review_due is not None and self.review_due < now
