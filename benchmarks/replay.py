"""Three hours of recorded traffic around Paris again, with the watch on: is anything lost?

The recording is not ours to ship (OpenSky's terms of use): who has it puts it at FILE.
"""

import sys
from pathlib import Path

import numpy as np

from detente.core.check import Known
from detente.core.notice import Notice
from detente.core.volume import E7_PER_DEG, Circle, Volume
from detente.doors.feeds.recorded import recording
from detente.node.feeding import Feed
from detente.node.replaying import play
from detente.picture import Picture

FILE = Path(__file__).parents[2] / "shared/data/tracks/opensky_quickstart.csv.xz"
POSITIONS = 284_505
NOTICES = 100
STANDOFF_MM = 500_000
BOX = (0.78, 47.73, 4.06, 49.99)
"""Of the recording: west, south, east, north."""


def invented() -> Picture:
    """Invented places, anywhere in the box and at all altitudes."""
    rng = np.random.default_rng(1)
    west, south, east, north = BOX
    lon = rng.uniform(west, east, NOTICES) * E7_PER_DEG
    lat = rng.uniform(south, north, NOTICES) * E7_PER_DEG
    return Picture(
        [
            Known(
                value=Notice(
                    source_id=f"n{number}",
                    name=f"Invented {number}",
                    category="medical",
                    party="bench",
                    standoff_mm=STANDOFF_MM,
                    volumes=(Volume(footprint=(Circle(centre=(int(x), int(y))),)),),
                ),
                object_id=f"{number:032x}",
            )
            for number, (x, y) in enumerate(zip(lon, lat, strict=True))
        ]
    )


def paris() -> dict[str, object]:
    """As fast as it goes."""
    if not FILE.exists():
        sys.exit(f"{FILE} is not here: OpenSky's traffic is not shipped")
    heard, picture, feed = recording(FILE).heard, invented(), Feed(name="paris", party="bench")
    fast = play(feed, heard, picture, speed=0, tell=lambda *_: None)
    if (fast.read, fast.taken, fast.lost) != (POSITIONS, POSITIONS, 0):
        sys.exit(f"positions were lost: {fast}")
    span_s = (heard[-1].observed.time - heard[0].observed.time).total_seconds()
    return {
        "value": span_s / fast.wall_s,
        "unit": f"times its speed, {POSITIONS:,} positions of {fast.tracks} aircraft, "
        f"{NOTICES:,} notices, {fast.looks:,} looks, none lost",
        "bar": "at least 60, none lost",
    }


FIGURES = {"replay.paris": paris}
