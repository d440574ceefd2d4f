"""Taking the bundles of a log apart, on all cores.

Most of what an audit costs is done to one entry at a time, whatever came before:
reading, hashing, decoding, comparing with the tile. That is done here, a bundle at a
time, in processes of their own; what depends on the order is left to the caller, to
whom bundles come back in it.
"""

import multiprocessing
import os
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import msgspec
from msgspec import Struct
from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

from detente.core.entry import Signed, pre_authentication, unseal
from detente.core.lines import from_base64
from detente.core.log_files import LogFile, decode_bundle
from detente.core.merkle import leaf_hash
from detente.core.shown import Shown, read_shown, shown
from detente.errors import DetenteError, LogInconsistent, NotFound, Unavailable
from detente.node.log_source import Source, open_source, read_bundle, read_tile

PROCESSES_MAX = 8
"""More would wait for the one that puts their results in order."""

ALONE_MAX = 8
"""Bundles that are faster taken apart here than by processes that must first start."""

_AHEAD = 4
"""Bundles under way for each process, so that none waits and memory stays small."""

Keys = Mapping[str, bytes]
"""Public keys, 32 bytes each, by their ids."""


class Examined(Struct, frozen=True, kw_only=True, array_like=True):
    """A bundle, taken apart.

    Attributes:
        leaves: Hashes of its entries, one after the other.
        entries: What each entry shows, or why it is refused.
        signatures: How many signatures were verified.
        tile: What is wrong with the tile of its hashes, if anything is.
    """

    leaves: bytes
    entries: list[Shown | str]
    signatures: int = 0
    tile: str | None = None


_examined = msgspec.msgpack.Decoder(Examined)


def examine(source: Source, file: LogFile, keys: Keys) -> Examined:
    """Read a bundle and the tile of its hashes, and ask each entry what it shows.

    Raises:
        LogInconsistent: The bundle is not there, or not one of so many entries.
        Unavailable: It could not be asked for.
    """
    try:
        entries = decode_bundle(read_bundle(source, file))
    except NotFound:
        raise LogInconsistent(file.path, expected="entries", got="nothing") from None
    except Unavailable:
        raise
    except DetenteError as error:
        raise LogInconsistent(file.path, expected="a bundle", got=f"{error}") from None
    if len(entries) < file.width:
        raise LogInconsistent(file.path, expected=f"{file.width} entries", got=f"{len(entries)}")
    leaves: list[bytes] = []
    found: list[Shown | str] = []
    signatures = 0
    for data in entries[: file.width]:
        try:
            one, verified = _entry(data, keys)
        except DetenteError as error:
            leaves.append(leaf_hash(data))
            found.append(str(error))
        else:
            leaves.append(one.leaf)
            found.append(one)
            signatures += verified
    joined = b"".join(leaves)
    return Examined(
        leaves=joined,
        entries=found,
        signatures=signatures,
        tile=tile_problem(source, LogFile(level=0, index=file.index, width=file.width), joined),
    )


def tile_problem(source: Source, file: LogFile, hashes: bytes) -> str | None:
    """What is wrong with a tile that must begin with these hashes.

    Raises:
        Unavailable: It could not be asked for.
    """
    try:
        served = read_tile(source, file)
    except Unavailable:
        raise
    except DetenteError as error:
        return str(error)
    return None if served.startswith(hashes) else "is not that of the entries"


def _entry(data: bytes, keys: Keys) -> tuple[Shown, int]:
    """What an entry shows, and how many signatures of it were verified.

    Raises:
        DetenteError: Anything of it does not hold.
    """
    if not keys:
        return read_shown(data), 0
    signed = unseal(data)
    return shown(signed), _verify(signed, keys)


def _verify(signed: Signed, keys: Keys) -> int:
    """Verify the signatures of known keys; how many there were.

    Raises:
        LogInconsistent: One does not verify.
    """
    count = 0
    for one in signed.signatures:
        public = keys.get(one.keyid)
        if public is None:
            continue
        try:
            VerifyKey(public).verify(
                pre_authentication(signed.payload), from_base64(one.sig, what="signature")
            )
        except (BadSignatureError, ValueError):
            raise LogInconsistent(
                f"signature of key {one.keyid}", expected="one that verifies"
            ) from None
        count += 1
    return count


def examined(
    where: str, source: Source, files: Iterable[LogFile], count: int, keys: Keys
) -> Iterator[Examined]:
    """Bundles taken apart, in their order.

    Args:
        where: As for ``open_source``; each process opens its own.
        source: The same, opened here.
        files: The bundles.
        count: How many there are.
        keys: Public keys that are known, by their ids.

    Raises:
        LogInconsistent, Unavailable: As ``examine``, of the first bundle that is so.
    """
    processes = min(len(os.sched_getaffinity(0)), PROCESSES_MAX)
    if count <= ALONE_MAX or processes == 1:
        yield from (examine(source, file, keys) for file in files)
        return
    # Forking would copy whatever threads hold at that moment.
    pool = ProcessPoolExecutor(
        processes,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_begin,
        initargs=(where, dict(keys)),
    )
    waiting: deque[Future[bytes]] = deque()
    try:
        for file in files:
            waiting.append(pool.submit(_examine, file.index, file.width))
            if len(waiting) >= processes * _AHEAD:
                yield _examined.decode(waiting.popleft().result())
        while waiting:
            yield _examined.decode(waiting.popleft().result())
    except BrokenProcessPool as error:
        raise Unavailable("audit", expected="processes that go on", got=str(error)) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


_here: list[tuple[Source, Keys]] = []
"""What a process of the pool was given when it began."""


def _begin(where: str, keys: Keys) -> None:
    _here[:] = [(open_source(where), keys)]


def _examine(index: int, width: int) -> bytes:
    source, keys = _here[0]
    found = examine(source, LogFile(level=None, index=index, width=width), keys)
    return msgspec.msgpack.encode(found)
