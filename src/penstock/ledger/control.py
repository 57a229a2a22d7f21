"""The verbs on runs: start, pause, resume, cancel, retry. One verb, three doors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError

from penstock.accounts.models import Site
from penstock.engine import PIPELINES
from penstock.engine.clock import Clock
from penstock.engine.errors import IllegalMove, NotFound, Refused
from penstock.engine.ids import Ids
from penstock.engine.pipeline import Pipeline
from penstock.engine.settle import FRESH
from penstock.engine.states import BROKEN, RunState
from penstock.ledger import adoption, estimate, events, retention, rows
from penstock.ledger import models as m
from penstock.ledger.counters import Tally
from penstock.ledger.tx import commits, write

commits("control.start", "control.ask", "control.retry")


def start(
    site: Site,
    clock: Clock,
    ids: Ids,
    *,
    kind: str = "run",
    pipeline: str = "",
    trigger: str = "manual",
    plan: Mapping[str, Any] | None = None,
    scope: adoption.Scope | None = None,
    retry_of: str = "",
    who: str = "",
) -> m.Run:
    """Start a run with the site's settings as they are: it takes the backlog at every stage, or the rows of `scope`.

    Raises Refused when a run of this kind is open for the site: one at a time; and when its account cannot pay.
    """
    run = begin(
        site, clock, ids, kind=kind, pipeline=pipeline, trigger=trigger, plan=plan, scope=scope, retry_of=retry_of,
        who=who,
    )  # fmt: skip
    adoption.go_on(run, clock)
    return run


def begin(
    site: Site,
    clock: Clock,
    ids: Ids,
    *,
    kind: str = "run",
    pipeline: str = "",
    trigger: str = "manual",
    plan: Mapping[str, Any] | None = None,
    scope: adoption.Scope | None = None,
    retry_of: str = "",
    who: str = "",
) -> m.Run:
    """The transaction that makes a run, with the first page of its backlog; `adoption.go_on` takes the rest."""
    at = clock.wall()
    key = f"{site.pk}:{kind}"
    _refuse_second(key, site)
    try:
        with write("control.start") as cursor:
            if kind == "run":
                estimate.refuse_unpayable(site)
            run = m.Run.objects.create(
                id=ids.run_id(at), site=site, kind=kind, pipeline=pipeline or site.pipeline, started_at=at,
                plan=dict(site.settings if plan is None else plan), active_key=key, trigger=trigger, retry_of=retry_of,
                adopting=True,
            )  # fmt: skip
            _make_stages(run, PIPELINES[run.pipeline](run))
            n = adoption.page(cursor, run, scope)
            line = f"Run {run.id} of site {site.name} started with {n} items" + " so far" * run.adopting
            events.record(at, "started", site=site.pk, run=run.id, who=who, lines=[("INFO", line)])
    except IntegrityError:
        _refuse_second(key, site)
        raise
    return run


def _refuse_second(key: str, site: Site) -> None:
    other = m.Run.objects.filter(active_key=key).first()
    if other is not None:
        raise Refused(
            f"site {site.name} has an open run, {other.id} ({other.status}); follow, resume or cancel it first",
            code="already_running",
        )


def _make_stages(run: m.Run, pipeline: Pipeline) -> None:
    m.StageRun.objects.bulk_create(
        m.StageRun(run=run, number=s.number, name=s.name, title=s.title, table=s.takes) for s in pipeline.stages
    )


def find(run_id: str) -> m.Run:
    """The run. Raises NotFound, or Refused when it was and is no longer kept."""
    run = m.Run.objects.select_related("site").filter(id=run_id).first()
    if run is None:
        retention.refuse_retired(run_id)
        raise NotFound(f"there is no run {run_id!r}; `penstock history SITE` lists them")
    return run


def pause(run: m.Run, clock: Clock, who: str = "") -> m.Run:
    """Ask for a pause; it holds after the items in flight. Raises IllegalMove unless the run is running."""
    _only(run, RunState.RUNNING, "paused")
    return _ask(run, clock, "pause", who, pause_requested=True)


def resume(run: m.Run, clock: Clock, who: str = "") -> m.Run:
    """Take a paused run up again. Raises IllegalMove unless it is paused (or about to be), or lost its holder."""
    if run.status == RunState.RUNNING and run.pause_requested and not run.blocked:
        return _ask(run, clock, "resume", who, pause_requested=False, error_message="")
    at = clock.wall()
    if run.status == RunState.RUNNING and run.interrupted and not run.blocked:
        return _ask(run, clock, "resume", who, interrupted=False, resumed_at=at)
    _only(run, RunState.PAUSED, "resumed")
    changed = {"status": RunState.RUNNING, "resumed_at": at, "error_message": "", "pause_requested": False}
    return _ask(run, clock, "resume", who, **changed, blocked="", interrupted=False)


def cancel(run: m.Run, clock: Clock, *, abort: bool = False, who: str = "") -> m.Run:
    """Ask for a cancel; with `abort` what is under way is ended too. Unfinished rows return to the backlog.

    Raises IllegalMove unless the run is open."""
    if not run.open:
        raise IllegalMove(f"run {run.id} is {run.status}; only an open run can be cancelled")
    asked = {"cancel_requested": True, "abort_requested": abort or run.abort_requested}
    return _ask(run, clock, "abort" if abort else "cancel", who, **asked, status=RunState.RUNNING)


def _only(run: m.Run, state: RunState, word: str) -> None:
    if run.status != state:
        raise IllegalMove(f"run {run.id} is {run.status}; only a {state} run can be {word}")


def _ask(run: m.Run, clock: Clock, verb: str, who: str, **values: Any) -> m.Run:
    with write("control.ask"):
        if m.Run.objects.filter(id=run.id, status=run.status).update(**values) != 1:
            raise IllegalMove(f"run {run.id} changed meanwhile; look at it again")
        line = f"{verb} asked by {who or 'the system'}"
        events.record(clock.wall(), verb, site=run.site_id, run=run.id, who=who, lines=[("INFO", line)])
    return find(run.id)


def retry(run: m.Run, clock: Clock, ids: Ids, *, stage: int | None = None, who: str = "") -> m.Run:
    """Return the failed and quarantined rows of a run to the backlog and start a run with them.

    `stage` sends them back to that stage number instead of the one at which they broke. Raises Refused when
    nothing failed, or the run is still open."""
    if run.open:
        raise Refused(f"run {run.id} is {run.status}; let it end before its failures are retried")
    retention.refuse_retired(run.id)
    if run.kind == "publish":
        raise Refused(f"run {run.id} published; `penstock publish {run.site.name}` takes up what failed")
    pipeline = PIPELINES[run.pipeline](run)
    scope: dict[str, list[int]] = {}
    with write("control.retry") as cursor:
        tally = Tally()
        moves: list[events.Move] = []
        for table in dict.fromkeys(s.takes for s in pipeline.stages):
            returned = _return_broken(cursor, run, pipeline, table, stage, tally)
            scope[table] = [move[1] for move in returned]
            moves += returned
        if not moves:
            raise Refused(f"run {run.id} has no failed or quarantined items to retry")
        tally.write(cursor, run.site_id)
        line = f"retry of {len(moves)} items asked by {who or 'the system'}"
        lines = [("INFO", line)]
        events.record(clock.wall(), "retry", site=run.site_id, run=run.id, who=who, moves=moves, lines=lines)
        return start(
            run.site, clock, ids, kind=run.kind, pipeline=run.pipeline, plan=run.plan, scope=scope,
            retry_of=run.id, who=who,
        )  # fmt: skip


def _return_broken(
    cursor: Any, run: m.Run, pipeline: Pipeline, table: str, number: int | None, tally: Tally
) -> list[events.Move]:
    broken = rows.model_of(table).objects.filter(run=run.id, state__in=[s.value for s in BROKEN])
    moves: list[events.Move] = []
    parents: set[str] = set()
    columns = ("id", "stage", "state", "parent")
    for item, at_stage, state, parent in list(broken.order_by("ordinal", "id").values_list(*columns)):
        to = _stage_for(pipeline, table, at_stage, number)
        words = pipeline.status(table, to, "ready") if pipeline.status else {}
        fields = {**words, **FRESH, "stage": to, "state": "ready", "run": None}
        rows.update_where(cursor, table, [item], fields)
        tally.add(run.id, table, (at_stage, state), -1)
        tally.add(None, table, (to, "ready"), 1)
        moves.append((table, item, f"{at_stage}/{state}", f"{to}/ready"))
        parents.add(parent)
    rows.recount_children(cursor, parents)
    return moves


def _stage_for(pipeline: Pipeline, table: str, at_stage: str, number: int | None) -> str:
    """The stage with that number, unless the item did not come that far or is of another table."""
    if number is None:
        return at_stage
    if number not in {s.number for s in pipeline.stages}:
        raise NotFound(f"pipeline {pipeline.name} has no stage {number}")
    wanted = [s for s in pipeline.stages if s.number == number and s.takes == table]
    return min([*wanted, pipeline.stage(at_stage)], key=lambda s: s.number).name
