"""Feeds: what the receivers' formats say, against words of others, and only named refusals."""

import contextlib
import gzip
import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import reduce
from itertools import pairwise
from operator import xor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pyais import encode_dict

from detente.core.heard import Craft, Heard
from detente.doors.feeds.ais import PENDING_MAX, Ais
from detente.doors.feeds.craft import ACCURACY_NONE_MM
from detente.doors.feeds.lines import CRAFT_MAX, LINE_MAX, TOO_LONG, Parser
from detente.doors.feeds.modes import NO_FRAME, NO_LINE, UNREADABLE, Avr, Beast, Decoder
from detente.doors.feeds.readsb import Readsb
from detente.doors.feeds.recorded import recording
from detente.doors.feeds.sbs import Sbs
from detente.errors import MalformedInput
from recorded_tracks import NOON, TRACKS, needs_tracks

TIMES = "2022/07/13,11:40:22.000,2022/07/13,11:40:22.000"
NAMED = f"MSG,1,1,1,4B1815,1,{TIMES},SWR123  ,,,,,,,,,,,"
MOVES = f"MSG,4,1,1,4B1815,1,{TIMES},,,147,169.0,,,2752,,,,,"
PLACED = f"MSG,3,1,1,4B1815,1,{TIMES},,350,,,41.23854,-8.67876,,,0,0,0,0"


def lines(*text: str) -> bytes:
    return "".join(f"{one}\r\n" for one in text).encode()


def read(parser: Parser, data: bytes, now: datetime = NOON) -> list[Heard]:
    return parser.read(data, now)


def test_basestation_joins_name_speed_and_position_by_address() -> None:
    parser = Sbs()
    (heard,) = read(parser, lines(NAMED, MOVES, PLACED))
    seen = heard.observed
    assert (seen.track, heard.name, heard.kind) == ("4b1815", "SWR123", Craft.AIRCRAFT)
    assert seen.position == (-86_787_600, 412_385_400)
    assert seen.time == NOON
    assert (seen.speed_mm_s, seen.course_mdeg) == (75_623, 169_000)
    assert seen.climb_mm_s == round(2_752 * 304.8 / 60)
    # 350 ft of pressure altitude: anywhere that the weather can put it.
    assert (seen.lower_mm, seen.upper_mm) == (-1_482_318, 902_682)
    assert parser.refused == Counter()


def test_basestation_counts_a_recorded_line_as_of_its_own_time() -> None:
    (heard,) = read(Sbs(recorded=True), lines(PLACED))
    assert heard.observed.time == datetime(2022, 7, 13, 11, 40, 22, tzinfo=UTC)
    # Without a speed it may be as fast as any.
    assert heard.observed.speed_mm_s is None
    assert heard.observed.drift_mm_s == 400_000


def test_a_speed_of_long_ago_is_none_of_a_position() -> None:
    parser = Sbs()
    read(parser, lines(MOVES))
    (heard,) = read(parser, lines(PLACED), NOON + timedelta(seconds=11))
    assert heard.observed.speed_mm_s is None


def test_an_aircraft_on_the_ground_is_at_all_altitudes() -> None:
    ground = PLACED.removesuffix("0") + "-1"
    (heard,) = read(Sbs(), lines(ground))
    assert (heard.observed.lower_mm, heard.observed.upper_mm) == (None, None)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("hello", "line: expected MSG, SEL, ID, AIR, STA or CLK"),
        ("MSG,3,1,1", "MSG: expected 22 fields, type 1 to 8"),
        (PLACED.replace("4B1815", "XYZ"), "address: expected 24 bits in hex"),
        (PLACED.replace("41.23854", "91"), "position: expected degrees"),
        (PLACED.replace("41.23854", "nan"), "latitude: expected a number"),
        (PLACED.replace("350", "inf"), "altitude: expected a number"),
        (PLACED.replace("350", "high"), "field: expected a number"),
        ("x" * (LINE_MAX + 1), TOO_LONG),
    ],
)
def test_what_basestation_is_refused_for(line: str, reason: str) -> None:
    parser = Sbs()
    assert len(read(parser, lines(line, PLACED))) == 1
    assert parser.refused == Counter({reason: 1})


