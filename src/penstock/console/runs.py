"""The page of a run: its stages, what went wrong, what it took, its log, and what can be done with it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from penstock.console import commands, plots, runlogs, verbs
from penstock.console.listing import REVIEWED
from penstock.console.pages import past
from penstock.console.roles import signed_in
from penstock.console.when import lasting, when
from penstock.engine.clock import Clock, SystemClock
from penstock.engine.errors import PenstockError
from penstock.ledger import lock, retention
from penstock.ledger.control import find
from penstock.ledger.models import Run, StageRun
from penstock.records import overview
from penstock.records.overview import Cause

CLOCK: Clock = SystemClock()
EXAMPLES = 20  # causes that are shown
TAIL = 200  # lines of the log


@require_safe
def run(request: HttpRequest, run: str) -> HttpResponse:
    """The page, or the part of it that moves."""
    one = find(run)
    part = request.headers.get("HX-Request") == "true"
    return render(request, "console/run_now.html" if part else "console/run.html", _context(one))


@require_POST
def act(request: HttpRequest, run: str) -> HttpResponse:
    """Pause, resume, cancel, abort, retry, resolve. A refusal is told on the page."""
    one, verb, who = find(run), request.POST.get("verb", ""), signed_in(request).name
    try:
        if verb == "retry":
            one = verbs.retry(one, request.POST.get("stage", ""), who)
        elif verb == "resolve":
            retention.resolve(one, CLOCK.wall(), who)
        else:
            verbs.ask(one, verb, who)
    except PenstockError as error:
        return render(request, "console/run.html", {**_context(find(run)), "alert": str(error)}, status=409)
    return HttpResponseRedirect(reverse("run", args=[one.id]))


def _context(one: Run) -> dict[str, Any]:
    view, stages = overview.run_view(one), list(StageRun.objects.filter(run=one).order_by("number"))
    causes, broken = overview.causes(one), overview.broken(view)
    return {
        "run": one, "site": one.site, "view": view, "headline": overview.headline(view), "past": past(one, one.site),
        "moving": not overview.at_rest(one), "causes": causes[:EXAMPLES], "more_causes": max(0, len(causes) - EXAMPLES),
        "rows": [_row(stage) for stage in stages], "first": _first(one, causes), "broken": broken,
        "retriable": broken > 0 and not one.open and one.kind != "publish",
        "resolvable": not one.open and (broken > 0 or one.status == "failed"),
        "interrupted": lock.interrupted(one, CLOCK), "rolled_back": when(one.rolled_back_at, one.site),
        "timeline": plots.timeline(stages, CLOCK.wall()), "plots": _plots(stages),
        "log": runlogs.tail(one, TAIL), "ways": commands.for_run(one.site, one.id),
        "reversible": one.kind == "run" and not one.open and not one.rolled_back_at,
    }  # fmt: skip


def _row(stage: StageRun) -> dict[str, Any]:
    lasted = (stage.ended_at - stage.started_at).total_seconds() if stage.ended_at and stage.started_at else None
    return {
        "number": stage.number, "title": stage.title, "done": stage.passed, "pending": stage.ready + stage.leased,
        "failed": stage.failed, "quarantined": stage.quarantined, "retries": stage.retries, "batches": stage.batches,
        "worked": lasting(stage.seconds) if stage.seconds else "", "lasted": lasting(lasted),
    }  # fmt: skip


def _plots(stages: list[StageRun]) -> list[plots.Plot]:
    made = (
        plots.peaks("Working time, summed over items", stages, "seconds", ""),
        plots.peaks("Processor at its busiest", stages, "cpu_percent", "%"),
        plots.peaks("Memory at its largest", stages, "rss_mb", "MiB"),
    )
    return [plot for plot in made if plot is not None]


def _first(one: Run, causes: list[Cause]) -> dict[str, Any] | None:
    """The first broken row that can be looked at, else the first of any table."""
    shown = REVIEWED.get(one.site.pipeline)
    order = sorted(causes, key=lambda cause: (cause.table != shown, cause.example))
    return {"cause": order[0], "shown": order[0].table == shown} if order else None
