"""What stands under ``/ogc`` whoever asks: landing page, conformance, collections, queryables.

Nothing here depends on what is in the picture: where a layer's objects lie is told by them.

Source: OGC 17-069r4 sections 7.2 to 7.14; 18-058r1 section 6; 19-079r2 section 7; 20-057
sections 8 to 10.
"""

from typing import Any
from urllib.parse import urlsplit

from detente.core.feature import KINDS, PROPERTIES, Type
from detente.doors.features.asking import CRS84, SYSTEMS
from detente.doors.features.formats import GEOJSON, HTML, JSON, SCHEMA, TILE
from detente.doors.features.tiles import CLUSTERS, TAGS, ZOOM_MAX

Document = dict[str, Any]

PATH = "/ogc"

_SPEC = "http://www.opengis.net/spec"
CONFORMS = (
    *(f"{_SPEC}/ogcapi-common-1/1.0/conf/{one}" for one in ("core", "json", "html")),
    *(f"{_SPEC}/ogcapi-features-1/1.0/conf/{one}" for one in ("core", "geojson", "html")),
    f"{_SPEC}/ogcapi-features-2/1.0/conf/crs",
    *(f"{_SPEC}/ogcapi-features-3/1.0/conf/{one}"
      for one in ("queryables", "queryables-query-parameters", "filter", "features-filter")),
    *(f"{_SPEC}/cql2/1.0/conf/{one}"
      for one in ("cql2-text", "basic-cql2", "advanced-comparison-operators",
                  "basic-spatial-functions")),
    *(f"{_SPEC}/ogcapi-tiles-1/1.0/conf/{one}"
      for one in ("core", "tileset", "tilesets-list", "dataset-tilesets", "geodata-tilesets",
                  "mvt")),
)  # fmt: skip

TITLES = {
    "notices": ("Notices", "Sites and movements that must be spared."),
    "zones": ("Zones", "Agreed restrictions over territories."),
    "presence": (
        "Presence",
        (
            "People who are here, as areas and last known positions. Where none is shown, it is "
            "unknown whether anybody is."
        ),
    ),
    "plans": ("Plans", "What parties intend to do, once it takes effect."),
}  # fmt: skip

_ABOUT = (
    "What the party that asks was released of the picture, and no more. A map informs; it never "
    "permits: what is not shown may be there."
)
_REL = "http://www.opengis.net/def/rel/ogc/1.0"
_TYPES = {Type.TIME: {"type": "string", "format": "date-time"}}
_QUAD = "http://www.opengis.net/def/tilematrixset/OGC/1.0/WebMercatorQuad"
_WORLD = {"spatial": {"bbox": [[-180, -90, 180, 90]], "crs": CRS84},
          "temporal": {"interval": [[None, None]]}}  # fmt: skip
"""Where anything might be: to say where it is would tell of what is not shown."""


