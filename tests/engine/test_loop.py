"""The driver: what it starts, stops, gives back and survives. Over the in-memory ledger."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from penstock.engine.clock import SystemClock
from penstock.engine.errors import Blocking, Unavailable
from penstock.engine.lanes import Lanes
from penstock.engine.loop import TURN_ITEMS, Driver
from penstock.engine.memory import MemoryLedger, MemoryStore
from penstock.engine.outcome import Done, Outcome
from penstock.engine.pipeline import Limits, Pipeline, Stage
from tests.engine.children import WORK, eventually

Work = Callable[[Any, Callable[[str], None]], Awaitable[Outcome]]


async def direct(function: Callable[..., Any], *args: Any) -> Any:
    """The in-memory ledger may be called from anywhere."""
    return function(*args)


class Bench:
    """One driver over one run of async items."""

    def __init__(self, work: Work | str, items: int = 4, slots: int = 2, **stage: Any) -> None:
        how: Any = {"runner": "async", "work": work, "size": 2, "backoff": 0.0, **stage}
        one = Stage(1, "cut", "Cut", "widget", lane="io", **how)
        self.pipeline = Pipeline("bench", (one,))
        self.store, self.clock = MemoryStore(), SystemClock()
        self.ledger = MemoryLedger(self.store, self.clock)
        self.store.start("r", self.pipeline, [("widget", {"id": n}) for n in range(1, items + 1)])
        self.driver = Driver(self.ledger, Lanes({"io": slots}, self.clock), self.clock, call=direct)

    def run(self, *beside: Callable[[], Awaitable[None]]) -> None:
        """Drive to rest, with something going on beside."""

        async def go() -> None:
            await asyncio.gather(asyncio.wait_for(self.driver.drive(only="r"), 10), *(one() for one in beside))

        asyncio.run(go())

    @property
    def states(self) -> list[str]:
        """By id."""
        return [row["state"] for _, row in sorted(self.store.rows["widget"].items())]


def test_no_more_runs_at_once_than_the_lane_has_slots() -> None:
    now, most = 0, 0

    async def work(item: Any, progress: Any) -> Outcome:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.01)
        now -= 1
        return Done()

    bench = Bench(work, items=8, slots=3)
    bench.run()
    assert most == 3
    assert bench.states == ["done"] * 8


def test_an_idle_item_dies_and_a_progressing_one_lives() -> None:
    async def work(item: Any, progress: Callable[[str], None]) -> Outcome:
        for _ in range(12):
            await asyncio.sleep(0.02)
            if item["id"] == 2:
                progress("still here")
        return Done()

    bench = Bench(work, items=2, limits=Limits(idle=0.1, hard=5), deaths=2)
    bench.run()
    assert bench.states == ["quarantined", "done"]
    assert bench.store.rows["widget"][1]["error_code"] == "idle"


def test_an_item_that_passes_its_hard_limit_dies_although_it_progresses() -> None:
    async def work(item: Any, progress: Callable[[str], None]) -> Outcome:
        while True:
            await asyncio.sleep(0.02)
            progress("on and on")

    bench = Bench(work, items=1, limits=Limits(idle=5, hard=0.1), deaths=1)
    bench.run()
    assert bench.store.rows["widget"][1]["error_code"] == "hard"


def test_a_pause_lets_items_in_flight_end_and_gives_the_rest_back_untried() -> None:
    started: list[int] = []

    async def work(item: Any, progress: Any) -> Outcome:
        started.append(item["id"])
        await asyncio.sleep(0.5)
        return Done()

    bench = Bench(work, items=4, slots=1, size=4)

    async def pause() -> None:
        await asyncio.sleep(0.1)
        bench.store.runs["r"].pause = True

    bench.run(pause)
    assert started == [1]
    assert bench.states == ["done", "ready", "ready", "ready"]
    assert [row["attempts"] for row in bench.store.rows["widget"].values()] == [0, 0, 0, 0]
    assert bench.store.runs["r"].status == "paused"


def test_an_abort_ends_items_in_the_middle() -> None:
    ended: list[int] = []

    async def work(item: Any, progress: Any) -> Outcome:
        try:
            await asyncio.sleep(30)
        finally:
            ended.append(item["id"])
        return Done()

    bench = Bench(work, items=2)

    async def abort() -> None:
        await asyncio.sleep(0.1)
        bench.store.runs["r"].abort = True

    bench.run(abort)
    assert sorted(ended) == [1, 2]
    assert bench.states == ["ready", "ready"]
    assert bench.store.runs["r"].status == "cancelled"


def test_a_stopped_driver_leaves_nothing_leased_and_another_finishes() -> None:
    async def work(item: Any, progress: Any) -> Outcome:
        await asyncio.sleep(0.3)
        return Done()

    bench = Bench(work, items=4, slots=2)

    async def stop() -> None:
        await asyncio.sleep(0.1)
        bench.driver.stop()

    bench.run(stop)
    assert bench.states == ["ready"] * 4
    bench.driver = Driver(bench.ledger, Lanes({"io": 4}, bench.clock), bench.clock, call=direct)
    bench.run()
    assert bench.states == ["done"] * 4


def test_a_batch_that_was_taken_over_is_dropped_and_its_late_results_change_nothing() -> None:
    calls = 0

    async def work(item: Any, progress: Any) -> Outcome:
        nonlocal calls
        calls += 1
        if calls == 1:
            bench.ledger.free_expired(lambda holder: True)
        await asyncio.sleep(0.01)
        return Done({"by": calls})

    bench = Bench(work, items=1, slots=1)
    bench.run()
    row = bench.store.rows["widget"][1]
    assert (row["state"], row["by"], calls) == ("done", 2, 2)


@pytest.mark.parametrize("error", [Blocking("no server", code="model_missing")])
def test_a_failed_preflight_ends_the_run_before_anything_is_claimed(error: Exception) -> None:
    started: list[int] = []

    async def work(item: Any, progress: Any) -> Outcome:
        started.append(item["id"])
        return Done()

    async def preflight() -> list[tuple[str, str]]:
        raise error

    bench = Bench(work)
    pipeline = Pipeline("bench", bench.pipeline.stages, preflight=preflight)
    bench.store.runs["r"].pipeline = pipeline
    bench.run()
    assert not started
    assert (bench.store.runs["r"].status, bench.store.runs["r"].reason) == ("failed", "no server")


class Watched(Bench):
    """Notes what ran while the ledger was asked, and how often it was asked in vain."""

    def __init__(self, seconds: Callable[[int], float], **how: Any) -> None:
        self.running: set[int] = set()
        self.during: dict[str, list[bool]] = {"settled": [], "claimed": []}
        self.in_vain = 0

        async def work(item: Any, progress: Any) -> Outcome:
            self.running.add(item["id"])
            await asyncio.sleep(seconds(item["id"]))
            self.running.discard(item["id"])
            return Done()

        super().__init__(work, **how)
        self.driver.call = self.call

    async def call(self, function: Callable[..., Any], *args: Any) -> Any:
        await asyncio.sleep(0.001)
        answer = function(*args)
        if function.__name__ == "turn":
            self.during["settled"] += [bool(self.running)] * bool(args[0])
            self.during["claimed"] += [bool(self.running)] * len(answer.batches)
            self.in_vain += len(answer.barren)
        return answer


def test_a_freed_slot_is_at_work_again_before_its_item_is_settled() -> None:
    bench = Watched(lambda item: 0.12, items=4, slots=1, size=4)
    bench.run()
    assert bench.during["settled"] == [True, True, True, False]


def test_a_lane_of_quick_work_claims_ahead_and_one_of_slow_work_does_not() -> None:
    quick = Watched(lambda item: 0.02, items=8, slots=1, size=1)
    quick.run()
    assert quick.during["claimed"].count(True) >= 3
    slow = Watched(lambda item: 0.25, items=2, slots=1, size=1)
    slow.run()
    assert slow.during["claimed"] == [False, False]


def test_work_ends_before_its_lease_when_no_heartbeat_gets_through() -> None:
    """The ledger answers claims and nothing else for three leases; then the item is worked on again."""
    lease, began, ended = 0.5, [], []

    async def work(item: Any, progress: Any) -> Outcome:
        began.append(bench.clock.monotonic())
        try:
            await asyncio.sleep(20 if len(began) == 1 else 0)
        finally:
            ended.append(bench.clock.monotonic())
        return Done()

    async def call(function: Callable[..., Any], *args: Any) -> Any:
        if function.__name__ == "beat" and len(began) == 1:
            await asyncio.sleep(3 * lease)
        return function(*args)

    bench = Bench(work, items=1)
    bench.driver = Driver(bench.ledger, Lanes({"io": 1}, bench.clock), bench.clock, call=call, lease=lease)
    bench.run()
    assert ended[0] - began[0] < lease
    assert (len(began), bench.states) == (2, ["done"])
    assert bench.store.rows["widget"][1]["attempts"] == 0


def test_an_abort_ends_a_hanging_child_and_all_hanging_calls_within_two_seconds() -> None:
    """One holds the interpreter in C, where no Python thread of the child can run."""

    async def hangs(item: Any, progress: Any) -> Outcome:
        marked.touch()
        await asyncio.sleep(60)
        return Done()

    with tempfile.TemporaryDirectory() as folder:
        for runner, work in (("child", WORK), ("async", hangs)):
            marked = Path(folder) / runner
            bench = Bench(work, items=0, slots=1, runner=runner)
            bench.store.start("r", bench.pipeline, [("widget", {"id": 1, "do": "hold", "mark": str(marked)})])
            asked: list[float] = []

            async def abort(bench: Bench = bench, marked: Path = marked, asked: list[float] = asked) -> None:
                await eventually(marked.exists)
                asked.append(bench.clock.monotonic())
                bench.store.runs["r"].abort = True

            bench.run(abort)
            assert bench.clock.monotonic() - asked[0] < 2.0
            assert (bench.states, bench.store.runs["r"].status) == (["ready"], "cancelled")


def test_inline_work_is_settled_before_more_is_claimed() -> None:
    def work(item: Any) -> Outcome:
        most.append(sum(state == "leased" for state in bench.states))
        return Done()

    most: list[int] = []
    bench = Bench(work, items=600, runner="inline")  # type: ignore[arg-type]
    bench.run()
    assert bench.states == ["done"] * 600
    assert max(most) <= TURN_ITEMS + 4


def test_a_ledger_that_has_nothing_is_not_asked_again_at_every_turn() -> None:
    bench = Watched(lambda item: item * 0.008, items=12, slots=12, size=12)
    bench.run()
    assert bench.in_vain <= 3
    assert bench.states == ["done"] * 12


def test_when_the_outside_is_down_nothing_more_of_the_run_starts() -> None:
    started: list[int] = []

    async def work(item: Any, progress: Any) -> Outcome:
        started.append(item["id"])
        await asyncio.sleep(0.02)
        if item["id"] == 3:
            raise Unavailable("the server is away")
        return Done()

    bench = Bench(work, items=9, slots=1, size=2)
    bench.run()
    assert started == [1, 2, 3]
    assert bench.states == ["done", "done", *["ready"] * 7]


def test_an_item_whose_error_the_ledger_could_not_be_told_goes_back_and_is_tried_again() -> None:
    away = {"server": True, "ledger": True}

    async def work(item: Any, progress: Any) -> Outcome:
        if away.pop("server", False):
            raise Unavailable("the server is away")
        return Done()

    bench = Bench(work, items=1)

    async def call(function: Callable[..., Any], *args: Any) -> Any:
        if function.__name__ == "hold" and away.pop("ledger", False):
            raise OSError("the ledger is away")
        return function(*args)

    bench.driver.call = call
    bench.run()
    assert bench.states == ["done"]


def test_work_that_is_ended_before_it_began_goes_back_too() -> None:
    worked: list[int] = []

    async def work(item: Any, progress: Any) -> Outcome:
        worked.append(item["id"])
        return Done()

    bench = Bench(work, items=2)

    async def wait() -> None:
        raise OSError("before the loop gave the work its turn")

    bench.driver._wait = wait  # type: ignore[method-assign]
    with pytest.raises(OSError, match="before the loop"):
        bench.run()
    assert bench.states == ["ready"] * 2
    assert worked == []


def test_a_batch_that_answers_for_fewer_items_than_it_got_fails_instead_of_hanging() -> None:
    async def work(items: Any, progress: Any) -> list[Outcome]:
        return []

    bench = Bench(work, items=2, per="batch")  # type: ignore[arg-type]
    bench.run()
    assert bench.states == ["failed", "failed"]


def test_what_a_batch_decided_together_is_settled_together_however_many_there_are() -> None:
    async def work(items: list[Any], progress: Any) -> Any:
        return [Done() for _ in items]

    bench = Bench(work, items=250, per="set")
    settled: list[int] = []
    settle = bench.ledger.settle

    def note(batch: Any, results: Any, last: bool) -> None:
        settled.append(len(results))
        settle(batch, results, last)

    bench.ledger.settle = note  # type: ignore[method-assign]
    bench.run()
    assert settled == [250]
    assert bench.states == ["done"] * 250
