"""How Schemathesis sends JSON lines: one value a line (used by test_schema_fuzz.py)."""

import json
from typing import Any

import schemathesis


@schemathesis.serializer("application/x-ndjson")
def lines(_context: object, value: Any) -> bytes:
    values = value if isinstance(value, list) else [value]
    return b"\n".join(one if isinstance(one, bytes) else json.dumps(one).encode() for one in values)


@schemathesis.deserializer("application/x-ndjson")
def read_lines(_context: object, response: Any) -> Any:
    return [json.loads(line) for line in response.content.splitlines()]
