"""Variants of one photo have near hashes, other photos do not, and near ones are found exactly."""

from __future__ import annotations

import io
import random

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageFilter

from penstock.adapters.photo.phash import ALIKE, distance, near_groups, phash
from tests.adapters.photo.pictures import noise


def hashed(picture: Image.Image) -> str:
    return phash(np.asarray(picture.convert("L")))


def test_variants_of_one_photo_are_near_and_other_photos_are_not() -> None:
    photo = noise(640, 480)
    out = io.BytesIO()
    photo.save(out, "JPEG", quality=15)
    variants = [
        photo.resize((320, 240), Image.Resampling.LANCZOS),
        photo.filter(ImageFilter.GaussianBlur(2)),
        ImageEnhance.Brightness(photo).enhance(0.8),
        Image.open(out),
    ]
    assert max(distance(hashed(photo), hashed(variant)) for variant in variants) <= 4
    assert min(distance(hashed(photo), hashed(noise(640, 480, seed))) for seed in range(2, 12)) > ALIKE


def test_a_hash_is_16_hex_characters_also_for_a_flat_picture() -> None:
    flat = hashed(Image.new("L", (64, 64), 117))
    assert len(flat) == 16
    assert flat == hashed(Image.new("L", (640, 64), 90))


def test_distance_counts_bits() -> None:
    assert distance("0" * 16, "f" * 16) == 64
    assert distance("8000000000000001", "0" * 16) == 2


def families(count: int, seed: int) -> list[tuple[int, str]]:
    """Random hashes, a third of them a few bits away from another one."""
    dice = random.Random(seed)
    words: list[int] = []
    for _ in range(count):
        word = dice.getrandbits(64)
        if words and dice.random() < 0.33:
            word = dice.choice(words)
            for bit in dice.sample(range(64), dice.randint(0, 11)):
                word ^= 1 << bit
        words.append(word)
    return [(number, f"{word:016x}") for number, word in enumerate(words)]


def by_brute_force(hashes: list[tuple[int, str]], limit: int) -> list[list[int]]:
    words = np.array([int(text, 16) for _, text in hashes], dtype=np.uint64)
    group = np.arange(len(words))
    for index in range(len(words)):
        near = np.flatnonzero(np.bitwise_count(words ^ words[index]) <= limit)
        for old in set(group[near]):
            group[group == old] = group[index]
    found: dict[int, list[int]] = {}
    for index, name in enumerate(group):
        found.setdefault(int(name), []).append(hashes[index][0])
    return [members for members in found.values() if len(members) > 1]


@pytest.mark.parametrize(("count", "limit"), [(0, 8), (1, 8), (300, 8), (3000, 8), (3000, 3), (2500, 0), (2500, 20)])
def test_groups_are_the_same_as_comparing_all_pairs(count: int, limit: int) -> None:
    hashes = families(count, seed=count + limit)
    assert near_groups(hashes, limit) == by_brute_force(hashes, limit)


def test_many_equal_hashes_make_one_group() -> None:
    assert near_groups([(str(number), "00ff00ff00ff00ff") for number in range(2500)]) == [
        [str(number) for number in range(2500)]
    ]
