"""What an auditor remembers of a log: one JSON file for each.

Enough to tell, from the new entries alone, whether the log only grew and whether each
chain and object went on where it stood: the signed checkpoint, the right edge of the
tree, and what the entries have shown (detente.core.outside.Known). Some 40 bytes an
object. Only what was found consistent is remembered.
"""

import os
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

import msgspec
from msgspec import Struct

from detente.core.checkpoint import parse_checkpoint
from detente.core.merkle import EMPTY_ROOT
from detente.core.note import parse_note
from detente.core.outside import Chain, KeyChange, Known, Version
from detente.core.tiles import Tile, right_edge, root
from detente.errors import DetenteError, MalformedInput, Unavailable
from detente.node.whole_file import keep_whole

FORMAT = 1

_NAME_LENGTH_MAX = 100


class Memory(Struct, kw_only=True):
    """A log as it was found.

    Attributes:
        origin: The log's name.
        checkpoint: The signed note.
        size: Entries.
        root: Over them, 32 bytes.
        edge: The tiles on the right edge of the tree.
        theatre: Whose log it is.
        known: What its entries showed.
    """

    origin: str
    checkpoint: str
    size: int
    root: bytes
    edge: dict[Tile, bytes]
    theatre: str
    known: Known


class _File(Struct, kw_only=True):
    """``objects`` are by kind and owner, then by id: their versions."""

    format: int
    theatre: str
    checkpoint: str
    edge: dict[str, str]
    chains: dict[str, Chain]
    introduced: dict[str, list[str]]
    parties: dict[str, str]
    changes: list[KeyChange]
    objects: dict[str, dict[str, int]]


def default_path(origin: str) -> Path:
    """Where what is remembered of a log is, by the XDG base directory specification."""
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    digest = sha256(origin.encode()).hexdigest()[:16]
    name = f"{quote(origin, safe='')[:_NAME_LENGTH_MAX]}-{digest}.json"
    return Path(base) / "detente" / "audit" / name


def load(path: Path) -> Memory | None:
    """What is remembered; None if nothing is.

    Raises:
        MalformedInput: The file is damaged; it is never begun anew unasked.
        Unavailable: It cannot be read.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Unavailable(f"{path}", got=str(error)) from error
    try:
        return _memory(msgspec.json.decode(data, type=_File))
    except (msgspec.MsgspecError, UnicodeDecodeError, DetenteError, ValueError, KeyError) as error:
        raise MalformedInput(
            f"{path}",
            expected="what an audit remembered; move it away to begin anew",
            got=f"{error}",
        ) from None


def save(path: Path, memory: Memory) -> None:
    """Remember; another audit that went further meanwhile is left as it is.

    Raises:
        MalformedInput: The file there is damaged.
        Unavailable: It cannot be written.
    """
    meanwhile = load(path)
    if meanwhile is not None and meanwhile.size > memory.size:
        return
    try:
        keep_whole(path, msgspec.json.encode(_file(memory)), mode=0o600)
    except OSError as error:
        raise Unavailable(f"{path}", expected="to be written", got=str(error)) from error


def _file(memory: Memory) -> _File:
    known = memory.known
    objects: dict[str, dict[str, int]] = {}
    for object_id, version in known.objects.items():
        objects.setdefault(f"{version.kind} {version.owner}", {})[object_id] = version.number
    return _File(
        format=FORMAT,
        theatre=memory.theatre,
        checkpoint=memory.checkpoint,
        edge={f"{level}/{index}": tile.hex() for (level, index), tile in memory.edge.items()},
        chains=known.chains,
        introduced=known.introduced,
        parties=known.parties,
        changes=known.changes,
        objects=objects,
    )


def _memory(file: _File) -> Memory:
    if file.format != FORMAT:
        raise MalformedInput("format", expected=f"{FORMAT}", got=f"{file.format}")
    checkpoint = parse_checkpoint(parse_note(file.checkpoint.encode()).text)
    edge = {_place(place): bytes.fromhex(tile) for place, tile in file.edge.items()}
    if set(edge) != set(right_edge(checkpoint.size)) or checkpoint.root != edge_root(
        edge, checkpoint.size
    ):
        raise MalformedInput("edge of the tree", expected="that of the checkpoint")
    return Memory(
        origin=checkpoint.origin,
        checkpoint=file.checkpoint,
        size=checkpoint.size,
        root=checkpoint.root,
        edge=edge,
        theatre=file.theatre,
        known=Known(
            chains=file.chains,
            introduced=file.introduced,
            parties=file.parties,
            changes=file.changes,
            objects=_objects(file.objects),
        ),
    )


def _objects(groups: dict[str, dict[str, int]]) -> dict[str, Version]:
    found: dict[str, Version] = {}
    for group, versions in groups.items():
        kind, _, owner = group.partition(" ")
        shared = {
            number: Version(kind=kind, owner=owner, number=number)
            for number in set(versions.values())
        }
        found |= {object_id: shared[number] for object_id, number in versions.items()}
    return found


def edge_root(edge: dict[Tile, bytes], size: int) -> bytes:
    """The root of a tree, from the tiles on its right edge; of an empty one, RFC 6962's."""
    return root(lambda *at: edge[at], size) if size else EMPTY_ROOT


def _place(text: str) -> Tile:
    level, _, index = text.partition("/")
    return int(level), int(index)
