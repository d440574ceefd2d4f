"""What comes over Cursor on Target is read, or refused with one kind of error."""

import time
import tracemalloc
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree as ET

import pytest
import takproto
from hypothesis import given
from hypothesis import strategies as st
from takproto.proto import TakMessage

from cot import event
from detente.core.alerts import Level
from detente.core.party import Desk
from detente.core.release import Grade, Release
from detente.core.volume import RADIUS_MAX_MM, Circle
from detente.doors.cot.event import EVENT_BYTES_MAX, Event, Raw, event_of
from detente.doors.cot.mapping import press_of, unit_of
from detente.doors.cot.proto import framed, read_proto
from detente.doors.cot.serving import address_of, releases
from detente.doors.cot.stream import Lost, Stream, read, read_datagram
from detente.doors.cot.warnings import event_of as warning_of
from detente.doors.cot.writing import Out, Written, deletion
from detente.doors.cot.xml import read_xml
from detente.errors import MalformedInput
from detente.node.alerted import AlertShown, EntryShown
from detente.settings import Settings

NOW = datetime.now(UTC)
SOON = NOW + timedelta(minutes=1)


def out(**parts: object) -> Out:
    given_parts: dict[str, object] = {
        "uid": "U-1", "type": "a-f-G", "time": NOW, "stale": SOON,
        "position": (383000000, 330000000),
    }  # fmt: skip
    return Out(**{**given_parts, **parts})  # type: ignore[arg-type] # each test names its own


def both(one: Out) -> tuple[Event, Event]:
    """The event as it is read from each form."""
    written = Written(one)
    [(is_proto, message)] = Stream().feed(written.proto)
    assert is_proto
    return event_of(read_xml(written.xml), NOW), event_of(read(True, message), NOW)


@given(
    uid=st.text(st.characters(codec="utf-8"), min_size=1, max_size=40).filter(str.isprintable),
    lon=st.integers(-1_800_000_000, 1_800_000_000),
    lat=st.integers(-900_000_000, 900_000_000),
    ce_mm=st.integers(0, 10**9),
    motion=st.none() | st.tuples(st.integers(0, 300_000), st.integers(0, 359_999)),
)
def test_what_is_written_is_read_alike_in_both_forms(
    uid: str, lon: int, lat: int, ce_mm: int, motion: tuple[int, int] | None
) -> None:
    one = out(
        uid=uid, callsign=uid, position=(lon, lat), ce_m=ce_mm / 1_000, hae_m=12.5, le_m=2.0,
        motion=None if motion is None else (motion[0] / 1_000, motion[1] / 1_000),
    )  # fmt: skip
    for found in both(one):
        assert (found.uid, found.callsign, found.position) == (uid, uid, (lon, lat))
        assert found.accuracy_mm is not None
        assert 0 <= found.accuracy_mm - ce_mm <= 1
        assert found.height_mm == (12_500, 2_000)
        assert (found.speed_mm_s is None) == (motion is None)


def test_takproto_reads_what_is_written() -> None:
    message = takproto.parse_proto(bytearray(Written(out(callsign="Alpha")).proto))
    assert (message.cotEvent.uid, message.cotEvent.detail.contact.callsign) == ("U-1", "Alpha")
    again = takproto.functions.xml2message(Written(out(callsign="Alpha")).xml)
    assert again.cotEvent.lon == message.cotEvent.lon == 38.3


def test_nothing_stands_between_what_is_written() -> None:
    """Clients read up to ``</event>``; the next begins with its declaration, or with 0xBF."""
    one = Written(out())
    *events, rest = (one.xml * 2 + one.proto).split(b"</event>")
    assert [ET.fromstring(each + b"</event>").tag for each in events] == ["event"] * 2  # noqa: S314
    assert takproto.parse_proto(bytearray(rest)).cotEvent.uid == "U-1"


def test_a_deletion_names_its_uid_in_both_forms() -> None:
    for found in both(deletion(NOW, "U-1")):
        assert (found.type, found.links) == ("t-x-d-d", ("U-1",))


@given(st.binary(max_size=300))
def test_garbage_is_refused_and_nothing_else(data: bytes) -> None:
    for reads in (read_xml, read_proto, read_datagram):
        try:
            event_of(reads(data), NOW)
        except MalformedInput:
            continue
    stream = Stream()
    try:
        for is_proto, one in stream.feed(data):
            try:
                read(is_proto, one)
            except MalformedInput:
                continue
    except Lost:
        pass


