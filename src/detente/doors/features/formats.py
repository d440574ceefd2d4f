"""Which form of an answer is wanted; features as GeoJSON, anything as a page for people.

Source: RFC 7946; RFC 9110 section 12.5.1 (Accept); OGC 17-069r4 section 7.
"""

import html
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import shapely

from detente.core.drawn import rounded
from detente.doors.asgi_problem import Refused
from detente.doors.features.asking import EPSG_4326
from detente.errors import MalformedInput
from detente.node.layers import Item

GEOJSON = "application/geo+json"
JSON = "application/json"
SCHEMA = "application/schema+json"
HTML = "text/html"
TILE = "application/vnd.mapbox-vector-tile"

POLICY = (
    b"default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; "
    b"frame-ancestors 'none'"
)
"""What a page may do: nothing but be styled by the node's own sheet."""

RANGES_MAX = 50
"""Media ranges of one Accept header that are looked at; a browser sends seven."""

_QUALITY = re.compile(r"q=(0(\.\d{0,3})?|1(\.0{0,3})?)", re.ASCII | re.IGNORECASE)

encode = msgspec.json.Encoder().encode


def form_of(named: str | None, accept: bytes | None, forms: Mapping[str, str]) -> str:
    """Which of some forms a request wants.

    Args:
        named: Its parameter ``f``, which goes before all else.
        accept: Its header.
        forms: Media type by name, the one preferred first.

    Returns:
        A name.

    Raises:
        MalformedInput: It names another.
        Refused: It takes none of them (406).
    """
    if named is not None:
        if named not in forms:
            raise MalformedInput("f", expected=" or ".join(forms), got=named[:40])
        return named
    wanted = list(_ranges(accept or b"*/*"))
    best = max(((_quality(media, wanted), -n) for n, media in enumerate(forms.values())))
    if best[0] == 0:
        raise Refused("not_acceptable", "accept", expected=" or ".join(forms.values()))
    return list(forms)[-best[1]]


def _ranges(accept: bytes) -> Iterable[tuple[str, float]]:
    for part in accept.decode("latin-1").split(",")[:RANGES_MAX]:
        media, *parameters = (one.strip().lower() for one in part.split(";"))
        found = (_QUALITY.fullmatch(one) for one in parameters)
        yield media, next((float(one[1]) for one in found if one), 1.0)


def _quality(media: str, wanted: Sequence[tuple[str, float]]) -> float:
    """How much a media type is wanted; the most specific range decides."""
    whole, kind = media, media.partition("/")[0] + "/*"
    # Who takes JSON takes GeoJSON, which is JSON (RFC 7946 section 12).
    also = JSON if media.endswith("+json") else whole
    for name in (whole, also, kind, "*/*"):
        for one, quality in wanted:
            if one == name:
                return quality
    return 0.0


def feature(item: Item, crs: str, links: Sequence[Mapping[str, str]] = ()) -> bytes:
    """One item as a GeoJSON feature."""
    drawing = rounded(item.drawing())
    if crs == EPSG_4326:
        drawing = shapely.transform(drawing, lambda places: places[:, ::-1])
    made: dict[str, Any] = {
        "type": "Feature",
        "id": item.view.object,
        "geometry": msgspec.Raw(shapely.to_geojson(drawing).encode()),
        "properties": item.properties,
    }
    if links:
        made["links"] = links
    return encode(made)


def page(title: str, document: Mapping[str, Any], above: str = "") -> bytes:
    """A document as a page: its links, then all it says.

    Args:
        title: What it is called.
        document: What it says.
        above: The path under which the node stands, without a slash at its end.
    """
    above = html.escape(above, quote=True)
    rest = {name: value for name, value in document.items() if name not in {"links", "features"}}
    links = "".join(_link(one) for one in document.get("links", ()))
    table = _table(document["features"]) if "features" in document else ""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<title>Détente: {html.escape(title)}</title>"
        f'<link rel="stylesheet" href="{above}/docs/docs.css"></head><body>'
        f'<header><h1>{html.escape(title)}</h1><a href="{above}/ogc">all layers</a></header>'
        f"<nav>{links}</nav><main>{table}{_told(rest)}</main></body></html>"
    ).encode()


def _link(link: Mapping[str, str]) -> str:
    said = html.escape(f"{link['rel'].rpartition('/')[2]}: {link.get('title', link['type'])}")
    return f'<a href="{html.escape(link["href"], quote=True)}">{said}</a>'


def _table(features: Sequence[Mapping[str, Any]]) -> str:
    if not features:
        return "<p>Nothing.</p>"
    rest = [
        name
        for name in features[0]["properties"]
        if name not in {"object", "name"}
        and any(f["properties"][name] is not None for f in features)
    ]
    head = "".join(f"<th>{html.escape(name)}</th>" for name in ("name", *rest))
    return f"<table><tr>{head}</tr>{''.join(_row(one, rest) for one in features)}</table>"


def _row(one: Mapping[str, Any], names: Sequence[str]) -> str:
    """One feature: what it is called, as a link to it alone, and what is said of it."""
    said = one["properties"]
    called = _said(said["name"] or one["id"])
    cells = [f'<a href="items/{one["id"]}?f=html">{called}</a>']
    cells += [_said(said[name]) for name in names]
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _told(value: Any) -> str:
    """Any value of JSON."""
    if isinstance(value, Mapping):
        if set(value) >= {"href", "rel", "type"}:
            return _link(value)
        rows = "".join(
            f"<tr><th>{html.escape(str(name))}</th><td>{_told(one)}</td></tr>"
            for name, one in value.items()
        )
        return f"<table>{rows}</table>"
    if isinstance(value, list | tuple):
        return "".join(f"<div>{_told(one)}</div>" for one in value)
    return _said(value)


def _said(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else html.escape(str(value))
