"""I7: the journal of side effects is at rest, and everything in it belongs to a row."""

from __future__ import annotations

from collections.abc import Iterator

from penstock.ledger import models as m
from penstock.ledger import rows
from penstock.oracle.violation import Look, Violation, ask, items, name

EFFECT, ARTEFACT, RUN = rows.quoted(m.Effect), rows.quoted(m.Artefact), rows.quoted(m.Run)
STATES = ("planned", "done", "undoing", "undone")


def check(look: Look) -> Iterator[Violation]:
    """Unfinished undos, unknown states, files of rows that are gone."""
    yield from _unfinished(look)
    for key, table in items():
        yield from _ownerless(look, key, table)


def _mine(look: Look) -> str:
    return "1=1" if look.site is None else f"run IN (SELECT id FROM {RUN} WHERE {look.only()})"


def _unfinished(look: Look) -> Iterator[Violation]:
    sql = f"SELECT id, kind, state, target, {name('table')}, item FROM {EFFECT}"
    sql += f" WHERE state NOT IN ('planned', 'done', 'undone') AND {_mine(look)}"
    for _, kind, state, target, table, item in ask(sql):
        if state in STATES:
            detail, mend = f"the {kind} to {target} was to be undone and is not", "penstock recover"
        else:
            detail, mend = f"the {kind} to {target} is in the unknown state {state!r}", "penstock db restore FILE"
        yield Violation("I7", f"{table} {item}", detail, mend)


def _ownerless(look: Look, key: str, table: str) -> Iterator[Violation]:
    gone = f"NOT EXISTS (SELECT 1 FROM {table} t WHERE t.id=e.item)"
    mine = f"e.{name('table')}=%s AND e.{_mine(look)}" if look.site else f"e.{name('table')}=%s"
    sql = f"SELECT e.item, e.run, e.target FROM {EFFECT} e WHERE {mine} AND e.state IN ('planned', 'done') AND {gone}"
    for item, run, target in ask(sql, [key]):
        detail = f"the journal of run {run} keeps {target} for it, but the row is gone"
        yield Violation("I7", f"{key} {item}", detail, f"penstock rollback {run}")
    sql = f"SELECT e.item, e.run, e.path FROM {ARTEFACT} e WHERE {mine} AND {gone}"
    for item, run, path in ask(sql, [key]):
        detail = f"run {run} made {path} for it, but the row is gone"
        yield Violation("I7", f"{key} {item}", detail, f"penstock rollback {run}")
