"""STIX objects: what is read of them, what is refused, and the scales, judged by stix2."""

import json
from typing import Any

import pytest
import stix2
from hypothesis import given
from hypothesis import strategies as st
from stix2.confidence.scales import admiralty_credibility_to_value, value_to_admiralty_credibility

from detente.core.release import Tlp
from detente.core.stix import (
    CREDIBILITY_OF_CONFIDENCE,
    STIX_BYTES_MAX,
    STIX_DEPTH_MAX,
    Stix,
    credibility_of,
    glance_stix,
    instant,
    read_stix,
    says_the_same,
    tlp_of,
)
from detente.errors import MalformedInput

ID = "indicator--8e2e2d2b-17d4-4cbf-938f-98ee46b3cd3f"


def text(**parts: Any) -> str:
    """An object of STIX."""
    usual = {"type": "indicator", "spec_version": "2.1", "id": ID}
    return json.dumps({**usual, **parts})


def test_an_object_of_the_reference_library_is_read() -> None:
    made = stix2.Indicator(
        name="Loader", pattern="[file:name = 'a']", pattern_type="stix", confidence=55, lang="fr",
        object_marking_refs=[stix2.TLP_AMBER],
    )  # fmt: skip
    head = read_stix(made.serialize())
    assert (head.type, head.id, head.specification) == ("indicator", made.id, "2.1")
    assert (head.name, head.lang, head.confidence) == ("Loader", "fr", 55)
    assert head.spelt_version == json.loads(made.serialize())["modified"]
    assert tlp_of(head) is Tlp.AMBER
    assert glance_stix(made.serialize()) == head


def test_an_observable_has_no_version_and_is_of_2_1() -> None:
    head = read_stix(stix2.v21.IPv4Address(value="198.51.100.3").serialize())
    assert head.spelt_version is None
    assert head.specification == "2.1"
    bare = read_stix(text(spec_version=None))
    assert bare.specification == "2.1"


def test_what_says_when_it_was_made_and_not_by_what_is_of_2_0() -> None:
    old = {"type": "indicator", "id": ID, "created": "2016-01-01T00:00:00.000Z"}
    assert read_stix(json.dumps(old)).specification == "2.0"


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ("", "stix"),
        ("[]", "stix"),
        ("{}", "stix"),
        ('{"type": "indicator", "id": "' + ID + '", "id": "' + ID + '"}', "stands twice"),
        (text(x={"a": 1})[:-2] + ', "a": 2}}', "stands twice"),
        (text(x="REPLACED").replace('"REPLACED"', "1e999"), "number"),
        (text(x="REPLACED").replace('"REPLACED"', "NaN"), "stix"),
        (text(x="REPLACED").replace('"REPLACED"', '"\\ud800"'), "stix"),
        (text(x="\ud800"), "stix"),
        (text(id="indicator--1"), "stix id"),
        (text(id=ID.replace("indicator", "malware")), "stix id"),
        (text(type="bundle", id=ID.replace("indicator", "bundle")), "stix id"),
        (text(spec_version="3.0"), "stix spec_version"),
        (text(created="2016-01-01"), "stix created"),
        (text(created="2016-02-30T00:00:00Z"), "stix created"),
        (text(created="2016-01-01T00:00:00+01:00"), "stix created"),
        (text(modified="2016-01-01T00:00:00Z"), "stix created"),
        (text(confidence=101), "stix"),
        ('{"a":' * 2_000 + "1" + "}" * 2_000, "stix"),
        (text(x="x" * STIX_BYTES_MAX), "bytes"),
    ],
)  # fmt: skip
def test_what_is_no_object_or_could_be_read_in_two_ways_is_refused(
    given: str, complaint: str
) -> None:
    with pytest.raises(MalformedInput, match=complaint):
        read_stix(given)


def nested(levels: int) -> str:
    inner: object = 1
    for _ in range(levels):
        inner = [inner]
    return text(x_inner=inner)


