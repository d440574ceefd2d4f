"""The operations as OpenAPI 3.1: what each takes, gives, and may be refused by.

Schemas are those of the values themselves, with their limits.
"""

import inspect
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from detente.core.party import PartyId
from detente.core.uss import ObjectId
from detente.doors.asgi_problem import MEDIA_TYPE, TABLE
from detente.doors.http.v1.operation import JSON, LINES, WORKBOOKS, Body, Operation
from detente.doors.http.v1.request import KEY_LENGTH_MAX
from detente.node.rules import Missing

Schema = dict[str, Any]

_REF = "#/components/schemas/{name}"

_ANY = ("method_not_allowed", "too_slow", "head_too_large", "internal", "malformed_input")
"""What may refuse any request."""

PATH_PARAMETERS: Mapping[str, tuple[Any, str]] = {
    "object": (ObjectId, "The object's id."),
    "party": (PartyId, "The party's id."),
}

REQUEST_HEADERS: Mapping[str, tuple[Schema, str]] = {
    "idempotency-key": (
        {
            "type": "string",
            "minLength": 1,
            "maxLength": KEY_LENGTH_MAX,
            "pattern": r"^[!-~]([ -~]*[!-~])?$(?!\n)",
        },
        (
            "Any text of the asker's own: the same request with it is done once, and answered "
            "alike, for seven days. Another one with it is a conflict; a refusal is not kept."
        ),
    ),
    "if-match": (
        {"type": "string", "pattern": r'^"[!#-~]{1,200}"$(?!\n)'},
        "The version token of the version that the asker saw, in double quotes: its `ETag`.",
    ),
}

ANSWER_HEADERS: Mapping[str, tuple[Schema, str]] = {
    "etag": ({"type": "string"}, "The version token, in double quotes."),
    "location": ({"type": "string"}, "Where the object is."),
    "idempotency-replayed": (
        {"type": "string", "enum": ["true"]},
        "There where the answer was given before, and nothing was done now.",
    ),
}

TAGS: Mapping[str, str] = {
    "entries": "What parties say, through the node or signed by themselves.",
    "plans": "Plans are taken only from authors who know of all that they meet.",
    "checks": "What would a plan meet? An answer informs, and never permits.",
    "objects": "Lists and searches, single objects, their history.",
    "telling": "Acknowledgements, objections, and requests to pass something on.",
    "hotline": "Calls that reach duty desks at once, and how far each is.",
    "agreement": "The terms, the parties, and oneself.",
}


def described(operations: Sequence[Operation]) -> dict[str, Any]:
    """Paths, schemas and tags of these operations."""
    schemas = _Schemas(operations)
    paths: dict[str, dict[str, Any]] = {}
    for one in operations:
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one, schemas)
    used = {one.tag for one in operations}
    return {
        "paths": paths,
        "components": {"schemas": schemas.components},
        "tags": [
            {"name": name, "description": says} for name, says in TAGS.items() if name in used
        ],
    }


