"""The airspace control order, field by field, beside what others say of its fields.

No reader could be had as a program. Compared are two public descriptions:

- Esri, air-c2-cop-python (Apache-2.0), tools/scripts/airspacemanagement/reader.py and parser.py at
  6e5c31b: for each set its fields with their lengths and letters, examples, and how it reads them.
- 455 AEW, "ATO/ACO/SPINS guide", wiki.455aew.com, page ACO: a header decoded field by field.

Letters are theirs: A is a letter, B a blank, N a digit, S a sign, X any of them.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from detente.core.check import Protected
from detente.core.volume import Circle, Corridor, Volume
from detente.doors.exports import aco
from exported import exported
from nodes import hospital
from strategies import notices, zones


class Field(NamedTuple):
    """One field: letters, how many at least and at most, and whether it may be left out (-)."""

    letters: str
    least: int
    most: int
    optional: bool = False


LETTERS = {
    "A": r"[A-Z]*", "N": r"[0-9]*", "AN": r"[A-Z0-9]*", "ANS": r"[A-Z0-9.:-]*",
    "X": r"[A-Z0-9 .,()?-]*",
}  # fmt: skip
CODE = re.compile(r"(ACM|NAME|USE|LATS|LATM|BRRA|BRFL|RAFL|RARA|FLFL):")
"""What tells which of several a field is; the lengths are of what follows."""

FIELDS: dict[str, list[Field]] = {
    # 1-32 AB by Esri, who gives no digits; the guide's example is "COBRA GOLD 07".
    "OPER": [Field("X", 1, 32)],
    "MSGID": [
        Field("X", 3, 20), Field("X", 1, 30), Field("N", 1, 7, optional=True),
        Field("A", 3, 3, optional=True), Field("A", 3, 3, optional=True),
        Field("N", 1, 3, optional=True),
    ],
    # The guide's example has more than eight; Esri: "it will be truncated".
    "ACOID": [Field("X", 2, 8), Field("AN", 2, 3)],
    "GEODATUM": [Field("X", 3, 25)],
    "PERIOD": [Field("AN", 7, 14), Field("AN", 3, 14)],
    "ACMID": [Field("AN", 2, 6), Field("X", 1, 30), Field("A", 4, 8), Field("AN", 2, 6)],
    "POLYGON": [Field("AN", 11, 15)],
    "CIRCLE": [Field("AN", 11, 15), Field("ANS", 2, 7)],
    "EFFLEVEL": [Field("ANS", 8, 15)],
    "APERIOD": [Field("A", 8, 8), Field("AN", 10, 10), Field("AN", 3, 10)],
}  # fmt: skip
ORDER = ["OPER", "MSGID", "ACOID", "GEODATUM", "PERIOD", "GENTEXT"]
"""Of the header, in the guide; it has REF as well, which is optional and not here."""

EXAMPLES = [
    "OPER/COBRA GOLD 07//", "MSGID/ACO/C2WS/705401/FEB/CHG/02//", "GEODATUM/WGS 1984//",
    "ACMID/ACM:ROZ/NAME:ATLANTIC/POLYGON/USE:RECCE//",
    "POLYGON/LATS:564100N0033500W/LATS:581700N0054000W/LATS:582500N0050500W//",
    "CIRCLE/LATS:151000N0590900E/150KM//", "EFFLEVEL/BRRA:GL-220AMSL//",
    "APERIOD/DISCRETE/141030ZAPR/141130ZAPR//",
]  # fmt: skip
"""Theirs, by which this table is held to be theirs."""


def sets_of(data: bytes) -> list[str]:
    """Sets, as Esri's reader joins lines: until one ends with two strokes."""
    joined = re.sub(r"(?<!//)\n", "", data.decode("ascii"))
    return joined.splitlines()


def faults(one: str) -> Iterator[str]:
    """What in a set is not as its fields are described."""
    name, *fields = one.removesuffix("//").split("/")
    described = FIELDS[name]
    if name == "POLYGON":
        described = described * len(fields)
    if len(fields) != len(described):
        yield f"{len(fields)} fields"
    for text, field in zip(fields, described, strict=False):
        bare = CODE.sub("", text)
        if field.optional and bare == "-":
            continue
        if not field.least <= len(bare) <= field.most:
            yield f"{text}: {len(bare)} letters"
        if not re.fullmatch(LETTERS[field.letters], bare):
            yield f"{text}: not {field.letters}"


