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
        self._socket.settimeout(20)
        # What it does not read waits with its sender.
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        self._socket.connect(at)
        if tls is not None:
            self._socket = tls.wrap_socket(self._socket, server_hostname="localhost")
        self.data = b""

    def send(self, *events: bytes) -> None:
        for one in events:
            self._socket.sendall(one)

    def read_for(self, seconds: float = QUIET_S) -> bytes:
        """All that comes within."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._socket.settimeout(left)
            try:
                data = self._socket.recv(1 << 16)
            except TimeoutError:
                break
            if not data:
                break
            self.data += data
        out, self.data = self.data, b""
        return out

    def events(self, seconds: float = QUIET_S) -> list[ET.Element]:
        """The events in XML that come within."""
        return xml_events(self.read_for(seconds))

    def until(self, wanted: Callable[[ET.Element], bool], seconds: float = 20) -> ET.Element:
        """The first event that is wanted."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            for one in self.events(0.2):
                if wanted(one):
                    return one
        raise AssertionError("it did not come")

    def messages(self, seconds: float = QUIET_S) -> list[TakMessage]:
        """The messages in protobuf that come within."""
        data, out = self.read_for(seconds), []
        while data:
            assert data[0] == 0xBF, data[:40]
            length, head = 0, 1
            while True:
                byte = data[head]
                length |= (byte & 0x7F) << 7 * (head - 1)
                head += 1
                if byte < 0x80:
                    break
            end = head + length
            out.append(takproto.parse_proto(bytearray(data[:end])))
            data = data[end:]
        return out

    def is_closed(self, seconds: float = 10) -> bool:
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


def xml_events(data: bytes) -> list[ET.Element]:
    found = re.findall(rb"<event .*?</event>", data, re.DOTALL)
    return [ET.fromstring(one) for one in found]  # noqa: S314 - of our own node


def named(uid: str) -> Callable[[ET.Element], bool]:
    return lambda one: one.get("uid") == uid


def callsign_of(one: ET.Element) -> str:
    contact = one.find("detail/contact")
    return "" if contact is None else contact.get("callsign", "")
