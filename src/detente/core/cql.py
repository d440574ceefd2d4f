"""CQL2 text: what a filter says, parsed within bounds, and whether a feature is of it.

Comparisons, LIKE, BETWEEN, IN, IS NULL, AND, OR, NOT, S_INTERSECTS and T_INTERSECTS: a
property stands on the left, literals on the right. As in SQL, what is compared with null is
unknown, and what is unknown is not selected.

Source: OGC 21-065r2 (CQL2), conformance classes Basic CQL2, Advanced Comparison Operators and
Basic Spatial Functions; of the temporal functions T_INTERSECTS.
"""

import math
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

import shapely

from detente.core.drawn import Drawing
from detente.core.feature import Property, Type
from detente.core.instant import Instant, Window, instant_of, overlaps, window
from detente.core.volume import Volume
from detente.core.wkt import SHAPES, geometry
from detente.errors import MalformedInput

TEXT_MAX = 4_000
"""Characters of a filter: a request line holds 8 KB, in which each may take three bytes."""

DEPTH_MAX = 20
"""Levels of brackets and NOT."""

TERMS_MAX = 100
"""Comparisons in one filter, the values of IN counted: each is asked of every feature."""

GEOMETRY, WHEN = "geometry", "datetime"
"""By what S_INTERSECTS and T_INTERSECTS ask: a feature's drawing, and its volumes' times."""


class Asked(Protocol):
    """A feature, as a filter asks it."""

    def value(self, name: str) -> object:
        """A property; None where it has none."""

    def drawing(self) -> Drawing:
        """What holds it."""

    def volumes(self) -> tuple[Volume, ...]:
        """Its volumes."""


Test = Callable[[Asked], bool | None]
"""Whether a feature is selected; None where that is unknown."""


Sign = Callable[[Any, Any], bool]
"""Compares two values of one type."""


class _Token(NamedTuple):
    kind: str
    text: str
    at: int


_TOKENS = re.compile(
    r"(?P<space>[ \t\r\n]+)"
    r"|(?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
    r"|(?P<text>'(?:[^'\\]|''|\\[\s\S])*')"
    r'|(?P<quoted>"[A-Za-z_][A-Za-z0-9_]*")'
    r"|(?P<word>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<sign><=|>=|<>|[=<>(),])",
    re.ASCII,
)
_SIGNS: Mapping[str, Sign] = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_NUMBERS = frozenset({Type.NUMBER, Type.WHOLE})
_ESCAPED = re.compile(r"''|\\([\s\S])")
_ESCAPES = {
    "'": "'", "\\": "\\",
    "a": "\a", "b": "\b", "t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r",
}  # fmt: skip
_OF_PATTERN = {**_ESCAPES, "\\": "\\\\"}
_TRUTHS = {"TRUE": True, "FALSE": False}


def parse(text: str, properties: Mapping[str, Property], *, lat_first: bool = False) -> Test:
    """What a filter asks.

    Args:
        text: CQL2 text.
        properties: What may be asked for.
        lat_first: Whether positions are latitude, longitude (EPSG:4326).

    Raises:
        MalformedInput: Not CQL2, more than is taken here, or past a bound; with its place.
    """
    if len(text) > TEXT_MAX:
        raise MalformedInput("filter", expected=f"at most {TEXT_MAX} characters")
    parser = _Parser(_tokens(text), properties, lat_first=lat_first)
    test = parser.either(0)
    if parser.next.kind != "end":
        raise parser.refused("AND, OR or its end")
    return test


def _tokens(text: str) -> list[_Token]:
    found = []
    at = 0
    while at < len(text):
        match = _TOKENS.match(text, at)
        if match is None or match.lastgroup is None:
            raise _refused(at, "CQL2 text", text[at : at + 20])
        if match.lastgroup != "space":
            found.append(_Token(match.lastgroup, match[0], at))
        at = match.end()
    return [*found, _Token("end", "", len(text))]


def _refused(at: int, expected: str, got: str) -> MalformedInput:
    return MalformedInput(f"filter, character {at + 1}", expected=expected, got=got or "its end")


