"""The automation API: each endpoint finds the caller's site and run, and calls the verb that the command line calls."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Router, Status

from penstock.accounts import access, credits
from penstock.accounts.access import Caller, Role
from penstock.accounts.models import Site
from penstock.api import shapes
from penstock.api.shapes import Flag, Lines, RunId, SiteId
from penstock.engine.clock import Clock, SystemClock
from penstock.engine.errors import IllegalMove, NotFound, Refused
from penstock.engine.ids import Ids, RandomIds
from penstock.ledger import configuration, control, estimate, lock, rollback, runlog
from penstock.ledger import models as m
from penstock.ledger.drive import ledger_of
from penstock.records import automation

CLOCK: Clock = SystemClock()
IDS: Ids = RandomIds()
router = Router(tags=["automation"])
PROBLEMS: dict[Any, Any] = dict.fromkeys((400, 401, 403, 404, 503), shapes.Problem)


def _answers(shape: Any, status: int = 200) -> dict[Any, Any]:
    return {status: shape, **PROBLEMS}


@router.get("config", response=_answers(shapes.Config))
def config(request: HttpRequest, site_id: SiteId) -> Any:
    """The configuration of the site; defaults where nothing was set."""
    return shapes.Config(**configuration.read(_site(request, site_id)))


@router.put("update_config", response=_answers(shapes.Config))
def update_config(request: HttpRequest, site_id: SiteId, changes: shapes.Changes) -> Any:
    """Change fields of the configuration, all or nothing. Owner."""
    site = _site(request, site_id, Role.OWNER)
    given = changes.given()
    if not given:
        return shapes.Config(**configuration.read(site))
    return shapes.Config(**configuration.change(site, given, CLOCK.wall(), _caller(request)))


@router.post("run_now", response=_answers(shapes.Started, 201))
def run_now(request: HttpRequest, site_id: SiteId) -> Any:
    """Start a run over everything that waits. Operator."""
    site = _site(request, site_id, Role.OPERATOR)
    try:
        run = control.start(site, CLOCK, IDS, who=_caller(request).name)
    except Refused as error:
        if error.code == "already_running":
            held = lock.facts(lock.view(site, CLOCK))
            error.facts = {"lock": {k: held[k] for k in ("owner", "host", "since", "heartbeat_at", "run_id")}}
        raise
    return Status(201, shapes.Started(run_id=run.id))


@router.get("current_run", response=_answers(shapes.Run | None))
def current_run(request: HttpRequest, site_id: SiteId) -> Any:
    """The running or paused run, or null."""
    found = automation.current_run(_site(request, site_id), CLOCK)
    return None if found is None else shapes.Run(**found)


@router.get("pipeline_overview", response=_answers(shapes.Overview))
def pipeline_overview(request: HttpRequest, site_id: SiteId) -> Any:
    """The stages with their counts."""
    return shapes.Overview(**automation.pipeline_overview(_site(request, site_id)))


@router.get("current_processing", response=_answers(shapes.Processing | None))
def current_processing(request: HttpRequest, site_id: SiteId, run_id: RunId) -> Any:
    """What is being worked on right now, or null when the run is not running."""
    found = automation.current_processing(_run(_site(request, site_id), run_id), CLOCK)
    return None if found is None else shapes.Processing(**found)


@router.post("pause", response=_answers(shapes.Run))
def pause(request: HttpRequest, site_id: SiteId, run_id: RunId) -> Any:
    """Stop the run after the items in flight. Operator."""
    run = _run(_site(request, site_id, Role.OPERATOR), run_id)
    return _after(run, lambda: control.pause(run, CLOCK, _caller(request).name))


@router.post("resume", response=_answers(shapes.Run))
def resume(request: HttpRequest, site_id: SiteId, run_id: RunId) -> Any:
    """Take a paused or interrupted run up again. Operator."""
    run = _run(_site(request, site_id, Role.OPERATOR), run_id)
    return _after(run, lambda: control.resume(run, CLOCK, _caller(request).name))


@router.post("cancel", response=_answers(shapes.Run))
def cancel(request: HttpRequest, site_id: SiteId, run_id: RunId, abort: Flag = False) -> Any:
    """End the run after the items in flight; with `abort` in the middle of them. Operator."""
    run = _run(_site(request, site_id, Role.OPERATOR), run_id)
    return _after(run, lambda: control.cancel(run, CLOCK, abort=abort, who=_caller(request).name))


@router.get("history", response=_answers(shapes.History))
def history(request: HttpRequest, site_id: SiteId) -> Any:
    """The last twenty runs, newest first."""
    runs = automation.history(_site(request, site_id), CLOCK)
    return shapes.History(runs=[shapes.PastRun(**run) for run in runs])


@router.get("logs", response=_answers(shapes.Log))
def logs(request: HttpRequest, run_id: RunId, lines: Lines = 100) -> Any:
    """The last lines of the run's log."""
    run = m.Run.objects.select_related("site").filter(id=run_id).first()
    if run is None or not access.sites_of(_caller(request)).filter(pk=run.site_id).exists():
        raise NotFound(_NO_RUN)
    return shapes.Log(run_id=run.id, lines=runlog.tail(run, lines))


