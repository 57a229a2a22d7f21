"""A 64-bit perceptual hash (DCT of a 32×32 grey picture) and the search for pictures that look alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from penstock.adapters.photo.vision import opencv

BITS = 64
ALIKE = 8
"""Largest distance at which two pictures count as near duplicates: variants of one photo stay below 4
bits, different photos differ in 21 and more."""

_SMALL = 2_000  # up to here comparing all pairs is quicker than an index
_ROWS = 256
_FLAT = 0.5  # coefficients below this are rounding, not picture

Id = TypeVar("Id")
Words = NDArray[np.uint64]
Indices = NDArray[np.intp]


def phash(grey: NDArray[np.uint8]) -> str:
    """The hash of a grey picture (height × width, 0–255) as 16 hex characters."""
    cv2 = opencv()
    small = cv2.resize(grey, (32, 32), interpolation=cv2.INTER_AREA).astype(np.float32)
    low = cv2.dct(small)[:8, :8].ravel()
    low[np.abs(low) < _FLAT] = 0
    return np.packbits(low > np.median(low)).tobytes().hex()


def distance(a: str, b: str) -> int:
    """How many of the 64 bits differ."""
    return (int(a, 16) ^ int(b, 16)).bit_count()


def near_groups(hashes: Sequence[tuple[Id, str]], limit: int = ALIKE) -> list[list[Id]]:
    """Groups of two or more whose hashes are linked by distances of at most `limit`; ids in the given order.

    Exact. Cut into `limit + 1` bands, two hashes within `limit` share a whole band, so only hashes with an
    equal band are compared. Links chain: the first and the last of a group may differ by more than `limit`.
    """
    words = np.array([int(text, 16) for _, text in hashes], dtype=np.uint64)
    labels = np.arange(len(words))
    for one, other in _pairs(words, limit):
        labels = _joined(labels, one, other)
    groups: dict[int, list[Id]] = {}
    for (name, _), label in zip(hashes, labels.tolist(), strict=True):
        groups.setdefault(label, []).append(name)
    return [group for group in groups.values() if len(group) > 1]


def _pairs(words: Words, limit: int) -> Iterator[tuple[Indices, Indices]]:
    if len(words) <= _SMALL or limit >= 16:
        yield from _close(words, np.arange(len(words)), limit)
        return
    for shift, width in _bands(limit + 1):
        keys = (words >> np.uint64(shift)) & np.uint64((1 << width) - 1)
        order = np.argsort(keys, kind="stable")
        starts = np.flatnonzero(np.diff(keys[order])) + 1
        for bucket in np.split(order, starts):
            yield from _close(words, bucket, limit)


def _bands(count: int) -> Iterator[tuple[int, int]]:
    """(shift, width) of `count` bands that cover the 64 bits."""
    edges = [BITS * band // count for band in range(count + 1)]
    for low, high in pairwise(edges):
        yield low, high - low


def _close(words: Words, members: Indices, limit: int) -> Iterator[tuple[Indices, Indices]]:
    """All pairs among `members` within `limit`, compared in blocks of rows."""
    chosen = words[members]
    for start in range(0, len(members), _ROWS):
        block = chosen[start : start + _ROWS, None] ^ chosen[None, start:]
        rows, columns = np.nonzero(np.bitwise_count(block) <= limit)
        later = rows < columns
        yield members[start + rows[later]], members[start + columns[later]]


def _joined(labels: Indices, one: Indices, other: Indices) -> Indices:
    """The labels once every pair has the same one, the smallest of its group."""
    while True:
        left, right = labels[one], labels[other]
        apart = left != right
        if not apart.any():
            return labels
        lower = np.arange(len(labels))
        np.minimum.at(lower, np.maximum(left, right)[apart], np.minimum(left, right)[apart])
        labels = lower[labels]
