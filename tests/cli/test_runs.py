from __future__ import annotations

import re
import signal
import time
from pathlib import Path

import pytest

from tests.cli.calling import Called, call, shell, started
from tests.cli.conftest import Reviewed, picture, prepared


def test_a_run_ends_at_the_gate_and_says_what_failed_and_what_to_do_next(tmp_path: Path) -> None:
    prepared("cli-run", tmp_path / "in", whole=5)
    ended = call("run", "cli-run")
    assert ended.code == 1
    assert "5 waiting for review, 1 failed" in ended.out
    assert "is cut short" in ended.out
    assert "penstock review list cli-run" in ended.out
    assert "penstock retry" in ended.out
    assert "stage 8/8" in ended.err
    assert "[FAIL]" in ended.err


def test_the_json_of_a_run_has_the_promised_shape(reviewed: Reviewed) -> None:
    view = call("--json", "status", reviewed.run).data
    assert list(view) == [
        "run_id", "site", "pipeline", "status", "current_stage", "stages", "items", "error_message",
    ]  # fmt: skip
    assert {"number", "name", "done", "failed", "quarantined", "pending", "seconds"} <= set(view["stages"][0])
    assert (view["status"], view["items"]) == ("completed", {"waiting": 5, "failed": 1})
    assert [stage["number"] for stage in view["stages"]] == list(range(1, 9))


def test_a_run_without_anything_to_do_is_done(tmp_path: Path) -> None:
    call("site", "create", "cli-empty", "--pipeline", "photos")
    ended = call("run", "cli-empty")
    assert ended.code == 0
    assert "There was nothing to do" in ended.out


def test_a_sample_takes_from_every_folder(tmp_path: Path) -> None:
    prepared("cli-sample", tmp_path / "one", whole=3, broken=0)
    picture(tmp_path / "other.jpg", 99)
    words = ("--folder", "city", "--location", "Delft", "--subject", "Other")
    call("photos", "add", tmp_path / "other.jpg", "--site", "cli-sample", *words, "--yes")
    assert call("--json", "-q", "run", "cli-sample", "--sample", "2").data["items"] == {"waiting": 2}
    listed = call("--json", "review", "list", "cli-sample").data["items"]
    assert sorted(one["title"].split("_")[0] for one in listed) == ["Other", "Striped"]


def test_a_detached_run_waits_for_a_program_and_up_once_works_on_it(tmp_path: Path) -> None:
    prepared("cli-detached", tmp_path / "in", whole=1, broken=0)
    left = call("--json", "run", "cli-detached", "--detach")
    assert (left.code, left.data["status"]) == (0, "running")
    assert "Nothing serves this home now" in left.err
    second = call("run", "cli-detached")
    assert (second.code, "has an open run" in second.err) == (4, True)
    done = call("--json", "-q", "up", "--once")
    assert done.code == 0
    assert [one["items"] for one in done.data["runs"] if one["site"] == "cli-detached"] == [{"waiting": 1}]


def test_a_run_is_paused_resumed_and_cancelled_by_its_id(tmp_path: Path) -> None:
    prepared("cli-paused", tmp_path / "in", whole=2, broken=0)
    run = call("--json", "run", "cli-paused", "--detach").data["run_id"]
    assert call("--json", "pause", run).data["status"] == "paused"
    assert call("pause", run).code == 4
    assert "penstock resume" in call("status", run).out
    left = call("--json", "resume", run, "--detach")
    assert left.data["status"] == "running"
    assert "Nothing works on it now" in call("status", run).out
    assert call("--json", "cancel", run).data["status"] == "cancelled"
    assert call("cancel", run).code == 4
    assert call("--json", "-q", "run", "cli-paused").data["items"] == {"waiting": 2}


def test_a_failed_item_is_retried_in_a_run_of_its_own(tmp_path: Path) -> None:
    prepared("cli-retry", tmp_path / "in", whole=1, broken=1)
    first = call("--json", "-q", "run", "cli-retry").data["run_id"]
    again = call("--json", "-q", "retry", first)
    assert again.code == 1
    assert again.data["items"] == {"failed": 1}
    assert call("retry", first).code == 4
    assert call("--json", "history", "cli-retry").data["runs"][0]["by"] == f"retry of {first}"


