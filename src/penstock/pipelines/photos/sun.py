"""The height of the sun over the horizon.

Source: NOAA Global Monitoring Laboratory, "General Solar Position Calculations" (Spencer's Fourier series for
the equation of time and the declination). Good to about half a degree for the years 1950 to 2050; no refraction.
"""

from __future__ import annotations

import math
from datetime import datetime


def sun_height(local: datetime, offset_hours: float, latitude: float, longitude: float) -> float:
    """Degrees of the sun's centre over the horizon; `local` is the wall-clock time at UTC + `offset_hours`."""
    hour = local.hour + local.minute / 60 + local.second / 3600
    year_angle = 2 * math.pi / 365 * (local.timetuple().tm_yday - 1 + (hour - offset_hours - 12) / 24)
    declination = _declination(year_angle)
    solar_minutes = hour * 60 + _equation_of_time(year_angle) + 4 * longitude - 60 * offset_hours
    hour_angle = math.radians(solar_minutes / 4 - 180)
    phi = math.radians(latitude)
    sine = math.sin(phi) * math.sin(declination) + math.cos(phi) * math.cos(declination) * math.cos(hour_angle)
    return math.degrees(math.asin(max(-1.0, min(1.0, sine))))


def _equation_of_time(year_angle: float) -> float:
    """Minutes."""
    return 229.18 * (
        0.000075
        + 0.001868 * math.cos(year_angle)
        - 0.032077 * math.sin(year_angle)
        - 0.014615 * math.cos(2 * year_angle)
        - 0.040849 * math.sin(2 * year_angle)
    )


def _declination(year_angle: float) -> float:
    """Radians."""
    return (
        0.006918
        - 0.399912 * math.cos(year_angle)
        + 0.070257 * math.sin(year_angle)
        - 0.006758 * math.cos(2 * year_angle)
        + 0.000907 * math.sin(2 * year_angle)
        - 0.002697 * math.cos(3 * year_angle)
        + 0.00148 * math.sin(3 * year_angle)
    )
