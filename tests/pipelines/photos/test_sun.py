from __future__ import annotations

from datetime import datetime

import pytest

from penstock.pipelines.photos.sun import sun_height


@pytest.mark.parametrize(
    ("local", "offset", "latitude", "longitude", "height", "tolerance"),
    [
        # noon height is 90° - |latitude - declination|; declination is ±23.44° at solstices, 0° at equinoxes
        (datetime(2026, 6, 21, 12, 2), 0, 51.48, 0.0, 90 - 51.48 + 23.44, 0.1),
        (datetime(2026, 12, 21, 11, 58), 0, 51.48, 0.0, 90 - 51.48 - 23.44, 0.1),
        (datetime(2026, 3, 20, 12, 7), 0, 0.0, 0.0, 90.0, 0.6),
        # published sunrise and sunset of Amsterdam on 21 December 2026: 08:48 and 16:29
        (datetime(2026, 12, 21, 8, 48), 1, 52.37, 4.9, -0.83, 0.5),
        (datetime(2026, 12, 21, 16, 29), 1, 52.37, 4.9, -0.83, 0.5),
        # midnight sun
        (datetime(2026, 6, 21, 0, 44), 2, 69.65, 18.96, 3.1, 0.3),
    ],
)
def test_the_height_agrees_with_astronomy(
    local: datetime, offset: float, latitude: float, longitude: float, height: float, tolerance: float
) -> None:
    assert sun_height(local, offset, latitude, longitude) == pytest.approx(height, abs=tolerance)
