"""I10, I11, I16: one open run per site and kind; what has ended holds nothing that waits to be worked."""

from __future__ import annotations

from collections.abc import Iterator

from penstock.engine.states import OPEN_RUN, TERMINAL_RUN, RunState
from penstock.ledger import models as m
from penstock.ledger import rows
from penstock.oracle.violation import Look, Violation, ask, items

RUN = rows.quoted(m.Run)
OPEN = ",".join(f"'{state.value}'" for state in sorted(OPEN_RUN))
OVER = ",".join(f"'{state.value}'" for state in sorted(TERMINAL_RUN))


def check(look: Look) -> Iterator[Violation]:
    """Everything about the run rows themselves."""
    yield from _status(look)
    yield from _keys(look)
    yield from _two_open(look)
    yield from _unfinished_work(look)


def _status(look: Look) -> Iterator[Violation]:
    known = ",".join(f"'{state.value}'" for state in RunState)
    for run, status in ask(f"SELECT id, status FROM {RUN} WHERE status NOT IN ({known}) AND {look.only()}"):
        yield Violation("I10", f"run {run}", f"its status {status!r} is none that a run can have", "penstock recover")


def _keys(look: Look) -> Iterator[Violation]:
    """The key that shuts out a second run is held by open runs and by those that are being rolled back."""
    sql = f"SELECT id, status, undoing, active_key, site_id, kind FROM {RUN} WHERE {look.only()} AND ("
    sql += f"(status IN ({OPEN}) AND active_key IS NULL) OR active_key IS NOT NULL)"
    for run, status, undoing, key, site, kind in ask(sql, most=10**6):
        if key is None:
            yield Violation(
                "I10", f"run {run}", f"it is {status} but holds no lock on its site", "penstock cancel " + run
            )
        elif status not in OPEN_RUN and not undoing:
            detail = f"it is {status} and still holds the lock {key!r}: no other run can start"
            yield Violation("I10", f"run {run}", detail, "penstock recover")
        elif key != f"{site}:{kind}":
            detail = f"it holds the lock {key!r} instead of '{site}:{kind}'"
            yield Violation("I10", f"run {run}", detail, f"penstock cancel {run}")


def _two_open(look: Look) -> Iterator[Violation]:
    sql = f"SELECT MIN(id), MAX(id), COUNT(*), kind FROM {RUN} WHERE status IN ({OPEN}) AND {look.only()}"
    for first, last, n, kind in ask(sql + " GROUP BY site_id, kind HAVING COUNT(*)>1"):
        detail = f"{n} runs of kind {kind!r} are open for its site at once, the newest is {last}"
        yield Violation("I10", f"run {first}", detail, f"penstock cancel {last}")


def _unfinished_work(look: Look) -> Iterator[Violation]:
    """Ready or leased rows of a run that is over would never be worked: they belong to the backlog."""
    for key, table in items():
        sql = f"SELECT r.id, r.status, t.state, COUNT(*), MIN(t.id) FROM {table} t JOIN {RUN} r ON r.id=t.run"
        sql += f" WHERE t.state IN ('ready', 'leased') AND r.status IN ({OVER}) AND {look.only('t.site_id')}"
        for run, status, state, n, first in ask(sql + " GROUP BY r.id, r.status, t.state"):
            invariant = "I16" if status == RunState.CANCELLED else "I11"
            detail = f"it is {status} but {n} rows of table {key} (the first is {key} {first}) are {state} in it"
            yield Violation(invariant, f"run {run}", detail, f"penstock rollback {run}")
