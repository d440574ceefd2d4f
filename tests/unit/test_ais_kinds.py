"""AIS beyond ships: what stands where it is, rescue aircraft, and distress beacons."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyais import encode_dict

from detente.core.doubts import Receiver
from detente.core.heard import DISTRESS, Craft, Heard
from detente.core.volume import E7_PER_DEG
from detente.doors.cot.mapping import of_seen
from detente.doors.feeds.ais import Ais
from detente.node.feeding import Feed, Feeding
from detente.node.seen import DISTRESS_MAX, LiveTracks, Seen
from recorded_tracks import NOON

BASE_STATION = b"!AIVDM,1,1,,A,403OviQuMGCqWrRO9>E6fE700@GO,0*4D\n"
AID = (
    b"!AIVDM,2,1,5,B,E1mg=5J1T4W0h97aRh6ba84<h2d;W:Te=eLvH50```q,0*46\n"
    b"!AIVDM,2,2,5,B,:D44QDlp0C1DU00,2*36\n"
)
OFF = (
    b"!AIVDM,2,1,3,A,E7`B17L77oK@@@@@@@@@@@@@@@@6@6j5mNK<@10888Qr8`888888888888803Puv,0*09\n"
    b"!AIVDM,2,2,3,A,wf,0*04\n"
)
RESCUE = b"!AIVDM,1,1,,A,91b77=h3h00nHt0Q3r@@07000<0b,0*69\n"
"""Of the sample of K. Schwehr's messages that gpsd ships (test/sample.aivdm, BSD licence)."""


def said(parser: Ais, **fields: Any) -> list[Heard]:
    whole = {"mmsi": 211_000_001, "lat": 35.5, "lon": 35.7, **fields}
    data = "".join(f"{one}\n" for one in encode_dict(whole, radio_channel="A")).encode()
    return parser.read(data, NOON)


def degrees(heard: Heard) -> tuple[float, float]:
    lon, lat = heard.observed.position
    return lon / E7_PER_DEG, lat / E7_PER_DEG


@pytest.mark.parametrize(
    ("data", "named", "place", "accuracy_m"),
    [
        # As gpsd decodes them (test/synthetic-ais.json): 1/10,000 of a minute.
        (BASE_STATION, ("003669702", "base_station", ""), (-45_811_417, 22_130_260), 10),
        (
            AID, ("123456789", "aid", "CHINA ROSE MURPHY EXPRESS ALERT"),
            (-73_619_155, 28_752_371), 120,
        ),
        (RESCUE, ("111265591", "rescue", ""), (7_128_960, 34_667_073), 100),
    ],
)  # fmt: skip
def test_as_others_decoded_it(
    data: bytes, named: tuple[str, str, str], place: tuple[int, int], accuracy_m: int
) -> None:
    (heard,) = Ais().read(data, NOON)
    assert (heard.observed.track, heard.kind, heard.name) == named
    assert degrees(heard) == pytest.approx([one / 600_000 for one in place], abs=1e-6)
    assert heard.observed.accuracy_mm == accuracy_m * 1_000
    assert heard.doubts == ()
    assert heard.watched == (named[1] == "rescue")


def test_an_aid_off_its_position_is_doubted_where_its_flag_can_say_so() -> None:
    (heard,) = Ais().read(OFF, NOON)
    assert (heard.name, heard.kind, heard.doubts) == ("NO.6", Craft.AID, ("off_position",))
    floating: dict[str, Any] = {"msg_type": 21, "aid_type": 20, "off_position": 1, "second": 59}
    (heard,) = said(Ais(), **floating)
    assert heard.doubts == ("off_position",)
    for also in ({"aid_type": 19}, {"second": 60}, {"off_position": 0}):
        (heard,) = said(Ais(), **(floating | also))
        assert heard.doubts == ()
    (heard,) = said(Ais(), **(floating | {"second": 63}))
    assert heard.doubts == ("no_integrity",)


def test_a_virtual_aid_is_told_as_one() -> None:
    (heard,) = said(Ais(), msg_type=21, virtual_aid=1, name="WRECK WEST")
    assert (heard.kind, heard.watched, heard.name) == (Craft.VIRTUAL_AID, False, "WRECK WEST")
    assert said(Ais(), msg_type=21, lat=91, lon=181) == []
    out = of_seen(seen(heard))
    assert (out.type, out.callsign) == ("b-m-p-s-m", "WRECK WEST")
    assert "nothing is there" in out.detail


@pytest.mark.parametrize(
    ("mmsi", "name"),
    [
        (970_010_119, "AIS-SART 970010119"),
        (972_123_456, "MOB 972123456"),
        (974_000_001, "EPIRB 974000001"),
    ],
)
def test_a_distress_beacon_is_known_by_its_number(mmsi: int, name: str) -> None:
    (heard,) = said(Ais(), msg_type=1, mmsi=mmsi, status=14, accuracy=1, speed=1.2, course=80)
    assert (heard.kind, heard.name, heard.watched) == (Craft.DISTRESS, name, True)
    # Nobody's length is around a raft.
    assert heard.observed.accuracy_mm == 10_000
    assert heard.observed.speed_mm_s == 617
    (heard,) = said(Ais(), msg_type=1, mmsi=mmsi, status=15)
    assert heard.kind is Craft.DISTRESS_TEST
    # One that tells no status may be in earnest.
    (heard,) = said(Ais(), msg_type=18, mmsi=mmsi)
    assert heard.kind is Craft.DISTRESS
    assert "DISTRESS" in of_seen(seen(heard)).detail


