"""BRISQUE: how unnatural a picture looks to its own statistics. No reference picture is needed.

Method: Mittal, Moorthy, Bovik, "No-Reference Image Quality Assessment in the Spatial Domain", IEEE TIP 2012:
two scales of 18 features each (generalised Gaussian fits to normalised luminance and to products of
neighbours), then a support vector regression. The regression's numbers are read from a libsvm model file.
"""

from __future__ import annotations

import importlib.util
import math
import pickletools
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from penstock.adapters.photo.rating import clamped
from penstock.adapters.photo.vision import opencv
from penstock.engine.errors import Blocking

SIDE = 512
FEATURES = 36
_WINDOW, _SIGMA, _STABLE = 7, 7 / 6, 1 / 255
_TINY = 1e-12
_ALPHAS = np.arange(0.2, 10.001, 0.001)

Grey = NDArray[np.float32]
Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Model:
    """An RBF support vector regression over 36 features that are scaled from [low, high] to [-1, 1]."""

    vectors: Vector
    weights: Vector
    gamma: float
    rho: float
    low: Vector
    high: Vector

    def predict(self, features: Vector) -> float:
        """The score of 36 raw features; about 0 (natural) to 100 (distorted)."""
        scaled = -1 + 2 * (features - self.low) / (self.high - self.low)
        near = np.exp(-self.gamma * ((self.vectors - scaled) ** 2).sum(axis=1))
        return float(self.weights @ near - self.rho)


def score(grey: NDArray[np.uint8], model: Model) -> float:
    """BRISQUE of a grey picture (height × width, 0–255) at 512 px: 0 to 100, lower is better."""
    cv2 = opencv()
    height, width = grey.shape
    scale = min(1.0, SIDE / max(height, width))
    if scale < 1:
        size = max(1, round(width * scale)), max(1, round(height * scale))
        grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    return clamped(model.predict(features(np.divide(grey, 255, dtype=np.float32))), 0, 100)


