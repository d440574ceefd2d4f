"""Clients of Cursor on Target: a bare one, and what they send."""

import re
import socket
import ssl
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import takproto
from takproto.proto import TakMessage

from detente.core.principal import Role, scopes_of
from detente.store import Client, Store
from served import Served

QUIET_S = 1.6
"""Long enough for a look at the picture, which comes once a second."""

PATIENCE_S = 30.0
"""How long what must come is waited for."""


def listening(served: Served, kind: str) -> tuple[str, int]:
    """Where a node says that it listens."""
    said = {one["address"].split()[0]: one["address"].split()[1]
            for one in served.wait_for("cot listening")}  # fmt: skip
    host, _, port = said[kind].rpartition(":")
    return host, int(port)


def let_tablet_in(place: Path, party: str, certificate: bytes, *roles: Role) -> None:
    """A client of a party that shows this certificate (its SHA-256)."""
    store = Store(place)
    one = Client(
        id=f"{party}-tablet", party=party, certificate=certificate,
        scopes=scopes_of(roles or (Role.NOTIFIER,)),
    )  # fmt: skip
    store.access.add_client(one, now=datetime.now(UTC))
    store.close()


def event(  # noqa: PLR0913 - one an attribute
    uid: str, lon: float, lat: float, *, kind: str = "a-f-G-U-C", callsign: str = "",
    stale_s: float = 60, detail: str = "", **attributes: str,
) -> bytes:  # fmt: skip
    """An event as a tablet sends it."""
    now = datetime.now(UTC)
    at, until = (f"{one:%Y-%m-%dT%H:%M:%S.%fZ}" for one in (now, now + timedelta(seconds=stale_s)))
    given = {
        "version": "2.0", "uid": uid, "type": kind, "how": "m-g",
        "time": at, "start": at, "stale": until, **attributes,
    }  # fmt: skip
    root = ET.Element("event", given)
    ET.SubElement(root, "point", lat=str(lat), lon=str(lon), hae="100", ce="5", le="10")
    part = ET.SubElement(root, "detail")
    if callsign:
        ET.SubElement(part, "contact", callsign=callsign)
    return ET.tostring(root).replace(b"<detail />", b"<detail></detail>").replace(
        b"</detail>", detail.encode() + b"</detail>"
    )  # fmt: skip


def control(kind: str, detail: str = "") -> bytes:
    """What speaks of the connection."""
    return event("control", 0, 0, kind=kind, detail=detail)


class Tablet:
    """A connection that reads XML until it has agreed on protobuf, and then that."""

    def __init__(self, at: tuple[str, int], tls: ssl.SSLContext | None = None) -> None:
        self._socket = socket.socket()
        self._socket.settimeout(PATIENCE_S)
        # What it does not read waits with its sender.
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        self._socket.connect(at)
        if tls is not None:
            self._socket = tls.wrap_socket(self._socket, server_hostname="localhost")
        self.data = b""
        self._found: list[ET.Element] = []

    def send(self, *events: bytes) -> None:
        for one in events:
            self._socket.sendall(one)

    def read_for(self, seconds: float = QUIET_S) -> bytes:
        """All that comes within."""
        self._read(seconds)
        out, self.data, self._found = self.data, b"", []
        return out

    def greeted(self) -> None:
        """Read what a tablet is shown when it has come, and no more."""
        self.until(lambda one: one.get("type") == "t-x-takp-v")
        self.read_for()

    def read_until(self, pattern: bytes, seconds: float = PATIENCE_S) -> re.Match[bytes]:
        """All that comes until this is there, and a while after it."""
        until = time.monotonic() + seconds
        while not re.search(pattern, self.data, re.DOTALL):
            assert time.monotonic() < until, self.data
            self._read(0.2)
        found = re.search(pattern, self.read_for(), re.DOTALL)
        assert found is not None
        return found

    def events(self, seconds: float = QUIET_S) -> list[ET.Element]:
        """The events in XML that come within; a part of one is kept for the next time."""
        self._read(seconds)
        whole, end, rest = self.data.rpartition(b"</event>")
        self.data = rest
        out, self._found = [*self._found, *xml_events(whole + end)], []
        return out

    def until(
        self, wanted: Callable[[ET.Element], bool], seconds: float = PATIENCE_S
    ) -> ET.Element:
        """The first event that is wanted; those after it are kept for the next time."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            came = self.events(0.2)
            for number, one in enumerate(came, start=1):
                if wanted(one):
                    self._found = came[number:]
                    return one
        raise AssertionError("it did not come")

    def message(
        self, wanted: Callable[[TakMessage], bool], seconds: float = PATIENCE_S
    ) -> TakMessage:
        """The first message in protobuf that is wanted."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self._read(0.2)
            while (end := message_end(self.data)) is not None:
                data, self.data = self.data[:end], self.data[end:]
                one = takproto.parse_proto(bytearray(data))
                if wanted(one):
                    return one
        raise AssertionError("it did not come")

    def _read(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._socket.settimeout(left)
            try:
                data = self._socket.recv(1 << 16)
            except TimeoutError:
                return
            if not data:
                time.sleep(left)
                return
            self.data += data

    def is_closed(self, seconds: float = PATIENCE_S) -> bool:
        self._socket.settimeout(seconds)
        try:
            while self._socket.recv(1 << 16):
                pass
        except TimeoutError:
            return False
        except OSError:
            pass
        return True

    def close(self) -> None:
        self._socket.close()


def message_end(data: bytes) -> int | None:
    """Where the first message of a stream ends; None if it has not come whole."""
    assert data[:1] in {b"", b"\xbf"}, data[:40]
    length = 0
    for at, byte in enumerate(data[1:]):
        length |= (byte & 0x7F) << 7 * at
        if byte < 0x80:
            end = 2 + at + length
            return end if len(data) >= end else None
    return None


def xml_events(data: bytes) -> list[ET.Element]:
    found = re.findall(rb"<event .*?</event>", data, re.DOTALL)
    return [ET.fromstring(one) for one in found]  # noqa: S314 - of our own node


def named(uid: str) -> Callable[[ET.Element], bool]:
    return lambda one: one.get("uid") == uid


def callsign_of(one: ET.Element) -> str:
    contact = one.find("detail/contact")
    return "" if contact is None else contact.get("callsign", "")
