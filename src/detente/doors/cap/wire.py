"""Alerts and their feed as XML.

An alert's identifier is of the object, its version and its reader: what two readers are given
of one version may differ, and an identifier means one message. It is signed as it is sent, and
the same alert is the same bytes.

Source: CAP 1.2 section 3.2, Appendix A; RFC 4287 (Atom); RFC 5005 (paging).
"""

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from lxml import etree
from msgspec import Struct

from detente.core.release import Tlp
from detente.doors.cap.areas import Area, areas_of
from detente.doors.cap.calling import said_of_call
from detente.doors.cap.saying import Said, Window, said_of, windows_of
from detente.doors.cap.warning import said_of_warning, window_of_warning
from detente.node.telling.alerts import Alert, AlertPage, Earlier, Message

CAP = "urn:oasis:names:tc:emergency:cap:1.2"
ATOM = "http://www.w3.org/2005/Atom"
CAP_TYPE = "application/cap+xml"
ATOM_TYPE = "application/atom+xml"

CODES = "detente:incident"
"""What names the coded messages of the hotline, for a program that reads them."""

LEVELS = "detente:alert"
"""What names the levels of the watch's alerts, likewise."""

Element = Any
"""Of lxml, which has no types."""

_UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 has no way to write."""


class Letterhead(Struct, frozen=True, kw_only=True):
    """What a node's alerts have in common.

    ``url`` is the node's own address, without a slash at its end; ``status`` is CAP's: Actual,
    Exercise, System or Test.
    """

    url: str
    status: str


def name_of(alert: Alert) -> str:
    """How an alert is called in a path."""
    return f"{alert.event.object}.{alert.event.version}"


def alert_element(page: AlertPage, alert: Alert, head: Letterhead) -> Element:
    """One alert, not signed yet."""
    reader, event = page.reader, alert.event
    root = etree.Element(_cap("alert"), nsmap={None: CAP})
    _put(root, "identifier", _identifier(page, event.object, event.version))
    _put(root, "sender", _sender(page, alert))
    _put(root, "sent", _time(event.at))
    _put(root, "status", head.status)
    _put(root, "msgType", alert.message.value)
    shown = event.view if alert.warning is None else event.shows
    tlp = None if shown is None else shown.tlp
    # Whom the watch warns is for that party alone, whatever the place may be.
    public = tlp is Tlp.CLEAR and alert.warning is None
    _put(root, "scope", "Public" if public else "Private")
    if not public:
        _put(root, "addresses", reader.party)
    if tlp is not None:
        _put(root, "note", f"TLP:{tlp.value.upper()}")
    if alert.follows:
        _put(root, "references", " ".join(_reference(page, alert, one) for one in alert.follows))
    about = alert.incident or alert.warning
    if about is not None:
        _put(root, "incidents", about.object)
    windows: list[Window | None] = [*_windows(alert)]
    for said in _said(page, alert):
        for window in windows or [None]:
            _info(root, page, alert, said, window, head)
    return root


def _said(page: AlertPage, alert: Alert) -> list[Said]:
    """What an alert says, once for each language in which it is said."""
    if alert.incident is not None:
        return said_of_call(page.reader, alert, alert.incident)
    if alert.warning is not None:
        return said_of_warning(page.reader, alert, alert.warning)
    return [said_of(alert, _party(page, alert))]


def _windows(alert: Alert) -> list[Window]:
    if alert.warning is not None:
        return [window_of_warning(alert, alert.warning)]
    return windows_of(alert)


def _info(
    root: Element,
    page: AlertPage,
    alert: Alert,
    said: Said,
    window: Window | None,
    head: Letterhead,
) -> None:
    info = etree.SubElement(root, _cap("info"))
    over = alert.message is Message.CANCEL
    _put(info, "language", said.language)
    _put(info, "category", "Safety")
    _put(info, "event", said.event)
    if said.response is not None:
        _put(info, "responseType", said.response)
    _put(info, "urgency", "Past" if over or window is None else window.urgency)
    _put(info, "severity", "Unknown")
    _put(info, "certainty", "Unknown")
    if said.code:
        code = etree.SubElement(info, _cap("eventCode"))
        _put(code, "valueName", CODES if alert.warning is None else LEVELS)
        _put(code, "value", said.code)
    if window is not None and not over:
        _put_time(info, "onset", window.onset)
        _put_time(info, "expires", window.expires, last=True)
    _put(info, "senderName", said.sender or _party(page, alert))
    _put(info, "headline", said.headline)
    if said.description:
        _put(info, "description", said.description)
    _put(info, "instruction", said.instruction)
    _put(info, "web", f"{head.url}/v1/{_path(alert)}")
    if said.contact:
        _put(info, "contact", said.contact)
    if window is not None:
        for area in areas_of(window.volumes, said.around_mm):
            _area(info, area, said)


def _area(info: Element, area: Area, said: Said) -> None:
    element = etree.SubElement(info, _cap("area"))
    spoken = [said.place]
    bounded = area.altitude_ft is not None
    if said.language == "en":
        if area.simplified:
            spoken.append("which is wider than the one that was filed")
        spoken.append("between the heights given" if bounded else "at all heights")
    _put(element, "areaDesc", ", ".join(spoken))
    for polygon in area.polygons:
        _put(element, "polygon", polygon)
    for circle in area.circles:
        _put(element, "circle", circle)
    if bounded:
        _put(element, "altitude", str(area.altitude_ft))
        _put(element, "ceiling", str(area.ceiling_ft))


def feed_element(page: AlertPage, head: Letterhead, links: Mapping[str, str]) -> Element:
    """A page of alerts as an Atom feed.

    Args:
        page: As its reader is given it.
        head: The node's.
        links: Address by relation.
    """
    root = etree.Element(_atom("feed"), nsmap={None: ATOM})
    _put(root, "id", f"tag:{page.theatre},2026:cap/{page.reader.party}")
    _put(root, "title", f"Alerts of {page.reader.agreement.name}")
    _put(root, "updated", _time(max([one.event.at for one in page.alerts], default=page.since)))
    for relation, address in links.items():
        etree.SubElement(root, _atom("link"), rel=relation, href=address, type=ATOM_TYPE)
    for alert in page.alerts:
        entry = etree.SubElement(root, _atom("entry"))
        said, *_ = _said(page, alert)
        identifier = _identifier(page, alert.event.object, alert.event.version)
        _put(entry, "id", f"tag:{page.theatre},2026:cap/{identifier}")
        _put(entry, "title", said.headline)
        _put(entry, "updated", _time(alert.event.at))
        author = etree.SubElement(entry, _atom("author"))
        _put(author, "name", said.sender or _party(page, alert))
        address = f"{head.url}/v1/cap/{name_of(alert)}.xml"
        etree.SubElement(entry, _atom("link"), rel="alternate", href=address, type=CAP_TYPE)
        etree.SubElement(entry, _atom("category"), term=alert.message.value)
        _put(entry, "summary", said.description)
    return root


def written(root: Element) -> bytes:
    """A document, UTF-8."""
    made: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
    return made


def _identifier(page: AlertPage, object_id: str, version: int) -> str:
    return f"{page.theatre}.{object_id}.{version}.{page.reader.party}"


def _sender(page: AlertPage, alert: Alert) -> str:
    return f"{alert.party}@{page.theatre}"


def _reference(page: AlertPage, alert: Alert, earlier: Earlier) -> str:
    identifier = _identifier(page, earlier.object, earlier.version)
    return f"{_sender(page, alert)},{identifier},{_time(earlier.at)}"


def _party(page: AlertPage, alert: Alert) -> str:
    found = page.reader.parties.get(alert.party)
    return alert.party if found is None else found.name


def _path(alert: Alert) -> str:
    """Where the node has the object, the call with all that was said in it, or the warning."""
    if alert.incident is not None:
        return f"incidents/{alert.incident.object}"
    if alert.warning is not None:
        return f"objects/{alert.warning.object}"
    return f"objects/{alert.event.object}"


def _cap(name: str) -> str:
    return f"{{{CAP}}}{name}"


def _atom(name: str) -> str:
    return f"{{{ATOM}}}{name}"


def _put(parent: Element, name: str, text: str) -> None:
    """A part with a text, in its parent's namespace."""
    space = etree.QName(parent).namespace
    etree.SubElement(parent, f"{{{space}}}{name}").text = _UNWRITABLE.sub("\ufffd", text)


def _put_time(parent: Element, name: str, time: datetime | None, *, last: bool = False) -> None:
    if time is not None:
        _put(parent, name, _time(time, last=last))


def _time(time: datetime, *, last: bool = False) -> str:
    """A time to the second, UTC as CAP spells it: earlier by what is cut, later if ``last``."""
    second = math.ceil(time.microsecond / 1_000_000) if last else 0
    whole = time.astimezone(UTC).replace(microsecond=0) + timedelta(seconds=second)
    return whole.strftime("%Y-%m-%dT%H:%M:%S-00:00")
