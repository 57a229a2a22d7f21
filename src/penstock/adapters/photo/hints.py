"""What the optional classifier says of a photo, and from which score on it counts."""

from __future__ import annotations

from typing import TypedDict

NATURE_THRESHOLD = 0.55
GENERIC_THRESHOLD = 0.40
FILES = ("image.onnx", "labels.json", "labels.npy")
"""What a classifier's folder must hold (see `classifier`)."""


class Hint(TypedDict):
    """One label and its chance, 0 to 1."""

    family: str
    label: str
    score: float


def threshold(family: str) -> float:
    """The smallest score at which a label of this family counts as seen in the picture."""
    return NATURE_THRESHOLD if family == "nature" else GENERIC_THRESHOLD
