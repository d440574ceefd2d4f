"""A KML text before GDAL reads it, which reads letters as 0 and leaves out what it cannot fetch.

Source: OGC 12-007r2 (KML 2.3), sections 12 (NetworkLink) and 16.10 (coordinates).
"""

import io
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path

from lxml import etree

from detente.errors import MalformedInput

_PROBE_BYTES = 65_536
_NUMBER = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_TUPLE = re.compile(rf"{_NUMBER},{_NUMBER}(?:,{_NUMBER})?")
_COMMA = re.compile(r"\s*,\s*")
_COORDINATES: Mapping[str, Callable[[str], str]] = {
    "coordinates": lambda text: _COMMA.sub(",", text),
    "coord": lambda text: ",".join(text.split()),  # of gx:Track
}
_SHOWN = 80


def placemarks(path: Path, data: bytes, beside: Collection[str] = ()) -> int:
    """How many placemarks a KML text has, each with coordinates that can be read exactly.

    Args:
        path: Named in errors.
        data: The text.
        beside: Texts that are read with it, to which it may link.

    Raises:
        MalformedInput: Other XML, one that defines entities, a link to places elsewhere, or
            coordinates that are no decimal numbers.
    """
    _require_kml(path, data)
    count, name, link = 0, "", ""
    for tag, text in _ends(data):
        if tag == "Placemark":
            count += 1
        elif tag == "name":
            name = text.strip()
        elif tag == "href":
            link = text.strip()
        elif tag == "NetworkLink" and link not in beside:
            raise MalformedInput(
                f"{path}", expected="all places in the file", got=f"a network link {link[:_SHOWN]}"
            )
        elif tag in _COORDINATES:
            _require_numbers(path, name, _COORDINATES[tag](text))
    return count


def _require_kml(path: Path, data: bytes) -> None:
    if b"<kml" not in data[:_PROBE_BYTES]:
        root = re.search(rb"<([A-Za-z][A-Za-z0-9:.-]{0,40})", data[:_PROBE_BYTES])
        got = f"other XML or HTML, <{root[1].decode()}>" if root else "other XML or HTML"
        raise MalformedInput(f"{path}", expected="KML", got=got)
    if re.search(rb"<!(DOCTYPE|ENTITY)", data, re.IGNORECASE):
        raise MalformedInput(f"{path}", expected="KML without a DOCTYPE", got="one")


def _ends(data: bytes) -> Iterator[tuple[str, str]]:
    """Each element's name, without a prefix, and text, where it ends.

    What is not well-formed is left to GDAL to refuse: a prefix that nobody declared is common,
    and harmless.
    """
    parser = etree.iterparse(
        io.BytesIO(data), events=("end",), recover=True, resolve_entities=False, no_network=True
    )
    for _, element in parser:
        yield str(element.tag).rpartition("}")[2].rpartition(":")[2], element.text or ""
        element.clear()


def _require_numbers(path: Path, name: str, text: str) -> None:
    for one in text.split():
        if not _TUPLE.fullmatch(one):
            raise MalformedInput(
                f"{path}, coordinates of {name[:_SHOWN]!r}",
                expected="longitude,latitude or longitude,latitude,altitude in decimal degrees",
                got=one[:_SHOWN],
            )
