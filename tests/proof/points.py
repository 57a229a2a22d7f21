"""L1b: each failpoint of the world with a crash and with an error, in a process that lives on to tell it.

After a crash nothing of the dying process is written any more: every later failpoint crashes too, as its finally
blocks run. An error must come out as a refusal, a retry, a failure or a pause; what follows must end as ever.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from typing import Any

from penstock.engine import failpoint
from tests.proof import arena
from tests.proof.case import Case, Level
from tests.proof.l2 import shared

KINDS = ("crash", "error:OSError", "enospc")


def cases(seed: int) -> Iterator[Case]:
    """Each failpoint with each kind, then further hits for ever."""
    dice = random.Random(seed)
    with shared() as one:
        table = one.hits()
        for kind in KINDS[:2]:
            for point in sorted(table):
                yield run(one, f"{dice.choice(sorted(table[point]))}:{kind}:{point}:1")
        while True:
            point = dice.choice(sorted(table))
            number = dice.choice(sorted(table[point]))
            yield run(one, f"{number}:{dice.choice(KINDS)}:{point}:{dice.randint(1, table[point][number])}")


def replay(seed: str) -> Case:
    """One case by its seed: CHAPTER:KIND:POINT:HIT."""
    with shared() as one:
        return run(one, seed)


def run(one: arena.Arena, seed: str) -> Case:
    """Disturb and look."""
    number, kind, *more = seed.split(":")
    *argument, point, nth = more
    spec = ":".join((kind, *argument))
    seen = one.folder / "fired"
    seen.unlink(missing_ok=True)
    dead: list[str] = []

    def act(name: str, _context: Mapping[str, Any]) -> None:
        if dead:
            raise failpoint.SimulatedCrash(name)
        if name == point and (hits.append(name) or len(hits)) == int(nth):
            seen.touch()
            if kind == "crash":
                dead.append(name)
            failpoint._action(spec, kind, "".join(argument))(name, {})

    hits: list[str] = []
    verdict = one.case(int(number), lambda: failpoint.arm_call("*", act))
    word = "crash" if kind == "crash" else "error"
    fired = ((point, word),) if seen.exists() else ()
    return Case(seed, f"{spec} at hit {nth} of {point} in chapter {number}", verdict.violations, fired)


LEVEL = Level("L1b", "crashes and errors at failpoints of the world", cases, replay, share=0.32, least=500)
