"""Adoption: rows of the backlog become a run's, page by page, and how they looked before is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from penstock.engine import PIPELINES
from penstock.engine.clock import Clock
from penstock.engine.pipeline import Pipeline
from penstock.engine.settle import FRESH
from penstock.engine.states import ACTIVE, ItemState
from penstock.ledger import events, rows
from penstock.ledger import models as m
from penstock.ledger.counters import Tally, counts_of
from penstock.ledger.tx import commits, write

commits("adoption.page")

PAGE = 1000  # rows of one transaction, that a person's write need not wait long
Scope = Mapping[str, Sequence[int]]
"""Table → the ids that a run takes."""


def go_on(run: m.Run, clock: Clock) -> None:
    """Take what is left of the backlog. Whoever finds a run that is not done with it may go on: recovery does, when
    who started it was killed."""
    while run.adopting:
        with write("adoption.page") as cursor:
            run = m.Run.objects.select_for_update().select_related("site").get(id=run.id)
            _next(cursor, run, clock)


def _next(cursor: Any, run: m.Run, clock: Clock) -> None:
    if run.adopting and page(cursor, run) < PAGE:
        n = sum(counts.ready for counts in counts_of(cursor, run.id))
        line = f"Run {run.id} has taken the backlog: {n} items"
        events.record(clock.wall(), "adopted", site=run.site_id, run=run.id, lines=[("INFO", line)])


def page(cursor: Any, run: m.Run, scope: Scope | None = None) -> int:
    """Take a page of the backlog, or all of `scope`, and say whether there is more. Answers how many rows."""
    pipeline, tally, taken = PIPELINES[run.pipeline](run), Tally(), 0
    for table in dict.fromkeys(stage.takes for stage in pipeline.stages):
        found = _backlog(run, pipeline, table, PAGE - taken) if scope is None else _chosen(run, pipeline, table, scope)
        for part in rows.chunks(found):
            adopt(cursor, run, pipeline, table, part, tally)
        taken += len(found)
    tally.write(cursor, run.site_id)
    run.adopting = scope is None and taken >= PAGE
    run.save(update_fields=["adopting"])
    return taken


def _backlog(run: m.Run, pipeline: Pipeline, table: str, most: int) -> list[int]:
    """In the order of the claims' index: any other would sort the whole backlog for each page."""
    found: list[int] = []
    for stage in pipeline.stages:
        there = rows.model_of(table).objects.filter(site=run.site_id, run=None, stage=stage.name, state="ready")
        some = there.order_by("open_children", "losses", "ordinal")[: most - len(found)]
        found += some.values_list("id", flat=True)
    return found


def _chosen(run: m.Run, pipeline: Pipeline, table: str, scope: Scope) -> list[int]:
    names = [stage.name for stage in pipeline.stages]
    there = rows.model_of(table).objects.filter(site=run.site_id, run=None, stage__in=names, state="ready")
    return [
        one
        for part in rows.chunks(list(scope.get(table, ())))
        for one in there.filter(id__in=part).values_list("id", flat=True)
    ]


def adopt(
    cursor: Any,
    run: m.Run,
    pipeline: Pipeline,
    table: str,
    ids: Sequence[int],
    tally: Tally,
    *,
    stage: str | None = None,
    fields: dict[str, Any] | Any = None,
) -> list[events.Move]:
    """Take rows into the run (at their own stage, or at `stage`), keeping how they looked before."""
    moves: list[events.Move] = []
    images = []
    parents: set[str] = set()  # a child that had come to rest is unfinished again
    for row in rows.read(table, ids):
        parents |= set() if row["state"] in ACTIVE else {row["parent"]}
        images.append(m.BeforeImage(run=run.id, table=table, item=row["id"], data=_plain(table, row)))
        old, new = (row["stage"], row["state"]), (stage or row["stage"], ItemState.READY.value)
        tally.add(row["run"], table, old, -1)
        tally.add(run.id, table, new, 1)
        moves.append((table, row["id"], "/".join(old), "/".join(new)))
    m.BeforeImage.objects.bulk_create(images, ignore_conflicts=True)
    for place in {move[3] for move in moves}:
        words = pipeline.status(table, *place.split("/")) if pipeline.status else {}
        values = {**words, **(fields or {}), **FRESH, "run": run.id}
        values["stage"], values["state"] = place.split("/")
        rows.update_where(cursor, table, [move[1] for move in moves if move[3] == place], values)
    rows.recount_children(cursor, parents)
    return moves


def _plain(table: str, row: dict[str, Any]) -> dict[str, Any]:
    """The row as JSON keeps it."""
    model = rows.model_of(table)
    return {field.attname: field.to_python(row[field.attname]) for field in model._meta.concrete_fields}
