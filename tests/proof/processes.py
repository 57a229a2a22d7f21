"""Simulated processes: each has a driver of its own over the common store, a fate, and dies as processes die.

A dead process writes nothing: whatever its `finally` blocks still ask of the ledger is refused."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

from django.db import DatabaseError

from penstock.engine.clock import Clock
from penstock.engine.errors import Died
from penstock.engine.failpoint import SimulatedCrash
from penstock.engine.loop import Driver
from penstock.engine.outcome import Done, Merge
from penstock.engine.pipeline import Item
from penstock.engine.states import RunState
from tests.proof.plantlines import SLOTS, Outside, PlantLanes

LEASE = 1.0  # short, so that waiting for its end costs few turns
SWEEP = 0.5


class World(Protocol):
    """What survives every process, and the doors to it."""

    def ledger(self, holder: str) -> Any:
        """The port, as this holder sees it."""

    def recover(self, ledger: Any) -> object:
        """What a start does first."""

    def sweep(self, ledger: Any) -> object:
        """What a driver does now and then."""

    def died(self, holder: str) -> None:
        """This holder is gone, and its machine can tell."""

    def owns(self, ledger: Any, batch: int) -> bool:
        """Whether the batch is open and this holder's."""

    def is_open(self, batch: int) -> bool:
        """Whether anybody holds the batch."""

    def status(self, run: str) -> str:
        """The run's state."""

    def snapshot(self) -> Any:
        """Everything that a settle could change."""

    def rows_of(self, table: str, ids: list[int]) -> Any:
        """Some rows as they are."""


