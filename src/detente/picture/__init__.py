"""The current state in memory: sorted arrays and compiled kernels, one query."""

from detente.picture._jit import compiled_before
from detente.picture.picture import Picture

__all__ = ["Picture", "compiled_before"]
