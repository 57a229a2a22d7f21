"""The automation page of a site: what its pipeline does now, what it did, and the switches."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from penstock.accounts.access import Role, sites_of
from penstock.accounts.credits import CREDIT
from penstock.accounts.models import Site, site_named
from penstock.console import commands, configuring, plots, verbs, zones
from penstock.console.amounts import plain
from penstock.console.roles import asks, role_at, signed_in
from penstock.console.when import lasting, when
from penstock.engine.clock import Clock, SystemClock
from penstock.engine.errors import PenstockError, Refused
from penstock.ledger import estimate, lock, runlog, schedule
from penstock.ledger.drive import ledger_of
from penstock.ledger.models import Run, Slot, StageRun
from penstock.records import automation as records

CLOCK: Clock = SystemClock()
BUSY, IDLE = 5, 30  # seconds between two looks, while a run is open and while none is
LINES = 40  # of the log
SLOTS = 10  # of the schedule


@require_safe
def chooser(request: HttpRequest) -> HttpResponse:
    """The only site's page, or a choice between the sites."""
    found = list(sites_of(signed_in(request)))
    if len(found) == 1:
        return HttpResponseRedirect(reverse("automation", args=[found[0].name]))
    listed = [(site, lock.holding(site)) for site in found]
    return render(request, "console/automation_sites.html", {"listed": listed})


@require_safe
def page(request: HttpRequest, site: str) -> HttpResponse:
    """The whole page, or the part of it that moves."""
    owner = site_named(site)
    if request.headers.get("HX-Request") == "true":
        return render(request, "console/automation_now.html", _now(owner))
    return _whole(request, owner)


@require_POST
def act(request: HttpRequest, site: str) -> HttpResponse:
    """Run now, or a verb on the open run. A refusal is told on the page."""
    owner = site_named(site)
    verb, who = request.POST.get("verb", ""), signed_in(request).name
    try:
        if verb == "run":
            verbs.start(owner, who)
        else:
            verbs.on_open_run(owner, request.POST.get("run", ""), verb, who)
    except PenstockError as error:
        return _whole(request, owner, alert=str(error), status=409)
    return HttpResponseRedirect(reverse("automation", args=[owner.name]))


@require_POST
@asks(to_act=Role.OWNER)
def release(request: HttpRequest, site: str) -> HttpResponse:
    """Let go of a site whose holder is dead."""
    owner = site_named(site)
    try:
        lock.release(owner, ledger_of(settings.PENSTOCK), signed_in(request).name)
    except Refused as error:
        return _whole(request, owner, alert=str(error), status=409)
    return HttpResponseRedirect(reverse("automation", args=[owner.name]))


@require_POST
@asks(to_act=Role.OWNER)
def configure(request: HttpRequest, site: str) -> HttpResponse:
    """Store the form, or show it again with what is wrong."""
    owner = site_named(site)
    errors = configuring.save(owner, request.POST, CLOCK, signed_in(request))
    if errors:
        form = configuring.fields(owner, request.POST, errors)
        return _whole(request, owner, form=form, wrong=len(errors), status=422)
    return HttpResponseRedirect(reverse("automation", args=[owner.name]) + "?saved=1#configuration")


def _whole(request: HttpRequest, owner: Site, status: int = 200, **more: Any) -> HttpResponse:
    one, now = schedule.of(owner), _now(owner)
    form = more.pop("form", None) or configuring.fields(owner)
    context = {
        **now, **more, "owns": role_at(request, owner) is Role.OWNER, "saved": request.GET.get("saved") == "1",
        "zones": zones.options(),
        "timed": [f for f in form if f.name in ("is_enabled", "frequency", "scheduled_time", "timezone")],
        "sizes": [f for f in form if f.name.startswith("stage_")],
        "waits": [f for f in form if f.name.endswith("_delay") or f.name == "overlap"],
        "last_at": when(one.last_run_at, owner), "next_at": when(one.next_run_at, owner),
        "slots": [(when(s.due_at, owner), s) for s in Slot.objects.filter(site=owner).order_by("-due_at")[:SLOTS]],
        "ways": commands.for_automation(owner, now["run"].id if now["run"] else ""),
    }  # fmt: skip
    return render(request, "console/automation.html", context, status=status)


def _now(owner: Site) -> dict[str, Any]:
    """What moves: from counters, the newest events and the open batch."""
    run = lock.holding(owner)
    past = records.history(owner, CLOCK)
    shown = run or Run.objects.filter(site=owner, kind=records.KIND).order_by("-started_at").defer("plan").first()
    if shown is not None:
        shown.site = owner
    held, cost = lock.view(owner, CLOCK), estimate.estimate(owner)
    stages = list(StageRun.objects.filter(run=shown).order_by("number")) if shown else []
    overview = records.pipeline_overview(owner)["stages"]
    return {
        "site": owner, "run": run, "shown": shown, "every": BUSY if run else IDLE,
        "interrupted": run is not None and lock.interrupted(run, CLOCK),
        "idle": run is not None and run.status == "running" and not held.alive,
        "cards": overview, "pending": sum(one["pending"] for one in overview if one["kind"] != "manual"),
        "review": sum(one["pending"] for one in overview if one["kind"] == "manual"),
        "processing": _processing(run, stages),
        "timeline": plots.timeline(stages, CLOCK.wall()),
        "lock": held, "lock_times": [when(at, owner) for at in (held.since, held.heartbeat_at, held.expires_at)],
        "log": runlog.tail(shown, LINES) if shown else [],
        "past": [_past(one, owner) for one in past],
        "cost": plain(cost.estimated), "balance": plain(cost.balance), "costs": cost.estimated > 0,
        "payable": cost.sufficient,
    }  # fmt: skip


def _processing(run: Run | None, stages: list[StageRun]) -> dict[str, Any] | None:
    found = records.current_processing(run, CLOCK) if run else None
    if found is None:
        return None
    return {
        **found, "title": next(one.title for one in stages if one.number == found["stage"]),
        "eta": lasting(found["eta_seconds"]),
        "items": [{**item, "lasted": lasting(item["seconds"])} for item in found["items"]],
    }  # fmt: skip


def _past(run: dict[str, Any], owner: Site) -> dict[str, Any]:
    end = run["completed_at"] or run["cancelled_at"]
    return {
        **run, "cost": plain(round(run["total_credits_used"] * CREDIT)),
        "started": when(run["started_at"], owner), "ended": when(end, owner),
        "lasted": lasting((end - run["started_at"]).total_seconds()) if end else "",
    }  # fmt: skip
