"""DjangoLedger: the durable answer to the loop's port. Every method is one transaction."""

from __future__ import annotations

import logging
import shutil
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from math import ceil
from typing import Any

from django.db import IntegrityError, connection

from penstock.engine import PIPELINES
from penstock.engine.clock import Clock, boot_id
from penstock.engine.errors import Blocking, Died, LeaseLost, NotUndone, Unavailable
from penstock.engine.ids import ProcessIdentity
from penstock.engine.outcome import Done, Merge, Retry
from penstock.engine.pipeline import Pipeline
from penstock.engine.port import Batch, Requests, Rest, Result, Slice, Turned
from penstock.engine.settle import Plan
from penstock.engine.states import RunState
from penstock.ledger import AFTER_RUN, ON_SETTLED, apply, claims, effects, events, finish, restoring, rows, runlog
from penstock.ledger import models as m
from penstock.ledger.counters import Tally, counts_of
from penstock.ledger.tx import commits, write

commits(
    "ledger.turn",
    "ledger.beat",
    "ledger.hold",
    "ledger.block",
    "ledger.note",
    "ledger.peaks",
    "ledger.record",
)

_REQUESTS = "SELECT status, adopting, pause_requested, cancel_requested, abort_requested, blocked FROM {} WHERE id=%s"
SHOW = 0.5  # seconds between two looks of the log file at the events while a run moves
ANY = 10**6  # as many claims as there is room for
log = logging.getLogger(__name__)


class _Stopped(Exception):
    """A load found that its run cannot go on now."""

    def __init__(self, run: str, error: Blocking | Unavailable) -> None:
        super().__init__(str(error))
        self.run, self.error = run, error


@contextmanager
def _stopping(run: str) -> Iterator[None]:
    """A load in here that finds the run blocked, or something outside away, ends the turn."""
    try:
        yield
    except (Blocking, Unavailable) as error:
        raise _Stopped(run, error) from error


@dataclass
class _Desk:
    """What a turn works with: who claims for whom, what room is left, what moves, what was taken."""

    cursor: Any
    holder: claims.Holder
    wall: datetime
    hungry: list[str]
    room: dict[str, int]
    most: int
    tallies: dict[int, Tally] = field(default_factory=lambda: defaultdict(Tally))  # per site
    taken: list[Batch] = field(default_factory=list)

    def part(self) -> dict[str, int]:
        """The room of one of the runs that still want some."""
        return {lane: ceil(n / len(self.hungry)) for lane, n in self.room.items()}

    def take(self, tally: Tally, batches: list[Batch]) -> None:
        """Batches of one stage of one run."""
        tally.claimed(batches[0].run, batches[0].stage.name, len(batches), self.wall)
        self.room[batches[0].stage.lane] -= sum(batch.pieces for batch in batches)
        self.taken += batches


