"""What is to be kept around an object, as part of its shape, for who knows no standoff."""

from msgspec.structs import replace

from detente.core.plan import Plan
from detente.core.volume import Circle, Corridor, Polygon, Shape, Volume
from detente.doors.exports.rows import Row


def away_mm(row: Row) -> int:
    """What is to be kept around an object, or its hazard."""
    value = row.item.view.value
    if isinstance(value, Plan):
        return value.hazard_mm
    return getattr(value, "standoff_mm", 0) + getattr(value, "uncertainty_mm", 0)


def widened(volume: Volume, by_mm: int) -> Volume:
    """A volume with all that is within a distance of it, wider than one may be filed if need be."""
    return replace(volume, footprint=tuple(_wider(one, by_mm) for one in volume.footprint))


def _wider(shape: Shape, by_mm: int) -> Shape:
    match shape:
        case Circle():
            return replace(shape, radius_mm=shape.radius_mm + by_mm)
        case Corridor():
            return replace(shape, width_mm=shape.width_mm + 2 * by_mm)
        case Polygon():  # pragma: no branch - mypy knows that these are all
            return replace(shape, buffer_mm=shape.buffer_mm + by_mm)
