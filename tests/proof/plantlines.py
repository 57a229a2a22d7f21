"""The simulated plant: widgets whose plan says what goes wrong with them, through pipelines of many shapes.

Whatever depends on the outside (a server that is away once) is kept in `Outside`, which outlives processes."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from penstock.engine.errors import Blocking, Died, ItemError, Transient, Unavailable
from penstock.engine.lanes import Lanes
from penstock.engine.outcome import Done, Fail, Fallback, Merge, Outcome, Quarantine, Retry, Row
from penstock.engine.pipeline import Item, Limits, Pipeline, Stage

PLANS = (
    "", "", "", "", "item", "transient", "bug", "once", "retry", "fallback", "quarantine", "died", "died-once", "fail",
    "same:1", "parts", "bad-part", "down", "later", "hang", "join-once",
)  # fmt: skip
UNDER_WAY = {"async", "child", "limits"}  # lines whose first stage takes virtual time


@dataclass
class Outside:
    """The world around the plant: what was away once comes back, and work takes its time."""

    seed: str = ""
    away: set[int] = field(default_factory=set)
    started: Callable[[Item, str], None] = lambda item, stage: None  # told of every start of work

    def seconds(self, stage: str, item: Item) -> float:
        """How long this try of the item takes."""
        return random.Random(f"{self.seed}/{stage}/{item['id']}/{item['attempt']}").choice((0.0, 0.01, 0.05, 0.2, 0.6))

    def down_once(self, item: Item) -> bool:
        """Whether the server is away for this item; next time it is back."""
        first = item["id"] not in self.away
        self.away.add(item["id"])
        return first


def obey(outside: Outside, item: Item) -> Outcome:
    """Do what the widget's plan says."""
    plan = item.get("plan", "")
    errors: dict[str, Callable[[], Exception]] = {
        "item": lambda: ItemError("bent", code="bent"),
        "transient": lambda: Transient("slipped"),
        "bug": lambda: ValueError("a surprise"),
        "block": lambda: Blocking("no blades", code="no_blades"),
        "died": lambda: Died("the saw broke"),
    }
    if plan in errors:
        raise errors[plan]()
    if plan == "once" and item["attempt"] == 1:
        raise Transient("slipped once", after=0.0)
    if plan == "died-once" and not item["deaths"]:
        raise Died("the saw broke once")
    if plan in ("down", "later") and outside.down_once(item):
        raise Unavailable("the saw is down") if plan == "down" else _Busy("not now", after=0.4)
    return _verdict(plan, item)


def _verdict(plan: str, item: Item) -> Outcome:
    if plan == "retry" and item["attempt"] < 3:
        return Retry("once more")
    if plan == "fallback" and item["way"] == 0:
        return Fallback("too hard for the first saw")
    if plan == "quarantine":
        return Quarantine("explosive")
    if plan == "fail":
        return Fail("scrap", "scrap", {"note": "scrap"})
    if plan.startswith("same:"):
        return Merge(int(plan.removeprefix("same:")), "seen before")
    return Done({"note": f"cut way {item['way']}"})


class _Busy(Transient):
    """The server has no room: nobody's fault, no try is spent."""

    burns = False


def number(items: list[Item]) -> list[Outcome]:
    """Number the whole set in order; each widget makes parts and waits for them."""
    return [Done({"number": n}, makes=_parts(item)) for n, item in enumerate(items, 1)]


def _parts(item: Item) -> tuple[Row, ...]:
    count = 5 if item["plan"] == "parts" else 2
    notes = ["bent" if item["plan"] == "bad-part" and n == 1 else "new" for n in range(count)]
    return tuple(Row("part", str(n), {"note": note, "waits_for_me": True}) for n, note in enumerate(notes))


def polish(item: Item) -> Outcome:
    """Parts come out shiny, bent ones fail."""
    return Fail("bent", "bent") if item["note"] == "bent" else Done({"note": "shiny"})


def join(item: Item) -> Outcome:
    """After its parts the widget is whole."""
    if item["plan"] == "join-once" and item["attempt"] == 1:
        raise Transient("glue not dry", after=0.1)
    return Done({"note": "whole"})


class SimulatedChild:
    """Stands in for a child process: it works in virtual time and can be killed."""

    def __init__(self, stage: Stage, outside: Outside) -> None:
        self.limits, self.pid, self._stage, self._outside = stage.limits, 0, stage.name, outside

    async def call(self, stage: str, item: Item) -> Outcome:
        """As engine.child.Child.call."""
        self._outside.started(item, stage)
        await asyncio.sleep(self._outside.seconds(stage, item))
        return obey(self._outside, item)

    async def kill(self) -> None:
        """The process is gone."""


