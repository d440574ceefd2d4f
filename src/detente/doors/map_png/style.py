"""How a map picture looks: colours, symbols, hatches, letters.

No verdict is green: a check never permits, and green reads as permission. Red,
amber, blue and purple differ in hue and in lightness, so that they stay apart
for colour-blind eyes and in a photocopy; a badge's shape says the same again.
"""

from functools import cache
from typing import NamedTuple

from matplotlib.font_manager import FontProperties, fontManager

from detente.core.check import VerdictKind
from detente.core.zone import ZoneRule

PAPER = "#ffffff"
INK = "#1f2a35"
SOFT_INK = "#5f6b76"
FAINT_INK = "#98a1a8"
HAIRLINE = "#d9dee2"

SEA = "#dde8ef"
LAND = "#f5f2eb"
COAST = "#9fb0bb"
RIVER = "#a9c3d2"
BORDER = "#a79f93"
GRATICULE = "#b9c6cf"
COUNTRY_INK = "#aaa294"

NOTICE = "#17406d"
PRESENCE = "#6d4323"
OTHER_PLAN = "#56616b"

FADED = 0.42
"""Opacity of what is stale: paler, and still plainly there, since it still protects."""

DASHED = (0, (3.2, 2.2))
DOTTED = (0, (1.2, 1.8))


class VerdictStyle(NamedTuple):
    """Colour of a verdict's shapes, darker one of its words, marker of its badge."""

    colour: str
    ink: str
    badge: str
    badge_points: float


VERDICTS = {
    VerdictKind.NO_KNOWN_CONFLICT: VerdictStyle("#2f86c8", "#1f6ca6", "o", 12.0),
    VerdictKind.COORDINATE: VerdictStyle("#c97e00", "#935c00", "D", 9.6),
    VerdictKind.CONFLICT: VerdictStyle("#bb1e2a", "#bb1e2a", "s", 11.0),
    VerdictKind.INCOMPLETE: VerdictStyle("#5f1d75", "#5f1d75", "h", 13.0),
}


class ZoneStyle(NamedTuple):
    """Colour, hatch, opacity of the fill, line and words of a zone's rule."""

    colour: str
    hatch: str
    fill: float
    line: str | tuple[float, tuple[float, ...]]
    words: str


ZONES = {
    ZoneRule.NO_ACTIVITY: ZoneStyle("#a3493f", "////", 0.16, "-", "no activity"),
    ZoneRule.COORDINATE_FIRST: ZoneStyle("#94702a", "....", 0.13, "-", "coordinate first"),
    ZoneRule.CORRIDOR: ZoneStyle("#4c6d8c", "----", 0.12, "-", "corridor"),
    ZoneRule.BOUNDARY: ZoneStyle("#3f4850", "", 0.03, (0, (7, 2, 1.5, 2)), "boundary"),
}

MEDICAL_MARKER = "P"
"""A plain cross in ink. The red cross on white is a protected emblem, and is not ours to draw."""

_MARKERS = {
    "medical": MEDICAL_MARKER,
    "hospital": MEDICAL_MARKER,
    "health": MEDICAL_MARKER,
    "education": "^",
    "school": "^",
    "water": "v",
    "shelter": "p",
    "camp": "p",
    "humanitarian": "d",
    "aid": "d",
    "cultural": "*",
}
OTHER_MARKER = "X"
MOVEMENT_MARKER = ">"
PRESENCE_MARKER = "s"


MARKER_SCALE = {"*": 1.45, "d": 1.15, "^": 1.1, "v": 1.1}
"""So that symbols of the same size look it."""


def marker_of(category: str) -> str:
    """The marker of a notice's category; the family before a slash decides."""
    return _MARKERS.get(category.split("/", maxsplit=1)[0], OTHER_MARKER)


_FALLBACKS = (
    "Noto Sans",
    "Noto Sans Arabic",
    "Noto Sans Hebrew",
    "Noto Sans Devanagari",
    "Noto Sans Bengali",
    "Noto Sans Ethiopic",
    "Noto Sans Myanmar",
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
)


@cache
def font(size_pt: float, *, bold: bool = False, italic: bool = False) -> FontProperties:
    """The letters of the picture: one face, with what is installed for other scripts."""
    installed = {entry.name for entry in fontManager.ttflist}
    return FontProperties(
        family=["DejaVu Sans", *(name for name in _FALLBACKS if name in installed)],
        size=size_pt,
        weight="bold" if bold else "normal",
        style="italic" if italic else "normal",
    )
