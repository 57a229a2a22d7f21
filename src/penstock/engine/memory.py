"""The in-memory twin of the durable ledger: for tests and simulations only. It answers the same port the same way."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any

from penstock.engine.clock import Clock
from penstock.engine.errors import LeaseLost, PenstockError
from penstock.engine.outcome import Merge, Row
from penstock.engine.pipeline import Item, Pipeline, Stage
from penstock.engine.port import Batch, Requests, Rest, Result, Slice, Turned
from penstock.engine.settle import FRESH, Plan, origin, origin_of, result_with
from penstock.engine.states import RunState

MAX_LOSSES = 10
ITEM: dict[str, Any] = {**FRESH, "state": "ready", "open_children": 0, "parent": ""}


@dataclass
class _Run:
    pipeline: Pipeline
    status: str = RunState.RUNNING
    pause: bool = False
    cancel: bool = False
    abort: bool = False
    blocked: str = ""
    reason: str = ""
    lines: list[tuple[str, str]] = field(default_factory=list)
    not_before: dict[str, float] = field(default_factory=dict)
    results: dict[str, dict[str, Any]] = field(default_factory=dict)  # stage → what it says of the run


@dataclass
class _Lease:
    batch: Batch
    holder: str
    until: float


class MemoryStore:
    """What survives a simulated crash: rows, runs and leases, shared by every MemoryLedger on it."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[int, dict[str, Any]]] = {}
        self.runs: dict[str, _Run] = {}
        self.leases: dict[int, _Lease] = {}
        self.ids = itertools.count(1)

    def start(self, run: str, pipeline: Pipeline, rows: Sequence[tuple[str, dict[str, Any]]]) -> None:
        """Open a run over new rows (table, fields) at the first stage that takes their table."""
        self.runs[run] = _Run(pipeline)
        for table, fields in rows:
            self.insert(run, pipeline, table, fields)

    def insert(self, run: str, pipeline: Pipeline, table: str, fields: Mapping[str, Any]) -> int:
        """A new row; answers its id."""
        item = fields.get("id") or next(self.ids)
        words = pipeline.status(table, pipeline.first(table).name, "ready") if pipeline.status else {}
        values = {**ITEM, "ordinal": item, **words, **fields, "id": item, "run": run}
        self.rows.setdefault(table, {})[item] = {**values, "stage": pipeline.first(table).name}
        return item

    def of(self, run: str) -> list[dict[str, Any]]:
        """Every row of a run."""
        return [row for table in self.rows.values() for row in table.values() if row["run"] == run]


@dataclass(frozen=True)
class Load:
    """What a stage's `load` is told: where to look, for which run."""

    store: MemoryStore
    run: str
    stage: Stage


