"""Claims: which rows come next, and the leases that they are held by. Inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

from penstock.engine.errors import LeaseLost
from penstock.engine.pipeline import Item, Pipeline, Stage
from penstock.engine.port import Batch
from penstock.ledger import effects, rows
from penstock.ledger import models as m
from penstock.ledger.counters import Counts, Tally

SET = 10**7  # more rows than a set holds


@dataclass(frozen=True)
class Load:
    """What a stage's `load` and `effects` are told: whose items, for which batch, where work files go."""

    run: m.Run
    stage: Stage
    batch: int

    @property
    def work_dir(self) -> Path:
        """Files made for this batch are written here, then committed and renamed."""
        return self.run.site.root / ".work" / str(self.batch)


@dataclass(frozen=True)
class Holder:
    """Who claims, and until when (ledger seconds)."""

    name: str
    boot: str
    now: float
    until: float


def take(
    cursor: Any, run: m.Run, pipeline: Pipeline, tally: Tally, holder: Holder, room: Mapping[str, int], *, first: bool
) -> list[Batch]:
    """Batches of the deepest stage that is open and has something ready: as many as there is room for.

    What lost its last holder comes alone, after everything else, one of a run in a turn (when this is the `first`
    claim), and the fewest losses of all stages first, so that kills do not gather on it."""
    counts = tally.stages(cursor, run.id)
    open_stages = [s for s in reversed(pipeline.stages) if is_open(s, counts, pipeline, room, holder.now)]
    for stage in open_stages:
        parts = _fresh(cursor, run.id, stage, holder.now, room[stage.lane])
        if parts:
            return _lease(cursor, run, stage, tally, holder, parts)
    lost = [(row, stage) for stage in open_stages if first for row in _lost(cursor, run.id, stage, holder.now)]
    if not lost:
        return []
    row, stage = min(lost, key=lambda one: one[0]["losses"])
    return _lease(cursor, run, stage, tally, holder, [[row]])


def is_open(stage: Stage, counts: Sequence[Counts], pipeline: Pipeline, room: Mapping[str, int], now: float) -> bool:
    """Whether something of the stage may be claimed now, as far as the counters know."""
    mine = next(c for c in counts if c.name == stage.name)
    if mine.ready <= 0 or room.get(stage.lane, 0) <= 0 or mine.not_before > now:
        return False
    if stage.ordered and mine.leased:
        return False
    strict = not pipeline.overlap or pipeline.between_delay > 0
    upstream = sum(c.ready + c.leased for c in counts if c.number < stage.number)
    return not ((stage.barrier or strict) and upstream)


Parts = list[list[dict[str, Any]]]


def _fresh(cursor: Any, run: str, stage: Stage, now: float, room: int) -> Parts:
    columns, one_batch = _columns(stage), stage.ordered or stage.delay > 0
    if stage.per == "set":
        found = rows.ready(cursor, stage.takes, run, stage.name, now, SET, columns=columns)
        return [found] if found else []
    batches = 1 if one_batch else room if stage.per == "batch" else ceil(room / stage.size)
    if stage.ordered:
        found = rows.ready_in_order(cursor, stage.takes, run, stage.name, now, stage.size, columns=columns)
    else:
        limit = stage.size * batches
        found = rows.ready(cursor, stage.takes, run, stage.name, now, limit, lost=False, columns=columns)
    return _parts(found, stage)[:batches]


def _columns(stage: Stage) -> str:
    return "work" if stage.load is None else "lease"


def _lost(cursor: Any, run: str, stage: Stage, now: float) -> list[dict[str, Any]]:
    if stage.ordered or stage.per == "set":
        return []
    return rows.ready(cursor, stage.takes, run, stage.name, now, 1, lost=True, columns=_columns(stage))


def _parts(found: list[dict[str, Any]], stage: Stage) -> Parts:
    """In batches of the stage's size; what failed as one batch before, in batches of its share."""
    parts: Parts = []
    for share in dict.fromkeys(row["share"] for row in found):
        alike = [row for row in found if row["share"] == share] if stage.per == "batch" else found
        size = share or stage.size if stage.per == "batch" else stage.size
        parts += [alike[n : n + size] for n in range(0, len(alike), size)]
        if stage.per != "batch":
            break
    return parts


def _lease(cursor: Any, run: m.Run, stage: Stage, tally: Tally, holder: Holder, parts: Parts) -> list[Batch]:
    numbers = _numbers(cursor, run.id, stage.name, holder, [len(part) for part in parts])
    held = [(number, [row["id"] for row in part]) for number, part in zip(numbers, parts, strict=True)]
    n = sum(map(len, parts))
    if rows.lease(cursor, stage.takes, held) != n:
        raise LeaseLost
    batches = [
        Batch(number, run.id, stage, tuple(_items(Load(run, stage, number), part)))
        for number, part in zip(numbers, parts, strict=True)
    ]
    if stage.effects is not None:
        for batch in batches:
            context = Load(run, stage, batch.id)
            effects.plan(context, stage.effects(context, batch.items))
    tally.add(run.id, stage.takes, (stage.name, "ready"), -n)
    tally.add(run.id, stage.takes, (stage.name, "leased"), n)
    if stage.delay:
        tally.hold_back(run.id, stage.name, holder.now + stage.delay)
    return batches


def _numbers(cursor: Any, run: str, stage: str, holder: Holder, sizes: Sequence[int]) -> list[int]:
    """New batches, one for each size; answers their ids."""
    values = {"run": run, "stage": stage, "holder": holder.name, "boot": holder.boot, "until": holder.until}
    names = ", ".join(rows.column(m.Batch, name) for name in (*values, "size", "open"))
    form = f"({rows.marks([*values, 'size', 'open'])})"
    numbers: list[int] = []
    for part in rows.chunks(sizes):
        params = [one for size in part for one in (*values.values(), size, True)]
        sql = f"INSERT INTO {rows.quoted(m.Batch)} ({names}) VALUES {', '.join([form] * len(part))} RETURNING id"
        cursor.execute(sql, params)
        numbers += sorted(row[0] for row in cursor.fetchall())
    return numbers


def _items(context: Load, part: list[dict[str, Any]]) -> list[Item]:
    """Items as the stage's `load` reads them, else as they were claimed; the engine's own keys are added."""
    stage = context.stage
    if stage.load is None:
        for row in part:
            attempt = row["attempts"] + 1
            row.update(state="leased", batch=context.batch, attempts=attempt, attempt=attempt, way=stage.way(attempt))
        return part
    items: list[Item] = stage.load(context, [row["id"] for row in part])
    base = {row["id"]: row for row in part}
    for item in items:
        row = base[item["id"]]
        attempt = row["attempts"] + 1
        item.update(attempt=attempt, way=stage.way(attempt), deaths=row["deaths"], ordinal=row["ordinal"])
    return items
