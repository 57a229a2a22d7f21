from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from penstock.pipelines.content import clustering
from penstock.pipelines.content.vectors import vectors


def naive(apart: NDArray[np.float64], distance: float) -> set[frozenset[int]]:
    """Average linkage as its definition says: again and again the two groups whose pairs are nearest on average."""
    found = [[n] for n in range(len(apart))]
    while len(found) > 1:
        gaps = {(a, b): apart[np.ix_(found[a], found[b])].mean() for b in range(len(found)) for a in range(b)}
        (a, b), gap = min(gaps.items(), key=lambda one: one[1])
        if gap > distance:
            break
        found[a] += found.pop(b)
    return {frozenset(one) for one in found}


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("distance", [0.2, 0.5, 0.9])
def test_chains_of_nearest_neighbours_find_the_groups_of_average_linkage(seed: int, distance: float) -> None:
    rows = np.random.default_rng(seed).normal(size=(40, 3)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    apart = 1 - rows @ rows.T
    assert {frozenset(one) for one in clustering.groups(rows, distance)} == naive(apart.astype(np.float64), distance)


def test_each_row_is_in_one_group_also_when_buckets_part_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clustering, "BUCKET", 60)
    monkeypatch.setattr(clustering, "AIM", 30)
    texts = [f"topic{n % 25} thing{n % 25} {n}" for n in range(500)]
    found = clustering.groups(vectors(texts), 0.6)
    assert sorted(n for one in found for n in one) == list(range(500))
    assert all(len({n % 25 for n in one}) == 1 for one in found)
    assert found == clustering.groups(vectors(texts), 0.6)


def test_rows_that_are_all_the_same_are_parted_into_buckets_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clustering, "BUCKET", 10)
    monkeypatch.setattr(clustering, "AIM", 5)
    found = clustering.groups(vectors(["the same"] * 35), 0.5)
    assert sorted(n for one in found for n in one) == list(range(35))
    assert len(found) <= 4
