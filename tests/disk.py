"""A disk that forgets: what POSIX lets be left of files after a kill, or a loss of power.

The code under test writes to a real folder. Its calls are followed, and what is on disk is
kept beside: bytes last once their file was synced, names once their folder was. Before any
call it may be that the process dies. After a loss of power each name that was not synced
is what it was after the last sync, or after any change since, by itself; and a file that
was not synced holds what it held then, nothing, a part, or noughts for a part of it.
"""

import os
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest


class Died(BaseException):
    """The process is killed here: nothing that would handle an exception handles this."""


class _File:
    """A file: what it holds, and what of that is on disk."""

    def __init__(self, holds: bytes) -> None:
        self.holds = holds
        self.synced = b""


class _Folder:
    """A folder: what each name was since the last sync, the newest last; None is nothing."""

    def __init__(self) -> None:
        self.names: dict[str, list[_File | _Folder | None]] = {}

    def put(self, name: str, what: "_File | _Folder | None") -> None:
        self.names.setdefault(name, [None]).append(what)

    def now(self) -> Iterator[tuple[str, "_File | _Folder"]]:
        return ((name, was[-1]) for name, was in self.names.items() if was[-1] is not None)


class Disk:
    """Follows what is written below a folder.

    Args:
        folder: Where it is seen; may be emptied and filled at any time.
        chance: Decides what is left.
    """

    def __init__(self, folder: Path, chance: random.Random) -> None:
        self.folder = folder.resolve()
        self.calls = 0
        self._chance = chance
        self._root = _Folder()
        self._dies_at: int | None = None
        self._dead = True
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()

    @contextmanager
    def followed(self, *, dies_at: int | None = None) -> Iterator[None]:
        """Follow what the block writes; it dies before this call, counted from 0.

        Its names are the only ones that may be renamed, linked or removed meanwhile.
        """
        self.calls, self._dies_at, self._dead = 0, dies_at, False
        patch = pytest.MonkeyPatch()
        for name, follow in (
            ("fsync", self._fsync), ("rename", self._rename), ("replace", self._rename),
            ("link", self._link), ("mkdir", self._mkdir), ("unlink", self._remove),
        ):  # fmt: skip
            patch.setattr(os, name, self._followed(getattr(os, name), follow, name))
        patch.setattr(shutil, "rmtree", self._rmtree)
        try:
            yield
        finally:
            self._dead = True
            patch.undo()

    def _followed(
        self, real: Callable[..., Any], follow: Callable[..., None], name: str
    ) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            if self._dead:
                return None if name == "fsync" else real(*args, **kwargs)
            self._one_more()
            # A real sync would take a thousand times longer, and change nothing here.
            result = None if name == "fsync" else real(*args, **kwargs)
            follow(*args)
            return result

        return call

    def _one_more(self) -> None:
        if self.calls == self._dies_at:
            self._dead = True
            raise Died
        self.calls += 1

    def _at(self, path: Any) -> tuple[_Folder, str] | None:
        path = Path(path).absolute()
        if not path.is_relative_to(self.folder) or path == self.folder:
            return None
        found = self._root
        for part in path.relative_to(self.folder).parts[:-1]:
            inner = found.names[part][-1]
            assert isinstance(inner, _Folder)
            found = inner
        return found, path.name

    def _file(self, path: Any) -> _File:
        """The file there, made known if nobody heard of it: with what it holds now."""
        place = self._at(path)
        assert place is not None
        folder, name = place
        was = folder.names.get(name, [None])[-1]
        if was is None:
            was = _File(b"")
            folder.put(name, was)
        assert isinstance(was, _File)
        was.holds = Path(path).read_bytes()
        return was

    def _fsync(self, handle: int) -> None:
        path = Path(os.readlink(f"/proc/self/fd/{handle}"))  # noqa: PTH115 - no link of a folder
        if path.is_dir():
            place = self._at(path)
            folder = self._root if path == self.folder else None
            if place is not None:
                inner = place[0].names[place[1]][-1]
                assert isinstance(inner, _Folder)
                folder = inner
            if folder is not None:
                folder.names = {name: [one] for name, one in folder.now()}
            return
        file = self._file(path)
        file.synced = file.holds

    def _rename(self, old: Any, new: Any) -> None:
        source, target = self._at(old), self._at(new)
        assert source is not None
        assert target is not None
        file = source[0].names.get(source[1], [None])[-1] or _File(Path(new).read_bytes())
        target[0].put(target[1], file)
        source[0].put(source[1], None)

    def _link(self, old: Any, new: Any) -> None:
        target = self._at(new)
        assert target is not None
        target[0].put(target[1], self._file(old))

    def _mkdir(self, path: Any, *_: Any) -> None:
        place = self._at(path)
        if place is not None:
            place[0].put(place[1], _Folder())

    def _remove(self, path: Any) -> None:
        place = self._at(path)
        if place is not None:
            place[0].put(place[1], None)

    def _rmtree(self, path: Path, **_: Any) -> None:
        """A file at a time, as the real one does, and then the folder."""
        if not path.is_dir():
            return
        for one in sorted(path.iterdir()):
            one.unlink()
        if not self._dead:
            self._one_more()
            self._remove(path)
        path.rmdir()

    def killed(self) -> None:
        """The process is gone, and the machine goes on: all that was written is there."""
        self._show(self._root)

    def powerless(self) -> None:
        """The machine is gone, and comes back with what is left."""
        self._root = self._left(self._root)
        self._show(self._root)

    def _left(self, folder: _Folder) -> _Folder:
        left = _Folder()
        for name, was in folder.names.items():
            one = self._chance.choice(was)
            if isinstance(one, _Folder):
                left.names[name] = [self._left(one)]
            elif one is not None:
                file = _File(self._bytes_left(one))
                file.synced = file.holds
                left.names[name] = [file]
        return left

    def _bytes_left(self, file: _File) -> bytes:
        if file.holds == file.synced:
            return file.synced
        part = file.holds[: self._chance.randrange(len(file.holds) + 1)]
        noughts = part + bytes(len(file.holds) - len(part))
        return self._chance.choice((file.synced, b"", part, noughts, file.holds))

    def _show(self, root: _Folder) -> None:
        shutil.rmtree(self.folder)
        self.folder.mkdir()
        waiting = [(self.folder, root)]
        while waiting:
            path, folder = waiting.pop()
            for name, one in folder.now():
                if isinstance(one, _File):
                    (path / name).write_bytes(one.holds)
                else:
                    (path / name).mkdir()
                    waiting.append((path / name, one))