def test_a_beacon_without_a_place_is_told_of_all_the_same() -> None:
    lost: dict[str, Any] = {"msg_type": 1, "mmsi": 970_010_119, "status": 14, "lat": 91, "lon": 181}
    here = Receiver(position=(357_000_000, 355_000_000), range_mm=60_000_000)
    parser = Ais(here)
    (heard,) = said(parser, **lost)
    assert (heard.kind, heard.doubts, heard.watched) == (
        Craft.DISTRESS, ("no_integrity",), False,
    )  # fmt: skip
    assert (heard.observed.position, heard.observed.accuracy_mm) == (here.position, 60_000_000)
    # Once a place was heard it is around that, as far as a ship could have carried it.
    said(parser, **(lost | {"lat": 35.6, "lon": 35.6, "accuracy": 1}))
    data = "".join(f"{one}\n" for one in encode_dict(lost, radio_channel="A")).encode()
    (heard,) = parser.read(data, NOON + timedelta(seconds=100))
    assert degrees(heard) == pytest.approx((35.6, 35.6))
    assert heard.observed.accuracy_mm == 10_000 + 5_257_700
    assert heard.watched
    # Where nothing is known of its place, that it was heard is counted.
    parser = Ais()
    assert said(parser, **lost) == []
    assert parser.refused == Counter(
        {"distress beacon: expected a place, its own or the receiver's": 1}
    )


def seen(heard: Heard, party: str = "coast") -> Seen:
    return Seen(party=party, feed="ais", observed=heard.observed, kind=heard.kind, name=heard.name)


def test_what_floats_approaches_nothing_and_what_carries_a_beacon_does() -> None:
    tracks = LiveTracks()
    feeding, feed, parser = Feeding(tracks), Feed(name="ais", party="coast"), Ais()
    feeding.add(feed, NOON)
    fields: dict[str, Any] = {"msg_type": 1, "status": 14, "accuracy": 1, "course": 0}

    def asked_of(number: int, **also: Any) -> bool:
        feeding.take(feed, said(parser, mmsi=number, **(fields | also)), NOON)
        key = ("coast", "ais", f"{number:09d}")
        (one,) = tracks.latest(lambda one: one.key == key)
        return one.watched

    for prefix in (970, 972, 974):
        assert not asked_of(prefix * 1_000_000, speed=2.0)
        assert not asked_of(prefix * 1_000_000 + 1, speed=2.0, status=15)
        # A speed that it does not know is not one.
        assert not asked_of(prefix * 1_000_000 + 2, speed=102.3)
        assert asked_of(prefix * 1_000_000, speed=25.0)
        assert not asked_of(prefix * 1_000_000, speed=2.0)
    assert asked_of(211_000_001, speed=2.0, status=0)


@pytest.mark.parametrize(("speed", "knots"), [(0, 20), (102.3, 20), (0, 4), (102.3, 4)])
def test_a_beacon_that_goes_where_it_does_not_report_to_go_is_asked_of(
    speed: float, knots: int
) -> None:
    tracks = LiveTracks()
    feeding, feed, parser = Feeding(tracks), Feed(name="ais", party="coast"), Ais()
    feeding.add(feed, NOON)
    asked = []
    for minute in range(8):
        # Northwards, and it says that it lies still, or nothing.
        fields: dict[str, Any] = {
            "mmsi": 970_010_119, "lat": 35.5 + knots * minute / 3_600, "lon": 35.7, "accuracy": 1,
        }  # fmt: skip
        (line,) = encode_dict(
            {"msg_type": 1, "status": 14, "speed": speed, "course": 0, **fields},
            radio_channel="A",
        )
        now = NOON + timedelta(minutes=minute)
        feeding.take(feed, parser.read(f"{line}\n".encode(), now), now)
        asked.append(tracks.latest()[0].watched)
    assert not any(asked[:3])
    assert asked[-1] is (knots > 10)
    assert tracks.latest()[0].doubts == (("unlike_its_course",) if asked[-1] else ())


def test_there_is_always_room_for_a_beacon() -> None:
    tracks = LiveTracks(tracks_max=2)
    feeding, feed = Feeding(tracks), Feed(name="ais", party="coast")
    feeding.add(feed, NOON)
    for number in range(3):
        feeding.take(feed, said(Ais(), msg_type=1, mmsi=211_000_000 + number), NOON)
    feeding.take(feed, said(Ais(), msg_type=1, mmsi=972_000_001, status=14), NOON)
    assert [one.kind for one in tracks.latest()] == ["ship", "ship", "distress"]
    ((_, state),) = feeding.states(NOON)
    assert state.refused == {"tracks: no room for more": 1}
    assert DISTRESS_MAX > 1


@given(
    number=st.integers(0, 999_999),
    prefix=st.sampled_from([970, 972, 974]),
    also=st.fixed_dictionaries(
        {
            "msg_type": st.sampled_from([1, 2, 3, 18, 19, 27]),
            "status": st.integers(0, 15),
            "lat": st.sampled_from([91.0, 35.0, -89.0]),
            "lon": st.sampled_from([181.0, 35.0, -179.0]),
            "second": st.integers(0, 63),
        }
    ),
)
def test_no_beacon_is_ever_left_out(number: int, prefix: int, also: dict[str, Any]) -> None:
    parser = Ais(Receiver(position=(0, 0), range_mm=1_000))
    (heard,) = said(parser, mmsi=prefix * 1_000_000 + number, **also)
    assert heard.kind in DISTRESS
    assert parser.refused == Counter()
