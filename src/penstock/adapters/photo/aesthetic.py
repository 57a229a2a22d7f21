"""Optional learned scores from local ONNX weights: NIMA and the CLIP aesthetic predictor.

Contract of a weights file: one input, N×3×H×W or N×H×W×3 float32; fixed H and W are honoured, 224 otherwise.
NIMA answers ten values (chances of the marks 1 to 10, softmax applied when they do not sum to 1) or one
score. CLIP answers one score, or an embedding when a linear head lies beside it as `<name>.head.npz` (arrays
`weight`, as long as the embedding, and `bias`; the published layers have no activations, so they multiply
into one).
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from penstock.adapters.photo.rating import clamped
from penstock.engine.errors import Blocking

_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_CLIP = ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))
_SIDE = 224


def nima(picture: Image.Image, weights: str) -> float:
    """NIMA mean mark, 0 to 10. Raises Blocking (`config`) when the weights are missing or unusable."""
    answer = _ask(picture, weights, _IMAGENET, square=True)
    if answer.size == 10:
        chances = answer if abs(answer.sum() - 1) < 0.01 and answer.min() >= 0 else _softmax(answer)
        return clamped(float(chances @ np.arange(1, 11)), 0, 10)
    return _single(answer, weights)


def clip_aesthetic(picture: Image.Image, weights: str) -> float:
    """CLIP aesthetic score, 0 to 10. Raises Blocking (`config`) when the weights are missing or unusable."""
    answer = _ask(picture, weights, _CLIP, square=False)
    head = Path(weights).with_suffix(".head.npz")
    if answer.size == 1 or not head.is_file():
        return _single(answer, weights)
    weight, bias = _head(str(head))
    if weight.size != answer.size:
        raise _unusable(weights, f"its head takes {weight.size} values, the model gives {answer.size}")
    length = float(np.linalg.norm(answer)) or 1.0
    return clamped(float(answer / length @ weight) + bias, 0, 10)


def _ask(
    picture: Image.Image, weights: str, normal: tuple[tuple[float, ...], ...], *, square: bool
) -> NDArray[np.float64]:
    session = _session(weights)
    source = session.get_inputs()[0]
    pixels = _pixels(picture, source.shape, normal, square=square)
    try:
        answer = session.run(None, {source.name: pixels})[0]
    except Exception as error:  # onnxruntime's own exception types are not public
        raise _unusable(weights, str(error)) from error
    values = np.asarray(answer, dtype=np.float64).ravel()
    if not values.size or not np.isfinite(values).all():
        raise _unusable(weights, "it answered no finite number")
    return values


@cache
def _session(weights: str) -> Any:
    if not Path(weights).is_file():
        raise _unusable(weights, "the file is not there")
    try:
        import onnxruntime  # type: ignore[import-not-found,import-untyped,unused-ignore]
    except ImportError as error:
        raise _unusable(weights, 'onnxruntime is not installed (pip install "penstock[photos-ml]")') from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    try:
        return onnxruntime.InferenceSession(weights, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # as above
        raise _unusable(weights, str(error)) from error


def _pixels(
    picture: Image.Image, shape: list[Any], normal: tuple[tuple[float, ...], ...], *, square: bool
) -> NDArray[np.float32]:
    """The model's input: squeezed to a square (NIMA), or its middle square (CLIP)."""
    last = len(shape) == 4 and shape[3] == 3
    sides = [side for side in (shape[1:3] if last else shape[2:4]) if isinstance(side, int) and side > 0]
    size = (sides[-1], sides[0]) if len(sides) == 2 else (_SIDE, _SIDE)
    edge = min(picture.size)
    left, top = (picture.width - edge) / 2, (picture.height - edge) / 2
    box = None if square else (left, top, left + edge, top + edge)
    small = np.asarray(picture.resize(size, Image.Resampling.BICUBIC, box=box), dtype=np.float32) / 255
    mean, deviation = (np.array(part, dtype=np.float32) for part in normal)
    ready = (small - mean) / deviation
    return np.ascontiguousarray((ready if last else ready.transpose(2, 0, 1))[None])


@cache
def _head(path: str) -> tuple[NDArray[np.float64], float]:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return np.asarray(arrays["weight"], dtype=np.float64).ravel(), float(arrays["bias"].ravel()[0])
    except (OSError, ValueError, LookupError, EOFError) as error:
        raise _unusable(path, str(error)) from error


def _softmax(values: NDArray[np.float64]) -> NDArray[np.float64]:
    raised: NDArray[np.float64] = np.exp(values - values.max())
    chances: NDArray[np.float64] = raised / raised.sum()
    return chances


def _single(answer: NDArray[np.float64], weights: str) -> float:
    if answer.size != 1:
        raise _unusable(weights, f"it answers {answer.size} values where one score is expected")
    return clamped(float(answer[0]), 0, 10)


def _unusable(weights: str, why: str) -> Blocking:
    return Blocking(
        f"the scoring weights {weights} cannot be used: {why[:200]}; correct or clear the setting",
        code="config",
    )
