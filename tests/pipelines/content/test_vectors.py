from __future__ import annotations

import numpy as np

from penstock.pipelines.content.vectors import vectors, words


def test_what_only_modifies_a_search_does_not_tell_phrases_apart() -> None:
    assert words("Best running shoes 2026 near me") == words("cheap running shoe") == ["running", "shoe"]


def test_a_phrase_of_modifiers_alone_keeps_its_words() -> None:
    assert words("how to") == ["how", "to"]
    assert words("!!") == ["!!"]


def test_vectors_have_length_one_and_depend_on_nothing_but_the_texts() -> None:
    texts = ["running shoes", "trail running shoes", "espresso machine", "café"]
    one = vectors(texts)
    assert np.allclose(np.linalg.norm(one, axis=1), 1, atol=1e-5)
    assert np.array_equal(one, vectors(texts))


def test_phrases_of_one_topic_are_nearer_than_phrases_of_two() -> None:
    rows = vectors(["trail running shoes", "running shoes", "espresso machine"])
    assert rows[0] @ rows[1] > 0.5
    assert rows[0] @ rows[2] < 0.3
