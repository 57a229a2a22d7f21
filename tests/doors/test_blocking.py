"""What stops a whole run: it ends as failed with one sentence, and everything is as it was before."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError

from penstock.engine import failpoint
from tests.cli.calling import Called, call
from tests.doors.door import QUICK, SITE, Door


@pytest.fixture
def lived_in(door: Door) -> Iterator[Door]:
    """A site with photos that wait for review, and two more sets to come, one of which is moved."""
    door.add("OLD_1.jpg", "OLD_2.jpg", seed=3)
    assert door.run().code == 0
    door.add("IMG_1.jpg", "IMG_2.jpg", "IMG_3.jpg", seed=1)
    door.add("DSC_1.jpg", "DSC_2.jpg", move=True, folder="birds", seed=2)
    yield door
    door.healthy()


def failed(door: Door, done: Called, before: dict[str, Any]) -> str:
    """The run failed and left nothing; answers why."""
    assert (done.code, done.data["status"]) == (1, "failed"), done
    assert done.data["items"] == {}
    after = door.all_of_it()
    assert {name: after[name] for name in before if after[name] != before[name]} == {}
    door.names()
    assert any("Rolling back this session." in line for line in door.lines("[WARN]"))
    assert call("status", SITE).code == 0
    reason = done.data["error_message"]
    assert isinstance(reason, str)
    assert "\n" not in reason
    return reason


def unused_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def test_a_model_that_is_not_there(lived_in: Door, asking: Any) -> None:
    asking(caption_model="moondream")
    before = lived_in.all_of_it()
    done = lived_in.run()
    reason = failed(lived_in, done, before)
    assert "The model moondream is not on" in reason
    assert "ollama pull moondream" in reason
    lived_in.set(caption_model="qwen2.5vl:3b")
    assert lived_in.run().data["items"] == {"waiting": 5}


def test_a_model_that_goes_missing_in_mid_run(lived_in: Door, asking: Any) -> None:
    asking(rules=[{"do": "model_missing", "when": {"call": 3}}])
    before = lived_in.all_of_it()
    assert "ollama pull qwen2.5vl:3b" in failed(lived_in, lived_in.run(), before)


def test_a_missing_model_pauses_the_run_when_the_site_says_so(lived_in: Door, asking: Any) -> None:
    asking(caption_model="moondream", on_blocking="pause")
    before = lived_in.all_of_it()
    done = lived_in.run()
    assert (done.code, done.data["status"]) == (5, "paused")
    assert "ollama pull moondream" in done.data["error_message"]
    run = done.data["run_id"]
    again = call("--json", "-q", "resume", run)
    assert (again.code, again.data["status"]) == (5, "paused")
    assert call("--json", "cancel", run).data["status"] == "cancelled"
    assert call("--json", "rollback", run).code == 0
    after = lived_in.all_of_it()
    assert {name: after[name] for name in before if after[name] != before[name]} == {}


def test_a_server_that_is_not_there(lived_in: Door) -> None:
    url = f"http://127.0.0.1:{unused_port()}"
    lived_in.set(caption_provider="ollama", caption_model="qwen2.5vl:3b", ollama_url=url, **QUICK)
    before = lived_in.all_of_it()
    reason = failed(lived_in, lived_in.run(), before)
    assert f"The model server at {url} does not answer" in reason
    assert "ollama serve" in reason


def test_a_scoring_model_that_cannot_be_read_is_tried_again_once(lived_in: Door, tmp_path: Path) -> None:
    broken = tmp_path / "nima.onnx"
    broken.write_bytes(b"no model")
    lived_in.set(nima_weights=broken)
    before = lived_in.all_of_it()
    done = lived_in.run()
    assert str(broken) in failed(lived_in, done, before)
    tried = lived_in.lines("scoring failed, one more try")
    assert tried
    assert all("attempt 1 failed (scoring)" in line for line in tried)
    assert "[FAIL]" not in lived_in.log


def test_a_broken_scoring_model_pauses_the_run_when_the_site_says_so(lived_in: Door, tmp_path: Path) -> None:
    broken = tmp_path / "nima.onnx"
    broken.write_bytes(b"no model")
    lived_in.set(nima_weights=broken, on_blocking="pause")
    done = lived_in.run()
    assert (done.code, done.data["status"]) == (5, "paused")
    names = {row["File_Name"] for row in lived_in.photos()}
    broken.unlink()
    assert call("--json", "-q", "resume", done.data["run_id"]).data["status"] == "paused"
    run = call("--json", "status", SITE).data["run_id"]
    assert call("--json", "cancel", run).code == 0
    lived_in.set(nima_weights="")
    assert lived_in.run().data["items"] == {"waiting": 5}
    assert {row["File_Name"] for row in lived_in.photos()} == names


@pytest.mark.parametrize("point", ["files.copy.before_fsync", "files.move.before_rename", "files.write.before_fsync"])
def test_a_full_disk(lived_in: Door, monkeypatch: pytest.MonkeyPatch, point: str) -> None:
    before = lived_in.all_of_it()
    monkeypatch.setenv("PENSTOCK_FAILPOINTS", f"{point}=enospc@1")
    done = lived_in.run()
    monkeypatch.delenv("PENSTOCK_FAILPOINTS")
    reason = failed(lived_in, done, before)
    assert "No space left on device" in reason
    assert "make room" in reason
    assert lived_in.run().data["items"] == {"waiting": 5}


def test_a_folder_that_cannot_be_written(lived_in: Door) -> None:
    """A file stands where the folder should: that stops root too."""
    before, incoming = lived_in.all_of_it(), lived_in.home / "incoming"
    away = incoming.rename(lived_in.home / "incoming-away")
    incoming.write_text("")
    try:
        done = lived_in.run()
    finally:
        incoming.unlink()
        away.rename(incoming)
    assert "incoming" in failed(lived_in, done, before)


def refuse(hit: int, message: str) -> None:
    """The database refuses the `hit`-th commit from now."""
    left = [None] * hit

    def act(_name: str, _context: Any) -> None:
        left.pop() if left else None
        if len(left) == 0 and not done:
            done.append(True)
            raise OperationalError(message)

    done: list[bool] = []
    failpoint.arm_call("*.before_commit", act)


@pytest.mark.parametrize("hit", [2, 9, 14])
def test_a_database_that_cannot_be_written(lived_in: Door, hit: int) -> None:
    before = lived_in.all_of_it()
    refuse(hit, "database or disk is full")
    done = lived_in.run()
    failpoint.disarm()
    assert "the database cannot be written (database or disk is full)" in failed(lived_in, done, before)


def test_a_database_that_is_locked_for_long_is_waited_for(lived_in: Door) -> None:
    refuse(12, "database is locked")
    done = lived_in.run()
    failpoint.disarm()
    assert (done.code, done.data["items"]) == (0, {"waiting": 5})


def test_no_free_file_name(lived_in: Door) -> None:
    from penstock.pipelines.photos.models import ReservedName

    taken = ReservedName.objects.order_by("id")[0]
    stem = taken.name.rpartition("_")[0]
    last = {"name": f"{stem}_999999.JPG", "key": f"{taken.key.rpartition('_')[0]}_999999.jpg", "number": 999999}
    ReservedName.objects.create(site=taken.site, series=taken.series, **last)
    from penstock.pipelines.photos import namebook

    namebook.write_copy(taken.site)
    before = lived_in.all_of_it()
    assert "no free file name is left" in failed(lived_in, lived_in.run(), before)


def test_a_rule_pack_that_cannot_be_read(lived_in: Door, tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "mine.toml").write_text("this is no pack", "utf-8")
    lived_in.set(rules_dir=tmp_path / "own")
    before = lived_in.all_of_it()
    assert "mine.toml" in failed(lived_in, lived_in.run(), before)


def test_a_report_that_cannot_be_written(lived_in: Door) -> None:
    before = lived_in.all_of_it()
    left = ["once"]

    def full(_name: str, context: Any) -> None:
        if left and "prefill_qc" in context["path"]:
            left.clear()
            raise OSError(errno.ENOSPC, "No space left on device")

    failpoint.arm_call("files.write.before_fsync", full)
    done = lived_in.run()
    failpoint.disarm()
    assert "make room" in failed(lived_in, done, before)
