from __future__ import annotations

import pytest

from penstock.pipelines.photos.words import (
    contains_any,
    file_tokens,
    pattern_of,
    singular,
    tokens,
    with_plural,
)


def test_file_names_fall_into_words() -> None:
    assert file_tokens("SunsetAmstel_01.JPG") == ("sunset", "amstel", "01")
    assert file_tokens("grey-heron (2).jpeg") == ("grey", "heron", "2")
    assert file_tokens("Überführung") == ("überführung",)


@pytest.mark.parametrize("text", ["cathedral", "scat", "concatenate"])
def test_a_pattern_never_matches_inside_a_word(text: str) -> None:
    assert not pattern_of(("cat", "hat")).search(text)


def test_patterns_find_phrases_across_hyphens_and_spaces() -> None:
    assert pattern_of(("high rise",)).search("A high-rise block")
    assert pattern_of(("high rise",)).search("a High  Rise")
    assert not pattern_of(("berg",)).search("Übergang bergé")


def test_phrases_must_stand_together() -> None:
    assert contains_any([tokens("a mid rise block")], ["mid rise"])
    assert not contains_any([tokens("a mid sized rise")], ["mid rise"])


@pytest.mark.parametrize(
    ("word", "plural"),
    [("cat", "cats"), ("bus", "buses"), ("city", "cities"), ("day", "days"), ("church", "churches")],
)
def test_plurals_are_regular_and_go_back(word: str, plural: str) -> None:
    assert with_plural(word) == (word, plural)
    assert singular(plural) == word
