"""Rollback: the rows that the run made go, the rows it adopted look as before, files and names are back.

Three steps, each repeatable: mark effects, undo them, then rows. `Run.undoing` says that it is under way.
Whatever later runs did for a row that goes (files, names, moved originals) goes with the row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import IntegrityError

from penstock.engine.errors import Refused
from penstock.engine.failpoint import declare, failpoint
from penstock.engine.states import RunState
from penstock.ledger import TABLES, effects, events, restoring, retention, rows
from penstock.ledger import models as m
from penstock.ledger.tx import commits, write

commits("rollback.lock", "rollback.mark", "rollback.rows")
declare("rollback.marked", "rollback.undone")

KEEP: list[Callable[[str, list[int]], set[int]]] = []
"""Called with (table, ids): which of them a rollback must leave alone (published, or on their way)."""

AFTER_ROLLBACK: list[Callable[[Any], None]] = []
"""Called with the Run after its rollback was committed."""

MOVES = 5000  # moves per event


@dataclass
class Undone:
    """What a rollback did, or would do. `kept` and `gone` name the rows that stay and go, per table."""

    rows: int = 0
    restored: int = 0
    files: int = 0
    names: int = 0
    skipped_published: int = 0
    kept: dict[str, set[int]] = field(default_factory=dict)
    gone: dict[str, set[int]] = field(default_factory=dict)


def preview(run: m.Run) -> Undone:
    """What a rollback would do now."""
    kept, gone = {}, {}
    for table in _item_tables():
        made = set(TABLES[table].objects.filter(made_by=run.id).values_list("id", flat=True))
        kept[table] = _kept(table, made | _adopted(run, table))
        gone[table] = made - kept[table]
    return Undone(
        rows=sum(map(len, gone.values())),
        restored=sum(len(_adopted(run, table) - kept[table]) for table in kept),
        files=len(set(_effects(run, kept, gone))),
        names=sum(1 for _ in restoring.names(run, kept, gone)),
        skipped_published=sum(map(len, kept.values())),
        kept=kept,
        gone=gone,
    )


def rollback(run: m.Run, at: datetime, who: str = "") -> Undone:
    """Roll a run back that has come to rest. Raises Refused while it is open or its rows are in another open run."""
    if run.open:
        raise Refused(f"run {run.id} is {run.status}; cancel it before it is rolled back")
    if run.kind == "publish":
        raise Refused(f"run {run.id} published; `penstock unpublish {run.site.name} ITEM…` takes that back")
    if run.rolled_back_at:
        return Undone()
    _refuse_shared(run)
    try:
        with write("rollback.lock"):  # the lock and the mark by which recovery finds it are one
            retention.refuse_retired(run.id)
            m.Run.objects.filter(id=run.id).update(active_key=f"{run.site_id}:{run.kind}", undoing="effects")
    except IntegrityError:
        raise Refused(f"site {run.site.name} has an open run; wait for it or cancel it first") from None
    return undo_run(run, at, who)


def undo_run(run: m.Run, at: datetime, who: str) -> Undone:
    """The work of a rollback; recovery calls it again for a run whose `undoing` is set."""
    undone = preview(run)
    with write("rollback.mark"):
        m.Run.objects.filter(id=run.id).update(undoing="effects")
        for part in rows.chunks(sorted(_effects(run, undone.kept, undone.gone))):
            m.Effect.objects.filter(id__in=part).update(state="undoing")
    failpoint("rollback.marked")
    effects.undo_pending()
    restoring.remove_artefacts(run, undone.kept, undone.gone)
    failpoint("rollback.undone")
    with write("rollback.rows") as cursor:
        moves = restoring.undo_rows(cursor, run, undone.kept, undone.gone)
        m.Run.objects.filter(id=run.id).update(undoing="", rolled_back_at=at)
        m.Run.objects.filter(id=run.id).exclude(status=RunState.RUNNING).update(active_key=None)
        _tell(run, at, who, undone, moves)
    for hook in AFTER_ROLLBACK:
        hook(run)
    return undone


def _tell(run: m.Run, at: datetime, who: str, undone: Undone, moves: list[events.Move]) -> None:
    lines = [
        ("WARN", f"{run.error_message or 'Rollback'}. Rolling back this session."),
        ("WARN", f"Removed {undone.rows} inserted rows from review_queue."),
        ("WARN", f"Restored {undone.files} files to their original folders."),
        ("WARN", f"Released {undone.names} reserved filenames."),
    ]
    data = {"kept": {table: sorted(ids) for table, ids in undone.kept.items() if ids}}
    first, *more = [moves[n : n + MOVES] for n in range(0, len(moves), MOVES)] or [[]]
    events.record(at, "rolled_back", site=run.site_id, run=run.id, who=who, moves=first, data=data, lines=lines)
    for part in more:
        events.record(at, "restored", site=run.site_id, run=run.id, who=who, moves=part)


def _item_tables() -> list[str]:
    return [table for table in TABLES if rows.is_item(table)]


def _adopted(run: m.Run, table: str) -> set[int]:
    return set(m.BeforeImage.objects.filter(run=run.id, table=table).values_list("item", flat=True))


def _kept(table: str, ids: set[int]) -> set[int]:
    return {one for part in rows.chunks(sorted(ids)) for hook in KEEP for one in hook(table, list(part))}


def _effects(run: m.Run, kept: restoring.Ids, gone: restoring.Ids) -> Iterator[int]:
    """Ids of the effects that are to be undone: the run's own, and those of later runs on rows that go."""
    standing = m.Effect.objects.filter(state__in=["planned", "done", "undoing"])
    for effect, table, item in standing.filter(run=run.id).values_list("id", "table", "item"):
        if item not in kept.get(table, ()):
            yield effect
    for table, ids in gone.items():
        for part in rows.chunks(sorted(ids)):
            yield from standing.filter(table=table, item__in=part).exclude(run=run.id).values_list("id", flat=True)


def _refuse_shared(run: m.Run) -> None:
    for table in _item_tables():
        others = TABLES[table].objects.filter(made_by=run.id).exclude(run=run.id).exclude(run=None)
        open_runs = m.Run.objects.filter(id__in=others.values_list("run", flat=True), active_key__isnull=False)
        first = open_runs.first()
        if first is not None:
            raise Refused(f"rows of run {run.id} are in the open run {first.id}; wait for it or cancel it first")
