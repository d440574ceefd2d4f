"""Checkpoint: what a log says of itself at one size, as the text of a signed note.

::

    log.example.org/levant
    70000
    XC4YsQJk8wyWyN58DS/Ph0xpRV8zr70yABjwRJrqUFg=

The first line is the origin, the log's one name for ever; then the number of
leaves, and the root over them. Whoever signs it is not asked here
(``detente.core.note``).

Source: C2SP tlog-checkpoint, "Note text"; tlog-tiles, "Parameters";
docs/rules/R-09.md; docs/adr/0018.
"""

import re

from msgspec import Struct

from detente.core.lines import SIZE_MAX, require_plain, to_base64, to_hash, to_size
from detente.core.merkle import HASH_BYTES
from detente.errors import MalformedInput

ORIGIN_BYTES_MAX = 255
"""Of our logs' origins: an ML-DSA-44 cosignature counts them in 8 bits (tlog-cosignature)."""

_PREFIX = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?(/[A-Za-z0-9._~-]+)*")
_THEATRE = re.compile(r"[a-z0-9][a-z0-9._-]*")


class Checkpoint(Struct, frozen=True, kw_only=True):
    """A log at one size.

    Attributes:
        origin: The log's name; for ours see ``log_origin``.
        size: Leaves in the tree.
        root: Over them, 32 bytes.
        extensions: Further lines of other people's logs, opaque; ours write none.

    Raises:
        MalformedInput: A line is empty or no line, or a number out of its limits.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for line in (self.origin, *self.extensions):
            require_plain(line, what="checkpoint")
            if not line or "\n" in line:
                raise MalformedInput("checkpoint", expected="lines that are not empty")
        if not 0 <= self.size <= SIZE_MAX:
            raise MalformedInput("tree size", expected=f"0 to {SIZE_MAX}", got=f"{self.size}")
        if len(self.root) != HASH_BYTES:
            raise MalformedInput(
                "root hash", expected=f"{HASH_BYTES} bytes", got=f"{len(self.root)}"
            )

    @property
    def text(self) -> str:
        """The text that is signed, with its last newline."""
        lines = (self.origin, str(self.size), to_base64(self.root), *self.extensions)
        return "".join(f"{line}\n" for line in lines)


def parse_checkpoint(text: str) -> Checkpoint:
    """The checkpoint in the text of a note; ``Checkpoint.text`` gives the same text again.

    Raises:
        MalformedInput: Fewer than three lines, an empty one, or a number or hash that is
            spelt in any other way.
    """
    match text.split("\n"):
        case [origin, size, root, *extensions, ""]:
            return Checkpoint(
                origin=origin,
                size=to_size(size, what="tree size"),
                root=to_hash(root, what="root hash"),
                extensions=tuple(extensions),
            )
        case _:
            raise MalformedInput(
                "checkpoint", expected="origin, tree size and root hash, a line each"
            )


def log_origin(prefix: str, theatre: str) -> str:
    """The origin of a theatre's log: ``log.example.org/levant``.

    It names the log for ever, whoever serves it later and wherever. Hence it is made of
    a name that the operator owns and of the theatre's, and of nothing that may change.

    Args:
        prefix: Where the logs are found, without scheme and without a slash at the end:
            a host in lower case, and where needed a port and a path.
        theatre: The theatre's id.

    Raises:
        MalformedInput: Either is not of that form, or together they are longer than
            ORIGIN_BYTES_MAX.
    """
    if not _PREFIX.fullmatch(prefix):
        raise MalformedInput(
            "log prefix", expected="a host and path such as log.example.org", got=prefix
        )
    if not _THEATRE.fullmatch(theatre):
        raise MalformedInput("theatre", expected="an id of a-z, 0-9, '.', '_', '-'", got=theatre)
    origin = f"{prefix}/{theatre}"
    if len(origin) > ORIGIN_BYTES_MAX:
        raise MalformedInput(
            "log origin", expected=f"at most {ORIGIN_BYTES_MAX} bytes", got=f"{len(origin)}"
        )
    return origin