@dataclass(frozen=True)
class _Written:
    """A plan that was written in this transaction."""

    run: m.Run
    plan: Plan
    settled: apply.Settled
    closed: Sequence[Batch]


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
        """Open runs that are not paused and have their items, oldest first."""
        open_runs = m.Run.objects.filter(status=RunState.RUNNING, adopting=False).order_by("started_at", "id")
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
        with connection.cursor() as cursor:
            cursor.execute(_REQUESTS.format(rows.quoted(m.Run)), [run])
            status, adopting, pause, cancel, abort, blocked = cursor.fetchone()
        running = status == RunState.RUNNING and not adopting
        return Requests(bool(pause or blocked), bool(cancel), bool(abort), running)

    # -- claim and settle -----------------------------------------------------------------------------------

    def claim(self, run: str, free: Mapping[str, int]) -> Batch | None:
        """One batch, deepest ready stage first. Charges attempts, loads the items and plans their effects.

        A load that finds the run blocked, or something outside away, says so of the run; then there is nothing."""
        room = {lane: 1 for lane, n in free.items() if n > 0}
        found = self.turn((), [run], room, most=1).batches
        return found[0] if found else None

    def settle(self, batch: Batch, results: Sequence[Result], last: bool) -> None:
        """Write a slice. What meets a name or key that was taken meanwhile is tried again, and nothing else."""
        try:
            lost = self._turn([Slice(batch, results, last)], (), {}).lost
        except (IntegrityError, apply.Overtaken) as error:
            if len(results) > 1 and batch.stage.per == "item" and not batch.stage.ordered:
                for result in results:
                    self.settle(batch, [result], last and result is results[-1])
                return
            again = [_again(result, error) for result in results]
            lost = self._turn([Slice(batch, again, last)], (), {}).lost
        if lost:
            raise LeaseLost

    def turn(self, slices: Sequence[Slice], runs: Sequence[str], room: Mapping[str, int], most: int = ANY) -> Turned:
        """One transaction as long as nothing is in the way; else slice by slice, and nothing is claimed.

        `most` claims are made at most. Files that were made are in their places before more is claimed, for a load
        may look for them."""
        if runs and any(_makes_files(one) for one in slices):
            settled, claimed = self.turn(slices, (), {}), self.turn((), runs, room, most)
            return Turned(claimed.batches, settled.lost, claimed.barren)
        hungry = [run for run in runs if self._looks_claimable(run, room)] if not slices else list(runs)
        if not slices and not hungry:
            return Turned(barren=runs)
        try:
            return self._turn(slices, hungry, room, most)
        except (IntegrityError, apply.Overtaken, LeaseLost) as error:
            if not slices:
                raise
            log.debug("a turn is taken apart: %s", error)
        except _Stopped as stopped:
            self._stop(stopped.run, stopped.error)
        return Turned(lost=frozenset(one.batch.id for one in slices if not self._settled(one)), barren=runs)

    def _settled(self, one: Slice) -> bool:
        try:
            self.settle(one.batch, one.results, one.last)
        except LeaseLost:
            return False
        return True

    def _stop(self, run: str, error: Blocking | Unavailable) -> None:
        if isinstance(error, Blocking):
            self.block(run, str(error), error.code)
        else:
            self.hold(run, str(error))

    def _looks_claimable(self, run: str, room: Mapping[str, int]) -> bool:
        """A cheap look without the write lock, so that an idle driver does not take it."""
        pipeline, now = self.pipeline(run), self.clock.monotonic()
        with connection.cursor() as cursor:
            counts = counts_of(cursor, run)
        return any(claims.is_open(stage, counts, pipeline, room, now) for stage in pipeline.stages)

    def _turn(self, slices: Sequence[Slice], runs: Sequence[str], room: Mapping[str, int], most: int = ANY) -> Turned:
        now = self.clock.monotonic()
        holder = claims.Holder(self.me.to_text(), self.boot, now, now + self.lease)
        with write("ledger.turn", driver=True) as cursor:
            mine, lost = self._guard(cursor, slices)
            hungry = [run for run in runs if not self.requests(run).stop]
            desk = _Desk(cursor, holder, self.clock.wall(), hungry, dict(room), most)
            written = [self._write(desk, part) for part in _by_stage(mine)]
            barren = self._claim(desk)
            for site, tally in desk.tallies.items():
                tally.write(cursor, site)
        for one in written:
            self._after(one)
        return Turned(desk.taken, lost, barren)

    def _guard(self, cursor: Any, slices: Sequence[Slice]) -> tuple[list[Slice], frozenset[int]]:
        """The epoch: a holder that was declared dead changes nothing. Answers whose slices may be written."""
        mine: set[int] = set()
        for last in (False, True):
            wanted = [one.batch.id for one in slices if one.last is last]
            for part in rows.chunks(wanted):
                mine |= self._renew(cursor, part, last)
        lost = frozenset(one.batch.id for one in slices) - mine
        return [one for one in slices if one.batch.id in mine], lost

    def _renew(self, cursor: Any, ids: Sequence[int], last: bool) -> set[int]:
        """Extend or close the leases that are still held; answers which they are."""
        table, me = rows.quoted(m.Batch), self.me.to_text()
        held = f"open=%s AND holder=%s AND id IN ({rows.marks(ids)})"
        until = self.clock.monotonic() + self.lease
        sql = f"UPDATE {table} SET {rows.column(m.Batch, 'until')}=%s WHERE {held}"
        cursor.execute(sql, [until, True, me, *ids])
        mine = set(ids)
        if cursor.rowcount != len(ids):
            cursor.execute(f"SELECT id FROM {table} WHERE {held}", [True, me, *ids])
            mine = {row[0] for row in cursor.fetchall()}
        if last and mine:
            cursor.execute(f"UPDATE {table} SET open=%s WHERE id IN ({rows.marks(list(mine))})", [False, *mine])
        return mine

    def _write(self, desk: _Desk, slices: Sequence[Slice]) -> _Written:
        """Slices of one stage of one run, as one plan."""
        batch, results = slices[0].batch, [result for one in slices for result in one.results]
        died = {result.item for result in results if isinstance(result.what, Died)}
        items = ((item["id"], item) for one in slices for item in one.batch.items) if died else ()
        deaths = {number: item.get("deaths", 0) for number, item in items if number in died}
        plan = Plan(batch.stage, self.pipeline(batch.run), self.clock.monotonic(), deaths)
        for result in results:
            plan.take(result)
        run = self._run(batch.run)
        held_by = {result.item: one.batch.id for one in slices for result in one.results}
        tally, handed = desk.tallies[run.site_id], None
        if run.id in desk.hungry:
            handed = claims.hand_on(desk.cursor, run, plan, tally, desk.holder, desk.part())
        if handed is not None:
            plan.changes = handed.changes(plan)
        settled = apply.write_plan(desk.cursor, run, held_by, plan, tally, desk.wall)
        if handed is not None:
            before = {item["id"]: item for one in slices for item in one.batch.items}
            with _stopping(run.id):
                desk.take(tally, claims.handed_batches(run, handed, before, tally))
        for hook in ON_SETTLED if plan.done else ():
            hook(run, batch.stage.name, plan.done)
        return _Written(run, plan, settled, [one.batch for one in slices if one.last])

    def _after(self, written: _Written) -> None:
        """What the commit allows: files in place, effects undone, work folders gone, the log brought up to date."""
        run, plan, settled = written.run, written.plan, written.settled
        apply.place(settled.files)
        if plan.broken or plan.merges:
            self._undo(run, settled.merged, plan.stage.takes)
        if settled.merged:
            apply.drop_artefacts(m.Artefact.objects.filter(table=plan.stage.takes, item__in=settled.merged))
        if plan.merges:
            restoring.drop_ownerless(run.id)
        for batch in written.closed if plan.stage.load is not None else ():  # without a load, work knows no folder
            shutil.rmtree(claims.Load(run, batch.stage, batch.id).work_dir, ignore_errors=True)
        if self.clock.monotonic() - self._shown.get(run.id, float("-inf")) >= SHOW:
            self._shown[run.id] = self.clock.monotonic()
            runlog.render(run)

    def _claim(self, desk: _Desk) -> list[str]:
        """In rotation over the runs, each its part of the room; answers those that had nothing."""
        barren = list[str]()
        while desk.hungry and len(desk.taken) < desk.most and any(n > 0 for n in desk.room.values()):
            part, run = desk.part(), self._run(desk.hungry.pop(0))
            tally, first = desk.tallies[run.site_id], all(batch.run != run.id for batch in desk.taken)
            with _stopping(run.id):
                taken = claims.take(desk.cursor, run, self.pipeline(run.id), tally, desk.holder, part, first=first)
            if not taken:
                barren.append(run.id)
                continue
            desk.take(tally, taken)
            desk.hungry.append(run.id)
        return barren

    def _undo(self, run: m.Run, merged: Sequence[int], table: str) -> None:
        """What cannot be undone now stays marked for recovery; the run goes on."""
        try:
            effects.undo_pending(run=run.id)
            if merged:
                effects.undo_pending(of=(table, merged))
        except NotUndone as error:
            self.note(run.id, [("WARN", str(error))])

    # -- the rest -------------------------------------------------------------------------------------------

    def beat(self, batches: Sequence[Batch]) -> set[int]:
        """One narrow UPDATE; the run shows who drives it."""
        if not batches:
            return set()
        ids = [batch.id for batch in batches]
        with write("ledger.beat", driver=True):
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
        with write("ledger.hold"):
            running = m.Run.objects.filter(id=run, status=RunState.RUNNING)
            if running.filter(pause_requested=False).update(pause_requested=True, error_message=reason):
                self._say(run, [("WARN", f"Paused: {reason}")], "held")
            else:
                running.filter(error_message="").update(error_message=reason)

    def block(self, run: str, reason: str, code: str) -> None:
        """The first blocking failure is the one that is told."""
        with write("ledger.block"):
            fresh = m.Run.objects.filter(id=run, status=RunState.RUNNING, blocked="")
            if fresh.update(blocked=code or "blocking", error_message=reason):
                self._say(run, [("ERROR", f"Blocking failure ({code}): {reason}")], "blocked")

    def note(self, run: str, lines: Sequence[tuple[str, str]], stage: str = "") -> None:
        """Lines for the run log."""
        with write("ledger.note"):
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
            with write("ledger.peaks", driver=True):
                row.save(update_fields=["cpu_percent", "rss_mb"])


def record(run: m.Run) -> None:
    """Write what the run leaves behind; redone by recovery until it succeeded once."""
    runlog.render(run, durable=True)
    for project in AFTER_RUN:
        project(run)
    with write("ledger.record"):
        m.Run.objects.filter(id=run.id).update(recorded=True)


def _again(result: Result, error: Exception) -> Result:
    if not isinstance(result.what, Done | Merge):
        return result
    reason = f"something was taken or changed meanwhile ({error})"
    return replace(result, what=Retry(reason, "conflict", 0.05))


def _makes_files(one: Slice) -> bool:
    return any(isinstance(result.what, Done) and result.what.files for result in one.results)


def _by_stage(slices: Sequence[Slice]) -> list[list[Slice]]:
    """Together what is of one stage of one run, the deepest first."""
    found: dict[tuple[str, str], list[Slice]] = defaultdict(list)
    for one in slices:
        found[one.batch.run, one.batch.stage.name].append(one)
    return sorted(found.values(), key=lambda part: -part[0].batch.stage.number)
