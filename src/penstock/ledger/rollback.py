"""Rollback: the rows that a run made go, the rows it adopted look as before, files and names are back.

Three steps, each repeatable: mark effects, undo them, then rows. `Run.undoing` says how far it came.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import IntegrityError

from penstock.engine import PIPELINES
from penstock.engine.errors import Refused
from penstock.engine.failpoint import declare, failpoint
from penstock.ledger import TABLES, effects, events, rows
from penstock.ledger import models as m
from penstock.ledger.counters import Tally
from penstock.ledger.tx import write

declare("rollback.marked", "rollback.undone")

KEEP: list[Callable[[str, list[int]], set[int]]] = []
"""Called with (table, ids): which of them a rollback must leave alone (published, or on their way)."""


@dataclass
class Undone:
    """What a rollback did, or would do."""

    rows: int = 0
    restored: int = 0
    files: int = 0
    names: int = 0
    skipped_published: int = 0
    kept: dict[str, set[int]] = field(default_factory=dict)


def preview(run: m.Run) -> Undone:
    """What a rollback would do now."""
    kept = _kept(run)
    undone = Undone(kept=kept, skipped_published=sum(map(len, kept.values())))
    for table, model in TABLES.items():
        made = model.objects.filter(made_by=run.id)
        if rows.is_item(table):
            undone.rows += made.exclude(id__in=kept[table]).count()
        else:
            undone.names += made.exclude(owner__in=_owners(kept)).count()
    undone.restored = m.BeforeImage.objects.filter(run=run.id).count()
    undone.files = sum(1 for effect in _effects(run) if effect.item not in kept.get(effect.table, set()))
    return undone


def rollback(run: m.Run, at: datetime, who: str = "") -> Undone:
    """Roll a run back that has come to rest. Raises Refused while it is open or its rows are in another open run."""
    if run.open:
        raise Refused(f"run {run.id} is {run.status}; cancel it before it is rolled back")
    if run.kind == "publish":
        raise Refused(f"run {run.id} published; `penstock unpublish {run.site.name} ITEM…` takes that back")
    if run.rolled_back_at:
        return Undone()
    _refuse_shared(run)
    key = f"{run.site_id}:{run.kind}"
    try:
        with write():
            m.Run.objects.filter(id=run.id).update(active_key=key)
    except IntegrityError:
        raise Refused(f"site {run.site.name} has an open run; wait for it or cancel it first") from None
    undone = undo_run(run, at, who)
    with write():
        m.Run.objects.filter(id=run.id).update(active_key=None)
    return undone


def undo_run(run: m.Run, at: datetime, who: str) -> Undone:
    """The work of a rollback; recovery calls it again for a run whose `undoing` is set."""
    undone = preview(run)
    with write():
        m.Run.objects.filter(id=run.id).update(undoing="effects")
        for effect in _effects(run):
            if effect.item not in undone.kept.get(effect.table, set()):
                m.Effect.objects.filter(id=effect.id).update(state="undoing")
    failpoint("rollback.marked")
    effects.undo_pending(run.id)
    _remove_artefacts(run, undone.kept)
    failpoint("rollback.undone")
    with write() as cursor:
        _undo_rows(cursor, run, undone)
        m.Run.objects.filter(id=run.id).update(undoing="", rolled_back_at=at)
        lines = [
            ("WARN", f"{run.error_message or 'Rollback'}. Rolling back this session."),
            ("WARN", f"Removed {undone.rows} inserted rows from review_queue."),
            ("WARN", f"Restored {undone.files} files to their original folders."),
            ("WARN", f"Released {undone.names} reserved filenames."),
        ]
        events.record(at, "rolled_back", site=run.site_id, run=run.id, who=who, lines=lines)
    for hook in AFTER_ROLLBACK:
        hook(run)
    return undone


AFTER_ROLLBACK: list[Callable[[Any], None]] = []
"""Called with the Run after its rollback was committed."""


def _kept(run: m.Run) -> dict[str, set[int]]:
    kept: dict[str, set[int]] = {}
    for table, model in TABLES.items():
        if rows.is_item(table):
            images = m.BeforeImage.objects.filter(run=run.id, table=table).values_list("item", flat=True)
            ids = [*model.objects.filter(made_by=run.id).values_list("id", flat=True), *images]
            kept[table] = set().union(*(hook(table, ids) for hook in KEEP)) if KEEP else set()
    return kept


def _owners(kept: dict[str, set[int]]) -> set[int]:
    return set().union(*kept.values()) if kept else set()


def _effects(run: m.Run) -> Any:
    return m.Effect.objects.filter(run=run.id, state__in=["planned", "done", "undoing"]).order_by("-id")


def _refuse_shared(run: m.Run) -> None:
    for table, model in TABLES.items():
        if rows.is_item(table):
            others = model.objects.filter(made_by=run.id).exclude(run=run.id).exclude(run=None)
            open_runs = m.Run.objects.filter(id__in=others.values_list("run", flat=True), active_key__isnull=False)
            first = open_runs.first()
            if first is not None:
                raise Refused(f"rows of run {run.id} are in the open run {first.id}; wait for it or cancel it first")


def _remove_artefacts(run: m.Run, kept: dict[str, set[int]]) -> None:
    """Files that the run made, with folders that they leave empty."""
    for artefact in m.Artefact.objects.filter(run=run.id):
        if artefact.item in kept.get(artefact.table, set()):
            continue
        for path in (Path(artefact.work), Path(artefact.path)):
            path.unlink(missing_ok=True)
        folder = Path(artefact.path).parent
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def _undo_rows(cursor: Any, run: m.Run, undone: Undone) -> None:
    tally = Tally()
    pipeline = PIPELINES[run.pipeline](run)
    for table in dict.fromkeys([s.takes for s in pipeline.stages] + [t for t in TABLES if rows.is_item(t)]):
        kept = undone.kept.get(table, set())
        gone = rows.model_of(table).objects.filter(made_by=run.id).exclude(id__in=kept)
        for row in gone.values("id", "run", "stage", "state"):
            tally.add(row["run"], table, (row["stage"], row["state"]), -1)
        ids = list(gone.values_list("id", flat=True))
        rows.delete(cursor, table, ids)
        _restore(cursor, run, table, kept, tally)
        _forget_artefacts(run, table, kept)
    for table, model in TABLES.items():
        if not rows.is_item(table):
            model.objects.filter(made_by=run.id).exclude(owner__in=_owners(undone.kept)).delete()
    tally.write(cursor, run.site_id)


def _restore(cursor: Any, run: m.Run, table: str, kept: set[int], tally: Tally) -> None:
    images = m.BeforeImage.objects.filter(run=run.id, table=table).exclude(item__in=kept)
    now = {row["id"]: row for row in rows.read(table, [image.item for image in images])}
    for image in images:
        row = now.get(image.item)
        if row is None or row["run"] not in (run.id, None):
            continue
        fields = {name: value for name, value in image.data.items() if name not in ("id", "site_id", "set_id")}
        if row["revision"] != fields["revision"]:
            fields = {k: v for k, v in fields.items() if k not in row["edited"] and k not in ("edited", "revision")}
        tally.add(row["run"], table, (row["stage"], row["state"]), -1)
        tally.add(fields["run"], table, (fields["stage"], fields["state"]), 1)
        rows.update_where(cursor, table, [image.item], fields)
    images.delete()


def _forget_artefacts(run: m.Run, table: str, kept: set[int]) -> None:
    m.Artefact.objects.filter(run=run.id, table=table).exclude(item__in=kept).delete()
