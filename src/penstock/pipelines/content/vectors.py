"""Search phrases as vectors: their words without what only modifies a search, and runs of three letters of them.

Words weigh by how rare they are in the set (inverse document frequency). Features are hashed to a fixed number of
columns with a sign (feature hashing, Weinberger et al. 2009), so a vector needs no vocabulary."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

COLUMNS = 384
LETTERS = 0.45  # weight of a run of letters beside a whole word
_WORD = re.compile(r"[^\W_]+")
MODIFIERS = frozenset(
    "a an and are at best buy by can cheap do does easy for from free get good how i ideas in is it list me my near "
    "new of on online or price review reviews tips to top vs what when where which who why with without you your "
    "und der die das fur mit von wie was beste de het een voor van met hoe le la les du des pour avec comment".split()
)

Vectors = NDArray[np.float32]


def vectors(texts: Sequence[str]) -> Vectors:
    """One row of length 1 per text; the inner product of two rows is how alike they are (1 = the same)."""
    features = [_features(text) for text in texts]
    seen = Counter(name for one in features for name in one)
    places = {name: _place(name) for name in seen}
    rarity = {name: float(np.log((1 + len(texts)) / (1 + n)) + 1) for name, n in seen.items()}
    out = np.zeros((len(texts), COLUMNS), np.float32)
    for row, one in enumerate(features):
        for name, weight in one.items():
            column, sign = places[name]
            out[row, column] += sign * weight * rarity[name]
    lengths: Vectors = np.sqrt((out * out).sum(axis=1, keepdims=True), dtype=np.float32)
    out /= np.maximum(lengths, np.float32(1e-9))
    return out


def words(text: str) -> list[str]:
    """The words that say what is searched, in their order; all of them when nothing else is left."""
    plain = _plain(text)
    every = _WORD.findall(plain)
    return [_stem(word) for word in every if word not in MODIFIERS and not _is_year(word)] or every or [plain]


def _features(text: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for word in words(text):
        found[word] = 1.0
        framed = f"^{word}$"
        for at in range(len(framed) - 2):
            found[f"/{framed[at : at + 3]}"] = LETTERS
    return found


def _plain(text: str) -> str:
    """Without case and accents."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in apart if not unicodedata.combining(c))


def _stem(word: str) -> str:
    """English plurals lose their ending; what is left need be no word."""
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def _is_year(word: str) -> bool:
    return len(word) == 4 and word.isdecimal() and word[:2] in ("19", "20")


def _place(name: str) -> tuple[int, float]:
    """Column and sign of a feature: the same in every process."""
    number = crc32(name.encode())
    return number % COLUMNS, 1.0 if number & (1 << 30) else -1.0