def test_a_line_comes_in_pieces_and_one_without_end_holds_nothing() -> None:
    parser = Sbs()
    data = lines(PLACED)
    assert [len(read(parser, data[place : place + 1])) for place in range(len(data))].count(1) == 1
    for _ in range(10):
        read(parser, b"y" * LINE_MAX)
        assert len(parser._lines._rest) <= LINE_MAX
    assert len(read(parser, b"z\n" + lines(PLACED))) == 1
    assert parser.refused == Counter({TOO_LONG: 1})


def test_no_more_craft_are_remembered_than_the_limit() -> None:
    parser = Sbs()
    for number in range(CRAFT_MAX + 5):
        read(parser, lines(MOVES.replace("4B1815", f"{number:06x}")))
    assert len(parser._joined) == CRAFT_MAX


AIRCRAFT = {
    "hex": "ac671b", "type": "adsb_icao", "flight": "DAL1812 ", "alt_baro": 32_000,
    "alt_geom": 33_825, "gs": 483.3, "track": 340.67, "baro_rate": 0, "lat": 16.833336,
    "lon": -88.059981, "nic": 8, "rc": 186, "seen_pos": 1.5, "nac_p": 10, "gva": 2,
}  # fmt: skip


def document(*aircraft: Any, now: float = 1_738_703_649.5) -> bytes:
    return json.dumps({"now": now, "messages": 1, "aircraft": list(aircraft)}).encode()


def test_readsb_says_how_old_how_exact_and_how_high_a_position_is() -> None:
    parser = Readsb()
    (heard,) = read(parser, document(AIRCRAFT))
    seen = heard.observed
    assert seen.time == datetime.fromtimestamp(1_738_703_648, UTC)
    assert (seen.accuracy_mm, heard.name, heard.doubts) == (186_000, "DAL1812", ())
    # 33,825 ft above the ellipsoid, known to 45 m.
    assert (seen.lower_mm, seen.upper_mm) == (10_264_860, 10_354_860)
    # Not new: it stands still in the next document, a second older.
    later = {**AIRCRAFT, "seen_pos": 2.5}
    assert read(parser, document(later, now=1_738_703_650.5)) == []
    assert len(read(parser, document(AIRCRAFT, now=1_738_703_651.5))) == 1


def test_readsb_without_integrity_is_doubted_and_may_be_within_20_miles() -> None:
    bare = {"hex": "~2b0001", "lat": 1, "lon": 2, "alt_baro": "ground", "nic": 0, "nac_p": 0}
    (heard,) = read(Readsb(), document(bare))
    assert heard.doubts == ("no_integrity",)
    assert heard.observed.accuracy_mm == ACCURACY_NONE_MM
    assert heard.observed.lower_mm is None


def test_one_aircraft_that_cannot_be_read_does_not_take_the_others_along() -> None:
    parser = Readsb()
    bad = [{**AIRCRAFT, "lat": "x"}, {**AIRCRAFT, "seen_pos": -1}, 7, {**AIRCRAFT, "lat": 99}]
    assert len(read(parser, document(*bad, {"hex": "a00001"}, AIRCRAFT))) == 1
    assert parser.refused == Counter({
        "aircraft: expected fields of aircraft.json": 2,
        "seen_pos: expected seconds from 0 to 3600": 1,
        "position: expected degrees": 1,
    })  # fmt: skip
    for data in (b"", b"[]", b'{"now": 1e300, "aircraft": []}', b'{"now": -1e11, "aircraft": []}'):
        with pytest.raises(MalformedInput):
            read(Readsb(), data)


@needs_tracks
def test_mode_s_messages_of_a_flight_are_where_another_decoder_had_them() -> None:
    """Recorded with jet1090, which decoded them as they came."""
    decoder = Decoder((49.0, 2.57))
    both = 0
    with gzip.open(TRACKS / "rs1090_full_flight_short.jsonl.gz", "rt") as file:
        for line in list(file)[:6_000]:
            said = json.loads(line)
            time = datetime.fromtimestamp(said["timestamp"], UTC)
            for heard in decoder.decode([bytes.fromhex(said["frame"])], [time]):
                lon, lat = heard.observed.position
                if said.get("latitude") is None:
                    continue
                both += 1
                assert abs(lat / 1e7 - said["latitude"]) < 1e-7
                assert abs(lon / 1e7 - said["longitude"]) < 1e-7
                assert heard.observed.track == said["icao24"]
    assert both > 1_000
    assert heard.name == "AFR34ZG"


