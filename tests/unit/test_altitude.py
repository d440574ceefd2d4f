"""Altitudes at the edge: what is unknown is added outwards, never inwards."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detente.core.altitude import AltitudeReference, lower_mm, reference, upper_mm
from detente.core.volume import ALTITUDE_MAX_MM, ALTITUDE_MIN_MM
from detente.errors import MalformedInput

WGS84, MSL, AGL, FL = AltitudeReference


def test_the_ellipsoid_is_taken_as_it_is() -> None:
    assert (lower_mm(120.5, WGS84), upper_mm(120.5, WGS84)) == (120_500, 120_500)
    # 12.3 is not a binary number; its last bit is not a millimetre.
    assert (lower_mm(12.3, WGS84), upper_mm(12.3, WGS84)) == (12_300, 12_300)


@pytest.mark.parametrize(
    ("from_what", "low_m", "high_m"),
    [(MSL, 890, 1_090), (AGL, 440, 9_940), (FL, -455, 1_930)],
)
def test_others_are_widened_by_what_is_unknown(
    from_what: AltitudeReference, low_m: int, high_m: int
) -> None:
    assert lower_mm(1_000, from_what) == low_m * 1_000
    assert upper_mm(1_000, from_what) == high_m * 1_000


@given(
    st.floats(1_300, 20_000),
    st.floats(870, 1_085),
    st.floats(0.70, 1.15),
    st.floats(-107, 86),
)
def test_a_flight_level_is_covered_on_any_day(
    level_m: float, sea_level_hpa: float, warmth: float, geoid_m: float
) -> None:
    """True height of a pressure level, by ICAO Doc 7488's barometric formula scaled by warmth."""
    shift_m = 44_330.77 * (1 - (sea_level_hpa / 1_013.25) ** 0.190263)
    true_m = (level_m - shift_m) * warmth + geoid_m
    assert lower_mm(level_m, FL) / 1_000 <= true_m <= upper_mm(level_m, FL) / 1_000


def test_a_flight_level_written_as_metres_is_refused() -> None:
    with pytest.raises(MalformedInput, match=r"FL100 is 3048\), got 95"):
        lower_mm(95, FL)
    assert lower_mm(0, FL) < 0


@pytest.mark.parametrize("altitude_m", [float("nan"), float("inf"), -12_001.0, 1e12])
def test_absurd_altitudes_are_refused(altitude_m: float) -> None:
    for convert in (lower_mm, upper_mm):
        with pytest.raises(MalformedInput, match="metres from -12000"):
            convert(altitude_m, MSL)


def test_the_widened_band_stays_within_the_limits() -> None:
    assert lower_mm(-12_000, AGL) == ALTITUDE_MIN_MM
    assert upper_mm(100_000_000, AGL) == ALTITUDE_MAX_MM


@pytest.mark.parametrize(
    ("text", "meant"),
    [(None, WGS84), ("", WGS84), ("W84", WGS84), ("amsl", MSL), (" agl ", AGL), ("STD", FL)],
)
def test_words_for_references(text: str | None, meant: AltitudeReference) -> None:
    assert reference(text) is meant


def test_an_unknown_reference_is_refused() -> None:
    with pytest.raises(MalformedInput, match="WGS84, MSL, AGL or FL, got QFE"):
        reference("QFE")
