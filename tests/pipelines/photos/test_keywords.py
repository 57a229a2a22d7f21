from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.pipelines.photos.cues import resolve
from penstock.pipelines.photos.facts import Facts
from penstock.pipelines.photos.keywords import finalise, signature, tidy

HERON = Facts(
    folder_name="Birds Photography",
    subject="Grey Heron in Reeds",
    location="Amstelveen_Netherlands",
    taken_at="2026:11:21 07:45:00",
    light={
        "tone": "dim",
        "contrast": "high",
        "warmth": "cool",
        "colours": ("grey", "blue"),
        "shape": "landscape",
    },
    evidence=("shallow water", "heron"),
)


@pytest.mark.parametrize(
    ("given_word", "kept"),
    [
        ("Black-Headed_Gull", "black-headed gull"),
        ("  Straßenbahn ", "straßenbahn"),
        ("東京", "東京"),
        ("boeing 747-400", "boeing 747-400"),
        ("the heron", "heron"),
        ("heron!!", "heron"),
        ("st. mary's church", "st mary's church"),
        ("no", ""),
        ("2026", ""),
        ("a very long and useless keyword", ""),
        ("heron heron", ""),
        ("x" * 50, ""),
        ("\x00\n", ""),
    ],
)
def test_keywords_keep_their_letters_and_lose_the_rest(given_word: str, kept: str) -> None:
    assert tidy(given_word) == kept


def test_what_the_picture_confirms_comes_first_and_facts_fill_up() -> None:
    keywords = finalise(["reflection", "shallow water", "heron"], HERON, resolve(HERON))
    assert keywords == (
        "shallow water", "heron", "grey heron in reeds", "amstelveen", "netherlands", "reflection", "grey",
        "reeds",
        "birds", "morning", "autumn", "november",
    )  # fmt: skip


@pytest.mark.parametrize(("n", "count"), [(3, 10), (10, 10), (12, 12), (15, 15), (99, 15)])
def test_there_are_ten_to_fifteen(n: int, count: int) -> None:
    assert len(finalise([f"term{chr(97 + i)}" for i in range(20)], HERON, resolve(HERON), n)) == count


def test_singular_and_plural_are_one_keyword() -> None:
    assert finalise(["herons", "heron", "Heron"], Facts(), resolve(Facts())) == ("herons",)


def test_nothing_is_invented_when_facts_are_few() -> None:
    facts = Facts(subject="Mill")
    assert finalise([], facts, resolve(facts)) == ("mill",)


def test_subject_and_place_stay_when_the_model_gives_too_many() -> None:
    keywords = finalise([f"guess{chr(97 + i)}" for i in range(15)], HERON, resolve(HERON))
    assert {"grey heron in reeds", "amstelveen", "netherlands"} <= set(keywords)


def test_a_signature_ignores_order_and_case() -> None:
    assert signature(["Heron", "reeds"]) == signature(["reeds", "heron", "heron"])
    assert signature(["heron"]) != signature(["herons"])


@given(st.lists(st.text(max_size=30), max_size=20))
def test_any_words_become_unique_lower_case_keywords(words: list[str]) -> None:
    keywords = finalise(words, HERON, resolve(HERON))
    assert len(set(keywords)) == len(keywords) == 12
    assert all(keyword == keyword.lower() == tidy(keyword) for keyword in keywords)
