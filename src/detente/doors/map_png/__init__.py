"""A check as a PNG picture, for a duty desk, a report or a newspaper."""

from detente.doors.map_png.scene import Scene, draw

__all__ = ["Scene", "draw"]