class _Schemas:
    """The schemas of all types that operations name."""

    def __init__(self, operations: Sequence[Operation]) -> None:
        types: list[Any] = [Missing, *(kind for kind, _ in PATH_PARAMETERS.values())]
        for one in operations:
            types += [kind for media in _given(one).values() for kind in media.values()]
            types += [] if one.body is None else [one.body.form]
            types += [] if one.query is None else [one.query]
        self._types = types
        self._made, self.components = msgspec.json.schema_components(types, ref_template=_REF)
        for name, schema in self.components.items():
            _closed(schema, told=_docs_of(types, name))
        self.components["Unaware"] = _unaware()

    def of(self, kind: Any) -> Schema:
        """The schema of a type."""
        found: Schema = self._made[next(n for n, one in enumerate(self._types) if one is kind)]
        return found

    def taken(self, body: Body) -> Schema:
        """The schema of a body: with ``optional`` parts, copies of the schemas that have them."""
        reaching = {kind.__name__ for kind in body.optional}
        if not reaching:
            return self.of(body.form)
        optional = {kind.__name__: names for kind, names in body.optional.items()}
        found: Schema = self._left_open(self.of(body.form), optional)
        return found

    def _left_open(self, schema: Any, optional: Mapping[str, frozenset[str]]) -> Any:
        """A schema in which references lead to what may be given, where that is less."""
        if isinstance(schema, list):
            return [self._left_open(one, optional) for one in schema]
        if not isinstance(schema, dict):
            return schema
        reference = schema.get("$ref")
        if reference is None:
            return {
                name: one if name == "mapping" else self._left_open(one, optional)
                for name, one in schema.items()
                if name != "discriminator"
            }
        name = reference.rpartition("/")[2]
        if not self._reaches(name, optional, set()):
            return schema
        copy = f"{name}Given"
        if copy not in self.components:
            self.components[copy] = {}
            made = self._left_open(self.components[name], optional)
            made["title"] = copy
            left_out = optional.get(name, frozenset()) | {"type"} - self._tagged(optional)
            made["required"] = [one for one in made.get("required", ()) if one not in left_out]
            self.components[copy] = made
        return {**schema, "$ref": _REF.format(name=copy)}

    @staticmethod
    def _tagged(optional: Mapping[str, frozenset[str]]) -> set[str]:
        """The tag may be left out where there is but one thing that a body can be."""
        return {"type"} if len(optional) > 1 else set()

    def _reaches(self, name: str, optional: Mapping[str, frozenset[str]], seen: set[str]) -> bool:
        if name in optional:
            return True
        seen.add(name)
        below = set(_references(self.components[name])) - seen
        return any(self._reaches(one, optional, seen) for one in sorted(below))


def _references(schema: Any) -> Iterator[str]:
    if isinstance(schema, list):
        for one in schema:
            yield from _references(one)
    elif isinstance(schema, dict):
        if "$ref" in schema:
            yield schema["$ref"].rpartition("/")[2]
        for one in schema.values():
            yield from _references(one)


def _docs_of(types: Sequence[Any], name: str) -> str:
    found = next((one for one in types if getattr(one, "__name__", "") == name), None)
    return "" if found is None else inspect.getdoc(found) or ""


def _closed(schema: Schema, *, told: str) -> None:
    """A field that is not named is none; what the docstring says of each goes to each."""
    said = schema.pop("description", "") or told
    if said:
        schema["description"] = inspect.cleandoc(said).partition("\n\n")[0].replace("``", "`")
    if "properties" in schema:
        schema["additionalProperties"] = False
        for name, words in _attributes(inspect.cleandoc(said)).items():
            if name in schema["properties"]:
                schema["properties"][name] = {**schema["properties"][name], "description": words}


def _attributes(said: str) -> dict[str, str]:
    """What a docstring's section ``Attributes`` says of each."""
    _, _, section = said.partition("Attributes:\n")
    found: dict[str, str] = {}
    name = ""
    for line in section.splitlines():
        if not line.startswith("    "):
            break
        text = line.strip()
        if not line.startswith("      ") and ": " in text:
            name, _, text = text.partition(": ")
            found[name] = text
        elif name:
            found[name] += f" {text}"
    return {name: text.replace("``", "`") for name, text in found.items()}


def _unaware() -> Schema:
    return {
        "title": "Unaware",
        "description": "A problem with all that a plan meets and whose token was not shown.",
        "allOf": [{"$ref": _REF.format(name="Problem")}],
        "type": "object",
        "properties": {
            "missing": {"type": "array", "items": {"$ref": _REF.format(name="Missing")}},
        },
    }


def _given(one: Operation) -> dict[int, dict[str, Any]]:
    """What a success answers, by status and media type."""
    if isinstance(one.gives, dict):
        return {int(status): media for status, media in one.gives.items()}
    return {int(one.status): {one.media_type: one.gives}}


