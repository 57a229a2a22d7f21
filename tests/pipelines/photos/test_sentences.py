from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.pipelines.photos.sentences import (
    all_codes,
    article_for,
    checks,
    clean,
    explain,
    is_one_sentence,
    word_count,
)
from penstock.pipelines.photos.words import tokens

CAPTION = "A grey heron stands in shallow water beside dry reeds under a pale sky."
ALT = "Grey heron, legs half hidden by water, near brown stems and a bright horizon."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("City- view of  a canal", "City view of a canal."),
        ("heron with with reeds ,.", "Heron with reeds."),
        ("A heron — in reeds", "A heron, in reeds."),
        ('Caption: "a heron stands."', "A heron stands."),
        ("well-known  black-headed gull", "Well-known black-headed gull."),
        ("the heron stands in the", "The heron stands."),
        ("Bora Bora beach", "Bora Bora beach."),
        ("a,,b ..", "A, b."),
        ("1940–1945 memorial", "1940-1945 memorial."),
        ("line\r\nbreak\x00 and\u202e bell\x07", "Line break and bell."),
        ("iPhone on a table", "iPhone on a table."),
        ("Überführung in Zürich", "Überführung in Zürich."),
        ("**bold** heron", "Bold** heron."),
        ("...", ""),
        ("of the", ""),
    ],
)
def test_sentences_are_tidied(text: str, expected: str) -> None:
    assert clean(text) == expected


@given(st.text(alphabet=st.sampled_from("ab A.,-–—!? \"'…:;()\n\tinofthe\u200bé1"), max_size=60))
def test_cleaning_is_idempotent_and_leaves_no_debris(text: str) -> None:
    once = clean(text)
    assert clean(once) == once
    assert not re.search(r"\s\s|\s[,.;:!?]|,,|\.\.|[\n\t\u200b]", once)
    assert not once or once[-1] in ".!?"


@given(st.text(max_size=200))
def test_any_text_at_all_can_be_cleaned(text: str) -> None:
    once = clean(text)
    assert clean(once) == once
    once.encode("utf-8")


def test_words_and_sentences_are_counted_as_people_do() -> None:
    assert word_count("A black-headed gull - on ice .") == 5
    assert is_one_sentence("St. Mary stands beside the bridge.")
    assert not is_one_sentence("A heron stands. It waits.")


def test_articles_follow_the_sound() -> None:
    assert {article_for(word) for word in ("heron", "university", "unique", "European", "one-way")} == {"a"}
    assert {article_for(word) for word in ("owl", "hour", "umbrella", "unimportant", "island")} == {"an"}


def test_the_accepted_shape_passes_every_check() -> None:
    assert checks(CAPTION, ALT) == []


LONG = "A heron stands beside water and reeds and grass and stones and boats and trees under a pale sky now."
EXAMPLES = {
    "empty": " ",
    "word_count": "A heron in reeds.",
    "sentences": "A grey heron stands in water. It waits beside dry reeds.",
    "repeated_with": "A grey heron with long legs stands beside reeds with brown tips.",
    "repeated_in": "A grey heron in a ditch in winter stands beside dry reeds.",
    "commas": "A grey heron, a gull, a coot, and one duck rest on ice.",
    "repetition": "A heron beside a heron near a heron under one more heron.",
    "midword_capitals": "A boat on the caNal passes beside brick houses under trees.",
    "long_word": "A grey heron on the extraordinarilylongword stands beside reeds today.",
    "vague": "A scene view with background detail in a natural setting area.",
    "no_detail": "Grey heron standing still among many reeds today.",
    "ends_open": "A grey heron stands beside dry reeds under a sky of",
}


@pytest.mark.parametrize("code", sorted(EXAMPLES))
def test_each_fault_is_found_in_a_caption_and_in_an_alt_text(code: str) -> None:
    assert f"caption_{code}" in checks(EXAMPLES[code], ALT)
    assert f"alt_{code}" in checks(CAPTION, EXAMPLES[code])


PAIRS = {
    "texts_equal": (CAPTION, CAPTION.upper()),
    "texts_similar": (CAPTION, "Under a pale sky beside dry reeds in shallow water stands a grey heron."),
    "texts_same_start": (CAPTION, "A grey heron stands in shallow water beside a moored boat at noon."),
    "texts_disagree": (
        "A tram passes under the downtown skyline beside a wide square.",
        "Tram on a line below snowy mountains, with pale light on its roof.",
    ),
}


@pytest.mark.parametrize("code", sorted(PAIRS))
def test_each_fault_between_the_two_texts_is_found(code: str) -> None:
    assert code in checks(*PAIRS[code])


def test_every_reason_code_has_an_example_and_an_explanation() -> None:
    singles = {code.split("_", 1)[1] for code in all_codes() if not code.startswith("texts_")}
    assert singles == set(EXAMPLES)
    assert {code for code in all_codes() if code.startswith("texts_")} == set(PAIRS)
    assert all(explain(code) not in {"", code} for code in all_codes())


def test_the_sets_own_words_are_not_held_against_a_text() -> None:
    own = (tokens("Heron in Reeds in Winter"), tokens("iNatuurpark"))
    text = "Heron in Reeds in Winter, beside still water in the iNatuurpark at noon."
    assert "caption_repeated_in" in checks(text, ALT)
    assert checks(text, ALT, own) == []


def test_too_long_texts_are_found() -> None:
    assert "caption_word_count" in checks(LONG + " and more and still more words here", ALT)
    assert "alt_word_count" in checks(CAPTION, LONG)
