"""The current state in memory: sorted arrays and compiled kernels, one query."""

from detente.picture._jit import compiled_before
from detente.picture.live import Live
from detente.picture.picture import Picture
from detente.picture.segment import require_measurable

__all__ = ["Live", "Picture", "compiled_before", "require_measurable"]
