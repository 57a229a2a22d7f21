"""Writes a planned slice inside the caller's transaction, and puts its files in place after the commit."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from penstock.adapters.folders import make_folder, sync_folder
from penstock.engine.errors import LeaseLost
from penstock.engine.failpoint import declare, failpoint
from penstock.engine.outcome import File, Merge, Row
from penstock.engine.pipeline import Pipeline
from penstock.engine.settle import Plan, by_state, origin, origin_of, result_with
from penstock.engine.states import ACTIVE, BROKEN, ItemState
from penstock.ledger import adoption, effects, events, rows
from penstock.ledger import models as m
from penstock.ledger.counters import Tally
from penstock.ledger.tx import commits, write

commits("ledger.drop")
declare("ledger.before_rename", "ledger.after_rename")

TAKEABLE = BROKEN | {ItemState.READY, ItemState.WAITING, ItemState.REJECTED}
"""States from which an older row may be taken into a run: nobody works on it, and nobody said yes to it."""


class Overtaken(Exception):
    """What an item was to be merged into is no longer what the work saw: look again."""


@dataclass(frozen=True)
class Settled:
    """What the commit left to do outside the database."""

    files: Sequence[File]
    merged: Sequence[int] = ()  # items that are gone


def write_plan(cursor: Any, run: m.Run, held_by: Mapping[int, int], plan: Plan, tally: Tally, at: datetime) -> Settled:
    """Rows, made rows, merges, artefacts, effects and one event; what it moves goes into the tally.

    `held_by`: item → the batch that must still hold it."""
    table, old = plan.stage.takes, f"{plan.stage.name}/leased"
    waits, moves = _make(run, plan, tally)
    more = _with_ids(plan, waits)
    changes = plan.changes
    if more:
        changes = [one._replace(own={**one.own, **more[one.item]}) if one.item in more else one for one in changes]
    if rows.update_leased(cursor, table, held_by, changes) != len(changes):
        raise LeaseLost
    tally.add(run.id, table, (plan.stage.name, "leased"), -len(plan.moved))
    for place, n in by_state(one for one in plan.moved if one[0] not in plan.skipped).items():
        tally.add(run.id, table, place, n)
    tally.add(None, table, (plan.stage.name, "ready"), len(plan.skipped))
    told: dict[tuple[str, str], list[int]] = defaultdict(list)
    for item, place in plan.moved:
        told[place].append(item)
    alike = [[table, old, "/".join(place), items] for place, items in told.items()]
    for item, merge in plan.merges:
        moves += _merge(cursor, run, plan, tally, item, merge)
    if plan.done:
        tally.passed(run.id, plan.stage.name, len(plan.done))
    if plan.retried:
        tally.retried(run.id, plan.stage.name, len(plan.retried))
    _close_joins(cursor, table, plan)
    _commit_files(run, held_by, plan)
    effects.settle(cursor, run.id, table, plan)
    tally.worked(run.id, plan.stage.name, plan.seconds, at)
    if plan.counts or plan.why:
        mine = m.StageRun.objects.filter(run=run, name=plan.stage.name)
        mine.update(result=result_with(plan, mine.values_list("result", flat=True)[0]))
    _tell(run, plan, at, alike + events.packed(moves), _left(cursor, run, plan, tally))
    return Settled([file for _, file in plan.files], [item for item, _ in plan.merges])


def _make(run: m.Run, plan: Plan, tally: Tally) -> tuple[dict[int, dict[str, Any]], list[events.Move]]:
    """Insert the made rows that are not there yet; answers what changes on makers that wait for them, and the moves."""
    tables: dict[str, list[Any]] = defaultdict(list)
    waiting: dict[str, dict[str, int]] = defaultdict(dict)  # table → origin → maker
    for item, row in plan.makes:
        made = _built(run, plan.pipeline, plan.stage.takes, item, row)
        tables[row.table].append(made)
        if getattr(made, "parent", ""):
            waiting[row.table][made.origin] = item
    moves: list[events.Move] = []
    for table, made_rows in tables.items():
        model = rows.model_of(table)
        if rows.is_item(table):
            made_rows = _new_only(model, made_rows)
        model.objects.bulk_create(made_rows)
        if rows.is_item(table):
            moves += _born(run, table, made_rows, tally)
    return _waits(waiting), moves


def _born(run: m.Run, table: str, made_rows: Sequence[Any], tally: Tally) -> list[events.Move]:
    for made in made_rows:
        tally.add(run.id, table, (made.stage, made.state), 1)
    return [(table, made.pk, "", f"{made.stage}/{made.state}") for made in made_rows if made.pk is not None]


def _waits(waiting: dict[str, dict[str, int]]) -> dict[int, dict[str, Any]]:
    """How many unfinished children each maker has: in a replay they are there already, perhaps at rest."""
    waits: dict[int, dict[str, Any]] = {}
    for table, makers in waiting.items():
        for maker in makers.values():
            waits.setdefault(maker, {"open_children": 0})
        unfinished = rows.model_of(table).objects.filter(state__in=list(ACTIVE))
        for part in rows.chunks(list(makers)):
            for key in unfinished.filter(origin__in=part).values_list("origin", flat=True):
                waits[makers[key]]["open_children"] += 1
    return waits


def _with_ids(plan: Plan, more: dict[int, dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """`more` with the ids of the made rows that columns refer to. Raises Overtaken when one is not there."""
    wanted: dict[str, set[str]] = defaultdict(set)
    table = plan.stage.takes
    for item, refs in plan.refs:
        for ref in refs.values():
            wanted[ref.table].add(origin_of(ref, table, item))
    ids: dict[str, int] = {}
    for made, origins in wanted.items():
        for part in rows.chunks(sorted(origins)):
            ids.update(rows.model_of(made).objects.filter(origin__in=part).values_list("origin", "id"))
    for item, refs in plan.refs:
        try:
            found = {name: ids[origin_of(ref, table, item)] for name, ref in refs.items()}
        except KeyError as error:
            raise Overtaken(f"{table} {item} speaks of a row that nothing made: {error}") from None
        more[item] = {**more.get(item, {}), **found}
    return more


def _new_only(model: Any, made_rows: list[Any]) -> list[Any]:
    origins = [made.origin for made in made_rows]
    there: set[str] = set()
    for part in rows.chunks(origins):
        there.update(model.objects.filter(origin__in=part).values_list("origin", flat=True))
    return [made for made in made_rows if made.origin not in there]


def _built(run: m.Run, pipeline: Pipeline, maker_table: str, maker: int, row: Row) -> Any:
    model, fields = rows.model_of(row.table), dict(row.fields)
    if not rows.is_item(row.table):
        return model(site_id=run.site_id, made_by=run.id, owner=maker, key=row.key, **fields)
    stage = pipeline.first(row.table)
    words = pipeline.status(row.table, stage.name, ItemState.READY) if pipeline.status else {}
    waits = fields.pop("waits_for_me", False)
    values = {**words, **fields, "parent": f"{maker_table}:{maker}" if waits else ""}
    values["origin"] = origin(maker_table, maker, row.table, row.key)
    return model(site_id=run.site_id, run=run.id, made_by=run.id, stage=stage.name, **values)


def _merge(cursor: Any, run: m.Run, plan: Plan, tally: Tally, item: int, merge: Merge) -> list[events.Move]:
    """The item goes; the older row may be taken into the run. It must still be what was merged into."""
    table, old = plan.stage.takes, (plan.stage.name, "leased")
    if merge.stage is not None:
        _check_takeable(table, merge.into)
    parent = rows.model_of(table).objects.filter(id=item).exclude(parent="").values_list("parent", flat=True).first()
    if rows.delete(cursor, table, [item]) != 1:
        raise LeaseLost
    if parent:
        rows.lower_children(cursor, parent, 1)
    effects.mark_item_undoing(table, item)
    tally.move(run.id, table, old, None)
    tally.passed(run.id, plan.stage.name)
    moves: list[events.Move] = [(table, item, "/".join(old), "")]
    if merge.stage is not None:
        moves += adoption.adopt(
            cursor, run, plan.pipeline, table, [merge.into], tally, stage=merge.stage, fields=merge.fields
        )
    return moves


def _check_takeable(table: str, into: int) -> None:
    state = rows.model_of(table).objects.filter(id=into).values_list("state", flat=True).first()
    if state not in TAKEABLE:
        raise Overtaken(f"row {into} is {state or 'gone'} by now")


def _close_joins(cursor: Any, table: str, plan: Plan) -> None:
    """A child that has come to rest lowers what its parent waits for."""
    resting = [item for item, (_, state) in plan.moved if state not in ("ready", "leased")]
    if not resting:
        return
    parents = Counter[str]()
    for part in rows.chunks(resting):
        sql = f"SELECT parent FROM {rows.quoted(rows.model_of(table))} WHERE parent<>'' AND id IN ({rows.marks(part)})"
        cursor.execute(sql, list(part))
        parents.update(row[0] for row in cursor.fetchall())
    for parent, n in parents.items():
        rows.lower_children(cursor, parent, n)


def _commit_files(run: m.Run, held_by: Mapping[int, int], plan: Plan) -> None:
    if not plan.files:
        return
    m.Artefact.objects.bulk_create(
        m.Artefact(
            run=run.id, table=plan.stage.takes, item=item, stage=plan.stage.name, batch=held_by[item],
            work=file.work, path=file.path, sha256=file.sha256, size=file.size,
        )
        for item, file in plan.files
    )  # fmt: skip


def _left(cursor: Any, run: m.Run, plan: Plan, tally: Tally) -> int:
    """How many items the stage still has. When it has none, the next one rests as long as it was told to."""
    stages = tally.stages(cursor, run.id)
    left = next(c.ready + c.leased for c in stages if c.name == plan.stage.name)
    following = next((c for c in stages if c.number > plan.stage.number), None)
    if plan.pipeline.between_delay and not left and following is not None:
        tally.hold_back(run.id, following.name, plan.now + plan.pipeline.between_delay)
    return left


def _tell(run: m.Run, plan: Plan, at: datetime, moves: list[list[Any]], left: int) -> None:
    parts = [f"{len(plan.done) + len(plan.merges)} done"]
    parts += [f"{len(plan.retried)} again"] if plan.retried else []
    parts += [f"{len(plan.broken)} failed"] if plan.broken else []
    parts += [f"{len(plan.skipped)} skipped"] if plan.skipped else []
    text = f"{plan.stage.title}: {', '.join(parts)}, {left} left"
    lines = [*plan.lines, ("INFO", text)] if moves else []
    data = {"passed": len(plan.done) + len(plan.merges), "seconds": round(plan.seconds, 3)}
    events.record(
        at,
        "settled",
        site=run.site_id,
        run=run.id,
        stage=plan.stage.name,
        packed_moves=moves,
        data=data,
        lines=lines,
    )


def place(files: Sequence[File]) -> None:
    """Rename committed files to their places; finished by recovery when this is interrupted."""
    folders = set()
    for file in files:
        work, path = Path(file.work), Path(file.path)
        if not work.exists():
            continue
        make_folder(path.parent)
        failpoint("ledger.before_rename")
        with suppress(FileNotFoundError):  # recovery of another process put it there meanwhile
            os.replace(work, path)
        failpoint("ledger.after_rename")
        folders.add(path.parent)
    for folder in folders:
        sync_folder(folder)


def drop_artefacts(artefacts: Iterable[m.Artefact]) -> None:
    """Remove files of rows that are gone; the journal forgets each after its file, so this can be done again."""
    for artefact in artefacts:
        for path in (Path(artefact.work), Path(artefact.path)):
            path.unlink(missing_ok=True)
        if Path(artefact.path).parent.is_dir():
            sync_folder(Path(artefact.path).parent)
        with write("ledger.drop"):
            m.Artefact.objects.filter(id=artefact.pk).delete()
