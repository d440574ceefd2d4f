"""The routes as OpenAPI 3.1."""

from collections.abc import Iterator
from typing import Any

from detente.core.feature import KINDS, PROPERTIES, Type
from detente.doors.asgi_problem import MEDIA_TYPE, TABLE
from detente.doors.features.asking import FILTER_LANG, LIMIT_DEFAULT, LIMIT_MAX, SYSTEMS
from detente.doors.features.formats import GEOJSON, HTML, TILE
from detente.doors.features.metadata import PATH
from detente.doors.features.routes import ROUTES, Route

Schema = dict[str, Any]

_REFUSALS = ("malformed_input", "not_authentic", "not_permitted", "method_not_allowed",
             "not_acceptable", "too_slow", "rate_limited", "head_too_large", "internal",
             "unavailable")  # fmt: skip

_NUMBER = r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?"

_PATH_PARAMETERS: dict[str, tuple[Schema, str]] = {
    "collection": ({"type": "string", "enum": list(KINDS)}, "The collection."),
    "object": ({"type": "string", "pattern": "^[0-9a-f]{32}$"}, "The object's id."),
    "zoom": ({"type": "integer", "minimum": 0}, "Zoom level."),
    "row": ({"type": "integer", "minimum": 0}, "Row, from the north."),
    "column": ({"type": "integer", "minimum": 0}, "Column, from the west."),
}

_SYSTEM: Schema = {"type": "string", "enum": list(SYSTEMS)}
_ITEMS: dict[str, tuple[Schema, str]] = {
    "bbox": (
        {"type": "string", "pattern": rf"^{_NUMBER}(,{_NUMBER}){{3}}((,{_NUMBER}){{2}})?$",
         "example": "-119,33.5,-117,34.5"},
        (
            "Four or six numbers: the lower corner, the upper one; heights in metres above the "
            "ellipsoid. West of east across the antimeridian."
        ),
    ),
    "bbox-crs": (_SYSTEM, "In which system the box is."),
    "datetime": (
        {"type": "string", "example": "2025-01-07T00:00:00Z/.."},
        "An instant, or an interval; an end may be `..`.",
    ),
    "limit": (
        {"type": "integer", "minimum": 1, "default": LIMIT_DEFAULT},
        f"At most so many, and never more than {LIMIT_MAX}.",
    ),
    "crs": (_SYSTEM, "In which system the answer is to be."),
    "filter": ({"type": "string", "example": "category = 'medical' AND NOT stale = TRUE"},
               "CQL2 text."),
    "filter-lang": ({"type": "string", "enum": [FILTER_LANG]}, "The language of the filter."),
    "filter-crs": (_SYSTEM, "In which system the geometries of the filter are."),
    "after": ({"type": "integer", "minimum": 0}, "Where the page before ended: by `next`."),
}  # fmt: skip

_INSTANT: Schema = {"type": "string", "format": "date-time"}
_TIMES = {
    "as-of": "As the party had been shown it by then; not a time to come.",
    "datetime": "What is there at that instant.",
}

_NARROWING: dict[str, tuple[Schema, str]] = {
    "no-party": ({"type": "string", "example": "one,two"}, "Nothing of these parties."),
    "no-category": ({"type": "string", "example": "school"}, "Nothing of these categories."),
    "low": ({"type": "number"}, "Nothing that ends below it, metres above the ellipsoid."),
    "high": ({"type": "number"}, "Nothing that begins above it, metres above the ellipsoid."),
}

_OF_TYPE: dict[Type, Schema] = {
    Type.TIME: {"type": "string", "format": "date-time"},
    Type.WHOLE: {"type": "number"},
}


def described() -> dict[str, Any]:
    """Paths and tags of this door."""
    return {
        "paths": {PATH + one.path: {"get": _operation(one)} for one in ROUTES},
        "components": {"schemas": {}},
        "tags": [{"name": "layers", "description": "OGC API - Features, and vector tiles."}],
    }


def _operation(route: Route) -> Schema:
    summary, _, rest = route.says.partition("\n\n")
    name = route.path.replace("{", "").replace("}", "").replace("/", "_") or "_landing"
    return {
        "operationId": f"ogc{name}",
        "summary": summary.rstrip("."),
        "description": rest or summary,
        "tags": ["layers"],
        "parameters": list(_parameters(route)),
        "responses": {"200": _given(route), **_not_changed(route), **_refusals(route)},
        "security": [{"bearer": []}],
    }


def _parameters(route: Route) -> Iterator[Schema]:
    for name, (schema, says) in _PATH_PARAMETERS.items():
        if f"{{{name}}}" in route.path:
            yield {"name": name, "in": "path", "required": True, "description": says,
                   "schema": schema}  # fmt: skip
    named: dict[str, tuple[Schema, str]] = {
        "f": ({"type": "string", "enum": list(route.forms)}, "In which form; else as accepted.")
    }
    if route.path.endswith("/items"):
        named |= _ITEMS
        for name, told in PROPERTIES.items():
            named[name] = (_OF_TYPE.get(told.type, {"type": told.type.value}), told.says)
    elif route.path.endswith("{object}"):
        named |= {"crs": _ITEMS["crs"], "as-of": (_INSTANT, _TIMES["as-of"])}
    else:
        named |= dict(_of_tile(route))
    for name, (schema, says) in named.items():
        yield {"name": name, "in": "query", "required": False, "description": says,
               "schema": schema}  # fmt: skip


def _of_tile(route: Route) -> Iterator[tuple[str, tuple[Schema, str]]]:
    if "{zoom}" in route.path:
        yield from ((name, (_INSTANT, says)) for name, says in _TIMES.items())
        yield from _NARROWING.items()
        if route.path.startswith("/tiles/"):
            collections = {"type": "string", "example": "notices,zones"}
            yield "collections", (collections, "Of which collections; of all where it is left out.")


def _given(route: Route) -> Schema:
    content: Schema = {}
    for media in route.forms.values():
        schema: Schema = {"type": "object"}
        if media == HTML:
            schema = {"type": "string"}
        elif media == TILE:
            schema = {"type": "string", "format": "binary"}
        content[media] = {"schema": schema}
    made: Schema = {"description": "Done.", "content": content}
    if GEOJSON in content:
        made["headers"] = {
            "content-crs": {"schema": {"type": "string"}, "description": "The system, in brackets."}
        }
    return made


def _not_changed(route: Route) -> Schema:
    if TILE not in route.forms.values():
        return {}
    return {"304": {"description": "What `If-None-Match` names is still so."}}


def _refusals(route: Route) -> Schema:
    codes: dict[int, list[str]] = {}
    for code in sorted({*_REFUSALS, *route.refusals}):
        codes.setdefault(TABLE[code].status, []).append(code)
    problem = {"$ref": "#/components/schemas/Problem"}
    return {
        str(status): {
            "description": " or ".join(f"`{code}`" for code in found),
            "content": {MEDIA_TYPE: {"schema": problem}},
        }
        for status, found in sorted(codes.items())
    }