def test_a_rollback_is_shown_done_and_repeated_safely(tmp_path: Path) -> None:
    prepared("cli-rollback", tmp_path / "in", whole=2, broken=0)
    run = call("--json", "-q", "run", "cli-rollback").data["run_id"]
    plan = call("--json", "rollback", run, "--dry-run").data
    assert (plan["rows"], plan["files"], plan["dry_run"]) == (2, 2, True)
    done = call("--json", "rollback", run).data
    assert {k: v for k, v in done.items() if k != "dry_run"} == {k: v for k, v in plan.items() if k != "dry_run"}
    again = call("rollback", run)
    assert (again.code, "rolled back before" in again.out) == (0, True)
    assert "It was rolled back." in call("status", run).out
    assert call("--json", "-q", "run", "cli-rollback").data["items"] == {"waiting": 2}


def test_recovery_has_nothing_to_do_in_a_home_that_is_in_order(reviewed: Reviewed) -> None:
    assert call("--json", "recover", "--dry-run").data["batches"] == 0
    assert "nothing to recover" in call("recover").out


def test_an_unknown_run_is_exit_code_3_everywhere() -> None:
    for words in (("pause",), ("resume",), ("cancel",), ("retry",), ("rollback",), ("logs",), ("verify",)):
        assert call(*words, "20260101-000000-none").code == 3


@pytest.fixture
def busy(tmp_path: Path) -> Path:
    """A home of its own with a site of many photos."""
    home, photos = tmp_path / "home", tmp_path / "photos"
    photos.mkdir()
    whole = picture(photos / "0.jpg", 50).read_bytes()
    for n in range(1, 50):
        (photos / f"{n}.jpg").write_bytes(whole + str(n).encode())
    assert shell(home, "site", "create", "many", "--pipeline", "photos").code == 0
    words = ("--folder", "nature", "--location", "Delft", "--subject", "Many")
    assert shell(home, "photos", "add", photos, "--site", "many", *words, "--yes").code == 0
    return home


def test_an_interrupted_run_is_exit_code_130_and_goes_on_where_it_was(busy: Path) -> None:
    process = started(busy, "run", "many")
    assert process.stderr is not None
    while not re.search(r"stage [1-6]/8", line := process.stderr.readline()):
        assert line, "it ended before it could be interrupted"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    ended = Called(process.returncode, out, err)
    assert ended.code == 130, ended
    assert "Stopped; nothing is lost. Go on: penstock resume" in ended.out
    run = shell(busy, "--json", "status", "many").data["run_id"]
    resumed = shell(busy, "--json", "-q", "resume", run)
    assert resumed.code == 0, resumed.err
    assert resumed.data["items"] == {"waiting": 50}


def test_a_run_is_followed_while_another_program_serves_the_home(busy: Path) -> None:
    server = started(busy, "up", "--no-browser", "--port", "0")
    try:
        assert server.stderr is not None
        assert "Review page: http://127.0.0.1:" in server.stderr.readline()
        followed = shell(busy, "--json", "run", "many")
        assert followed.code == 0, followed.err
        assert followed.data["items"] == {"waiting": 50}
        assert "Another Penstock program serves this home" in followed.err
        assert shell(busy, "recover").code == 4
    finally:
        server.send_signal(signal.SIGINT)
        server.communicate(timeout=30)
    assert server.returncode == 0


def test_logs_can_be_followed_until_the_run_rests(busy: Path) -> None:
    run = shell(busy, "--json", "run", "many", "--detach").data["run_id"]
    follower = started(busy, "logs", run, "--follow")
    time.sleep(0.1)
    assert shell(busy, "-q", "up", "--once").code == 0
    out, err = follower.communicate(timeout=30)
    assert follower.returncode == 0
    assert f"Run {run} completed" in out
    assert "come to rest" in err
