"""Kernels: where tracks are and will be, as legs short enough to be straight.

A track moves along a geodesic of the ellipsoid, which is integrated in earth-centred
coordinates: no pole, no antimeridian, no series.
"""

import numpy as np

from detente.core.geodesy import CURVATURE_RADIUS_MIN_M, ECCENTRICITY_SQUARED, SEMI_MAJOR_M
from detente.core.presence import TRACK_GROWTH_MAX_S
from detente.picture._jit import jit
from detente.picture.places import on_earth
from detente.picture.plane import Point
from detente.picture.tables import Record

TRACK = np.dtype(
    [
        *((name, np.int64) for name in ("longitude_e7", "latitude_e7", "fix_us")),
        *((name, np.float64) for name in ("accuracy_m", "drift_m_s", "speed_m_s", "course_deg")),
        *((name, np.float64) for name in ("lower_m", "upper_m", "climb_m_s", "climb_drift_m_s")),
        ("separation_m", np.float64),
    ],
    align=True,
)
"""As detente.core.watch.Observed: ``speed_m_s`` 0 where unknown, ``lower_m`` and ``upper_m``
infinite where unbounded, ``climb_drift_m_s`` infinite where unknown."""

WAY = np.dtype(
    [
        (name, np.float64)
        for name in (
            "radius_m", "drift_m_s", "separation_m", "lower_m", "upper_m", "sink_m_s", "rise_m_s",
            "leg_s", "leg_m", "sag_m",
        )
    ]
)  # fmt: skip
"""Of one track from now on: the disc's radius now and how fast it grows, what is kept around
it, the altitudes now and how fast they widen downwards and upwards, how long a leg takes and
is, and how deep under the surface it runs."""

LEG_M = 10_000.0
"""A leg at most: it runs at most 2 m under the surface, which lengthens no distance by more
than 0.02 m from 100 m on, and turns by less than 0.1 mm from its geodesic."""

_STEP_M = 50_000.0
"""The integration is off by less than 0.01 mm a step of this length."""

_E7 = 1e7
_US = 1e-6

Motion = tuple[float, float, float, float, float, float]
"""A place, earth-centred metres, and the direction of the way there, a unit vector."""


@jit
def bend(px: float, py: float, pz: float, tx: float, ty: float, tz: float) -> Point:
    """How a geodesic bends at a place ``p`` in a direction ``t``: towards the normal only."""
    equatorial = 1.0 / SEMI_MAJOR_M**2
    polar = equatorial / (1 - ECCENTRICITY_SQUARED)
    gx, gy, gz = px * equatorial, py * equatorial, pz * polar
    f = (tx * tx + ty * ty) * equatorial + tz * tz * polar
    f /= -(gx * gx + gy * gy + gz * gz)
    return f * gx, f * gy, f * gz


@jit
def advanced(m: Motion, s: float) -> Motion:
    """The place and direction ``s`` metres on along a geodesic, at most _STEP_M.

    Source:
        Runge and Kutta's classical method of order 4, of x' = t, t' = bend(x, t).
    """
    x, y, z, u, v, w = m
    h = s / 2
    ax, ay, az = bend(x, y, z, u, v, w)
    u2, v2, w2 = u + h * ax, v + h * ay, w + h * az
    bx, by, bz = bend(x + h * u, y + h * v, z + h * w, u2, v2, w2)
    u3, v3, w3 = u + h * bx, v + h * by, w + h * bz
    cx, cy, cz = bend(x + h * u2, y + h * v2, z + h * w2, u3, v3, w3)
    u4, v4, w4 = u + s * cx, v + s * cy, w + s * cz
    dx, dy, dz = bend(x + s * u3, y + s * v3, z + s * w3, u4, v4, w4)
    g = s / 6
    return (
        x + g * (u + 2 * u2 + 2 * u3 + u4),
        y + g * (v + 2 * v2 + 2 * v3 + v4),
        z + g * (w + 2 * w2 + 2 * w3 + w4),
        u + g * (ax + 2 * bx + 2 * cx + dx),
        v + g * (ay + 2 * by + 2 * cy + dy),
        w + g * (az + 2 * bz + 2 * cz + dz),
    )


@jit
def far_on(m: Motion, s: float) -> Motion:
    """The same, however far; backwards if ``s`` is negative."""
    steps = int(np.ceil(abs(s) / _STEP_M))
    for _ in range(steps):
        m = advanced(m, s / steps)
    return m


@jit
def fixed(track: Record) -> Motion:
    """Where a track was seen, and which way it went."""
    place = np.empty(5)
    lon_deg, lat_deg = track.longitude_e7 / _E7, track.latitude_e7 / _E7
    on_earth(lon_deg, lat_deg, place)
    lon, lat, course = np.radians(lon_deg), np.radians(lat_deg), np.radians(track.course_deg)
    north, east = np.cos(course), np.sin(course)
    return (
        place[0],
        place[1],
        place[2],
        -north * np.sin(lat) * np.cos(lon) - east * np.sin(lon),
        -north * np.sin(lat) * np.sin(lon) + east * np.cos(lon),
        north * np.cos(lat),
    )


@jit
def set_out(
    track: Record, now_us: int, horizon_s: float, coast_s: float, way: Record
) -> tuple[int, Motion]:
    """What a track is from now on: fills ``way``.

    Args:
        track: TRACK.
        now_us: Microseconds since 1970.
        horizon_s: How far to look ahead.
        coast_s: How old course and speed may be before they count as unknown.
        way: WAY.

    Returns:
        How many legs there are, one at least; and where it is now.
    """
    age_s = float(now_us - track.fix_us) * _US
    grown_s = min(abs(age_s), float(TRACK_GROWTH_MAX_S))
    speed, drift = track.speed_m_s, track.drift_m_s
    climb, climb_drift = track.climb_m_s, track.climb_drift_m_s
    if abs(age_s) > coast_s:
        speed, drift = 0.0, drift + speed
        climb, climb_drift = 0.0, climb_drift + abs(climb)
    way.radius_m = track.accuracy_m + drift * grown_s
    way.drift_m_s = drift if abs(age_s) < TRACK_GROWTH_MAX_S else 0.0
    way.separation_m = track.separation_m
    way.lower_m, way.upper_m, way.sink_m_s, way.rise_m_s = -np.inf, np.inf, 0.0, 0.0
    if climb_drift < np.inf:
        # Altitudes go on widening: what falls silent does not keep its height for six hours.
        way.lower_m = track.lower_m + climb * age_s - climb_drift * abs(age_s)
        way.upper_m = track.upper_m + climb * age_s + climb_drift * abs(age_s)
        way.sink_m_s, way.rise_m_s = climb_drift - climb, climb_drift + climb
    legs = max(1, int(np.ceil(speed * horizon_s / LEG_M)))
    way.leg_s = horizon_s / legs
    leg_m = speed * way.leg_s
    way.sag_m = leg_m * leg_m / (8 * CURVATURE_RADIUS_MIN_M)
    way.leg_m = leg_m
    return legs, far_on(fixed(track), speed * age_s)
