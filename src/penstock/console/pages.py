"""Sites and runs: how they stand, and what to do next."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from penstock.accounts.access import Caller, sites_of
from penstock.accounts.models import Site, site_named
from penstock.console import commands, settingup, zones
from penstock.console.listing import REVIEWED, status_counts
from penstock.console.roles import signed_in
from penstock.console.when import when
from penstock.engine.states import RunState
from penstock.ledger.models import Run
from penstock.records import overview
from penstock.review.gate import gate_of

RUNS_SHOWN = 50


@dataclass(frozen=True)
class SiteView:
    """A site on the first page. `step` is (sentence, command or "", address)."""

    site: Site
    counts: dict[str, int]
    run: Run | None
    broken: int
    step: tuple[str, str, str]


@require_safe
def sites(request: HttpRequest) -> HttpResponse:
    """Every site that the caller reaches, with its counts, its newest run and the next step."""
    return render(request, "console/sites.html", sites_context(signed_in(request)))


@require_safe
def runs(request: HttpRequest, site: str) -> HttpResponse:
    """The runs of a site, newest first."""
    owner = site_named(site)
    found = Run.objects.filter(site=owner).order_by("-started_at").defer("plan")[:RUNS_SHOWN]
    context = {
        "site": owner,
        "found": [past(run, owner) for run in found],
        "most": RUNS_SHOWN,
        "commands": commands.of(owner),
    }
    return render(request, "console/runs.html", context)


def sites_context(caller: Caller) -> dict[str, Any]:
    """The page of all sites, with the form for another one where the caller may make one."""
    found = [_site_view(site, _newest(site)) for site in sites_of(caller)]
    return {"found": found, "zones": zones.options(), **settingup.form(caller)}


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
        return "The run is paused. Go on", f"penstock resume {run.id}", reverse("automation", args=[site.name])
    if counts.get("Pending"):
        return "Review what is waiting.", "", reverse("editor", args=[site.name])
    if counts.get("Approved"):
        return (
            "Everything is decided. Publish what is approved",
            typed["publish"],
            reverse("publish", args=[site.name]),
        )
    if totals["ready"]:
        return "Photos are waiting for a run", typed["run"], reverse("automation", args=[site.name])
    if run is not None and run.status == RunState.FAILED:
        return "The last run failed. See why", "", reverse("run", args=[run.id])
    words = "Add the next photos" if counts.get("Published") else "Add photos"
    return words, typed["add"], reverse("sets", args=[site.name])


def past(run: Run, site: Site) -> dict[str, Any]:
    """A run in one line."""
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
