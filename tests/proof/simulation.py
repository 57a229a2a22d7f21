"""One simulated case: a scenario, a fate, and what must hold afterwards. Everything is drawn from the seed."""

from __future__ import annotations

import asyncio
import random
from collections import OrderedDict
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from penstock.engine import failpoint
from penstock.engine.errors import PenstockError
from penstock.engine.states import RunState
from tests.proof.case import Case
from tests.proof.plantlines import LINES, PLANS, Outside, line
from tests.proof.processes import LEASE, Act, Broken, Journal, Process, World
from tests.proof.virtualtime import LoopClock, NothingDue, run

POOL = 240  # scenarios, so that most find their undisturbed end in the memory of this process
KEPT = 1000
BOUNDLESS = ("cancel", "abort", "approved", "rejected")  # verbs that change where a run ends
Worlds = Callable[[LoopClock], AbstractContextManager[Any]]


@dataclass(frozen=True)
class Scenario:
    """What is worked on, and how."""

    line: str
    plans: tuple[str, ...]

    @classmethod
    def drawn(cls, dice: random.Random, pool: int = POOL) -> Scenario:
        """One of the pool."""
        own = random.Random(dice.randrange(pool))
        plans = [own.choice(PLANS) for _ in range(own.randint(2, 6))]
        return cls(own.choice(sorted(LINES)), ("" if plans[0].startswith("same") else plans[0], *plans[1:]))

    def __str__(self) -> str:
        return f"{self.line}({', '.join(plan or '-' for plan in self.plans)})"


@dataclass(frozen=True)
class Undisturbed:
    """How the scenario ends when nothing happens, and how long that takes."""

    ends: Any
    calls: int
    seconds: float
    hits: dict[str, int]
    wrong: tuple[str, ...] = ()


@dataclass(frozen=True)
class Fate:
    """What happens: to each process and its successors, at failpoints, and by whom it is asked."""

    acts: tuple[tuple[Act, ...], ...] = ((),)  # process by process; successors take the rest of the list
    slots: int = 1
    far: bool = False  # holders die with their machines: only the end of the lease tells
    points: tuple[tuple[str, int, str], ...] = ()  # failpoint, hit, crash or error
    verbs: tuple[tuple[float, str], ...] = ()

    def __str__(self) -> str:
        acts = [f"{a.what}{'>' if a.after else '<'}{a.call}" for process in self.acts for a in process]
        points = [f"{name}@{n}={what}" for name, n, what in self.points]
        verbs = [f"{verb}@{when:.1f}s" for when, verb in self.verbs]
        return " ".join([f"{self.slots} driver{'s' * (self.slots > 1)}", *acts, *points, *verbs])


_known: OrderedDict[tuple[Any, Scenario], Undisturbed] = OrderedDict()


def undisturbed(worlds: Worlds, scenario: Scenario) -> Undisturbed:
    """The golden run of a scenario, remembered."""
    key = (worlds, scenario)
    if key not in _known:
        _known[key] = _golden(worlds, scenario)
        while len(_known) > KEPT:
            _known.popitem(last=False)
    return _known[key]


def _golden(worlds: Worlds, scenario: Scenario) -> Undisturbed:
    clock = LoopClock(1000.0)
    with worlds(clock) as world:
        stage = Stage(world, clock, scenario, Fate(), "golden")
        with counting() as hits:
            run(clock, stage.calm)
        wrong = (*stage.journal.wrong, *world.violations())
        return Undisturbed(world.ends(), stage.journal.calls, clock.monotonic() - 1000.0, hits, wrong)


class counting(AbstractContextManager[dict[str, int]]):
    """How often each failpoint is passed meanwhile."""

    def __enter__(self) -> dict[str, int]:
        self._hits: dict[str, int] = {}
        failpoint.arm("*=count")
        return self._hits

    def __exit__(self, *_: object) -> None:
        self._hits.update(failpoint.hits())
        failpoint.disarm()


