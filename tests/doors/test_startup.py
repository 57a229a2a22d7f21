"""Before a run does anything: what the model server says of itself, and what is missing."""

from __future__ import annotations

from typing import Any

from tests.cli.calling import call
from tests.doors.door import SITE, Door

SIZE = 8 << 30


def test_the_startup_line_comes_before_anything_is_done(door: Door, asking: Any) -> None:
    asking(models=[{"name": "qwen2.5vl:3b", "size": SIZE, "size_vram": SIZE, "context_length": 4096}])
    door.add("IMG_1.jpg", "IMG_2.jpg")
    assert door.run().code == 0
    first, second, *_ = [line.split(" ", 1)[1] for line in door.log.splitlines()]
    assert first.endswith("started with 2 items")
    assert second == "[INFO] Ollama startup check: model=qwen2.5vl:3b processor=GPU context=4096 vram=8.0GiB"
    assert {row["Review_Status"] for row in door.photos()} == {"Pending"}
    assert {row["provider"] for row in door.photos()} == {"ollama"}
    door.healthy()


def test_a_model_on_the_cpu_is_warned_of_when_the_gpu_is_expected(door: Door, asking: Any) -> None:
    asking(models=[{"name": "qwen2.5vl:3b", "size_vram": 0}], expect_processor="gpu")
    door.add("IMG_1.jpg")
    points = {one["name"]: one for one in call("--json", "check", SITE).data["checks"]}
    assert points["model"]["state"] == "warn"
    assert "runs on the CPU, but GPU is expected" in points["model"]["detail"]
    assert door.run().code == 0
    assert door.lines("startup check")[0].endswith("processor=CPU context=4096 vram=0.0GiB")
    assert "[WARN] The model qwen2.5vl:3b runs on the CPU, but GPU is expected" in door.lines("GPU is expected")[0]


def test_check_names_a_missing_model_and_its_mend(door: Door, asking: Any) -> None:
    asking(caption_model="moondream", caption_fallback_model="llava:13b")
    done = call("--json", "check", SITE)
    points = [one for one in done.data["checks"] if "model" in one["name"]]
    assert [one["state"] for one in points] == ["fail", "ok"]
    assert "moondream" in points[0]["detail"]
    assert points[0]["mend"] == "ollama pull moondream"
    assert done.data["ok"] is False
