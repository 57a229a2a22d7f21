from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

import pytest

from penstock.engine import failpoint as fp
from penstock.engine.errors import Blocking, UsageError
from penstock.engine.failpoint import SimulatedCrash, arm, armed, failpoint, hits

fp.declare("test.a", "test.b", "test.c")


@pytest.fixture(autouse=True)
def _disarmed() -> Iterator[None]:
    yield
    fp.disarm()


def fired(name: str, times: int, **context: object) -> list[int]:
    """The numbers (from 1) of the hits at which `name` crashed."""
    found = []
    for number in range(1, times + 1):
        try:
            failpoint(name, **context)
        except SimulatedCrash:
            found.append(number)
    return found


def test_an_unarmed_failpoint_does_nothing() -> None:
    failpoint("test.a", item=7)
    assert hits() == {}


def test_a_crash_fires_at_every_hit_or_at_the_nth_one_only() -> None:
    arm("test.a=crash; test.b=crash@3")
    assert fired("test.a", 3) == [1, 2, 3]
    assert fired("test.b", 6) == [3]
    assert fired("test.c", 2) == []


def test_a_context_selects_and_only_matching_hits_are_numbered() -> None:
    arm("test.a=crash[item=7]@2")
    assert fired("test.a", 3, item=6) == []
    assert fired("test.a", 3, item=7) == [2]
    assert fired("test.a", 3) == []


def test_a_chance_is_drawn_from_the_seed_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def draw(seed: str) -> list[int]:
        monkeypatch.setenv("PENSTOCK_FAILPOINT_SEED", seed)
        with armed("test.a=crash%0.3"):
            return fired("test.a", 500)

    assert draw("1") == draw("1")
    assert draw("1") != draw("2")
    assert 100 < len(draw("1")) < 200


def test_a_pattern_counts_over_all_its_names() -> None:
    arm("test.*=crash@4")
    assert fired("test.a", 3) == []
    assert fired("test.b", 2) == [1]
    assert hits() == {"test.a": 3, "test.b": 2}


def test_counting_only_counts_and_disarming_forgets() -> None:
    with armed("test.a=count"):
        failpoint("test.a")
        failpoint("test.a")
        failpoint("test.b")
        assert hits() == {"test.a": 2}
    assert hits() == {}


@pytest.mark.parametrize(
    ("name", "kind"),
    [("OSError", OSError), ("Blocking", Blocking), ("sqlite3.OperationalError", Exception)],
)
def test_an_error_is_raised_by_its_name(name: str, kind: type[Exception]) -> None:
    arm(f"test.a=error:{name}")
    with pytest.raises(kind, match=r"failpoint test\.a") as caught:
        failpoint("test.a")
    assert type(caught.value).__name__ == name.rpartition(".")[2]


def test_a_full_disk_is_the_systems_own_error() -> None:
    arm("test.a=enospc")
    with pytest.raises(OSError, match="No space left") as caught:
        failpoint("test.a")
    assert caught.value.errno == errno.ENOSPC


def test_a_crash_passes_every_boundary_for_exceptions() -> None:
    assert not issubclass(SimulatedCrash, Exception)


def test_a_stall_really_blocks() -> None:
    arm("test.a=sleep:0.05")
    began = perf_counter()
    failpoint("test.a")
    assert perf_counter() - began >= 0.05


def test_a_call_gets_the_name_and_the_context() -> None:
    seen: list[object] = []
    fp.arm_call("test.a", lambda name, context: seen.append((name, dict(context))))
    failpoint("test.a", item=7)
    assert seen == [("test.a", {"item": 7})]


@pytest.mark.parametrize(
    "spec",
    [
        "test.none=count",
        "none.*=count",
        "test.a=explode",
        "test.a",
        "test.a=sleep:soon",
        "test.a=error:Nothing",
    ],
)
def test_what_cannot_be_armed_is_refused_and_nothing_of_it_is_armed(spec: str) -> None:
    with pytest.raises(UsageError):
        arm(f"test.b=crash; {spec}")
    assert fired("test.b", 1) == []


@pytest.mark.parametrize("spec", ["test.a=error:no_such_module.Error", "test.a=error:os.getpid", "test.a=crash%x"])
def test_a_term_that_means_nothing_is_named(spec: str) -> None:
    with pytest.raises(UsageError, match=r"test\.a="):
        arm(spec)


def test_an_undeclared_failpoint_in_the_code_is_found_as_soon_as_anything_is_armed() -> None:
    arm("test.a=count")
    with pytest.raises(UsageError, match="never declared"):
        failpoint("test.typo")


def test_the_environment_arms_too_and_other_processes_names_may_be_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PENSTOCK_FAILPOINTS", "test.a=crash; elsewhere.b=kill")
    with pytest.raises(UsageError, match=r"elsewhere\.b"):
        fp.arm_from_environment()
    assert fired("test.a", 1) == []
    fp.arm_from_environment(strict=False)
    assert fired("test.a", 1) == [1]


def test_what_is_declared_after_the_environment_was_read_is_armed_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PENSTOCK_FAILPOINTS", "test.imported_later=crash@2")
    fp.arm_from_environment(strict=False)
    fp.declare("test.imported_later")
    assert fired("test.imported_later", 2) == [2]


def test_a_kill_leaves_no_time_for_anything() -> None:
    code = """if True:
        from penstock.engine.failpoint import arm, declare, failpoint
        declare("x")
        arm("x=kill@2")
        try:
            for n in range(5):
                failpoint("x")
                print(n, flush=True)
        finally:
            print("finally", flush=True)
        """
    env = {**os.environ, "PYTHONPATH": str(Path(fp.__file__).parents[2])}
    ended = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)
    assert ended.stdout == "0\n"
    assert ended.returncode == -signal.SIGKILL
