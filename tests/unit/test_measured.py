"""A line measured: known answers of others, and what must hold of any."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.core.measured import measured
from judge import GEOD

places = st.tuples(
    st.integers(-1_800_000_000, 1_800_000_000), st.integers(-900_000_000, 900_000_000)
)


def test_karneys_own_example() -> None:
    """40.6 N 73.8 W to 51.6 N 0.5 W, as the manual of GeodSolve(1) has it."""
    found = measured([(-738_000_000, 406_000_000), (-5_000_000, 516_000_000)])
    [leg] = found.legs
    assert leg.distance_m == pytest.approx(5_551_759.400, abs=0.01)
    assert leg.bearing_deg == pytest.approx(51.20, abs=0.005)
    assert found.length_m == leg.distance_m


def test_one_place_has_no_leg_and_two_alike_no_bearing() -> None:
    alone = measured([(100_000_000, 500_000_000)])
    assert (alone.legs, alone.length_m) == ((), 0.0)
    assert alone.places[0].decimal == "50.0000000, 10.0000000"
    twice = measured([(100_000_000, 500_000_000)] * 2)
    assert [(leg.distance_m, leg.bearing_deg) for leg in twice.legs] == [(0.0, None)]


@given(st.lists(places, min_size=2, max_size=6))
def test_whoever_sets_out_as_it_says_arrives(line: list[tuple[int, int]]) -> None:
    found = measured(line)
    assert found.length_m == pytest.approx(sum(leg.distance_m for leg in found.legs), abs=0.01)
    for leg, one, other in zip(found.legs, line, line[1:], strict=False):
        if leg.bearing_deg is None:
            continue
        assert 0 <= leg.bearing_deg < 360
        start = one[0] / 1e7, one[1] / 1e7
        lon, lat, _ = GEOD.fwd(*start, leg.bearing_deg, leg.distance_m)
        # A hundredth of a degree is at most 1.1 km after a quarter of the earth.
        apart = GEOD.inv(lon, lat, other[0] / 1e7, other[1] / 1e7)[2]
        assert apart <= 1_200.0