@router.get("estimate", response=_answers(shapes.Estimate))
def estimated(request: HttpRequest, site_id: SiteId) -> Any:
    """What a run would cost now, and whether the account can bear it."""
    found = estimate.estimate(_site(request, site_id))
    return shapes.Estimate(
        estimated_credits=credits.shown(found.estimated),
        current_balance=credits.shown(found.balance),
        sufficient=found.sufficient,
    )


@router.post("rollback", response=_answers(shapes.Undone))
def roll_back(request: HttpRequest, site_id: SiteId, run_id: RunId, dry_run: Flag = False) -> Any:
    """Undo the run, never what is published. Owner."""
    run = _run(_site(request, site_id, Role.OWNER), run_id)
    if run.open:
        raise IllegalMove(f"run {run.id} is {run.status}; cancel it first", facts={"status": str(run.status)})
    who = _caller(request).name
    undone = rollback.preview(run) if dry_run else rollback.rollback(run, CLOCK.wall(), who)
    numbers = {name: getattr(undone, name) for name in ("rows", "files", "names", "skipped_published")}
    return shapes.Undone(run_id=run.id, dry_run=dry_run, **numbers)


@router.get("lock", response=_answers(shapes.Lock))
def site_lock(request: HttpRequest, site_id: SiteId) -> Any:
    """Who holds the site."""
    return shapes.Lock(**vars(lock.view(_site(request, site_id), CLOCK)))


@router.post("release_lock", response=_answers(shapes.Lock))
def release_lock(request: HttpRequest, site_id: SiteId) -> Any:
    """Let go of a site whose holder is dead. Owner."""
    from django.conf import settings

    site = _site(request, site_id, Role.OWNER)
    try:
        found = lock.release(site, ledger_of(settings.PENSTOCK), _caller(request).name)
    except Refused as error:
        error.facts = {"lock": lock.facts(lock.view(site, CLOCK))}
        raise
    return shapes.Lock(**vars(found))


_NO_RUN = "there is no such run"


def _caller(request: HttpRequest) -> Caller:
    caller: Caller = request.auth  # type: ignore[attr-defined]
    return caller


def _site(request: HttpRequest, site_id: int, needed: Role = Role.VIEWER) -> Site:
    return access.reach(_caller(request), site_id, needed)


def _run(site: Site, run_id: str) -> m.Run:
    run = m.Run.objects.select_related("site").filter(id=run_id, site=site).first()
    if run is None:
        raise NotFound(_NO_RUN)
    return run


def _after(run: m.Run, verb: Any) -> shapes.Run:
    """The run after the call; a verb that does not fit its state says which that is."""
    try:
        run = verb()
    except IllegalMove as error:
        error.facts = {"status": str(_run(run.site, run.id).status)}
        raise
    return shapes.Run(**automation.run_facts(run, CLOCK))
