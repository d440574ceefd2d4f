"""Notice: something that must be spared, a site or a movement.

A notice is information, never a request for permission (H1). It is stale when
its review is overdue, disputed when a recipient contests it; either way it
protects as before (H7, H11; docs/rules/R-03.md).
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from detente.core.lifecycle import Standing
from detente.core.party import Category, FreeText, Name, PartyId
from detente.core.release import Release
from detente.core.volume import RadiusMm, UtcTime, Volume, check_time
from detente.errors import MalformedInput

LEGS_MAX = 1_000
"""Volumes in one entry: a month's route at forty legs a day stays under it."""

VEHICLES_MAX = 10_000
"""Vehicles of one movement: the evacuation of a town stays under it."""

SourceId = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
"""A name of its author's choice; without U+0000, which PostgreSQL's text cannot hold."""

Volumes = Annotated[tuple[Volume, ...], Meta(min_length=1, max_length=LEGS_MAX)]


VolumesIfAny = Annotated[tuple[Volume, ...], Meta(max_length=LEGS_MAX)]


def check_legs(volumes: tuple[Volume, ...]) -> None:
    """Refuse more volumes than one entry may have.

    Raises:
        MalformedInput: More than LEGS_MAX.
    """
    if len(volumes) > LEGS_MAX:
        raise MalformedInput("volumes", expected=f"at most {LEGS_MAX}", got=f"{len(volumes)}")


class Verification(StrEnum):
    """Who has looked (H8). Détente itself verifies nothing and implies nothing."""

    UNVERIFIED = "unverified"
    SUBMITTER = "submitter"
    THIRD_PARTY = "third_party"
    IMAGERY = "imagery"


class NoticeKind(StrEnum):
    """A site stays; a movement has legs, each a volume with its own window."""

    SITE = "site"
    MOVEMENT = "movement"


class Provenance(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where the coordinates came from, and the text as typed (H9, H4)."""

    source: Name
    typed: FreeText | None = None
    verification: Verification = Verification.UNVERIFIED
    verified_by: Name | None = None
    verified_at: UtcTime | None = None
    accuracy_mm: RadiusMm = 0


class Guard(StrEnum):
    """What guards a movement; "none" is what files write where they say nothing."""

    UNESCORTED = "unescorted"
    UNARMED = "unarmed"
    ARMED = "armed"


class Escort(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What accompanies a movement and how it can be recognised (H14).

    None is "not said", never "no".

    Attributes:
        armed: Whether its escort is.
        vehicles: What they are, in words.
        marking: What is on them, in words.
        marking_visible_thermal: Whether a thermal camera shows it.
        marking_visible_day: Whether it is seen by daylight.
        escorted: Whether anybody escorts it.
        vehicle_count: How many vehicles, the escort's included.

    Raises:
        MalformedInput: An armed escort that is none.
    """

    armed: bool | None = None
    vehicles: FreeText = ""
    marking: FreeText = ""
    marking_visible_thermal: bool | None = None
    marking_visible_day: bool | None = None
    escorted: bool | None = None
    vehicle_count: Annotated[int, Meta(ge=1, le=VEHICLES_MAX)] | None = None

    def __post_init__(self) -> None:
        if self.armed and self.escorted is False:
            raise MalformedInput(
                "escort", expected="unescorted, unarmed or armed", got="unescorted, and armed"
            )

    @property
    def guard(self) -> Guard | None:
        """What guards it; None where that is not said.

        Entries from before ``escorted`` say ``armed`` alone, which spoke of an escort.
        """
        if self.escorted is False:
            return Guard.UNESCORTED
        if self.armed is None:
            return None
        return Guard.ARMED if self.armed else Guard.UNARMED


class Notice(Struct, frozen=True, kw_only=True, tag="notice", omit_defaults=True, gc=False):
    """A place or movement to be spared.

    Raises:
        MalformedInput: A movement whose leg lacks a start or an end, a naive
            time, or more than LEGS_MAX volumes.
    """

    source_id: SourceId
    name: Name
    category: Category
    party: PartyId | None = None
    volumes: Volumes
    kind: NoticeKind = NoticeKind.SITE
    standoff_mm: RadiusMm = 0
    review_due: UtcTime | None = None
    disputed: bool = False
    standing: Standing = Standing.IN_FORCE
    desk: PartyId | None = None
    escort: Escort | None = None
    provenance: Provenance | None = None
    release: Release | None = None

    def __post_init__(self) -> None:
        check_legs(self.volumes)
        if self.review_due is not None:
            check_time(self.review_due, what="review_due")
        if self.kind is NoticeKind.MOVEMENT:
            for leg in self.volumes:
                if leg.start is None or leg.end is None:
                    raise MalformedInput("leg of a movement", expected="a start and an end")

    def is_stale(self, now: datetime) -> bool:
        """Whether the review is overdue at ``now``."""
        return self.review_due is not None and self.review_due < now
