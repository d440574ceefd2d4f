"""numba's decorators, typed, with a cache that cannot be out of date.

numba keeps compiled code on disk and compiles again when the function's own
file changes, but not when a function or a constant that it uses changes in
another file. A stale kernel here would be a wrong answer, so the folder of the
cache carries the digest of all sources that the kernels are made of.
"""

import hashlib
import os
from collections.abc import Callable, Sized
from functools import wraps
from pathlib import Path
from types import FunctionType
from typing import Any, ParamSpec, TypeVar, cast

import numba
from numba import types
from numba.core.typing.templates import Signature
from numba.extending import intrinsic

P = ParamSpec("P")
R = TypeVar("R")
A = TypeVar("A")

_PICTURE = Path(__file__).parent
_CORE = [_PICTURE.parent / "core" / name for name in ("geodesy.py", "presence.py")]
"""The modules of core from which kernels take constants (tests/test_tidy.py holds this)."""

ABOVE = frozenset({"__init__.py", "live.py", "picture.py", "warm.py", "watch.py"})
"""Modules of which no kernel is made: nothing that has kernels imports them (test_tidy)."""


def cache_folder() -> Path:
    """Where compiled kernels of exactly these sources are kept.

    Beside the source, or in the user's cache folder where that cannot be
    written (an installation by another user).
    """
    digest = hashlib.sha256()
    for source in [*sorted(_PICTURE.glob("*.py")), *_CORE]:
        if source.name not in ABOVE:
            digest.update(source.read_bytes())
    name = f"kernels-{digest.hexdigest()[:16]}"
    beside = _PICTURE / "__pycache__" / name
    if beside.is_dir() or os.access(_PICTURE, os.W_OK):
        return beside
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "detente" / name


def compiled_before() -> bool:
    """Whether machine code of exactly these sources is there, so that a start is quick."""
    folder = cache_folder()
    return folder.is_dir() and any(folder.rglob("*.nbc"))


numba.config.CACHE_DIR = str(cache_folder())  # type: ignore[attr-defined] # set at run time


def jit(function: Callable[P, R]) -> Callable[P, R]:
    """Compile once and keep the machine code on disk."""
    return cast("Callable[P, R]", numba.njit(cache=True, error_model="numpy")(function))


def inlined(function: Callable[P, R]) -> Callable[P, R]:
    """The same, as part of whatever calls it: for what is asked of each pair.

    To hand on a picture is some 70 words on the stack.
    """
    return cast(
        "Callable[P, R]", numba.njit(cache=True, error_model="numpy", forceinline=True)(function)
    )


def released(function: Callable[P, R]) -> Callable[P, R]:
    """The same, without the interpreter's lock: for long work, beside which others go on.

    Short work keeps the lock: another thread may hold it for 5 ms once it is given up.
    """
    return cast("Callable[P, R]", numba.njit(cache=True, nogil=True, error_model="numpy")(function))


BRIEF_ITEMS = 64
"""What takes some ten microseconds at most."""


def released_if_many(function: Callable[P, R]) -> Callable[P, R]:
    """The same of what is asked of many and of few alike: it is long by its first argument.

    For a few items the lock is kept: given up a dozen times in a check, it would be waited for.
    """
    brief, long = jit(_twin(function)), released(function)

    @wraps(function)
    def chosen(*args: P.args, **kwargs: P.kwargs) -> R:
        items = cast("Sized", args[0])
        return (brief if len(items) < BRIEF_ITEMS else long)(*args, **kwargs)

    return chosen


def _twin(function: Callable[P, R]) -> Callable[P, R]:
    """The same function by another name: what is compiled otherwise is kept beside it."""
    given = cast("FunctionType", function)
    twin = FunctionType(
        given.__code__, given.__globals__, given.__name__, given.__defaults__, given.__closure__
    )
    twin.__qualname__ = f"{given.__qualname__}_briefly"
    twin.__module__ = given.__module__
    return cast("Callable[P, R]", twin)


def _borrowed(_: object, array: types.Array) -> tuple[Signature, Callable[..., Any]]:
    def made(context: Any, builder: Any, signature: Signature, given: Any) -> Any:
        one = context.make_array(signature.args[0])(context, builder, given[0])
        one.meminfo = one.meminfo.type(None)
        return one._getvalue()  # noqa: SLF001 - numba's own way

    return array(array), made


def _least(_: object, a: types.Float, b: types.Float) -> tuple[Signature, Callable[..., Any]]:
    def made(_context: Any, builder: Any, _signature: Signature, given: Any) -> Any:
        flags = ("nnan", "nsz")
        less = builder.fcmp_ordered("<", *given, flags=flags)
        return builder.select(less, *given, flags=flags)

    return a(a, b), made


least = cast("Callable[[float, float], float]", intrinsic(_least))
"""The lesser of two numbers, neither of them NaN: so that the least of many may be found
several at a time. ``min`` would have to say which of 0 and -0 it gives."""

borrowed = cast("Callable[[A], A]", intrinsic(_borrowed))
"""An array that compiled code reads without counting who holds it.

Counting is an atomic step for each array handed on, and threads that read one picture wait for
each other's: a third of a check in bulk. Whoever calls the kernel holds what it borrows; nothing
borrowed is given back.
"""
