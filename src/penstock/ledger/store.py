"""DjangoLedger: the durable answer to the loop's port. Every method is one transaction."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from django.db import IntegrityError, connection

from penstock.engine import PIPELINES
from penstock.engine.clock import Clock, boot_id
from penstock.engine.errors import Blocking, LeaseLost, NotUndone, Unavailable
from penstock.engine.ids import ProcessIdentity
from penstock.engine.outcome import Done, Merge, Retry
from penstock.engine.pipeline import Item, Pipeline, Stage
from penstock.engine.port import Batch, Requests, Rest, Result
from penstock.engine.settle import Plan
from penstock.engine.states import RunState
from penstock.ledger import AFTER_RUN, ON_SETTLED, apply, effects, events, finish, restoring, rows, runlog
from penstock.ledger import models as m
from penstock.ledger.counters import Tally
from penstock.ledger.tx import write

SHOW = 0.5  # seconds between two looks of the log file at the events while a run moves


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


class Counts(NamedTuple):
    """What a claim must know of a stage of a run."""

    number: int
    name: str
    ready: int
    leased: int
    not_before: float


def counts_of(cursor: Any, run: str) -> list[Counts]:
    """One narrow read."""
    cursor.execute(
        f"SELECT number, name, ready, leased, not_before FROM {rows.quoted(m.StageRun)} WHERE run_id=%s", [run]
    )
    return [Counts(*row) for row in cursor.fetchall()]


class DjangoLedger:
    """Ledger seconds are the system-wide monotonic clock of this boot (embedded mode)."""

    def __init__(self, clock: Clock, me: ProcessIdentity, lease: float = 60.0) -> None:
        self.clock, self.me, self.lease = clock, me, lease
        self.boot = boot_id()
        self._pipelines: dict[str, Pipeline] = {}
        self._runs: dict[str, m.Run] = {}
        self._shown: dict[str, float] = {}  # run → when its log file was last brought up to date

    # -- runs -----------------------------------------------------------------------------------------------

    def runs(self) -> list[str]:
        """Open runs that are not paused, oldest first."""
        open_runs = m.Run.objects.filter(status=RunState.RUNNING).order_by("started_at", "id")
        return list(open_runs.values_list("id", flat=True))

    def pipeline(self, run: str) -> Pipeline:
        """Built once per process from the settings that the run started with."""
        if run not in self._pipelines:
            row = self._run(run)
            self._pipelines[run] = PIPELINES[row.pipeline](row)
        return self._pipelines[run]

    def _run(self, run: str) -> m.Run:
        """The run and its site, for what never changes of them: id, site, root, plan, start."""
        if run not in self._runs:
            self._runs[run] = m.Run.objects.select_related("site").get(id=run)
        return self._runs[run]

    def requests(self, run: str) -> Requests:
        """What people asked, in one narrow read."""
        names = ("status", "pause_requested", "cancel_requested", "abort_requested", "blocked")
        status, pause, cancel, abort, blocked = m.Run.objects.values_list(*names).get(id=run)
        return Requests(pause or bool(blocked), cancel, abort, status == RunState.RUNNING)

    # -- claim ----------------------------------------------------------------------------------------------

    def claim(self, run: str, free: Mapping[str, int]) -> Batch | None:
        """Deepest ready stage first. Charges attempts, loads the items and plans their effects.

        A load that finds the run blocked, or something outside away, says so of the run; then there is nothing."""
        try:
            return self._claim(run, free)
        except Blocking as error:
            self.block(run, str(error), error.code)
        except Unavailable as error:
            self.hold(run, str(error))
        return None

    def _claim(self, run: str, free: Mapping[str, int]) -> Batch | None:
        pipeline = self.pipeline(run)
        if not self._looks_claimable(run, pipeline, free):
            return None
        with write(driver=True) as cursor:
            if self.requests(run).stop:
                return None
            stages = counts_of(cursor, run)
            open_stages = [s for s in reversed(pipeline.stages) if self._open(s, stages, pipeline, free)]
            for find in (self._candidates, self._lost):
                for stage in open_stages:
                    ids = find(cursor, run, stage)
                    if ids:
                        return self._lease(cursor, run, pipeline, stage, ids)
        return None

    def _looks_claimable(self, run: str, pipeline: Pipeline, free: Mapping[str, int]) -> bool:
        """A cheap look without the write lock, so that an idle driver does not take it."""
        with connection.cursor() as cursor:
            counts = counts_of(cursor, run)
        return any(self._open(stage, counts, pipeline, free) for stage in pipeline.stages)

    def _open(self, stage: Stage, counts: Sequence[Counts], pipeline: Pipeline, free: Mapping[str, int]) -> bool:
        mine = next(c for c in counts if c.name == stage.name)
        if not mine.ready or free.get(stage.lane, 0) <= 0 or mine.not_before > self.clock.monotonic():
            return False
        if stage.ordered and mine.leased:
            return False
        strict = not pipeline.overlap or pipeline.between_delay > 0
        upstream = sum(c.ready + c.leased for c in counts if c.number < stage.number)
        return not ((stage.barrier or strict) and upstream)

    def _candidates(self, cursor: Any, run: str, stage: Stage) -> list[int]:
        limit = stage.size if stage.per != "set" else 10**7
        now = self.clock.monotonic()
        if stage.ordered:
            return rows.ready_in_order(cursor, stage.takes, run, stage.name, now, limit)
        fresh = None if stage.per == "set" else False
        return [item for item, _ in rows.ready_ids(cursor, stage.takes, run, stage.name, now, limit, lost=fresh)]

    def _lost(self, cursor: Any, run: str, stage: Stage) -> list[int]:
        """An item whose last holder was lost: alone, and after everything else, so that kills do not gather on it."""
        if stage.ordered or stage.per == "set":
            return []
        now = self.clock.monotonic()
        return [item for item, _ in rows.ready_ids(cursor, stage.takes, run, stage.name, now, 1, lost=True)]

    def _lease(self, cursor: Any, run: str, pipeline: Pipeline, stage: Stage, ids: list[int]) -> Batch:
        now = self.clock.monotonic()
        row = self._run(run)
        batch = m.Batch.objects.create(
            run=row,
            stage=stage.name,
            holder=self.me.to_text(),
            boot=self.boot,
            until=now + self.lease,
            size=len(ids),
        )
        if rows.lease(cursor, stage.takes, ids, batch.id) != len(ids):
            raise LeaseLost
        context = Load(row, stage, batch.id)
        items = _load(context, ids)
        if stage.effects is not None:
            effects.plan(context, stage.effects(context, items))
        self._count_claim(cursor, row, stage, len(ids), now)
        return Batch(batch.id, run, stage, tuple(items))

    def _count_claim(self, cursor: Any, run: m.Run, stage: Stage, n: int, now: float) -> None:
        tally = Tally()
        tally.add(run.id, stage.takes, (stage.name, "ready"), -n)
        tally.add(run.id, stage.takes, (stage.name, "leased"), n)
        tally.write(cursor, run.site_id)
        wall = rows.prepared(m.StageRun, "started_at", self.clock.wall())
        cursor.execute(
            f"UPDATE {rows.quoted(m.StageRun)} SET batches=batches+1, not_before=%s,"
            " started_at=COALESCE(started_at, %s) WHERE run_id=%s AND name=%s",
            [now + stage.delay if stage.delay else 0.0, wall, run.id, stage.name],
        )

    # -- settle ---------------------------------------------------------------------------------------------

    def settle(self, batch: Batch, results: Sequence[Result], last: bool) -> None:
        """Write a slice. What meets a name or key that was taken meanwhile is tried again, and nothing else."""
        try:
            self._settle(batch, results, last)
        except (IntegrityError, apply.Overtaken) as error:
            if len(results) > 1 and batch.stage.per == "item" and not batch.stage.ordered:
                for result in results:
                    self.settle(batch, [result], last and result is results[-1])
                return
            self._settle(batch, [_again(result, error) for result in results], last)

    def _settle(self, batch: Batch, results: Sequence[Result], last: bool) -> None:
        pipeline = self.pipeline(batch.run)
        deaths = {item["id"]: item.get("deaths", 0) for item in batch.items}
        plan = Plan(batch.stage, pipeline, self.clock.monotonic(), deaths)
        for result in results:
            plan.take(result)
        with write(driver=True) as cursor:
            self._guard(batch, last)
            run = self._run(batch.run)
            settled = apply.write_plan(cursor, run, batch, plan, self.clock.wall())
            for hook in ON_SETTLED if plan.done else ():
                hook(run, batch.stage.name, plan.done)
        apply.place(settled.files)
        if plan.broken or plan.merges:
            self._undo(run, settled.merged, batch.stage.takes)
        if settled.merged:
            apply.drop_artefacts(m.Artefact.objects.filter(table=batch.stage.takes, item__in=settled.merged))
        if plan.merges:
            restoring.drop_ownerless(batch.run)
        if last:
            shutil.rmtree(Load(run, batch.stage, batch.id).work_dir, ignore_errors=True)
        if self.clock.monotonic() - self._shown.get(batch.run, float("-inf")) >= SHOW:
            self._shown[batch.run] = self.clock.monotonic()
            runlog.render(run)

    def _undo(self, run: m.Run, merged: Sequence[int], table: str) -> None:
        """What cannot be undone now stays marked for recovery; the run goes on."""
        try:
            effects.undo_pending(run=run.id)
            if merged:
                effects.undo_pending(of=(table, merged))
        except NotUndone as error:
            self.note(run.id, [("WARN", str(error))])

    def _guard(self, batch: Batch, last: bool) -> None:
        """The epoch: a holder that was declared dead changes nothing."""
        mine = m.Batch.objects.filter(id=batch.id, open=True, holder=self.me.to_text())
        if mine.update(open=not last, until=self.clock.monotonic() + self.lease) != 1:
            raise LeaseLost

    # -- the rest -------------------------------------------------------------------------------------------

    def beat(self, batches: Sequence[Batch]) -> set[int]:
        """One narrow UPDATE; the run shows who drives it."""
        if not batches:
            return set()
        ids = [batch.id for batch in batches]
        with write(driver=True):
            mine = m.Batch.objects.filter(id__in=ids, open=True, holder=self.me.to_text())
            mine.update(until=self.clock.monotonic() + self.lease)
            runs = m.Run.objects.filter(id__in={batch.run for batch in batches})
            runs.update(driver=self.me.to_text(), heartbeat_at=self.clock.wall(), interrupted=False)
            alive = set(mine.values_list("id", flat=True))
        return set(ids) - alive

    def rest(self, run: str) -> Rest:
        """See `finish.rest`; records are written after the commit."""
        rest = finish.rest(self, run)
        row = m.Run.objects.select_related("site").get(id=run)
        if rest.finished and not row.recorded:
            record(row)
        return rest

    def hold(self, run: str, reason: str) -> None:
        """Ask for a pause, with the reason. The first reason is the one that is told."""
        with write():
            running = m.Run.objects.filter(id=run, status=RunState.RUNNING)
            if running.filter(pause_requested=False).update(pause_requested=True, error_message=reason):
                self._say(run, [("WARN", f"Paused: {reason}")], "held")
            else:
                running.filter(error_message="").update(error_message=reason)

    def block(self, run: str, reason: str, code: str) -> None:
        """The first blocking failure is the one that is told."""
        with write():
            fresh = m.Run.objects.filter(id=run, status=RunState.RUNNING, blocked="")
            if fresh.update(blocked=code or "blocking", error_message=reason):
                self._say(run, [("ERROR", f"Blocking failure ({code}): {reason}")], "blocked")

    def note(self, run: str, lines: Sequence[tuple[str, str]], stage: str = "") -> None:
        """Lines for the run log."""
        with write():
            self._say(run, lines, "note", stage)

    def _say(self, run: str, lines: Sequence[tuple[str, str]], kind: str, stage: str = "") -> None:
        row = m.Run.objects.select_related("site").get(id=run)
        events.record(self.clock.wall(), kind, site=row.site_id, run=run, stage=stage, lines=lines)
        runlog.render_after_commit(row)

    def peaks(self, run: str, stage: str, peaks: Mapping[str, float]) -> None:
        """Written only when a peak rose."""
        row = m.StageRun.objects.get(run_id=run, name=stage)
        if peaks["cpu_percent"] > row.cpu_percent or peaks["rss_mb"] > row.rss_mb:
            row.cpu_percent = max(row.cpu_percent, peaks["cpu_percent"])
            row.rss_mb = max(row.rss_mb, peaks["rss_mb"])
            with write(driver=True):
                row.save(update_fields=["cpu_percent", "rss_mb"])


def record(run: m.Run) -> None:
    """Write what the run leaves behind; redone by recovery until it succeeded once."""
    runlog.render(run, durable=True)
    for project in AFTER_RUN:
        project(run)
    with write():
        m.Run.objects.filter(id=run.id).update(recorded=True)


def _again(result: Result, error: Exception) -> Result:
    if not isinstance(result.what, Done | Merge):
        return result
    reason = f"something was taken or changed meanwhile ({error})"
    return replace(result, what=Retry(reason, "conflict", 0.05))


def _load(context: Load, ids: Sequence[int]) -> list[Item]:
    """Items as the stage's `load` reads them, else whole rows; the engine's own keys are added."""
    base = {row["id"]: row for row in rows.read(context.stage.takes, ids)}
    load: Callable[[Any, Sequence[int]], list[Item]] | None = context.stage.load
    items = list(base.values()) if load is None else load(context, ids)
    for item in items:
        row = base[item["id"]]
        attempt = row["attempts"]
        extra = {"attempt": attempt, "way": context.stage.way(attempt), "deaths": row["deaths"]}
        item.update(extra, ordinal=row["ordinal"])
    return items
