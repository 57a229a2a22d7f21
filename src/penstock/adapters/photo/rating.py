"""From scores to the rating and its class. Pure arithmetic without picture libraries, so it loads at once."""

from __future__ import annotations

import math
from collections.abc import Mapping

WEIGHTS = {
    "clip_aesthetic_score": 0.23,
    "nima_score": 0.20,
    "blur_score": 0.17,
    "brightness_score": 0.17,
    "contrast_score": 0.13,
    "brisque_score": 0.10,
}
"""What each score counts in QR; they sum to 1. BRISQUE (0–100, lower is better) counts turned round."""

CLASSES = ((7.5, "Top"), (6.5, "Good"), (5.5, "Average"), (4.5, "Low"))
SCORES = tuple(WEIGHTS)


def quality_rating(scores: Mapping[str, float | None]) -> float | None:
    """QR, 0 to 10 with 2 decimals; None unless every score is a finite number."""
    values = {name: scores.get(name) for name in SCORES}
    if any(value is None or not math.isfinite(value) for value in values.values()):
        return None
    values["brisque_score"] = 10 * (1 - min((values["brisque_score"] or 0.0) / 100, 1.0))
    return round(sum(weight * (values[name] or 0.0) for name, weight in WEIGHTS.items()), 2)


def qc_class(qr: float | None) -> str:
    """Top, Good, Average, Low or Very Low; NA when there is no rating."""
    if qr is None or not math.isfinite(qr):
        return "NA"
    return next((name for least, name in CLASSES if qr >= least), "Very Low")


def fallback_nima(brightness: float, contrast: float) -> float:
    """0 to 10, where no NIMA model is configured."""
    return (brightness + contrast) / 2


def fallback_brisque(blur: float, brightness: float, contrast: float, nima: float) -> float:
    """0 to 100, where no BRISQUE model is found."""
    return 100 * (1 - (0.35 * blur + 0.20 * brightness + 0.20 * contrast + 0.25 * nima) / 10)


def fallback_clip(nima: float, blur: float, brightness: float, contrast: float) -> float:
    """0 to 10, where no CLIP aesthetic model is configured."""
    return clamped(0.55 * nima + 0.20 * blur + 0.15 * brightness + 0.10 * contrast, 0, 10)


def clamped(value: float, low: float, high: float) -> float:
    """`value`, not below `low` and not above `high`."""
    return float(min(max(value, low), high))
