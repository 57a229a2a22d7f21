"""The rows, names and files of a rollback: what goes, what looks again as its before-image says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from pathlib import Path
from typing import Any

from django.db.models import Exists, OuterRef

from penstock.adapters.folders import sync_folder
from penstock.engine import PIPELINES
from penstock.engine.settle import FRESH
from penstock.ledger import TABLES, events, rows
from penstock.ledger import models as m
from penstock.ledger.counters import Tally
from penstock.ledger.tx import commits, write

commits("recover.ownerless")


Ids = Mapping[str, Set[int]]
"""Table → ids."""


def names(run: m.Run, kept: Ids, gone: Ids) -> Iterator[tuple[str, int]]:
    """(table, id) of rows that are no items and are to go: made by the run, or held by a row that goes."""
    for table, model in TABLES.items():
        if rows.is_item(table):
            continue
        makers = _makers(run, table)
        spared = {one for maker in makers for one in kept.get(maker, ())}
        found = {
            n for n, owner in model.objects.filter(made_by=run.id).values_list("id", "owner") if owner not in spared
        }
        for part in rows.chunks(sorted(one for maker in makers for one in gone.get(maker, ()))):
            found.update(model.objects.filter(owner__in=part).values_list("id", flat=True))
        yield from ((table, one) for one in sorted(found))


def _makers(run: m.Run, table: str) -> set[str]:
    """Tables whose rows own rows of `table`."""
    return {stage.takes for stage in PIPELINES[run.pipeline](run).stages if table in stage.makes}


def remove_artefacts(run: m.Run, kept: Ids, gone: Ids) -> None:
    """Files that the run made or that belong to rows that go, with folders that they leave empty.

    A place that an older run had written too stays: the row that is restored speaks of it. Durable when it answers:
    what is committed next forgets the files."""
    folders = set()
    for artefact in _artefacts(run, kept, gone):
        work, path = Path(artefact.work), Path(artefact.path)
        work.unlink(missing_ok=True)
        if artefact.item not in gone.get(artefact.table, ()) and _also_of_another(artefact):
            continue
        path.unlink(missing_ok=True)
        folders |= {path.parent}
    for folder in folders:
        _leave(folder)


def _leave(folder: Path) -> None:
    """An empty folder goes; what went, now or before a program died, is gone for good."""
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
    while not folder.is_dir():
        folder = folder.parent
    sync_folder(folder)


def drop_ownerless(run: str | None = None) -> int:
    """Remove files whose row was merged into another (of `run`, or of all); answers how many. Repeatable."""
    n = 0
    for table, model in TABLES.items():
        if rows.is_item(table):
            mine = m.Artefact.objects.filter(table=table, **({"run": run} if run else {}))
            n += _drop(list(mine.filter(~Exists(model.objects.filter(id=OuterRef("item"))))))
    return n


def _drop(artefacts: list[m.Artefact]) -> int:
    for artefact in artefacts:
        Path(artefact.work).unlink(missing_ok=True)
        Path(artefact.path).unlink(missing_ok=True)
    for folder in {Path(artefact.path).parent for artefact in artefacts}:
        _leave(folder)
    for part in rows.chunks([artefact.pk for artefact in artefacts]):
        with write("recover.ownerless"):
            m.Artefact.objects.filter(id__in=part).delete()
    return len(artefacts)


def _also_of_another(artefact: m.Artefact) -> bool:
    same = m.Artefact.objects.filter(table=artefact.table, item=artefact.item, path=artefact.path)
    return bool(same.exclude(run=artefact.run).exists())


def _artefacts(run: m.Run, kept: Ids, gone: Ids) -> Iterator[m.Artefact]:
    for artefact in m.Artefact.objects.filter(run=run.id):
        if artefact.item not in kept.get(artefact.table, ()):
            yield artefact
    for table, ids in gone.items():
        for part in rows.chunks(sorted(ids)):
            yield from m.Artefact.objects.filter(table=table, item__in=part).exclude(run=run.id)


def undo_rows(cursor: Any, run: m.Run, kept: Ids, gone: Ids) -> list[events.Move]:
    """Delete, restore and count, in the caller's transaction; answers the moves."""
    tally, moves, parents = Tally(), list[events.Move](), set[str]()
    for table, name in list(names(run, kept, gone)):
        TABLES[table].objects.filter(id=name).delete()
    for part in rows.chunks([artefact.pk for artefact in _artefacts(run, kept, gone)]):
        m.Artefact.objects.filter(id__in=part).delete()
    for table, ids in gone.items():
        moves += _delete(cursor, table, ids, tally, parents)
    for table in gone:
        moves += _restore(cursor, run, table, kept[table], tally, parents)
    rows.recount_children(cursor, parents)
    tally.write(cursor, run.site_id)
    return moves