@needs_tracks
def test_beast_and_avr_say_the_same() -> None:
    data = (TRACKS / "dump1090_sample_beast.bin").read_bytes()
    whole, pieces = Beast(), Beast()
    heard = read(whole, data)
    bytewise = [one for at in range(len(data)) for one in read(pieces, data[at : at + 1])]
    assert bytewise == heard
    assert len(heard) == 3
    assert whole.refused == pieces.refused
    avr = Avr((43.6, 1.4))
    read(avr, lines("*8d40621d58c382d690c8ac2863a7;"))
    (placed,) = read(avr, lines("@0123456789ab8d40621d58c386435cc412692ad6;"))
    assert placed.observed.position == (39_389_125, 522_657_802)


def test_what_is_no_message_of_mode_s_is_counted() -> None:
    beast = Beast()
    # A message that another interrupts, an unknown type, one of another kind (Mode A).
    read(beast, b"junk\x1a2abc\x1a9\x1a1" + bytes(9) + b"\x1a3")
    assert beast.refused == Counter({NO_FRAME: 2})
    avr = Avr()
    read(
        avr, lines("*8d406b902015a678d4d220aa4bda;", "*8d406b902015a678d4d220aa4bdb;", "*zz;", "x")
    )
    assert avr.refused == Counter({NO_LINE: 2, UNREADABLE: 1})


def test_on_the_ground_one_message_needs_a_place_nearby() -> None:
    frame = bytes.fromhex("8f393322384a02aea63afc43dcba")
    without = Decoder()
    assert without.decode([frame], [NOON]) == []
    assert sum(without.refused.values()) == 1
    (heard,) = Decoder((49.0, 2.57)).decode([frame], [NOON])
    assert heard.observed.position == (25_735_474, 490_058_327)


def sentence(tag: str = "", **fields: Any) -> bytes:
    said = {"mmsi": 211_000_001, "lat": 54.5, "lon": 10.25, "speed": 10.0, "course": 90.0}
    made = encode_dict({**said, **fields}, radio_channel="B")
    return lines(*(f"{tag}{one}" for one in made))


def test_ais_places_a_ship_with_its_whole_length_around() -> None:
    parser = Ais()
    (before,) = read(parser, sentence(type=1, accuracy=1))
    assert before.observed.position == (102_500_000, 545_000_000)
    assert before.observed.accuracy_mm == 468_000
    assert (before.observed.speed_mm_s, before.observed.course_mdeg) == (5_144, 90_000)
    read(parser, sentence(type=5, shipname="ALBA", to_bow=80, to_stern=20, to_port=8,
                          to_starboard=7))  # fmt: skip
    (after,) = read(parser, sentence(type=1, accuracy=0))
    assert (after.name, after.kind) == ("ALBA", Craft.SHIP)
    assert after.observed.accuracy_mm == 215_000
    assert parser.refused == Counter()


@pytest.mark.parametrize("channel", ["", "1", "2", "C", "D"])
def test_ais_is_read_from_each_channel(channel: str) -> None:
    """C and D are what receivers call the two of long range, on which type 27 is sent."""
    before, _, rest = sentence(type=27, accuracy=1).partition(b",,B,")
    body = before[1:] + b",," + channel.encode() + b"," + rest.partition(b"*")[0]
    parser = Ais()
    (heard,) = read(parser, b"!%s*%02X\n" % (body, reduce(xor, body)))
    assert (heard.observed.track, parser.refused) == ("211000001", Counter())


@needs_tracks
def test_a_ship_that_was_decoded_by_others() -> None:
    """From the page "AIVDM/AIVDO protocol decoding" and the test load of gpsd."""
    parser = Ais()
    (ship,) = read(parser, b"!AIVDM,1,1,,B,177KQJ5000G?tO`K>RA1wUbN0TKH,0*5C\n")
    assert ship.observed.track == "477553000"
    assert ship.observed.position == (-1_223_458_330, 475_828_330)
    assert ship.observed.speed_mm_s == 0
    with gzip.open(TRACKS / "gpsd_sample.aivdm.gz") as file:
        heard = read(Ais(), file.read())
    assert Counter(one.kind for one in heard) == {
        Craft.SHIP: 12, Craft.RESCUE: 2, Craft.AID: 2, Craft.BASE_STATION: 2,
    }  # fmt: skip
    rescue = next(one for one in heard if one.observed.track == "111232511")
    assert rescue.observed.position == (-62_788_430, 581_440_000)
    assert rescue.observed.lower_mm is not None
    assert rescue.observed.upper_mm is not None
    assert rescue.observed.lower_mm < 303_000 < rescue.observed.upper_mm


