"""L2: real SIGKILLs of forked victims: at each failpoint's hits, at random moments, and again inside the recovery."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from penstock.engine import failpoint
from tests.proof import arena
from tests.proof.case import Case, Level

KILLED = -9
_open: list[arena.Arena] = []


def cases(seed: int) -> Iterator[Case]:
    """Each failpoint once, then for ever one of: a further hit, a random moment, a second kill after the first."""
    dice = random.Random(seed)
    with shared() as one:
        table = one.hits()
        for point in sorted(table):
            number = dice.choice(sorted(table[point]))
            yield run(one, f"{number}:{point}:1")
        rest = [f"{number}:{point}:{n}" for point, of in sorted(table.items()) for number, most in sorted(of.items())
                for n in range(1, most + 1)]  # fmt: skip
        dice.shuffle(rest)
        while True:
            for text in rest:
                yield run(one, text)
                number = int(text.partition(":")[0])
                if dice.random() < 0.5:
                    yield run(one, f"{number}:at:{dice.uniform(0.0, one.chapters[number].seconds):.4f}")
                else:
                    second = dice.choice(sorted(one.chapters[number].hits))
                    yield run(one, f"{text}+{second}:{dice.randint(1, 3)}")


def replay(seed: str) -> Case:
    """One case by its seed: CHAPTER:POINT:HIT, CHAPTER:at:SECONDS, or CHAPTER:POINT:HIT+POINT:HIT."""
    with shared() as one:
        return run(one, seed)


def run(one: arena.Arena, seed: str) -> Case:
    """Kill and look."""
    number, _, rest = seed.partition(":")
    first, _, second = rest.partition("+")
    point, _, nth = first.rpartition(":")
    if point == "at":
        verdict = one.case(int(number), _nothing, after=max(0.001, float(nth)))
        return Case(seed, f"killed {nth} s into chapter {number}", verdict.violations)
    kills = [_kill(*one_kill.rsplit(":", 1)) for one_kill in (first, *([second] if second else []))]
    verdict = one.case(int(number), kills[0], *kills[1:])
    hits = ((point, "kill"),) if verdict.status == KILLED else ()
    return Case(seed, f"killed at {rest} of chapter {number}", verdict.violations, hits)


def _kill(point: str, nth: str) -> Callable[[], None]:
    return partial(failpoint.arm, f"{point}=kill@{nth}")


def _nothing() -> None:
    """A victim that is killed from outside."""


@contextmanager
def shared() -> Iterator[arena.Arena]:
    """The arena of this process: Django starts on one home only."""
    if _open:
        yield _open[0]
        return
    with arena.opened() as one:
        _open.append(one)
        try:
            yield one
        finally:
            _open.clear()


LEVEL = Level("L2", "SIGKILL of forked victims", cases, replay, share=0.3, least=500)
