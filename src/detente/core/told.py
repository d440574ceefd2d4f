"""What "told" means: how far it is proven that a party was told of an entry.

Five rungs, each with its own proof (docs/what-told-means.md). A rung counts only by
what stands in the record or under a checkpoint; nobody's memory counts. What the node
attests for a recipient is the node's word, so it is said beside the rung and raises
none.

Source: DESIGN section 7; requirements H2 to H5.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum

from msgspec import Struct

from detente.core.entry import Authorship
from detente.core.release import Grade
from detente.core.telling import Acknowledgement, Delivery, Level, Outcome


class Rung(StrEnum):
    """How far it is proven, in rising strength."""

    SENT = "sent"
    PUBLISHED = "published"
    DELIVERED = "delivered"
    ACKNOWLEDGED = "acknowledged"
    PASSED_ON = "passed_on"


PROVES: Mapping[Rung, str] = {
    Rung.SENT: "The author's signed entry: that it was said. Not that anybody saw it.",
    Rung.PUBLISHED: "Its place under a checkpoint that a quorum of witnesses cosigned: that it was "
    "on record by then, and cannot be taken back unnoticed. Not that the recipient saw it.",
    Rung.DELIVERED: "The node's signed entry: that the recipient's endpoint took all of its bytes. "
    "Not that anybody read them; and it is the node's word.",
    Rung.ACKNOWLEDGED: "An entry that the recipient signed with its own key and that names this "
    "version by its hash: that the recipient had it. Not that it agreed, nor that it acted on it.",
    Rung.PASSED_ON: "Such an entry that names a level of the recipient to which it was passed on: "
    "that the recipient says so. Not that that level took it in.",
}
"""Each rung: what proves it, and what it does not prove."""


class Acknowledged(Struct, frozen=True, kw_only=True):
    """An acknowledgement, and whether its party signed it or the node attests it."""

    value: Acknowledgement
    authorship: Authorship


class Standing(Struct, frozen=True, kw_only=True):
    """How one party stands to one version.

    Attributes:
        level: The highest rung that is proven.
        to: Levels of the recipient to which it says that it passed the version on.
        attested: How far the node attests that the recipient says it has come.
    """

    level: Rung
    to: tuple[str, ...] = ()
    attested: tuple[Level, ...] = ()


def told(
    leaf: str,
    *,
    published: bool,
    deliveries: Iterable[Delivery],
    acknowledgements: Iterable[Acknowledged],
    recipients: Iterable[str] = (),
) -> dict[str, Standing]:
    """How all recipients stand to one version of an object.

    Args:
        leaf: Leaf hash of the version's entry, hex.
        published: Whether it is under a checkpoint that a quorum cosigned.
        deliveries: What the node says that it delivered; those that name other entries
            alone say nothing here.
        acknowledgements: Likewise.
        recipients: Parties that are to stand in the answer whatever was delivered to them.

    Returns:
        By party, everyone of whom any of these speaks.
    """
    took: dict[str, bool] = dict.fromkeys(recipients, False)
    for one in deliveries:
        if leaf in one.entries:
            # An area is not the entry: whoever was shown no more was not given these bytes.
            whole = one.outcome is Outcome.DELIVERED and one.grade is Grade.FULL
            took[one.to] = took.get(one.to, False) or whole
    words: dict[str, list[Acknowledged]] = {party: [] for party in took}
    for said in acknowledgements:
        if said.value.entry == leaf:
            words.setdefault(said.value.party, []).append(said)
    floor = Rung.PUBLISHED if published else Rung.SENT
    return {
        party: _standing(Rung.DELIVERED if took.get(party) else floor, given)
        for party, given in words.items()
    }


def _standing(reached: Rung, given: Iterable[Acknowledged]) -> Standing:
    own: list[Acknowledgement] = []
    attested: set[Level] = set()
    for said in given:
        if said.authorship is Authorship.OWN:
            own.append(said.value)
        else:
            attested.add(said.value.level)
    further = {Level.PASSED_ON, Level.ACTED_ON}
    to = sorted({one.to for one in own if one.level in further and one.to is not None})
    level = Rung.ACKNOWLEDGED if own else reached
    return Standing(
        level=Rung.PASSED_ON if to else level, to=tuple(to), attested=tuple(sorted(attested))
    )
