"""Subscription: what a party wants to be told of, where, and how it is reached."""

from typing import Annotated

from msgspec import Meta, Struct

from detente.core.lifecycle import Standing
from detente.core.notice import SourceId, VolumesIfAny, check_legs
from detente.core.party import PartyId
from detente.core.uss import BaseUrl, Uss

SUBSCRIPTIONS_MAX = 1_000
"""Current subscriptions of one party: every cell of a large city, one each."""

KindName = Annotated[str, Meta(pattern=r"^[a-z_]{1,24}$(?!\n)")]


class Subscription(Struct, frozen=True, kw_only=True, tag="subscription", omit_defaults=True):
    """A wish to be told.

    Attributes:
        kinds: Of the objects wanted, as EntryKind has them; none is all.
        volumes: Where and when; none is everywhere, always.
        url: Where to post what happens; None for a party that polls or listens.
        people: Where to tell people that something happened, sealed by the node.
        desk: One of the party's own: told only of the calls on the hotline that call it.
        implicit: Made for a plan, by ASTM F3548-21, and gone with it.
        uss: For a subscription by ASTM F3548-21: whose server to notify.
    """

    source_id: SourceId
    party: PartyId
    kinds: Annotated[tuple[KindName, ...], Meta(max_length=20)] = ()
    volumes: VolumesIfAny = ()
    url: BaseUrl | None = None
    people: Annotated[str, Meta(max_length=4_000)] | None = None
    desk: PartyId | None = None
    implicit: bool = False
    standing: Standing = Standing.IN_FORCE
    uss: Uss | None = None

    def __post_init__(self) -> None:
        check_legs(self.volumes)
