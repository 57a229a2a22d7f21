"""How a run comes to rest: whoever empties the last stage asks, one guarded UPDATE decides."""

from __future__ import annotations

from typing import Any

from django.db import connection

from penstock.engine.pipeline import Pipeline
from penstock.engine.port import Rest
from penstock.engine.states import RunState
from penstock.ledger import events, rows, runlog
from penstock.ledger import models as m
from penstock.ledger.counters import Tally
from penstock.ledger.rollback import undo_run
from penstock.ledger.tx import commits, write

commits("ledger.rest")


def rest(ledger: Any, run_id: str) -> Rest:
    """Finish, pause, cancel or fail the run when no batch of it is open; else say when more is due."""
    if m.Batch.objects.filter(run_id=run_id, open=True).exists():
        return Rest(False)
    run = m.Run.objects.select_related("site").get(id=run_id)
    if run.status != RunState.RUNNING:
        return Rest(True)
    if run.adopting:
        return Rest(False)
    pipeline = ledger.pipeline(run_id)
    tables = {stage.takes for stage in pipeline.stages}
    asked = run.pause_requested or run.cancel_requested or run.abort_requested or bool(run.blocked)
    if not asked:
        due = _due(tables, run_id)
        if due is not None:
            return Rest(False, max(0.0, due - ledger.clock.monotonic()))
    if run.blocked and not _pauses(run, pipeline) and not run.rolled_back_at:
        undo_run(run, ledger.clock.wall(), who="")
    with write("ledger.rest") as cursor:
        state = _next_state(run, pipeline)
        if m.Batch.objects.filter(run_id=run_id, open=True).exists() or (
            not asked and _due(tables, run_id) is not None
        ):
            return Rest(False)
        _close(cursor, ledger, run, state, tables)
    runlog.render(run)
    return Rest(True)


def _due(tables: set[str], run: str) -> float | None:
    with connection.cursor() as cursor:
        dues = [rows.soonest(cursor, table, run) for table in tables]
    return min((due for due in dues if due is not None), default=None)


def _next_state(run: m.Run, pipeline: Pipeline) -> RunState:
    if run.cancel_requested or run.abort_requested:
        return RunState.CANCELLED
    if run.blocked:
        return RunState.PAUSED if _pauses(run, pipeline) else RunState.FAILED
    return RunState.PAUSED if run.pause_requested else RunState.COMPLETED


def _pauses(run: m.Run, pipeline: Pipeline) -> bool:
    """Whether a blocking failure leaves what the run has done and pauses it."""
    return bool(run.plan.get("on_blocking", pipeline.on_blocking) == "pause")


def _close(cursor: Any, ledger: Any, run: m.Run, state: RunState, tables: set[str]) -> None:
    at = ledger.clock.wall()
    values: dict[str, Any] = {"status": state, "pause_requested": False}
    if state is RunState.PAUSED:
        values |= {"paused_at": at, "blocked": ""}
    else:
        values |= {"active_key": None, "completed_at": at, "recorded": False}
        values |= {"cancelled_at": at} if state is RunState.CANCELLED else {}
    if m.Run.objects.filter(id=run.id, status=RunState.RUNNING).update(**values) != 1:
        return
    if state is not RunState.PAUSED:
        _to_backlog(cursor, run, tables)
    level = "ERROR" if state is RunState.FAILED else "INFO"
    text = f"Run {run.id} {state}" + (f": {run.error_message}" if run.error_message else "")
    events.record(at, state.value, site=run.site_id, run=run.id, lines=[(level, text)])


def _to_backlog(cursor: Any, run: m.Run, tables: set[str]) -> None:
    """Unfinished rows of a terminal run belong to nobody until the next run takes them."""
    tally = Tally()
    for table in tables:
        for (stage, state), n in rows.states(cursor, table, run.id).items():
            if state == "ready":
                tally.add(run.id, table, (stage, state), -n)
                tally.add(None, table, (stage, state), n)
        model = rows.model_of(table)
        model.objects.filter(run=run.id, state="ready").update(run=None)
    tally.write(cursor, run.site_id)
