"""What L1 does to executions: crashes, errors, stalls and persons, over the in-memory ledger and over SQLite.

The first cases are covered by plan: every failpoint that an undisturbed run passes, with a crash and with an error;
every call of the ledger, cut off before it and before its answer is heard; every interleaving of two that meet, with
two pre-emptions. What follows is drawn."""

from __future__ import annotations

import logging
import random
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice

from tests.proof import throwaway
from tests.proof.case import Case
from tests.proof.diskworld import disk_world
from tests.proof.memoryworld import MemoryWorld
from tests.proof.pairs import pair_cases, replay_pair
from tests.proof.processes import Act
from tests.proof.simulation import Fate, Scenario, Worlds, difference, drawn_fate, play, undisturbed
from tests.proof.virtualtime import LoopClock

MIX = ("memory",) * 150 + ("disk",) * 4  # drawn cases in one round: as many seconds for each
POOLS = {"memory": 240, "disk": 60}  # scenarios
COVERED = (Scenario("plant", ("", "once", "parts")), Scenario("async", ("", "died-once", "down", "bad-part")))


@contextmanager
def memory_world(clock: LoopClock) -> Iterator[MemoryWorld]:
    """The in-memory world; nothing is left of it."""
    yield MemoryWorld(clock)


WORLDS: dict[str, Worlds] = {"memory": memory_world, "disk": disk_world}


def cases(seed: int) -> Iterator[Case]:
    """What must be covered first, in turns with what is drawn, which goes on for ever."""
    _quiet()
    covering = [_points(), _boundaries(), pair_cases(), _same_ends()]
    number = 0
    while True:
        for one in covering:
            yield from islice(one, 1)
        for kind in MIX:
            yield replay(f"{kind}:{seed}.{number}")
            number += 1


def replay(seed: str) -> Case:
    """The case of a seed that `cases` gave."""
    _quiet()
    kind, _, rest = seed.partition(":")
    match kind:
        case "pair":
            return replay_pair(seed)
        case "point":
            return _point(seed, *rest.split(":"))
        case "call":
            return _boundary(seed, *rest.split(":"))
        case "ends":
            return _ends(seed, int(rest))
    dice = random.Random(seed)
    scenario = Scenario.drawn(dice, POOLS[kind])
    fate = drawn_fate(dice, undisturbed(WORLDS[kind], scenario))
    return play(WORLDS[kind], scenario, fate, seed, kind)


def _quiet() -> None:
    """The dead are expected here; SQLite stands ready."""
    logging.getLogger("penstock").setLevel(logging.CRITICAL)
    throwaway.home()


def _points() -> Iterator[Case]:
    for what in ("crash", "error:OSError", "error:database"):
        for number, scenario in enumerate(COVERED):
            for name, hits in sorted(undisturbed(disk_world, scenario).hits.items()):
                for nth in sorted({1, 2, (hits + 1) // 2, hits} - {0}):
                    yield replay(f"point:{number}:{name}:{nth}:{what}")


def _point(seed: str, scenario: str, name: str, nth: str, *what: str) -> Case:
    fate = Fate(points=((name, int(nth), ":".join(what)),))
    return play(disk_world, COVERED[int(scenario)], fate, seed, "disk")


def _boundaries() -> Iterator[Case]:
    for number, scenario in enumerate(COVERED):
        for kind in ("memory", "disk"):
            for call in range(1, undisturbed(WORLDS[kind], scenario).calls + 1):
                for side in ("before", "after"):
                    yield replay(f"call:{kind}:{number}:{call}:{side}")


def _boundary(seed: str, kind: str, scenario: str, call: str, side: str) -> Case:
    fate = Fate(acts=((Act(int(call), "crash", side == "after"),),))
    return play(WORLDS[kind], COVERED[int(scenario)], fate, seed, kind)


def _same_ends() -> Iterator[Case]:
    for number in range(60):
        yield replay(f"ends:{number}")


def _ends(seed: str, number: int) -> Case:
    """Both ledgers end an undisturbed run alike."""
    scenario = Scenario.drawn(random.Random(f"ends/{number}"))
    memory, disk = (undisturbed(worlds, scenario) for worlds in WORLDS.values())
    wrong = [*memory.wrong, *disk.wrong]
    if memory.ends != disk.ends:
        wrong.append(f"I20: the ledgers end differently: {difference(memory.ends, disk.ends)}")
    return Case(seed, f"both ledgers {scenario}", tuple(wrong))
