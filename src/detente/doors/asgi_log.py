"""What a node writes to its log: a line an event, and no position, ever.

Only the names in FIELDS are written, so nothing else can slip in: no body, no
query string, no path with an object's id (the route's template instead), no text
of an exception, which may quote what was asked. An unexpected exception is told
by its type and the lines that it came from (docs/rules/R-10.md).
"""

import contextlib
import logging
import sys
import time
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec
from msgspec import Struct

FIELDS = frozenset(
    {
        "request_id", "method", "route", "status", "ms", "party", "bytes_in", "bytes_out",
        "worker", "pid", "error", "raised", "came_from", "seconds", "connections", "count",
        "sequence", "code", "address", "witness", "reason",
    }
)  # fmt: skip
"""Everything that a line may hold beside time, level, logger and event."""

OURS = "detente"

_ENCODER = msgspec.json.Encoder()


class _Formatter(logging.Formatter):
    """One event, as the name of what happened and its fields."""

    def fields(self, record: logging.LogRecord) -> dict[str, object]:
        given: dict[str, object] = getattr(record, "fields", None) or {}
        known = {name: value for name, value in given.items() if name in FIELDS}
        if record.exc_info and record.exc_info[1] is not None:
            known |= told_of(record.exc_info[1])
        return known

    def event(self, record: logging.LogRecord) -> str:
        """Others' messages are cut after a line: what follows shows arguments and results."""
        if record.name.partition(".")[0] == OURS:
            return record.msg if isinstance(record.msg, str) else type(record.msg).__name__
        return record.getMessage().partition("\n")[0]


class JsonFormatter(_Formatter):
    """A line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        return _ENCODER.encode(
            {
                "time": _time(record),
                "level": record.levelname.lower(),
                "logger": record.name,
                "event": self.event(record),
                **self.fields(record),
            }
        ).decode()


class TextFormatter(_Formatter):
    """A line for people."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        fields = "".join(f" {name}={value}" for name, value in self.fields(record).items())
        return f"{_time(record)} {record.levelname.lower():7} {self.event(record)}{fields}"


def set_up(level: str, form: Literal["json", "text"]) -> None:
    """Let all loggers of this process, other libraries' included, write so to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    # Others speak up only when something is wrong: their routine lines are not made for us.
    root.setLevel(max(logging.WARNING, logging.getLevelName(level.upper())))
    logging.getLogger(OURS).setLevel(level.upper())
    # Every malformed request would be a line that we write ourselves, better.
    logging.getLogger("uvicorn").setLevel(logging.ERROR)
    logging.captureWarnings(capture=True)


def told_of(error: BaseException) -> dict[str, object]:
    """An exception without its text: its type, and the lines that it came from."""
    frames = traceback.extract_tb(error.__traceback__)
    return {
        "raised": type(error).__name__,
        "came_from": [f"{_module(one.filename)}:{one.lineno} {one.name}" for one in frames],
    }


class RequestLog:
    """The line of each request, gathered and written some ten times a second.

    Python's logging takes 18 microseconds a line, this 3, of some 100 that a request
    takes in all (docs/adr/0011). What a killed worker had not written is lost: what
    must never be lost is in the record, not here.

    Args:
        form: As for ``set_up``.
        write: Where lines go.
    """

    def __init__(self, form: Literal["json", "text"], write: Callable[[bytes], object]) -> None:
        self._is_json = form == "json"
        self._write = write
        self._lines: list[bytes] = []
        self._second, self._stamp = 0, ""

    def add(self, line: "RequestLine") -> None:
        """One request, to be written soon."""
        now = time.time()
        second = int(now)
        if second != self._second:
            stamp = datetime.fromtimestamp(second, UTC).isoformat(timespec="seconds")
            self._second, self._stamp = second, stamp.removesuffix("+00:00")
        line.time = f"{self._stamp}.{int((now - second) * 1_000):03}Z"
        if self._is_json:
            self._lines.append(_ENCODER.encode(line))
        else:
            fields = msgspec.structs.asdict(line).items()
            self._lines.append(" ".join(f"{name}={value}" for name, value in fields).encode())

    def flush(self) -> None:
        """Write what was gathered."""
        if self._lines:
            lines, self._lines = self._lines, []
            self._write(b"\n".join([*lines, b""]))


class RequestLine(Struct, kw_only=True):
    """What is written of a request; each name is in FIELDS, or of every event."""

    time: str = ""
    level: str = "info"
    logger: str = "detente.http"
    event: str = "request"
    request_id: str
    method: str
    route: str
    status: int
    ms: float
    party: str | None
    bytes_in: int


def write_error(data: bytes) -> None:
    """To standard error, past Python's own buffer, behind whatever is in it."""
    sys.stderr.flush()
    with contextlib.suppress(OSError):
        sys.stderr.buffer.write(data)
        sys.stderr.buffer.flush()


def say(logger: logging.Logger, level: int, event: str, **fields: Any) -> None:
    """Log an event with its fields."""
    logger.log(level, event, extra={"fields": fields})


def _module(filename: str) -> str:
    """The end of a path: enough to find the line."""
    return "/".join(filename.rsplit("/", 3)[-3:])


def _time(record: logging.LogRecord) -> str:
    at = datetime.fromtimestamp(record.created, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
