"""Sites and runs: how they stand, and what to do next."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from penstock.accounts.access import sites_of
from penstock.accounts.models import Site, site_named
from penstock.accounts.sessions import caller_of
from penstock.console import commands
from penstock.console.listing import REVIEWED, status_counts
from penstock.console.when import when
from penstock.engine.states import RunState
from penstock.ledger import runlog
from penstock.ledger.control import find
from penstock.ledger.models import Run
from penstock.records import overview
from penstock.review.gate import gate_of

RUNS_SHOWN = 50
LOG_LINES = 200
LOG_BYTES = 1 << 16
EXAMPLES = 20  # causes that are shown


@dataclass(frozen=True)
class SiteView:
    """A site on the first page. `step` is (sentence, command or "", address or "")."""

    site: Site
    counts: dict[str, int]
    run: Run | None
    broken: int
    step: tuple[str, str, str]


@require_safe
def sites(request: HttpRequest) -> HttpResponse:
    """Every site that the caller reaches, with its counts, its newest run and the next step."""
    caller = caller_of(request)
    found = [_site_view(site, _newest(site)) for site in sites_of(caller)] if caller else []
    return render(request, "console/sites.html", {"found": found})


@require_safe
def runs(request: HttpRequest, site: str) -> HttpResponse:
    """The runs of a site, newest first."""
    owner = site_named(site)
    found = Run.objects.filter(site=owner).order_by("-started_at").defer("plan")[:RUNS_SHOWN]
    context = {
        "site": owner,
        "found": [_past(run, owner) for run in found],
        "most": RUNS_SHOWN,
        "commands": commands.of(owner),
    }
    return render(request, "console/runs.html", context)


@require_safe
def run(request: HttpRequest, run: str) -> HttpResponse:
    """One run: stages, causes of failures, the end of its log."""
    one = find(run)
    view = overview.run_view(one)
    causes = overview.causes(one)
    context = {
        "run": one,
        "site": one.site,
        "view": view,
        "headline": overview.headline(view),
        "past": _past(one, one.site),
        "moving": not overview.at_rest(one),
        "causes": causes[:EXAMPLES],
        "more_causes": max(0, len(causes) - EXAMPLES),
        "log": _log_tail(one),
        "steps": _run_steps(one, view),
        "reversible": one.kind == "run" and not one.open and not one.rolled_back_at,
    }
    part = request.headers.get("HX-Request") == "true"
    return render(request, "console/run_now.html" if part else "console/run.html", context)


def _newest(site: Site) -> Run | None:
    return Run.objects.filter(site=site, kind="run").order_by("-started_at").defer("plan").first()


def _site_view(site: Site, run: Run | None) -> SiteView:
    table = REVIEWED.get(site.pipeline)
    counts = status_counts(site, gate_of(table)) if table else {}
    totals: dict[str, int] = defaultdict(int)
    for (one, _, state), n in overview.site_items(site.pk).items():
        if one not in overview.BESIDE:
            totals[state] += n
    broken = totals["failed"] + totals["quarantined"]
    return SiteView(site, counts, run, broken, _next_step(site, run, counts, totals))


def _next_step(site: Site, run: Run | None, counts: dict[str, int], totals: dict[str, int]) -> tuple[str, str, str]:
    typed = commands.of(site)
    if run is not None and run.status == RunState.RUNNING:
        return "A run is at work.", "", reverse("run", args=[run.id])
    if run is not None and run.status == RunState.PAUSED:
        return "The run is paused. Go on:", f"penstock resume {run.id}", ""
    if counts.get("Pending"):
        return "Review what is waiting.", "", reverse("editor", args=[site.name])
    if counts.get("Approved"):
        return "Everything is decided. Publish what is approved:", typed["publish"], ""
    if totals["ready"]:
        return "Photos are waiting for a run:", typed["run"], ""
    if run is not None and run.status == RunState.FAILED:
        return "The last run failed. See why:", "", reverse("run", args=[run.id])
    return ("Add the next photos:" if counts.get("Published") else "Add photos:"), typed["add"], ""


def _past(run: Run, site: Site) -> dict[str, Any]:
    ended = run.completed_at or run.cancelled_at
    return {
        "id": run.id,
        "kind": run.kind,
        "status": "rolled back" if run.rolled_back_at else run.status,
        "started": when(run.started_at, site),
        "ended": when(ended, site),
        "by": f"retry of {run.retry_of}" if run.retry_of else run.trigger,
        "error": run.error_message,
    }


def _run_steps(run: Run, view: dict[str, Any]) -> list[tuple[str, str]]:
    """(why, command): what can be done with a run from a terminal."""
    steps = []
    if run.status == RunState.PAUSED or run.interrupted:
        steps.append(("Go on where it stopped", f"penstock resume {run.id}"))
    if run.status == RunState.RUNNING:
        steps.append(("Stop after the items in hand", f"penstock pause {run.id}"))
    if overview.broken(view) and not run.open:
        steps.append(("Try what failed once more", f"penstock retry {run.id}"))
    if not run.open and not run.rolled_back_at:
        steps.append(("Undo this run, except what is published", f"penstock rollback {run.id} --dry-run"))
    return steps


def _log_tail(run: Run) -> list[str]:
    """The last lines of the run's own file; from the events when the file is not there."""
    file = runlog.run_file(run)
    try:
        with file.open("rb") as stream:
            start = max(0, stream.seek(0, 2) - LOG_BYTES)
            stream.seek(start)
            lines = stream.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return runlog.tail(run, LOG_LINES)
    return lines[1 if start else 0 :][-LOG_LINES:]
