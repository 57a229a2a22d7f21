"""Which model wrote a text, and what became of the others: the fallback, the template, the second look."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.doors.door import QUICK, Door
from tests.stubs.openai_server import OpenAIServer

A, B = "qwen2.5vl:3b", "llava:13b"
RUBBISH_A = {"do": "text", "text": "I like turtles", "when": {"model": A}}
RUBBISH_B = {"do": "text", "text": "So do I", "when": {"model": B}}


def test_the_fallback_model_writes_what_the_primary_cannot(door: Door, asking: Any) -> None:
    server = asking(rules=[RUBBISH_A], caption_fallback_model=B)
    door.add("IMG_1.jpg", "IMG_2.jpg")
    assert door.run().code == 0
    for row in door.photos():
        one = row["id"]
        assert f"[WARN] [STAGE 7/8] [RETRY] id={one} primary model '{A}' failed; trying fallback '{B}'" in door.log
        assert f"[INFO] [STAGE 7/8] [RETRY-OK] id={one} accepted from fallback model '{B}'" in door.log
        assert (row["Review_Status"], row["model"].partition("@")[0]) == ("Pending", B)
        asked = [call["model"] for call in server.asks if f"id={one}" in call["prompt"]]
        assert asked == [A, A, A, B]


def test_what_the_primary_wrote_is_asked_again_with_the_reasons(door: Door, asking: Any) -> None:
    bad = {"caption": "Photo", "alt_text": "x", "keywords": ["a"], "evidence": []}
    server = asking(rules=[{"do": "data", "data": bad, "when": {"times": 1}}])
    door.add("IMG_1.jpg")
    assert door.run().code == 0
    first, second = (ask["prompt"] for ask in server.asks)
    assert "refused" not in first
    assert "The earlier draft was refused. Mend this:" in second
    assert "[RETRY]" not in door.log


def test_a_server_error_gives_the_primary_up_with_the_same_line(door: Door, asking: Any) -> None:
    asking(
        rules=[{"do": "status", "status": 500, "message": "internal error", "when": {"model": A}}],
        caption_fallback_model=B,
    )
    door.add("IMG_1.jpg")
    assert door.run().code == 0
    assert door.lines("[RETRY] ")[0].endswith(f"primary model '{A}' failed; trying fallback '{B}'")
    assert len(door.lines("[RETRY-OK]")) == 1


def test_the_template_writes_when_every_model_fails_and_the_site_allows_it(door: Door, asking: Any) -> None:
    asking(rules=[RUBBISH_A, RUBBISH_B], caption_fallback_model=B)
    door.add("IMG_1.jpg", "IMG_2.jpg")
    assert door.run().code == 0
    assert [row["provider"] for row in door.photos()] == ["template"] * 2
    assert all(row["Caption"] and row["alt_text"] and row["Keywords"] for row in door.photos())
    assert len(door.lines(f"primary model '{A}' failed; trying fallback '{B}'")) == 2
    assert len(door.lines(f"model '{B}' failed; trying fallback 'template'")) == 2


def test_without_a_template_the_photo_ends_in_error_with_its_reason(door: Door, asking: Any) -> None:
    only_one = {**RUBBISH_A, "when": {"model": A, "prompt": "IMG_none"}}
    asking(rules=[only_one, RUBBISH_A, RUBBISH_B], caption_fallback_model=B, caption_template_fallback=False)
    door.add("IMG_1.jpg")
    done = door.run()
    assert (done.code, done.data["status"], done.data["items"]) == (1, "completed", {"failed": 1})
    row = door.photo("IMG_1.jpg")
    assert (row["Review_Status"], row["Caption"], row["alt_text"]) == ("Error", "", "")
    assert row["error"]
    assert f"[FAIL] id={row['id']} reason={row['error']} ({row['error_code']})" in door.log
    door.healthy()


def test_a_second_look_adds_evidence(door: Door, asking: Any) -> None:
    server = asking(caption_second_look=True)
    door.add("IMG_1.jpg", "IMG_2.jpg")
    assert door.run().code == 0
    assert len(server.asks) == 4
    for row in door.photos():
        look, text = [
            ask for ask in server.asks if f"id={row['id']}\n" in ask["prompt"] or f"id={row['id']}," in ask["prompt"]
        ]
        assert "heron" not in look["prompt"].lower(), "it is told nothing of the set"
        assert "confirmed by a second look" in text["prompt"]
        assert json.loads(row["evidence"])


@pytest.mark.parametrize(
    "fault",
    [
        {"do": "text", "text": "no"},
        {"do": "status", "status": 500, "message": "internal error"},
        {"do": "runner_crash"},
        {"do": "reset_mid_body"},
        {"do": "hang_mid_stream"},
    ],
    ids=lambda fault: fault["do"],
)
def test_a_second_look_that_fails_costs_nothing(door: Door, asking: Any, fault: dict[str, Any]) -> None:
    rules = [{**fault, "when": {"prompt": '"look-'}}]
    server = asking(rules=rules, caption_second_look=True, token_timeout=0.2, caption_tries=1)
    door.add("IMG_1.jpg")
    assert door.run().code == 0
    row = door.photo("IMG_1.jpg")
    assert (row["Review_Status"], row["provider"]) == ("Pending", "ollama")
    assert sum('"look-' in ask["prompt"] for ask in server.asks) == 1
    assert not door.lines("death")
    assert not door.lines("again")


def test_an_openai_compatible_server_writes_texts_too(door: Door) -> None:
    with OpenAIServer().running() as server:
        door.set(caption_provider="openai", caption_model="gpt-4o-mini", openai_url=f"{server.url}/v1", **QUICK)
        door.add("IMG_1.jpg", "IMG_2.jpg")
        assert door.run().code == 0
        assert {(row["Review_Status"], row["provider"]) for row in door.photos()} == {("Pending", "openai")}
        assert {row["model"].partition("@")[0] for row in door.photos()} == {"gpt-4o-mini"}
        assert all(len(ask["images"]) == 1 for ask in server.asks)
    assert "startup check: model=gpt-4o-mini processor=unknown" in door.log
    door.healthy()
