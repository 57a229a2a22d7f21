from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest

from penstock.engine import clock as clock_module
from penstock.engine.clock import SystemClock, VirtualClock, boot_id

START = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)


def test_virtual_sleepers_wake_in_the_order_of_their_times_and_at_once() -> None:
    clock = VirtualClock(start=100.0, wall=START)
    woken: list[tuple[str, float]] = []

    async def sleeper(name: str, seconds: float) -> None:
        for _ in range(3):
            await clock.sleep(seconds)
            woken.append((name, clock.monotonic()))

    async def main() -> None:
        await asyncio.gather(sleeper("day", 86400.0), sleeper("half", 43200.0))

    asyncio.run(asyncio.wait_for(main(), 5))
    assert [name for name, _ in woken] == ["half", "day", "half", "half", "day", "day"]
    assert clock.monotonic() == 100.0 + 3 * 86400.0
    assert clock.wall() == START + timedelta(days=3)


def test_time_does_not_jump_while_a_chain_of_callbacks_is_still_running() -> None:
    clock = VirtualClock()
    seen: list[float] = []

    async def busy() -> None:
        for _ in range(50):
            await asyncio.sleep(0)
        seen.append(clock.monotonic())

    async def main() -> None:
        await asyncio.gather(clock.sleep(10.0), busy())

    asyncio.run(main())
    assert seen == [0.0]
    assert clock.monotonic() == 10.0


def test_a_cancelled_sleeper_does_not_move_time() -> None:
    clock = VirtualClock()

    async def main() -> None:
        cancelled = asyncio.ensure_future(clock.sleep(2.0))
        await clock.sleep(1.0)
        cancelled.cancel()
        with pytest.raises(asyncio.CancelledError):
            await cancelled
        assert clock.monotonic() == 1.0
        await clock.sleep(2.0)

    asyncio.run(asyncio.wait_for(main(), 5))
    assert clock.monotonic() == 3.0


def test_time_stands_still_while_work_that_the_loop_cannot_see_is_held() -> None:
    clock = VirtualClock()
    seen: list[float] = []

    async def main() -> None:
        sleeper = asyncio.ensure_future(clock.sleep(60.0))
        release = threading.Event()
        await asyncio.sleep(0)
        with clock.hold():
            work = asyncio.get_running_loop().run_in_executor(None, release.wait, 5)
            await asyncio.sleep(0.05)
            seen.append(clock.monotonic())
            release.set()
            assert await work
        await sleeper

    asyncio.run(main())
    assert seen == [0.0]
    assert clock.monotonic() == 60.0


def test_time_moved_by_hand_wakes_whoever_is_due() -> None:
    clock = VirtualClock()

    async def main() -> list[bool]:
        with clock.hold():
            near, far = (asyncio.ensure_future(clock.sleep(seconds)) for seconds in (5.0, 50.0))
            await asyncio.sleep(0)
            clock.advance(5.0)
            await asyncio.sleep(0)
            done = [near.done(), far.done()]
            far.cancel()
        return done

    assert asyncio.run(main()) == [True, False]
    assert clock.monotonic() == 5.0


def test_one_virtual_clock_serves_several_loops_one_after_the_other() -> None:
    clock = VirtualClock()

    async def leave_a_sleeper() -> None:
        task = asyncio.ensure_future(clock.sleep(500.0))
        await clock.sleep(1.0)
        assert not task.done()

    asyncio.run(leave_a_sleeper())
    asyncio.run(clock.sleep(2.0))
    assert clock.monotonic() == 3.0


def test_the_system_clock_means_the_same_in_every_process() -> None:
    code = "from penstock.engine.clock import SystemClock; print(SystemClock().monotonic())"
    before = SystemClock().monotonic()
    env = {"PYTHONPATH": str(Path(clock_module.__file__).parents[2])}
    there = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert before <= float(there.stdout) <= SystemClock().monotonic()


def test_the_system_clock_tells_people_the_time_in_utc_and_sleeps() -> None:
    clock = SystemClock()
    before = clock.monotonic()
    asyncio.run(clock.sleep(0.02))
    asyncio.run(clock.sleep(-1.0))
    assert clock.monotonic() - before >= 0.019
    assert clock.wall().tzinfo is UTC


def test_the_boot_id_stays_the_same_and_falls_back_to_the_time_of_the_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    first = boot_id()
    boot_id.cache_clear()
    assert first
    assert boot_id() == first
    monkeypatch.setattr(clock_module, "_BOOT_ID", tmp_path / "none")
    monkeypatch.setattr(psutil, "boot_time", lambda: 1_700_000_004.7)
    boot_id.cache_clear()
    assert boot_id() == "boot-1700000000"
    boot_id.cache_clear()
