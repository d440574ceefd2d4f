"""MISP's distribution and labels: never more is released than asked, nor than either lets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.core.misp import GOES_OUT, LABELS, ceiling, label_of
from detente.core.release import Grade, Release, Tlp, no_more_open

ASKED = Release(members=Grade.FULL, parties={"two": Grade.AREA}, tlp=Tlp.CLEAR)


@pytest.mark.parametrize(
    ("distributions", "tags", "released"),
    [
        ((1,), (), ASKED),
        ((3, 5), ("PAP:RED", "mine"), ASKED),
        ((0,), (), None),
        ((4,), ("tlp:clear",), None),
        ((5,), (), None),
        ((9,), (), None),
        ((3, 0), (), None),
        ((3, 4), (), None),
        ((3,), ("tlp:unclear",), None),
        ((3,), ("tlp:clear", "tlp:ex:chr"), None),
        ((3,), ("TLP:White ",), ASKED),
    ],
)
def test_what_goes_out(
    distributions: tuple[int, ...], tags: tuple[str, ...], released: Release | None
) -> None:
    assert ceiling(ASKED, distributions, tags) == released


def test_the_most_closed_label_counts_and_red_is_for_who_is_named() -> None:
    assert label_of(["tlp:green", "tlp:amber", "tlp:clear"]) == (Tlp.AMBER, True)
    amber = ceiling(ASKED, (2,), ["tlp:green", "tlp:amber"])
    assert amber is not None
    assert (amber.tlp, amber.members) == (Tlp.AMBER, Grade.FULL)
    red = ceiling(ASKED, (2,), ["tlp:red"])
    assert red is not None
    assert (red.tlp, red.members, red.parties) == (Tlp.RED, None, {"two": Grade.AREA})
    closed = Release(members=Grade.FULL, tlp=Tlp.RED)
    assert ceiling(closed, (2,), ["tlp:green"]) == closed


@given(
    asked=st.sampled_from([None, ASKED, Release(parties={"two": Grade.FULL})]),
    distributions=st.lists(st.integers(0, 9), min_size=1, max_size=3),
    tags=st.lists(st.sampled_from([*LABELS, "tlp:x", "other"]) | st.text(), max_size=3),
)
def test_never_more(asked: Release | None, distributions: list[int], tags: list[str]) -> None:
    given = ceiling(asked, distributions, tags)
    if given is None or asked is None:
        assert given is None
        return
    assert distributions[0] in GOES_OUT
    assert no_more_open(given.tlp, asked.tlp)
    assert given.parties == asked.parties
    assert given.members in {None, asked.members}
