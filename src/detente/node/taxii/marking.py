"""Labels of what goes out: each object bears the label of its release, as STIX writes it.

The record holds an object as its author gave it, and its author is given it so. To others it
goes out with a reference to the definition of TLP 2.0 that its release has, in the place of a
more open one, unless it bears that label, or a more closed one, itself. The definitions are
standard; a reader who asks for one by its id is given it.

Source: TLP 2.0 as the extension of OASIS CTI's common objects has it; STIX 2.1 sections 3.2 and
7.2.1; docs/taxii.md.
"""

from datetime import UTC, datetime
from functools import cache

import msgspec

from detente.core.release import Release, Tlp, no_more_open
from detente.core.stix import TLP_2_MARKINGS, TLP_MARKINGS, glance_stix, instant, tlp_of
from detente.core.volume import microseconds
from detente.node.taxii.feed import Item

EXTENSION = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d"
"""TLP 2.0's."""

CREATED = "2022-10-01T00:00:00.000Z"
"""Of all definitions, by their authors."""

MARKINGS = "object_marking_refs"

_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])


def label_of(release: Release | None) -> Tlp:
    """How far an object may be passed on; without a release as detente.node.passing has it."""
    return (release or Release()).tlp


def marked(text: bytes, release: Release | None) -> bytes:
    """An object with the label of its release; all else of it stays as it is spelt."""
    head, label = glance_stix(text.decode()), label_of(release)
    own = tlp_of(head)
    if head.type == "marking-definition" or (own is not None and no_more_open(own, label)):
        return text
    fields = _fields.decode(text)
    others = [one for one in head.object_marking_refs if one not in TLP_MARKINGS]
    references = [*others, TLP_2_MARKINGS[label]]
    told = msgspec.json.encode(references)
    if MARKINGS not in fields:
        return b'%b,"%b":%b}' % (text.rstrip()[:-1], MARKINGS.encode(), told)
    fields[MARKINGS] = msgspec.Raw(told)
    return msgspec.json.encode(fields)


@cache
def definitions() -> tuple[tuple[Item, bytes], ...]:
    """The labels' own objects. Nobody here said them: their entry is -1 and their party none.

    Each has a date of its own, from which they were there: before all that is on record.
    """
    return tuple(_definition(tlp, number) for number, tlp in enumerate(Tlp))


def _definition(tlp: Tlp, number: int) -> tuple[Item, bytes]:
    extension = {"extension_type": "property-extension", "tlp_2_0": tlp.value}
    text = msgspec.json.encode({
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": TLP_2_MARKINGS[tlp],
        "created": CREATED,
        "name": f"TLP:{tlp.value.upper()}",
        "extensions": {EXTENSION: extension},
    })  # fmt: skip
    head = glance_stix(text.decode())
    since_us = microseconds(datetime(2022, 10, 1, tzinfo=UTC)) + number
    item = Item(
        rank=0, sequence=-1, object_id="", party="", date_us=since_us, type=head.type, id=head.id,
        version=instant(CREATED, what="created"), spelt=CREATED, specification="2.1",
        release=None, retracted=False, revoked=False, revocable=False,
    )  # fmt: skip
    return item, text