def _delete(cursor: Any, table: str, ids: Iterable[int], tally: Tally, parents: set[str]) -> list[events.Move]:
    moves: list[events.Move] = []
    for part in rows.chunks(sorted(ids)):
        found = TABLES[table].objects.filter(id__in=part)
        for item, run, stage, state, parent in found.values_list("id", "run", "stage", "state", "parent"):
            tally.add(run, table, (stage, state), -1)
            moves.append((table, item, f"{stage}/{state}", ""))
            parents.add(parent)
        m.BeforeImage.objects.filter(table=table, item__in=part).delete()
        rows.delete(cursor, table, part)
    return moves


def _restore(cursor: Any, run: m.Run, table: str, kept: Set[int], tally: Tally, parents: set[str]) -> list[events.Move]:
    """A row that another run has taken since is that run's to restore."""
    moves: list[events.Move] = []
    images = {one.item: one for one in m.BeforeImage.objects.filter(run=run.id, table=table) if one.item not in kept}
    there = rows.read(table, sorted(images))
    for item in sorted(set(images) - {row["id"] for row in there}):
        if not m.BeforeImage.objects.filter(table=table, item=item, pk__gt=images[item].pk).exists():
            moves.append(_reinsert(run, table, images[item].data, tally))
    for row in there:
        if row["run"] not in (run.id, None):
            continue
        fields = _before(row, images[row["id"]].data)
        tally.add(row["run"], table, (row["stage"], row["state"]), -1)
        tally.add(fields["run"], table, (fields["stage"], fields["state"]), 1)
        moves.append((table, row["id"], f"{row['stage']}/{row['state']}", f"{fields['stage']}/{fields['state']}"))
        parents |= {row["parent"], f"{table}:{row['id']}" if row["open_children"] or fields["open_children"] else ""}
        rows.update_where(cursor, table, [row["id"]], fields)
    for part in rows.chunks([image.pk for image in images.values()]):
        m.BeforeImage.objects.filter(id__in=part).delete()
    return moves


def _reinsert(run: m.Run, table: str, image: Mapping[str, Any], tally: Tally) -> events.Move:
    """A row that was merged away comes back; what was undone for it then, is to be done again: it begins there."""
    undone = m.Effect.objects.filter(table=table, item=image["id"], state="undone").values_list("stage", flat=True)
    stages = [s.name for s in PIPELINES[run.pipeline](run).stages]
    stage = min([image["stage"], *undone], key=lambda name: stages.index(name) if name in stages else 0)
    fresh = FRESH if stage != image["stage"] else {}
    model, owner = TABLES[table], _kept(image["run"])
    model.objects.bulk_create([model(**{**image, **fresh, "stage": stage, "run": owner})])
    tally.add(owner, table, (stage, image["state"]), 1)
    return (table, image["id"], "", f"{stage}/{image['state']}")


def _before(row: Mapping[str, Any], image: Mapping[str, Any]) -> dict[str, Any]:
    """The columns as they were, except what a person edited since."""
    fields = {name: value for name, value in image.items() if name != "id"}
    fields["run"] = _kept(fields["run"])
    if row["revision"] == fields["revision"]:
        return fields
    return {k: v for k, v in fields.items() if k not in row["edited"] and k not in ("edited", "revision")}


def _kept(run: str | None) -> str | None:
    """A run that is past what is kept holds no rows."""
    return run if run and m.Run.objects.filter(id=run).exists() else None
