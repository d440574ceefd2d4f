"""Following a log: audit it from outside, and remember what was found.

Source: DESIGN section 7; docs/adr/0018.
"""

from pathlib import Path

from detente.core.party import key_id
from detente.errors import MalformedInput
from detente.node.log_source import open_source
from detente.node.outside import Asked, Audited, Progress, audit_entries, fetch_checkpoint
from detente.node.outside_memory import default_path, load, save

_KEY_DIGITS = 64


def follow(
    asked: Asked, *, state: Path | None = None, progress: Progress = lambda *_: None
) -> Audited:
    """Audit a log from outside; go on from what is remembered, and remember.

    Args:
        asked: Which log, and what it is to be done with.
        state: Where what is remembered is; None where ``default_path`` says.
        progress: Told how many entries of how many are done.

    Returns:
        What was found; what does not hold is a value here. Only what holds is remembered.

    Raises:
        MalformedInput: No log's address, or what was remembered is damaged.
        Unavailable: A file of the log, or what was remembered, cannot be read or written.
    """
    found = Audited()
    source = open_source(asked.where)
    try:
        believed = fetch_checkpoint(source, asked.policy, found)
        if believed is None:
            return found
        path = state or default_path(found.origin)
        memory = load(path)
        memory_of = None if memory is None else memory.origin
        if memory_of not in {None, found.origin}:
            raise MalformedInput(
                f"{path}", expected=f"what is remembered of {found.origin}", got=f"{memory_of}"
            )
        remembered = audit_entries(source, asked, found, memory, progress)
        if remembered is not None:
            save(path, remembered)
    finally:
        source.close()
    return found


def parse_public_keys(text: str) -> dict[str, bytes]:
    """Public keys by their ids, from a text with one in a line.

    Args:
        text: Ed25519 public keys (RFC 8032), 64 hex digits each; ``#`` begins a comment.

    Raises:
        MalformedInput: A line is no key.
    """
    keys: dict[str, bytes] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        spelt = line.partition("#")[0].strip()
        if not spelt:
            continue
        try:
            raw = bytes.fromhex(spelt) if len(spelt) == _KEY_DIGITS else b""
        except ValueError:
            raw = b""
        if not raw:
            raise MalformedInput(
                f"public keys, line {number}", expected=f"{_KEY_DIGITS} hex digits", got=spelt[:80]
            )
        keys[key_id(raw)] = raw
    return keys
