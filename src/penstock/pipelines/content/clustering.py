"""Groups of vectors that are alike: average linkage up to a distance, within buckets when there are many.

Average linkage compares every pair, so more vectors than a bucket holds are first parted by k-means with the cosine
as distance; groups never reach over the edge of a bucket. Nothing is drawn by chance: the same vectors always give
the same groups."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from penstock.pipelines.content.vectors import Vectors

BUCKET = 2500  # vectors whose pairs are all compared
AIM = 500  # vectors of a bucket, on average
ROUNDS = 6
_PART = 8192  # rows of one product

Labels = NDArray[np.int64]


def groups(rows: Vectors, distance: float) -> list[list[int]]:
    """The numbers of the rows of each group, in order; within a group two rows are on average nearer than `distance`
    (1 - cosine)."""
    found: list[list[int]] = []
    for bucket in _buckets(rows, np.arange(len(rows))):
        labels = linked(1 - rows[bucket] @ rows[bucket].T, distance)
        order = np.argsort(labels, kind="stable")
        starts = np.flatnonzero(np.diff(labels[order], prepend=-1))
        found += [bucket[members].tolist() for members in np.split(order, starts[1:]) if len(members)]
    return sorted(found)


def linked(apart: Vectors, distance: float) -> Labels:
    """The group of each row, by average linkage of the distances `apart`, as nearest-neighbour chains: a pair that is
    nearest to each other is merged at once, which for average linkage leads to the same groups as merging in order
    (Murtagh 1983)."""
    n = len(apart)
    apart = np.minimum(apart, apart.T)  # a product of rows may differ from its mirror in the last bit
    np.fill_diagonal(apart, np.inf)
    sizes, labels = np.ones(n, np.float32), np.arange(n)
    for start in range(n):
        chain = [start] if labels[start] == start else []
        while chain:
            _step(chain, apart, sizes, labels, distance)
    return _roots(labels)


def _step(chain: list[int], apart: Vectors, sizes: Vectors, labels: Labels, distance: float) -> None:
    """Lengthen the chain by its end's nearest, or merge the end with the one before. A chain whose end has no near
    neighbour is over: nothing that is merged later comes nearer to it."""
    end = chain[-1]
    nearest = int(np.argmin(apart[end]))
    gap = apart[end, nearest]
    if len(chain) > 1 and apart[end, chain[-2]] <= gap:
        nearest, gap = chain[-2], apart[end, chain[-2]]
    if gap > distance:
        chain.clear()
    elif len(chain) > 1 and nearest == chain[-2]:
        del chain[-2:]
        kept, gone = sorted((end, nearest))
        _merge(kept, gone, apart, sizes, labels)
        if not chain:
            chain.append(kept)
    else:
        chain.append(nearest)


def _merge(kept: int, gone: int, apart: Vectors, sizes: Vectors, labels: Labels) -> None:
    whole = sizes[kept] + sizes[gone]
    row = (apart[kept] * sizes[kept] + apart[gone] * sizes[gone]) / whole
    row[kept] = np.inf
    apart[kept] = apart[:, kept] = row
    apart[gone] = apart[:, gone] = np.inf
    sizes[kept], labels[gone] = whole, kept


def _roots(labels: Labels) -> Labels:
    """Each row's group by its first row."""
    for row, label in enumerate(labels.tolist()):
        labels[row] = labels[label]  # whoever kept another has the lower number and is resolved already
    return labels


def _buckets(rows: Vectors, chosen: Labels) -> Iterator[Labels]:
    """The chosen rows in parts whose pairs can all be compared."""
    if len(chosen) <= BUCKET:
        yield chosen
        return
    nearest = _parted(rows[chosen], max(2, len(chosen) // AIM))
    for number in range(int(nearest.max()) + 1):
        part = chosen[nearest == number]
        if len(part) == len(chosen):  # all alike: they cannot be parted by what they are
            yield from np.array_split(part, len(part) // BUCKET + 1)
        elif len(part):
            yield from _buckets(rows, part)


def _parted(rows: Vectors, n: int) -> Labels:
    """The number of the nearest of `n` centres for each row, after some rounds of k-means over a sample."""
    sample = rows[:: max(1, len(rows) // (n * 32))]
    centres = sample[:: max(1, len(sample) // n)][:n].copy()
    for _ in range(ROUNDS):
        nearest = _nearest(sample, centres)
        sums = np.zeros_like(centres)
        np.add.at(sums, nearest, sample)
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        centres = np.where(lengths > 0, sums / np.where(lengths > 0, lengths, 1), centres)
    return _nearest(rows, centres)


def _nearest(rows: Vectors, centres: Vectors) -> Labels:
    parts = [np.argmax(rows[at : at + _PART] @ centres.T, axis=1) for at in range(0, len(rows), _PART)]
    return np.concatenate(parts)