def test_ais_that_knows_no_place_tells_none_and_dead_reckoning_is_doubted() -> None:
    parser = Ais()
    assert read(parser, sentence(type=1, lat=91, lon=181)) == []
    assert parser.refused == Counter()
    (heard,) = read(parser, sentence(type=1, second=62))
    assert heard.doubts == ("no_integrity",)


def test_ais_of_a_recording_is_as_of_its_tag_block() -> None:
    parser = Ais(recorded=True)
    assert read(parser, sentence(type=1)) == []
    assert parser.refused == Counter({"line: expected a tag block with its time (c:)": 1})
    (heard,) = read(parser, sentence("\\s:st,c:1394000000*00\\", type=1))
    assert heard.observed.time == datetime.fromtimestamp(1_394_000_000, UTC)
    assert len(read(parser, sentence(type=1))) == 1


def test_what_ais_is_refused_for() -> None:
    parser = Ais()
    good = sentence(type=1)
    read(parser, good.replace(b"*", b"*0").replace(b"*0", b"*F")[:-3] + b"\n")
    read(parser, b"!AIVDM,1,1,,B,,0*25\n!AIVDM,9,1,,B,abc,0*00\n$GPGGA,1\n# remark\n")
    assert sum(parser.refused.values()) == 3
    for number in range(PENDING_MAX * 3):
        body = f"AIVDM,5,1,{number % 10},{'AB'[number % 2]},{number},0"
        check = 0
        for byte in body.encode():
            check ^= byte
        read(parser, f"!{body}*{check:02X}\n".encode())
    assert len(parser._pending) <= PENDING_MAX


@pytest.mark.parametrize("make", [Sbs, lambda: Sbs(recorded=True), Ais,
                                  lambda: Ais(recorded=True), Beast, Avr])  # fmt: skip
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_whatever_comes_is_read_or_counted(make: Any, data: st.DataObject) -> None:
    parser = make()
    good = {Sbs: lines(NAMED, MOVES, PLACED), Ais: sentence(type=1)}.get(
        type(parser), b"\x1a3" + bytes(7) + bytes.fromhex("8d406b902015a678d4d220aa4bda")
    )
    for _ in range(3):
        piece = data.draw(
            st.one_of(
                st.binary(max_size=300),
                st.builds(
                    lambda at, byte: good[:at] + byte + good[at + 1 :],
                    st.integers(0, len(good)),
                    st.binary(max_size=2),
                ),
            )
        )
        for one in parser.read(piece, NOON):
            assert isinstance(one, Heard)


@settings(max_examples=150, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=200),
        st.dictionaries(
            st.sampled_from([*AIRCRAFT, "x"]),
            st.one_of(st.none(), st.integers(), st.floats(), st.text(max_size=9)),
        ).map(document),
    )
)
def test_whatever_a_document_holds_is_read_counted_or_refused(data: bytes) -> None:
    parser = Readsb()
    try:
        found = parser.read(data, NOON)
    except MalformedInput:
        return
    assert len(found) + sum(parser.refused.values()) <= 1


@given(st.binary(max_size=8))
@example(b"\xff")
def test_an_aircraft_whose_name_is_no_text_spoils_no_other(name: bytes) -> None:
    good = json.dumps(AIRCRAFT).encode()
    bad = b'{"hex":"4ca2d1","flight":"' + name.replace(b'"', b"") + b'","lat":"-","lon":1}'
    data = b'{"now":%d,"aircraft":[%s,%s]}' % (int(NOON.timestamp()), bad, good)
    parser = Readsb()
    with contextlib.suppress(MalformedInput):  # Where a bracket or a stroke ends the document.
        assert len(parser.read(data, NOON)) == 1


COLUMNS = json.dumps({
    "t": {"0": 1, "1": 2}, "icao24": {"0": "a", "1": "b"}, "lat": {"0": 1},
    "lon": {"0": 2, "1": 2},
})  # fmt: skip


