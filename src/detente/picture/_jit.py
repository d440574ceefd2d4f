"""numba's decorators, typed: they keep the signature of what they compile."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

import numba

P = ParamSpec("P")
R = TypeVar("R")


def jit(function: Callable[P, R]) -> Callable[P, R]:
    """Compile once and keep the machine code on disk."""
    return cast("Callable[P, R]", numba.njit(cache=True, error_model="numpy")(function))


def parallel(function: Callable[P, R]) -> Callable[P, R]:
    """The same, with ``prange`` spread over the cores."""
    return cast(
        "Callable[P, R]", numba.njit(cache=True, parallel=True, error_model="numpy")(function)
    )
