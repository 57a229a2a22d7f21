from __future__ import annotations

import json

import pytest

from penstock.pipelines.photos.facts import Change, Facts, Hint, Texts


def test_facts_survive_json() -> None:
    facts = Facts(
        folder_key="birds",
        subject="Grey Heron",
        gps=(52.3, 4.9),
        light={"tone": "dim", "colours": ("grey", "blue")},
        evidence=("heron",),
        hints=(Hint("nature", "bird", 0.8),),
    )
    assert Facts.from_json(json.loads(json.dumps(facts.to_json()))) == facts


def test_a_misspelt_fact_is_refused() -> None:
    with pytest.raises(TypeError, match="subjct"):
        Facts.from_json({"subjct": "heron"})


def test_texts_survive_json_and_changes_are_plain() -> None:
    texts = Texts("A heron.", "Heron", ("heron", "reed"))
    assert Texts.from_json(json.loads(json.dumps(texts.to_json()))) == texts
    assert Texts.from_json({}) == Texts("", "", ())
    assert Change("pack.rule", "caption", "a", "b", "why").to_json()["rule"] == "pack.rule"
