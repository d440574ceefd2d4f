"""Alarms: false ones over recorded traffic, and the replay of 24 November 2015 in real time.

The recordings are not ours to ship (OpenSky's terms of use): who has them puts them at TRACKS.
"""

import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from alarmed import ZONES, Judged, alarms, hour, invented, judged
from detente.core.alerts import Level, Terms
from recorded_tracks import TRACKS
from salient import through_a_node

HOURS = {
    "paris": datetime(2021, 10, 7, 13, tzinfo=UTC),
    "switzerland": datetime(2018, 8, 1, 11, tzinfo=UTC),
}
LEADS_S = ((60, 180), (120, 240), (180, 300), (300, 420))
"""Lead and, two minutes more, the lead beyond which an alarm may end."""


def measure(name: str, terms: Terms) -> tuple[int, int, Judged]:
    """Positions and aircraft of an hour, and what became of its alarms."""
    heard, zones = hour(name, HOURS[name], timedelta(hours=1)), invented(name)
    aircraft = len({one.observed.track for one in heard})
    return len(heard), aircraft, judged(alarms(heard, zones, terms), heard, zones)


def told(found: Judged) -> str:
    """One line."""
    leads = np.percentile(found.leads_s, [0, 5, 25, 50, 75]).round()
    return (
        f"{found.true} true, {found.later} came true later, {found.false} false "
        f"({found.false_silent} of them of a lost track), {len(found.leads_s)} comings within, "
        f"{len(found.missed)} missed, lead 0/5/25/50/75 %: {leads.tolist()} s, "
        f"{sum(lead < 120 for lead in found.leads_s)} below 120 s"
    )


def false_alarms() -> dict[str, object]:
    """False alarms of two hours of traffic at the watch's terms; by lead on standard error."""
    if not TRACKS.exists():
        sys.exit(f"{TRACKS} is not here: OpenSky's traffic is not shipped")
    false, words, missed = 0, [], 0
    for name in HOURS:
        for lead_s, end_s in LEADS_S:
            positions, aircraft, found = measure(name, Terms(lead_s=lead_s, end_lead_s=end_s))
            sys.stderr.write(
                f"{name}, {positions:,} positions, {aircraft} aircraft, lead {lead_s} s: "
                f"{told(found)}\n"
            )
        # The last are the watch's own terms.
        false, missed = false + found.false, missed + len(found.missed)
        words.append(f"{name} {found.true} true, {found.false} false")
    if missed:
        sys.exit(f"{missed} comings within were missed")
    return {
        "value": false,
        "unit": f"false alarms in two hours, {ZONES} invented zones each ({'; '.join(words)})",
        "bar": "none missed",
    }


def salient() -> dict[str, object]:
    """The replay at its own speed through a real node: ten minutes."""
    with tempfile.TemporaryDirectory() as folder:
        found = through_a_node(Path(folder), 1.0)
    warned = {alarm: s for alarm, s in found.before_s.items() if alarm[2] is Level.WARNING}
    both = 2 * 2
    if len(warned) != both:
        sys.exit(f"{len(warned)} of {both} alarms")
    return {
        "value": min(warned.values()),
        "unit": "s before the crossing, both desks of both accounts",
        "bar": "at least 120",
    }


FIGURES = {"watch.false_alarms": false_alarms, "salient.alarms": salient}
