"""Scores in words."""

from __future__ import annotations

SCORE_NAMES = {
    "clip_aesthetic_score": "Aesthetics",
    "nima_score": "NIMA",
    "blur_score": "Sharpness",
    "brightness_score": "Brightness",
    "contrast_score": "Contrast",
    "brisque_score": "BRISQUE (lower is better)",
}
