"""What is written to clients, once for all who are shown it, in both forms.

Source: CoT event schema 2.0; TAK protocol version 1; docs/cot.md holds the table of types.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cached_property
from xml.sax.saxutils import escape, quoteattr

from msgspec import Struct
from takproto.proto import TakMessage

from detente.core.volume import E7_PER_DEG, Position
from detente.doors.cot.event import UNKNOWN_M
from detente.doors.cot.proto import framed, milliseconds

SOON = timedelta(seconds=20)
"""After which an answer about the connection itself says nothing any more."""

_HEAD = '<?xml version="1.0" encoding="UTF-8"?>'


class Out(Struct, frozen=True, kw_only=True):
    """One event to write.

    Attributes:
        detail: Elements of XML that have no field of their own in protobuf.
        Others as of detente.doors.cot.event; metres, m/s, degrees.
    """

    uid: str
    type: str
    time: datetime
    stale: datetime
    position: Position = (0, 0)
    how: str = "h-g-i-g-o"
    hae_m: float = UNKNOWN_M
    ce_m: float = UNKNOWN_M
    le_m: float = UNKNOWN_M
    callsign: str = ""
    motion: tuple[float, float] | None = None
    detail: str = ""


class Written:
    """An event and its bytes in either form, made when first asked for."""

    def __init__(self, out: Out) -> None:
        self.out = out

    @cached_property
    def xml(self) -> bytes:
        """As XML, with nothing after it.

        What reads up to ``</event>`` would begin the next one, a declaration or protobuf's first
        byte, with whatever stood between.
        """
        out = self.out
        lon, lat = (one / E7_PER_DEG for one in out.position)
        parts = [
            _HEAD,
            element("event", {
                "version": "2.0", "uid": out.uid, "type": out.type, "how": out.how,
                "time": spelt(out.time), "start": spelt(out.time), "stale": spelt(out.stale),
            }, close=False),
            element("point", {
                "lat": f"{lat:.7f}", "lon": f"{lon:.7f}", "hae": f"{out.hae_m:.3f}",
                "ce": f"{out.ce_m:.3f}", "le": f"{out.le_m:.3f}",
            }),
            "<detail>",
        ]  # fmt: skip
        if out.callsign:
            parts.append(element("contact", {"callsign": out.callsign}))
        if out.motion is not None:
            speed, course = out.motion
            parts.append(element("track", {"speed": f"{speed:.3f}", "course": f"{course:.3f}"}))
        return "".join([*parts, out.detail, "</detail></event>"]).encode("utf-8", "replace")

    @cached_property
    def proto(self) -> bytes:
        """As a message of TAK protocol version 1, framed for a stream."""
        out, message = self.out, TakMessage()
        event = message.cotEvent
        event.uid, event.type, event.how = (clean(one) for one in (out.uid, out.type, out.how))
        event.sendTime = event.startTime = milliseconds(out.time)
        event.staleTime = milliseconds(out.stale)
        event.lon, event.lat = (one / E7_PER_DEG for one in out.position)
        event.hae, event.ce, event.le = out.hae_m, out.ce_m, out.le_m
        if out.callsign:
            event.detail.contact.callsign = clean(out.callsign)
        if out.motion is not None:
            event.detail.track.speed, event.detail.track.course = out.motion
        event.detail.xmlDetail = clean(out.detail)
        return framed(message.SerializeToString())


def clean(text: str) -> str:
    """The text without what neither form can hold: controls and halves of characters."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        one if one >= " " and not "\ud800" <= one <= "\udfff" and one not in "\ufffe\uffff" else "?"
        for one in text
    )


def element(name: str, attributes: Mapping[str, str], *, close: bool = True) -> str:
    """One element of XML."""
    said = "".join(f" {key}={quoteattr(clean(value))}" for key, value in attributes.items())
    return f"<{name}{said}/>" if close else f"<{name}{said}>"


def remarks(text: str) -> str:
    """What is said to people, as an element."""
    return f"<remarks>{escape(clean(text))}</remarks>"


def spelt(time: datetime) -> str:
    """A time as CoT has it."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def pong(now: datetime) -> Out:
    """The answer to whether anyone is there."""
    return Out(uid="takPong", type="t-x-c-t-r", how="h-g-i-g-o", time=now, stale=now + SOON)


def offer(now: datetime, uid: str) -> Out:
    """That version 1 of TAK's protocol is spoken here."""
    detail = '<TakControl><TakProtocolSupport version="1"/></TakControl>'
    return Out(uid=uid, type="t-x-takp-v", how="m-g", time=now, stale=now + SOON, detail=detail)


def answer(now: datetime, uid: str, *, agreed: bool) -> Out:
    """Whether the version that was asked for is spoken from now on."""
    detail = f'<TakControl><TakResponse status="{str(agreed).lower()}"/></TakControl>'
    return Out(uid=uid, type="t-x-takp-r", how="m-g", time=now, stale=now + SOON, detail=detail)


def deletion(now: datetime, uid: str) -> Out:
    """That what this uid stood for is to be shown no more."""
    link = element("link", {"uid": uid, "relation": "none", "type": "none"})
    return Out(
        uid=f"{uid}.over", type="t-x-d-d", how="m-g", time=now, stale=now + SOON,
        detail=f"{link}<__forcedelete/>",
    )  # fmt: skip
