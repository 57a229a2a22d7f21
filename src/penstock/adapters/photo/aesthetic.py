"""Optional learned scores from local ONNX weights: NIMA and the CLIP aesthetic predictor.

NIMA answers ten values (chances of the marks 1 to 10, softmax applied when they do not sum to 1) or one
score. CLIP answers one score, or an embedding when a linear head lies beside it as `<name>.head.npz` (arrays
`weight`, as long as the embedding, and `bias`; the published layers have no activations, so they multiply
into one).
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from penstock.adapters.photo.rating import clamped
from penstock.adapters.photo.weights import CLIP, IMAGENET, ask, unusable


def nima(picture: Image.Image, weights: str) -> float:
    """NIMA mean mark, 0 to 10. Raises Blocking (`config`) when the weights are missing or unusable."""
    answer = ask(picture, weights, IMAGENET, square=True)
    if answer.size == 10:
        chances = answer if abs(answer.sum() - 1) < 0.01 and answer.min() >= 0 else softmax(answer)
        return clamped(float(chances @ np.arange(1, 11)), 0, 10)
    return _single(answer, weights)


def clip_aesthetic(picture: Image.Image, weights: str) -> float:
    """CLIP aesthetic score, 0 to 10. Raises Blocking (`config`) when the weights are missing or unusable."""
    answer = ask(picture, weights, CLIP, square=False)
    head = Path(weights).with_suffix(".head.npz")
    if answer.size == 1 or not head.is_file():
        return _single(answer, weights)
    weight, bias = _head(str(head))
    if weight.size != answer.size:
        raise unusable(weights, f"its head takes {weight.size} values, the model gives {answer.size}")
    length = float(np.linalg.norm(answer)) or 1.0
    return clamped(float(answer / length @ weight) + bias, 0, 10)


def softmax(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Chances that sum to 1."""
    raised: NDArray[np.float64] = np.exp(values - values.max())
    chances: NDArray[np.float64] = raised / raised.sum()
    return chances


@cache
def _head(path: str) -> tuple[NDArray[np.float64], float]:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return np.asarray(arrays["weight"], dtype=np.float64).ravel(), float(arrays["bias"].ravel()[0])
    except (OSError, ValueError, LookupError, EOFError) as error:
        raise unusable(path, str(error)) from error


def _single(answer: NDArray[np.float64], weights: str) -> float:
    if answer.size != 1:
        raise unusable(weights, f"it answers {answer.size} values where one score is expected")
    return clamped(float(answer[0]), 0, 10)
