from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.adapters.llm.model import Ask, BadAnswer
from penstock.adapters.llm.reply import clean, read

SCHEMA = {"type": "object", "properties": {"caption": {"type": "string"}, "nonce": {"type": "string"}}}
ASK = Ask(None, "", "", {**SCHEMA, "required": ["caption"]}, "n1", 0.1)
GOOD = '{"caption": "A heron", "nonce": "n1"}'


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        f"```json\n{GOOD}\n```",
        f"Sure! Here it is: {GOOD} Anything else?",
        f"\n\n {GOOD}",
        f"\ufeff{GOOD}",
    ],
)
def test_the_object_is_found_among_words_and_fences(text: str) -> None:
    assert read(text, ASK)["caption"] == "A heron"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "empty"),
        (" \n\t ", "empty"),
        ("I am sorry.", "json"),
        ('["caption"]', "json"),
        ('{"caption": "A her', "json"),
        ('{"caption": "A", "caption": "B", "nonce": "n1"}', "json"),
        ('{"caption": "A", "score": NaN, "nonce": "n1"}', "json"),
        ('{"caption": "A", "score": -Infinity, "nonce": "n1"}', "json"),
        ('{"caption": "A", "score": 1e999, "nonce": "n1"}', "json"),
        ('{"caption": "A", "score": ' + "9" * 5000 + "}", "json"),
        ("[" * 10, "json"),
        ('{"a":' * 200_000, "json"),
        ('{"caption": 3, "nonce": "n1"}', "schema"),
        ('{"nonce": "n1"}', "schema"),
        ('{"caption": "A", "nonce": "n2"}', "nonce"),
        ('{"caption": "A"}', "nonce"),
        ('{"wrong": "item", "nonce": "n2"}', "nonce"),
    ],
)
def test_anything_else_is_refused_with_its_reason(text: str, code: str) -> None:
    with pytest.raises(BadAnswer) as caught:
        read(text, ASK)
    assert caught.value.code == code


def test_control_characters_lone_surrogates_and_direction_marks_are_taken_out() -> None:
    text = '{"caption": "A \\u0007heron\\ud800\\u202e, \\u00e9t\\u00e9 \\u4e2d", "nonce": "n1"}'
    assert read(text, ASK)["caption"] == "A heron, été 中"


@given(st.text())
def test_cleaned_text_is_always_valid_utf8(text: str) -> None:
    assert clean(text).encode("utf-8").decode("utf-8") == clean(text)


@given(st.text(max_size=200))
def test_no_text_whatever_gets_past_as_anything_but_a_bad_answer(text: str) -> None:
    with pytest.raises(BadAnswer):
        read(text, ASK)


@given(st.text(max_size=50), st.text(max_size=50))
def test_a_good_object_survives_with_words_around_it(caption: str, after: str) -> None:
    good = json.dumps({"caption": caption, "nonce": "n1"})
    assert read(f"Here: {good} {after}", ASK)["caption"] == clean(caption)
