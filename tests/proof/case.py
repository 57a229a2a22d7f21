"""What every level of the proof answers: one case, what was broken in it, and the seed that replays it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    """One disturbed execution, brought to rest and looked at by the oracle.

    `seed` replays exactly this case: `python -m tests.proof --replay L1:SEED`. `hits` are the failpoints that
    fired, with what they did there (kill, crash, error, …)."""

    seed: str
    what: str
    violations: tuple[str, ...] = ()
    hits: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Level:
    """A way of disturbing executions. `cases(seed)` goes on for ever, its first cases covering what must be covered;
    `replay` repeats one. `share` is its part of the budget, `least` the cases that a long proof asks for."""

    name: str
    title: str
    cases: Callable[[int], Iterator[Case]]
    replay: Callable[[str], Case]
    share: float
    least: int
