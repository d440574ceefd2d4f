"""What a transaction is for, and how long it waits."""

from enum import Enum, auto

BUSY_TIMEOUT_MS = 30_000
"""How long a writer waits for another: longer than the longest batch of an import."""

HELD = "held"
"""Where a connection notes the head that its transaction holds, if it came with the lock."""


class Mode(Enum):
    """What a transaction is for.

    ``READ`` sees one state of the record. ``APPEND`` holds the head: no other
    process appends until it ends. ``FOUND`` and ``MIGRATE`` stand alone among
    all that found or migrate; ``MIGRATE`` also keeps appenders out.
    """

    READ = auto()
    APPEND = auto()
    FOUND = auto()
    MIGRATE = auto()
