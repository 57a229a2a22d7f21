"""Model weights in local ONNX files, asked about one picture at a time on one thread of the processor.

Contract of a file: one input, N×3×H×W or N×H×W×3 float32; fixed H and W are honoured, 224 otherwise.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from penstock.engine.errors import Blocking

Triple = tuple[float, ...]
Normal = tuple[Triple, Triple]
"""Mean and standard deviation per channel, of values from 0 to 1."""

IMAGENET: Normal = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
CLIP: Normal = ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))
_SIDE = 224


def ask(picture: Image.Image, weights: str, normal: Normal, *, square: bool) -> NDArray[np.float64]:
    """The first output of the model as a flat array of finite numbers.

    `square` squeezes the whole picture into the input, otherwise its middle is taken. Raises Blocking
    (`config`) when the file is missing or unusable, or answers no finite number.
    """
    session = _session(weights)
    source = session.get_inputs()[0]
    pixels = _pixels(picture, source.shape, normal, square=square)
    try:
        answer = session.run(None, {source.name: pixels})[0]
    except Exception as error:  # onnxruntime's own exception types are not public
        raise unusable(weights, str(error)) from error
    values = np.asarray(answer, dtype=np.float64).ravel()
    if not values.size or not np.isfinite(values).all():
        raise unusable(weights, "it answered no finite number")
    return values


def unusable(weights: str | Path, why: str) -> Blocking:
    """The error of weights that cannot be used, saying why and how to mend it."""
    return Blocking(
        f"the model weights {weights} cannot be used: {why[:200]}; correct or clear the setting",
        code="config",
    )


def forget() -> None:
    """Close every model that is open."""
    _session.cache_clear()


@cache
def _session(weights: str) -> Any:
    if not Path(weights).is_file():
        raise unusable(weights, "the file is not there")
    try:
        import onnxruntime  # type: ignore[import-not-found,import-untyped,unused-ignore]
    except ImportError as error:
        raise unusable(weights, 'onnxruntime is not installed (pip install "penstock[photos-ml]")') from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    try:
        return onnxruntime.InferenceSession(weights, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # as above
        raise unusable(weights, str(error)) from error


def _pixels(picture: Image.Image, shape: list[Any], normal: Normal, *, square: bool) -> NDArray[np.float32]:
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
