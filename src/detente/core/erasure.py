"""Erasure: that an object's content was destroyed, by whose order, and by which party.

The entry stays where the content goes. It names the object by its random id and kind,
which the envelopes of its versions say already, and nothing that was said in them.

Source: DESIGN section 7; docs/adr/0019.
"""

from typing import Annotated

from msgspec import Meta, Struct

from detente.core.party import PartyId
from detente.core.subscription import KindName
from detente.core.uss import ObjectId

ORDER_LENGTH_MAX = 300
"""A court, a file number and a heading; what it is about has no place here."""

Order = Annotated[str, Meta(min_length=1, max_length=ORDER_LENGTH_MAX, pattern=r"^[^\x00]*$")]


class Erasure(Struct, frozen=True, kw_only=True, tag="erasure", omit_defaults=True):
    """An object's content is gone from this record: of every version up to one.

    Attributes:
        party: Who has it erased: its author, or the node.
        object: The id of what is erased.
        kind: Its kind, as EntryKind has it.
        version: The last of its versions.
        order: By whose order and under which heading; nothing of what is erased.
        asked: Where the node erases it for an administrator: that administrator's party.
    """

    party: PartyId
    object: ObjectId
    kind: KindName
    version: Annotated[int, Meta(ge=1, lt=1 << 53)]
    order: Order
    asked: PartyId | None = None
