"""The node's OpenAPI 3.1 document, as the framework derives it, and put right.

Each operation is told by its function's docstring: the first line is its summary.
Every error is a Problem, whatever its status; of F3548's door, an ErrorResponse.
"""

from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from typing import Any

import msgspec
from litestar import Litestar
from litestar.di import Provide
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, License, SecurityScheme
from litestar.types import ControllerRouterHandler

from detente.doors.asgi_problem import F3548_PATHS, MEDIA_TYPE, TABLE, Problem

METHODS = frozenset({"get", "put", "post", "delete", "patch", "head", "options"})

_NO_CONTENT = "204"

_ABOUT = """Parties that share no command keep out of each other's way, spare what must be
spared, and can prove afterwards who was told what, and when.

**A check informs; it never permits.**

Every error is a problem (RFC 9457) with a stable `code`: [all codes](/docs/errors).
"""

_PROBLEM = {
    "description": "A problem; its `code` says which.",
    "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}


def document(
    handlers: Sequence[ControllerRouterHandler],
    dependencies: Mapping[str, Provide],
    described: Sequence[Mapping[str, Any]] = (),
) -> bytes:
    """The document for these handlers, as JSON.

    ``described`` is what doors say of their operations themselves: paths, schemas, tags.
    """
    config = OpenAPIConfig(
        title="Détente",
        version=version("detente"),
        description=_ABOUT,
        license=License(name="Apache-2.0", identifier="Apache-2.0"),
        components=Components(
            security_schemes={
                "bearer": SecurityScheme(
                    type="http", scheme="bearer", bearer_format="JWT",
                    description="A token of this node or of an issuer that it takes.",
                )
            }
        ),
        security=[{"bearer": []}],
        use_handler_docstrings=True,
        operation_id_creator=_operation_id,
    )  # fmt: skip
    # An application of its own, never served: the one that is brings no pages of its framework.
    app = Litestar(
        list(handlers), openapi_config=config, logging_config=None, dependencies=dict(dependencies)
    )
    made: dict[str, Any] = app.openapi_schema.to_schema()
    schemas = made.setdefault("components", {}).setdefault("schemas", {})
    schemas["Problem"] = _problem_schema()
    for path, item in made.get("paths", {}).items():
        for operation in _operations(item):
            _put_right(operation)
            # What refuses any request says it as this door does.
            responses = operation["responses"]
            own = responses.get("400", _PROBLEM) if path.startswith(F3548_PATHS) else _PROBLEM
            responses.setdefault("default", own)
    for more in described:
        made["paths"] |= more["paths"]
        schemas |= more["components"]["schemas"]
        made.setdefault("tags", []).extend(more["tags"])
    return msgspec.json.encode(made)


def _operations(item: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every operation of a path."""
    return (operation for method, operation in item.items() if method in METHODS)


def _operation_id(handler: HTTPRouteHandler, _method: object, _path: object) -> str:
    return handler.handler_name


def _put_right(operation: dict[str, Any]) -> None:
    summary, _, rest = operation.get("description", "").partition("\n")
    if operation.get("summary", "") in {"", _made_up(operation["operationId"])}:
        operation["summary"] = summary or operation["operationId"]
        operation["description"] = rest.strip()
    if not operation.get("deprecated"):
        operation.pop("deprecated", None)
    for status, response in operation["responses"].items():
        if status == _NO_CONTENT:
            response.pop("content", None)
        elif _is_of_framework(response):
            operation["responses"][status] = _PROBLEM


def _made_up(name: str) -> str:
    """What the framework calls an operation that says nothing of itself."""
    return name.title().replace("_", "")


def _is_of_framework(response: dict[str, Any]) -> bool:
    """Whether it says what the framework would answer, and we do not: an error in its shape."""
    content = response.get("content", {}).get("application/json", {})
    return "status_code" in content.get("schema", {}).get("properties", {})


def _problem_schema() -> dict[str, Any]:
    _, parts = msgspec.json.schema_components([Problem], ref_template="#/components/schemas/{name}")
    found: dict[str, Any] = parts["Problem"]
    found["properties"]["code"]["enum"] = sorted(TABLE)
    return found
