from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from time import perf_counter

import psutil
import pytest

from penstock.engine import failpoint
from penstock.engine.child import Child
from penstock.engine.clock import SystemClock
from penstock.engine.errors import Died
from penstock.engine.outcome import Done
from penstock.engine.pipeline import Limits
from tests.engine.children import WORK, ended, eventually, linux, run, slow_module


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
        failpoint.arm_call("child.sent", lambda name, context: ended(victim) or os.kill(victim, signal.SIGKILL))
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
