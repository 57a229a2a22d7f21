"""The oracle's quick form, after every step of a machine: rows, leases, runs, counters, effects, rollbacks, names."""

from __future__ import annotations

from penstock.engine.clock import Clock
from penstock.oracle import counters, effects, leases, names, rollbacks, runs, states
from penstock.oracle.violation import Look

OF_RUNS = (runs.check, leases.check, states.check, counters.check, rollbacks.check)
FAMILIES = (*OF_RUNS, effects.check, names.check)


def quick(clock: Clock, families: tuple[object, ...] = FAMILIES) -> list[str]:
    """What is wrong, in sentences. The whole look comes at the end of each example."""
    look = Look(None, False, False, clock)
    found = [violation for family in families for violation in family(look)]  # type: ignore[operator]
    return [f"{one.invariant}: {one.subject}: {one.detail}" for one in found]