def _operation(one: Operation, schemas: _Schemas) -> dict[str, Any]:
    summary, _, rest = one.says.partition("\n\n")
    needs = ", ".join(f"`{scope}`" for scope in one.scopes)
    needed = f"\n\nScope: {'one of ' if len(one.scopes) > 1 else ''}{needs}." if needs else ""
    made: dict[str, Any] = {
        "operationId": one.name,
        "summary": summary.rstrip("."),
        "description": (rest + needed).strip() or summary,
        "tags": [one.tag],
        "parameters": [*_path_parameters(one, schemas), *_query(one), *_headers(one)],
        "responses": {
            **{str(status): _answer(one, media, schemas)
               for status, media in _given(one).items()},
            **_refusals(one),
        },
        "security": [{}] if one.is_open else [{"bearer": []}],
    }  # fmt: skip
    if one.body is not None:
        made["requestBody"] = _body(one.body, schemas)
    return made


def _path_parameters(one: Operation, schemas: _Schemas) -> Iterator[Schema]:
    for name, (kind, says) in PATH_PARAMETERS.items():
        if f"{{{name}}}" in one.path:
            yield {"name": name, "in": "path", "required": True, "description": says,
                   "schema": schemas.of(kind)}  # fmt: skip


def _query(one: Operation) -> Iterator[Schema]:
    if one.query is None:
        return
    [_], parts = msgspec.json.schema_components([one.query], ref_template=_REF)
    schema = parts[one.query.__name__]
    says = _attributes(inspect.getdoc(one.query) or "")
    attributes = dict(
        zip(one.query.__struct_encode_fields__, one.query.__struct_fields__, strict=True)
    )
    for name, found in schema["properties"].items():
        # A parameter that is left out is not null.
        choices = [part for part in found.get("anyOf", ()) if part != {"type": "null"}]
        taken = choices[0] if choices else found
        yield {
            "name": name,
            "in": "query",
            "required": name in schema.get("required", ()),
            "description": says.get(attributes[name], name),
            "schema": {key: part for key, part in taken.items() if part is not None},
        }


def _headers(one: Operation) -> Iterator[Schema]:
    for name, required in one.headers.items():
        schema, says = REQUEST_HEADERS[name]
        yield {"name": name, "in": "header", "required": required, "description": says,
               "schema": schema}  # fmt: skip


def _body(body: Body, schemas: _Schemas) -> Schema:
    content: dict[str, Schema] = {}
    for media_type in body.media_types:
        if media_type in WORKBOOKS:
            content[media_type] = {}
            continue
        schema = schemas.taken(body)
        if media_type == LINES:
            content[media_type] = _lines(body.form, schema)
            continue
        content[media_type] = {"schema": schema}
        if body.example is not None and media_type == JSON:
            content[media_type]["example"] = body.example
    # No lines are few lines.
    return {"required": set(body.media_types) != {LINES}, "content": content}


def _lines(kind: Any, schema: Schema) -> Schema:
    """JSON lines: one value a line. OpenAPI 3.1 has no word for it, 3.2 says itemSchema."""
    name = getattr(kind, "__name__", "value")
    return {"schema": {"description": f"One {name} a line, as JSON."}, "x-item-schema": schema}


def _answer(one: Operation, media: Mapping[str, Any], schemas: _Schemas) -> dict[str, Any]:
    content = {}
    for media_type, kind in media.items():
        schema = schemas.of(kind)
        if media_type == LINES:
            content[media_type] = _lines(kind, schema)
            continue
        content[media_type] = {"schema": schema}
    made: dict[str, Any] = {"description": "Done.",
                            "content": content}  # fmt: skip
    told = one.tells if JSON in media else ()
    if told:
        made["headers"] = {
            name: {"schema": ANSWER_HEADERS[name][0], "description": ANSWER_HEADERS[name][1]}
            for name in told
        }
    return made


def _refusals(one: Operation) -> dict[str, Any]:
    """By status, the codes that it may have."""
    codes: dict[int, list[str]] = {}
    for code in sorted({*_ANY, *one.refusals}):
        codes.setdefault(TABLE[code].status, []).append(code)
    return {
        str(status): {
            "description": " or ".join(f"`{code}`" for code in found),
            "content": {MEDIA_TYPE: {"schema": _problem(found)}},
        }
        for status, found in sorted(codes.items())
    }


def _problem(codes: Sequence[str]) -> Schema:
    plain = {"$ref": _REF.format(name="Problem")}
    if "unaware" not in codes:
        return plain
    return {"anyOf": [{"$ref": _REF.format(name="Unaware")}, plain]}