class MemoryLedger:
    """One holder's view of a MemoryStore."""

    def __init__(self, store: MemoryStore, clock: Clock, holder: str = "a", lease: float = 60.0) -> None:
        self.store, self.clock, self.holder, self.lease = store, clock, holder, lease

    def runs(self) -> list[str]:
        """Runs that want a driver."""
        return [name for name, run in self.store.runs.items() if run.status == RunState.RUNNING]

    def pipeline(self, run: str) -> Pipeline:
        """The run's pipeline."""
        return self.store.runs[run].pipeline

    def requests(self, run: str) -> Requests:
        """What people asked."""
        one = self.store.runs[run]
        return Requests(one.pause or bool(one.blocked), one.cancel, one.abort, one.status == RunState.RUNNING)

    # -- claim ----------------------------------------------------------------------------------------------

    def claim(self, run: str, free: Mapping[str, int], *, first: bool = True) -> Batch | None:
        """Deepest ready stage first; what lost its holder only as the `first` claim of a turn."""
        if self.requests(run).stop:
            return None
        pipeline = self.pipeline(run)
        open_stages = [s for s in reversed(pipeline.stages) if free.get(s.lane, 0) > 0 and self._open(run, pipeline, s)]
        for stage in open_stages:
            found = self._candidates(run, stage, lost=False)
            if found:
                return self._lease(run, stage, found)
        lost = [(row, stage) for stage in open_stages for row in self._candidates(run, stage, lost=True)]
        if not lost or not first:
            return None
        row, stage = min(lost, key=lambda one: one[0]["losses"])  # what lost its holder comes last, alone
        return self._lease(run, stage, [row])

    def _open(self, run: str, pipeline: Pipeline, stage: Stage) -> bool:
        one, rows = self.store.runs[run], self.store.of(run)
        if one.not_before.get(stage.name, 0.0) > self.clock.monotonic():
            return False
        if stage.ordered and any(r["stage"] == stage.name and r["state"] == "leased" for r in rows):
            return False
        upstream = {s.name for s in pipeline.before(stage)}
        strict = stage.barrier or not pipeline.overlap or pipeline.between_delay > 0
        return not (strict and any(r["stage"] in upstream and r["state"] in ("ready", "leased") for r in rows))

    def _candidates(self, run: str, stage: Stage, lost: bool) -> list[dict[str, Any]]:
        now = self.clock.monotonic()
        at_stage = [r for r in self.store.rows.get(stage.takes, {}).values() if _is_ready(r, run, stage)]
        found = sorted(at_stage, key=lambda r: (r["ordinal"], r["id"]))
        due = [r for r in found if r["available_at"] <= now and not r["open_children"]]
        if stage.ordered or stage.per == "set":
            if lost:
                return []
            if stage.per == "set":
                return due
            return list(takewhile(lambda r: r["available_at"] <= now and not r["open_children"], found))[: stage.size]
        if lost:
            return sorted((r for r in due if r["losses"]), key=lambda r: r["losses"])[:1]
        fresh = [r for r in due if not r["losses"]]
        share = fresh[0]["share"] if fresh and stage.per == "batch" else 0  # what failed as one batch before
        return [r for r in fresh if stage.per != "batch" or r["share"] == share][: share or stage.size]

    def _lease(self, run: str, stage: Stage, found: list[dict[str, Any]]) -> Batch:
        number = next(self.store.ids)
        for row in found:
            row.update(state="leased", batch=number, attempts=row["attempts"] + 1)
        items = tuple(_loaded(Load(self.store, run, stage), found))
        batch = Batch(number, run, stage, items)
        self.store.leases[number] = _Lease(batch, self.holder, self.clock.monotonic() + self.lease)
        if stage.delay:
            self.store.runs[run].not_before[stage.name] = self.clock.monotonic() + stage.delay
        return batch

    # -- settle ---------------------------------------------------------------------------------------------

    def settle(self, batch: Batch, results: Sequence[Result], last: bool) -> None:
        """Write a slice; LeaseLost when the batch was taken."""
        lease = self.store.leases.get(batch.id)
        if lease is None or lease.holder != self.holder:
            raise LeaseLost
        rows = self.store.rows[batch.stage.takes]
        if any(rows.get(result.item, {}).get("batch") != batch.id for result in results):
            raise LeaseLost  # a slice that was written already, whose answer was lost
        lease.until = self.clock.monotonic() + self.lease
        deaths = {item["id"]: item.get("deaths", 0) for item in batch.items}
        plan = Plan(batch.stage, self.pipeline(batch.run), self.clock.monotonic(), deaths)
        for result in results:
            plan.take(result)
        self._write(batch.run, plan)
        if last:
            del self.store.leases[batch.id]

    def turn(self, slices: Sequence[Slice], runs: Sequence[str], room: Mapping[str, int]) -> Turned:
        """Settle, then claim while there is room."""
        lost = frozenset(one.batch.id for one in slices if not self._settled(one))
        left, waiting, found, barren = dict(room), list(runs), list[Batch](), list[str]()
        while waiting and any(n > 0 for n in left.values()):
            run = waiting.pop(0)
            batch = self.claim(run, left, first=all(one.run != run for one in found))
            if batch is None:
                barren.append(run)
                continue
            left[batch.stage.lane] -= batch.pieces
            found.append(batch)
            waiting.append(run)
        return Turned(found, lost, barren)

    def _settled(self, one: Slice) -> bool:
        try:
            self.settle(one.batch, one.results, one.last)
        except LeaseLost:
            return False
        return True

    def _write(self, run: str, plan: Plan) -> None:
        table = self.store.rows[plan.stage.takes]
        for item, row in plan.makes:
            self._make(run, plan, item, row)
        ids = self._ids(plan)
        for item, own, shared in plan.changes:
            table[item].update({**shared, **own, **ids.get(item, {})})
        for item, merge in plan.merges:
            self._merge(plan, run, item, merge)
        for item, (_, state) in plan.moved:
            if state not in ("ready", "leased") and table[item]["parent"]:
                parent_table, _, parent = table[item]["parent"].partition(":")
                self.store.rows[parent_table][int(parent)]["open_children"] -= 1
        one = self.store.runs[run]
        self._space(one, plan)
        one.lines += plan.lines
        if plan.counts or plan.why:
            one.results[plan.stage.name] = result_with(plan, one.results.get(plan.stage.name, {}))

    def _ids(self, plan: Plan) -> dict[int, dict[str, int]]:
        """The ids that columns refer to by the key of a made row."""
        found: dict[int, dict[str, int]] = {}
        for item, refs in plan.refs:
            for name, ref in refs.items():
                key = origin_of(ref, plan.stage.takes, item)
                made = (i for i, row in self.store.rows.get(ref.table, {}).items() if row.get("origin") == key)
                found.setdefault(item, {})[name] = next(made, 0)
                if not found[item][name]:
                    raise PenstockError(f"{plan.stage.takes} {item} speaks of a row that nothing made: {key}")
        return found

    def _space(self, run: _Run, plan: Plan) -> None:
        """Between two stages the run rests as long as it was told to."""
        at_stage = [r for r in self.store.rows[plan.stage.takes].values() if r["stage"] == plan.stage.name]
        following = next((s for s in plan.pipeline.stages if s.number > plan.stage.number), None)
        if following and plan.pipeline.between_delay and not any(r["state"] in ("ready", "leased") for r in at_stage):
            run.not_before[following.name] = plan.now + plan.pipeline.between_delay

    def _make(self, run: str, plan: Plan, maker: int, row: Row) -> None:
        key = origin(plan.stage.takes, maker, row.table, row.key)
        there = self.store.rows.setdefault(row.table, {}).values()
        if any(one.get("origin") == key for one in there):
            return
        fields = dict(row.fields)
        waits = fields.pop("waits_for_me", False)
        parent = f"{plan.stage.takes}:{maker}" if waits else ""
        self.store.insert(run, plan.pipeline, row.table, {**fields, "origin": key, "parent": parent})
        if waits:
            self.store.rows[plan.stage.takes][maker]["open_children"] += 1

    def _merge(self, plan: Plan, run: str, item: int, merge: Merge) -> None:
        table = self.store.rows[plan.stage.takes]
        parent_table, _, parent = table.pop(item)["parent"].partition(":")
        if parent:
            self.store.rows[parent_table][int(parent)]["open_children"] -= 1
        if merge.stage is not None:
            self._reopen(table[merge.into])
            table[merge.into].update({**merge.fields, **FRESH, "stage": merge.stage, "state": "ready", "run": run})

    def _reopen(self, child: dict[str, Any]) -> None:
        """Its parent waits again for a child that had come to rest."""
        parent_table, _, parent = child["parent"].partition(":")
        if parent and child["state"] not in ("ready", "leased"):
            self.store.rows[parent_table][int(parent)]["open_children"] += 1

    # -- the rest -------------------------------------------------------------------------------------------

    def beat(self, batches: Sequence[Batch]) -> set[int]:
        """Extend the leases; answers the lost ones."""
        lost = set()
        for batch in batches:
            lease = self.store.leases.get(batch.id)
            if lease is None or lease.holder != self.holder:
                lost.add(batch.id)
            else:
                lease.until = self.clock.monotonic() + self.lease
        return lost

    def free_expired(self, dead: Callable[[str], bool] = lambda _holder: False) -> int:
        """Give back what expired or `dead` holders held; answers how many batches."""
        now = self.clock.monotonic()
        gone = [n for n, lease in self.store.leases.items() if lease.until < now or dead(lease.holder)]
        for number in gone:
            lease = self.store.leases.pop(number)
            charge = 1 if lease.batch.stage.per == "item" else 0
            for row in self.store.rows[lease.batch.stage.takes].values():
                if row["batch"] == number and row["state"] == "leased":
                    row.update(state="ready", batch=None, attempts=row["attempts"] - 1, losses=row["losses"] + charge)
                    if row["losses"] >= MAX_LOSSES:
                        self._set_aside(row)
        return len(gone)

    def _set_aside(self, row: dict[str, Any]) -> None:
        row.update(state="quarantined", error=f"{MAX_LOSSES} of its holders were lost", error_code="lost")
        if row["parent"]:
            parent_table, _, parent = row["parent"].partition(":")
            self.store.rows[parent_table][int(parent)]["open_children"] -= 1

    def rest(self, run: str) -> Rest:
        """Finish, pause or cancel once no batch of the run is open."""
        one = self.store.runs[run]
        if any(lease.batch.run == run for lease in self.store.leases.values()):
            return Rest(False)
        if one.status != RunState.RUNNING:
            return Rest(True)
        asked = one.pause or one.cancel or one.abort or bool(one.blocked)
        ready = [r["available_at"] for r in self.store.of(run) if r["state"] == "ready" and not r["open_children"]]
        if ready and not asked:
            return Rest(False, max(0.0, min(ready) - self.clock.monotonic()))
        one.status = _end(one)
        if one.status != RunState.PAUSED:
            for row in self.store.of(run):
                row["run"] = None if row["state"] == "ready" else run
        return Rest(True)

    def hold(self, run: str, reason: str) -> None:
        """Ask for a pause, with the reason."""
        self.store.runs[run].pause, self.store.runs[run].reason = True, reason

    def block(self, run: str, reason: str, code: str) -> None:
        """The run ends as failed."""
        one = self.store.runs[run]
        one.blocked, one.reason = one.blocked or code, one.reason or reason

    def note(self, run: str, lines: Sequence[tuple[str, str]], stage: str = "") -> None:
        """Lines for the log."""
        self.store.runs[run].lines += lines

    def peaks(self, run: str, stage: str, peaks: Mapping[str, float]) -> None:
        """Not kept."""


def _is_ready(row: Mapping[str, Any], run: str, stage: Stage) -> bool:
    return (row["run"], row["stage"], row["state"]) == (run, stage.name, "ready")


def _loaded(context: Load, found: Sequence[dict[str, Any]]) -> list[Item]:
    """Items as the stage's `load` reads them, else whole rows; the engine's own keys are added."""
    stage, rows = context.stage, {row["id"]: row for row in found}
    items = [dict(row) for row in found] if stage.load is None else stage.load(context, list(rows))
    for item in items:
        row = rows[item["id"]]
        extra = {"attempt": row["attempts"], "way": stage.way(row["attempts"]), "deaths": row["deaths"]}
        item.update(extra, ordinal=row["ordinal"])
    return items


def _end(run: _Run) -> RunState:
    if run.cancel or run.abort:
        return RunState.CANCELLED
    if run.blocked:
        return RunState.FAILED
    return RunState.PAUSED if run.pause else RunState.COMPLETED