def features(grey: Grey) -> Vector:
    """The 36 features of a grey picture with values 0 to 1."""
    cv2 = opencv()
    half = (max(1, grey.shape[1] // 2), max(1, grey.shape[0] // 2))
    return np.array(_scale(grey) + _scale(cv2.resize(grey, half, interpolation=cv2.INTER_CUBIC)))


def _scale(grey: Grey) -> list[float]:
    normal = _normalised(grey)
    alpha, left, right = _fit(normal)
    found = [alpha, (left + right) / 2]
    for product in _products(normal):
        alpha, left, right = _fit(product)
        found += [alpha, _mean(alpha, left, right), left, right]
    return found


def _normalised(grey: Grey) -> Grey:
    """Luminance less its local mean, over its local deviation."""
    cv2 = opencv()
    kernel = cv2.getGaussianKernel(_WINDOW, _SIGMA, cv2.CV_32F)
    mean = cv2.sepFilter2D(grey, cv2.CV_32F, kernel, kernel, borderType=cv2.BORDER_CONSTANT)
    square = cv2.sepFilter2D(grey * grey, cv2.CV_32F, kernel, kernel, borderType=cv2.BORDER_CONSTANT)
    deviation = cv2.sqrt(cv2.absdiff(mean * mean, square))
    return np.asarray((grey - mean) / (deviation + np.float32(_STABLE)), dtype=np.float32)


def _products(normal: Grey) -> list[Grey]:
    """Each pixel times its neighbour to the right, below, below right and below left."""
    cv2 = opencv()
    pairs = (
        (normal[:, :-1], normal[:, 1:]),
        (normal[:-1], normal[1:]),
        (normal[:-1, :-1], normal[1:, 1:]),
        (normal[1:, :-1], normal[:-1, 1:]),
    )
    return [cv2.multiply(one, other) if one.size else np.zeros((1, 1), np.float32) for one, other in pairs]


def _fit(values: Grey) -> tuple[float, float, float]:
    """Shape, left and right variance of the asymmetric generalised Gaussian with these moments."""
    cv2 = opencv()
    below = cv2.min(values, 0.0)
    squares, squares_left = cv2.norm(values, cv2.NORM_L2SQR), cv2.norm(below, cv2.NORM_L2SQR)
    count, count_left = values.size, cv2.countNonZero(below)
    left = squares_left / max(1, count_left)
    right = max(0.0, squares - squares_left) / max(1, count - count_left)
    ratio = math.sqrt(left / max(right, _TINY))
    peak = (cv2.norm(values, cv2.NORM_L1) / count) ** 2 / max(squares / count, _TINY)
    wanted = peak * (ratio**3 + 1) * (ratio + 1) / (ratio**2 + 1) ** 2
    return _shape(wanted), left, right


def _shape(wanted: float) -> float:
    place = int(np.searchsorted(_shapes(), wanted))
    return float(_ALPHAS[min(place, len(_ALPHAS) - 1)])


@cache
def _shapes() -> Vector:
    """gamma(2/a)² / (gamma(1/a)·gamma(3/a)) for each shape a: grows with a."""
    return np.array([math.gamma(2 / a) ** 2 / (math.gamma(1 / a) * math.gamma(3 / a)) for a in _ALPHAS])


def _mean(alpha: float, left: float, right: float) -> float:
    width = math.sqrt(math.gamma(1 / alpha) / math.gamma(3 / alpha))
    return (math.sqrt(right) - math.sqrt(left)) * width * math.gamma(2 / alpha) / math.gamma(1 / alpha)


@cache
def find_model(configured: str = "") -> Model | None:
    """The model in the configured folder, else in an installed `brisque` package (not imported), else None.

    The folder holds `svm.txt` (libsvm) and the feature ranges as `range.txt` (svm-scale) or
    `normalize.pickle` (read as data, never executed). Raises Blocking (`config`) when a configured one is
    missing or unusable.
    """
    folder = Path(configured) if configured else _installed()
    if folder is None or not (configured or (folder / "svm.txt").is_file()):
        return None
    try:
        return _load(folder)
    except (OSError, ValueError, LookupError) as error:
        raise Blocking(
            f"the BRISQUE model in {folder} cannot be used: {error}; correct or clear the setting",
            code="config",
        ) from error


def _installed() -> Path | None:
    spec = importlib.util.find_spec("brisque")
    places = spec.submodule_search_locations if spec else None
    return Path(next(iter(places))) / "models" if places else None


def _load(folder: Path) -> Model:
    head, _, body = (folder / "svm.txt").read_text("ascii").partition("\nSV\n")
    facts = dict(line.split(maxsplit=1) for line in head.splitlines())
    if facts.get("svm_type") != "epsilon_svr" or facts.get("kernel_type") != "rbf":
        raise ValueError("svm.txt is no RBF regression")
    rows = [_row(line) for line in body.splitlines() if line.strip()]
    low, high = _ranges(folder)
    if len(low) != FEATURES or len(high) != FEATURES or not np.all(high > low):
        raise ValueError("the feature ranges are not 36 pairs of low and high")
    return Model(
        vectors=np.array([vector for _, vector in rows]),
        weights=np.array([weight for weight, _ in rows]),
        gamma=float(facts["gamma"]),
        rho=float(facts["rho"]),
        low=low,
        high=high,
    )


def _row(line: str) -> tuple[float, list[float]]:
    weight, *cells = line.split()
    vector = [0.0] * FEATURES
    for cell in cells:
        index, _, value = cell.partition(":")
        if not 1 <= int(index) <= FEATURES:
            raise ValueError(f"svm.txt has a feature {index}")
        vector[int(index) - 1] = float(value)
    return float(weight), vector


def _ranges(folder: Path) -> tuple[Vector, Vector]:
    text = folder / "range.txt"
    if text.is_file():
        lines = [line.split() for line in text.read_text("ascii").splitlines()[2:] if line.strip()]
        return np.array([float(line[1]) for line in lines]), np.array([float(line[2]) for line in lines])
    lists = _lists((folder / "normalize.pickle").read_bytes())
    return np.array(lists["min_"]), np.array(lists["max_"])


def _lists(data: bytes) -> dict[str, list[float]]:
    """The named lists of floats in a pickle, by reading its opcodes: nothing in it is ever called."""
    found: dict[str, list[float]] = {}
    current: list[float] = []
    for opcode, value, _ in pickletools.genops(data):
        known: Any = value
        if opcode.name in {"SHORT_BINUNICODE", "BINUNICODE"}:
            current = found.setdefault(str(known), [])
        elif opcode.name == "BINFLOAT":
            current.append(float(known))
    return found
