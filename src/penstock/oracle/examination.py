"""The whole look: every family of invariants in turn."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from penstock.accounts.models import Site
from penstock.engine.clock import Clock, SystemClock
from penstock.oracle import (
    counters,
    credits,
    database,
    deliveries,
    effects,
    files,
    gate,
    history,
    leases,
    names,
    rollbacks,
    runs,
    schedules,
    states,
)
from penstock.oracle.violation import Look, Violation

FAMILIES: tuple[Callable[[Look], Iterable[Violation]], ...] = (
    runs.check,
    leases.check,
    states.check,
    counters.check,
    history.check,
    effects.check,
    rollbacks.check,
    gate.check,
    deliveries.check,
    names.check,
    credits.check,
    schedules.check,
    files.check,
    database.check,
)


def examine(
    site: Site | None = None,
    *,
    files: bool = True,
    deep: bool = False,
    clock: Clock | None = None,
    told: Callable[[str], None] | None = None,
) -> list[Violation]:
    """Every broken invariant of `site`, or of the whole home, in a fixed order; an empty list is good news.

    `files`: read every kept file and compare its bytes; without it only its place and size are looked at.
    `told` is called with what is looked at next, and with "" at the end.
    `deep`: replay all events as well (I20), and read the whole database file.
    May be called while work goes on: what is seen is looked at a second time, and only what stays is told.
    """
    look = Look(site, files, deep, clock or SystemClock())
    found: list[Violation] = []
    for family in FAMILIES:
        if told:
            told(family.__module__.rpartition(".")[2])
        found += _certain(family, look)
    if told:
        told("")
    return found


def _certain(family: Callable[[Look], Iterable[Violation]], look: Look) -> list[Violation]:
    """Work under way may show two tables at two moments: a contradiction must be seen twice."""
    first = list(family(look))
    if not first:
        return []
    again = {(one.invariant, one.subject) for one in family(look)}
    return [one for one in first if (one.invariant, one.subject) in again]