class PlantLanes(Lanes):
    """The engine's lanes with simulated children."""

    outside: Outside

    async def _child(self, stage: Stage) -> Any:
        idle = self._idle.get(str(stage.work))
        return idle.pop() if idle else SimulatedChild(stage, self.outside)


def line(name: str, outside: Outside) -> Pipeline:
    """One of LINES, working in this outside."""
    return LINES[name](outside)


def _plant(outside: Outside, **first: Any) -> Pipeline:
    """cut (1) → number (2, the whole set) → polish parts (3) → join (4) → gate (5)."""
    cut = {"runner": "inline", "work": _told(outside, "cut", lambda item: obey(outside, item)), "size": 3}
    cut |= {"tries": (3, 2), "backoff": 0.0}
    stages = (
        Stage(1, "cut", "Cut", "widget", **{**cut, **first}),
        Stage(2, "number", "Number", "widget", "inline", work=number, per="set", barrier=True, makes=("part",)),
        Stage(3, "polish", "Polish", "part", "inline", work=_told(outside, "polish", polish), size=4),
        Stage(4, "join", "Join", "widget", "inline", work=_told(outside, "join", join), size=2, backoff=0.1),
        Stage(5, "look", "Look", "widget", "inline", work=lambda item: Done(), gate=True, size=3),
    )
    return Pipeline("plant", stages)


def _told(outside: Outside, stage: str, work: Callable[[Item], Outcome]) -> Callable[[Item], Outcome]:
    def told(item: Item) -> Outcome:
        outside.started(item, stage)
        return work(item)

    return told


def _awaited(outside: Outside, stage: str, work: Callable[[Item], Outcome]) -> Any:
    async def awaited(item: Item, progress: Callable[[str], None]) -> Outcome:
        outside.started(item, stage)
        if item.get("plan") == "hang":
            await asyncio.sleep(3600)
        for _ in range(2):
            await asyncio.sleep(outside.seconds(stage, item) / 2)
            progress("half way")
        return work(item)

    return awaited


def _async(outside: Outside, **more: Any) -> Pipeline:
    cut = _awaited(outside, "cut", lambda item: obey(outside, item))
    plant = _plant(outside, runner="async", work=cut, lane="model", limits=Limits(idle=0.9, hard=5.0), **more)
    fourth = replace(plant.stage("join"), runner="async", work=_awaited(outside, "join", join), lane="model")
    return replace(plant, stages=(*plant.stages[:3], fourth, plant.stages[4]))


def _batchwise(outside: Outside, **more: Any) -> Pipeline:
    """Work that takes a list answers for each; what concerns the whole batch it raises."""

    async def batch(items: list[Item], progress: Callable[[str], None]) -> list[Outcome]:
        for item in items:
            outside.started(item, "cut")
        await asyncio.sleep(max(outside.seconds("cut", item) for item in items))
        return [_each(item) for item in items]

    def _each(item: Item) -> Outcome:
        try:
            return obey(outside, {**item, "plan": ""} if item["plan"] == "later" else item)
        except Unavailable:
            raise
        except Exception as error:  # as a batch worker must: one item's trouble is not its neighbours'
            return Fail(str(error), "batchwise")

    return _plant(outside, runner="async", work=batch, per="batch", lane="model", **more)


def _delayed(outside: Outside) -> Pipeline:
    plant = _async(outside, delay=0.3, backoff=0.1)
    return replace(plant, between_delay=0.6)


def _barred(outside: Outside) -> Pipeline:
    plant = _async(outside)
    third, fourth = (replace(plant.stage(name), barrier=True) for name in ("polish", "join"))
    return replace(plant, stages=(*plant.stages[:2], third, fourth, plant.stages[4]))


LINES: dict[str, Callable[[Outside], Pipeline]] = {
    "plant": _plant,
    "async": _async,
    "child": lambda outside: _plant(outside, runner="child", work="simulated:child", lane="cpu"),
    "ordered": lambda outside: _plant(outside, ordered=True, size=2),
    "ordered-async": lambda outside: _async(outside, ordered=True, size=2),
    "batch": _batchwise,
    "delayed": _delayed,
    "strict": lambda outside: replace(_async(outside), overlap=False),
    "barred": _barred,
    "singles": lambda outside: _async(outside, size=1, tries=(1, 1, 3), deaths=2),
}
SLOTS = {"cpu": 2, "model": 3}