NAMES = st.sampled_from(["uid", "type", "time", "start", "stale", "lat", "lon", "ce", "hae", "le"])
SPECIAL = (
    "NaN", "inf", "-inf", "1e999", "999", "9999999", "-1", "2026-01-01T00:00:00Z",
    "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00",
)  # fmt: skip
TEXTS = st.text(max_size=30) | st.sampled_from(SPECIAL)


@given(st.dictionaries(NAMES, TEXTS), st.dictionaries(NAMES, TEXTS), st.dictionaries(NAMES, TEXTS))
def test_no_attribute_breaks_the_reader(
    head: dict[str, str], point: dict[str, str], track: dict[str, str]
) -> None:
    parts = (("track", {"speed": track.get("lat", "1"), "course": track.get("lon", "nan")}),)
    good = {"uid": "U", "type": "a-f-G", "time": NOW.isoformat(), "start": NOW.isoformat(),
            "stale": SOON.isoformat()}  # fmt: skip
    raw = Raw(event={**good, **head}, point={"lat": "1", "lon": "2", **point}, parts=parts)
    try:
        found = unit_of(event_of(raw, NOW), NOW)
    except MalformedInput:
        return
    lon, lat = found.observed.position
    assert -1_800_000_000 <= lon <= 1_800_000_000
    assert -900_000_000 <= lat <= 900_000_000


@pytest.mark.parametrize(
    ("part", "says"),
    [
        ({"lat": "999"}, "lat"),
        ({"lon": "nan"}, "lon"),
        ({"hae": "nan"}, "hae"),
        ({"ce": "nan"}, "ce"),
        ({"ce": "-1"}, "ce"),
        ({"hae": "-99999", "le": "1"}, "hae"),
    ],
)
def test_a_place_that_is_none_is_refused_by_its_name(part: dict[str, str], says: str) -> None:
    good = {"uid": "U", "type": "a-f-G", "time": NOW.isoformat(), "start": NOW.isoformat(),
            "stale": SOON.isoformat()}  # fmt: skip
    with pytest.raises(MalformedInput, match=says) as refused:
        event_of(Raw(event=good, point={"lat": "1", "lon": "2", **part}), NOW)
    assert "999" not in str(refused.value).replace("9999999", "")


def test_a_clock_that_runs_ahead_is_set_back_or_refused() -> None:
    ahead = NOW + timedelta(minutes=5)
    assert (
        event_of(read_xml(Written(out(time=ahead, stale=SOON + timedelta(hours=1))).xml), NOW).time
        == NOW
    )
    late = NOW + timedelta(hours=2)
    with pytest.raises(MalformedInput, match="time"):
        event_of(read_xml(Written(out(time=late, stale=late)).xml), NOW)


@pytest.mark.parametrize("kind", ["t-x-c-t", "t-x-takp-q"])
def test_who_asks_about_the_connection_is_answered_whatever_his_clock_says(kind: str) -> None:
    for years in (-1, 40):
        at = NOW + timedelta(days=365 * years)
        found = event_of(read_xml(Written(out(type=kind, time=at, stale=at)).xml), NOW)
        assert found.type == kind


@pytest.mark.parametrize(
    "data",
    [
        b'<!DOCTYPE e [<!ENTITY a "a">]><event>&a;</event>',
        b'<!DOCTYPE e SYSTEM "file:///etc/passwd"><event/>',
        b"<event>" + b"<a>" * 5_000,
        b"<event><point/><point/></event>",
        b"<event></event>",
        b"<other><point/></other>",
        b"<event>&undefined;</event>",
        b"\xff\xfe<event/>",
        b'<?xml version="1.0" encoding="nonsense"?><event/>',
    ],
)
def test_xml_that_is_no_event_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedInput):
        read_xml(data)


def test_a_bomb_costs_neither_time_nor_memory() -> None:
    levels = b"".join(b'<!ENTITY l%d "%s">' % (n, b"&l%d;" % (n - 1) * 10) for n in range(1, 12))
    bomb = b'<!DOCTYPE e [<!ENTITY l0 "lol">' + levels + b"]><event>&l11;</event>"
    tracemalloc.start()
    began = time.thread_time()
    with pytest.raises(MalformedInput, match="document type"):
        read_xml(bomb)
    assert time.thread_time() - began < 1
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()


