"""Optional zero-shot classifier from a local folder: which of its labels the picture shows.

Contract of the folder:
- `image.onnx`: a CLIP-like image encoder as `weights` asks it (middle square, CLIP's mean and deviation); its
  first output is the embedding of the picture, of any length.
- `labels.json`: a list of `{"family": …, "label": …}`, 2 to 10,000, each text of 1 to 60 printable characters;
  family `nature` counts from 0.55, every other family from 0.40.
- `labels.npy`: float32, one row per label in that order: the text encoder's embedding, L2-normalised.
- `preprocess.json`, optional, where the model differs from CLIP: `mean` and `std` (3 numbers each, of values
  from 0 to 1) and `scale` (the logit scale, 100 when absent).

The chance of a label is the softmax over all labels of scale × cosine, as in Radford et al. 2021, "Learning
Transferable Visual Models From Natural Language Supervision", §3.1.2.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from penstock.adapters.photo.aesthetic import softmax
from penstock.adapters.photo.hints import FILES, Hint, threshold
from penstock.adapters.photo.weights import CLIP, Normal, ask, unusable

_SCALE = 100.0
_MOST_LABELS, _MOST_CHARACTERS = 10_000, 60
_UNIT = 0.01  # how far the length of a label's embedding may be from 1


@dataclass(frozen=True, slots=True)
class _Labels:
    """The labels with their embeddings (labels × length), and how the picture is prepared."""

    names: tuple[tuple[str, str], ...]
    vectors: NDArray[np.float64]
    normal: Normal
    scale: float


def hints(picture: Image.Image, folder: str) -> list[Hint]:
    """The labels that reach the threshold of their family, most certain first; scores have 4 decimals.

    Raises Blocking (`config`) when the folder cannot be used.
    """
    labels = _labels(folder)
    seen = ask(picture, str(Path(folder) / FILES[0]), labels.normal, square=False)
    if seen.size != labels.vectors.shape[1]:
        raise unusable(folder, f"labels.npy has {labels.vectors.shape[1]} values per label, the model {seen.size}")
    length = float(np.linalg.norm(seen)) or 1.0
    chances = softmax(labels.scale * (labels.vectors @ (seen / length)))
    scored = [
        Hint(family=family, label=label, score=round(float(chance), 4))
        for (family, label), chance in zip(labels.names, chances, strict=True)
    ]
    sure = [hint for hint in scored if hint["score"] >= threshold(hint["family"])]
    return sorted(sure, key=lambda hint: (-hint["score"], hint["label"]))


def forget() -> None:
    """Read every folder anew next time."""
    _labels.cache_clear()


@cache
def _labels(folder: str) -> _Labels:
    place = Path(folder)
    missing = [name for name in FILES if not (place / name).is_file()]
    if missing:
        raise unusable(folder, f"it holds no {' and no '.join(missing)}")
    names = _names(folder, _json(folder, "labels.json"))
    normal, scale = _preparation(folder)
    return _Labels(names, _vectors(folder, len(names)), normal, scale)


def _names(folder: str, found: Any) -> tuple[tuple[str, str], ...]:
    if not isinstance(found, list) or not 2 <= len(found) <= _MOST_LABELS:
        raise unusable(folder, f"labels.json is no list of 2 to {_MOST_LABELS} labels")
    for number, one in enumerate(found, 1):
        if not isinstance(one, dict) or not all(_is_word(one.get(key)) for key in ("family", "label")):
            raise unusable(folder, f"entry {number} of labels.json lacks a short family or label")
    return tuple((one["family"].strip(), one["label"].strip()) for one in found)


def _is_word(value: Any) -> bool:
    return isinstance(value, str) and value.isprintable() and 0 < len(value.strip()) <= _MOST_CHARACTERS


def _vectors(folder: str, rows: int) -> NDArray[np.float64]:
    try:
        found = np.asarray(np.load(Path(folder) / "labels.npy", allow_pickle=False), dtype=np.float64)
    except (OSError, ValueError, EOFError, TypeError) as error:
        raise unusable(folder, f"labels.npy cannot be read: {error}") from error
    if found.ndim != 2 or found.shape[0] != rows or not found.size:
        raise unusable(folder, f"labels.npy has the shape {found.shape}, not one row for each of {rows} labels")
    if not np.all(np.abs(np.linalg.norm(found, axis=1) - 1) <= _UNIT):  # false for NaN too
        raise unusable(folder, "the rows of labels.npy are not L2-normalised")
    return found


def _preparation(folder: str) -> tuple[Normal, float]:
    facts = _json(folder, "preprocess.json") if (Path(folder) / "preprocess.json").is_file() else {}
    if not isinstance(facts, dict):
        raise unusable(folder, "preprocess.json is no object")
    mean, deviation = facts.get("mean", CLIP[0]), facts.get("std", CLIP[1])
    scale = facts.get("scale", _SCALE)
    if not (_are_numbers(mean) and _are_numbers(deviation) and min(deviation) > 0):
        raise unusable(folder, "mean and std of preprocess.json must be three numbers each, std above 0")
    if not _is_number(scale) or scale <= 0:
        raise unusable(folder, "scale of preprocess.json must be a number above 0")
    return (tuple(mean), tuple(deviation)), float(scale)


def _are_numbers(values: Any) -> bool:
    return isinstance(values, list | tuple) and len(values) == 3 and all(map(_is_number, values))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _json(folder: str, name: str) -> Any:
    try:
        return json.loads((Path(folder) / name).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise unusable(folder, f"{name} cannot be read: {error}") from error