class Metadata:
    """The documents of a node.

    Args:
        url: Its address as others see it, without a slash at its end.
    """

    def __init__(self, url: str) -> None:
        self._node = url
        self.url = url + PATH
        self.above = urlsplit(url).path
        """Under which path others see the node, behind a proxy that gives it one."""

    def link(self, path: str, rel: str, media: str, title: str) -> dict[str, str]:
        """A link to something below ``/ogc``."""
        return {"href": self.url + path, "rel": rel, "type": media, "title": title}

    def forms(self, path: str, media: str) -> list[dict[str, str]]:
        """Links from something to itself, and to its page."""
        return [
            self.link(path, "self", media, "this document"),
            self.link(f"{path}?f=html", "alternate", HTML, "this document as a page"),
        ]

    def landing(self) -> Document:
        """The landing page."""
        node = {"rel": "service-desc", "type": "application/vnd.oai.openapi+json;version=3.1",
                "title": "the interface", "href": f"{self._node}/openapi.json"}  # fmt: skip
        pages = {"rel": "service-doc", "type": HTML, "title": "the interface, as a page",
                 "href": f"{self._node}/docs"}  # fmt: skip
        return {
            "title": "Détente: the picture as layers",
            "description": _ABOUT,
            "links": [
                *self.forms("/", JSON),
                node,
                pages,
                self.link("/conformance", "conformance", JSON, "conformance"),
                self.link("/collections", "data", JSON, "collections"),
                self.link("/tiles", f"{_REL}/tilesets-vector", JSON, "vector tiles"),
            ],
        }

    def conformance(self) -> Document:
        """What it conforms to."""
        return {"conformsTo": list(CONFORMS), "links": self.forms("/conformance", JSON)}

    def collections(self) -> Document:
        """All collections."""
        return {
            "links": self.forms("/collections", JSON),
            "collections": [self.collection(name) for name in KINDS],
            "crs": list(SYSTEMS),
        }

    def collection(self, name: str) -> Document:
        """One collection."""
        title, says = TITLES[name]
        path = f"/collections/{name}"
        return {
            "id": name,
            "title": title,
            "description": f"{says} {_ABOUT}",
            "itemType": "feature",
            "extent": _WORLD,
            "crs": list(SYSTEMS),
            "storageCrs": CRS84,
            "links": [
                *self.forms(path, JSON),
                self.link(f"{path}/items", "items", GEOJSON, title),
                self.link(f"{path}/items?f=html", "items", HTML, f"{title} as a page"),
                self.link(f"{path}/queryables", f"{_REL}/queryables", SCHEMA, "queryables"),
                self.link(f"{path}/tiles", f"{_REL}/tilesets-vector", JSON, "vector tiles"),
            ],
        }

    def queryables(self, name: str) -> Document:
        """By what its items may be asked for, as a JSON schema."""
        found = {
            one: {"title": one, "description": told.says,
                  **_TYPES.get(told.type, {"type": told.type.value})}
            for one, told in PROPERTIES.items()
        }  # fmt: skip
        geometry = {"format": "geometry-any", "description": "What holds it; for S_INTERSECTS."}
        when = {"format": "interval", "description": "When it is there; for T_INTERSECTS."}
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$id": f"{self.url}/collections/{name}/queryables",
            "type": "object",
            "title": TITLES[name][0],
            "properties": {**found, "geometry": geometry, "datetime": when},
            "additionalProperties": False,
        }

    def tilesets(self, path: str) -> Document:
        """The one set of tiles."""
        where = f"{path}/tiles"
        return {
            "links": self.forms(where, JSON),
            "tilesets": [{**_TILESET, "links": [
                self.link(f"{where}/WebMercatorQuad", "self", JSON, "the set of tiles")]}],
        }  # fmt: skip

    def tileset(self, path: str) -> Document:
        """What a set of tiles is."""
        where = f"{path}/tiles/WebMercatorQuad"
        pattern = self.link(
            f"{where}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}", "item", TILE, "a tile"
        )
        return {
            **_TILESET,
            "links": [
                *self.forms(where, JSON),
                self.link(f"{where}?f=tilejson", "alternate", JSON, "the same as TileJSON"),
                {**pattern, "templated": True},
            ],
        }

    def tilejson(self, path: str) -> Document:
        """The same as TileJSON 3.0, which maps read."""
        fields = dict.fromkeys(TAGS, "")
        fields = {name: PROPERTIES[name].says for name in fields}
        layers = [{"id": name, "description": TITLES[name][1], "fields": fields} for name in KINDS]
        clusters = {"kind": "Of which kind.", "count": "How many it stands for.",
                    "severity": "The gravest that meeting one of them would be.",
                    "categories": "Which they are."}  # fmt: skip
        return {
            "tilejson": "3.0.0",
            "name": "Détente",
            "description": _ABOUT,
            "tiles": [f"{self.url}{path}/tiles/WebMercatorQuad/{{z}}/{{y}}/{{x}}"],
            "minzoom": 0,
            "maxzoom": ZOOM_MAX,
            "vector_layers": [*layers, {"id": CLUSTERS, "fields": clusters}],
        }


_TILESET = {
    "title": "The picture",
    "dataType": "vector",
    "crs": "http://www.opengis.net/def/crs/EPSG/0/3857",
    "tileMatrixSetURI": _QUAD,
}