class _Parser:
    """Reads tokens in order, one ahead."""

    def __init__(
        self, tokens: list[_Token], properties: Mapping[str, Property], *, lat_first: bool
    ) -> None:
        self._tokens = tokens
        self._at = 0
        self._properties = properties
        self._lat_first = lat_first
        self._terms = 0

    @property
    def next(self) -> _Token:
        """What comes next."""
        return self._tokens[self._at]

    def refused(self, expected: str) -> MalformedInput:
        """The refusal of what comes next."""
        return _refused(self.next.at, expected, self.next.text[:40])

    def either(self, depth: int) -> Test:
        """Terms with OR between."""
        tests = [self._both(depth)]
        while self._take("OR"):
            tests.append(self._both(depth))
        return tests[0] if len(tests) == 1 else _joined(tests, decisive=True)

    def _both(self, depth: int) -> Test:
        tests = [self._one(depth)]
        while self._take("AND"):
            tests.append(self._one(depth))
        return tests[0] if len(tests) == 1 else _joined(tests, decisive=False)

    def _one(self, depth: int) -> Test:
        if depth > DEPTH_MAX:
            raise self.refused(f"at most {DEPTH_MAX} levels")
        if self._take("NOT"):
            return _negated(self._one(depth + 1))
        if self._take("("):
            test = self.either(depth + 1)
            self._need(")")
            return test
        self._count()
        if self._take("S_INTERSECTS"):
            return self._spatial()
        if self._take("T_INTERSECTS"):
            return self._temporal()
        if self.next.text.upper() in _TRUTHS:
            truth = _TRUTHS[self._move().text.upper()]
            return lambda _: truth
        return self._comparison()

    def _comparison(self) -> Test:
        if self.next.text.strip('"') in {GEOMETRY, WHEN}:
            self._move()
            self._need("IS")
            return self._is_null(lambda _: False)
        name, kind = self._property()
        if self._take("IS"):
            return self._is_null(lambda asked: asked.value(name) is None)
        negative = self._take("NOT")
        if self._take("LIKE"):
            test = self._like(name, kind)
        elif self._take("BETWEEN"):
            test = self._between(name, kind)
        elif self._take("IN"):
            test = self._in(name, kind)
        elif not negative and self.next.text in _SIGNS:
            return _compared(name, kind, _SIGNS[self._move().text], self._literal(kind))
        else:
            raise self.refused("LIKE, BETWEEN or IN" if negative else "a comparison")
        return _negated(test) if negative else test

    def _is_null(self, null: Callable[[Asked], bool]) -> Test:
        negative = self._take("NOT")
        self._need("NULL")
        return lambda asked: null(asked) is not negative

    def _like(self, name: str, kind: Type) -> Test:
        if kind is not Type.TEXT:
            raise self.refused(f"no LIKE of {name}, which is no text")
        if self.next.kind != "text":
            raise self.refused(f"a {kind.value}")
        pattern = _unquoted(self._move().text, _OF_PATTERN)

        def test(asked: Asked) -> bool | None:
            found = asked.value(name)
            return None if found is None else _is_like(str(found), pattern)

        return test

    def _between(self, name: str, kind: Type) -> Test:
        if kind not in _NUMBERS:
            raise self.refused(f"no BETWEEN of {name}, which is no number")
        low = self._literal(kind)
        self._need("AND")
        bounds = [
            _compared(name, kind, operator.ge, low),
            _compared(name, kind, operator.le, self._literal(kind)),
        ]
        return _joined(bounds, decisive=False)

    def _in(self, name: str, kind: Type) -> Test:
        self._need("(")
        values = [self._literal(kind)]
        while self._take(","):
            self._count()
            values.append(self._literal(kind))
        self._need(")")
        tests = [_compared(name, kind, operator.eq, one) for one in values]
        return _joined(tests, decisive=True)

    def _spatial(self) -> Test:
        self._need("(")
        self._name(GEOMETRY)
        self._need(",")
        where = self._geometry()
        self._need(")")
        shapely.prepare(where)
        return lambda asked: bool(shapely.intersects(where, asked.drawing()))

    def _temporal(self) -> Test:
        self._need("(")
        self._name(WHEN)
        self._need(",")
        when = self._window()
        self._need(")")
        return lambda asked: any(overlaps(one, when) for one in asked.volumes())

    def _window(self) -> Window:
        at = self.next.at
        word = self._move().text.upper()
        if word == "INTERVAL":
            self._need("(")
            start = self._end_of_interval()
            self._need(",")
            end = self._end_of_interval()
            self._need(")")
            return window(start, end, what=f"filter, character {at + 1}")
        if word != "TIMESTAMP":
            self._at -= 1
            raise self.refused("INTERVAL or TIMESTAMP")
        self._at -= 1
        found = self._timestamp()
        return found.at, found.until

    def _end_of_interval(self) -> Instant | None:
        if self.next.text == "'..'":
            self._move()
            return None
        return self._instant()

    def _timestamp(self) -> Instant:
        self._need("TIMESTAMP")
        self._need("(")
        found = self._instant()
        self._need(")")
        return found

    def _instant(self) -> Instant:
        token = self._move()
        return instant_of(_unquoted(token.text), what=f"filter, character {token.at + 1}")

    def _literal(self, kind: Type) -> object:
        token = self.next
        if kind is Type.TIME:
            return self._timestamp()
        if kind is Type.TEXT and token.kind == "text":
            return _unquoted(self._move().text)
        if kind in _NUMBERS and token.kind == "number" and math.isfinite(float(token.text)):
            return float(self._move().text)
        if kind is Type.TRUTH and token.text.upper() in _TRUTHS:
            return _TRUTHS[self._move().text.upper()]
        raise self.refused(f"a {kind.value}")

    def _geometry(self) -> Drawing:
        first = self.next
        if first.text.upper() not in SHAPES:
            raise self.refused("a geometry of " + ", ".join(sorted(SHAPES)))
        parts = [self._move().text]
        if self._take("Z"):
            parts.append("Z")
        level, begun = 0, False
        while level or not begun:
            token = self._move()
            if token.kind != "number" and token.text not in {"(", ")", ","}:
                raise _refused(token.at, "positions", token.text[:40])
            level += {"(": 1, ")": -1}.get(token.text, 0)
            begun = True
            parts.append(token.text)
        try:
            return geometry(parts, lat_first=self._lat_first)
        except ValueError:
            wanted = f"a valid {first.text} in degrees"
            raise _refused(first.at, wanted, " ".join(parts)[:40]) from None

    def _property(self) -> tuple[str, Type]:
        name = self.next.text.strip('"')
        if self.next.kind not in {"word", "quoted"} or name not in self._properties:
            raise self.refused("a property, one of " + ", ".join(self._properties))
        self._move()
        return name, self._properties[name].type

    def _name(self, wanted: str) -> None:
        if self.next.text.strip('"') != wanted:
            raise self.refused(wanted)
        self._move()

    def _count(self) -> None:
        self._terms += 1
        if self._terms > TERMS_MAX:
            raise self.refused(f"at most {TERMS_MAX} comparisons and values")

    def _move(self) -> _Token:
        token = self.next
        if token.kind == "end":
            raise self.refused("more")
        self._at += 1
        return token

    def _take(self, word: str) -> bool:
        token = self.next
        taken = token.kind in {"word", "sign"} and token.text.upper() == word
        self._at += taken
        return taken

    def _need(self, word: str) -> None:
        if not self._take(word):
            raise self.refused(word)


