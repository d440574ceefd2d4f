"""``aircraft.json`` of readsb and dump1090, polled.

Each aircraft says how old its position is (``seen_pos``), how exact (``nac_p``, ``rc``), and
both altitudes. One that did not move on since the last poll is not observed again.

Source: https://github.com/wiedehopf/readsb/blob/dev/README-json.md
"""

from collections import Counter
from datetime import UTC, datetime, timedelta

import msgspec
from msgspec import Struct

from detente.core.heard import Heard
from detente.core.volume import MM_PER_M, check_time
from detente.doors.feeds.craft import Said, aircraft
from detente.doors.feeds.lines import CRAFT_MAX
from detente.errors import MalformedInput, reason_of

BYTES_MAX = 32_000_000
"""20,000 aircraft of 700 bytes, twice over."""

SEEN_AGO_MAX_S = 3_600.0
"""Positions are shown for a minute or so; one older than an hour is a fault."""

SAME = timedelta(milliseconds=50)
"""Two times of one position differ by rounding: ``seen_pos`` has tenths, at best."""

_UNREADABLE = "aircraft: expected fields of aircraft.json"


class _Aircraft(Struct, frozen=True):
    hex: str
    lat: float | None = None
    lon: float | None = None
    seen_pos: float = 0.0
    flight: str = ""
    alt_baro: float | str | None = None
    altitude: float | str | None = None
    alt_geom: float | None = None
    gs: float | None = None
    speed: float | None = None
    track: float | None = None
    baro_rate: float | None = None
    geom_rate: float | None = None
    vert_rate: float | None = None
    nic: int | None = None
    rc: float | None = None
    nac_p: int | None = None
    gva: int | None = None


class _Document(Struct, frozen=True):
    now: float
    aircraft: list[msgspec.Raw]


_document = msgspec.json.Decoder(_Document)
_aircraft = msgspec.json.Decoder(_Aircraft)


class Readsb:
    """Documents one after the other, each as a whole."""

    def __init__(self) -> None:
        self.refused: Counter[str] = Counter()
        self._last: dict[str, datetime] = {}

    def read(self, data: bytes, now: datetime) -> list[Heard]:  # noqa: ARG002 - it says its own
        """The aircraft whose positions are new.

        Raises:
            MalformedInput: No such document, or larger than BYTES_MAX.
        """
        if len(data) > BYTES_MAX:
            raise MalformedInput("aircraft.json", expected=f"at most {BYTES_MAX} bytes")
        try:
            document = _document.decode(data)
            time = datetime.fromtimestamp(document.now, UTC)
        except (msgspec.DecodeError, ValueError, OverflowError, OSError, RecursionError):
            raise MalformedInput("aircraft.json", expected="now and aircraft") from None
        check_time(time, what="now")
        out = []
        for raw in document.aircraft:
            found = self._one(raw, time)
            if found is not None:
                out.append(found)
        # Those of this document alone: what it no longer shows may go.
        shown = {one.observed.track: one.observed.time for one in out}
        self._last = dict(list({**self._last, **shown}.items())[-CRAFT_MAX:])
        return out

    def _one(self, raw: msgspec.Raw, now: datetime) -> Heard | None:
        try:
            one = _aircraft.decode(raw)
            if one.lat is None or one.lon is None:
                return None
            heard = aircraft(_said(one, now))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self.refused[_UNREADABLE] += 1
            return None
        except MalformedInput as error:
            self.refused[reason_of(error)] += 1
            return None
        before = self._last.get(heard.observed.track)
        return None if before is not None and heard.observed.time - before <= SAME else heard


def _said(one: _Aircraft, now: datetime) -> Said:
    if not 0 <= one.seen_pos <= SEEN_AGO_MAX_S:
        raise MalformedInput("seen_pos", expected=f"seconds from 0 to {SEEN_AGO_MAX_S:.0f}")
    if not 0 < len(one.hex) <= 7:  # noqa: PLR2004 - an address, and ~ before another kind
        raise MalformedInput("hex", expected="an address")
    altitude = one.altitude if one.alt_baro is None else one.alt_baro
    # "ground" says nothing of how high the ground is.
    altitude = None if isinstance(altitude, str) else altitude
    rates = (one.baro_rate, one.geom_rate, one.vert_rate)
    rc = one.rc
    if rc is not None and not 0 <= rc <= 1_000_000:  # noqa: PLR2004 - metres
        raise MalformedInput("rc", expected="metres")
    return Said(
        address=one.hex.lower(),
        time=now - timedelta(seconds=one.seen_pos),
        lat=one.lat or 0.0,
        lon=one.lon or 0.0,
        name=one.flight,
        pressure_ft=altitude,
        geometric_ft=one.alt_geom,
        gva=one.gva,
        speed_kt=one.speed if one.gs is None else one.gs,
        course_deg=one.track,
        climb_ft_min=next((rate for rate in rates if rate is not None), None),
        accuracy_mm=round(rc * MM_PER_M) if rc else None,
        nacp=one.nac_p,
        nic=one.nic,
    )
