"""Claims: which rows come next, and the leases that they are held by. Inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from penstock.engine.errors import LeaseLost
from penstock.engine.pipeline import Item, Pipeline, Stage
from penstock.engine.port import Batch
from penstock.engine.settle import Change, Plan
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
    batches = 1 if one_batch else room if stage.per == "batch" else max(1, room // stage.size)
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


@dataclass(frozen=True)
class Handed:
    """Items that go from one stage to a batch of the next in one write: nothing else waits for that."""

    stage: Stage
    parts: Sequence[tuple[int, Sequence[int]]]  # (batch, items)

    def changes(self, plan: Plan) -> list[Change]:
        """The plan's changes with the leases of the next stage in them: one statement per batch, or one for all
        batches of a single item."""
        leased = {k: v for k, v in plan.arrived.items() if k != "batch"} | {"state": "leased", "attempts": 1}
        under: dict[int, Change] = {}
        for number, items in self.parts:
            own, shared = ({"batch": number}, leased) if len(items) == 1 else ({}, {**leased, "batch": number})
            under |= {item: Change(item, own, shared) for item in items}
        return [_under(one, under[one.item]) if one.item in under else one for one in plan.changes]


def _under(change: Change, lease: Change) -> Change:
    return Change(change.item, {**change.own, **lease.own}, lease.shared)


def hand_on(
    cursor: Any, run: m.Run, plan: Plan, tally: Tally, holder: Holder, room: Mapping[str, int]
) -> Handed | None:
    """What is done here, and would be claimed next by the same driver anyhow, is leased where it arrives.

    Only where a claim would choose just that: the next stage works items, has no rule of order, and nothing is
    ready there or deeper."""
    stage = None if plan.stage.gate else plan.pipeline.after(plan.stage)
    if (
        stage is None
        or plan.makes
        or stage.per != "item"
        or stage.ordered
        or stage.barrier
        or stage.delay
        or stage.effects
    ):
        return None
    strict = not plan.pipeline.overlap or plan.pipeline.between_delay > 0
    counts = tally.stages(cursor, run.id)
    if strict or any(c.ready or c.not_before > holder.now for c in counts if c.number >= stage.number):
        return None
    fit = [one.item for one in plan.changes if one.shared is plan.arrived and (stage.load is not None or not one.own)]
    fit = fit[: max(0, room.get(stage.lane, 0))]
    parts = [fit[n : n + stage.size] for n in range(0, len(fit), stage.size)]
    numbers = _numbers(cursor, run.id, stage.name, holder, [len(part) for part in parts])
    return Handed(stage, list(zip(numbers, parts, strict=True))) if parts else None


def handed_batches(run: m.Run, handed: Handed, before: Mapping[int, Item], tally: Tally) -> list[Batch]:
    """The batches that were handed on, once they are written. `before`: the items as they were given to the work."""
    found, n = [], sum(len(items) for _, items in handed.parts)
    tally.add(run.id, handed.stage.takes, (handed.stage.name, "ready"), -n)
    tally.add(run.id, handed.stage.takes, (handed.stage.name, "leased"), n)
    for number, items in handed.parts:
        kept = {"attempts": 0, "deaths": 0, "losses": 0, "share": 0, "available_at": 0.0}
        part = [{**before[item], **kept, "stage": handed.stage.name} for item in items]
        found.append(Batch(number, run.id, handed.stage, tuple(_items(Load(run, handed.stage, number), part))))
    return found


def _numbers(cursor: Any, run: str, stage: str, holder: Holder, sizes: Sequence[int]) -> list[int]:
    """New batches, one for each size; answers their ids."""
    values = {"run": run, "stage": stage, "holder": holder.name, "boot": holder.boot, "until": holder.until,
              "since": holder.now}  # fmt: skip
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
