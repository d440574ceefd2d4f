"""The current state in memory: sorted arrays and compiled kernels, one query."""

from detente.picture.picture import Picture

__all__ = ["Picture"]
