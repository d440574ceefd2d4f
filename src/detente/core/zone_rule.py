"""What a zone asks; by itself, so that the command line loads no geometry to name it."""

from enum import StrEnum


class ZoneRule(StrEnum):
    """What the zone asks of an activity that meets it."""

    NO_ACTIVITY = "no_activity"
    COORDINATE_FIRST = "coordinate_first"
    CORRIDOR = "corridor"
    BOUNDARY = "boundary"
