"""A model server that is busy, hangs, crashes, is not there, or goes away: whose fault, and what it costs."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from tests.doors.door import Door
from tests.stubs.ollama_server import OllamaServer

FIVE = tuple(f"IMG_{n}.jpg" for n in range(1, 6))


def poison(door: Door, *names: str) -> int:
    """Add photos; answers the id that the third will have."""
    door.add(*names)
    return int(door.read("SELECT id FROM photo_file ORDER BY ordinal LIMIT 1 OFFSET 2")[0]["id"])


@pytest.mark.parametrize("where", ["hang_before_headers", "hang_mid_stream"])
@pytest.mark.parametrize(
    "limits",
    [{"caption_idle_limit": 0.5}, {"token_timeout": 0.3, "first_byte_timeout": 0.3, "cold_timeout": 0.3}],
    ids=["the watchdog", "the call's own limits"],
)
def test_three_hangs_set_one_photo_aside_and_the_batch_goes_on(
    door: Door, asking: Any, where: str, limits: dict[str, float]
) -> None:
    bad = poison(door, *FIVE)
    server = asking(rules=[{"do": where, "when": {"prompt": f"id={bad},"}}], **limits)
    done = door.run()
    assert (done.code, done.data["status"]) == (1, "completed")
    assert done.data["items"] == {"waiting": 4, "quarantined": 1}
    set_aside(door, bad, "idle")
    assert sum(f"id={bad}," in ask["prompt"] for ask in server.asks) == 3


def test_three_crashes_of_the_runner_set_one_photo_aside(door: Door, asking: Any) -> None:
    bad = poison(door, *FIVE)
    server = asking(rules=[{"do": "runner_crash", "when": {"prompt": f"id={bad},"}}])
    assert door.run().code == 1
    set_aside(door, bad, "crashed")
    assert sum(f"id={bad}," in ask["prompt"] for ask in server.asks) == 3


def set_aside(door: Door, bad: int, cause: str) -> None:
    """One photo is quarantined, the others wait for review."""
    rows = {row["id"]: row for row in door.photos()}
    broken = rows.pop(bad)
    assert (broken["Review_Status"], broken["QC_Status"]) == ("Error", "PrefillNativeCrash")
    assert (broken["deaths"], broken["Caption"], broken["error_code"]) == (3, "", cause)
    assert {row["Review_Status"] for row in rows.values()} == {"Pending"}
    assert {row["deaths"] for row in rows.values()} == {0}
    assert len(door.lines(f"[ERROR] [STAGE 7/8] Quarantined id={bad} reason=")) == 1
    assert [f"death {n}" in line for n, line in enumerate(door.lines(f"id={bad} worker ended ({cause})"), 1)] == [
        True
    ] * 3
    door.healthy()


def test_a_runner_that_dies_on_everything_pauses_the_run(door: Door, asking: Any) -> None:
    asking(rules=[{"do": "runner_crash"}])
    door.add(*FIVE)
    done = door.run()
    assert (done.code, done.data["status"]) == (5, "paused")
    assert "dies on every picture" in done.data["error_message"]
    assert {row["deaths"] for row in door.photos()} == {0}


@pytest.mark.parametrize("status", [503, 429])
def test_a_busy_server_burns_no_attempt(door: Door, asking: Any, status: int) -> None:
    rule = {"do": "status", "status": status, "retry_after": 1, "when": {"times": 6}}
    server = asking(rules=[rule], caption_tries=1, caption_template_fallback=False)
    door.add("IMG_1.jpg")
    began = time.monotonic()
    server.script.rules[0].when["times"] = 2
    assert door.run().code == 0
    assert 2 <= time.monotonic() - began < 10
    assert len(server.asks) == 3
    assert (door.photo("IMG_1.jpg")["provider"], door.photo("IMG_1.jpg")["Review_Status"]) == ("ollama", "Pending")


def test_a_server_that_goes_away_pauses_the_run_and_resume_finishes_it(door: Door, asking: Any) -> None:
    server = asking(rules=[{"do": "server_down", "when": {"call": 3}}], caption_tries=1, stage_7_batch_size=1)
    door.add(*FIVE)
    done = door.run()
    assert (done.code, done.data["status"]) == (5, "paused")
    assert f"The model server at {server.url} does not answer" in done.data["error_message"]
    assert {(row["attempts"], row["deaths"]) for row in door.photos() if row["stage"] == "caption"} == {(0, 0)}
    assert len(door.lines("[WARN] Paused: The model server")) == 1
    before = {row["id"]: row["Caption"] for row in door.photos() if row["Caption"]}
    with again(server):
        done = door.resume()
        assert (done.code, done.data["items"], done.data["error_message"]) == (0, {"waiting": 5}, "")
    assert {row["provider"] for row in door.photos()} == {"ollama"}
    assert before.items() <= {row["id"]: row["Caption"] for row in door.photos()}.items()
    door.healthy()


def test_a_resume_while_the_server_is_still_away_loses_nothing(door: Door, asking: Any) -> None:
    server = asking(rules=[{"do": "server_down", "when": {"call": 3}}], stage_7_batch_size=1)
    door.add(*FIVE, move=True)
    assert door.run().code == 5
    before = {row["id"]: row["Caption"] for row in door.photos()}
    done = door.resume()
    assert (done.code, done.data["status"]) == (5, "paused"), done.data["error_message"]
    assert {row["id"]: row["Caption"] for row in door.photos()} == before
    with again(server):
        assert door.resume().data["items"] == {"waiting": 5}


def again(server: OllamaServer) -> Any:
    """The same address, served once more."""

    class Same(OllamaServer):
        async def start(self, port: int = 0) -> None:
            await super().start(server.port)

    assert asyncio.iscoroutinefunction(Same.start)
    return Same().running()
