"""The quality scores of a photo, measured in its upright working copy."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypedDict, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from penstock.adapters.photo import aesthetic, brisque, classifier
from penstock.adapters.photo.headers import opened
from penstock.adapters.photo.hints import Hint
from penstock.adapters.photo.light import Light, light_facts
from penstock.adapters.photo.rating import (
    clamped,
    fallback_brisque,
    fallback_clip,
    fallback_nima,
    qc_class,
    quality_rating,
)
from penstock.adapters.photo.vision import opencv


class Models(TypedDict, total=False):
    """Local paths: `nima` and `clip` ONNX weights, `brisque` and `classifier` folders. Absent or "" = none."""

    nima: str
    clip: str
    brisque: str
    classifier: str


class Scored(TypedDict):
    """Every score is a number with 2 decimals; `scorers` says per column: model, measured or fallback.

    `hints` is empty without a classifier.
    """

    nima_score: float
    brisque_score: float
    clip_aesthetic_score: float
    blur_score: float
    brightness_score: float
    contrast_score: float
    QR: float
    QC_Status: str
    scorers: dict[str, str]
    light: Light
    hints: list[Hint]


def score(path: str | Path, models: Models | None = None) -> Scored:
    """Score the working copy at `path`.

    Raises ItemError when it cannot be read, Blocking when configured weights cannot be used.
    """
    with opened(path) as image:
        picture = image.convert("RGB")
    return of_picture(picture, models or {})


def of_picture(picture: Image.Image, models: Models) -> Scored:
    """Score an upright sRGB picture of at most 1024 px."""
    cv2 = opencv()
    rgb = np.asarray(picture)
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    mean, deviation = _moments(grey)
    laplacian = _moments(cv2.Laplacian(grey, cv2.CV_16S))[1] ** 2
    measured = {
        "blur_score": 10 * min(laplacian / 200, 1.0),
        "brightness_score": 10 * clamped(1 - abs(mean - 128) / 128, 0.0, 1.0),
        "contrast_score": 10 * min(deviation / 64, 1.0),
    }
    values = measured | _judged(picture, grey, measured, models)
    rounded: dict[str, Any] = {name: round(value, 2) for name, value in values.items()}
    qr = quality_rating(rounded)
    facts = light_facts(rgb, mean, deviation, laplacian)
    folder = models.get("classifier")
    hints = classifier.hints(picture, folder) if folder else []
    rounded |= {"QR": qr, "QC_Status": qc_class(qr), "scorers": _scorers(models), "light": facts, "hints": hints}
    return cast(Scored, rounded)


def _moments(values: NDArray[Any]) -> tuple[float, float]:
    mean, deviation = opencv().meanStdDev(values)
    return float(mean[0][0]), float(deviation[0][0])


def _judged(
    picture: Image.Image, grey: NDArray[np.uint8], measured: dict[str, float], models: Models
) -> dict[str, float]:
    """NIMA, BRISQUE and CLIP by their models, or by formulas over what was measured."""
    blur, light, contrast = (measured[f"{name}_score"] for name in ("blur", "brightness", "contrast"))
    weights = models.get("nima")
    nima = aesthetic.nima(picture, weights) if weights else fallback_nima(light, contrast)
    model = brisque.find_model(models.get("brisque", ""))
    weights = models.get("clip")
    return {
        "nima_score": nima,
        "brisque_score": (brisque.score(grey, model) if model else fallback_brisque(blur, light, contrast, nima)),
        "clip_aesthetic_score": (
            aesthetic.clip_aesthetic(picture, weights) if weights else fallback_clip(nima, blur, light, contrast)
        ),
    }


def _scorers(models: Models) -> dict[str, str]:
    found = {
        "nima_score": bool(models.get("nima")),
        "brisque_score": brisque.find_model(models.get("brisque", "")) is not None,
        "clip_aesthetic_score": bool(models.get("clip")),
    }
    chosen = {name: "model" if model else "fallback" for name, model in found.items()}
    return chosen | dict.fromkeys(("blur_score", "brightness_score", "contrast_score"), "measured")