@dataclass
class Stage:
    """One case on its way: the world, the processes, the person."""

    world: Any
    clock: LoopClock
    scenario: Scenario
    fate: Fate
    seed: str
    outside: Outside = field(init=False)
    journal: Journal = field(init=False)
    born: int = 0

    def __post_init__(self) -> None:
        self.outside = Outside(self.seed)
        self.journal = Journal(self.world)
        self.outside.started = self.journal.started
        self.journal.run = self.world.start(line(self.scenario.line, self.outside), self.scenario.plans)

    async def disturbed(self) -> None:
        """Processes live and die, the person asks; then peace."""
        self.world.enter()
        fates = list(self.fate.acts)
        person = asyncio.ensure_future(self._person())
        self._arm()
        try:
            await asyncio.gather(*(self._slot(n, fates) for n in range(self.fate.slots)))
            await person
        finally:
            failpoint.disarm()
        await self.calm()

    async def calm(self) -> None:
        """A fresh process brings everything to rest; a paused run is taken up again."""
        self.world.enter()
        for _ in range(8):
            process = self._process("calm")
            process.nervous = False
            ended = await process.live(self.journal.run)
            if ended != "rest":
                self.journal.wrong.append(f"I11: an undisturbed process ended with {ended}")
            if self.world.status(self.journal.run) != RunState.PAUSED:
                return
            self.world.resume()
        self.journal.wrong.append("I11: the run pauses again and again")

    async def _slot(self, number: int, fates: list[tuple[Act, ...]]) -> None:
        """A process and, while it is cut short, its successors; the last of them has no fate."""
        while True:
            process = self._process("far" if self.fate.far else "near")
            process.acts = list(fates.pop(0)) if fates else []
            fated = bool(process.acts)
            ended = await process.live(self.journal.run)
            if ended == "rest":
                return
            if not fated and not self.fate.points:
                self.journal.wrong.append(f"I11: a process without a fate ended with {ended}")
                return
            if self.born > 12:
                return
            await asyncio.sleep(process.dice.choice((0.0, 0.0, 0.3, LEASE + 0.5)))

    def _process(self, kind: str) -> Process:
        self.born += 1
        name = f"{kind}-{self.born}"
        return Process(name, self.world, self.journal, self.clock, self.outside, f"{self.seed}/{name}")

    async def _person(self) -> None:
        for when, verb in self.fate.verbs:
            await asyncio.sleep(max(0.0, 1000.0 + when - self.clock.monotonic()))
            with suppress(PenstockError, failpoint.SimulatedCrash, OSError, *self.world.errors):
                self._do(verb)

    def _do(self, verb: str) -> None:
        match verb:
            case "approved" | "rejected":
                for item in range(1, len(self.scenario.plans) + 1):
                    with suppress(PenstockError):
                        self.world.decide(item, verb)
            case "abort":
                self.world.cancel(abort=True)
            case _:
                getattr(self.world, verb)()

    def _arm(self) -> None:
        for name, nth, what in self.fate.points:
            failpoint.arm_call(name, partial(self._reached, [0], nth, what))

    def _reached(self, seen: list[int], nth: int, what: str, name: str, context: Any) -> None:
        seen[0] += 1
        if seen[0] == nth:
            self.journal.hits.append((name, what.partition(":")[0]))
            raise failpoint.SimulatedCrash(name) if what == "crash" else self.world.error(what)


def play(worlds: Worlds, scenario: Scenario, fate: Fate, seed: str, name: str) -> Case:
    """One disturbed execution and everything that must hold after it."""
    golden = undisturbed(worlds, scenario)
    clock = LoopClock(1000.0)
    with worlds(clock) as world:
        stage = Stage(world, clock, scenario, fate, seed)
        wrong = [f"undisturbed: {text}" for text in golden.wrong]
        try:
            run(clock, stage.disturbed)
        except NothingDue as error:
            wrong.append(f"I11: it never comes to rest ({error})")
        finally:
            failpoint.disarm()
        wrong += stage.journal.wrong + world.violations()
        if not any(verb in BOUNDLESS for _, verb in fate.verbs) and world.ends() != golden.ends:
            wrong.append(f"I20: it ends elsewhere than undisturbed: {difference(golden.ends, world.ends())}")
    return Case(seed, f"{name} {scenario}: {fate}", tuple(wrong), tuple(stage.journal.hits))


def difference(golden: Any, ends: Any) -> str:
    """What the two have not in common."""
    lacks = [one for one in golden if one not in ends]
    more = [one for one in ends if one not in golden]
    return f"lacking {lacks[:3]}, instead {more[:3]}"


def drawn_fate(dice: random.Random, golden: Undisturbed) -> Fate:
    """Crashes, errors, stalls, stops, failpoints and verbs, as many as a bad day has."""
    slots = dice.choice((1, 1, 2, 3))
    points = []
    if golden.hits and dice.random() < 0.7:
        for name in dice.choices(sorted(golden.hits), k=dice.choice((1, 1, 2))):
            what = dice.choice(("crash", "crash", "error:OSError", "error:database"))
            points.append((name, dice.randint(1, golden.hits[name]), what))
    processes = dice.randint(0 if points else 1, 4)
    acts = tuple(_acts(dice, golden.calls, first=n < slots) for n in range(processes))
    verbs = _verbs(dice, golden.seconds) if dice.random() < 0.35 else ()
    return Fate(acts, slots, dice.random() < 0.25, tuple(points), verbs)


def _acts(dice: random.Random, calls: int, *, first: bool) -> tuple[Act, ...]:
    """A successor begins with recovery: its first call. It may die in that too."""
    acts = []
    for _ in range(dice.choice((1, 1, 2))):
        what = dice.choice(("crash", "crash", "crash", "error", "stall", "stop"))
        number = dice.randint(1, calls) if first or dice.random() < 0.5 else dice.randint(1, 4)
        acts.append(Act(number, what, dice.random() < 0.5, dice.choice((0.5, 2.5)) * LEASE))
    return tuple(acts)


def _verbs(dice: random.Random, seconds: float) -> tuple[tuple[float, str], ...]:
    words = ("pause", "pause", "resume", "resume", "cancel", "abort", "approved", "rejected")
    times = sorted(dice.uniform(0.0, seconds * 1.3 + 0.5) for _ in range(dice.randint(1, 4)))
    return tuple((when, dice.choice(words)) for when in times)


__all__ = ["Broken", "Fate", "Scenario", "Undisturbed", "World", "drawn_fate", "nullcontext", "play", "undisturbed"]
