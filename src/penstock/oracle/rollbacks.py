"""I14: after a rollback nothing of the run is left, except what it had to keep because it was published."""

from __future__ import annotations

from collections.abc import Iterator

from penstock.ledger import TABLES, rows
from penstock.ledger import models as m
from penstock.oracle.violation import Look, Violation, ask, name

RUN, EFFECT, ARTEFACT, IMAGE = (rows.quoted(x) for x in (m.Run, m.Effect, m.Artefact, m.BeforeImage))
Kept = dict[str, dict[str, set[int]]]  # run → table → ids


def check(look: Look) -> Iterator[Violation]:
    """Rows, names, effects, artefacts, before-images, and rollbacks that stopped half way."""
    yield from _half(look)
    undone = f"(SELECT id FROM {RUN} WHERE rolled_back_at IS NOT NULL AND undoing='' AND {look.only()})"
    kept = _kept(look)
    for key, model in TABLES.items():
        owner = "id" if rows.is_item(key) else "owner"
        sql = f"SELECT made_by, {owner}, id FROM {rows.quoted(model)} WHERE made_by IN {undone}"
        for run, of, item in ask(sql, most=10**6):
            tables = [key] if rows.is_item(key) else [t for t in TABLES if rows.is_item(t)]
            if not any(of in kept.get(run, {}).get(table, ()) for table in tables):
                yield _left(run, f"{key} {item}", "was made by it")
    for table, where, word in (
        (EFFECT, "state IN ('planned', 'done', 'undoing')", "has a side effect of it that stands"),
        (ARTEFACT, "1=1", "has a file of it"),
        (IMAGE, "1=1", "was not put back: its before-image is still there"),
    ):
        sql = f"SELECT run, {name('table')}, item FROM {table} WHERE run IN {undone} AND {where}"
        for run, key, item in ask(sql, most=10**6):
            if item not in kept.get(run, {}).get(key, ()):
                yield _left(run, f"{key} {item}", word)


def _half(look: Look) -> Iterator[Violation]:
    for run, step in ask(f"SELECT id, undoing FROM {RUN} WHERE undoing<>'' AND {look.only()}"):
        yield Violation("I14", f"run {run}", f"its rollback stopped in the step {step!r}", "penstock recover")


def _kept(look: Look) -> Kept:
    """What each rollback said that it must leave alone."""
    told = m.Event.objects.filter(kind="rolled_back")
    told = told if look.site is None else told.filter(site=look.site)
    kept: Kept = {}
    for run, data in told.values_list("run", "data").iterator():
        for table, ids in data.get("kept", {}).items():
            kept.setdefault(str(run), {}).setdefault(table, set()).update(ids)
    return kept


def _left(run: str, subject: str, word: str) -> Violation:
    detail = f"run {run} was rolled back, but this row {word}"
    return Violation("I14", subject, detail, "penstock db backup FILE, and report it: a rollback left something")
