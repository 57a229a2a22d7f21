"""Publishing from the browser: what would be sent, one last question, and what becomes of each row."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from penstock.accounts.models import Site, site_named
from penstock.console import commands
from penstock.console.listing import Filters, Listing
from penstock.console.signin import who_is
from penstock.engine.clock import SystemClock
from penstock.engine.errors import NotFound, PenstockError, Refused
from penstock.engine.ids import RandomIds
from penstock.ledger import rows
from penstock.ledger.control import find, resume
from penstock.ledger.models import Run
from penstock.publish import outbox, targets
from penstock.records import overview
from penstock.review.gate import Gate

CLOCK, IDS = SystemClock(), RandomIds()
SHOWN = 200  # rows of a view or a result
VIEWS = {
    "new": "New there", "changed": "Changed since it was published", "unchanged": "There already, as approved",
    "conflicts": "In conflict: something stands there that we did not put there", "blocked": "Cannot be sent",
}  # fmt: skip
WORDS = {
    "published": "Published", "failed": "Failed", "conflict": "Conflict", "pending": "On its way",
    "unchanged": "There already",
}  # fmt: skip
TROUBLE_FIRST = ("failed", "conflict", "pending", "published", "unchanged")


@require_http_methods(["GET", "HEAD", "POST"])
def panel(request: HttpRequest, site: str) -> HttpResponse:
    """Counts, targets, the difference when it is asked for; POST starts what was confirmed."""
    owner = site_named(site)
    listing = Listing(owner, Filters())
    chosen = targets.listed(owner)
    if request.method == "POST":
        return _start(request, owner, listing)
    target = _target(request.GET.get("target", ""), chosen)
    context = {
        "site": owner, "counts": listing.counts, "targets": chosen, "commands": commands.of(owner),
        "target": target, "open": _open(owner), "last": _last(owner),
    }  # fmt: skip
    if request.GET.get("look") == "1":
        context |= _difference(owner, target)
    part = request.headers.get("HX-Request") == "true" and "found" in context
    return render(request, "console/publish_difference.html" if part else "console/publish.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def progress(request: HttpRequest, site: str, run: str) -> HttpResponse:
    """How far a run of publishing is, row by row; POST takes up what failed, or a paused run."""
    owner, one = site_named(site), find(run)
    if one.site_id != owner.pk or one.kind != "publish":
        raise NotFound(f"site {owner.name} has no run of publishing {run!r}")
    if request.method == "POST":
        return _again(request, owner, one)
    gate = Listing(owner, Filters()).gate
    result = outbox.result(one)
    context = {
        "site": owner, "run": one, "result": result, "moving": not overview.at_rest(one), "words": WORDS,
        "rows": _titled(gate, result["rows"]), "total": len(result["rows"]),
        "more": max(0, len(result["rows"]) - SHOWN),
        "finished": sum(row["status"] != "pending" for row in result["rows"]), "commands": commands.of(owner),
        "verify": f"penstock verify {one.id}",
    }  # fmt: skip
    part = request.headers.get("HX-Request") == "true"
    return render(request, "console/publish_now.html" if part else "console/publish_run.html", context)


@require_safe
def confirm(request: HttpRequest, site: str) -> HttpResponse:
    """The last question, as a page for browsers without scripts."""
    owner = site_named(site)
    chosen = targets.listed(owner)
    context = {
        "site": owner, "counts": Listing(owner, Filters()).counts, "targets": chosen,
        "target": _target(request.GET.get("target", ""), chosen),
    }  # fmt: skip
    return render(request, "console/publish_confirm.html", context)


def _start(request: HttpRequest, owner: Site, listing: Listing) -> HttpResponse:
    """Raises Refused when other rows are approved now than were confirmed."""
    approved, told = listing.counts["Approved"], request.POST.get("count", "")
    if told != str(approved):
        raise Refused(f"{approved} photos are approved now, and {told or 'none'} were confirmed; look again")
    name = request.POST.get("target", "")
    target = _target(name, targets.listed(owner))
    if name and not target:
        raise NotFound(f"site {owner.name} has no target {name[:60]!r}")
    run = outbox.start(owner, CLOCK, IDS, who_is(request), target or None)
    return HttpResponseRedirect(reverse("publish_run", args=[owner.name, run.id]))


def _again(request: HttpRequest, owner: Site, run: Run) -> HttpResponse:
    who = who_is(request)
    following = resume(run, CLOCK, who) if run.open else outbox.start(owner, CLOCK, IDS, who)
    return HttpResponseRedirect(reverse("publish_run", args=[owner.name, following.id]))


def _difference(owner: Site, target: str) -> dict[str, Any]:
    """What a publish would do now; a target that cannot be looked at says so."""
    try:
        preview = outbox.plan(owner, target or None)
    except PenstockError as error:
        return {"found": [], "problem": str(error), "send": 0}
    found = [
        {
            "key": key,
            "words": words,
            "n": len(one := getattr(preview, key)),
            "rows": one[:SHOWN],
            "photos": len({each.item for each in one}),
        }
        for key, words in VIEWS.items()
    ]
    return {"found": [one for one in found if one["n"]], "problem": "", "send": len(preview.new) + len(preview.changed)}


def _target(name: str, known: Iterable[Any]) -> str:
    return name if name in {target.name for target in known} else ""


def _open(owner: Site) -> Run | None:
    return Run.objects.filter(active_key=f"{owner.pk}:publish").first()


def _last(owner: Site) -> Run | None:
    return Run.objects.filter(site=owner, kind="publish").order_by("-started_at").defer("plan").first()


def _titled(gate: Gate, found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The first rows, those with trouble first, with their titles."""
    order = sorted(found, key=lambda row: (TROUBLE_FIRST.index(row["status"]), row["id"]))[:SHOWN]
    titles = {row["id"]: gate.title(row) for row in rows.read(gate.table, [row["id"] for row in order])}
    return [{**row, "title": titles.get(row["id"], ""), "word": WORDS[row["status"]]} for row in order]
