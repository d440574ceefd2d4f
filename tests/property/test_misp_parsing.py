"""MISP's events are read or refused, and any STIX object of the feed's types becomes an event."""

import json
from contextlib import suppress
from hashlib import md5
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from pymisp import MISPEvent
from pymisp.tools import AttributeValidationTool

from detente.core.stix import glance_stix, read_stix
from detente.doors.misp.incoming import read_event, taken
from detente.doors.misp.outgoing import event, hashes, listed
from detente.doors.misp.patterns import LANGUAGES, PATHS, attribute_of, pattern_of
from detente.errors import MalformedInput
from detente.node.misp import Given

MISP: Any = AttributeValidationTool
"""What MISP makes of values, and which it takes; it has no types."""

UUID = "11111111-2222-4333-8444-555555555555"

Anything = st.SearchStrategy[Any]

anything: Anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
    | st.just("\ud800"),
    lambda part: st.lists(part, max_size=3) | st.dictionaries(st.text(max_size=8), part),
    max_leaves=8,
)  # fmt: skip


def likely(*usual: Any) -> st.SearchStrategy[Any]:
    """Mostly one of some values; else anything."""
    return st.sampled_from(usual) | anything


tags: Anything = st.lists(st.builds(dict, name=likely("tlp:red", "x")), max_size=2)
sightings: Anything = st.lists(
    st.builds(dict, uuid=likely(UUID), type=likely("0", 1), date_sighting=likely("1", 2)),
    max_size=2,
)
attributes: Anything = st.builds(
    dict, uuid=likely(UUID), value=likely("::1"),
    type=likely(*PATHS, *LANGUAGES.values(), "ip-dst"),
    to_ids=likely(True), timestamp=likely("1795000000"), distribution=likely("5", 0), Tag=tags,
    first_seen=likely("2026-01-01T00:00:00+00:00", ""), Sighting=sightings, deleted=likely(True),
    object_relation=likely("latitude", "longitude", "country", "city"),
)  # fmt: skip
objects: Anything = st.builds(
    dict, uuid=likely(UUID), name=likely("geolocation"), Attribute=st.lists(attributes, max_size=4)
)
events: Anything = st.builds(
    dict, uuid=likely(UUID), info=likely("x"), date=likely("2026-11-01"), timestamp=likely("1"),
    distribution=likely("1"), Tag=tags, Attribute=st.lists(attributes, max_size=3),
    Object=st.lists(objects, max_size=2), Galaxy=likely([]),
)  # fmt: skip


@given(body=st.builds(dict, Event=events | anything, partial=likely(True)) | anything)
@settings(max_examples=300, deadline=None)
def test_an_event_is_read_or_refused(body: Any) -> None:
    try:
        made = taken(read_event(json.dumps(body).encode()))
    except MalformedInput:
        return
    for _, text in made.given:
        read_stix(text)


@given(data=st.binary())
def test_bytes_are_read_or_refused(data: bytes) -> None:
    with suppress(MalformedInput):
        read_event(data)


plain = st.text(st.characters(max_codepoint=0xFFFF))
"""MISP has a question mark for each letter beyond, whatever the type."""

digits = st.sampled_from([12, 32, 40, 64, 128]).flatmap(
    lambda size: st.text("0123456789abcdefABCDEF", min_size=size, max_size=size)
)


@given(kind=st.sampled_from([*PATHS, *LANGUAGES.values()]), value=st.one_of(plain, digits))
def test_a_pattern_says_its_value(kind: str, value: str) -> None:
    found = pattern_of(kind, value)
    assert found is not None
    told = attribute_of(*found)
    # Of a pattern that is one comparison MISP's own type for it is told, if MISP takes the value.
    if told.type in PATHS:
        assert kind in {told.type, "stix2-pattern"}
        assert MISP.validate(told.type, told.value) is True
        assert MISP.modifyBeforeValidation(told.type, told.value) == told.value
    else:
        assert told.value == found[0]


@given(
    said=st.fixed_dictionaries(
        {"type": st.sampled_from(["indicator", "location"])},
        optional={
            "name": anything, "description": anything, "pattern": anything, "latitude": anything,
            "pattern_type": likely("stix", "yara"), "valid_from": likely("2026-01-01T00:00:00Z"),
            "country": likely("SY"), "city": anything, "x_misp_altitude": anything,
        },
    ),
    seen=st.fixed_dictionaries({}, optional={"last_seen": anything, "sighting_of_ref": anything}),
)  # fmt: skip
@settings(max_examples=200, deadline=None)
def test_any_object_becomes_an_event(said: dict[str, Any], seen: dict[str, Any]) -> None:
    times = {"created": "2026-11-01T00:00:00.5Z", "modified": "2026-11-02T00:00:00Z"}
    name = f"{said['type']}--{UUID}"
    texts = [
        {**said, **times, "id": name, "spec_version": "2.1"},
        {"sighting_of_ref": name, **seen, **times, "type": "sighting", "id": f"sighting--{UUID}"},
    ]
    given = []
    for number, one in enumerate(texts):
        text = json.dumps(one)
        try:
            read_stix(text)
        except MalformedInput:  # A name that is no text, half a character: it never came in.
            return
        head, data = glance_stix(text), text.encode()
        given.append(
            Given(party="one", sender="One", sequence=number, head=head, text=data, tlp=None)
        )
    told = event("test", UUID, given)
    assert msgspec.json.decode(json.dumps(told)) == told
    assert listed("test", given[0])[0] == UUID
    MISPEvent().from_dict(**told["Event"])
    values = [one["value"] for one in told["Event"]["Attribute"]]
    for value in values:
        assert md5(value.encode(), usedforsecurity=False).hexdigest().encode() in hashes(given[0])
