"""Facts about light, colour and shape, measured in the pixels: what a text may say without having looked."""

from __future__ import annotations

from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from penstock.adapters.photo.vision import opencv

_SIDE = 128  # pixels; areas and averages need no more
_LEAST = 0.08  # share of the picture from which a colour is named
_SHARP = 100.0  # variance of the Laplacian at 1024 px


class Light(TypedDict):
    """tone: dark, dim, balanced, bright · contrast: low, medium, high · warmth: warm, neutral, cool ·
    colours: up to three names, the largest area first · shape: landscape, portrait, square, panorama ·
    sharp: soft, sharp."""

    tone: str
    contrast: str
    warmth: str
    colours: list[str]
    shape: str
    sharp: str


def light_facts(rgb: NDArray[np.uint8], mean: float, deviation: float, laplacian: float) -> Light:
    """The facts of an RGB picture (height × width × 3) whose grey mean, deviation and Laplacian variance
    were measured already."""
    height, width = rgb.shape[:2]
    cv2 = opencv()
    scale = min(1.0, _SIDE / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    return Light(
        tone=_step(mean, ((55, "dark"), (95, "dim"), (165, "balanced")), "bright"),
        contrast=_step(deviation, ((35, "low"), (65, "medium")), "high"),
        warmth=_warmth(small),
        colours=_colours(small),
        shape=shape_of(width, height),
        sharp="sharp" if laplacian >= _SHARP else "soft",
    )


def shape_of(width: int, height: int) -> str:
    """Landscape, portrait, square (within 3 %) or panorama (twice as long as wide, either way)."""
    longer, shorter = max(width, height), max(1, min(width, height))
    if longer >= 2 * shorter:
        return "panorama"
    if longer <= 1.03 * shorter:
        return "square"
    return "landscape" if width > height else "portrait"


def _step(value: float, limits: tuple[tuple[float, str], ...], otherwise: str) -> str:
    return next((name for limit, name in limits if value < limit), otherwise)


def _warmth(small: NDArray[np.uint8]) -> str:
    red, green, blue = small.reshape(-1, 3).mean(axis=0)
    lean = (red - blue) / max(1.0, (red + green + blue) / 3)
    return "warm" if lean > 0.12 else "cool" if lean < -0.12 else "neutral"


def _colours(small: NDArray[np.uint8]) -> list[str]:
    """Names by area; equal areas in the order of `_table`."""
    cv2 = opencv()
    hsv = cv2.cvtColor(small, cv2.COLOR_RGB2HSV).reshape(-1, 3)
    hue, saturation, value = (hsv[:, part].astype(np.int16) for part in range(3))
    table = _table(hue, saturation, value)
    chosen = np.select([mask for _, mask in table], list(range(len(table))), default=len(table))
    shares = np.bincount(chosen, minlength=len(table) + 1)[: len(table)] / len(chosen)
    ranked = sorted(range(len(table)), key=lambda index: (-shares[index], index))
    return [table[index][0] for index in ranked if shares[index] >= _LEAST][:3]


def _table(hue: Any, saturation: Any, value: Any) -> list[tuple[str, Any]]:
    """Each colour's pixels, the first that fits wins. OpenCV hues: 0–179, two degrees each."""
    reddish = (hue < 8) | (hue >= 170)
    return [
        ("black", (value < 45) | ((value < 80) & (saturation < 60))),
        ("white", (saturation < 30) & (value > 200)),
        ("grey", saturation < 40),
        ("brown", (hue >= 4) & (hue < 21) & (value < 150)),
        ("pink", ((hue >= 150) & (hue < 170)) | (reddish & (saturation < 130) & (value > 170))),
        ("red", reddish),
        ("orange", hue < 21),
        ("yellow", hue < 34),
        ("green", hue < 78),
        ("teal", hue < 97),
        ("blue", hue < 130),
        ("purple", hue < 150),
    ]