@pytest.mark.parametrize("example", EXAMPLES)
def test_their_examples_are_of_this_form(example: str) -> None:
    assert list(faults(example)) == []


def test_what_is_not_of_this_form_is_found() -> None:
    assert list(faults("MSGID/ACO/TEST/0A12BC/FEB/-/-//")) == ["0A12BC: not N"]
    assert list(faults("CIRCLE/LATS:151000N0590900E/1234.5KM//")) == ["1234.5KM: 8 letters"]
    assert list(faults("APERIOD/DISCRETE/141030ZAPR//")) == ["2 fields"]


@given(value=st.one_of(notices, zones), theatre=st.from_regex(r"[a-z0-9][a-z0-9-]{0,62}\Z"))
@settings(max_examples=60, deadline=None)
def test_every_field_is_of_the_described_form(value: Protected, theatre: str) -> None:
    found = sets_of(aco.write(replace(exported([value]), theatre=theatre)))
    assert [one.partition("/")[0] for one in found][: len(ORDER)] == ORDER
    for one in found:
        if not one.startswith("GENTEXT/"):
            assert list(faults(one)) == [], one


@pytest.mark.parametrize("radius_km", [0.4, 99.9, 999.8, 1_000])
def test_a_wide_circle_has_room_in_its_field(radius_km: float) -> None:
    circle = Circle(centre=(100_000_000, 500_000_000), radius_mm=round(radius_km * 1_000_000))
    value = hospital("h", 0, 0, volumes=(Volume(footprint=(circle,)),), standoff_mm=100_000)
    [found] = [one for one in sets_of(aco.write(exported([value]))) if one.startswith("CIRCLE")]
    assert list(faults(found)) == []
    told_km = float(found.split("/")[2].removesuffix("KM"))
    assert radius_km + 0.125 <= told_km <= radius_km + 1.13


def test_their_reader_would_take_what_is_meant() -> None:
    """By parser.py: places ddmmssNdddmmssE; a polygon that it closes itself; heights in hundreds
    of feet, their letters the datum; KM or NM; the day, hour and minute before Z, then the month.
    """
    line = ((371_000_000, 362_000_000), (373_000_000, 363_000_000))
    road = Volume(footprint=(Corridor(line=line, width_mm=2_000_000),), lower_mm=1_000_000,
                  upper_mm=2_000_000)  # fmt: skip
    found = sets_of(aco.write(exported([hospital("Road", 0, 0, volumes=(road,))])))
    kind, name, shape, use = found[6].removesuffix("//").split("/")[1:]
    assert (kind.split(":")[1], name.startswith("NAME:"), shape, use) == (
        "ROZ", True, "POLYGON", "USE:NFA",
    )  # fmt: skip
    corners = found[7].removesuffix("//").split("/")[1:]
    assert corners[0] != corners[-1], "their reader repeats the first"
    lats = [int(one[5:7]) + int(one[7:9]) / 60 + int(one[9:11]) / 3_600 for one in corners]
    lons = [int(one[12:15]) + int(one[15:17]) / 60 + int(one[17:19]) / 3_600 for one in corners]
    assert {one[11] + one[19] for one in corners} == {"NE"}
    assert (36.1 < min(lats) < 36.2, 36.3 < max(lats) < 36.4) == (True, True)
    assert (37.0 < min(lons) < 37.1, 37.3 < max(lons) < 37.4) == (True, True)
    low, high = found[8].removesuffix("//").split(":")[1].split("-")
    feet = [float(re.sub(r"\D", "", one)) * 100 for one in (low, high)]
    assert [re.sub(r"\d", "", one) for one in (low, high)] == ["AMSL", "AMSL"]
    assert feet[0] <= (1_000 - 90) / 0.3048
    assert feet[1] >= (2_000 + 90) / 0.3048
    _, mode, start, stop = found[9].removesuffix("//").split("/")
    assert (mode, start, stop) == ("DISCRETE", "071200ZJAN", "081200ZJAN")
