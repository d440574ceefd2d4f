"""The query of a request: its parameters, each once."""

from typing import Any
from urllib.parse import parse_qsl

from detente.doors.asgi_edge import Exchange
from detente.errors import MalformedInput

QUERY_PARAMETERS_MAX = 50
"""Parameters of one query; a search has ten, and kinds may repeat."""


def query_of(exchange: Exchange, *, repeated: frozenset[str] = frozenset()) -> dict[str, Any]:
    """The query's parameters; those that may repeat as lists.

    Raises:
        MalformedInput: Another one repeats, or the query is none.
    """
    found: dict[str, Any] = {}
    try:
        pairs = parse_qsl(
            exchange.scope["query_string"].decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(exchange.scope["query_string"]),
            errors="strict",
            max_num_fields=QUERY_PARAMETERS_MAX,
        )
    except ValueError:
        raise MalformedInput("query", expected="name=value, percent-encoded UTF-8") from None
    for name, value in pairs:
        if name in repeated:
            found.setdefault(name, []).extend(value.split(","))
        elif name in found:
            raise MalformedInput(name, expected="once in the query")
        else:
            found[name] = value
    return found
