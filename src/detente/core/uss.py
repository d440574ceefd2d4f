"""Uss: where a party's own server answers for an object, as ASTM F3548-21 has it."""

from typing import Annotated

from msgspec import Meta, Struct

ObjectId = Annotated[str, Meta(pattern=r"^[0-9a-f]{32}$(?!\n)")]
"""128 random bits, hex; a UUID without its hyphens is one."""

BaseUrl = Annotated[str, Meta(min_length=1, max_length=2_000)]
"""A web address; 2,000 characters is what all servers and proxies take."""


class Uss(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a UAS service supplier adds to a plan, a constraint or a subscription.

    Attributes:
        base_url: Where others ask it for details, and notify it.
        subscription: Source id of the subscription by which it hears of what
            its plan must reckon with.
        ovn_suffix: Of the version token that it asked for; None lets the node choose.

    Source:
        ASTM F3548-21, OperationalIntentReference and its ``requested_ovn_suffix``.
    """

    base_url: BaseUrl
    subscription: Annotated[str, Meta(max_length=36)] | None = None
    ovn_suffix: Annotated[str, Meta(max_length=100)] | None = None
