from __future__ import annotations

import re
from typing import Any

from tests.stubs.captions import answer

LIST = {"type": "array", "items": {"type": "string"}}
PHOTO: dict[str, Any] = {
    "type": "object",
    "properties": {
        "caption": {"type": "string"},
        "alt_text": {"type": "string"},
        "keywords": LIST,
        "evidence": LIST,
        "nonce": {"type": "string"},
    },
}


def said(number: int, subject: str = "") -> dict[str, Any]:
    return answer(PHOTO, f"id={number}\n{subject}nonce: ab-{number}")


def test_texts_have_the_length_that_the_pipeline_wants_with_or_without_a_subject() -> None:
    for number in range(300):
        for subject in ("", "subject: The Old Mill\n", "subject: herons\n"):
            one = said(number, subject)
            assert 8 <= len(one["caption"].split()) <= 24
            assert 10 <= len(one["alt_text"].split()) <= 18, one["alt_text"]
            assert len(one["keywords"]) == len(set(one["keywords"])) == 12
            assert all(re.fullmatch("[a-z]{3,}", word) for word in one["keywords"])


def test_photos_of_a_long_series_open_with_different_words() -> None:
    for field in ("caption", "alt_text"):
        assert len({tuple(said(number)[field].split()[:2]) for number in range(1400)}) == 1400


def test_the_same_photo_gets_the_same_words_and_repeats_its_nonce() -> None:
    assert said(7) == said(7)
    assert said(7)["nonce"] == "ab-7"


def test_the_evidence_holds_every_thing_that_the_caption_names() -> None:
    one = said(7)
    assert set(one["caption"].lower().split()[:2]) <= set(one["evidence"])


def test_without_an_id_the_picture_decides() -> None:
    assert answer(PHOTO, "x", "aa") != answer(PHOTO, "x", "bb")


def test_any_other_schema_is_filled_too() -> None:
    schema = {
        "type": "object",
        "properties": {
            "ideas": {"type": "array", "minItems": 2, "maxItems": 2, "items": {"$ref": "#/$defs/Idea"}},
            "score": {"type": "integer", "minimum": 5, "maximum": 6},
            "kind": {"enum": ["post", "page"]},
            "sure": {"type": "boolean"},
        },
        "$defs": {"Idea": {"type": "object", "properties": {"title": {"type": "string", "minLength": 80}}}},
    }
    one = answer(schema, "id=3")
    assert len({idea["title"] for idea in one["ideas"]}) == 2
    assert min(len(idea["title"]) for idea in one["ideas"]) >= 80
    assert (one["score"] in (5, 6), one["kind"], one["sure"]) == (True, "post", True)
