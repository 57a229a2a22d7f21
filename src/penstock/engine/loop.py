"""The run loop. Start reading here: `drive` is the table of contents."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from math import ceil
from typing import Any

from penstock.engine.clock import Clock
from penstock.engine.errors import Blocking, Died, ItemError, Unavailable
from penstock.engine.lanes import Lanes, results
from penstock.engine.meter import Meter
from penstock.engine.pipeline import Item
from penstock.engine.port import Batch, Later, Ledger, Result, Slice, Turned
from penstock.engine.verdict import verdict

TICK = 0.2  # seconds between two looks at what people asked
SLICE_SECONDS, SLICE_ITEMS = 0.1, 100  # a batch settles in slices
AHEAD = 0.05  # seconds of quick work that are claimed ahead, so that a lane need not wait for the ledger
TURN_SECONDS, TURN_ITEMS = 0.05, 1000  # how long a transaction should take, that a person's write need not wait long
SURE = 0.8  # the part of a lease for which work goes on without a heartbeat that got through
log = logging.getLogger(__name__)

Call = Callable[..., Any]


@dataclass
class Held:
    """A batch that this driver holds: what is still to start, what is under way, what came back."""

    batch: Batch
    todo: list[Item]
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    results: list[Result] = field(default_factory=list)
    since: float = 0.0
    closing: bool = False  # its last slice is being settled

    @property
    def waiting(self) -> int:
        """How many pieces of work are still to start."""
        return len(self.todo) if self.batch.stage.per == "item" else min(1, len(self.todo))

    @property
    def over(self) -> bool:
        """Nothing left to start or to wait for."""
        return not self.todo and not self.tasks

    def give_back(self) -> None:
        """What has not started goes back untried."""
        self.results += [Result(item["id"], Later(), item["attempt"]) for item in self.todo]
        self.todo.clear()


@dataclass
class Work:
    """A piece of work under way. Until it has an outcome, its items are to be given back untried."""

    items: list[Item]
    since: float
    outcomes: list[Any]
    together: int = 1


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
        self._turns = 0
        self._most = TURN_ITEMS  # items of one turn
        self._took: dict[str, float] = {}  # seconds of the last piece of work, per lane
        self._runs: list[str] = []
        self._listed = float("-inf")
        self._meter = Meter(clock)
        self._deadline: asyncio.TimerHandle | None = None

    async def drive(self, *, only: str | None = None, forever: bool = False) -> None:
        """Drive the open runs (or `only` one) until they come to rest; with `forever`, until `stop`."""
        self._sure_from(self.clock.monotonic())
        try:
            while not self.stopping:
                runs = await self._wanted(only)
                await self._heed(runs)
                await self._turn(runs)
                await self._wait()
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
        now = self.clock.monotonic()
        if only or now - self._listed >= TICK:
            self._listed, self._runs = now, [only] if only else list(await self.call(self.ledger.runs))
        for run in self._runs:
            if run not in self._checked:
                self._checked.add(run)
                await self._preflight(run)
        return self._runs

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

    # -- claiming and settling ------------------------------------------------------------------------------

    async def _turn(self, runs: Sequence[str]) -> None:
        """Settle what came back and claim what there is room for, in one transaction; start what was claimed."""
        slices = await self._slices()
        if slices:
            self._barren.clear()
        room = {} if self.stopping else self._room()
        hungry = [run for run in self._rotated(runs) if room and not self._has_nothing(run, room)]
        if not slices and not hungry:
            return
        began = self.clock.monotonic()
        turned = await self._told(slices, hungry, room)
        self._pace(sum(len(one.results) for _, one in slices), self.clock.monotonic() - began)
        now = self.clock.monotonic()
        self._barren |= {run: (set(room), now) for run in turned.barren}
        self.held = [held for held in self.held if not (held.closing and held.batch.id not in turned.lost)]
        for held in [h for h in self.held if h.batch.id in turned.lost]:
            log.warning("batch %s was taken over; its results are dropped", held.batch.id)
            await self._drop(held)
        self.held += [Held(batch, list(batch.items), since=now) for batch in turned.batches]
        self._start_all()

    def _pace(self, items: int, seconds: float) -> None:
        """As many items in a turn as it can hold in its time."""
        if items >= SLICE_ITEMS and seconds > 0.0:
            slices = int(items * TURN_SECONDS / seconds) // SLICE_ITEMS
            self._most = min(TURN_ITEMS, max(1, slices) * SLICE_ITEMS)

    async def _told(self, slices: list[tuple[Held, Slice]], hungry: list[str], room: dict[str, int]) -> Turned:
        try:
            turned: Turned = await self.call(self.ledger.turn, [one for _, one in slices], hungry, room)
            return turned
        except BaseException:  # not written: given back with the rest
            for held, one in slices:
                held.results, held.closing = [*one.results, *held.results], False
            raise

    async def _slices(self) -> list[tuple[Held, Slice]]:
        """What is due of each batch, and no more than a transaction should hold."""
        found, left, now = [], self._most, self.clock.monotonic()
        for held in list(self.held):
            due = now - held.since >= SLICE_SECONDS or len(held.results) >= SLICE_ITEMS
            if left > 0 and (held.over or (held.results and due)):
                whole = SLICE_ITEMS if held.batch.stage.per == "item" else len(held.results)  # decided together
                most = max(left, whole)
                judged = [await self._judged(held, result) for result in held.results[:most]]
                held.results = held.results[len(judged) :]
                held.since, held.closing = now, held.over and not held.results
                found.append((held, Slice(held.batch, judged, held.closing)))
                left -= len(judged)
        return found

    def _rotated(self, runs: Sequence[str]) -> list[str]:
        """Each run comes first in its turn."""
        self._turns += 1
        first = self._turns % max(1, len(runs))
        return [*runs[first:], *runs[:first]]

    def _has_nothing(self, run: str, room: dict[str, int]) -> bool:
        """Whether a look for these lanes was in vain a moment ago, and nothing was settled here since."""
        lanes, when = self._barren.get(run, (set(), float("-inf")))
        patience = TICK if self.held else 0.0
        return set(room) <= lanes and self.clock.monotonic() - when < patience

    def _room(self) -> dict[str, int]:
        """Pieces of work that each lane can take: its free slots, and for quick work as much ahead as keeps it busy
        meanwhile, less what is held for it and has not started."""
        waiting = Counter[str]()
        for held in self.held:
            unsettled = len(held.results) if held.batch.stage.runner == "inline" else 0  # a lane that is never full
            waiting[held.batch.stage.lane] += held.waiting + unsettled
        room = {lane: max(n, self._ahead(lane)) - waiting[lane] for lane, n in self.lanes.free().items()}
        return {lane: n for lane, n in room.items() if n > 0}

    def _ahead(self, lane: str) -> int:
        took = self._took.get(lane, TICK)
        if took >= TICK:
            return 0
        return min(self._most, ceil(self.lanes.slots(lane) * AHEAD / max(took, 1e-6)))

    # -- working --------------------------------------------------------------------------------------------

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
            found = self.lanes.inline(stage, items, self.clock)
            self._took[stage.lane] = found[0].seconds
            held.results += found
            self.wake.set()
            return
        self.lanes.take(stage)
        work = Work(items, self.clock.monotonic(), list[Any]([Later()]) * len(items))
        task = asyncio.ensure_future(self._work(held, work))
        held.tasks.add(task)
        task.add_done_callback(partial(self._came_back, held, work))  # also of one that ends before it began

    async def _work(self, held: Held, work: Work) -> None:
        stage = held.batch.stage
        try:
            outcomes = list(await self.lanes.work(stage, work.items))
            if len(outcomes) != len(work.items):
                raise ItemError(f"stage {stage.name} did not answer one outcome for each item", code="bug")
            work.outcomes = outcomes
        except asyncio.CancelledError:
            pass
        except Exception as error:  # the boundary: whose fault was it?
            work.outcomes = [await self._blame(held, error)] * len(work.items)
            work.together = len(work.items) if stage.per == "batch" else 1

    def _came_back(self, held: Held, work: Work, task: asyncio.Task[None]) -> None:
        stage = held.batch.stage
        if not task.cancelled() and (error := task.exception()):  # of the ledger: then the items go back untried
            log.warning("stage %s of run %s: the ledger could not be told: %s", stage.name, held.batch.run, error)
        self.lanes.give(stage)
        took = self._took[stage.lane] = self.clock.monotonic() - work.since
        held.results += results(work.items, work.outcomes, took / len(work.items), work.together)
        held.tasks.remove(task)
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
        """Until something came back, at most a TICK, or until what came back is due."""
        if not any(held.results and held.over for held in self.held):
            partly = [held.since + SLICE_SECONDS - self.clock.monotonic() for held in self.held if held.results]
            patience = min([TICK if self.held else TICK / 4, *partly])
            with suppress(TimeoutError):
                await asyncio.wait_for(self.wake.wait(), max(0.0, patience))
        self.wake.clear()

    # -- the rest -------------------------------------------------------------------------------------------

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
        self._sure_from(now)
        for held in [h for h in self.held if h.batch.id in lost]:
            await self._drop(held)
        await self._measure()

    def _sure_from(self, beaten: float) -> None:
        """What is held is surely ours for most of a lease from `beaten`, however long the ledger does not answer."""
        if self._deadline is not None:
            self._deadline.cancel()
        left = beaten + SURE * self.lease - self.clock.monotonic()
        if left <= 0.0:  # it took too long to get through
            self._let_go()
        self._deadline = asyncio.get_running_loop().call_later(left if left > 0.0 else SURE * self.lease, self._let_go)

    def _let_go(self) -> None:
        """End the work before its lease does: another holder may begin it then."""
        for held in self.held:
            log.warning(
                "no heartbeat of batch %s got through for %g s; its work ends", held.batch.id, SURE * self.lease
            )
            held.give_back()
            for task in list(held.tasks):
                task.cancel()

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
        if self._deadline is not None:
            self._deadline.cancel()
        for held in list(self.held):
            held.give_back()
            await _cancel(held)
        while self.held:
            await self._turn(())
        await self.lanes.close()


async def _cancel(held: Held) -> None:
    """End the tasks of a batch and wait for them; their items come back untried."""
    tasks = list(held.tasks)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