def test_a_stream_is_parted_wherever_it_is_cut() -> None:
    one, two = event("A", 1, 2), event("B", 3, 4)
    message = bytes(takproto.xml2proto(event("C", 5, 6), takproto.TAKProtoVer.STREAM))
    data = b"\n" + one + message + two + b" \x00" + message
    for size in (1, 7, len(data)):
        stream, found = Stream(), []
        for start in range(0, len(data), size):
            found += list(stream.feed(data[start : start + size]))
        # Not NOW: the module may have been loaded half an hour before.
        soon = datetime.now(UTC) + timedelta(seconds=9)
        assert [event_of(read(*each), soon).uid for each in found] == [
            "A", "C", "B", "C",
        ]  # fmt: skip


def test_a_password_that_a_tablet_says_first_costs_it_no_event() -> None:
    auth = (
        b'<?xml version="1.0" encoding="utf-8"?>\n<auth><cot username="alpha-7" '
        b'password="x" uid="ANDROID-1" callsign="Alpha"/></auth>'
    )
    message = bytes(takproto.xml2proto(event("B", 3, 4), takproto.TAKProtoVer.STREAM))
    for rest, uids in ((event("A", 1, 2) + message, ["A", "B"]), (message, ["B"])):
        for size in (1, 7, 10_000):
            stream, found, data = Stream(), [], auth + rest
            for start in range(0, len(data), size):
                found += list(stream.feed(data[start : start + size]))
            soon = datetime.now(UTC) + timedelta(seconds=9)
            assert [event_of(read(*each), soon).uid for each in found] == uids


@pytest.mark.parametrize(
    "data", [b"<" + b"x" * EVENT_BYTES_MAX, b"\xbf\xff\xff\xff\xff", b"\xbf\xff\xff\x7f"]
)
def test_what_cannot_be_parted_ends_the_stream(data: bytes) -> None:
    with pytest.raises(Lost):
        list(Stream().feed(data))


@pytest.mark.parametrize("step", [1_000, 65_536, 10**6])
@pytest.mark.parametrize(
    ("data", "size"),
    [
        # All of it that came, whatever came before it and in however many pieces.
        (b"<event" + b"x" * EVENT_BYTES_MAX, EVENT_BYTES_MAX + 6),
        (b"\xbf\xff\xff\x7f" + b"x" * 9, 13),
    ],
)
def test_what_is_too_long_is_told_by_its_own_size(data: bytes, size: int, step: int) -> None:
    small = event("U", 1, 2) * 3
    came, told = lost_at(small + data, step)
    assert told == came - len(small)
    assert told == size or EVENT_BYTES_MAX < told < size


def lost_at(data: bytes, step: int) -> tuple[int, int]:
    """How many bytes had come when a stream was lost, and of how many it tells."""
    stream = Stream()
    for start in range(0, len(data), step):
        try:
            list(stream.feed(data[start : start + step]))
        except Lost as error:
            return min(start + step, len(data)), error.size
    raise AssertionError("it was not lost")


def test_what_is_too_long_ends_where_it_says() -> None:
    long = b"<event>" + b"x" * EVENT_BYTES_MAX + b"</event>"
    with pytest.raises(Lost) as refused:
        list(Stream().feed(long + event("U", 1, 2)))
    assert refused.value.size == len(long)


def test_a_message_without_an_event_is_refused() -> None:
    for payload in (b"", TakMessage().SerializeToString(), b"\xff\xff"):
        with pytest.raises(MalformedInput):
            read_proto(payload)
    far = TakMessage()
    far.cotEvent.uid, far.cotEvent.type, far.cotEvent.staleTime = "U", "a-f-G", 2**63
    with pytest.raises(MalformedInput, match="stale"):
        event_of(read_proto(far.SerializeToString()), NOW)
    assert framed(b"x" * 300)[:3] == b"\xbf\xac\x02"


@pytest.mark.parametrize("kind", ["a-h-G", "a-n-G", "a-u-A", "b-t-f", "u-d-f", "a-f"])
def test_only_ones_own_people_are_taken(kind: str) -> None:
    found = event_of(read_xml(event("U", 1, 2, kind=kind)), datetime.now(UTC))
    with pytest.raises(MalformedInput, match="own people"):
        unit_of(found, NOW)


@pytest.mark.parametrize(
    ("callsign", "read"),
    [
        ("\u0645\u06cc\u200c\u0631\u0648\u0645", "\u0645\u06cc\u0631\u0648\u0645"),
        ("\U0001f468\u200d\U0001f692 1", "\U0001f468\U0001f692 1"),
        ("\u200f\u0623\u0644\u0641\u0627\u200f", "\u0623\u0644\u0641\u0627"),
        ("\u200d", ""),
    ],
)
def test_what_joins_letters_in_a_callsign_hides_nobody(callsign: str, read: str) -> None:
    found = event_of(read_xml(event("U", 1, 2, callsign=callsign)), datetime.now(UTC))
    assert found.callsign == read


