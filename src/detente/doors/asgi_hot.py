"""Routes that are asked a thousand times a second, without the framework between.

The framework takes some 40 microseconds a request, a bare function 6
(docs/adr/0011). A hot route is a second way to a verb that the framework serves
as well, and documents: the same path, the same answer, in less time. It takes the
body as bytes and gives bytes.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from detente.doors.asgi_edge import Exchange


class Answer(Struct, frozen=True):
    """A whole answer; ``headers`` beside content type and length."""

    status: int
    body: bytes
    media_type: bytes = b"application/json"
    headers: tuple[tuple[bytes, bytes], ...] = ()


class Streamed(Struct, frozen=True):
    """An answer in parts, as they come; where it fails midway, the connection is cut."""

    status: int
    parts: AsyncGenerator[bytes, None]
    media_type: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()


Handler = Callable[["Exchange"], Awaitable[Answer | Streamed]]


class Hot(Struct, frozen=True):
    """A route: ``template`` names parameters in braces, each a whole part of the path."""

    method: str
    template: str
    handler: Handler


class HotTable:
    """Which hot route a request means, found in a microsecond or two."""

    def __init__(self, routes: Iterable[Hot]) -> None:
        self._plain: dict[tuple[str, str], Hot] = {}
        self._parts: dict[tuple[str, int], list[tuple[Hot, list[str]]]] = {}
        for one in routes:
            if "{" not in one.template:
                self._plain[one.method, one.template] = one
                continue
            parts = one.template.split("/")
            self._parts.setdefault((one.method, len(parts)), []).append((one, parts))

    def find(self, method: str, path: str) -> tuple[Hot, Mapping[str, str]] | None:
        """The route and its parameters; None where the framework is to answer."""
        plain = self._plain.get((method, path))
        if plain is not None:
            return plain, {}
        if not self._parts:
            return None
        given = path.split("/")
        for route, parts in self._parts.get((method, len(given)), ()):
            found = _parameters(parts, given)
            if found is not None:
                return route, found
        return None


def _parameters(parts: list[str], given: list[str]) -> dict[str, str] | None:
    found: dict[str, str] = {}
    for part, value in zip(parts, given, strict=True):
        if part[:1] == "{":
            if not value:
                return None
            found[part[1:-1]] = value
        elif part != value:
            return None
    return found
