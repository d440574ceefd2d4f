"""Bytes into lines, in bounded memory; and what was refused, by reason."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from detente.core.heard import Heard
from detente.errors import MalformedInput, reason_of

LINE_MAX = 1_024
"""Bytes: a BaseStation line has some 120, a sentence of NMEA 82, with its tag block 200."""

CRAFT_MAX = 20_000
"""Craft of which a parser remembers something: more than all that fly at once."""

TOO_LONG = f"length: expected at most {LINE_MAX} bytes a line"


class Parser(Protocol):
    """A format.

    Attributes:
        refused: How many messages could not be read, by reason.
    """

    refused: Counter[str]

    def read(self, data: bytes, now: datetime) -> list[Heard]:
        """What more bytes of a stream tell.

        Args:
            data: As they came; a message may end in a later piece.
            now: UTC, when they came.
        """


class Lines:
    """Joins pieces into lines.

    Args:
        refused: Where a line that is too long is counted.
    """

    def __init__(self, refused: Counter[str]) -> None:
        self._refused = refused
        self._rest = b""
        self._skipping = False

    def split(self, data: bytes) -> list[bytes]:
        """The lines that are whole now, without their ends, none empty."""
        *whole, rest = (self._rest + data).split(b"\n")
        if whole and self._skipping:
            whole, self._skipping = whole[1:], False
        if self._skipping:
            rest = b""
        elif len(rest) > LINE_MAX:
            self._refused[TOO_LONG] += 1
            rest, self._skipping = b"", True
        self._rest = rest
        long = sum(len(one) > LINE_MAX for one in whole)
        if long:
            self._refused[TOO_LONG] += long
        return [one for one in (line.strip() for line in whole if len(line) <= LINE_MAX) if one]

    def heard(self, data: bytes, read: Callable[[bytes], Heard | None]) -> list[Heard]:
        """What the lines that are whole now tell; those that cannot be read are counted.

        Args:
            data: As of ``split``.
            read: Reads one line; None where it tells no position.
        """
        out = []
        for line in self.split(data):
            try:
                found = read(line)
            except MalformedInput as error:
                self._refused[reason_of(error)] += 1
                continue
            if found is not None:
                out.append(found)
        return out