def test_depth_is_limited_to_the_level() -> None:
    read_stix(nested(STIX_DEPTH_MAX - 2))  # the object itself, and the number
    with pytest.raises(MalformedInput, match="levels"):
        read_stix(nested(STIX_DEPTH_MAX - 1))


@given(st.text())
def test_garbage_is_refused_as_malformed(given: str) -> None:
    with pytest.raises(MalformedInput):
        read_stix(given)


times = st.datetimes().map(lambda t: t.isoformat(timespec="microseconds"))


@given(times, times)
def test_instants_are_in_the_order_of_time(one: str, other: str) -> None:
    spelt = [instant(f"{time}Z", what="t") for time in (one, other)]
    assert (spelt[0] < spelt[1], spelt[0] == spelt[1]) == (one < other, one == other)


@pytest.mark.parametrize("fraction", ["", ".0", ".000", ".000000000"])
def test_an_instant_is_the_same_in_any_precision(fraction: str) -> None:
    assert instant(f"2016-01-01T00:00:00{fraction}Z", what="t") == "2016-01-01T00:00:00"


def test_no_digit_of_a_second_is_lost() -> None:
    assert instant("2016-01-01T00:00:00.123456789Z", what="t").endswith(".123456789")


@pytest.mark.parametrize("confidence", range(101))
def test_credibility_is_that_of_the_standards_scale(confidence: int) -> None:
    said = value_to_admiralty_credibility(confidence)
    assert said.startswith(f"{credibility_of(confidence)} - ")


def test_every_grade_has_the_confidence_that_the_standard_gives_it() -> None:
    names = ["Confirmed by other sources", "Probably True", "Possibly True", "Doubtful",
             "Improbable"]  # fmt: skip
    for (least, grade), name in zip(CREDIBILITY_OF_CONFIDENCE, names, strict=True):
        value = admiralty_credibility_to_value(f"{grade} - {name}")
        assert least <= value
        assert credibility_of(value) == grade
    assert credibility_of(None) == 6


def test_the_most_closed_label_counts() -> None:
    def marked(*references: str) -> Tlp | None:
        return tlp_of(Stix(type="x", id="x", object_marking_refs=references))

    known = {
        stix2.TLP_WHITE.id: Tlp.CLEAR,
        stix2.TLP_GREEN.id: Tlp.GREEN,
        stix2.TLP_AMBER.id: Tlp.AMBER,
        stix2.TLP_RED.id: Tlp.RED,
    }
    for reference, tlp in known.items():
        assert marked(reference) is tlp
    assert marked(stix2.TLP_GREEN.id, stix2.TLP_RED.id, stix2.TLP_WHITE.id) is Tlp.RED
    assert marked("marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003") is Tlp.AMBER_STRICT
    assert marked() is None
    assert marked("marking-definition--00000000-0000-0000-0000-000000000000") is None


def test_a_label_of_a_part_counts_for_the_whole() -> None:
    part = {"selectors": ["description"], "marking_ref": stix2.TLP_RED.id}
    head = read_stix(text(granular_markings=[part], object_marking_refs=[stix2.TLP_GREEN.id]))
    assert tlp_of(head) is Tlp.RED
    language = {"selectors": ["name"], "lang": "fr"}
    for none in ([language], [7, {"marking_ref": 7}], "red", {"marking_ref": "x"}, []):
        assert tlp_of(read_stix(text(granular_markings=none))) is None


def test_numbers_that_our_own_json_lacks_are_taken() -> None:
    assert read_stix(text(x_slope=1.5, x_large=1e300, x_whole=2**70)).id == ID


def test_names_in_another_order_say_the_same() -> None:
    one = '{"type":"x", "a":{"b":[1,2],"c":1.10}}'
    for other in (one, '{"a": {"c":1.1, "b":[1, 2]}, "type":"\\u0078"}'):
        assert says_the_same(one, other)
    for other in ('{"type":"x"}', '{"type":"x","a":{"b":[2,1],"c":1.1}}',
                  '{"type":"x","a":{"b":[true,2],"c":1.1}}'):  # fmt: skip
        assert not says_the_same(one, other)
