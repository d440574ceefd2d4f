"""What a node writes to its log: a line an event, and no position, ever.

Only the names in FIELDS are written, so nothing else can slip in: no body, no
query string, no path with an object's id (the route's template instead), no text
of an exception, which may quote what was asked. An unexpected exception is told
by its type and the lines that it came from (docs/rules/R-10.md).
"""

import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

FIELDS = frozenset(
    {
        "request_id", "method", "route", "status", "ms", "party", "bytes_in", "bytes_out",
        "worker", "pid", "error", "raised", "came_from", "seconds", "connections", "count",
        "sequence", "code", "address",
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


def say(logger: logging.Logger, level: int, event: str, **fields: Any) -> None:
    """Log an event with its fields."""
    logger.log(level, event, extra={"fields": fields})


def _module(filename: str) -> str:
    """The end of a path: enough to find the line."""
    return "/".join(filename.rsplit("/", 3)[-3:])


def _time(record: logging.LogRecord) -> str:
    at = datetime.fromtimestamp(record.created, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
