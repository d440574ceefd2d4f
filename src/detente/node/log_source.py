"""Where a log is read from: a web address, or a folder.

Whoever serves it may be hostile, so that nothing is read without end: each file has a
size that it cannot exceed, and each answer a time within which it must be whole. No
redirect is followed, and nothing is unpacked.

Source: C2SP tlog-tiles, "APIs"; DESIGN section 4, 11.
"""

import time
from http import HTTPStatus
from pathlib import Path
from typing import Protocol

import httpx

from detente.core.log_files import ENTRY_BYTES_MAX, LogFile
from detente.core.merkle import HASH_BYTES
from detente.core.tiles import TILE_WIDTH
from detente.errors import MalformedInput, NotFound, Unavailable

CHECKPOINT = "checkpoint"

BUNDLE_BYTES_MAX = TILE_WIDTH * (2 + ENTRY_BYTES_MAX)
"""256 entries, each behind its length in 16 bits: 16.8 MB."""

TILE_BYTES_MAX = TILE_WIDTH * HASH_BYTES

ANSWER_MAX_S = 60.0
"""For one file from a server: 16.8 MB over a line of 2.3 Mbit/s."""

SILENCE_MAX_S = 15.0
"""Without a byte from a server."""

TRIES = 3
"""Of one file, where a server cannot be reached or says that it is busy."""

PAUSE_S = 1.0
"""Before another try; twice as long before the third."""

_BUSY = {HTTPStatus.TOO_MANY_REQUESTS, *(code for code in HTTPStatus if code >= 500)}  # noqa: PLR2004 - RFC 9110 section 15.6
_ABSENT = {HTTPStatus.NOT_FOUND, HTTPStatus.GONE}


class Source(Protocol):
    """Where the files of a log are."""

    def read(self, path: str, bytes_max: int) -> bytes:
        """A file, whole.

        Args:
            path: Below the log's own address.
            bytes_max: What it cannot exceed.

        Raises:
            NotFound: It is not there.
            MalformedInput: It is larger.
            Unavailable: It could not be asked for.
        """

    def close(self) -> None:
        """Let go of the server."""


class Folder:
    """A log's files in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, path: str, bytes_max: int) -> bytes:
        """As ``Source``."""
        try:
            with (self._folder / path).open("rb") as file:
                data = file.read(bytes_max + 1)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            raise NotFound(path) from None
        except OSError as error:
            raise Unavailable(path, got=str(error)) from error
        _require_size(path, len(data), bytes_max)
        return data

    def close(self) -> None:
        """Nothing is held."""


class Server:
    """A log's files below a web address."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        # Sizes are those of the bytes that come: nothing is unpacked.
        self._client = httpx.Client(
            timeout=SILENCE_MAX_S,
            follow_redirects=False,
            headers={"accept-encoding": "identity", "user-agent": "detente-audit"},
        )

    def read(self, path: str, bytes_max: int) -> bytes:
        """As ``Source``."""
        for number in range(1, TRIES + 1):
            try:
                status, data = self._ask(path, bytes_max)
            except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
                status, data, got = 0, b"", f"{type(error).__name__} {error}".strip()
            else:
                got = f"status {status}"
            if status == HTTPStatus.OK:
                return data
            if status in _ABSENT:
                raise NotFound(path)
            if number == TRIES or (status and status not in _BUSY):
                break
            time.sleep(PAUSE_S * number)
        raise Unavailable(f"{self._url}/{path}", expected="an answer", got=got)

    def _ask(self, path: str, bytes_max: int) -> tuple[int, bytes]:
        until = time.monotonic() + ANSWER_MAX_S
        data = bytearray()
        with self._client.stream("GET", f"{self._url}/{path}") as response:
            if response.status_code != HTTPStatus.OK:
                return response.status_code, b""
            for part in response.iter_raw():
                data += part
                _require_size(path, len(data), bytes_max)
                if time.monotonic() > until:
                    raise Unavailable(
                        f"{self._url}/{path}", expected=f"all of it within {ANSWER_MAX_S:.0f} s"
                    )
        return response.status_code, bytes(data)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def open_source(where: str) -> Source:
    """The log at a web address or in a folder.

    Raises:
        MalformedInput: An address that is not of the web, or no folder.
    """
    scheme, found, _ = where.partition("://")
    if found:
        if scheme not in {"http", "https"}:
            raise MalformedInput("log", expected="http(s)://HOST/PATH or a folder", got=where)
        return Server(where)
    if not Path(where).is_dir():
        raise MalformedInput("log", expected="http(s)://HOST/PATH or a folder", got=where)
    return Folder(Path(where))


def read_tile(source: Source, file: LogFile) -> bytes:
    """The hashes of a tile, as many as asked for.

    Raises:
        NotFound: It is not there.
        MalformedInput: It is of another size.
        Unavailable: It could not be asked for.
    """
    data = _read(source, file, TILE_BYTES_MAX)
    if len(data) != file.width * HASH_BYTES:
        raise MalformedInput(
            file.path, expected=f"{file.width * HASH_BYTES} bytes", got=f"{len(data)}"
        )
    return data


def read_bundle(source: Source, file: LogFile) -> bytes:
    """The bytes of a bundle of at least as many entries as asked for, not yet taken apart.

    Raises:
        NotFound: It is not there.
        MalformedInput: It is larger than any bundle.
        Unavailable: It could not be asked for.
    """
    return _read(source, file, BUNDLE_BYTES_MAX)


def _read(source: Source, file: LogFile, bytes_max: int) -> bytes:
    """A file; where only the full one is there still, that one, of a tile its beginning.

    A log may drop a partial file once the full one is there (tlog-tiles, "Partial tiles").
    """
    try:
        return source.read(file.path, bytes_max)
    except NotFound:
        if file.width == TILE_WIDTH:
            raise
        full = LogFile(level=file.level, index=file.index)
        data = source.read(full.path, bytes_max)
        return data if file.level is None else data[: file.width * HASH_BYTES]


def _require_size(path: str, size: int, bytes_max: int) -> None:
    if size > bytes_max:
        raise MalformedInput(path, expected=f"at most {bytes_max} bytes", got="more")
