"""Lanes: how much runs at once, and the three ways in which work runs (inline, async, child)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, cast

from penstock.engine.child import Child
from penstock.engine.clock import Clock
from penstock.engine.errors import Died
from penstock.engine.outcome import Outcome
from penstock.engine.pipeline import Item, Stage
from penstock.engine.port import Result


class Lanes:
    """Slots per lane. Children are kept warm and reused: one per slot and work module."""

    def __init__(self, slots: Mapping[str, int], clock: Clock, env: Mapping[str, str] | None = None) -> None:
        self._slots = dict(slots)
        self._used: dict[str, int] = {}
        self._clock = clock
        self._env = env
        self._idle: dict[str, list[Child]] = {}
        self._busy: dict[Child, Stage] = {}

    def free(self) -> dict[str, int]:
        """Free slots per lane."""
        return {lane: n - self._used.get(lane, 0) for lane, n in self._slots.items()}

    def slots(self, lane: str) -> int:
        """All slots of a lane, free or not."""
        return self._slots.get(lane, 0)

    def has_room(self, stage: Stage) -> bool:
        """Whether one more piece of work of this stage may start."""
        return self.free().get(stage.lane, 0) > 0

    def take(self, stage: Stage) -> None:
        """Occupy a slot."""
        self._used[stage.lane] = self._used.get(stage.lane, 0) + 1

    def give(self, stage: Stage) -> None:
        """Free a slot."""
        self._used[stage.lane] -= 1

    def inline(self, stage: Stage, items: Sequence[Item], clock: Clock) -> list[Result]:
        """Do pure, quick work on the spot. What it raises stands in the result."""
        started = clock.monotonic()
        if stage.per == "item":
            whats = [_inline_one(stage, item) for item in items]
        else:
            whats = _inline_many(stage, list(items))
        took = (clock.monotonic() - started) / max(1, len(items))
        together = len(items) if stage.per == "batch" and isinstance(whats[0], Exception) else 1
        return results(items, whats, took, together)

    async def work(self, stage: Stage, items: Sequence[Item]) -> list[Outcome]:
        """Have the items worked, one outcome each. Raises what the work raises, or Died."""
        if stage.runner == "async":
            return await self._async(stage, items)
        child = await self._child(stage)
        self._busy[child] = stage
        try:
            if stage.per == "item":
                return [await child.call(stage.name, items[0])]
            return await child.call_batch(stage.name, list(items))
        except asyncio.CancelledError:
            await child.kill()
            raise
        finally:
            del self._busy[child]
            self._idle.setdefault(_key(stage), []).append(child)

    async def _child(self, stage: Stage) -> Child:
        """A warm child for this work, else a new one; an idle child of other work makes room for it."""
        mine = self._idle.get(_key(stage))
        if mine:
            child = mine.pop()
            child.limits = stage.limits
            return child
        if sum(map(len, self._idle.values())) + len(self._busy) >= sum(self._slots.values()):
            await self._retire_one()
        return Child(cast(str, stage.work), stage.limits, self._clock, self._env)

    async def _retire_one(self) -> None:
        for children in self._idle.values():
            if children:
                await children.pop().kill()
                return

    async def _async(self, stage: Stage, items: Sequence[Item]) -> list[Outcome]:
        """Await the work under the same idle and hard limits that a child has."""
        watch = _Watch(self._clock)
        work = cast(Any, stage.work)
        payload: Any = items[0] if stage.per == "item" else list(items)
        task = asyncio.ensure_future(work(payload, watch.progress))
        try:
            await watch.until(task, stage)
        finally:
            if not task.done():
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        answer = task.result()
        return [answer] if stage.per == "item" else list(answer)

    def pids(self, stage: Stage) -> list[int]:
        """Process ids of the children that work for this stage now."""
        return [child.pid for child, of in self._busy.items() if of.name == stage.name and child.pid]

    async def close(self) -> None:
        """End every child."""
        for child in [*self._busy, *(c for children in self._idle.values() for c in children)]:
            await child.kill()
        self._idle.clear()


def results(items: Sequence[Item], whats: Sequence[Any], seconds: float, together: int = 1) -> list[Result]:
    """One result per item; `together`: how many items one error befell as one."""
    return [
        Result(item["id"], what, item["attempt"], seconds, together) for item, what in zip(items, whats, strict=True)
    ]


class _Watch:
    """Idle by progress, hard by the clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._started = self._moved = clock.monotonic()

    def progress(self, _note: str = "") -> None:
        self._moved = self._clock.monotonic()

    async def until(self, task: asyncio.Future[Any], stage: Stage) -> None:
        while not task.done():
            now = self._clock.monotonic()
            idle, hard = stage.limits.idle - (now - self._moved), stage.limits.hard - (now - self._started)
            if idle <= 0:
                raise Died(f"no progress for {stage.limits.idle:g} s", cause="idle")
            if hard <= 0:
                raise Died(f"not done after {stage.limits.hard:g} s", cause="hard")
            await asyncio.wait({task}, timeout=min(idle, hard))


def _key(stage: Stage) -> str:
    return cast(str, stage.work)


def _inline_one(stage: Stage, item: Item) -> Any:
    try:
        return cast(Any, stage.work)({**item})  # work may do with it what it likes
    except Exception as error:  # the driver judges it: one item's surprise is not the batch's
        return error


def _inline_many(stage: Stage, items: list[Item]) -> list[Any]:
    try:
        return list(cast(Any, stage.work)(items))
    except Exception as error:  # the driver judges it
        return [error] * len(items)