@dataclass
class Journal:
    """What was seen from outside: outputs, starts, and what should not have been."""

    world: World
    run: str = ""
    outputs: dict[tuple[str, int, str], int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    hits: list[tuple[str, str]] = field(default_factory=list)
    calls: int = 0

    def started(self, item: Item, stage: str) -> None:
        """I16: nothing starts in a run that was acknowledged as paused or is over. (A zombie cannot know.)"""
        status = self.world.status(self.run)
        if status != RunState.RUNNING and self.world.is_open(item["batch"]):
            self.wrong.append(f"I16: item {item['id']} started at {stage} although the run is {status}")

    def claimed(self, batch: Any) -> None:
        """I12: tries, deaths and losses stay within their limits."""
        for item in batch.items:
            if item["attempt"] > sum(batch.stage.tries):
                self.wrong.append(f"I12: item {item['id']} gets try {item['attempt']} of {batch.stage.tries}")
            if item["deaths"] >= batch.stage.deaths:
                self.wrong.append(f"I12: item {item['id']} is claimed after {item['deaths']} deaths")

    def turn(self, ledger: Any, slices: Any, runs: Any, room: Any) -> Any:
        """I9: what a holder does not hold any more is left out, and nothing of it changes. I8: outputs are counted."""
        foreign = [one for one in slices if not self.world.owns(ledger, one.batch.id)]
        own = {place for one in slices if one not in foreign for place in _places(one.batch)}  # what may change now
        before = [self._rows(one, own) for one in foreign]
        everything = self.world.snapshot() if foreign and len(foreign) == len(slices) else None
        turned = ledger.turn(slices, runs, room)
        claimed = {place for batch in turned.batches for place in _places(batch)}
        for one, rows in zip(foreign, before, strict=True):
            if one.batch.id not in turned.lost:
                self.wrong.append(f"I9: a settle of batch {one.batch.id}, which was lost, was taken")
            if not claimed & {*_places(one.batch)} and rows != self._rows(one, own):
                self.wrong.append(f"I9: a settle of batch {one.batch.id}, which was lost, changed its items")
        if everything is not None and not claimed and everything != self.world.snapshot():
            self.wrong.append("I9: a turn of one who lost everything changed something")
        for one in slices:
            for result in one.results if one.batch.id not in turned.lost else ():
                self._count(one.batch.stage, result)
        for batch in turned.batches:
            self.claimed(batch)
        return turned

    def _rows(self, one: Any, without: set[tuple[str, int]]) -> Any:
        ids = [item for table, item in _places(one.batch) if (table, item) not in without]
        return self.world.rows_of(one.batch.stage.takes, ids)

    def _count(self, stage: Any, result: Any) -> None:
        if isinstance(result.what, Done | Merge):
            place = (stage.takes, result.item, stage.name)
            self.outputs[place] = self.outputs.get(place, 0) + 1
            if self.outputs[place] > 1:
                self.wrong.append(f"I8: {stage.takes} {result.item} passed {stage.name} twice")


def _places(batch: Any) -> list[tuple[str, int]]:
    return [(batch.stage.takes, item["id"]) for item in batch.items]


@dataclass(frozen=True)
class Act:
    """Something that happens to a process at its n-th call of the ledger: before it, or before it hears the answer."""

    call: int
    what: str  # crash | error | stall | stop
    after: bool = False
    seconds: float = 0.0


class Broken(OSError):
    """The ledger could not be reached just now."""


class Process:
    """One process in the run loop."""

    def __init__(self, name: str, world: World, journal: Journal, clock: Clock, outside: Outside, seed: str) -> None:
        self.name, self.world, self.journal, self.clock, self.outside = name, world, journal, clock, outside
        self.dice = random.Random(seed)
        self.acts: list[Act] = []
        self.nervous = True  # calls take their time, so that processes pass each other
        self.dead = False
        self.calls = 0
        self.ledger: Any = world.ledger(name)
        self.driver: Driver | None = None

    async def live(self, run: str, *, recover: bool = True) -> str:
        """Recover, drive the run to rest; answers how it ended: rest, crash or error."""
        try:
            if recover:
                await self.call(self.world.recover, self.ledger)
            lanes = PlantLanes(SLOTS, self.clock)
            lanes.outside = self.outside
            self.driver = Driver(self.ledger, lanes, self.clock, call=self.call, lease=LEASE)
            sweeper = asyncio.ensure_future(self._sweep())
            try:
                await self.driver.drive(only=run)
            finally:
                await self._end(sweeper)
        except SimulatedCrash:
            return "crash"
        except (OSError, Died, DatabaseError) as error:
            return f"error {error}"
        return "crash" if self.dead else "rest"

    async def _sweep(self) -> None:
        while True:
            await self.clock.sleep(SWEEP)
            with suppress(OSError, DatabaseError):  # it comes again
                await self.call(self.world.sweep, self.ledger)

    async def _end(self, sweeper: asyncio.Future[Any]) -> None:
        """Nothing of the process is left at work."""
        sweeper.cancel()
        with suppress(BaseException):
            await sweeper
        tasks = [task for held in self.driver.held for task in held.tasks] if self.driver else []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def call(self, function: Callable[..., Any], *args: Any) -> Any:
        """One call of the port, with what fate has for it."""
        self.calls += 1
        number = self.calls
        self.journal.calls += 1
        if self.nervous:
            await asyncio.sleep(self.dice.choice((0.0, 0.0, 0.001, 0.003, 0.02)))
        await self._meet(number, after=False)
        answer = self._perform(function, args)
        await self._meet(number, after=True)
        return answer

    def _perform(self, function: Callable[..., Any], args: tuple[Any, ...]) -> Any:
        if self.dead:
            raise SimulatedCrash(self.name)
        try:
            if function.__name__ == "turn":
                return self.journal.turn(self.ledger, *args)
            return function(*args)
        except SimulatedCrash:
            self.die()
            raise

    async def _meet(self, number: int, *, after: bool) -> None:
        if self.dead:
            raise SimulatedCrash(self.name)
        for act in self.acts:
            if (act.call, act.after) == (number, after):
                self.journal.hits.append((f"port.{'after' if after else 'before'}_call", act.what))
                await self._suffer(act)

    async def _suffer(self, act: Act) -> None:
        match act.what:
            case "crash":
                self.die()
                raise SimulatedCrash(self.name)
            case "error":
                raise Broken("the ledger is away")
            case "stall":
                await asyncio.sleep(act.seconds)
            case "stop" if self.driver is not None:
                self.driver.stop()

    def die(self) -> None:
        """From now on nothing that this process does counts."""
        self.dead = True
        self.world.died(self.name)
