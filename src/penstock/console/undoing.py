"""Rollback of a run, and what is left of a crash: always with a preview of what it will do."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from penstock.accounts.models import Site, site_named
from penstock.console.signin import who_is
from penstock.console.when import when
from penstock.engine.clock import SystemClock
from penstock.engine.errors import Refused, UsageError
from penstock.ledger import control, rollback
from penstock.ledger.drive import ledger_of, live_driver
from penstock.ledger.models import Effect, Run
from penstock.ledger.sweep import recover
from penstock.records import overview

CLOCK = SystemClock()
FILES = 200  # files that a preview names
NUMBERS = {
    "rows": "rows that the run made are removed",
    "restored": "rows that it had taken over look as before",
    "files": "originals go back to where they came from",
    "names": "file names are free again",
    "skipped_published": "rows stay, because they are published or on their way",
}
LEFT = {
    "interrupted": "runs were interrupted",
    "starts": "runs were still taking their backlog",
    "batches": "batches belong to programs that have gone",
    "items": "items of theirs become ready again",
    "rollbacks": "rollbacks were not finished",
    "effects": "file moves are still to be undone",
    "records": "reports of ended runs were not written",
}


@require_http_methods(["GET", "HEAD", "POST"])
def roll_back(request: HttpRequest, run: str) -> HttpResponse:
    """What a rollback of this run would do; POST does exactly that, or refuses."""
    one = control.find(run)
    undone = rollback.preview(one)
    numbers = {name: getattr(undone, name) for name in NUMBERS}
    if request.method == "POST":
        if request.POST.get("rows") != str(numbers["rows"]):
            raise Refused(f"run {run} would lose {numbers['rows']} rows now, not what was shown; look again")
        rollback.rollback(one, CLOCK.wall(), who=who_is(request))
        return HttpResponseRedirect(reverse("run", args=[run]))
    context = {
        "run": one, "site": one.site, "why_not": _why_not(one), "rows": numbers["rows"],
        "numbers": [(numbers[name], words) for name, words in NUMBERS.items() if numbers[name]],
        "files": _files(one), "more": max(0, numbers["files"] - FILES),
    }  # fmt: skip
    return render(request, "console/rollback.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def crashed(request: HttpRequest, site: str) -> HttpResponse:
    """Recover crash session: what was left half done, and which runs can go on or be rolled back."""
    owner = site_named(site)
    if request.method == "POST":
        return _mend(request, owner)
    left = asdict(recover(ledger_of(settings.PENSTOCK, CLOCK), dry_run=True))
    runs = Run.objects.filter(site=owner, kind="run", rolled_back_at=None).order_by("-started_at").defer("plan")
    broken = [run for run in runs[:50] if run.interrupted or run.status in ("paused", "failed", "cancelled")]
    context = {
        "site": owner, "left": [(left[name], words) for name, words in LEFT.items() if left[name]],
        "runs": [_session(run) for run in broken],
    }  # fmt: skip
    return render(request, "console/recover.html", context)


def _mend(request: HttpRequest, owner: Site) -> HttpResponse:
    """Take a run up again, or bring in order what no program works on any more."""
    if request.POST.get("resume"):
        run = control.find(request.POST["resume"])
        if run.site_id != owner.pk:
            raise UsageError("this form is not of this site; load the page again")
        control.resume(run, CLOCK, who_is(request))
        return HttpResponseRedirect(reverse("run", args=[run.id]))
    lock = live_driver(settings.PENSTOCK)
    if lock is None:
        raise Refused(
            "a Penstock program works on this home, recovered it when it started, and frees what others left by"
            " itself; what still stands here after a minute is told in the run's log"
        )
    try:
        recover(ledger_of(settings.PENSTOCK, CLOCK))
    finally:
        lock.release()
    return HttpResponseRedirect(reverse("recover", args=[owner.name]))


def _why_not(run: Run) -> str:
    """Why a run cannot be rolled back now; "" when it can."""
    if run.kind != "run":
        return "Only a run over photos can be rolled back; what was published is taken back with unpublish."
    if run.open:
        return f"It is {run.status}. Cancel it first; then it can be rolled back."
    return "It was rolled back already." if run.rolled_back_at else ""


def _files(run: Run) -> list[tuple[str, str]]:
    """(where it is, where it goes) of originals that were moved or copied."""
    found = Effect.objects.filter(run=run.id, state__in=["planned", "done", "undoing"]).order_by("id")[:FILES]
    return [(one.target, one.source if one.kind == "move" else "") for one in found]


def _session(run: Run) -> dict[str, Any]:
    view = overview.run_view(run)
    return {
        "run": run, "headline": overview.headline(view), "started": when(run.started_at, run.site),
        "resumable": run.status == "paused", "reversible": not run.open,
    }  # fmt: skip
