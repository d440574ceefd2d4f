"""Recordings of raw Mode S: Beast's binary form, and lines of AVR.

Neither says a date. What has a clock is of its clock, which counts from no known time: such a
recording begins at EPOCH. What has none is as fast as aircraft send: two positions a second each,
so where many were not received it plays faster than it was.

Source: https://wiki.jetvision.de/wiki/Mode-S_Beast:Data_Output_Formats; DO-260B section 2.2.3.3.2
(rates of transmission).
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from detente.core.heard import Heard
from detente.core.volume import EPOCH
from detente.doors.feeds.modes import DATA_OF, NO_FRAME, NO_LINE, US_PER_S, Decoder, avr_frame

CLOCK_HZ = 12_000_000
GAP_MAX_S = 3_600
"""A clock that jumps further was set anew: what comes after it follows at once."""

BACK_MAX_S = 1
"""By less, messages of several receivers are out of order; by more, the clock was set anew."""

AT_ONCE = 10_000
"""Messages taken apart at a time: some 20 MB."""

BETWEEN_POSITIONS = timedelta(seconds=0.5)

_FRAME = re.compile(rb"\x1a([^\x1a])((?:[^\x1a]|\x1a\x1a)*)", re.DOTALL)
_CUT_MAX = 48
"""Bytes of a message that was begun before: all of it doubled, at most."""

_CLOCK_BYTES, _BEFORE_DATA = 6, 7
_NO_CLOCK = frozenset({0, 0xFF004D4C4154, 0xFF004D4C4155})
"""What stands where there is none: nothing, or that the message came from multilateration."""

_SHORT, _LONG = 7, 14
_MODE_S = frozenset({_SHORT, _LONG})
_AVR_CLOCK = slice(1, 13)
_EXTENDED = frozenset({17, 18})
_POSITIONS = frozenset({*range(5, 19), 20, 21, 22})

Found = tuple[list[Heard], Counter[str]]


def is_beast(start: bytes) -> bool:
    """Whether a file begins with a message of Beast, or in the midst of one."""
    found = _FRAME.finditer(start, 0, _CUT_MAX)
    return any(one[1][0] in DATA_OF for one in found)


def is_avr(start: bytes) -> bool:
    """Whether the first line is a message of AVR."""
    return avr_frame(start.split(b"\n", 1)[0].strip()) is not None


def beast(data: bytes) -> Found:
    """The positions of a recording of Beast."""
    refused: Counter[str] = Counter()
    frames, clocks = [], []
    for found in _FRAME.finditer(data):
        size = DATA_OF.get(found[1][0])
        body = found[2].replace(b"\x1a\x1a", b"\x1a")
        if size is None or len(body) < _BEFORE_DATA + size:
            refused[NO_FRAME] += 1
        elif size in _MODE_S:
            frames.append(body[_BEFORE_DATA : _BEFORE_DATA + size])
            clocks.append(int.from_bytes(body[:_CLOCK_BYTES], "big"))
    return _decoded(frames, clocks, refused)


def avr(data: bytes) -> Found:
    """The positions of a recording of AVR lines."""
    refused: Counter[str] = Counter()
    frames, clocks = [], []
    for line in data.splitlines():
        said = line.strip()
        frame = avr_frame(said)
        if frame is None:
            refused[NO_LINE] += bool(said)
        elif len(frame) in _MODE_S:
            frames.append(frame)
            clocks.append(int(said[_AVR_CLOCK], 16) if said[:1] == b"@" else 0)
    return _decoded(frames, clocks, +refused)


def _decoded(frames: Sequence[bytes], clocks: Sequence[int], refused: Counter[str]) -> Found:
    decoder = Decoder()
    timed = any(clock not in _NO_CLOCK for clock in clocks)
    times = list(_clocked(clocks) if timed else _paced(frames))
    heard: list[Heard] = []
    for start in range(0, len(frames), AT_ONCE):
        part = slice(start, start + AT_ONCE)
        heard += decoder.decode(frames[part], times[part])
    return heard, refused + decoder.refused


def _clocked(clocks: Sequence[int]) -> Iterator[datetime]:
    """Times by a clock, which may be set anew."""
    ticks, last = 0, None
    for clock in clocks:
        if clock not in _NO_CLOCK:
            step = 0 if last is None else clock - last
            if 0 <= step <= GAP_MAX_S * CLOCK_HZ:
                ticks += step
            if not -BACK_MAX_S * CLOCK_HZ <= step < 0:
                last = clock
        yield EPOCH + timedelta(microseconds=ticks // (CLOCK_HZ // US_PER_S))


def _paced(frames: Sequence[bytes]) -> Iterator[datetime]:
    """Times so that no aircraft sends more positions than it does."""
    at = EPOCH
    sent: dict[bytes, datetime] = {}
    for frame in frames:
        if frame[0] >> 3 in _EXTENDED and len(frame) == _LONG:
            address = frame[1:4]
            if frame[4] >> 3 in _POSITIONS:
                at = max(at, sent.get(address, EPOCH - BETWEEN_POSITIONS) + BETWEEN_POSITIONS)
                sent[address] = at
        yield at
