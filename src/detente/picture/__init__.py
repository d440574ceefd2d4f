"""The current state in memory: sorted arrays and compiled kernels, one query."""

from detente.picture._jit import compiled_before
from detente.picture.live import Live
from detente.picture.outline import require_measurable
from detente.picture.picture import Picture

__all__ = ["Live", "Picture", "compiled_before", "require_measurable"]