@pytest.mark.parametrize(
    ("name", "text", "count", "refused"),
    [
        ("a.csv", "t,icao24,latitude,longitude\n10,a,1,2\n5,b,1,2\n,c,1,2\n7,d,,2\n", 2, 2),
        ("a.json", '[{"timestamp": 1e12, "icao24": "a", "latitude": 1, "longitude": 2}, 3]', 1, 1),
        ("b.json", COLUMNS, 1, 1),
        ("a.sbs", f"{MOVES}\n{PLACED}\nMSG,9\n", 1, 1),
        ("a.nmea", sentence("\\c:1394000000*00\\", type=1).decode(), 1, 0),
    ],
)
def test_recorded_files_are_known_by_what_they_hold(
    tmp_path: Path, name: str, text: str, count: int, refused: int
) -> None:
    (tmp_path / name).write_text(text)
    found = recording(tmp_path / name)
    assert (len(found.heard), sum(found.refused.values())) == (count, refused)
    times = [one.observed.time for one in found.heard]
    assert times == sorted(times)


@given(rest=st.binary(max_size=50), size=st.integers(0, 40))
@example(rest=b"\xff" * 30, size=10)
def test_a_damaged_archive_is_refused_or_read(
    rest: bytes, size: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.getbasetemp() / "damaged.gz"
    file.write_bytes(gzip.compress(b"icao24,time,lat,lon\n" * 9)[:size] + rest)
    with contextlib.suppress(MalformedInput):
        recording(file)


@pytest.mark.parametrize("text", ["", "hello", "{}", "[1", '{"a": 1}', "a,b\n1,2\n"])
def test_a_file_of_no_format_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "x").write_text(text)
    with pytest.raises(MalformedInput):
        recording(tmp_path / "x")
    with pytest.raises(MalformedInput):
        recording(tmp_path / "absent")


STARTS = (
    b"", b"{", b"[", b'[{"icao24":', b'{"frame":"8f"}\n', b'{"trace":[', b"!AIVDM,", b"MSG,",
    b"ID,", b"icao24,time,lat,lon\n", b"\x1a2\r\x00\r", b"\x1a3",
    b"*8d40621d58c382d690c8ac2863a7;\n", b"@", b'{"now":1,"aircraft":[',
)  # fmt: skip


