from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

import psutil
import pytest

from penstock.engine import failpoint
from penstock.engine.child import Child
from penstock.engine.child_main import FRAME_LIMIT
from penstock.engine.clock import SystemClock
from penstock.engine.errors import (
    Blocking,
    Died,
    ItemError,
    PenstockError,
    Refused,
    Transient,
    Unavailable,
)
from penstock.engine.outcome import Done, Fail, Note, Row
from penstock.engine.pipeline import Limits

linux = pytest.mark.skipif(sys.platform != "linux", reason="asks the Linux kernel")
WORK = "tests.engine.child_work:work"
ROOMY = Limits(idle=30, hard=30, start=30)


@asynccontextmanager
async def a_child(limits: Limits = ROOMY, work: str = WORK, **how: Any) -> AsyncIterator[Child]:
    child = Child(work, limits, SystemClock(), **how)
    try:
        yield child
    finally:
        await child.kill()


def run(scenario: Callable[[Child], Awaitable[None]], limits: Limits = ROOMY, **how: Any) -> None:
    async def main() -> None:
        async with a_child(limits, **how) as child:
            await scenario(child)

    asyncio.run(asyncio.wait_for(main(), 25))


async def eventually(true: Callable[[], object], seconds: float = 10.0) -> None:
    until = perf_counter() + seconds
    while not true():
        assert perf_counter() < until, "it never came true"
        await asyncio.sleep(0.01)


