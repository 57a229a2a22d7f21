from __future__ import annotations

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.review.duplicates import EVERY_PAIR_UP_TO, groups, like, normalised

HERON = "A grey heron stands in shallow water beside dry reeds under a pale sky."


def captions(count: int, seed: int = 7) -> tuple[list[tuple[int, str]], list[tuple[int, int]]]:
    """`count` captions of which every tenth is the one five before it with one word replaced."""
    dice = random.Random(seed)
    words = ["".join(dice.choice("abcdefghiklmnoprstuvw") for _ in range(dice.randrange(3, 9))) for _ in range(3000)]
    texts: list[tuple[int, str]] = []
    pairs = []
    for i in range(count):
        line = [dice.choice(words) for _ in range(dice.randrange(9, 18))]
        if i % 10 == 9:
            line = texts[i - 5][1].split()
            at = max(range(len(line)), key=lambda k: -len(line[k]))
            line[at] = dice.choice(words)[: len(line[at])]
            pairs.append((i - 5, i))
        texts.append((i, " ".join(line)))
    return texts, pairs


def test_equal_texts_are_found_whatever_their_case_and_punctuation() -> None:
    texts = [("a", HERON), ("b", "Something else entirely."), ("c", HERON.upper().replace(".", "!"))]
    assert groups(texts) == [["a", "c"]]


def test_near_texts_are_found_and_different_ones_are_not() -> None:
    near = HERON.replace("pale", "pink")
    far = "A red tram crosses the wet square beside tall brick houses at night."
    assert groups([(1, HERON), (2, far), (3, near)]) == [[1, 3]]
    assert groups([(1, HERON), (2, far), (3, near)], threshold=99) == []


def test_empty_texts_are_like_nothing() -> None:
    assert groups([(1, ""), (2, " "), (3, "..."), (4, "x")]) == []
    assert groups([]) == []


def test_chains_form_one_group_in_the_order_of_the_texts() -> None:
    one, two, three = "abcdefghij", "abcdefghiX", "abcdefghXY"
    assert groups([(9, three), (4, one), (7, two)], threshold=85) == [[9, 4, 7]]


@pytest.mark.parametrize("count", [1000, EVERY_PAIR_UP_TO + 1500])
def test_nearly_all_near_duplicates_are_found_on_both_sides_of_the_limit(count: int) -> None:
    texts, pairs = captions(count)
    found = {member: number for number, group in enumerate(groups(texts, 85)) for member in group}
    together = sum(found.get(a, -1) == found.get(b, -2) for a, b in pairs)
    assert together / len(pairs) >= 0.95
    false = sum(len(group) for group in groups(texts, 85)) - 2 * together
    assert false <= len(pairs) * 0.02


def test_the_time_grows_with_the_number_of_texts_not_with_its_square() -> None:
    small, large = captions(4_000)[0], captions(16_000)[0]
    groups(small[:3500])
    start = time.process_time()
    groups(small)
    middle = time.process_time()
    groups(large)
    end = time.process_time()
    assert end - middle < 9 * max(middle - start, 0.05)  # the square would be 16 times


def test_thousands_of_alike_texts_stay_quick() -> None:
    texts = [(i, f"{HERON} Number {i:05d} of the whole series.") for i in range(6_000)]
    start = time.process_time()
    found = groups(texts)
    assert time.process_time() - start < 5
    assert max(map(len, found)) > 5_000


@given(st.lists(st.text(max_size=30), max_size=20))
def test_groups_hold_each_id_once_and_equal_texts_always_meet(texts: list[str]) -> None:
    found = groups(list(enumerate(texts)))
    members = [member for group in found for member in group]
    assert len(members) == len(set(members))
    where = {member: number for number, group in enumerate(found) for member in group}
    for i, one in enumerate(texts):
        for j in range(i + 1, len(texts)):
            if normalised(one) and normalised(one) == normalised(texts[j]):
                assert where[i] == where[j]


def test_what_is_like_one_text_comes_likest_first_and_nothing_is_like_an_empty_one() -> None:
    texts = [
        (1, "A heron by the pond."),
        (2, "a heron by the  pond"),
        (3, "A heron by a pond."),
        (4, "A red mill."),
        (5, ""),
    ]
    assert [(one, score >= 100) for one, score in like("A heron by the pond", texts, 85)] == [
        (1, True), (2, True), (3, False),
    ]  # fmt: skip
    assert like("", texts) == like("...", texts) == like("text", []) == []