def _unquoted(text: str, escapes: Mapping[str, str] = _ESCAPES) -> str:
    """What a literal says; a backslash before any other character stands for itself."""
    return _ESCAPED.sub(lambda one: escapes.get(one[1] or "'", one[0]), text[1:-1])


def _joined(tests: list[Test], *, decisive: bool) -> Test:
    """Several terms; one that is ``decisive`` decides: True for OR, False for AND."""

    def test(asked: Asked) -> bool | None:
        unknown = False
        for one in tests:
            found = one(asked)
            if found is decisive:
                return decisive
            unknown = unknown or found is None
        return None if unknown else not decisive

    return test


def _negated(inner: Test) -> Test:
    def test(asked: Asked) -> bool | None:
        found = inner(asked)
        return None if found is None else not found

    return test


def _compared(name: str, kind: Type, sign: Sign, literal: object) -> Test:
    def test(asked: Asked) -> bool | None:
        found = asked.value(name)
        if found is None:
            return None
        return sign(instant_of(str(found), what=name) if kind is Type.TIME else found, literal)

    return test


def _is_like(text: str, pattern: str) -> bool:
    """Whether a text is as a pattern: % any text, _ any character, a backslash before either.

    In time that grows with the product of their lengths at most.
    """
    wanted = _wildcards(pattern)
    at = place = 0
    star, resume = -1, 0
    while at < len(text):
        one = wanted[place] if place < len(wanted) else ""
        if one == "%":
            star, resume = place, at
            place += 1
        elif one == "_" or one == "\\" + text[at]:
            at, place = at + 1, place + 1
        elif star >= 0:
            resume += 1
            at, place = resume, star + 1
        else:
            return False
    return all(one == "%" for one in wanted[place:])


def _wildcards(pattern: str) -> list[str]:
    """% and _ alone; any other character behind a backslash."""
    found = re.findall(r"\\?.", pattern, re.DOTALL)
    return [one if one in {"%", "_"} else "\\" + one[-1] for one in found]