def ended(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_a_child_answers_and_is_used_again_for_the_next_item() -> None:
    async def scenario(child: Child) -> None:
        first = await child.call("score", {"id": 1, "value": "é"})
        assert first == Done(
            {"stage": "score", "value": "é", "pid": child.pid},
            makes=(Row("photo", "caption-1", {"text": "Zürich"}),),
            notes=(Note("echoed", "WARN"),),
        )
        failed = await child.call("score", {"id": 2, "do": "fail"})
        assert failed == Fail("too dark", code="dark", fields={"QC_Status": "REJECT"})
        assert (await child.call("score", {"id": 3})).fields["pid"] == first.fields["pid"]  # type: ignore[union-attr]

    run(scenario)


def test_work_on_a_batch_answers_one_outcome_per_item_or_the_batch_is_at_fault() -> None:
    async def scenario(child: Child) -> None:
        assert await child.call_batch("group", [{"n": 1}, {"n": 2}]) == [Done({"n": 1}), Done({"n": 2})]
        with pytest.raises(ItemError, match="one outcome for each of 2 items"):
            await child.call_batch("group", [{"n": 1}, {"n": 2, "skip": True}])

    run(scenario, work="tests.engine.child_work:work_batch")


def test_progress_reaches_the_parent_as_clean_text_and_keeps_the_idle_limit_away() -> None:
    notes: list[str] = []

    async def scenario(child: Child) -> None:
        assert await child.call("s", {"do": "steps", "steps": 8, "pause": 0.2}, notes.append) == Done()

    run(scenario, Limits(idle=0.8, hard=20, start=20))
    assert notes == [f"step {n} [31m" for n in range(8)]


def test_a_flood_of_progress_is_thinned_out() -> None:
    notes: list[str] = []

    async def scenario(child: Child) -> None:
        await child.call("s", {"do": "steps", "steps": 400, "pause": 0.001}, notes.append)

    run(scenario)
    assert 2 <= len(notes) < 40


def test_what_the_progress_listener_raises_is_raised_by_the_call() -> None:
    async def scenario(child: Child) -> None:
        with pytest.raises(ZeroDivisionError):
            await child.call("s", {"do": "steps", "steps": 3, "pause": 0.2}, lambda note: print(1 / 0))
        assert not child.alive

    run(scenario)


@pytest.mark.parametrize(
    ("name", "kind", "code", "permanent", "message"),
    [
        ("transient", Transient, "busy", False, "the model is busy"),
        ("item", ItemError, "empty", True, "the photo is empty"),
        ("unavailable", Unavailable, "unavailable", False, "nobody answers"),
        ("blocking", Blocking, "blocking", True, "no such table"),
        ("own", Unavailable, "cold", True, "the lamp is cold"),
        ("refused", Refused, "wrong_state", True, "not now"),
        ("bug", ItemError, "bug", True, "KeyError: 'colour'"),
        ("exit", ItemError, "bug", True, "SystemExit: 3"),
    ],
)
def test_a_raised_error_crosses_with_its_class_and_code(
    name: str, kind: type[PenstockError], code: str, permanent: bool, message: str
) -> None:
    async def scenario(child: Child) -> None:
        with pytest.raises(PenstockError) as caught:
            await child.call("s", {"do": "raise", "error": name})
        error = caught.value
        assert type(error) is kind
        assert (error.code, error.permanent, str(error)) == (
            "refused" if name == "refused" else code,
            permanent,
            message,
        )
        if isinstance(error, Transient):
            assert error.after == 7.5
        traceback = "\n".join(getattr(error, "__notes__", []))
        assert ("in _raise" in traceback) == (code == "bug")
        assert child.alive

    run(scenario)


def test_a_segmentation_fault_is_a_death_with_its_cause_and_last_words_and_the_next_call_works() -> None:
    async def scenario(child: Child) -> None:
        with pytest.raises(Died, match="SIGSEGV") as caught:
            await child.call("s", {"do": "segfault"})
        assert caught.value.cause == caught.value.code == "crashed"
        assert caught.value.detail.startswith("ended by SIGSEGV (segmentation fault)\n")
        assert "about to read from nowhere" in caught.value.detail
        assert "in _segfault" in caught.value.detail
        assert len(caught.value.detail) < 4300
        assert not child.alive
        assert isinstance(await child.call("s", {"id": 2}), Done)

    run(scenario)


def test_a_worker_that_dies_between_two_items_is_replaced_and_nobody_is_charged() -> None:
    async def scenario(child: Child) -> None:
        first = await child.call("s", {"do": "die later"})
        await asyncio.sleep(0.3)
        second = await child.call("s", {})
        assert isinstance(first, Done)
        assert isinstance(second, Done)
        assert first.fields["pid"] != second.fields["pid"]

    run(scenario)


def test_a_worker_that_dies_unseen_before_it_took_the_item_is_replaced() -> None:
    async def scenario(child: Child) -> None:
        await child.start()
        assert child.pid is not None
        victim = child.pid
        os.kill(victim, signal.SIGSTOP)
        failpoint.arm_call(
            "child.sent", lambda name, context: ended(victim) or os.kill(victim, signal.SIGKILL)
        )
        answer = await child.call("s", {})
        assert isinstance(answer, Done)
        assert answer.fields["pid"] != victim

    run(scenario)


def test_a_hang_passes_the_idle_limit() -> None:
    async def scenario(child: Child) -> None:
        await child.start()
        began = perf_counter()
        with pytest.raises(Died, match=r"no progress for 0\.3 s") as caught:
            await child.call("s", {"do": "sleep"})
        assert caught.value.cause == "idle"
        assert 0.25 < perf_counter() - began < 5

    run(scenario, Limits(idle=0.3, hard=20, start=20))


def test_progress_does_not_lift_the_hard_limit() -> None:
    async def scenario(child: Child) -> None:
        with pytest.raises(Died, match=r"more than 0\.6 s") as caught:
            await child.call("s", {"do": "steps", "steps": 1000, "pause": 0.05})
        assert caught.value.cause == "hard"

    run(scenario, Limits(idle=20, hard=0.6, start=20))


def test_time_in_which_the_machine_slept_is_not_counted() -> None:
    class Lid(SystemClock):
        """A machine that sleeps for an hour as soon as somebody waits."""

        ahead = 0.0

        def monotonic(self) -> float:
            return super().monotonic() + self.ahead

        async def sleep(self, seconds: float) -> None:
            self.ahead += 3600.0
            await super().sleep(min(seconds, 0.05))

    async def main() -> None:
        child = Child(WORK, Limits(idle=1000, hard=1000, start=1000), Lid())
        try:
            assert await child.call("s", {"do": "sleep", "seconds": 0.3}) == Done()
        finally:
            await child.kill()

    asyncio.run(main())


def test_everything_below_the_child_ends_with_it(tmp_path: Path) -> None:
    mark = tmp_path / "pids"

    async def scenario(child: Child) -> None:
        call = asyncio.ensure_future(child.call("s", {"do": "grandchildren", "mark": str(mark)}))
        await eventually(mark.exists)
        pids = [int(pid) for pid in mark.read_text().split()]
        assert len(pids) == 4
        assert not any(map(ended, pids))
        await child.kill()
        with pytest.raises(Died) as caught:
            await call
        assert caught.value.cause == "aborted"
        await eventually(lambda: all(map(ended, pids)))

    run(scenario)


def test_a_cancelled_call_ends_the_work() -> None:
    async def scenario(child: Child) -> None:
        await child.start()
        call = asyncio.ensure_future(child.call("s", {"do": "sleep"}))
        await asyncio.sleep(0.1)
        pid = child.pid
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert pid is not None
        assert ended(pid)
        assert not child.alive

    run(scenario)


def test_a_child_that_is_killed_while_it_is_being_started_leaves_nothing_behind() -> None:
    async def scenario(child: Child) -> None:
        before = set(psutil.Process().children())
        start = asyncio.ensure_future(child.start())
        await asyncio.sleep(0)
        await child.kill()
        with pytest.raises(Died) as caught:
            await start
        assert caught.value.cause == "aborted"
        assert set(psutil.Process().children()) <= before
        await child.start()
        assert child.alive

    run(scenario)


def test_a_second_call_at_once_is_refused() -> None:
    async def scenario(child: Child) -> None:
        first = asyncio.ensure_future(child.call("s", {"do": "sleep", "seconds": 0.2}))
        await asyncio.sleep(0)
        with pytest.raises(PenstockError, match="one call at a time"):
            await child.call("s", {})
        assert await first == Done()

    run(scenario)


def test_what_the_work_prints_neither_blocks_nor_corrupts_the_answer() -> None:
    async def scenario(child: Child) -> None:
        assert await child.call("s", {"do": "flood"}) == Done({"read": ""})
        assert isinstance(await child.call("s", {}), Done)

    run(scenario)


def test_an_answer_up_to_the_limit_passes_and_a_larger_one_is_the_items_error() -> None:
    async def scenario(child: Child) -> None:
        fits = await child.call("s", {"do": "huge", "size": FRAME_LIMIT - 200})
        assert isinstance(fits, Done)
        with pytest.raises(ItemError, match="pass large data as a file") as caught:
            await child.call("s", {"do": "huge", "size": FRAME_LIMIT})
        assert caught.value.code == "answer_too_large"
        assert child.alive

    run(scenario)


@pytest.mark.parametrize("answer", ["none", "path", "nan", "surrogate"])
def test_an_answer_that_is_no_plain_data_is_a_bug_and_never_a_hang(answer: str) -> None:
    async def scenario(child: Child) -> None:
        with pytest.raises(ItemError) as caught:
            await child.call("s", {"do": "answer", "answer": answer})
        assert caught.value.code == "bug"

    run(scenario)


@pytest.mark.parametrize("value", ["x" * FRAME_LIMIT, {1, 2}, float("inf"), "\udcff"])
def test_an_item_that_cannot_be_sent_is_the_items_error_and_starts_nothing(value: object) -> None:
    async def scenario(child: Child) -> None:
        with pytest.raises(ItemError, match="cannot be sent"):
            await child.call("s", {"value": value})
        assert not child.alive

    run(scenario)


@linux
def test_memory_above_the_limit_is_the_items_error() -> None:
    async def scenario(child: Child) -> None:
        assert await child.call("s", {"do": "allocate", "megabytes": 50}) == Done({"size": 50 << 20})
        with pytest.raises(ItemError) as caught:
            await child.call("s", {"do": "allocate", "megabytes": 2000})
        assert caught.value.code == "memory"
        assert await child.call("s", {"do": "allocate", "megabytes": 50}) == Done({"size": 50 << 20})

    run(scenario, Limits(idle=20, hard=20, start=20, memory_mb=600))


@linux
def test_a_kill_by_the_kernel_for_want_of_memory_is_told_from_other_kills(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vmstat = tmp_path / "vmstat"
    vmstat.write_text("oom_kill 3\n")
    monkeypatch.setattr("penstock.engine.exits._VMSTAT", vmstat)

    async def scenario(child: Child) -> None:
        with pytest.raises(Died) as caught:
            await child.call("s", {"do": "kill me"})
        assert caught.value.cause == "crashed"
        await child.start()
        vmstat.write_text("oom_kill 4\n")
        with pytest.raises(Died, match="ran out of memory") as caught:
            await child.call("s", {"do": "kill me"})
        assert caught.value.cause == "memory"

    run(scenario)


def test_native_code_that_gives_up_without_memory_is_told_from_other_crashes() -> None:
    async def scenario(child: Child) -> None:
        with pytest.raises(Died, match=r"ran out of memory \(900 MB allowed\)") as caught:
            await child.call("s", {"do": "abort"})
        assert caught.value.cause == "memory"

    run(scenario, Limits(idle=20, hard=20, start=20, memory_mb=900))


@linux
def test_deaths_leave_neither_open_files_nor_processes() -> None:
    async def scenario(child: Child) -> None:
        await child.start()
        me = psutil.Process()
        before = (me.num_fds(), len(me.children()))
        for _ in range(12):
            with pytest.raises(Died):
                await child.call("s", {"do": "kill me"})
            await child.start()
        assert (me.num_fds(), len(me.children())) == before

    run(scenario)


def test_work_that_cannot_be_imported_stops_the_run_instead_of_the_items() -> None:
    for work in ("tests.engine.no_such_module:work", "tests.engine.child_work:nothing"):

        async def scenario(child: Child) -> None:
            with pytest.raises(Blocking, match=r"cannot start: .*(no_such_module|names no function)"):
                await child.call("s", {})

        run(scenario, work=work)


def test_a_missing_interpreter_stops_the_run_and_a_full_machine_pauses_it() -> None:
    async def missing(child: Child) -> None:
        with pytest.raises(Blocking, match="cannot start"):
            await child.start()

    async def full(child: Child) -> None:
        with (
            failpoint.armed("child.start=error:BlockingIOError"),
            pytest.raises(Unavailable, match="no process"),
        ):
            await child.start()
        await child.start()
        assert child.alive

    run(missing, python="/nowhere/python")
    run(full)


def slow_module(folder: Path, body: str) -> dict[str, Any]:
    (folder / "slow_boot.py").write_text(textwrap.dedent(body))
    here = os.pathsep.join([str(folder), *filter(None, sys.path)])
    return {"work": "slow_boot:work", "env": {"PYTHONPATH": here}}


def test_a_child_stuck_in_its_start_is_ended_at_the_start_limit(tmp_path: Path) -> None:
    async def scenario(child: Child) -> None:
        with pytest.raises(Died, match=r"not ready within 0\.4 s") as caught:
            await child.call("s", {})
        assert caught.value.cause == "start"
        assert not child.alive

    run(scenario, Limits(start=0.4), **slow_module(tmp_path, "import time; time.sleep(60)"))


def test_a_child_that_crashes_in_its_start_says_so(tmp_path: Path) -> None:
    async def scenario(child: Child) -> None:
        with pytest.raises(Died, match="died before it was ready: exit status 7") as caught:
            await child.start()
        assert caught.value.cause == "start"
        assert "out of tune" in caught.value.detail

    body = "import os; os.write(2, b'out of tune'); os._exit(7)"
    run(scenario, **slow_module(tmp_path, body))


def test_the_failpoints_around_a_call_end_the_child_when_they_raise() -> None:
    async def scenario(child: Child) -> None:
        for name in ("child.sent", "child.answered"):
            with failpoint.armed(f"{name}=crash"), pytest.raises(failpoint.SimulatedCrash):
                await child.call("s", {})
            assert not child.alive
            assert isinstance(await child.call("s", {}), Done)

    run(scenario)


def test_a_failpoint_named_in_the_environment_fires_within_the_child(tmp_path: Path) -> None:
    body = """
        from penstock.engine.failpoint import declare, failpoint
        from penstock.engine.outcome import Done
        declare("slow.boot")
        def work(stage, item, progress):
            failpoint("slow.boot", item=item["id"])
            return Done()
        """
    how = slow_module(tmp_path, body)
    how["env"]["PENSTOCK_FAILPOINTS"] = "child.start=kill; slow.boot=crash[item=7]"

    async def scenario(child: Child) -> None:
        assert await child.call("s", {"id": 6}) == Done()
        with pytest.raises(Died, match="exit status 1") as caught:
            await child.call("s", {"id": 7})
        assert "SimulatedCrash" in caught.value.detail

    run(scenario, **how)


def test_a_child_gets_one_thread_per_library_and_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "canary")
    monkeypatch.setenv("DATABASE_URL", "mysql://me:canary@db/photos")
    monkeypatch.setenv("KEYBOARD", "de")
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    names = ["OPENAI_API_KEY", "DATABASE_URL", "KEYBOARD", "OMP_NUM_THREADS", "LAMP"]

    async def scenario(child: Child) -> None:
        seen = await child.call("s", {"do": "environment", "names": names})
        assert seen == Done(dict(zip(names, ["", "", "de", "1", "on"], strict=True)))

    run(scenario, env={"LAMP": "on"})


def test_a_child_imports_neither_asyncio_nor_psutil() -> None:
    async def scenario(child: Child) -> None:
        seen = await child.call("s", {"do": "modules"})
        assert isinstance(seen, Done)
        assert not {"asyncio", "psutil", "django"} & set(seen.fields["modules"])

    run(scenario)


def test_a_small_call_costs_well_under_a_millisecond() -> None:
    async def scenario(child: Child) -> None:
        await child.start()
        times = []
        for number in range(300):
            began = perf_counter()
            await child.call("s", {"id": number})
            times.append(perf_counter() - began)
        assert sorted(times)[len(times) // 4] < 0.001

    run(scenario)


def a_driver(tmp_path: Path, item: str) -> subprocess.Popen[bytes]:
    code = f"""
        import asyncio
        from penstock.engine.child import Child
        from penstock.engine.clock import SystemClock
        from penstock.engine.pipeline import Limits
        child = Child({WORK!r}, Limits(), SystemClock())
        asyncio.run(child.call("s", {item}))
        """
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], env=env)


@pytest.mark.parametrize("deed", ["grandchildren", "hold"])
def test_when_the_driver_is_killed_its_child_ends_with_all_below_it(tmp_path: Path, deed: str) -> None:
    """`hold` hangs in C, where no Python thread of the child can run any more."""
    if deed == "hold" and sys.platform != "linux":
        pytest.skip("needs the kernel's death signal")
    mark = tmp_path / "pids"
    driver = a_driver(tmp_path, f"{{'do': {deed!r}, 'mark': {str(mark)!r}}}")
    pids: list[int] = []
    try:
        asyncio.run(eventually(lambda: mark.exists() and mark.read_text()))
        pids = [int(pid) for pid in mark.read_text().split()][:2]  # the child, and one in its group
        driver.kill()
        driver.wait(10)
        asyncio.run(eventually(lambda: all(map(ended, pids))))
    finally:
        driver.kill()
        driver.wait(10)
        for pid in mark.read_text().split() if mark.exists() else []:
            if not ended(int(pid)):
                os.kill(int(pid), signal.SIGKILL)
