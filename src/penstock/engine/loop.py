"""The run loop. Start reading here: `drive` is the table of contents."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from penstock.engine.clock import Clock
from penstock.engine.errors import Blocking, Died, LeaseLost, Unavailable
from penstock.engine.lanes import Lanes
from penstock.engine.meter import Meter
from penstock.engine.pipeline import Item
from penstock.engine.port import Batch, Later, Ledger, Result
from penstock.engine.verdict import verdict

TICK = 0.2  # seconds between two looks at what people asked
SLICE_SECONDS, SLICE_ITEMS = 0.1, 100  # a batch settles in slices
log = logging.getLogger(__name__)

Call = Callable[..., Any]


@dataclass
class Held:
    """A batch that this driver holds: what is still to start, what is under way, what came back."""

    batch: Batch
    todo: list[Item]
    tasks: dict[asyncio.Task[None], list[Item]] = field(default_factory=dict)
    results: list[Result] = field(default_factory=list)
    since: float = 0.0

    @property
    def over(self) -> bool:
        """Nothing left to start or to wait for."""
        return not self.todo and not self.tasks

    def give_back(self) -> None:
        """What has not started goes back untried."""
        self.results += [Result(item["id"], Later(), item["attempt"]) for item in self.todo]
        self.todo.clear()


class Driver:
    """A process in the run loop: it claims what fits its lanes, has it worked, and settles it."""

    def __init__(self, ledger: Ledger, lanes: Lanes, clock: Clock, *, call: Call, lease: float = 60.0) -> None:
        self.ledger, self.lanes, self.clock = ledger, lanes, clock
        self.call = call  # runs a function on the one thread that may touch the ledger
        self.lease = lease
        self.held: list[Held] = []
        self.wake = asyncio.Event()
        self.stopping = False
        self._looked = self._beaten = float("-inf")
        self._checked: set[str] = set()
        self._barren: dict[str, tuple[set[str], float]] = {}  # run → lanes that it had nothing for, and when
        self._took: dict[str, float] = {}  # seconds of the last item, per lane
        self._meter = Meter(clock)

    async def drive(self, *, only: str | None = None, forever: bool = False) -> None:
        """Drive the open runs (or `only` one) until they come to rest; with `forever`, until `stop`."""
        try:
            while not self.stopping:
                runs = await self._wanted(only)
                await self._heed(runs)
                await self._fill(runs)
                await self._wait()
                await self._settle()
                await self._beat()
                if await self._all_at_rest(runs) and not forever:
                    break
        finally:
            await self._give_back()

    def stop(self) -> None:
        """Claim nothing more, give back what has not started, end what is under way."""
        self.stopping = True
        self.wake.set()

    # -- what people ask ------------------------------------------------------------------------------------

    async def _wanted(self, only: str | None) -> list[str]:
        runs = [only] if only else list(await self.call(self.ledger.runs))
        for run in runs:
            if run not in self._checked:
                self._checked.add(run)
                await self._preflight(run)
        return runs

    async def _preflight(self, run: str) -> None:
        check = (await self.call(self.ledger.pipeline, run)).preflight
        if check is None:
            return
        try:
            await self.call(self.ledger.note, run, await check())
        except Blocking as error:
            await self.call(self.ledger.block, run, str(error), error.code)
        except Unavailable as error:
            await self.call(self.ledger.hold, run, str(error))

    async def _heed(self, runs: Sequence[str]) -> None:
        """Read the requests every TICK; release what has not started, on abort end what has."""
        now = self.clock.monotonic()
        if now - self._looked < TICK:
            return
        self._looked = now
        for run in {held.batch.run for held in self.held}:
            asked = await self.call(self.ledger.requests, run)
            if asked.stop:
                await self._stop_run(run, abort=asked.abort or not asked.open)

    async def _stop_run(self, run: str, *, abort: bool) -> None:
        for held in [h for h in self.held if h.batch.run == run]:
            held.give_back()
            if abort:
                await _cancel(held)

    # -- claiming and working -------------------------------------------------------------------------------

    async def _fill(self, runs: Sequence[str]) -> None:
        """Start what is held; claim while a lane has room, rotating over the runs."""
        self._start_all()
        waiting = list(runs)
        while waiting and not self.stopping and (free := self._free()):
            run = waiting.pop(0)
            if self._has_nothing(run, free):
                continue
            batch = await self.call(self.ledger.claim, run, free)
            if batch is None:
                self._barren[run] = (set(free), self.clock.monotonic())
                continue
            self.held.append(Held(batch, list(batch.items), since=self.clock.monotonic()))
            self._start_all()
            waiting.append(run)

    def _has_nothing(self, run: str, free: dict[str, int]) -> bool:
        """Whether a look for these lanes was in vain a moment ago, and nothing was settled here since."""
        lanes, when = self._barren.get(run, (set(), float("-inf")))
        patience = TICK if self.held else 0.0
        return set(free) <= lanes and self.clock.monotonic() - when < patience

    def _free(self) -> dict[str, int]:
        """Free slots per lane, less what is held for them and has not started. A lane of quick work takes one batch
        ahead, so that its slots need not wait for a claim."""
        free, waiting = self.lanes.free(), Counter[str]()
        for held in self.held:
            waiting[held.batch.stage.lane] += len(held.todo)
        left = {lane: n - waiting[lane] for lane, n in free.items()}
        ahead = {lane: 1 for lane in left if not waiting[lane] and self._took.get(lane, TICK) < TICK}
        return {lane: most for lane, n in left.items() if (most := max(n, ahead.get(lane, 0))) > 0}

    def _start_all(self) -> None:
        for held in self.held:
            stage = held.batch.stage
            while held.todo and self.lanes.has_room(stage):
                items = held.todo if stage.per != "item" or stage.runner == "inline" else held.todo[:1]
                held.todo = held.todo[len(items) :]
                self._begin(held, items)

    def _begin(self, held: Held, items: list[Item]) -> None:
        """Inline work is done on the spot; anything else becomes a task."""
        stage = held.batch.stage
        if stage.runner == "inline":
            held.results += self.lanes.inline(stage, items, self.clock)
            self.wake.set()
            return
        self.lanes.take(stage)
        task = asyncio.ensure_future(self._work(held, items))
        held.tasks[task] = items

    async def _work(self, held: Held, items: list[Item]) -> None:
        stage, started = held.batch.stage, self.clock.monotonic()
        outcomes: list[Any]
        try:
            outcomes = list(await self.lanes.work(stage, items))
        except asyncio.CancelledError:
            outcomes = [Later()] * len(items)
        except Exception as error:  # the boundary: whose fault was it?
            outcomes = [await self._blame(held, error)] * len(items)
        finally:
            self.lanes.give(stage)
        took = self._took[stage.lane] = (self.clock.monotonic() - started) / len(items)
        held.results += [
            Result(item["id"], what, item["attempt"], took) for item, what in zip(items, outcomes, strict=True)
        ]
        held.tasks = {task: rest for task, rest in held.tasks.items() if rest is not items}
        if not self.stopping:
            self._start_all()  # the slot is at work again before this item is settled
        self.wake.set()

    async def _blame(self, held: Held, error: Exception) -> Any:
        """The verdict on an error; what concerns the whole run is told to the ledger, and nothing more of it starts."""
        run = held.batch.run
        if isinstance(error, Blocking | Unavailable):
            await self._stop_run(run, abort=False)
        if isinstance(error, Blocking):
            await self.call(self.ledger.block, run, str(error), error.code)
        elif isinstance(error, Unavailable):
            await self.call(self.ledger.hold, run, str(error))
        if isinstance(error, Blocking | Unavailable):
            await self._stop_run(run, abort=False)  # what was claimed while it was told
        return verdict(error, held.batch.stage)

    async def _wait(self) -> None:
        """Until something came back, at most a TICK."""
        busy = any(held.results and held.over for held in self.held)
        if not busy:
            with suppress(TimeoutError):
                await asyncio.wait_for(self.wake.wait(), TICK if self.held else TICK / 4)
        self.wake.clear()

    # -- settling -------------------------------------------------------------------------------------------

    async def _settle(self) -> None:
        for held in list(self.held):
            due = self.clock.monotonic() - held.since >= SLICE_SECONDS or len(held.results) >= SLICE_ITEMS
            if held.over or (held.results and due):
                await self._settle_slice(held)

    async def _settle_slice(self, held: Held) -> None:
        last, results = held.over, [await self._judged(held, result) for result in held.results]
        held.results, held.since = [], self.clock.monotonic()
        self._barren.clear()
        size = SLICE_ITEMS if held.batch.stage.per == "item" else max(1, len(results))  # decided together: one commit
        for start in range(0, max(1, len(results)), size):
            part = results[start : start + size]
            final = last and start + size >= len(results)
            try:
                await self.call(self.ledger.settle, held.batch, part, final)
            except LeaseLost:
                log.warning("batch %s was taken over; its results are dropped", held.batch.id)
                await self._drop(held)
                return
            except BaseException:  # not written: given back with the rest
                held.results = [*results[start:], *held.results]
                raise
        if last:
            self.held.remove(held)

    async def _judged(self, held: Held, result: Result) -> Result:
        """Inline work leaves its surprises in the result; here they become verdicts."""
        if isinstance(result.what, Exception) and not isinstance(result.what, Died):
            return replace(result, what=await self._blame(held, result.what))
        return result

    async def _drop(self, held: Held) -> None:
        held.todo.clear()
        await _cancel(held)
        if held in self.held:
            self.held.remove(held)

    async def _beat(self) -> None:
        """One heartbeat a third of a lease; a lost batch is dropped. Peaks are measured here too."""
        now = self.clock.monotonic()
        if now - self._beaten < min(self.lease / 3, 5.0):
            return
        self._beaten = now
        lost = await self.call(self.ledger.beat, [held.batch for held in self.held])
        for held in [h for h in self.held if h.batch.id in lost]:
            await self._drop(held)
        await self._measure()

    async def _measure(self) -> None:
        for held in self.held:
            pids = self.lanes.pids(held.batch.stage)
            if pids:
                self._meter.sample(pids)
                peaks = self._meter.peaks()
                await self.call(self.ledger.peaks, held.batch.run, held.batch.stage.name, peaks)

    async def _all_at_rest(self, runs: Sequence[str]) -> bool:
        if self.held:
            return False
        rests = [await self.call(self.ledger.rest, run) for run in runs]
        return all(rest.finished for rest in rests)

    async def _give_back(self) -> None:
        """Leave nothing behind: end the work, give its items back untried, close the lanes."""
        self.stopping = True
        for held in list(self.held):
            held.give_back()
            await _cancel(held)
            await self._settle_slice(held)
        await self.lanes.close()


async def _cancel(held: Held) -> None:
    """End the tasks of a batch and wait for them; their items come back untried."""
    tasks = list(held.tasks)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