def test_a_device_without_a_fix_is_nowhere_and_not_in_the_gulf_of_guinea() -> None:
    nofix = {"lat": "0.0", "lon": "0.0", "hae": "9999999.0", "ce": "9999999.0", "le": "9999999.0"}
    raw = read_xml(event("U", 0, 0))
    fixed = event_of(raw, datetime.now(UTC))
    assert unit_of(fixed, fixed.time).observed.position == (0, 0)
    with pytest.raises(MalformedInput, match="no fix"):
        unit_of(event_of(Raw(event=raw.event, point=nofix), datetime.now(UTC)), fixed.time)


def test_what_is_stale_when_it_comes_is_refused() -> None:
    found = event_of(read_xml(event("U", 1, 2)), datetime.now(UTC))
    with pytest.raises(MalformedInput, match="later than now"):
        unit_of(found, found.stale)


def test_an_alert_says_what_was_cut_for_its_reader_and_no_more() -> None:
    desk = Desk(id="d", name="Night desk")
    entry = EntryShown(party="two", desk=desk, name="St <Mary>", object="e")
    unnamed = AlertShown(level=Level.WARNING, begun=NOW, entry=entry, time_s=60, doubted=True)
    out = warning_of(unnamed, "uid", (1, 2), NOW)
    assert (out.type, out.position, out.callsign) == ("b-a-g", (1, 2), "a track that is not shown")
    assert "may violate St &lt;Mary&gt; of two; call Night desk" in out.detail
    assert f"{NOW + timedelta(seconds=60):%H:%M:%S}Z at the earliest" in out.detail
    assert "elsewhere" in out.detail
    assert b"b-a-g" in Written(out).xml


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("8087", ("127.0.0.1", 8087)),
        (":0", ("127.0.0.1", 0)),
        ("0.0.0.0:8089", ("0.0.0.0", 8089)),  # noqa: S104 - read, not listened on
        ("[::1]:8089", ("::1", 8089)),
    ],
)
def test_a_port_alone_is_of_this_machine(text: str, at: tuple[str, int]) -> None:
    assert address_of(text, what="cot_tcp") == at


@pytest.mark.parametrize("text", ["here", "1.2.3.4:", "1.2.3.4:70000", "1.2.3.4:-1"])
def test_an_address_without_a_port_is_refused(text: str) -> None:
    with pytest.raises(MalformedInput, match="cot_tcp"):
        address_of(text, what="cot_tcp")


def test_releases_are_read_from_their_tables_or_refused() -> None:
    one = {"party": "one", "release": {"parties": {"two": "full"}}}
    assert releases(Settings(cot_release=(one,))) == {"one": Release(parties={"two": Grade.FULL})}
    with pytest.raises(MalformedInput, match="cot_release"):
        releases(Settings(cot_release=({"party": "one", "to": ["two"]},)))


def test_help_is_called_from_where_the_device_is_or_was() -> None:
    def pressed(**parts: object) -> Event:
        given_parts: dict[str, object] = {
            "uid": "U-9-1-1", "type": "b-a-o-tbl", "time": NOW, "stale": NOW,
            "position": (383000000, 330000000), "links": ("nobody", "U"),
        }  # fmt: skip
        return Event(**{**given_parts, **parts})  # type: ignore[arg-type] # named by each case

    last = Circle(centre=(390000000, 340000000), radius_mm=1_000_000)
    units = {"U": last}
    here = (383000000, 330000000)
    for accuracy_mm, radius_mm in (
        (None, 100_000),
        (0, 0),
        (5_000, 5_000),
        (10**12, RADIUS_MAX_MM),
    ):
        found = press_of(pressed(accuracy_mm=accuracy_mm), units.get)
        assert found.place == Circle(centre=here, radius_mm=radius_mm)
    without = pressed(position=(0, 0), callsign="Alpha")
    assert press_of(without, units.get).place == last
    assert press_of(without, units.get).words == "Alpha: 911 Alert, pressed on a tablet"
    assert press_of(pressed(), units.get).words.startswith("U-9-1-1: ")
    with pytest.raises(MalformedInput, match="a link to a unit that had one"):
        press_of(without, lambda _: None)
    # With an error it is a place, off Africa.
    at_sea = press_of(pressed(position=(0, 0), accuracy_mm=9_000), units.get)
    assert at_sea.place == Circle(centre=(0, 0), radius_mm=9_000)