@given(start=st.sampled_from(STARTS), rest=st.binary(max_size=200), name=st.sampled_from("abc"))
@example(start=b"\x1a2\r\x00\r", rest=b"", name="a")
@example(start=b"icao24,time,lat,lon\n", rest=b"\ra\rb", name="a")
@example(start=b"icao24,time,lat,lon\n", rest=b"a" * 200_000, name="a")
@example(start=b"", rest=b"[[1],{}]", name="a")
@example(start=b"", rest=b'{"trace":[[1,2,3,4,5,6,7,8,9]],"timestamp":1e999}', name="a")
@example(start=b"", rest=b'{"a":{"b":1},"icao24":{},"t":{}}', name="a")
def test_any_bytes_are_read_or_refused_and_nothing_else(
    start: bytes, rest: bytes, name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    suffix = {"a": "", "b": ".gz", "c": ".xz"}[name]
    file = tmp_path_factory.getbasetemp() / f"any{suffix}"
    file.write_bytes(gzip.compress(start + rest) if name == "b" else start + rest)
    with contextlib.suppress(MalformedInput):
        recording(file)


def flight() -> tuple[list[bytes], list[float]]:
    """Messages of a flight, and when each was heard, in seconds."""
    with gzip.open(TRACKS / "rs1090_full_flight_short.jsonl.gz", "rt") as file:
        said = [json.loads(line) for line in list(file)[:6_000]]
    return [bytes.fromhex(one["frame"]) for one in said], [one["timestamp"] for one in said]


def beast_of(frame: bytes, clock: int) -> bytes:
    body = clock.to_bytes(6, "big") + b"\x80" + frame
    kind = b"2" if len(frame) == 7 else b"3"
    return b"\x1a" + kind + body.replace(b"\x1a", b"\x1a\x1a")


@needs_tracks
def test_a_recording_of_mode_s_plays_as_by_its_clock(tmp_path: Path) -> None:
    frames, times = flight()
    # It began long after the receiver did, and its bytes begin in the midst of a message.
    clocks = [round((one - times[0] + 90_000) * 12e6) for one in times]
    both = list(zip(frames, clocks, strict=True))
    (tmp_path / "beast").write_bytes(b"\x1a\x1a\x05" + b"".join(beast_of(*one) for one in both))
    said = "".join(f"@{clock:012x}{frame.hex()};\r\n" for frame, clock in both)
    (tmp_path / "avr.gz").write_bytes(gzip.compress(said.encode()))
    expected = Decoder().decode(frames, [datetime.fromtimestamp(one, UTC) for one in times])
    assert len(expected) > 300
    for name in ("beast", "avr.gz"):
        found = recording(tmp_path / name).heard
        assert [one.observed.position for one in found] == [
            one.observed.position for one in expected
        ]
        for one, other in pairwise(zip(found, expected, strict=True)):
            steps = [b.observed.time - a.observed.time for a, b in zip(one, other, strict=True)]
            assert abs(steps[0] - steps[1]) < timedelta(microseconds=5)


@needs_tracks
def test_a_recording_without_a_clock_is_as_fast_as_aircraft_send(tmp_path: Path) -> None:
    frames, _ = flight()
    (tmp_path / "avr").write_text("".join(f"*{frame.hex()};\n" for frame in frames))
    (tmp_path / "beast").write_bytes(b"".join(beast_of(frame, 0) for frame in frames))
    found = recording(tmp_path / "avr").heard
    assert len(found) > 300
    assert recording(tmp_path / "beast").heard == found
    last: dict[str, datetime] = {}
    for one in found:
        track, time = one.observed.track, one.observed.time
        assert time >= last.get(track, time - timedelta(seconds=1)) + timedelta(seconds=0.5)
        last[track] = time


@needs_tracks
def test_a_real_recording_of_beast_is_read(tmp_path: Path) -> None:
    data = (TRACKS / "dump1090_sample_beast.bin").read_bytes()
    stream = read(Beast(), data)
    found = recording(TRACKS / "dump1090_sample_beast.bin").heard
    assert [one.observed.position for one in found] == [one.observed.position for one in stream]
    # Cut off, and with what is none of it in between.
    (tmp_path / "cut").write_bytes(data[5:5_000] + b"\x1a9\x1a3" + data[5_000:-3])
    assert recording(tmp_path / "cut").refused[NO_FRAME] >= 2


def test_a_clock_that_is_set_anew_goes_on_and_one_that_is_none_stands(tmp_path: Path) -> None:
    even, odd = "8d40621d58c382d690c8ac2863a7", "8d40621d58c386435cc412692ad6"
    second = 12_000_000
    clocks = [100 * second, 101 * second, 5, 2 * second, 0xFF004D4C4154, 10**13, 10**13 + second]
    said = [f"@{clock:012x}{(even, odd)[n % 2]};" for n, clock in enumerate(clocks)]
    (tmp_path / "x").write_bytes(lines(*said, "", "*zz;"))
    found = recording(tmp_path / "x")
    assert found.refused == Counter({NO_LINE: 1})
    since = [(one.observed.time - found.heard[0].observed.time) for one in found.heard]
    assert [round(one.total_seconds(), 3) for one in since] == [0, 0, 2, 2, 2, 3]


def test_a_document_of_readsb_is_a_recording_of_one_moment(tmp_path: Path) -> None:
    aircraft = [{"hex": "4b1804", "lat": 47.0, "lon": 8.0, "seen_pos": 1.5}, {"hex": "a"}, 7]
    document = {"now": 1_720_248_189.5, "messages": 9, "aircraft": aircraft}
    (tmp_path / "aircraft.json").write_text(json.dumps(document, indent=1))
    found = recording(tmp_path / "aircraft.json")
    assert (len(found.heard), sum(found.refused.values())) == (1, 1)
    assert found.heard[0].observed.time == datetime.fromtimestamp(1_720_248_188, UTC)


@pytest.mark.parametrize("data", [b"\x1a", b"\x1a9" + bytes(30), b"*8d40;x", bytes(60) + b"\x1a3"])
def test_what_is_of_no_format_names_those_that_are(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x").write_bytes(data)
    with pytest.raises(MalformedInput, match="BaseStation, AIS, Beast, AVR, JSON"):
        recording(tmp_path / "x")


@needs_tracks
def test_a_trace_of_readsb_and_a_flight_of_mode_s() -> None:
    trace = recording(TRACKS / "readsb_trace_full_ac671b.json.gz")
    assert (len(trace.heard), trace.refused) == (2_500, Counter())
    assert trace.heard[0].observed.track == "ac671b"
    flight = recording(TRACKS / "rs1090_full_flight_short.jsonl.gz")
    assert len(flight.heard) == 6_956
